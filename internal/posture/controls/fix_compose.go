package controls

import (
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/posture"
	"github.com/openseawall/seawall/internal/posture/change"
)

// added makes the fix that gives a service of OpenClaw's a key it has not got:
// what the key needs is known, and nothing that works stops working. It patches
// the text, so that comments and order stay; it takes effect with the next
// docker compose up. Beside some keys it would be a second say, and is refused.
func added(key, line string, bad func(host.ComposeService) bool, beside ...string) fix {
	return func(f *posture.Facts) (all []change.Change, err error) {
		var refused []error
		for _, file := range f.Compose.Value {
			for _, s := range file.Services {
				if !s.OpenClaw || !bad(s) {
					continue
				}
				patch, err := patch(file, s.Name, key, line, beside)
				if err != nil {
					refused = append(refused, err)
					continue
				}
				all = append(all, changes(fmt.Sprintf("give %s %s (then: docker compose up -d)", s.Name, key), change.Safe, patch)...)
			}
		}
		if len(refused) == 1 {
			return all, refused[0]
		}
		return all, errors.Join(refused...)
	}
}

// patch makes a patch that writes a line as the first of a service, or its item
// as the first of the list that is there.
func patch(file host.ComposeFile, service, key, line string, not []string) (change.Text, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(file.Text), &doc); err != nil || len(doc.Content) == 0 {
		return change.Text{}, posture.Refuse("%s does not parse", file.Path)
	}
	body := child(child(doc.Content[0], "services"), service)
	if body == nil || body.Kind != yaml.MappingNode || body.Style == yaml.FlowStyle || len(body.Content) == 0 {
		return change.Text{}, posture.Refuse("%s of %s is not written as a block: add %s by hand", service, file.Path, line)
	}
	for _, other := range not {
		if child(body, other) != nil {
			return change.Text{}, posture.Refuse("%s of %s has %s already: add %s by hand", service, file.Path, other, line)
		}
	}
	first, before := body.Content[0], line+"\n"
	if list := child(body, key); list != nil {
		_, item, isList := strings.Cut(line, "[")
		if list.Kind != yaml.SequenceNode || len(list.Content) == 0 || !isList {
			return change.Text{}, posture.Refuse("%s of %s has %s already: make it %s by hand", service, file.Path, key, line)
		}
		first, before = list.Content[0], strings.TrimSuffix(item, "]")+", "
		if list.Style != yaml.FlowStyle {
			before = "- " + strings.TrimSuffix(item, "]") + "\n"
		}
	}
	return insertBefore(file, first, before, line)
}

// insertBefore makes the patch that writes something before a node, at its column
// where it is a line of its own.
func insertBefore(file host.ComposeFile, node *yaml.Node, text, line string) (change.Text, error) {
	lines := strings.SplitAfter(file.Text, "\n")
	at := lines[node.Line-1]
	column := node.Column - 1
	own := strings.HasSuffix(text, "\n")
	if own { // an item's node begins behind its dash
		column = len(at) - len(strings.TrimLeft(at, " "))
	}
	patched := at[:column] + text + at[column:]
	if own {
		patched = at[:column] + text + at
	}
	// As many lines as it takes to be the only place in the file.
	for end := node.Line; end <= len(lines); end++ {
		rest := strings.Join(lines[node.Line:end], "")
		if strings.Count(file.Text, at+rest) == 1 {
			return change.Text{Path: file.Path, Old: at + rest, New: patched + rest}, nil
		}
	}
	return change.Text{}, posture.Refuse("the place is in %s more than once: add %s by hand", file.Path, line)
}

// child returns the value of a key of a mapping, or nil.
func child(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}
