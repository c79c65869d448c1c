package openclaw

import "testing"

func TestParseRuntime(t *testing.T) {
	for _, tt := range []struct {
		text string
		want Runtime
		ok   bool
	}{
		{"Runtime: agent=main | session=agent:main:main | sessionId=5f1c | host=vps", Runtime{"main", "agent:main:main", "5f1c"}, true},
		{"## Runtime\nRuntime: agent=work | host=vps\nmore", Runtime{Agent: "work"}, true},
		{"a sentence about the Runtime", Runtime{}, false},
		{"", Runtime{}, false},
	} {
		got, ok := ParseRuntime(tt.text)
		if got != tt.want || ok != tt.ok {
			t.Errorf("%q: %+v, %v; want %+v, %v", tt.text, got, ok, tt.want, tt.ok)
		}
	}
}

func TestParseWorkspace(t *testing.T) {
	for text, want := range map[string]string{
		"You are an assistant.\n## Workspace\nWorking directory: /home/claw/ws\nSingle global file workspace.\n# AGENTS.md\n## Workspace\nWorking directory: /": "/home/claw/ws",
		"x\n## Directory Roles\nWorking directory: /srv/a b (tools and deliverables).\nAgent workspace: /home/claw/ws (AGENTS.md)":                              "/srv/a b",
		"Working directory: /": "",
		"":                     "",
	} {
		if got := ParseWorkspace(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
