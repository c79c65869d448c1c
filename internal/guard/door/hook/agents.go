package hook

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/openseawall/seawall/internal/state"
)

// agentsFile holds the agents whose plugin was installed.
const agentsFile = "hooks.json"

// Agent is an OpenClaw that has the plugin.
type Agent struct {
	Config string `json:"config"` // path of its openclaw.json
	Token  string `json:"token"`  // what the plugin shows to the door
	Plugin string `json:"plugin"` // folder of the plugin
}

// NewToken returns a token for an agent's plugin. It is no key for any
// provider.
func NewToken() string { return "seawall-hook-" + rand.Text() + rand.Text() }

// SaveAgents writes the agents of a state directory; none removes the file.
func SaveAgents(dir *state.Dir, agents []Agent) error {
	if len(agents) == 0 {
		return dir.Remove(agentsFile)
	}
	content, err := json.MarshalIndent(agents, "", "  ")
	if err != nil {
		return fmt.Errorf("writing the agents that have the plugin: %w", err)
	}
	return dir.Write(agentsFile, append(content, '\n'))
}

// LoadAgents reads the agents of a state directory; none is no error.
func LoadAgents(dir *state.Dir) ([]Agent, error) {
	var agents []Agent
	if _, err := dir.Load(agentsFile, &agents, "run `seawall disconnect`, then `seawall connect` again"); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(agents, func(a Agent) bool { return a.Token == "" }), nil
}

// whose returns the agent that a token belongs to.
func whose(agents []Agent, token string) (config string, ok bool) {
	for _, a := range agents {
		if subtle.ConstantTimeCompare([]byte(a.Token), []byte(token)) == 1 {
			config, ok = a.Config, true
		}
	}
	return config, ok
}
