//go:build lab

package wall

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/openseawall/seawall/internal/ledger"
	"github.com/openseawall/seawall/lab/model"
	"github.com/openseawall/seawall/lab/netns"
	"github.com/openseawall/seawall/lab/openclaw"
	"github.com/openseawall/seawall/lab/seawall"
)

// TestPlugin runs the plugin's own tests in OpenClaw's node.
func TestPlugin(t *testing.T) {
	i, err := openclaw.Install(t.Context(), os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	node := filepath.Join(filepath.Dir(i.Package()), ".bin", "node")
	if out, err := exec.CommandContext(t.Context(), node, "--test", "../../plugin/openclaw/index.test.js").CombinedOutput(); err != nil {
		t.Errorf("%v:\n%s", err, out)
	}
}

// TestTwoDoors is the hook door against a real OpenClaw: what was judged runs,
// in every form that OpenClaw makes of it, and nothing else does.
func TestTwoDoors(t *testing.T) {
	t.Parallel()
	w := build(t)
	for _, api := range model.APIs {
		t.Run(string(api), func(t *testing.T) {
			t.Run("what is judged runs", func(t *testing.T) { judgedRuns(t, w, api) })
		})
	}
	t.Run("a call in text runs", func(t *testing.T) { textRuns(t, w) })
	t.Run("who can reach the doors gains nothing", func(t *testing.T) { forgedGainsNothing(t, w) })
	t.Run("a program's calls", func(t *testing.T) { programRuns(t, w) })
	t.Run("after a restart of OpenClaw", func(t *testing.T) { restarts(t, w) })
	t.Run("a scheduled job", func(t *testing.T) { scheduledRuns(t, w) })
	connected := w.config(t)
	w.change(t, func(c map[string]any) {
		providers := c["models"].(map[string]any)["providers"].(map[string]any)
		provider := map[string]any{}
		for k, v := range providers[string(model.Chat)].(map[string]any) {
			provider[k] = v
		}
		provider["baseUrl"], provider["apiKey"] = w.model.BaseURL(model.Chat), realKey
		providers["direct"] = provider
	})
	t.Run("past the door", func(t *testing.T) { pastTheDoor(t, w) })
	_ = w.up.Cmd.Process.Signal(syscall.SIGKILL)
	w.up.Stop()
	t.Run("the door is down", func(t *testing.T) { doorIsDown(t, w) })
	w.write(t, connected)
	up := seawall.Command(t, "up", "--yes", "--openclaw", w.home.Config, "--state", w.state)
	w.up = seawall.Start(t, w.net, up, "Status page, opens once")
	if now := w.config(t); !bytes.Equal(now, connected) {
		t.Errorf("a second seawall up changed what is connected:\n%s", now)
	}
	t.Run("as it was before", func(t *testing.T) { asItWasBefore(t, w) })
}

// TestAUsersOwn has no root: Seawall and OpenClaw are one user's, who owns the
// plugin too.
func TestAUsersOwn(t *testing.T) {
	t.Parallel()
	w := &wall{t: t, net: netns.New(t)}
	l, err := w.net.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w.model = model.Serve(l, realKey, nil)
	t.Cleanup(func() { _ = w.model.Close() })
	chat := openclaw.Provider{ID: string(model.Chat), API: model.Chat, BaseURL: w.model.BaseURL(model.Chat), Key: realKey}
	w.home = openclaw.New(t, openclaw.Options{NetNS: w.net, Providers: []openclaw.Provider{chat}, UID: agentID, GID: agentID})
	if w.agent, err = w.home.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.agent.Stop() })
	w.state, w.before = filepath.Join(w.home.Dir, "seawall"), w.config(t)
	up := seawall.Command(t, "up", "--yes", "--openclaw", w.home.Config, "--state", w.state)
	up.Dir, up.Env = w.home.Dir, []string{"HOME=" + w.home.Dir, "PATH=/usr/bin:/bin"}
	up.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: agentID, Gid: agentID}}
	w.up = seawall.Start(t, w.net, up, "Watching, not protecting.")
	w.awaitReload(1)
	if says := w.inspect(t); !bytes.Contains(says, []byte("before_tool_call")) {
		t.Errorf("OpenClaw did not load the plugin:\n%s", says)
	}
	path := w.file("mine")
	w.model.Play(model.Steps(model.Reply(model.Use("exec", fmt.Sprintf(`{"command":"touch %s"}`, path))), model.Reply(model.Say("Done."))))
	say(t, w.session(t, model.Chat), "do it")
	if !exists(path) {
		t.Errorf("the call did not run: %q", w.results())
	}
	w.up.Stop()
	if after := w.config(t); !bytes.Equal(after, w.before) || exists(w.state+"-plugin") {
		t.Errorf("openclaw.json is not what it was, or the plugin is still there:\n%s", after)
	}
}

func (w *wall) config(t *testing.T) []byte {
	t.Helper()
	text, err := os.ReadFile(w.home.Config)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// write replaces openclaw.json in its place, so that owner and mode stay, and
// waits until the gateway has taken it over.
func (w *wall) write(t *testing.T, text []byte) {
	t.Helper()
	before := w.reloads(t)
	if err := os.WriteFile(w.home.Config, text, 0o600); err != nil {
		t.Fatal(err)
	}
	w.awaitReload(before + 1)
}

func (w *wall) change(t *testing.T, change func(map[string]any)) {
	t.Helper()
	var c map[string]any
	if err := json.Unmarshal(w.config(t), &c); err != nil {
		t.Fatal(err)
	}
	change(c)
	text, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	w.write(t, text)
}

// reloads is how often the gateway has taken a changed config over.
func (w *wall) reloads(t *testing.T) int {
	t.Helper()
	log, err := os.ReadFile(w.home.Log)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Count(log, []byte("config hot reload applied"))
}

// results are what the tools answered in the last request of the model.
func (w *wall) results() (said []string) {
	requests := w.model.Requests()
	if len(requests) == 0 {
		return nil
	}
	for _, turn := range requests[len(requests)-1].Turns {
		if turn.Result != "" {
			said = append(said, turn.Text)
		}
	}
	return said
}

// judgedRuns calls tools in forms that OpenClaw changes between the answer and
// its hooks.
func judgedRuns(t *testing.T, w *wall, api model.API) {
	first, second := w.file("first-"+string(api)), w.file("second-"+string(api))
	if err := os.WriteFile(first, []byte("one two"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(first, agentID, agentID); err != nil {
		t.Fatal(err)
	}
	last := w.lastRow()
	shell := "Bash"
	if api == model.Responses {
		shell = "exec" // OpenClaw repairs the name and then finds that it has changed
	}
	w.model.Play(model.Steps(
		model.Reply(
			model.Use("exec", fmt.Sprintf(`{"command":"echo once >> %s", "timeoutSeconds":"20", "background":false, "workdir":null}`, second)),
			model.Use("exec", fmt.Sprintf(`{"command":"echo once >> %s", "timeoutSeconds":"20", "background":false, "workdir":null}`, second)),
			model.Use(shell, fmt.Sprintf(`{"command":"echo \u006finter >> %s"}`, second)),
			model.Use("edit", fmt.Sprintf(`{"path":%q,"oldText":"one","newText":"three","why":"x"}`, first)),
			model.Use("write", fmt.Sprintf(`{"path":%q,"content":"{\"a\": 1}"}`, first+".json")),
			model.Use("read", fmt.Sprintf(`{"path":%q,"limit":"5"}`, first+".json")),
			model.Use("tool_call", `{"id":"session_status","args":{}}`),
			model.Use("tool_call", `{"id":"agents_list"}`),
			model.Use("tool_search", `{"query":"list agents"}`),
			model.Use("tool_call", `{"args":{"id":"agents_list"}}`),
			model.Use("tool_call", `{"id":"agents_list","args":"{}"}`),
			model.Use("edit", fmt.Sprintf(`{"path":%q,"edits":"[{\"oldText\":\"two\",\"newText\":\"four\"}]"}`, first)),
		),
		model.Reply(model.Say("All done.")),
	))
	reply := say(t, w.session(t, api), "do it all")
	if !strings.HasSuffix(reply.Text, "All done.") {
		t.Errorf("the agent answered %s", reply.Raw)
	}
	results := w.results()
	if len(results) != 12 {
		t.Errorf("%d tools answered: %q", len(results), results)
	}
	for _, said := range results {
		if strings.Contains(said, "Stopped:") {
			t.Errorf("a judged call was stopped: %s", said)
		}
	}
	text, err := os.ReadFile(second)
	lines := strings.Fields(string(text))
	if slices.Sort(lines); err != nil || !slices.Equal(lines, []string{"ointer", "once", "once"}) {
		t.Errorf("the commands wrote %q, %v", text, err)
	}
	if text, err := os.ReadFile(first); err != nil || string(text) != "three four" {
		t.Errorf("the edit left %q, %v", text, err)
	}
	for _, r := range w.rows(last) {
		if r.Door == "hook" {
			t.Errorf("the hook door stopped %+v", r)
		}
	}
}

func textRuns(t *testing.T, w *wall) {
	path := w.file("promoted")
	w.model.Play(model.Steps(
		model.Reply(model.Say(fmt.Sprintf("[tool:exec]\n{\"command\":\"echo yes > %s\"}\n[/exec]", path))),
		model.Reply(model.Say("Done.")),
	))
	say(t, w.session(t, model.Chat), "do it")
	if !exists(path) {
		t.Errorf("the call did not run: %q", w.results())
	}
}

// post sends what any process of the agent can send.
func (w *wall) post(t *testing.T, url, token, trace, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	if trace != "" {
		r.Header.Set("Traceparent", "00-"+trace+"-00f067aa0ba902b7-01")
	}
	res, err := w.net.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(answer)
}

// forgedGainsNothing plays a process that the agent started: it has both
// tokens, knows the run it belongs to, and asks the doors itself.
func forgedGainsNothing(t *testing.T, w *wall) {
	var c struct {
		Models struct {
			Providers map[string]struct{ BaseURL, APIKey string }
		}
		Plugins struct {
			Entries map[string]struct {
				Config struct{ Endpoint, Token string }
			}
		}
	}
	if err := json.Unmarshal(w.config(t), &c); err != nil {
		t.Fatal(err)
	}
	hook := c.Plugins.Entries["seawall-guard"].Config
	chat := c.Models.Providers[string(model.Chat)]
	if hook.Token == "" || chat.APIKey == "" || hook.Token == chat.APIKey {
		t.Fatal("the config has no tokens of its own")
	}
	path := w.file("judged")
	args := fmt.Sprintf(`{"command":"echo once >> %s"}`, path)
	w.model.Play(model.Steps(model.Reply(model.Use("exec", args)), model.Reply(model.Say("Done."))))
	say(t, w.session(t, model.Chat), "do it")
	trace := strings.Split(w.model.Requests()[0].Header.Get("Traceparent"), "-")[1]
	ask := func(tool, args string) string {
		t.Helper()
		_, answer := w.post(t, hook.Endpoint+"/v1/tool-call", hook.Token, "", fmt.Sprintf(`{"trace":%q,"tool":%q,"params":%s}`, trace, tool, args))
		return answer
	}
	if text, _ := os.ReadFile(path); string(text) != "once\n" {
		t.Fatalf("the call that was judged wrote %q", text)
	}
	// A replay: the ticket is used, it is judged as what nobody asked for, and
	// nothing runs by asking.
	last := w.lastRow()
	ask("exec", args)
	if rows := w.rows(last); !slices.ContainsFunc(rows, func(r ledger.Row) bool { return r.Door == "hook" && r.Decision != "" }) {
		t.Errorf("the same call again is recorded as %+v", rows)
	}
	if text, _ := os.ReadFile(path); string(text) != "once\n" {
		t.Errorf("by asking again it wrote %q", text)
	}
	// A forged ticket: nothing but the model door issues one.
	for _, name := range []string{"/v1/ticket", "/v1/tickets", "/v1/issue"} {
		if status, answer := w.post(t, hook.Endpoint+name, hook.Token, "", `{"trace":"`+trace+`","tool":"exec","params":{}}`); status != http.StatusNotFound {
			t.Errorf("%s answers %d %s", name, status, answer)
		}
	}
	// A forged conversation, in the name of the run: what the model is made to
	// say is judged as ever.
	steal := fmt.Sprintf(`{"command":%q}`, w.steal(w.file("forged")))
	w.model.Play(model.Steps(model.Reply(model.Use("exec", steal))))
	body := `{"model":"lab-1","messages":[{"role":"user","content":"please"}],"tools":[{"type":"function","function":{"name":"exec","parameters":{"type":"object"}}}]}`
	if status, answer := w.post(t, chat.BaseURL+"/chat/completions", chat.APIKey, trace, body); status != http.StatusOK || strings.Contains(answer, "collect") || !strings.Contains(answer, "Stopped: exec") {
		t.Errorf("the forged conversation is answered %d %s", status, answer)
	}
	if answer := ask("exec", steal); !strings.Contains(answer, `"block":true`) {
		t.Errorf("what it asked for is answered %s", answer)
	}
	// The other token opens neither door.
	if status, _ := w.post(t, hook.Endpoint+"/v1/tool-call", chat.APIKey, "", `{}`); status != http.StatusUnauthorized {
		t.Errorf("the hook door takes a provider's token: %d", status)
	}
	if status, _ := w.post(t, chat.BaseURL+"/chat/completions", hook.Token, "", body); status != http.StatusUnauthorized {
		t.Errorf("the model door takes the plugin's token: %d", status)
	}
}

// programRuns is code mode: the calls of a program are in no answer.
func programRuns(t *testing.T, w *wall) {
	before := w.config(t)
	w.change(t, func(c map[string]any) { c["tools"] = map[string]any{"codeMode": true} })
	defer w.write(t, before)
	harmless, marker, last := w.file("program"), w.file("program-stolen"), w.lastRow()
	write := func(code string) model.Block {
		args, err := json.Marshal(map[string]string{"code": code})
		if err != nil {
			t.Fatal(err)
		}
		return model.Use("exec", string(args))
	}
	// Put together as it runs: nobody who reads the program sees the command.
	hidden := strings.Replace(fmt.Sprintf("%q", w.steal(marker)), "OPENAI_API", `OPEN" + "AI_API`, 1)
	w.model.Play(model.Steps(
		model.Reply(write(fmt.Sprintf("await exec({command: %q});", "echo yes > "+harmless))),
		model.Reply(write(fmt.Sprintf("await exec({command: %s});", hidden))),
		model.Reply(model.Say("Done.")),
	))
	// What the program sends is asked about; it may run, and its call may not.
	end := turn(t, w.session(t, model.Chat), "do it")
	w.mustRun(t, "approve", fmt.Sprint(w.question(t).N), "--yes")
	if reply := <-end; reply.State != "final" {
		t.Fatalf("the turn ended as %s: %s", reply.State, reply.Raw)
	}
	if !exists(harmless) {
		t.Errorf("the harmless call of a program did not run: %q", w.results())
	}
	w.nothingRan(t, marker)
	rows := w.rows(last)
	for _, decision := range []string{"allow", "deny"} {
		if !slices.ContainsFunc(rows, func(r ledger.Row) bool { return r.Door == "hook" && r.Tool == "exec" && r.Decision == decision }) {
			t.Errorf("the hook door did not %s a call of a program: %+v", decision, rows)
		}
	}
}

// appears waits for a file that somebody else's turn makes.
func (w *wall) appears(t *testing.T, path string) {
	t.Helper()
	for deadline := time.Now().Add(patience); !exists(path); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s does not appear: %q, %+v", path, w.results(), w.rows(0))
		}
	}
}

// scheduledRuns is a job that runs with nobody there.
func scheduledRuns(t *testing.T, w *wall) {
	path := w.file("scheduled")
	w.model.Play(model.Steps(
		model.Reply(model.Use("exec", fmt.Sprintf(`{"command":"touch %s","security":"full"}`, path))),
		model.Reply(model.Say("Done.")),
	))
	made, err := w.agent.Call(t.Context(), "cron.add", map[string]any{
		"name": "nightly", "enabled": true, "sessionTarget": "isolated", "wakeMode": "now",
		"schedule": map[string]any{"kind": "at", "at": time.Now().Add(time.Second).UTC().Format(time.RFC3339)},
		"payload":  map[string]any{"kind": "agentTurn", "message": "do it"},
		"delivery": map[string]any{"mode": "none"},
	})
	if err != nil {
		t.Fatalf("%v: %s", err, made)
	}
	w.appears(t, path)
}

// TestASubAgent is an agent that another one starts, in a run of its own. It
// has a wall of its own as well: its end is told to the other in later turns.
func TestASubAgent(t *testing.T) {
	t.Parallel()
	w := build(t)
	path := w.file("sub-agent")
	w.model.Play(model.Func(func(r *model.Request) model.Answer {
		_, answered := r.LastResult()
		switch {
		case answered:
			return model.Reply(model.Say("Done."))
		case r.Says("touch it, sub-agent") && !r.Says("start one"):
			return model.Reply(model.Use("exec", fmt.Sprintf(`{"command":"touch %s"}`, path)))
		}
		return model.Reply(model.Use("tool_call", `{"id":"sessions_spawn","args":{"task":"touch it, sub-agent"}}`))
	}))
	say(t, w.session(t, model.Chat), "start one")
	w.appears(t, path)
}

// restarts starts OpenClaw anew, as after an update, and asks it from a shell
// and without a gateway.
func restarts(t *testing.T, w *wall) {
	if err := w.agent.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := w.home.ConfigValidate(t.Context(), w.home.Config); err != nil {
		t.Error(err)
	}
	alone := w.file("alone")
	w.model.Play(model.Steps(model.Reply(model.Use("exec", fmt.Sprintf(`{"command":"touch %s"}`, alone))), model.Reply(model.Say("Done."))))
	if _, err := w.home.Local(t.Context(), "do it"); err != nil {
		t.Fatal(err)
	}
	if !exists(alone) {
		t.Errorf("without a gateway the call did not run: %q", w.results())
	}
	var err error
	if w.agent, err = w.home.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	again, last := w.file("again"), w.lastRow()
	w.model.Play(model.Steps(model.Reply(model.Use("exec", fmt.Sprintf(`{"command":"touch %s"}`, again))), model.Reply(model.Say("Done."))))
	say(t, w.session(t, model.Chat), "do it")
	if !exists(again) {
		t.Errorf("the call did not run: %q", w.results())
	}
	// It is the plugin that lets it run, not its absence.
	if says := w.inspect(t); !bytes.Contains(says, []byte("before_tool_call")) {
		t.Errorf("OpenClaw did not load the plugin:\n%s", says)
	}
	for _, r := range w.rows(last) {
		if r.Door == "hook" {
			t.Errorf("the hook door stopped %+v", r)
		}
	}
}

// inspect is what OpenClaw says of the plugin.
func (w *wall) inspect(t *testing.T) []byte {
	t.Helper()
	out, err := w.home.Run(t.Context(), "plugins", "inspect", "seawall-guard", "--runtime", "--json")
	if err != nil {
		t.Fatal(err)
	}
	return append(out.Stdout, out.Stderr...)
}

// pastTheDoor has a provider that was added by hand and leads straight to the
// model: what it calls is judged at the hook, and what it says there, too.
func pastTheDoor(t *testing.T, w *wall) {
	harmless, marker, last := w.file("past"), w.file("past-stolen"), w.lastRow()
	secret := "ghp_" + "Zk3vQ9xT1mWb" + "7RfLs2YpCd8H" + "nJ5gKe4uAo6V" // nobody's
	w.model.Play(model.Steps(
		model.Reply(
			model.Use("exec", fmt.Sprintf(`{"command":"touch %s"}`, harmless)),
			model.Use("exec", fmt.Sprintf(`{"command":%q}`, w.steal(marker))),
			model.Use("tool_call", `{"id":"agents_list","args":{}}`),
		),
		model.Reply(model.Say("Your token is "+secret+".")),
	))
	s, err := w.agent.Session(t.Context(), "direct/lab-1")
	if err != nil {
		t.Fatal(err)
	}
	say(t, s, "do it")
	w.nothingRan(t, marker)
	if !exists(harmless) {
		t.Error("a call that harms nobody did not run")
	}
	results := w.results()
	if len(results) != 3 || !strings.Contains(strings.Join(results, "\n"), "Stopped: exec") || strings.Contains(results[2], "Stopped:") {
		t.Errorf("the tools answered %q", results)
	}
	w.denied(t, last, "exec", "credentials-leave")
	for _, tool := range []string{"exec", "agents_list"} {
		n := 0
		for _, r := range w.rows(last) {
			if r.Door == "hook" && r.Tool == tool && r.Decision == "allow" {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%s was judged and allowed %d times", tool, n)
		}
	}
	const finding = "a model call went past the door: provider direct"
	var out string
	code := 0
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(time.Second) {
		if out, code = w.run("status"); strings.Contains(out, finding) {
			break
		}
	}
	if code != 1 || !strings.Contains(out, finding) || !strings.HasPrefix(out, "Watching, not protecting") {
		t.Errorf("seawall status: exit %d: %s", code, out)
	}
	if !slices.ContainsFunc(w.rows(last), func(r ledger.Row) bool { return r.Kind == "event" && strings.HasPrefix(r.Why, finding) }) {
		t.Error("the record does not tell of it")
	}
	if !strings.Contains(w.up.Output(), finding) {
		t.Error("seawall up does not say it")
	}
}

// doorIsDown: Seawall was killed, and a model that is not behind it wants to
// act.
func doorIsDown(t *testing.T, w *wall) {
	marker := w.file("down")
	w.model.Play(model.Steps(
		model.Reply(model.Use("exec", fmt.Sprintf(`{"command":"touch %s"}`, marker))),
		model.Reply(model.Say("It was stopped.")),
	))
	s, err := w.agent.Session(t.Context(), "direct/lab-1")
	if err != nil {
		t.Fatal(err)
	}
	reply, err := s.Turn(t.Context(), "do it")
	if err != nil {
		t.Fatal(err)
	}
	if exists(marker) {
		t.Error("a call ran with the door down")
	}
	if n := len(w.model.Requests()); n > 0 {
		t.Errorf("a run of which nobody could know whose words begin it asked the model %d times", n)
	}
	if !strings.Contains(string(reply.Raw), "Seawall does not answer. You can: run seawall up, or seawall disconnect") {
		t.Errorf("OpenClaw says %s", reply.Raw)
	}
}

// asItWasBefore: the config is the old one byte for byte, the plugin is gone,
// and calls run.
func asItWasBefore(t *testing.T, w *wall) {
	before := w.reloads(t)
	w.up.Stop()
	if after := w.config(t); !bytes.Equal(after, w.before) {
		t.Errorf("openclaw.json is not what it was:\n%s", after)
	}
	if exists(w.state + "-plugin") {
		t.Error("the plugin is still there")
	}
	w.awaitReload(before + 1)
	path := w.file("free")
	w.model.Play(model.Steps(
		model.Reply(model.Use("exec", fmt.Sprintf(`{"command":"touch %s"}`, path))),
		model.Reply(model.Say("Done.")),
	))
	say(t, w.session(t, model.Chat), "do it")
	if !exists(path) {
		t.Errorf("the call did not run: %q", w.results())
	}
}
