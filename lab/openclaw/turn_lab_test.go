//go:build lab

package openclaw_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/openseawall/seawall/lab/model"
	"github.com/openseawall/seawall/lab/netns"
	"github.com/openseawall/seawall/lab/openclaw"
)

const key = "sk-lab-0123456789"

// TestTurn has a real OpenClaw run a command that the model asks for, in each
// wire format, with nothing between the two.
func TestTurn(t *testing.T) {
	net := netns.New(t)
	l, err := net.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := model.Serve(l, key, nil)
	t.Cleanup(func() { _ = m.Close() })

	var providers []openclaw.Provider
	for _, api := range model.APIs {
		providers = append(providers, openclaw.Provider{ID: string(api), API: api, BaseURL: m.BaseURL(api), Key: key})
	}
	oc := openclaw.Start(t, openclaw.Options{NetNS: net, Providers: providers})

	for _, p := range providers {
		t.Run(p.ID, func(t *testing.T) {
			file := filepath.Join(oc.Workspace, p.ID+".txt")
			args := fmt.Sprintf(`{"command":"printf 'grüße' > %s"}`, file)
			m.Play(model.Steps(
				model.Reply(model.Think("A file, then."), model.Say("I will write it."), model.Use("exec", args).In(9)),
				model.Reply(model.Say("It is written: done.").In(5)),
				model.Reply(model.Say("You are welcome.")),
			))
			s, err := oc.Session(t.Context(), p.Ref())
			if err != nil {
				t.Fatal(err)
			}
			reply, err := s.Turn(t.Context(), "write the file")
			if err != nil {
				t.Fatal(err)
			}
			if reply.State != "final" || !strings.HasSuffix(reply.Text, "It is written: done.") {
				t.Errorf("the agent answered %s: %s", reply.State, reply.Raw)
			}
			if b, err := os.ReadFile(file); err != nil || string(b) != "grüße" {
				t.Errorf("the command wrote %q, %v", b, err)
			}
			if reply, err := s.Turn(t.Context(), "thank you"); err != nil || reply.Text != "You are welcome." {
				t.Errorf("the agent answered %s, %v", reply.Raw, err)
			}
			asked := m.Requests()
			if len(asked) != 3 {
				t.Fatalf("the model was asked %d times, not three", len(asked))
			}
			for _, r := range asked {
				if r.Refused != "" || !r.Stream {
					t.Errorf("a request (stream %t) was refused: %s", r.Stream, r.Refused)
				}
			}
			if said := asked[0].LastUser(); said != "write the file" {
				t.Errorf("the model heard %q", said)
			}
			if _, ok := asked[1].LastResult(); !ok {
				t.Error("the second request brought no result")
			}
		})
	}
}
