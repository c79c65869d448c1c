package proof

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/openseawall/seawall/internal/guard/connect"
	"github.com/openseawall/seawall/internal/guard/door/hook"
	"github.com/openseawall/seawall/internal/guard/door/model"
	"github.com/openseawall/seawall/internal/openclaw"
)

func mustParse(t *testing.T, text string) *openclaw.Config {
	t.Helper()
	c, err := openclaw.ParseConfig([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestThePluginInTheConfig(t *testing.T) {
	const good = `{plugins:{load:{paths:["/p"]},allow:["seawall-guard"],entries:{"seawall-guard":{enabled:true,config:{endpoint:"http://127.0.0.1:4780/.hook"}}}}}`
	for name, c := range map[string]struct{ old, new, want string }{
		"as it was written":  {"x:", "x:", ""},
		"all off":            {`{plugins:{`, `{plugins:{enabled:false,`, "plugins.enabled is false"},
		"off":                {`enabled:true`, `enabled:false`, "enabled is not true"},
		"gone":               {`"seawall-guard":{`, `"other":{`, "enabled is not true"},
		"another door":       {`4780`, `4999`, "is not this door"},
		"another folder":     {`"/p"`, `"/q"`, "does not name /p"},
		"not allowed":        {`allow:["seawall-guard"]`, `allow:["other"]`, "plugins.allow"},
		"no list of allowed": {`allow:["seawall-guard"],`, ``, ""},
		"denied":             {`allow:`, `deny:["seawall-guard"],allow:`, "plugins.deny"},
	} {
		got := pluginProblem(mustParse(t, strings.Replace(good, c.old, c.new, 1)), hook.Agent{Plugin: "/p"}, "127.0.0.1:4780")
		if c.want == "" && got != "" || c.want != "" && !strings.Contains(got, c.want) {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestWhichModelIsAsked(t *testing.T) {
	c := mustParse(t, `{agents:{defaults:{model:{primary:"OpenAI/gpt-5",fallbacks:["local/a/b"]},imageModel:"pics/draw",models:{"xai/grok":{},"openai/*":{}}}}}`)
	for name, r := range map[string]openclaw.Route{
		"gpt-5": {ID: "openai", UsedBy: []string{"agents.defaults.models", "agents.defaults.model.primary"}, Models: []string{"first"}},
		"a/b":   {ID: "local", UsedBy: []string{"agents.defaults.model.fallbacks.0"}},
		"grok":  {ID: "xai", UsedBy: []string{"XAI_API_KEY in process 7", "agents.defaults.models"}},
		"own":   {ID: "local", Model: "own", UsedBy: []string{"agents.defaults.model.fallbacks.0"}},
		"first": {ID: "idle", Models: []string{"first", "second"}},
		"":      {ID: "pics", UsedBy: []string{"agents.defaults.imageModel"}},
	} {
		if got := chatModel(c, r); got != name {
			t.Errorf("of %s it asks %q, not %q", r.ID, got, name)
		}
	}
}

func TestTheSecretOfAGateway(t *testing.T) {
	g := &gateway{env: map[string]string{"MINE": "from-env", "OPENCLAW_GATEWAY_TOKEN": "of-env", "OPENCLAW_GATEWAY_PASSWORD": "word"}}
	for text, want := range map[string]string{
		`{gateway:{auth:{token:"plain"}}}`:                                     "token plain",
		`{gateway:{auth:{mode:"token",token:"${MINE}"}}}`:                      "token from-env",
		`{gateway:{auth:{token:{source:"env",provider:"default",id:"MINE"}}}}`: "token from-env",
		`{gateway:{auth:{token:{source:"file",provider:"x",id:"/a"}}}}`:        "in a store of OpenClaw's",
		`{}`:                                      "token of-env",
		`{gateway:{auth:{mode:"password"}}}`:      "password word",
		`{gateway:{auth:{mode:"none"}}}`:          "",
		`{gateway:{auth:{mode:"trusted-proxy"}}}`: "auth.mode is trusted-proxy",
	} {
		auth, err := g.secret(mustParse(t, text))
		got := ""
		for kind, value := range auth {
			got = kind + " " + value
		}
		if err != nil {
			got = err.Error()
		}
		if got != want && (err == nil || !strings.Contains(got, want)) {
			t.Errorf("%s: %q", text, got)
		}
	}
	if _, err := (&gateway{}).secret(mustParse(t, `{}`)); err == nil {
		t.Error("no secret at all is one")
	}
}

// TestWhatIsAProblem: what passes no door is one, what only is not proven is
// none.
func TestWhatIsAProblem(t *testing.T) {
	whole := func() *agent {
		a := newAgent("/c", nil)
		a.config, a.gateway, a.settings = mustParse(t, `{}`), &gateway{process: process{pid: 20, start: 7}}, "s"
		f := &flightLog{}
		f.land(a.identity(), nil)
		a.flights[lane{route: "openai"}] = f
		return a
	}
	row := func(standing string, used ...string) func(*agent) {
		return func(a *agent) {
			a.uses.rows = []connect.Row{{Config: "/c", Route: "direct", Standing: standing, UsedBy: used}}
		}
	}
	fail := func(times int, err error) func(*agent) {
		return func(a *agent) {
			for range times {
				a.flights[lane{route: "openai"}].land(a.identity(), err)
			}
		}
	}
	for name, c := range map[string]struct {
		change         func(*agent)
		problem, doubt string
	}{
		"nothing":                     {func(*agent) {}, "", ""},
		"used and not through":        {row(connect.OtherFormat, "agents.defaults.model.primary"), "OpenClaw would call direct", ""},
		"not used, of another format": {row(connect.OtherFormat), "", ""},
		"not used, but it could be":   {row(connect.Routable), "OpenClaw would call direct", ""},
		"through":                     {row(connect.Through, "agents.defaults.model.primary"), "", ""},
		"one canary went past":        {fail(1, errPast), "", "go past Seawall"},
		"two canaries went past":      {fail(2, errPast), "openai does not pass the door", "go past Seawall"},
		"canaries that could not be":  {fail(9, errors.New("busy")), "", "busy"},
		"another config":              {func(a *agent) { a.settings = "t" }, "", "on its way"},
		"the gateway ended":           {func(a *agent) { a.gateway = nil }, "", "not running"},
		"a connection with a provider": {func(a *agent) {
			a.ends.Provider = []End{{Address: "203.0.113.9:443", Name: "api.example", Process: "curl"}}
		}, "(curl) was connected with api.example", ""},
		"no plugin":                 {func(a *agent) { a.plugin = "plugins.enabled is false" }, "no longer asks before it runs a call: plugins.enabled", ""},
		"the config is unreadable":  {func(a *agent) { a.unread = "it is not JSON5" }, "could not be read: it is not JSON5", ""},
		"what it uses is not known": {func(a *agent) { a.usesError = errors.New("no such file") }, "could not be read: no such file", ""},
	} {
		a := whole()
		c.change(a)
		r := a.report()
		switch {
		case c.problem == "" && len(r.Problems) > 0, c.problem != "" && (len(r.Problems) != 1 || !strings.Contains(r.Problems[0].What, c.problem) || r.Problems[0].Fix == ""):
			t.Errorf("%s: the problems are %+v", name, r.Problems)
		case c.doubt == "" && r.Proofs[0].Why != "", !strings.Contains(r.Proofs[0].Why, c.doubt):
			t.Errorf("%s: the proof is %+v", name, r.Proofs[0])
		}
	}
}

// TestARouteThatIsNotTried says why.
func TestARouteThatIsNotTried(t *testing.T) {
	a := newAgent("/c", nil)
	a.config = mustParse(t, `{}`)
	route := model.Route{ID: "local", Provider: "local", Agent: "/c", Upstream: "https://api.example/v1"}
	for want, ways := range map[string][]openclaw.Route{
		"no longer has this provider":  nil,
		"does not send it to the door": {{ID: "local", BaseURL: "https://api.example/v1", Models: []string{"m"}}},
		"no model of it that answers":  {{ID: "local", BaseURL: "http://127.0.0.1:4780/local/v1"}},
	} {
		a.uses.routes = ways
		a.follow("127.0.0.1:4780", []model.Route{route}, nil)
		if f := a.flights[lane{route: "local"}]; f == nil || !strings.Contains(f.why, want) {
			t.Errorf("%s: %+v", want, f)
		}
	}
	a.uses.routes = []openclaw.Route{{ID: "local", BaseURL: "http://127.0.0.1:4780/local/v1", Models: []string{"m"}}}
	a.follow("127.0.0.1:4780", []model.Route{route}, nil)
	if f := a.flights[lane{route: "local"}]; f.why != "" || f.provider != "local" || f.model != "m" {
		t.Errorf("%+v", f)
	}
}

// TestAnOldReport is the loudest finding.
func TestAnOldReport(t *testing.T) {
	now := time.Now()
	for name, c := range map[string]struct {
		r    *Report
		want int
	}{
		"none": {nil, 1}, "a new one": {&Report{Time: now}, 0}, "an old one": {&Report{Time: now.Add(-fresh - 1)}, 1},
		"a new one with a problem": {&Report{Time: now, Agents: []Agent{{Problems: []Problem{{"x", "y"}}}}}, 1},
	} {
		if got := c.r.Problems(now); len(got) != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	dir := stateDir(t)
	if r, err := Load(dir); r != nil || err != nil {
		t.Errorf("without a file: %v, %v", r, err)
	}
	want := &Report{Time: now.Round(0), Agents: []Agent{{Config: "/c", Problems: []Problem{{"x", "y"}}}}}
	if err := want.save(dir); err != nil {
		t.Fatal(err)
	}
	if got, err := Load(dir); err != nil || len(got.Agents) != 1 || got.Agents[0].Problems[0].String() != "x. To change that: y" {
		t.Errorf("%+v, %v", got, err)
	}
	if err := dir.Write(File, []byte("{")); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(dir); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("a damaged file: %v", err)
	}
}
