package report

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"charm.land/lipgloss/v2"

	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/openclaw"
	"github.com/openseawall/seawall/internal/posture"
	"github.com/openseawall/seawall/internal/posture/probe"
)

var update = flag.Bool("update", false, "write the reports of testdata anew")

// golden compares with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (go test -update writes it anew):\n%s", file, got)
	}
}

func text(t *testing.T, a *posture.Audit, o Options) string {
	t.Helper()
	var b bytes.Buffer
	if err := Text(&b, a, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestGolden(t *testing.T) {
	a := worstAudit(t)
	golden(t, "worst.txt", text(t, a, Options{}))
	golden(t, "worst-100.txt", text(t, a, Options{Width: 100}))
	golden(t, "worst-50.txt", text(t, a, Options{Width: 50}))
	golden(t, "worst-all.txt", text(t, a, Options{All: true}))
	golden(t, "worst-color.txt", text(t, a, Options{Color: true}))
	golden(t, "bare.txt", text(t, bareAudit(t), Options{}))
	golden(t, "good.txt", text(t, goodAudit(t), Options{}))
}

// bareAudit is of a machine without an OpenClaw.
func bareAudit(t *testing.T) *posture.Audit {
	facts := worst(t)
	facts.OpenClaw = host.None[[]openclaw.Install]("no OpenClaw was found")
	a := posture.Run(t.Context(), facts, []posture.Control{some[0], some[4], some[5], some[9]})
	probe.Complete(a, facts)
	return a
}

// goodAudit is of a machine on which OpenClaw has its own account and asks.
func goodAudit(t *testing.T) *posture.Audit {
	config, err := openclaw.ParseConfig([]byte(`{
	  tools: { profile: "coding", deny: ["automations", "group:web"], exec: { mode: "ask" }, fs: { workspaceOnly: true } },
	  channels: { telegram: { dmPolicy: "pairing" } },
	  models: { providers: { openai: { apiKey: { source: "store", provider: "x", id: "y" } } } },
	}`))
	if err != nil {
		t.Fatal(err)
	}
	gateway := host.Process{PID: 812, UID: 990, GID: 990, Name: "openclaw-gateway", EnvStatus: host.Known}
	facts := worst(t)
	facts.Users = host.Is([]host.User{{Name: "root"}, {Name: "claw", UID: 990, GID: 990, Home: "/home/claw", Password: "locked"}})
	facts.Docker = host.None[host.Docker]("Docker is not installed")
	facts.Sudo, facts.Cron, facts.Units = host.Is([]host.SudoRule{}), host.Is([]host.CronJob{}), host.Is([]host.Unit{})
	facts.Trusted = host.Is([]host.FileInfo{})
	facts.Sockets = host.Is([]host.Socket{})
	facts.OpenClaw = host.Is([]openclaw.Install{{
		Version: "2026.9.6", StateDir: "/home/claw/.openclaw", Owner: "claw", Process: &gateway, Config: config, Workspaces: []string{"/home/claw/ws"},
		Files: []openclaw.File{{FileInfo: host.FileInfo{Path: "/home/claw/b.tar.gz", ModTime: facts.Self.Time}, Kind: "backup"}},
	}})
	a := posture.Run(t.Context(), facts, []posture.Control{some[0], some[8]})
	probe.Complete(a, facts)
	Compare(a, a)
	return a
}

func TestDefaultReportFitsAPage(t *testing.T) {
	longest := worstAudit(t)
	longest.Verdict = strings.Repeat("considerable ", 59) + "words."
	for i := range 30 {
		longest.Changes = append(longest.Changes, strings.Repeat("a change of many words ", 9))
		longest.Results[i%len(longest.Results)].Advice = strings.Repeat("advice without an end ", 20)
	}
	for i := range longest.Blast {
		l := &longest.Blast[i]
		l.Reach, l.Undo, l.Who, l.Narrow = strings.Repeat("reach ", 40), strings.Repeat("undo ", 40), strings.Repeat("who ", 40), strings.Repeat("narrow ", 40)
		l.Objects = []string{strings.Repeat("漢字", 50), strings.Repeat("x", 300)}
	}
	for name, a := range map[string]*posture.Audit{"worst": worstAudit(t), "longest": longest, "bare": bareAudit(t), "good": goodAudit(t)} {
		got := strings.Split(strings.TrimSuffix(text(t, a, Options{Width: 80, Color: true}), "\n"), "\n")
		if len(got) > pageRows {
			t.Errorf("%s: %d rows, more than %d", name, len(got), pageRows)
		}
		for i, row := range got {
			if w := lipgloss.Width(row); w > 80 {
				t.Errorf("%s: row %d is %d columns wide: %q", name, i+1, w, row)
			}
		}
	}
}

// A long cell must not touch the next.
func TestColumnsStayApart(t *testing.T) {
	a := worstAudit(t)
	for i := range a.Blast {
		a.Blast[i].Objects = []string{strings.Repeat("n", i+5), "OPENAI_API_KEY", "secrets in MEMORY.md"}
		a.Blast[i].Narrow = strings.Repeat("w", 20+i) + " " + strings.Repeat("w", 13+i)
	}
	touching := regexp.MustCompile(`\S(freely|nobody is asked)`)
	for width := 72; width <= 100; width++ {
		if at := touching.FindString(text(t, a, Options{Width: width})); at != "" {
			t.Errorf("width %d: %q", width, at)
		}
	}
}

func TestEveryWidthHolds(t *testing.T) {
	a := worstAudit(t)
	for _, width := range []int{32, 40, 71, 72, 79, 80, 100} {
		for _, all := range []bool{false, true} {
			for _, row := range strings.Split(text(t, a, Options{Width: width, All: all}), "\n") {
				if w := lipgloss.Width(row); w > width {
					t.Errorf("width %d, all %v: a row of %d columns: %q", width, all, w, row)
				}
			}
		}
	}
}

func TestNothingOfTheShippedLinesIsCut(t *testing.T) {
	for _, a := range []*posture.Audit{worstAudit(t), goodAudit(t)} {
		for _, l := range a.Blast {
			p := &page{width: 80, ink: plainInk()}
			first := p.width - 1 - whenColumn - undoColumn
			for what, got := range map[string][]string{
				"narrow": cut(l.Narrow, first-5, 1), "who": cut(l.Who, whenColumn-1, 1), "undo": cut(l.Undo, undoColumn-1, 2), "reach": cut(l.Reach, first-4, 1),
			} {
				if strings.Contains(strings.Join(got, ""), "…") {
					t.Errorf("%s: %s is cut: %q", l.Kind, what, got)
				}
			}
		}
	}
}

func TestPlainHasNoControlCodes(t *testing.T) {
	a := worstAudit(t)
	a.Host.Name = "evil\x1b]0;owned\a\u202ehost"
	a.Results[0].Findings[0].Detail = "line\r\nfeed \x1b[2J\u009b31m"
	a.Blast[0].Objects = []string{"\x1b[8mhidden"}
	for _, o := range []Options{{}, {All: true}, {Width: 50}} {
		for _, r := range text(t, a, o) {
			if r != '\n' && (r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r == 0x202e) {
				t.Fatalf("%+v: control character %U in the report", o, r)
			}
		}
	}
}

func TestColorOnlyAddsColor(t *testing.T) {
	a := worstAudit(t)
	colored := text(t, a, Options{Color: true})
	if !strings.Contains(colored, "\x1b[") {
		t.Fatal("a coloured report without a colour")
	}
	if got := strip(colored); got != text(t, a, Options{}) {
		t.Errorf("without its colours the coloured report differs from the plain one:\n%s", got)
	}
}

// strip takes SGR sequences out.
func strip(s string) string {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(s, "\x1b[")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		_, s, _ = strings.Cut(after, "m")
	}
}

func TestSay(t *testing.T) {
	var b bytes.Buffer
	if err := Say(&b, worstAudit(t)); err != nil {
		t.Fatal(err)
	}
	if n := len(strings.Fields(b.String())); n > 60 || n < 10 {
		t.Errorf("the verdict has %d words: %s", n, b.String())
	}
}

func TestJSONRoundTrip(t *testing.T) {
	a := worstAudit(t)
	var first, second bytes.Buffer
	if err := JSON(&first, a); err != nil {
		t.Fatal(err)
	}
	back, err := posture.Decode(first.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if err := JSON(&second, back); err != nil {
		t.Fatal(err)
	}
	if first.String() != second.String() {
		t.Error("an audit changes when it is stored and read back")
	}
	if len(Changes(a, back)) != 0 {
		t.Errorf("an audit differs from its stored self: %q", Changes(a, back))
	}
}

// Several agents share the lines of a default report; each keeps its own below --all.
func TestSeveralAgentsShareALine(t *testing.T) {
	a := worstAudit(t)
	a.Blast = []posture.Line{
		{Kind: "secrets", Reach: "carry away", Objects: []string{"A_KEY"}, When: posture.Freely, Agent: "/one"},
		{Kind: "secrets", Reach: "carry away", Objects: []string{"A_KEY", "B_KEY"}, When: posture.Asks, Agent: "/two"},
	}
	short, all := text(t, a, Options{}), text(t, a, Options{All: true})
	if strings.Count(short, "carry away A_KEY, B_KEY") != 1 || strings.Contains(short, "/two") {
		t.Errorf("the default report:\n%s", short)
	}
	if !strings.Contains(all, "/one: carry away A_KEY") || !strings.Contains(all, "/two: carry away A_KEY, B_KEY") {
		t.Errorf("the whole report:\n%s", all)
	}
	if len(a.Blast[0].Objects) != 1 {
		t.Error("showing an audit changed it")
	}
}

// Advice is shortened by whole clauses, never inside a list or parentheses.
func TestBrief(t *testing.T) {
	for _, c := range []struct {
		advice string
		width  int
		want   string
	}{
		{"chmod 700 the directory", 40, "chmod 700 the directory"},
		{"Set tools.exec.mode to ask or allowlist (a run without a person is then refused)", 50, "Set tools.exec.mode to ask or allowlist"},
		{"Use files (secrets: in compose, or SecretRefs) and keep only what is needed", 50, "Use files (secrets: in compose, or SecretRefs)…"},
		{"Load one ruleset that accepts loopback, established and the ports you mean, and drops the rest", 50, "Load one ruleset that accepts loopback…"},
		{"Remove --privileged; add the one capability or device it needs", 40, "Remove --privileged"},
	} {
		if got := strings.Join(brief(c.advice, c.width, 1), "|"); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}
