package model

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/openseawall/seawall/internal/guard/wire"
	lab "github.com/openseawall/seawall/lab/model"
)

// noSearch is a policy under which the provider may not search the web.
const noSearch = `permit (principal, action, resource);
@name("no-search") @reason("nothing is searched for here")
forbid (principal, action == Action::"call", resource == Tool::"web_search");
`

// Tools that the provider runs are judged by their declaration: one that may
// not run is not declared, and the rest of the request is as it was.
func TestHostedToolsAreJudgedByTheirDeclaration(t *testing.T) {
	for _, c := range []struct {
		api                wire.API
		body, sent, judged string
	}{
		{wire.Chat, `{"model":"m","web_search_options":{},"messages":[{"role":"user","content":"hi"}]}`,
			`{"model":"m","messages":[{"role":"user","content":"hi"}]}`, "web_search"},
		{wire.Responses, `{"model":"m","tools":[{"type":"web_search_preview"},{"type":"code_interpreter","container":{"type":"auto"}},{"type":"mcp","server_label":"a","server_url":"https://a.example","authorization":"mcp-token-1"}],"input":"hi"}`,
			`{"model":"m","tools":[{"type":"code_interpreter","container":{"type":"auto"}},{"type":"mcp","server_label":"a","server_url":"https://a.example","authorization":"mcp-token-1"}],"input":"hi"}`, "web_search code_interpreter mcp"},
		{wire.Anthropic, `{"model":"m","max_tokens":9,"tools":[{"type":"web_search_20250305","name":"web_search"},{"type":"bash_20250124","name":"bash"}],"messages":[{"role":"user","content":"hi"}]}`,
			`{"model":"m","max_tokens":9,"tools":[{"type":"bash_20250124","name":"bash"}],"messages":[{"role":"user","content":"hi"}]}`, "web_search"},
	} {
		t.Run(string(c.api), func(t *testing.T) {
			p := play(t, lab.Reply(lab.Say("hello")))
			s := open(t, p.Server, options{policy: noSearch, path: map[wire.API]string{wire.Chat: "/v1", wire.Responses: "/v1"}[c.api]})
			res := s.do(s.request(http.MethodPost, paths[c.api], c.body))
			if res.StatusCode != http.StatusOK {
				t.Fatalf("%s: %s", res.Status, res.body)
			}
			if sent := p.asked(); sent == nil || string(sent.Body) != c.sent {
				t.Errorf("the provider got %s\nwant %s", sent.Body, c.sent)
			}
			var judged []string
			for _, row := range s.record.all() {
				if row.Act == "call" {
					judged = append(judged, row.Tool)
				}
				if strings.Contains(row.Detail, "mcp-token-1") {
					t.Error("the record holds the token of a server")
				}
			}
			if got := strings.Join(judged, " "); got != c.judged {
				t.Errorf("judged are %s, want %s", got, c.judged)
			}
		})
	}
}

// A turn that goes on from what only the provider knows is recorded as such,
// and does not go on where that is not possible.
func TestUnseenConversationIsRecorded(t *testing.T) {
	p := play(t, lab.Reply(lab.Say("hello")), lab.Reply(lab.Say("hello")))
	s := open(t, p.Server, options{path: "/v1"})
	const body = `{"model":"m","previous_response_id":"resp_1","input":"go on"}`
	if res := s.do(s.request(http.MethodPost, paths[wire.Responses], body)); res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", res.Status, res.body)
	}
	found := false
	for _, row := range s.record.all() {
		found = found || row.Kind == "event" && strings.Contains(row.Why, "origin of what is in it is unknown")
	}
	if !found {
		t.Errorf("the record says nothing of it: %+v", s.record.all())
	}
	s.record.fail(errors.New("the disk is full"))
	if res := s.do(s.request(http.MethodPost, paths[wire.Responses], body)); strings.Contains(res.body, "hello") {
		t.Error("it goes on although it could not be recorded")
	}
}
