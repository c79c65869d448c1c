package openclaw

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/moby/moby/api/types/container"
	"github.com/openseawall/seawall/internal/host"
)

var alice = host.User{Name: "alice", UID: 1000, Home: "/home/alice"}

func facts(change func(*host.Facts)) *host.Facts {
	f := &host.Facts{
		Users:      host.Is([]host.User{{Name: "root", Home: "/root"}, alice}),
		Processes:  host.Is([]host.Process(nil)),
		Containers: host.None[[]host.Container]("no Docker"),
		Units:      host.Is([]host.Unit(nil)),
	}
	if change != nil {
		change(f)
	}
	return f
}

func TestDiscoverNothing(t *testing.T) {
	h := tree(t, map[string]string{"home/alice/notes.md": "openclaw is nice"})
	if got := Discover(context.Background(), h, facts(nil)); got.Status != host.Absent {
		t.Errorf("%+v", got)
	}
	h.closed = map[string]bool{"/root": true, "/root/.openclaw": true}
	got := Discover(context.Background(), h, facts(nil))
	if got.Status != host.Unknown || !strings.Contains(got.Reason, "/root was not readable (needs root)") {
		t.Errorf("a home nobody could look into: %+v", got)
	}
	got = Discover(context.Background(), h, &host.Facts{})
	if got.Status != host.Unknown {
		t.Errorf("with no facts at all: %+v", got)
	}
}

func TestDiscoverHome(t *testing.T) {
	h := tree(t, map[string]string{
		"home/alice/.openclaw/openclaw.json":                           `{agents: {defaults: {workspace: "~/ws"}, entries: {main: {}, ops: {}}}, skills: {load: {extraDirs: ["/srv/skills"]}}, models: {$include: "./models.json5"}}`,
		"home/alice/.openclaw/models.json5":                            `{providers: {p: {baseUrl: "http://x"}}}`,
		"home/alice/.openclaw/openclaw.json.bak":                       `{} // key-one`,
		"home/alice/.openclaw/openclaw.json.last-good":                 `{}`,
		"home/alice/.openclaw/.env":                                    "A=key-two\n",
		"home/alice/.openclaw/credentials/whatsapp/creds.json":         "{}",
		"home/alice/.openclaw/state/openclaw.sqlite":                   "SQLite format 3\x00",
		"home/alice/.openclaw/agents/main/agent/openclaw-agent.sqlite": "SQLite",
		"home/alice/.openclaw/agents/main/sessions/1.jsonl":            "{}",
		"home/alice/.openclaw/node_modules/x/.env":                     "A=key-no",
		"home/alice/.openclaw/skills/weather/SKILL.md":                 "---\nname: weather\n---\n",
		"home/alice/.openclaw/skills/weather/.clawhub/origin.json":     `{"installedVersion":"1.2.0"}`,
		"home/alice/ws/AGENTS.md":                                      "be kind",
		"home/alice/ws/memory/2026-01-01.md":                           "remembered key-three",
		"home/alice/ws/src/README.md":                                  "no",
		"home/alice/ws/skills/group/deploy/SKILL.md":                   "---\ndescription: x\nname: \"deploy it\" # really\n---\n",
		"home/alice/ws/ops/SOUL.md":                                    "ops",
		"srv/skills/extra/SKILL.md":                                    "no frontmatter",
		"usr/lib/node_modules/openclaw/package.json":                   `{"name":"openclaw","version":"2026.9.6"}`,
		"usr/lib/node_modules/openclaw/skills/weather/SKILL.md":        "---\nname: weather\n---\n",
		"usr/bin/openclaw":                                             "-> ../lib/node_modules/openclaw/openclaw.mjs",
		"usr/lib/node_modules/openclaw/openclaw.mjs":                   "",
		"tmp/openclaw/openclaw-2026-11-24.log":                         "started",
	})
	find := func(text string) []SecretAt {
		if i := strings.Index(text, "key-"); i >= 0 {
			return []SecretAt{{Rule: text[i:min(i+7, len(text))], Line: 1 + strings.Count(text[:i], "\n")}}
		}
		return nil
	}
	read := func(file, text string) []string {
		if strings.Contains(text, "name: weather") {
			return []string{"talks of weather (" + file + ")"}
		}
		return nil
	}
	got := Discover(context.Background(), h, facts(nil), SecretsBy(find), SkillsBy(read))
	if !got.Ok() || len(got.Value) != 1 {
		t.Fatalf("%+v", got)
	}
	in := got.Value[0]
	if in.StateDir != "/home/alice/.openclaw" || in.Version != "2026.9.6" || in.PackageDir != "/usr/lib/node_modules/openclaw" || in.Owner != "alice" {
		t.Errorf("install: %+v", in)
	}
	if v, ok := in.Config.String("models.providers.p.baseUrl"); !ok || v != "http://x" {
		t.Errorf("included value: %q, %v (%s)", v, ok, in.ConfigError)
	}
	if want := []string{"/home/alice/ws", "/home/alice/ws/ops"}; !slices.Equal(in.Workspaces, want) {
		t.Errorf("workspaces %v, want %v", in.Workspaces, want)
	}
	kinds, secrets := map[string]string{}, map[string]string{}
	for _, f := range in.Files {
		kinds[f.Path] = f.Kind
		for _, s := range f.Secrets {
			secrets[f.Path] = s.Rule
		}
	}
	for file, kind := range map[string]string{
		"/home/alice/.openclaw/openclaw.json":                           "config",
		"/home/alice/.openclaw/models.json5":                            "config",
		"/home/alice/.openclaw/openclaw.json.bak":                       "config-backup",
		"/home/alice/.openclaw/openclaw.json.last-good":                 "config-backup",
		"/home/alice/.openclaw/.env":                                    "env",
		"/home/alice/.openclaw/credentials/whatsapp/creds.json":         "credential",
		"/home/alice/.openclaw/state/openclaw.sqlite":                   "database",
		"/home/alice/.openclaw/agents/main/agent/openclaw-agent.sqlite": "database",
		"/home/alice/.openclaw/agents/main/sessions/1.jsonl":            "session",
		"/home/alice/.openclaw/node_modules/x/.env":                     "",
		"/home/alice/ws/AGENTS.md":                                      "bootstrap",
		"/home/alice/ws/ops/SOUL.md":                                    "bootstrap",
		"/home/alice/ws/memory/2026-01-01.md":                           "memory",
		"/home/alice/ws/src/README.md":                                  "",
		"/tmp/openclaw/openclaw-2026-11-24.log":                         "log",
	} {
		if kinds[file] != kind {
			t.Errorf("%s is %q, want %q", file, kinds[file], kind)
		}
	}
	if len(secrets) != 3 || secrets["/home/alice/.openclaw/.env"] != "key-two" || secrets["/home/alice/.openclaw/openclaw.json.bak"] != "key-one" {
		t.Errorf("secrets: %v", secrets)
	}
	var skills []string
	for _, s := range in.Skills {
		skills = append(skills, s.Root+":"+s.Name+":"+s.Source+":"+s.Pinned)
		if s.Shadows != (s.Name == "weather") {
			t.Errorf("%s shadows: %v", s.Name, s.Shadows)
		}
		if want := map[bool]string{true: "talks of weather (SKILL.md)"}[s.Name == "weather"]; strings.Join(s.Findings, ";") != want {
			t.Errorf("%s: findings %q, want %q", s.Name, s.Findings, want)
		}
	}
	if want := []string{"workspace:deploy it::", "managed:weather:clawhub:1.2.0", "extra:extra::"}; !slices.Equal(skills, want) {
		t.Errorf("skills %q, want %q", skills, want)
	}
	if len(in.Unreadable) != 0 {
		t.Errorf("unreadable: %q", in.Unreadable)
	}
}

func TestDiscoverProcess(t *testing.T) {
	h := tree(t, map[string]string{
		"srv/claw/openclaw.json":                    `{gateway: {`,
		"srv/claw/state/openclaw.sqlite":            "x",
		"proc/42/fd/7":                              "-> /srv/claw/state/openclaw.sqlite",
		"opt/oc/node_modules/openclaw/package.json": `{"name":"openclaw","version":"2026.9.6"}`,
	})
	gateway := host.Process{PID: 42, Name: "openclaw-gatewa", Args: []string{"openclaw-gateway"}, UID: 1000,
		Exe: "/opt/oc/node_modules/node/bin/node", Env: []string{"OPENCLAW_STATE_DIR"}, Cgroup: "/user.slice/user-1000.slice/user@1000.service/app.slice/openclaw-gateway.service"}
	inside := host.Process{PID: 43, Name: "openclaw-gatewa", UID: 1000, Cgroup: "/system.slice/docker-abc.scope"}
	got := Discover(context.Background(), h, facts(func(f *host.Facts) { f.Processes = host.Is([]host.Process{gateway, inside}) }))
	if !got.Ok() || len(got.Value) != 1 {
		t.Fatalf("%+v", got)
	}
	in := got.Value[0]
	if in.StateDir != "/srv/claw" || in.Process == nil || in.Version != "2026.9.6" || in.Unit != "user@1000.service/openclaw-gateway.service" {
		t.Errorf("%+v", in)
	}
	if in.Config != nil || !strings.Contains(in.ConfigError, "openclaw.json line 1") || len(in.Unreadable) == 0 {
		t.Errorf("a broken config: %q %q", in.ConfigError, in.Unreadable)
	}
}

func TestDiscoverContainer(t *testing.T) {
	h := tree(t, map[string]string{
		"srv/data/openclaw.json": `{agents: {defaults: {workspace: "/home/node/.openclaw/workspace"}}}`,
		"srv/ws/AGENTS.md":       "x",
	})
	c := host.Container{OpenClaw: true, Inspect: container.InspectResponse{
		Name: "/openclaw",
		Mounts: []container.MountPoint{
			{Source: "/srv/data", Destination: "/home/node/.openclaw"},
			{Source: "/srv/ws", Destination: "/home/node/.openclaw/workspace"},
		},
		Config: &container.Config{Labels: map[string]string{"org.opencontainers.image.version": "2026.9.6"}},
	}}
	got := Discover(context.Background(), h, facts(func(f *host.Facts) { f.Containers = host.Is([]host.Container{c}) }))
	if !got.Ok() || len(got.Value) != 1 {
		t.Fatalf("%+v", got)
	}
	in := got.Value[0]
	if in.Container != "openclaw" || in.StateDir != "/srv/data" || in.Version != "2026.9.6" || !slices.Equal(in.Workspaces, []string{"/srv/ws"}) {
		t.Errorf("%+v", in)
	}
}

func TestDiscoverEnvironment(t *testing.T) {
	h := tree(t, map[string]string{"data/oc/openclaw.json": `{gateway: {port: 1}}`})
	env := Environment(func(k string) string { return map[string]string{"OPENCLAW_STATE_DIR": "/data/oc", "HOME": "/root"}[k] })
	got := Discover(context.Background(), h, facts(nil), env)
	if !got.Ok() || got.Value[0].ConfigPath != "/data/oc/openclaw.json" || got.Value[0].Config == nil {
		t.Errorf("%+v", got)
	}
}

func TestDiscoverFollowsALinkedStateDirectory(t *testing.T) {
	h := tree(t, map[string]string{
		"home/alice/.openclaw":   "-> /srv/oc",
		"srv/oc/openclaw.json":   `{}`,
		"srv/oc/state/x.sqlite":  "x",
		"home/alice/.openclaw-b": "no directory",
	})
	env := Environment(func(k string) string { return map[string]string{"OPENCLAW_STATE_DIR": "/home/alice/.openclaw"}[k] })
	got := Discover(context.Background(), h, facts(nil), env)
	if !got.Ok() || len(got.Value) != 1 || got.Value[0].StateDir != "/srv/oc" || len(got.Value[0].Files) != 2 {
		t.Errorf("%+v", got)
	}
}

func TestLoadConfigRefuses(t *testing.T) {
	files := map[string]string{
		"c/loop.json":     `{$include: "./loop.json"}`,
		"c/out.json":      `{$include: "../etc/passwd"}`,
		"c/link.json":     `{$include: "./linked.json"}`,
		"c/linked.json":   "-> /etc/secret.json",
		"etc/secret.json": `{a: 1}`,
		"c/missing.json":  `{a: {$include: "./nowhere.json"}}`,
		"c/broken.json":   `{a: {$include: "./bad.json"}}`,
		"c/bad.json":      "{\n\n  x",
		"c/number.json":   `{a: {$include: 3}}`,
		"c/sibling.json":  `{a: {$include: "./list.json", b: 1}}`,
		"c/list.json":     `[1]`,
		"c/ok.json":       `{a: {$include: ["./x.json", "./y.json"], l: [3], z: "mine"}, b: {$include: "./list.json"}}`,
		"c/x.json":        `{z: 1, l: [1], x: {p: 1}}`,
		"c/y.json":        `{z: 2, l: [2], x: {q: {$include: "./list.json"}}}`,
	}
	h := tree(t, files)
	for file, want := range map[string]string{
		"loop": "includes itself", "out": "leaves the config's directory", "link": "is a link that leaves", "missing": "nowhere.json",
		"broken": "bad.json line", "number": "takes a path", "sibling": "is none",
	} {
		if _, err := LoadConfig(context.Background(), h, "/c/"+file+".json"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", file, err, want)
		}
	}
	if c, err := LoadConfig(context.Background(), h, "/c/out.json", "/etc"); err == nil || !strings.Contains(err.Error(), "etc/passwd") {
		t.Errorf("an allowed root: %v %v", c, err)
	}
	c, err := LoadConfig(context.Background(), h, "/c/ok.json")
	if err != nil {
		t.Fatal(err)
	}
	whole, _ := c.Get("")
	want := `map[a:map[l:[1 2 3] x:map[p:1 q:[1]] z:mine] b:[1]]`
	if got := strings.ReplaceAll(sprint(whole), "\n", ""); got != want {
		t.Errorf("merged %s, want %s", got, want)
	}
	if p, ok := c.Place("a", "x", "p"); !ok || p.File != "/c/x.json" {
		t.Errorf("place of an included value: %+v", p)
	}
	if n := len(c.Includes()); n != 3 {
		t.Errorf("%d includes, want 3: %+v", n, c.Includes())
	}
}

// A gateway's own environment says where its files are, on a machine that may
// be a container itself.
func TestDiscoverPlacesOfAProcess(t *testing.T) {
	h := tree(t, map[string]string{
		"home/alice/.openclaw/state/openclaw.sqlite":    "SQLite format 3\x00",
		"home/alice/elsewhere/claw.json":                `{gateway: {port: 4711}}`,
		"srv/state/openclaw.json":                       `{gateway: {port: 4712}}`,
		"home/alice/.config/systemd/user/other.service": "",
	})
	gateway := host.Process{
		PID: 7, UID: 1000, Name: "openclaw-gatewa", EnvStatus: host.Known,
		Cgroup: "/docker/0123/system.slice/openclaw.service",
		Places: map[string]string{"HOME": "/home/alice", "OPENCLAW_CONFIG_PATH": "~/elsewhere/claw.json"},
	}
	in := func(p host.Process) []Install {
		return Discover(context.Background(), h, facts(func(f *host.Facts) {
			f.Processes = host.Is([]host.Process{{PID: 1, Cgroup: "/docker/0123/init.scope"}, p})
		})).Value
	}
	found := in(gateway)
	if len(found) != 1 || found[0].StateDir != "/home/alice/.openclaw" || found[0].ConfigPath != "/home/alice/elsewhere/claw.json" || found[0].Config == nil {
		t.Fatalf("a config elsewhere: %+v", found)
	}
	if found[0].Process == nil || found[0].Unit != "openclaw.service" || len(found[0].Unreadable) > 0 {
		t.Errorf("%+v", found[0])
	}
	gateway.Places = map[string]string{"HOME": "/home/alice", "OPENCLAW_STATE_DIR": "/srv/state"}
	if found := in(gateway); len(found) != 2 || found[1].StateDir != "/srv/state" || found[1].Config == nil {
		t.Errorf("a state directory elsewhere: %+v", found)
	}
	gateway.Cgroup = "/docker/0123/docker/4567"
	for _, i := range in(gateway) {
		if i.Process != nil {
			t.Errorf("a gateway in a container of this machine: %+v", i)
		}
	}
}

// OPENCLAW_CONFIG_PATH alone leaves the state where it was, which need not be there yet.
func TestDiscoverConfigPathAlone(t *testing.T) {
	h := tree(t, map[string]string{"srv/claw.json": `{gateway: {port: 4711}}`, "home/alice/notes": ""})
	env := map[string]string{"HOME": "/home/alice", "OPENCLAW_CONFIG_PATH": "/srv/claw.json"}
	f := facts(nil)
	f.Self.UID = 1000
	got := Discover(context.Background(), h, f, Environment(func(name string) string { return env[name] })).Value
	if len(got) != 1 || got[0].StateDir != "/home/alice/.openclaw" || got[0].Owner != "alice" || got[0].Config == nil || len(got[0].Unreadable) > 0 {
		t.Errorf("%+v", got)
	}
}

func TestSetUp(t *testing.T) {
	h := tree(t, map[string]string{"usr/lib/node_modules/openclaw/package.json": `{"name":"openclaw","version":"2026.9.6"}`})
	got := Discover(context.Background(), h, facts(nil)).Value
	if len(got) != 1 || got[0].SetUp() || len(got[0].Unreadable) > 0 {
		t.Errorf("a package alone: %+v", got)
	}
	h.closed = map[string]bool{"/root": true, "/root/.openclaw": true}
	if got := Discover(context.Background(), h, facts(nil)).Value; len(got) != 1 || got[0].SetUp() || len(got[0].Unreadable) == 0 {
		t.Errorf("and a home that could not be looked into: %+v", got)
	}
}
