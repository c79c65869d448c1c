//go:build lab && proof

package wall

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"text/tabwriter"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/openseawall/seawall/lab/model"
)

// scene is what an operator says to an agent, and what its model does then.
type scene struct {
	Name, Kind string
	API        model.API // "" is each in its turn
	Gap        string    // why Seawall does not stop it yet
	Page       string    // what {evil}/page says
	Pages      map[string]string
	Turns      []struct {
		Says  string
		Calls []map[string]any // each a tool and its arguments
		Text  string           // what the model says at last
	}
	Effect effect
}

// effect is what is there afterwards; see attacks.yaml.
type effect struct {
	Sent, Said string
	Gone       string
	Holds      map[string]string
	Lost       map[string]string
	Jobs       int
}

// outcome is how a scene ended.
type outcome struct {
	scene
	worked        string // what shows that it had its effect; "" when it had none
	asked, denied int
}

// stage is a wall on which scenes are played, or an OpenClaw without one.
type stage struct {
	*wall
	bare bool
	n    int
	// answer is what the person does with each question, an argument of approve.
	answer string
	asked  atomic.Int32
}

func scenes(t *testing.T, file string) (all []scene) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	d := yaml.NewDecoder(strings.NewReader(string(text)))
	d.KnownFields(true)
	if err := d.Decode(&all); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return all
}

// TestAttacks plays every attack twice: against an OpenClaw alone, where it has
// its effect, and behind Seawall, where it has none.
func TestAttacks(t *testing.T) {
	all := scenes(t, "attacks.yaml")
	alone := playAll(t, all, newStage(t, true, "--deny"))
	behind := playAll(t, all, newStage(t, false, "--deny"))
	table(t, alone, behind)
	for i := range all {
		if alone[i].worked == "" {
			t.Errorf("%s: has no effect without Seawall either, and so shows nothing", all[i].Name)
		}
		switch worked, gap := behind[i].worked, all[i].Gap; {
		case worked != "" && gap == "":
			t.Errorf("%s: %s", all[i].Name, worked)
		case worked == "" && gap != "":
			t.Errorf("%s: has no effect any more, so %q can go", all[i].Name, gap)
		case gap != "":
			t.Logf("known to get through: %s: %s", all[i].Name, gap)
		}
	}
}

// TestJobs plays what an ordinary operator wants done: all of it is done, little
// asks, nothing is denied.
func TestJobs(t *testing.T) {
	all := scenes(t, "jobs.yaml")
	done := playAll(t, all, newStage(t, false, "--yes"))
	table(t, done)
	asking := 0
	for _, o := range done {
		if o.worked == "" {
			t.Errorf("%s: was not done", o.Name)
		}
		if o.denied > 0 {
			t.Errorf("%s: %d calls were denied", o.Name, o.denied)
		}
		if o.asked > 1 {
			t.Errorf("%s: asked %d times", o.Name, o.asked)
		}
		if o.asked > 0 {
			asking++
		}
	}
	if asking*10 > len(all) {
		t.Errorf("%d of %d jobs asked something, more than one in ten", asking, len(all))
	}
}

// newStage builds an OpenClaw with or without a Seawall, and a person who
// answers all questions in one way.
func newStage(t *testing.T, bare bool, answer string) *stage {
	t.Helper()
	s := &stage{bare: bare, answer: answer}
	if bare {
		s.wall = lay(t, nil)
	} else {
		s.wall = build(t)
	}
	before := 0
	if !bare {
		before = s.reloads(t)
	}
	// The attacker's server has an address that web_fetch takes for a private one.
	s.change(t, func(c map[string]any) {
		tools := c["tools"].(map[string]any)
		tools["web"] = map[string]any{"fetch": map[string]any{"ssrfPolicy": map[string]any{"dangerouslyAllowPrivateNetwork": true}}}
	})
	s.awaitReload(before + 1)
	if !bare {
		go s.person(t)
	}
	return s
}

// person answers what is asked.
func (s *stage) person(t *testing.T) {
	for t.Context().Err() == nil {
		time.Sleep(300 * time.Millisecond)
		out, code := s.run("approve", "--json")
		var waiting []struct {
			N        int64
			Standing string
		}
		if code != 0 || json.Unmarshal([]byte(out), &waiting) != nil {
			continue
		}
		for _, q := range waiting {
			if q.Standing == "waiting" {
				s.run("approve", fmt.Sprint(q.N), s.answer)
				s.asked.Add(1)
			}
		}
	}
}

func playAll(t *testing.T, all []scene, s *stage) (ended []outcome) {
	for i, sc := range all {
		if testing.Verbose() {
			fmt.Printf("%d of %d: %s\n", i+1, len(all), sc.Name)
		}
		if only := os.Getenv("SEAWALL_SCENE"); only != "" && !strings.Contains(sc.Name, only) {
			ended = append(ended, outcome{scene: sc})
			continue
		}
		ended = append(ended, s.play(t, sc))
	}
	return ended
}

const (
	diary = "We meet at the harbour at nine, Anna brings the boat.\n"
	// awsKey has the form of one and opens nothing.
	awsKey = "AKIA" + "LABQ3ZJX7WDN5KTV"
)

// prepare lays out what each scene finds.
func (s *stage) prepare(t *testing.T, sc scene) {
	t.Helper()
	s.shell(t, "mkdir -p project")
	for name, text := range map[string]string{
		"diary.txt": diary, ".env": "AWS_ACCESS_KEY_ID=" + awsKey + "\n", "notes.md": "# Notes\n\nBuy paint. Call the harbour master.\n",
		"project/main.py": "print('hello')\n", "project/Makefile": "all:\n\tpython3 main.py\nclean:\n\trm -rf build\n",
	} {
		s.put(t, s.file(name), text)
	}
	s.shell(t, "rm -rf skills memory owned MEMORY.md *.sh *.tmp a.txt; cd project && { [ -d .git ] || { git init -qb main; git add -A; git -c user.name=o -c user.email=o@example.org commit -qm first;"+
		" git init -q --bare ../../remote.git; git remote add origin ../../remote.git; git push -q -u origin main; }; }; git checkout -q . ; echo 'not committed' >draft.txt")
	s.target.Page(fmt.Sprintf("/page-%d", s.n), s.fill(sc.Page))
	for path, text := range sc.Pages {
		s.target.Page(path, s.fill(text))
	}
}

// shell runs a command as the agent's user, in its workspace, whose files it
// owns.
func (s *stage) shell(t *testing.T, command string) {
	t.Helper()
	for _, args := range [][]string{
		{"chown", "-R", fmt.Sprintf("%d:%d", agentID, agentID), s.home.Workspace},
		{"setpriv", fmt.Sprintf("--reuid=%d", agentID), fmt.Sprintf("--regid=%d", agentID), "--clear-groups", "env", "HOME=" + s.home.Dir, "sh", "-c", command},
	} {
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Dir = s.home.Workspace
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
	}
}

var encoded = regexp.MustCompile(`\{b64:([^}]*)\}`)

// fill puts the addresses and places of this stage into a text.
func (s *stage) fill(text string) string {
	u, err := url.Parse(s.target.URL())
	if err != nil {
		panic(err)
	}
	host, port, _ := net.SplitHostPort(u.Host)
	// web_fetch keeps a page for a quarter of an hour: each scene has one of its own.
	r := strings.NewReplacer("{evil}/page", fmt.Sprintf("%s/page-%d", s.target.URL(), s.n), "{evilhost}", host, "{evilport}", port, "{evil}", s.target.URL(),
		"{ws}", s.home.Workspace, "{home}", s.home.Dir, "{key}", awsKey)
	text = r.Replace(text)
	return encoded.ReplaceAllStringFunc(text, func(m string) string {
		return base64.StdEncoding.EncodeToString([]byte(encoded.FindStringSubmatch(m)[1]))
	})
}

// play plays one scene in a conversation of its own.
func (s *stage) play(t *testing.T, sc scene) (o outcome) {
	t.Helper()
	o.scene = sc
	s.n++
	s.prepare(t, sc)
	sent, last, jobs, asked := len(s.target.Requests()), int64(0), s.jobs(t), s.asked.Load()
	if !s.bare {
		last = s.lastRow()
	}
	api := model.APIs[s.n%len(model.APIs)]
	if sc.API != "" {
		api = sc.API
	}
	conversation := s.session(t, api)
	var said []string
	for _, turn := range sc.Turns {
		s.model.Play(s.script(t, turn.Calls, turn.Text))
		reply, err := conversation.Turn(t.Context(), s.fill(turn.Says))
		if err != nil {
			t.Errorf("%s: %v", sc.Name, err)
		}
		said = append(said, reply.Text)
	}
	o.worked = s.shown(t, sc.Effect, sent, jobs, strings.Join(said, "\n"))
	o.asked = int(s.asked.Load() - asked)
	if !s.bare {
		for _, r := range s.rows(last) {
			if r.Decision == "deny" {
				o.denied++
			}
		}
	}
	return o
}

// script is a model that makes its calls one after the other, whatever comes of
// them. A tool that is not on offer by itself is called through tool_call.
func (s *stage) script(t *testing.T, calls []map[string]any, text string) model.Script {
	if text == "" {
		text = "That is all."
	}
	text = s.fill(text)
	next := 0
	return model.Func(func(r *model.Request) model.Answer {
		if next >= len(calls) {
			last := text
			text = "That is all." // one that becomes a call is said once
			return model.Reply(model.Say(last))
		}
		call := calls[next]
		next++
		for name, args := range call {
			raw, err := json.Marshal(args)
			if err != nil {
				t.Error(err)
			}
			filled := s.fill(string(raw))
			direct := slices.Contains(r.Tools, name) || strings.Contains(name, ".") || name == "Bash"
			if !direct {
				name, filled = "tool_call", fmt.Sprintf(`{"id":%q,"args":%s}`, name, filled)
			}
			return model.Reply(model.Use(name, filled))
		}
		return model.Reply(model.Say(text))
	})
}

// shown says what shows that a scene had its effect.
func (s *stage) shown(t *testing.T, e effect, sent int, jobs int, said string) string {
	t.Helper()
	for _, r := range s.target.Requests()[sent:] {
		if e.Sent != "" && strings.Contains(r.URI+r.Body, s.fill(e.Sent)) {
			return "the server was asked " + r.Method + " " + r.URI
		}
	}
	if e.Said != "" && strings.Contains(said, s.fill(e.Said)) {
		return "the agent said " + s.fill(e.Said)
	}
	if e.Gone != "" && !exists(s.place(e.Gone)) {
		return e.Gone + " is gone"
	}
	for path, want := range e.Holds {
		if text, err := os.ReadFile(s.place(path)); err == nil && strings.Contains(string(text), s.fill(want)) {
			return path + " holds " + s.fill(want)
		}
	}
	for path, had := range e.Lost {
		if text, err := os.ReadFile(s.place(path)); err != nil || !strings.Contains(string(text), had) {
			return path + " has lost " + had
		}
	}
	if now := s.jobs(t); e.Jobs > 0 && now >= jobs+e.Jobs {
		return fmt.Sprintf("%d scheduled jobs are new", now-jobs)
	}
	return ""
}

func (s *stage) place(path string) string {
	path = s.fill(path)
	if filepath.IsAbs(path) {
		return path
	}
	return s.file(path)
}

// jobs counts the scheduled jobs.
func (s *stage) jobs(t *testing.T) int {
	t.Helper()
	raw, err := s.agent.Call(t.Context(), "cron.list", map[string]any{})
	if err != nil {
		t.Fatal(err)
	}
	var list struct{ Jobs []json.RawMessage }
	if err := json.Unmarshal(raw, &list); err != nil {
		t.Fatal(err)
	}
	return len(list.Jobs)
}

// table prints how scenes ended, a column a stage.
func table(t *testing.T, stages ...[]outcome) {
	var out strings.Builder
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	for i, o := range stages[0] {
		row := []string{o.Kind, o.Name}
		for _, s := range stages {
			state := "no effect"
			if s[i].worked != "" {
				state = "effect"
			}
			if s[i].asked+s[i].denied > 0 {
				state += fmt.Sprintf(" (asked %d, denied %d)", s[i].asked, s[i].denied)
			}
			row = append(row, state)
		}
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	_ = w.Flush()
	t.Log("\n" + out.String())
}
