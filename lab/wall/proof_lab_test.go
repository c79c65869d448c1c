//go:build lab

package wall

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openseawall/seawall/lab/model"
)

// TestProof is a real OpenClaw under watch: what is in the path is proven, and
// each way past it is noticed within a minute.
func TestProof(t *testing.T) {
	t.Parallel()
	w := build(t)
	t.Run("each route is proven", func(t *testing.T) { provenByCanary(t, w) })
	t.Run("calls are matched", func(t *testing.T) { matchedCalls(t, w) })
	good := w.config(t)
	t.Run("the plugin is taken out", func(t *testing.T) {
		w.change(t, func(c map[string]any) { delete(c["plugins"].(map[string]any), "entries") })
		w.noticed(t, "OpenClaw no longer asks before it runs a call")
		w.write(t, good)
		w.well(t)
	})
	t.Run("a second provider by hand", func(t *testing.T) {
		w.change(t, func(c map[string]any) { w.addDirect(c) })
		w.noticed(t, "OpenClaw would call direct, which does not pass the door")
		w.write(t, good)
		w.well(t)
	})
	t.Run("a second provider by environment", func(t *testing.T) {
		w.restart(t, "XAI_API_KEY=xai-lab-0123456789abcdef")
		w.noticed(t, "OpenClaw would call xai, which does not pass the door")
		w.restart(t, "")
		w.well(t)
	})
	t.Run("a connection past the door", func(t *testing.T) {
		w.change(t, func(c map[string]any) { w.addDirect(c) })
		// As long as a model's answer takes: connections are looked at each second.
		answer := model.Reply(model.Say("Past the door.").In(9))
		answer.Delay = time.Second
		w.model.Play(model.Steps(answer))
		s, err := w.agent.Session(t.Context(), "direct/lab-1")
		if err != nil {
			t.Fatal(err)
		}
		say(t, s, "hello")
		w.noticed(t, "was connected with 127.0.0.1")
		w.noticed(t, "a model call went past the door: provider direct")
	})
	t.Run("the record tells of it", func(t *testing.T) {
		out, _ := w.run("log")
		for _, want := range []string{"OpenClaw would call direct", "OpenClaw would call xai", "was connected with 127.0.0.1"} {
			if !strings.Contains(out, want) {
				t.Errorf("it does not say %q:\n%s", want, out)
			}
		}
	})
}

// standing is what `seawall status --json` says.
type standing struct {
	Good   bool
	Routes []struct {
		Provider, Standing, Unproven string
		Used                         bool
		Proven                       time.Time
	}
	Problems []struct{ What, Fix string }
	Plugins  []struct {
		Silent bool
		Calls  int `json:"matched_calls"`
	}
	Watched []struct {
		Version     string
		Passed      string `json:"last_passed"`
		Connections struct{ Door int }
	}
}

func (w *wall) standing(t *testing.T) (s standing, code int) {
	t.Helper()
	out, code := w.run("status", "--json")
	if err := json.Unmarshal([]byte(out), &s); err != nil {
		t.Fatalf("seawall status --json: exit %d: %v: %s", code, err, out)
	}
	return s, code
}

// within waits until what status says is so.
func (w *wall) within(t *testing.T, what string, so func(standing, int) bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Second) {
		s, code := w.standing(t)
		if so(s, code) {
			return
		}
		if time.Now().After(deadline) {
			out, _ := w.run("status")
			t.Fatalf("not within %s: %s\n%s\n%+v", patience, what, out, s)
		}
	}
}

// noticed wants a problem in status and in what `up` prints, and exit status 1.
func (w *wall) noticed(t *testing.T, problem string) {
	t.Helper()
	w.within(t, problem, func(s standing, code int) bool {
		return code == 1 && !s.Good && slices.ContainsFunc(s.Problems, func(p struct{ What, Fix string }) bool {
			return strings.Contains(p.What, problem) && p.Fix != ""
		})
	})
	if out, code := w.run("status"); code != 1 || !strings.Contains(out, problem) || !strings.HasPrefix(out, "Watching, not protecting.") {
		t.Errorf("seawall status: exit %d: %s", code, out)
	}
	if !strings.Contains(w.up.Output(), problem) {
		t.Error("seawall up does not say it")
	}
}

// well wants everything to be as it should be, and every route proven anew.
func (w *wall) well(t *testing.T) {
	t.Helper()
	began := time.Now()
	w.within(t, "all is well", func(s standing, code int) bool {
		for _, r := range s.Routes {
			if slices.Contains([]string{string(model.Chat), string(model.Responses), string(model.Anthropic)}, r.Provider) && (r.Unproven != "" || r.Proven.Before(began)) {
				return false
			}
		}
		return code == 0 && s.Good
	})
}

// provenByCanary: the door answers for each route, the model is never asked, and
// OpenClaw keeps nothing of it.
func provenByCanary(t *testing.T, w *wall) {
	w.model.Play(model.Steps(model.Reply(model.Say("The model was asked."))))
	w.well(t)
	if asked := w.model.Requests(); len(asked) != 0 {
		t.Errorf("the model was asked %d times: %s", len(asked), asked[0].Body)
	}
	s, _ := w.standing(t)
	if len(s.Watched) != 1 || s.Watched[0].Version == "" {
		t.Errorf("the watch saw %+v", s.Watched)
	}
	raw, err := w.agent.Call(t.Context(), "sessions.list", map[string]any{})
	var sessions struct{ Count int }
	if err != nil || json.Unmarshal(raw, &sessions) != nil || sessions.Count != 0 {
		t.Errorf("OpenClaw keeps sessions: %s, %v", raw, err)
	}
	if out, _ := w.run("log"); strings.Contains(out, "seawall-proof") {
		t.Errorf("the record tells of canaries:\n%s", out)
	}
	if out, code := w.run("status"); code != 0 || !strings.Contains(out, "routes by a canary, last at") || !strings.Contains(out, "which Seawall was tested with") {
		t.Errorf("seawall status: exit %d: %s", code, out)
	}
}

func matchedCalls(t *testing.T, w *wall) {
	before, _ := w.standing(t)
	w.model.Play(model.Steps(model.Reply(model.Say("Hello."))))
	say(t, w.session(t, model.Chat), "hello")
	w.within(t, "the call is matched", func(s standing, code int) bool {
		return code == 0 && len(s.Plugins) == 1 && !s.Plugins[0].Silent && s.Plugins[0].Calls > before.Plugins[0].Calls && s.Watched[0].Connections.Door > 0
	})
}

// addDirect adds a provider that leads straight to the model.
func (w *wall) addDirect(c map[string]any) {
	providers := c["models"].(map[string]any)["providers"].(map[string]any)
	provider := map[string]any{}
	for k, v := range providers[string(model.Chat)].(map[string]any) {
		provider[k] = v
	}
	provider["baseUrl"], provider["apiKey"] = w.model.BaseURL(model.Chat), realKey
	providers["direct"] = provider
}

// restart starts OpenClaw anew, with one more variable.
func (w *wall) restart(t *testing.T, variable string) {
	t.Helper()
	if err := w.agent.Stop(); err != nil {
		t.Fatal(err)
	}
	var err error
	if w.agent, err = w.home.With(variable).Start(t.Context()); err != nil {
		t.Fatal(fmt.Errorf("starting OpenClaw again: %w", err))
	}
}
