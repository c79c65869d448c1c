package wire

import (
	"regexp"
	"slices"
)

// clientRun are types of tools that are declared like those of the provider,
// and whose calls the agent gets and runs.
var clientRun = regexp.MustCompile(`^(bash|text_editor|computer|memory|local_shell|shell|apply_patch)(_|$)`)

// Hosted are the tools that the provider runs by itself: nobody sees a call of
// them before it ran, and the declaration is all there is to judge.
func (q *Request) Hosted() []OfferedTool {
	var hosted []OfferedTool
	for _, t := range q.Tools {
		if t.Hosted != "" && !clientRun.MatchString(t.Hosted) {
			hosted = append(hosted, t)
		}
	}
	return hosted
}

// Withhold takes the declarations of hosted tools out of a body of the
// request, and the choice of a tool that may be one of them; every other byte
// is as it was.
func (q *Request) Withhold(body []byte, tools []OfferedTool) ([]byte, error) {
	var t tree
	root, err := t.parse(body)
	if err != nil {
		return nil, err
	}
	withheld := func(v value) bool {
		return slices.ContainsFunc(tools, func(o OfferedTool) bool { return string(v.raw()) == string(o.Declared) })
	}
	var ed edits
	gone := map[int32]bool{}
	for _, name := range []string{"tools", "mcp_servers"} {
		list, left, lost := root.get(name), 0, 0
		for v := list.items(); v.ok(); v = v.next() {
			if withheld(v) {
				lost++
			} else {
				left++
			}
		}
		switch {
		case lost > 0 && left == 0:
			gone[list.i] = true
		case lost > 0:
			ed.drop(list, withheld)
		}
		if choice := root.get("tool_choice"); lost > 0 && name == "tools" && (left == 0 || choice.kind() == '{') {
			gone[choice.i] = true
		}
	}
	if options := root.get("web_search_options"); options.ok() && withheld(options) {
		gone[options.i] = true
	}
	ed.drop(root, func(v value) bool { return gone[v.i] })
	return ed.apply(nil, body), nil
}
