package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/openseawall/seawall/internal/effect"
)

func TestTheShippedPolicyIsInTheList(t *testing.T) {
	sums := strings.Fields(shippedSums)
	sum := sha256.Sum256(Default())
	if got := hex.EncodeToString(sum[:]); sums[len(sums)-1] != got {
		t.Errorf("default.cedar was changed: its sum %s must be the last line of shipped.sums", got)
	}
}

func TestAnOlderPolicyIsReplaced(t *testing.T) {
	const older = "// as it was shipped once\npermit (principal, action, resource);\n"
	sum := sha256.Sum256([]byte(older))
	before := shippedSums
	shippedSums = hex.EncodeToString(sum[:]) + "\n" + shippedSums
	defer func() { shippedSums = before }()

	for name, c := range map[string]struct{ policy, local, note string }{
		"unedited":              {older, "", "is now that of this one"},
		"edited":                {older + "\n", "", ""},
		"of this version":       {string(Default()), "", ""},
		"own rules do not fit":  {older, `@name("sends") forbid (principal, action == Action::"call", resource == Tool::"x");`, "do not fit"},
		"own rules fit":         {older, `@name("mine") forbid (principal, action == Action::"call", resource == Tool::"x");`, "is now that of this one"},
		"own rules were broken": {older, `forbid`, "do not fit"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "policy.cedar")
			write(t, path, c.policy)
			if c.local != "" {
				write(t, filepath.Join(filepath.Dir(path), LocalFile), c.local)
			}
			s, err := OpenStore(path)
			if c.local == "forbid" {
				if err == nil {
					t.Fatal("broken rules were taken")
				}
			} else if err != nil {
				t.Fatal(err)
			} else if !strings.Contains(s.Note, c.note) || c.note == "" && s.Note != "" {
				t.Errorf("note %q, want %q", s.Note, c.note)
			}
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if replaced := string(text) != c.policy; replaced != strings.Contains(c.note, "is now") {
				t.Errorf("replaced: %v", replaced)
			}
		})
	}
}

func TestDiffers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "policy.cedar")
	text := string(Default())
	text = strings.Replace(text, `@name("spends")`, `@name("mine")`, 1)
	text = strings.Replace(text, `unless { context.own || context.reversible || context.approved }`, `unless { context.approved }`, 1)
	write(t, path, text)
	d, err := Differs(path)
	if err != nil || len(d.Missing) != 1 || d.Missing[0] != "spends" || len(d.Changed) != 1 || d.Changed[0] != "destroys" {
		t.Errorf("%+v, %v", d, err)
	}
	if !strings.Contains(d.Text, `+@name("spends")`) {
		t.Errorf("the diff does not tell what is missing:\n%s", d.Text)
	}
	write(t, path, string(Default()))
	if d, err := Differs(path); err != nil || d.Text != "" || d.Missing != nil || d.Changed != nil {
		t.Errorf("the shipped one differs from itself: %+v, %v", d, err)
	}
}

func mail(to ...string) Input {
	return Input{Agent: "main", Act: Call, Tool: "send_email", Injection: "clean",
		Effects: effect.Effects{Kinds: []effect.Kind{effect.Send}, To: to, Opaque: true}}
}

func TestRemember(t *testing.T) {
	p, now := shipped(t), time.Now()
	until := now.AddDate(0, 0, 90)
	line, err := p.Remember("remembered-7", mail("anna@example.org"), until)
	if err != nil {
		t.Fatal(err)
	}
	with, err := p.With(line)
	if err != nil {
		t.Fatalf("%v in\n%s", err, line)
	}
	private := mail("anna@example.org")
	private.Origin = Origin{Audience: AudienceOthers, Private: []string{"mail"}}
	for name, c := range map[string]struct {
		in   Input
		want Verdict
	}{
		"the same":       {mail("anna@example.org"), Allow},
		"another person": {mail("eve@example.org"), Ask},
		"one more":       {mail("anna@example.org", "eve@example.org"), Ask},
		"private things": {private, Ask},
	} {
		if d := with.Decide(c.in); d.Verdict != c.want {
			t.Errorf("%s: %v", name, d)
		}
	}
	if x := with.Exceptions(); len(x) != 1 || x[0].Name != "remembered-7" || x[0].Expires.Before(until) || x[0].Expires.After(until.AddDate(0, 0, 1)) {
		t.Errorf("%+v", x)
	}

	line, err = p.Remember("old", mail("anna@example.org"), now.AddDate(0, 0, -2))
	if err == nil {
		t.Errorf("an exception that has expired was offered:\n%s", line)
	}
	for name, in := range map[string]Input{
		"what nothing asks about": func() Input { in := mail("a@b.example"); in.Origin.Decided = true; return in }(),
		"what is forbidden":       call(effect.DownloadExecute),
		"what destroys":           {Agent: "main", Act: Call, Tool: "x", Effects: effect.Effects{Kinds: []effect.Kind{effect.Destroy}}},
		"what goes to anybody":    mail(),
		"what nobody can read":    {Agent: "main", Act: Call, Tool: "exec", Effects: effect.Effects{Kinds: []effect.Kind{effect.Execute}, Unseen: true}},
	} {
		if line, err := p.Remember("x", in, until); err == nil {
			t.Errorf("%s is remembered:\n%s", name, line)
		}
	}
}

func TestAnExceptionExpires(t *testing.T) {
	const line = `@name("mine") @except("sends") %s permit (principal, action == Action::"call", resource == Tool::"send_email");`
	for note, want := range map[string]Verdict{
		"": Allow, `@expires("2999-12-31")`: Allow, `@expires("2001-12-31")`: Ask,
		`@expires("` + time.Now().UTC().Format(day) + `")`: Allow,
	} {
		if d := with(t, strings.Replace(line, "%s", note, 1)).Decide(mail("a@b.example")); d.Verdict != want {
			t.Errorf("%s: %v", note, d)
		}
	}
	if _, err := shipped(t).With(strings.Replace(line, "%s", `@expires("soon")`, 1)); err == nil {
		t.Error("an exception until soon was taken")
	}
}
