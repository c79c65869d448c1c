package policy

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/cedar-policy/cedar-go"

	"github.com/openseawall/seawall/internal/effect"
)

// with is the shipped policy with lines of an operator.
func with(t *testing.T, lines string) *Policy {
	t.Helper()
	p, err := shipped(t).With(lines)
	if err != nil {
		t.Fatalf("%v in\n%s", err, lines)
	}
	return p
}

func TestExceptionsAreChecked(t *testing.T) {
	const head = `permit (principal, action == Action::"call", resource == Tool::"exec") `
	for name, c := range map[string]struct{ line, says string }{
		"of the guard":       {`@except("guard") ` + head + `;`, "protects the guard itself"},
		"of the unreadable":  {`@except("unreadable") ` + head + `;`, "protects the guard itself"},
		"of the ambiguous":   {`@except("credential-files, ambiguous") ` + head + `;`, "protects the guard itself"},
		"of no rule":         {`@except("credential-file") ` + head + `;`, "names no rule that forbids"},
		"of a permit":        {`@except("the-rest") ` + head + `;`, "names no rule that forbids"},
		"of an exception":    {`@name("a") @except("credential-files") ` + head + `; @except("a") ` + head + `;`, "names no rule that forbids"},
		"of nothing":         {`@except ` + head + `;`, "names no rule that forbids"},
		"of a redaction":     {`@except("secrets-to-model") ` + head + `;`, "--wrong"},
		"on a forbid":        {`@except("credential-files") forbid (principal, action == Action::"call", resource == Tool::"exec");`, "stands on a forbid"},
		"for texts":          {`@except("injected-result") permit (principal, action == Action::"read", resource);`, `needs action == Action::"call"`},
		"for any action":     {`@except("credential-files") permit (principal, action, resource == Tool::"exec");`, `needs action == Action::"call"`},
		"for two actions":    {`@except("credential-files") permit (principal, action in [Action::"call", Action::"keep"], resource);`, `needs action == Action::"call"`},
		"for every call":     {`@except("credential-files") permit (principal, action == Action::"call", resource);`, "delete the rule instead"},
		"beyond the schema":  {`@except("credential-files") ` + head + `when { context.host };`, "does not fit the schema"},
		"with a decision":    {`@decision("ask") @except("credential-files") ` + head + `;`, "would have no effect"},
		"under a taken name": {`@name("guard") @except("credential-files") ` + head + `;`, "used twice"},
	} {
		_, err := shipped(t).With(c.line)
		if err == nil || !strings.Contains(err.Error(), c.says) || !strings.HasPrefix(err.Error(), "local.cedar, line 2: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAnExceptionLiftsItsRule(t *testing.T) {
	p := with(t, `@name("mine") @except("credential-files, download-and-run")
permit (principal == Agent::"main", action == Action::"call", resource == Tool::"exec") when { context.commands == ["ls"] };`)
	in := func(edit func(*Input)) Input {
		i := call(effect.CredentialRead)
		i.Effects.Commands = []string{"ls"}
		if edit != nil {
			edit(&i)
		}
		return i
	}
	for name, c := range map[string]struct {
		edit func(*Input)
		want Verdict
		by   string
	}{
		"what it describes":       {nil, Allow, "mine"},
		"two rules":               {func(i *Input) { i.Effects.Dangers = append(i.Effects.Dangers, effect.DownloadExecute) }, Allow, "mine mine"},
		"another agent":           {func(i *Input) { i.Agent = "other" }, Deny, "credential-files"},
		"another tool":            {func(i *Input) { i.Tool = "read" }, Deny, "credential-files"},
		"another command":         {func(i *Input) { i.Effects.Commands = []string{"ls", "cat"} }, Deny, "credential-files"},
		"a third rule":            {func(i *Input) { i.Effects.Dangers = append(i.Effects.Dangers, effect.ReverseShell) }, Deny, "reverse-shell"},
		"the guard's danger":      {func(i *Input) { i.Effects.Dangers = append(i.Effects.Dangers, effect.DisableGuard) }, Deny, "credential-files guard"},
		"the guard's kind":        {func(i *Input) { i.Effects.Kinds = []effect.Kind{effect.Guard} }, Deny, "credential-files"},
		"Seawall's keys":          {func(i *Input) { i.Effects.Reads = []string{"~/.local/state/seawall/keys.json"} }, Deny, "credential-files"},
		"unreadable":              {func(i *Input) { i.Effects.ParseError = "no" }, Deny, "credential-files unreadable"},
		"in two ways":             {func(i *Input) { i.Ambiguous = true }, Deny, "ambiguous credential-files"},
		"what no rule would stop": {func(i *Input) { i.Effects.Dangers = nil }, Allow, ""},
	} {
		d := p.Decide(in(c.edit))
		var by []string
		for _, r := range d.Reasons {
			by = append(by, r.Policy)
		}
		slices.Sort(by)
		if d.Verdict != c.want || strings.Join(by, " ") != c.by {
			t.Errorf("%s: %s by %v", name, d.Verdict, by)
		}
	}
}

// TestAnExceptionPermitsNothing: without the rule it lifts, no permit speaks.
func TestAnExceptionPermitsNothing(t *testing.T) {
	p, err := Load([]byte(`@name("a") forbid (principal, action, resource) when { context.opaque };
@except("a") permit (principal, action == Action::"call", resource == Tool::"exec");
permit (principal, action == Action::"read", resource);`))
	if err != nil {
		t.Fatal(err)
	}
	in := Input{Act: Call, Tool: "exec", Effects: effect.Effects{Opaque: true}}
	if d := p.Decide(in); d.Verdict != Deny || d.Reasons[0].Policy != "no-permit" {
		t.Errorf("%+v", d)
	}
	if _, err := Load([]byte(`@name("a") forbid (principal, action, resource) when { context.opaque }; @except("a") permit (principal, action == Action::"call", resource == Tool::"exec");`)); err == nil || !strings.Contains(err.Error(), "permits nothing") {
		t.Errorf("%v", err)
	}
}

// TestAnExceptionAllowsNoMoreThanWhatItDescribes, whatever it says: what it lets
// through it describes, is a call, was stopped by the rules it names alone, and
// does not touch the guard.
func TestAnExceptionAllowsNoMoreThanWhatItDescribes(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	before := shipped(t)
	conditions := []string{
		`context.dangers.contains("credential-read")`, `context.commands == ["ls"]`, `context.hosts.isEmpty()`,
		`!context.opaque`, `context.kinds.contains("send")`, `context.dangers.contains("disable-guard")`, `context.unparsed || context.ambiguous`, `true`,
	}
	names := []string{"credential-files", "download-and-run", "reverse-shell", "placeholder"}
	lifted := 0
	for range 60 {
		lifts := slices.DeleteFunc(slices.Clone(names), func(string) bool { return rnd.IntN(2) == 0 })
		if len(lifts) == 0 {
			continue
		}
		condition := conditions[rnd.IntN(len(conditions))]
		line := `@name("x") @except("` + strings.Join(lifts, ", ") + `") permit (principal, action == Action::"call", resource) when { ` + condition + ` };`
		after := with(t, line)
		alone, err := cedar.NewPolicySetFromBytes("", []byte(line))
		if err != nil {
			t.Fatal(err)
		}
		for range 500 {
			in := randomInput(rnd)
			a, b := before.Decide(in), after.Decide(in)
			if b.Verdict > a.Verdict {
				t.Fatalf("an exception made %s of %s: %+v", b.Verdict, a.Verdict, in)
			}
			if b.Verdict == a.Verdict {
				continue
			}
			lifted++
			req, _ := in.request()
			describes, _ := cedar.Authorize(alone, nil, req)
			all, _, _ := before.Explain(in)
			unnamed := slices.ContainsFunc(all, func(r Rule) bool {
				return r.Decision == "deny" && !slices.Contains(lifts, r.Name)
			})
			switch {
			case !bool(describes), in.Act != Call, unnamed,
				in.Ambiguous, in.Effects.ParseError != "",
				slices.Contains(in.Effects.Kinds, effect.Guard), slices.Contains(in.Effects.Dangers, effect.DisableGuard):
				t.Fatalf("%s\nlets through %+v, which %v stopped", line, in, a.Reasons)
			}
		}
	}
	if lifted < 50 {
		t.Errorf("only %d were let through", lifted)
	}
}

// TestALineIsForItsCallAlone: it lets that call through, and no other that a rule
// sees another thing of.
func TestALineIsForItsCallAlone(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	before := shipped(t)
	lines := 0
	for range 1500 {
		in := randomInput(rnd)
		in.Act = Call
		if len(in.Effects.Writes) > 0 {
			in.Effects.Writes = []string{"/x"}
		}
		line, err := before.Line("allow-1", in)
		if before.Decide(in).Verdict == Allow || err != nil {
			continue
		}
		lines++
		after := with(t, line)
		if d := after.Decide(in); d.Verdict != Allow {
			t.Fatalf("%s\ndoes not let %+v through: %v", line, in, d)
		}
		for range 200 {
			other := changed(rnd, in)
			if after.Decide(other).Verdict >= before.Decide(other).Verdict {
				continue
			}
			// What rules cannot tell apart in calls, and Cedar's sets.
			like := func(i Input) Input {
				i.Source, i.Injection, i.Workspace, i.Approved, i.Redacted = "", "", false, false, false
				// A line is for a call whoever chose it, and wherever it is made.
				i.Origin, i.Confidential = Origin{Private: i.Origin.Private}, false
				return i
			}
			if a, b := like(in), like(other); a.Agent != b.Agent || a.Act != b.Act || !a.record().Equal(b.record()) {
				t.Fatalf("%s\nis for %+v and lets %+v through", line, in, other)
			}
		}
	}
	if lines < 20 {
		t.Errorf("only %d lines", lines)
	}
}

// changed is an input that differs from another in one thing or none.
func changed(rnd *rand.Rand, in Input) Input {
	from := randomInput(rnd)
	to, other := reflect.ValueOf(&in).Elem(), reflect.ValueOf(from)
	if rnd.IntN(2) == 0 {
		to, other = reflect.ValueOf(&in.Effects).Elem(), reflect.ValueOf(from.Effects)
	}
	i := rnd.IntN(to.NumField())
	to.Field(i).Set(other.Field(i))
	return in
}

func TestNoLine(t *testing.T) {
	in := func(edit func(*Input)) Input {
		i := call(effect.CredentialRead)
		edit(&i)
		return i
	}
	for name, c := range map[string]struct {
		in   Input
		says error
	}{
		"a text":           {Input{Act: Read, Source: "tool", Injection: "malicious"}, errText},
		"a reply":          {Input{Act: Reply, Secrets: []string{"x"}}, errText},
		"the guard":        {call(effect.DisableGuard), errProtected},
		"and another rule": {in(func(i *Input) { i.Effects.Kinds = []effect.Kind{effect.Guard} }), errProtected},
		"Seawall's files":  {in(func(i *Input) { i.Effects.Reads = []string{"/var/lib/seawall/keys.json"} }), errProtected},
		"seen in a piece": {in(func(i *Input) {
			i.Effects.Evidence = map[effect.Danger]string{effect.CredentialRead: "cd /var/lib/Seawall; cat keys.json"}
		}), errProtected},
		"unreadable":   {in(func(i *Input) { i.Effects.ParseError = "1:1" }), errUnclear},
		"two readings": {in(func(i *Input) { i.Ambiguous = true }), errUnclear},
		"anywhere":     {in(func(i *Input) { i.Effects.Kinds = []effect.Kind{effect.Send} }), errNowhere},
		"some folder":  {in(func(i *Input) { i.Effects.Reads = []string{"~/x", "keys.json"} }), errRelative},
		"a variable":   {in(func(i *Input) { i.Effects.Reads = []string{"~/.aws/credentials", effect.Unknown} }), errOpaque},
		"opaque":       {in(func(i *Input) { i.Effects.Opaque = true }), errOpaque},
		"a secret":     {in(func(i *Input) { i.Effects.URLs = []string{"https://x.example/?k=[secret: an API key]"} }), errSecret},
	} {
		if line, err := shipped(t).Line("a", c.in); err != c.says {
			t.Errorf("%s: %v %s", name, err, line)
		}
	}
}

func TestALineReadsWell(t *testing.T) {
	in := call(effect.CredentialRead)
	in.Effects = effect.Of("exec", []byte(`{"command":"cat ~/.ssh/id_rsa \"/a\\\"b\""}`))
	got, err := shipped(t).Line("allow-41", in)
	const want = `@name("allow-41")
@except("credential-files")
permit (principal == Agent::"main", action == Action::"call", resource == Tool::"exec")
when {
  context.dangers == ["credential-read"] &&
  context.kinds == ["execute", "read"] &&
  context.commands == ["cat"] &&
  context.reads == ["/a\"b", "~/.ssh/id_rsa"] &&
  context.writes.isEmpty() && context.hosts.isEmpty() && context.urls.isEmpty() && context.recipients.isEmpty() &&
  context.private.isEmpty() && context.secrets.isEmpty() && !context.opaque && !context.placeholders &&
  !context.unseen
};
`
	if err != nil || got != want {
		t.Errorf("%v\n%s", err, got)
	}
}

// TestALineWhereNothingPermits is a permit, beside the exception if need be.
func TestALineWhereNothingPermits(t *testing.T) {
	p, err := Load([]byte(`@name("a") forbid (principal, action, resource) when { context.hosts.contains("a.example") };
permit (principal, action == Action::"read", resource);`))
	if err != nil {
		t.Fatal(err)
	}
	for hosts, parts := range map[string]int{"": 1, "a.example": 2} {
		in := Input{Agent: "main", Act: Call, Tool: "exec"}
		if hosts != "" {
			in.Effects.Hosts = []string{hosts}
		}
		line, err := p.Line("x", in)
		if err != nil || strings.Count(line, "permit (") != parts {
			t.Errorf("%q: %v\n%s", hosts, err, line)
		}
	}
}

// TestTheTextOfARule is what stands in the file, without the comments behind it.
func TestTheTextOfARule(t *testing.T) {
	p := with(t, "// mine; and more\n@name(\"m\") @reason(\"a // b; c\")\nforbid (principal, action, resource) // why;\nwhen { context.opaque };\n\n// behind; it\n")
	r, ok := p.Rule("m")
	if want := "@name(\"m\") @reason(\"a // b; c\")\nforbid (principal, action, resource) // why;\nwhen { context.opaque };"; !ok || r.Text != want || r.Line != 3 || r.File != LocalFile {
		t.Errorf("%+v", r)
	}
	if r, _ := p.Rule("credential-files"); r.Line != 27 || !strings.HasSuffix(r.Text, "};") || !strings.HasPrefix(r.Text, "@name") {
		t.Errorf("%+v", r)
	}
}

// TestALineQuotesWhatItNames: nothing that a call names ends its string.
func TestALineQuotesWhatItNames(t *testing.T) {
	for _, path := range []string{"/c\"] };\npermit (principal, action, resource); //", "/a\\", "/\r\n\t\u202e日本\\u{1F600}", "/'$*"} {
		in := call(effect.CredentialRead)
		in.Agent, in.Tool, in.Effects.Reads = path, path, []string{path}
		line, err := shipped(t).Line("a", in)
		if err != nil || strings.Count(line, "\n") != 10 || with(t, line).Decide(in).Verdict != Allow {
			t.Errorf("%q: %v\n%s", path, err, line)
		}
	}
}
