package approval

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Argument is one argument of an action: a text as it is, anything else as JSON.
type Argument struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Arguments are those of the action as it will run, in their order. Where they
// cannot be taken apart they are one, without a name.
func (q Question) Arguments() (all []Argument) {
	d := jsontext.NewDecoder(strings.NewReader(q.Args))
	if t, err := d.ReadToken(); err != nil || t.Kind() != '{' {
		return []Argument{{Value: q.Args}}
	}
	for d.PeekKind() == '"' {
		name, err := d.ReadToken()
		if err != nil {
			break
		}
		key := name.String()
		value, err := d.ReadValue()
		if err != nil {
			break
		}
		text := string(value)
		if value.Kind() == '"' {
			_ = json.Unmarshal(value, &text)
		}
		all = append(all, Argument{key, text})
	}
	if t, err := d.ReadToken(); err != nil || t.Kind() != '}' {
		return []Argument{{Value: q.Args}}
	}
	return all
}

// maxBrief is how many characters the shortest text may have by which a question
// can be judged.
const maxBrief = 120

// Brief is the shortest text by which a question can be judged: the tool, and
// what of it is dangerous or decides.
func (q Question) Brief() string {
	return shorten(cmp.Or(q.Row.Tool, "a call")+": "+q.piece(), maxBrief)
}

// piece is what says most of an action.
func (q Question) piece() string {
	if e := q.Row.Effects; e != nil {
		for _, d := range e.Dangers {
			if e.Evidence[d] != "" {
				return e.Evidence[d]
			}
		}
	}
	args := q.Arguments()
	for _, name := range []string{"command", "code", "action", "to", "target", "url", "path"} {
		if i := slices.IndexFunc(args, func(a Argument) bool { return a.Name == name }); i > 0 {
			args[0], args[i] = args[i], args[0]
		}
	}
	var said []string
	for _, a := range args {
		said = append(said, a.Value)
	}
	return strings.Join(strings.Fields(strings.Join(said, " ")), " ")
}

func shorten(s string, limit int) string {
	if runes := []rune(s); len(runes) > limit {
		return strings.TrimSpace(string(runes[:limit-1])) + "…"
	}
	return s
}
