package openclaw

import (
	"strings"
	"testing"
)

func TestUnrouted(t *testing.T) {
	const door = `models: { providers: { main: { baseUrl: "http://127.0.0.1:4999/main/v1", apiKey: "sk-seawall-ABCDEFGHIJKLMNOPQRSTUVWX" }, other: { baseUrl: "http://127.0.0.1:4999/other/v1" } } },`
	for name, c := range map[string]struct {
		text string
		env  []Credential
		past string
		all  bool
	}{
		"connected":            {`{ ` + door + ` agents: { defaults: { model: { primary: "main/m", fallbacks: ["other/m"] } } } }`, nil, "", false},
		"a provider by hand":   {`{ ` + door + ` agents: { defaults: { model: { primary: "main/m", fallbacks: ["anthropic/x"] } } } }`, nil, "anthropic", false},
		"one by a variable":    {`{ ` + door + ` agents: { defaults: { model: "main/m" } } }`, []Credential{{Provider: "xai", Type: "api_key", Env: "XAI_API_KEY"}}, "xai", false},
		"one with a key":       {`{ models: { providers: { main: { baseUrl: "http://127.0.0.1:4780/main/v1" }, hand: { baseUrl: "https://hand.example.test/v1", apiKey: "key-by-hand-0000000001" } } }, agents: { defaults: { model: "main/m" } } }`, nil, "hand", false},
		"not connected":        {`{ agents: { defaults: { model: "anthropic/x" } } }`, nil, "anthropic", true},
		"an address elsewhere": {`{ models: { providers: { main: { baseUrl: "http://192.0.2.1:4780/main/v1" } } }, agents: { defaults: { model: "main/m" } } }`, nil, "main", true},
		"nothing in use":       {`{ agents: { defaults: { model: "main/m" } }, models: { providers: { main: { baseUrl: "http://127.0.0.1:4780/main/v1" }, idle: { baseUrl: "https://idle.example.test/v1" } } } }`, nil, "", false},
	} {
		past, all := Install{Config: mustParse(t, c.text), Credentials: c.env}.Unrouted()
		var names []string
		for _, r := range past {
			names = append(names, r.ID)
		}
		if got := strings.Join(names, " "); got != c.past || all != c.all {
			t.Errorf("%s: past the door are %q, all of them %v", name, got, all)
		}
	}
}
