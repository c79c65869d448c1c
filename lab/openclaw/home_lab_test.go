//go:build lab

package openclaw_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/openseawall/seawall/lab/capture"
	"github.com/openseawall/seawall/lab/model"
	"github.com/openseawall/seawall/lab/netns"
	"github.com/openseawall/seawall/lab/openclaw"
)

// nobody is a user that owns nothing on the machine.
const nobody = 54321

// feed is what OpenClaw asks for during a turn, and no setting of this version
// keeps it from it: its plugin catalogue, at clawhub.ai/v1/feeds/plugins.
const feed = "clawhub.ai."

// TestQuiet has a gateway of an ordinary user's do a turn, from a shell, in a
// network with a way out: nothing but the model is spoken to.
func TestQuiet(t *testing.T) {
	net := netns.New(t)
	if err := net.Outward(); err != nil {
		t.Fatal(err)
	}
	seen, err := capture.Start(net)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := model.Serve(l, key, model.Steps(
		model.Reply(model.Use("exec", `{"command":"id -u > uid.txt"}`)),
		model.Reply(model.Say("Done.")),
	))
	t.Cleanup(func() { _ = m.Close() })
	oc := openclaw.Start(t, openclaw.Options{
		NetNS: net, UID: nobody, GID: nobody,
		Providers: []openclaw.Provider{{ID: "chat", API: model.Chat, BaseURL: m.BaseURL(model.Chat), Key: key}},
	})
	reply, err := oc.Agent(t.Context(), "who are you?")
	if err != nil {
		t.Fatal(err)
	}
	if reply.State != "final" || reply.Text != "Done." {
		t.Errorf("the agent answered %s", reply.Raw)
	}
	if b, err := os.ReadFile(filepath.Join(oc.Workspace, "uid.txt")); err != nil || string(bytes.TrimSpace(b)) != fmt.Sprint(nobody) {
		t.Errorf("the command ran as %q, %v", b, err)
	}
	flows, err := seen.Stop()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range capture.Outward(flows) {
		if f.Asked != feed {
			t.Errorf("it spoke to the world: %v", f)
		}
	}
	if len(flows) == 0 {
		t.Error("the capture saw nothing at all")
	}
}

// TestCommandLine uses OpenClaw without a gateway.
func TestCommandLine(t *testing.T) {
	net := netns.New(t)
	l, err := net.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := model.Serve(l, key, model.Always(model.Reply(model.Say("Hello."))))
	t.Cleanup(func() { _ = m.Close() })
	h := openclaw.New(t, openclaw.Options{
		NetNS:     net,
		Providers: []openclaw.Provider{{ID: "claude", API: model.Anthropic, BaseURL: m.BaseURL(model.Anthropic), Key: key}},
	})
	t.Run("config validate", func(t *testing.T) {
		if err := h.ConfigValidate(t.Context(), h.Config); err != nil {
			t.Error(err)
		}
		bad := filepath.Join(t.TempDir(), "bad.json")
		if err := os.WriteFile(bad, []byte(`{"gateway":{"bnid":"lan"}}`), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := h.ConfigValidate(t.Context(), bad); err == nil || !strings.Contains(err.Error(), "bnid") {
			t.Errorf("a config with a slip is answered by %v", err)
		}
	})
	t.Run("agent --local", func(t *testing.T) {
		reply, err := h.Local(t.Context(), "hello")
		if err != nil || reply.Text != "Hello." {
			t.Errorf("%+v, %v", reply, err)
		}
	})
}
