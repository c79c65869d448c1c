package operator

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/openseawall/seawall/internal/effect"
	"github.com/openseawall/seawall/internal/state"
)

// ToolsFile holds what the operator has settled that tools do whose names and
// descriptions do not say it: {"zorp": ["read"]}.
const ToolsFile = "tools.json"

// Kinds are what a tool may be settled to do.
var Kinds = []effect.Kind{effect.Read, effect.Write, effect.Execute, effect.Send, effect.Spend, effect.Destroy, effect.Widen}

// SettleTool says what a tool does from now on; without kinds it is again as its name
// and description say.
func SettleTool(dir *state.Dir, tool string, kinds ...effect.Kind) error {
	return dir.Change(ToolsFile, func(old []byte) ([]byte, error) {
		all, err := parseTools(dir.Path(ToolsFile), old)
		if err != nil {
			return nil, err
		}
		if len(kinds) == 0 {
			delete(all, tool)
		} else {
			all[tool] = kinds
		}
		return json.MarshalIndent(all, "", "  ")
	})
}

// AllSettled are the tools that the operator has settled; none is no error.
func AllSettled(dir *state.Dir) (map[string][]effect.Kind, error) {
	all := map[string][]effect.Kind{}
	_, err := dir.Load(ToolsFile, &all, "delete it, and settle the tools again")
	return all, err
}

func parseTools(path string, content []byte) (map[string][]effect.Kind, error) {
	all := map[string][]effect.Kind{}
	if len(content) == 0 {
		return all, nil
	}
	if err := json.Unmarshal(content, &all); err != nil {
		return nil, fmt.Errorf("%s is damaged: delete it, and settle the tools again", path)
	}
	for tool, kinds := range all {
		for _, k := range kinds {
			if !slices.Contains(Kinds, k) {
				return nil, fmt.Errorf("%s says that %s does %q; it may be read, write, execute, send, spend, destroy or widen", path, tool, k)
			}
		}
	}
	return all, nil
}

// Settled is what the operator has settled that a tool does, as the file has it
// now; nil leaves it to its name. A file that cannot be read settles nothing.
func (d *Desk) Settled(tool string) []effect.Kind {
	kinds, _ := d.tools.Get(d.dir, ToolsFile, func() (kinds map[string][]effect.Kind, _ error) {
		if content, err := d.dir.Read(ToolsFile); err == nil {
			kinds, _ = parseTools(ToolsFile, content)
		}
		return kinds, nil
	})
	return kinds[tool]
}
