//go:build lab

package debian

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/openseawall/seawall/lab/model"
	"github.com/openseawall/seawall/lab/netns"
	"github.com/openseawall/seawall/lab/openclaw"
)

// TestOpenClawWithoutSeawall: a real OpenClaw that was behind the service takes
// a turn without it at the end of `seawall remove`, with its own key.
func TestOpenClawWithoutSeawall(t *testing.T) {
	deb, err := seawallDeb()
	if err != nil {
		t.Fatal(err)
	}
	n := netns.New(t)
	l, err := n.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := model.Serve(l, realKey, model.Func(answer))
	t.Cleanup(func() { _ = m.Close() })
	agent := openclaw.Start(t, openclaw.Options{NetNS: n, UID: 1000, GID: 1000,
		Providers: []openclaw.Provider{{ID: "lab", API: model.Chat, BaseURL: m.BaseURL(model.Chat), Key: realKey}}})
	config := filepath.Join(agent.State, "openclaw.json")
	d := Start(t, n, filepath.Dir(agent.Package())+":/usr/lib/node_modules:ro", agent.Dir+":"+agent.Dir)
	d.Copy(t, deb, "/root/seawall.deb")
	d.Shell(t, "useradd --uid 1000 openclaw; dpkg -i /root/seawall.deb; seawall install --yes; seawall connect --yes --openclaw "+config)

	m.Play(model.Steps(model.Reply(model.Use("exec", `{"command":"true"}`)), model.Reply(model.Say("the tide is low"))))
	reply, err := agent.Agent(t.Context(), "how is the tide?")
	if err != nil || !strings.Contains(reply.Text, "the tide is low") {
		t.Fatalf("behind Seawall: %v %s", err, reply.Raw)
	}
	if calls := d.Shell(t, "seawall log --tool exec | wc -l"); strings.TrimSpace(calls) == "0" {
		t.Error("the turn did not pass Seawall")
	}
	m.Play(model.Func(answer))
	contains(t, d.Shell(t, "seawall remove --yes --turn"), "close the doors", "OpenClaw works without Seawall", "the tide is low")
	if len(m.Requests()) == 0 {
		t.Error("the model was not asked")
	}
}
