package wire

import "testing"

func TestWithhold(t *testing.T) {
	for _, c := range []struct {
		name, body, want string
		api              API
		types            []string // withheld
	}{
		{"one of two", `{"model":"m", "tools":[{"type":"function","function":{"name":"exec"}}, {"type":"web_search"}],"tool_choice":"auto"}`,
			`{"model":"m", "tools":[{"type":"function","function":{"name":"exec"}}],"tool_choice":"auto"}`, Chat, []string{"web_search"}},
		{"options", `{"model":"m","web_search_options":{},"n":1}`, `{"model":"m","n":1}`, Chat, []string{"web_search"}},
		{"all", `{"tools":[{"type":"web_search"},{"type":"code_interpreter","container":{"type":"auto"}}],"tool_choice":"required","input":"x"}`,
			`{"input":"x"}`, Responses, []string{"web_search", "code_interpreter"}},
		{"the first, which was chosen", `{"tools":[{"type":"mcp","server_url":"https://x.example"},{"type":"function","name":"exec"}],"tool_choice":{"type":"mcp"},"input":"x"}`,
			`{"tools":[{"type":"function","name":"exec"}],"input":"x"}`, Responses, []string{"mcp"}},
		{"servers", `{"tools":[{"type":"web_search_20250305","name":"web_search"}],"mcp_servers":[{"type":"url","name":"a","url":"https://a.example"}],"max_tokens":1}`,
			`{"tools":[{"type":"web_search_20250305","name":"web_search"}],"max_tokens":1}`, Anthropic, []string{"mcp"}},
		{"of the client", `{"tools":[{"type":"bash_20250124","name":"bash"}]}`, `{"tools":[{"type":"bash_20250124","name":"bash"}]}`, Anthropic, []string{"bash_20250124"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			q, err := ParseRequest(c.api, []byte(c.body))
			if err != nil {
				t.Fatal(err)
			}
			var withheld []OfferedTool
			for _, tool := range q.Hosted() {
				for _, kind := range c.types {
					if tool.Hosted == kind {
						withheld = append(withheld, tool)
					}
				}
			}
			out, err := q.Withhold([]byte(c.body), withheld)
			if err != nil || string(out) != c.want {
				t.Errorf("%s, %v\nwant %s", out, err, c.want)
			}
		})
	}
}
