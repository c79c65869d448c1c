package probe

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"

	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/openclaw"
	"github.com/openseawall/seawall/internal/posture"
)

// machine is one on which OpenClaw runs as claw with a config and nothing else
// known to be wrong.
func machine(t *testing.T, config string) *posture.Facts {
	t.Helper()
	gateway := host.Process{PID: 7, UID: 990, GID: 990, EnvStatus: host.Known}
	f := &posture.Facts{
		Facts: &host.Facts{
			Users:   host.Is([]host.User{{Name: "root"}, {Name: "claw", UID: 990, Home: "/home/claw", Password: "locked"}}),
			Docker:  host.None[host.Docker]("not installed"),
			Sudo:    host.Is([]host.SudoRule{}),
			Trusted: host.Is([]host.FileInfo{}),
			Cron:    host.Is([]host.CronJob{}),
			Units:   host.Is([]host.Unit{}),
			Sockets: host.Is([]host.Socket{}),
		},
		OpenClaw: host.Is([]openclaw.Install{{StateDir: "/home/claw/.openclaw", Owner: "claw", Process: &gateway, Workspaces: []string{"/home/claw/ws"}}}),
	}
	if config != "" {
		c, err := openclaw.ParseConfig([]byte(config))
		if err != nil {
			t.Fatal(err)
		}
		f.OpenClaw.Value[0].Config = c
	}
	return f
}

func line(t *testing.T, f *posture.Facts, kind string) posture.Line {
	t.Helper()
	l := find(Blast(f), kind)
	if l == nil {
		t.Fatalf("no line about %s", kind)
	}
	return *l
}

func TestExecWhen(t *testing.T) {
	for config, want := range map[string]posture.When{
		"":                                      posture.Unsure, // a config that could not be read
		`{}`:                                    posture.Freely, // OpenClaw's default: security full, ask off
		`{tools:{exec:{mode:"full"}}}`:          posture.Freely,
		`{tools:{exec:{mode:"ask"}}}`:           posture.Asks,
		`{tools:{exec:{mode:"auto"}}}`:          posture.Asks,
		`{tools:{exec:{mode:"allowlist"}}}`:     posture.Never,
		`{tools:{exec:{mode:"deny"}}}`:          posture.Never,
		`{tools:{exec:{security:"allowlist"}}}`: posture.Never,
		`{tools:{exec:{security:"allowlist",ask:"on-miss"}}}`: posture.Asks,
		`{tools:{exec:{security:"full",ask:"always"}}}`:       posture.Asks,
		`{tools:{exec:{security:"deny"}}}`:                    posture.Never,
		`{tools:{deny:["exec"]}}`:                             posture.Never,
		`{tools:{deny:["Bash"]}}`:                             posture.Never,
		`{tools:{deny:["group:runtime"]}}`:                    posture.Never,
		`{tools:{deny:["*"]}}`:                                posture.Never,
		`{tools:{allow:["read"]}}`:                            posture.Never,
		`{tools:{allow:["read","exec"]}}`:                     posture.Freely,
		`{tools:{profile:"messaging"}}`:                       posture.Never,
		`{tools:{profile:"messaging",alsoAllow:["exec"]}}`:    posture.Freely,
		`{tools:{profile:"coding"}}`:                          posture.Freely,
		`{tools:{exec:{mode:"deny"}},agents:{entries:{a:{},b:{tools:{exec:{mode:"full"}}}}}}`:       posture.Freely, // the loosest agent counts
		`{agents:{entries:{a:{tools:{exec:{mode:"ask"}}},b:{tools:{deny:["exec"]}}}}}`:              posture.Asks,
		`{tools:{deny:["exec"]},agents:{entries:{"dotted.name":{tools:{allow:["exec"]}}}}}`:         posture.Never, // a deny is not undone below
		`{tools:{exec:{mode:"ask"}},agents:{entries:{"dotted.name":{tools:{exec:{mode:"full"}}}}}}`: posture.Freely,
	} {
		if got := line(t, machine(t, config), "commands").When; got != want {
			t.Errorf("%s: commands run %s, want %s", config, got, want)
		}
	}
}

func TestAskedAndWeight(t *testing.T) {
	free, asks := line(t, machine(t, `{}`), "commands"), line(t, machine(t, `{tools:{exec:{mode:"ask"}}}`), "commands")
	if free.Who != "nobody is asked" || asks.Who != "you, else denied" || asks.Weight >= free.Weight {
		t.Errorf("free %+v, asks %+v", free, asks)
	}
}

func TestCommandsReach(t *testing.T) {
	own := machine(t, `{}`)
	root := machine(t, `{}`)
	root.OpenClaw.Value[0].Process.UID = 0
	ptrace := machine(t, `{}`)
	ptrace.OpenClaw.Value[0].Process.CapEff = 1 << 19
	jailed := machine(t, `{agents:{defaults:{sandbox:{mode:"all"}}}}`)
	half := machine(t, `{agents:{defaults:{sandbox:{mode:"all"}},entries:{a:{},b:{sandbox:{mode:"off"}}}}}`)
	for want, f := range map[string]*posture.Facts{
		"run any command as claw":               own,
		"take the whole machine as root":        root,
		"become root from account claw":         ptrace,
		"run any command in its sandbox":        jailed,
		"run any command in its container":      boxed(t, false),
		"leave its container, take the machine": boxed(t, true),
	} {
		if got := line(t, f, "commands").Reach; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if got := line(t, half, "commands").Reach; got != "run any command as claw" {
		t.Errorf("one agent outside the sandbox is not in it: %q", got)
	}
	if w := line(t, root, "commands").Weight; w <= line(t, own, "commands").Weight {
		t.Errorf("root weighs %d", w)
	}
}

func boxed(t *testing.T, privileged bool) *posture.Facts {
	f := machine(t, `{gateway:{auth:{mode:"token"}}}`)
	f.OpenClaw.Value[0].Process, f.OpenClaw.Value[0].Container = nil, "claw"
	f.Containers = host.Is([]host.Container{{
		SecretEnv: []string{"OPENAI_API_KEY"},
		Inspect: container.InspectResponse{
			Name: "/claw",
			HostConfig: &container.HostConfig{
				Privileged: privileged,
				PortBindings: network.PortMap{
					network.MustParsePort("18789/tcp"): {{HostPort: "18789"}},
					network.MustParsePort("9000/tcp"):  {{HostIP: netip.MustParseAddr("127.0.0.1"), HostPort: "9000"}},
				},
			},
			Mounts: []container.MountPoint{{Type: "bind", Source: "/srv/ws", RW: true}, {Type: "volume", Name: "state"}},
		},
	}})
	return f
}

func TestContainer(t *testing.T) {
	f := boxed(t, false)
	if got := line(t, f, "files").Objects; !slices.Equal(got, []string{"/srv/ws", "volume state (read only)"}) {
		t.Errorf("mounts: %q", got)
	}
	open := line(t, f, "exposed")
	if !slices.Equal(open.Objects, []string{"port 18789"}) || open.When != posture.Asks || open.Narrow != "publish on 127.0.0.1 only" {
		t.Errorf("published: %+v", open)
	}
	if got := line(t, f, "secrets").Objects; !slices.Equal(got, []string{"OPENAI_API_KEY"}) {
		t.Errorf("secrets: %q", got)
	}
}

func TestSecretsByName(t *testing.T) {
	f := machine(t, `{
	  gateway: { auth: { token: "a-fake-value" } },
	  models: { providers: { openai: { apiKey: "a-fake-value", models: [{ maxTokens: 4096 }] }, deep: { apiKey: "${DEEP_KEY}" },
	    stored: { apiKey: { source: "store", provider: "p", id: "i" } }, empty: { apiKey: "" } } },
	  channels: { telegram: { accounts: { main: { botToken: "a-fake-value" } } } },
	}`)
	f.OpenClaw.Value[0].Process.SecretEnv = []string{"GITHUB_TOKEN", "evil\x1b[31m"}
	f.Processes = host.Is([]host.Process{{SecretEnv: []string{"OTHERS_PASSWORD"}}})
	f.OpenClaw.Value[0].Files = []openclaw.File{{FileInfo: host.FileInfo{Path: "/x/.env"}, Kind: "env", Secrets: []openclaw.SecretAt{{Rule: "openai-key"}}}}
	got := line(t, f, "secrets").Objects
	want := []string{"GITHUB_TOKEN", "evil[31m", "telegram botToken", "gateway token", "DEEP_KEY", "openai apiKey", "secrets in .env"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
	if text := fmt.Sprint(Blast(f)); strings.Contains(text, "a-fake-value") {
		t.Error("a value is in the blast radius")
	}
	f.OpenClaw.Value[0].Process.UID = 0
	if !slices.Contains(line(t, f, "secrets").Objects, "OTHERS_PASSWORD") {
		t.Error("root does not reach its neighbours' secrets")
	}
	f = machine(t, `{tools:{exec:{mode:"deny"},deny:["read"]},models:{providers:{openai:{apiKey:"a-fake-value"}}}}`)
	if got := line(t, f, "secrets").When; got != posture.Never {
		t.Errorf("without commands and reading, keys go %s", got)
	}
}

func TestStrangers(t *testing.T) {
	f := machine(t, `{channels:{telegram:{dmPolicy:"open"},slack:{dm:{policy:"open"}},discord:{accounts:{a:{groupPolicy:"open"}}},
	  whatsapp:{dmPolicy:"pairing"},signal:{enabled:false,dmPolicy:"open"},defaults:{groupPolicy:"open"}}}`)
	if got := line(t, f, "orders").Objects; !slices.Equal(got, []string{"Discord", "Slack", "Telegram"}) {
		t.Errorf("orders: %q", got)
	}
	if got := line(t, f, "messages").Objects; !slices.Equal(got, []string{"Discord", "Slack", "Telegram", "WhatsApp"}) {
		t.Errorf("messages: %q", got)
	}
	if find(Blast(machine(t, `{channels:{telegram:{}}}`)), "orders") != nil {
		t.Error("pairing is the default, and takes no orders from strangers")
	}
}

func TestExposed(t *testing.T) {
	at := func(addr string) *posture.Facts {
		f := machine(t, `{gateway:{auth:{mode:"none"}}}`)
		f.Sockets = host.Is([]host.Socket{{Proto: "tcp", Addr: netip.MustParseAddrPort(addr), PID: 7}})
		return f
	}
	if find(Blast(at("127.0.0.1:18789")), "exposed") != nil {
		t.Error("loopback is exposed")
	}
	if l := line(t, at("[::]:18789"), "exposed"); l.When != posture.Freely || l.Objects[0] != "port 18789" {
		t.Errorf("%+v", l)
	}
	if l := line(t, at("203.0.113.9:9000"), "exposed"); l.Objects[0] != "203.0.113.9:9000" {
		t.Errorf("%+v", l)
	}
}

func TestOutgoing(t *testing.T) {
	rule := host.Rule{Proto: "tcp", Verdict: "drop", DPorts: []host.PortRange{{From: 25, To: 25}, {From: 6660, To: 6669}}}
	fw := func(hook string, r host.Rule) host.Firewall {
		return host.Firewall{Chains: []host.Chain{{Family: "inet", Hook: hook, Rules: []host.Rule{r}}}}
	}
	limited, some := rule, rule
	limited.Limit, some.Unparsed = "1/second", true
	for _, c := range []struct {
		name      string
		fw        host.Firewall
		forwarded bool
		want      bool
	}{
		{"nothing", host.Firewall{}, false, false}, {"dropped", fw("output", rule), false, true}, {"dropped for the host only", fw("output", rule), true, false},
		{"forward", fw("forward", rule), true, true}, {"above a rate", fw("output", limited), false, false}, {"for some", fw("output", some), false, false},
	} {
		if got := closed(c.fw, 6667, c.forwarded); got != c.want {
			t.Errorf("%s: closed is %v", c.name, got)
		}
	}
}

func TestUndoNamesTheNewestBackup(t *testing.T) {
	f := machine(t, `{}`)
	if got := line(t, f, "files"); got.Undo != noBackup {
		t.Errorf("%+v", got)
	}
	for _, day := range []int{3, 21, 9} {
		f.OpenClaw.Value[0].Files = append(f.OpenClaw.Value[0].Files, openclaw.File{Kind: "backup", FileInfo: host.FileInfo{ModTime: time.Date(2026, 11, day, 0, 0, 0, 0, time.UTC)}})
	}
	if got := line(t, f, "files").Undo; got != "backup of 21 Nov" {
		t.Errorf("%q", got)
	}
}

// Every line of every machine has its four parts, and the change that narrows it.
func TestFourParts(t *testing.T) {
	for _, f := range []*posture.Facts{
		machine(t, ""), machine(t, `{}`), machine(t, `{tools:{exec:{mode:"ask"},fs:{workspaceOnly:true},deny:["group:automation"]},channels:{telegram:{}}}`),
		machine(t, `{tools:{profile:"minimal"}}`), machine(t, `{agents:{defaults:{sandbox:{mode:"all",workspaceAccess:"rw"}}}}`), boxed(t, false), boxed(t, true),
	} {
		lines := Blast(f)
		if len(lines) < 4 || !slices.IsSortedFunc(lines, func(x, y posture.Line) int { return y.Weight - x.Weight }) {
			t.Errorf("%d lines, or out of order: %+v", len(lines), lines)
		}
		for _, l := range lines {
			if l.Kind == "" || l.Reach == "" || l.When == "" || l.Who == "" || l.Undo == "" || l.Narrow == "" || l.Weight < 0 || l.Weight > 100 {
				t.Errorf("a part is missing: %+v", l)
			}
		}
	}
}

func TestSeveralAgentsAreNamed(t *testing.T) {
	f := machine(t, `{}`)
	second := f.OpenClaw.Value[0]
	second.StateDir = "/srv/second"
	f.OpenClaw.Value = append(f.OpenClaw.Value, second)
	for _, l := range Blast(f) {
		if l.Agent == "" {
			t.Errorf("whose line is %q?", l.Reach)
		}
	}
}

func TestVerdict(t *testing.T) {
	says := func(f *posture.Facts) string {
		a := posture.Run(t.Context(), f, nil)
		Complete(a, f)
		if n := len(strings.Fields(a.Verdict)); n > maxWords {
			t.Errorf("%d words: %s", n, a.Verdict)
		}
		return a.Verdict
	}
	for _, c := range []struct {
		facts *posture.Facts
		want  string
	}{
		{machine(t, `{channels:{telegram:{dmPolicy:"open"}},models:{providers:{openai:{apiKey:"a-fake-value"}}}}`),
			"In five minutes this agent can run any command as claw, carry away openai apiKey and write in your name on Telegram; nobody is asked, and anyone on Telegram may tell it to."},
		{machine(t, ""), "In five minutes this agent can run any command as claw, carry away keys that were not seen and write in your name where it can; whether anyone is asked could not be read."},
		{machine(t, `{tools:{exec:{mode:"ask"},deny:["group:fs","group:web","group:ui","group:automation","skill_workshop"]}}`),
			"This agent asks a person before it can run any command as claw and reach every host, inside and out; nothing of weight happens without an answer."},
		{&posture.Facts{Facts: &host.Facts{}, OpenClaw: host.None[[]openclaw.Install]("none")}, "There is no OpenClaw here; nothing else was checked."},
		{&posture.Facts{Facts: &host.Facts{}}, "Whether OpenClaw is here could not be read; nothing else was checked."},
	} {
		if got := says(c.facts); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}

// Each setting that a line advises makes that line lighter.
func TestNarrowNarrows(t *testing.T) {
	settings := map[string]string{
		"openclaw config set tools.exec.mode ask":  `{tools:{exec:{mode:"ask"}}}`,
		"set tools.exec.mode to allowlist":         `{tools:{exec:{mode:"allowlist"}}}`,
		"tools.exec.mode ask, deny message":        `{tools:{exec:{mode:"ask"},deny:["message"]}}`,
		"add message to tools.deny":                `{tools:{exec:{mode:"ask"},deny:["message"]}}`,
		"tools.exec.mode ask, deny automations":    `{tools:{exec:{mode:"ask"},deny:["automations"]}}`,
		"add automations to tools.deny":            `{tools:{exec:{mode:"ask"},deny:["automations"]}}`,
		"tools.exec.mode ask, fs.workspaceOnly":    `{tools:{exec:{mode:"ask"},fs:{workspaceOnly:true}}}`,
		"set tools.fs.workspaceOnly to true":       `{tools:{exec:{mode:"ask"},fs:{workspaceOnly:true}}}`,
		"set tools.profile to messaging":           `{tools:{profile:"messaging"}}`,
		"add group:automation to tools.deny":       `{tools:{exec:{mode:"ask"},fs:{workspaceOnly:true},deny:["group:automation"]}}`,
		"set agents.defaults.sandbox.mode to all":  `{agents:{defaults:{sandbox:{mode:"all"}}}}`,
		"let out only to the hosts it needs":       "", // not OpenClaw's to set
		"set a monthly limit at the provider":      "",
		"start it without keys in its environment": "",
		"openclaw secrets configure":               "",
		"seawall connect":                          "",
		"keep workspaceAccess at none":             "",
		"add skill_workshop to tools.deny":         `{tools:{exec:{mode:"ask"},fs:{workspaceOnly:true},deny:["group:automation","skill_workshop","group:fs"]}}`,
	}
	common := `models:{providers:{openai:{apiKey:"a-fake-value"}}},channels:{telegram:{}}`
	with := func(config string) *posture.Facts {
		return machine(t, strings.TrimSuffix(config, "}")+","+common+"}")
	}
	for _, config := range []string{`{meta:{}}`, `{tools:{exec:{mode:"ask"}}}`, `{tools:{exec:{mode:"ask"},fs:{workspaceOnly:true}}}`, `{agents:{defaults:{sandbox:{mode:"all"}}}}`} {
		for _, before := range Blast(with(config)) {
			set, known := settings[before.Narrow]
			if !known {
				t.Errorf("%s: %s: is %q right? put what it sets into this test", config, before.Kind, before.Narrow)
			}
			if set == "" {
				continue
			}
			if strings.Contains(config, "sandbox") {
				set = strings.TrimSuffix(set, "}") + `,agents:{defaults:{sandbox:{mode:"all"}}}}`
			}
			if after := find(Blast(with(set)), before.Kind); after != nil && after.Weight >= before.Weight {
				t.Errorf("%s: to %s weighs %d; after %q it weighs %d, to %s %s", config, before.Reach, before.Weight, before.Narrow, after.Weight, after.Reach, after.When)
			}
		}
	}
}

// A package that nobody has set up is no agent: it reaches nothing.
func TestPackageAlone(t *testing.T) {
	f := machine(t, "")
	f.OpenClaw = host.Is([]openclaw.Install{{PackageDir: "/usr/lib/node_modules/openclaw", Version: "2026.9.6"}})
	a := posture.Run(t.Context(), f, nil)
	Complete(a, f)
	if len(a.Blast) > 0 || a.Boundary != posture.BoundaryAbsent || !strings.Contains(a.Verdict, "nobody has set it up") {
		t.Errorf("%s: %s; %+v", a.Boundary, a.Verdict, a.Blast)
	}
	f.OpenClaw.Value[0].Unreadable = []string{"/root was not readable (needs root)"}
	a = posture.Run(t.Context(), f, nil)
	Complete(a, f)
	if a.Boundary != posture.BoundaryUnknown || !strings.Contains(a.Verdict, "could not be read") {
		t.Errorf("%s: %s", a.Boundary, a.Verdict)
	}
}
