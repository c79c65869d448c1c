package harden

import (
	"context"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/posture"
	"github.com/openseawall/seawall/internal/posture/change"
)

// folder is a machine of files alone.
func folder(t *testing.T, files map[string]string) change.Machine {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(root, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return change.Machine{Root: root, Run: func(context.Context, []byte, string, ...string) ([]byte, error) { return nil, exec.ErrNotFound }}
}

func failing(id string, fix func(*posture.Facts) ([]change.Change, error)) posture.Control {
	return posture.Control{ID: id, Title: id, Severity: posture.High, Advice: "do " + id, Fix: fix,
		Check: func(*posture.Facts) []posture.Finding { return posture.Found("it is so") }}
}

func sets(key, value string, risk change.Risk) func(*posture.Facts) ([]change.Change, error) {
	return func(*posture.Facts) ([]change.Change, error) {
		return []change.Change{{What: "set " + key, Risk: risk, Edit: change.Set{Path: "/etc/x.conf", Syntax: change.Equals, Key: key, Value: value}}}, nil
	}
}

func TestPropose(t *testing.T) {
	m := folder(t, map[string]string{"etc/x.conf": "# mine\na=1\n"})
	facts := &posture.Facts{Facts: &host.Facts{Sockets: host.Is([]host.Socket{{Proto: "tcp", Addr: netip.MustParseAddrPort("0.0.0.0:3306"), Process: "mysqld"}})}}
	facts.Aim.Profile.Skip = map[string]string{"skipped": "I need it"}
	closing := func(*posture.Facts) ([]change.Change, error) {
		return []change.Change{{What: "close it", Edit: change.Set{Path: "/etc/x.conf", Syntax: change.Equals, Key: "d", Value: "1"}, Close: []change.Port{{Proto: "tcp", Port: 3306}}}}, nil
	}
	all := []posture.Control{
		failing("one", sets("a", "2", change.Safe)), failing("two", sets("b", "3", change.Lockout)), failing("contradicts", sets("a", "4", change.Safe)),
		failing("skipped", sets("c", "1", change.Safe)), failing("person", nil), failing("closing", closing),
		failing("refuses", func(*posture.Facts) ([]change.Change, error) { return nil, posture.Refuse("nobody has a key") }),
		failing("panics", func(*posture.Facts) ([]change.Change, error) { panic("oh") }),
		{ID: "passes", Check: func(*posture.Facts) []posture.Finding { return nil }, Fix: sets("z", "1", change.Safe)},
	}
	audit := posture.Run(t.Context(), facts, all)
	p, err := Propose(t.Context(), m, facts, audit, all, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Plan.Steps) != 1 || p.Plan.Steps[0].Risk != change.Lockout || string(p.Plan.Steps[0].After.Content) != "# mine\na=2\nb=3\n" || !slices.Equal(p.Plan.Steps[0].Replaces, []string{"a=1"}) {
		t.Errorf("%+v", p.Plan.Steps)
	}
	refused := map[string]string{}
	for _, r := range p.Plan.Refused {
		refused[r.Control] = r.Why
	}
	for id, why := range map[string]string{"contradicts": "another fix", "skipped": "I need it", "refuses": "nobody has a key", "panics": "please report"} {
		if !strings.Contains(refused[id], why) {
			t.Errorf("%s is refused because %q", id, refused[id])
		}
	}
	if len(p.Manual) != 1 || p.Manual[0].Do != "do person" {
		t.Errorf("%+v", p.Manual)
	}
	if len(p.Ask) != 1 || p.Ask[0].Port != 3306 {
		t.Errorf("asks about %v", p.Ask)
	}
	var text strings.Builder
	Text(&text, p, Look{})
	for _, want := range []string{"Without root", "replaces your own: a=1", "+b=3", "Not in the plan", "--close PORT", "3306/tcp", "[high] person: do person", "provider's console"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the plan does not say %q:\n%s", want, text.String())
		}
	}
	if again, err := Propose(t.Context(), m, facts, audit, all, Options{Only: []string{"closing"}, Close: []change.Port{{Proto: "tcp", Port: 3306}}}); err != nil || len(again.Plan.Steps) != 1 || len(again.Ask) != 0 {
		t.Errorf("%v %+v", err, again)
	}
	if _, err := Propose(t.Context(), m, facts, audit, all, Options{Only: []string{"nonsense"}}); err == nil {
		t.Error("a control that does not exist was taken")
	}
}

func TestLockedOut(t *testing.T) {
	facts := &posture.Facts{Facts: &host.Facts{
		Users:         host.Is([]host.User{{Name: "root", Password: "locked"}, {Name: "alice", UID: 1000, Groups: []string{"sudo"}, Password: "set"}, {Name: "bob", UID: 1001, Password: "locked"}}),
		AuthorizedKey: host.Is([]host.AuthorizedKey{{User: "root"}, {User: "bob"}}),
	}}
	const open = "passwordauthentication yes\npubkeyauthentication yes\npermitrootlogin yes\n"
	for _, c := range []struct{ sshd, user, why string }{
		{open, "alice", ""},
		{"passwordauthentication no\nkbdinteractiveauthentication no\npubkeyauthentication yes\n", "alice", "no key"},
		{"passwordauthentication no\nkbdinteractiveauthentication no\npubkeyauthentication yes\n", "bob", ""},
		{"passwordauthentication no\npubkeyauthentication no\n", "bob", "no key"},
		{"passwordauthentication yes\npubkeyauthentication no\n", "bob", "no key"},
		{open + "allowusers bob\n", "alice", "AllowUsers"},
		{open + "allowusers bob\nallowusers alice@192.0.2.*\n", "alice", ""},
		{open + "allowusers alice@198.51.100.0/24\n", "alice", "AllowUsers"},
		{open + "allowusers * !alice\n", "alice", "AllowUsers"},
		{open + "denyusers al*\n", "alice", "DenyUsers"},
		{open + "allowgroups wheel\n", "alice", "AllowGroups"},
		{open + "allowgroups sudo\n", "alice", ""},
		{"pubkeyauthentication yes\npermitrootlogin no\n", "root", "root could not"},
		{"pubkeyauthentication yes\npermitrootlogin prohibit-password\n", "root", ""},
	} {
		got := refusedBy(options([]byte(c.sshd)), facts, c.user, "192.0.2.7")
		if (c.why == "") != (got == "") || !strings.Contains(got, c.why) {
			t.Errorf("%s, %q: %q", c.user, c.sshd, got)
		}
	}
}

func TestCloudInit(t *testing.T) {
	sha := strings.Repeat("a", 64)
	text, err := CloudInit(UserData{Program: "https://example.com/x", SHA256: sha, Profile: "vps", ProfileText: "ssh: {}\n"})
	if err != nil || !strings.HasPrefix(text, "#cloud-config\n") || !strings.Contains(text, profilePath) {
		t.Errorf("%v\n%s", err, text)
	}
	for _, u := range []UserData{{Program: "ftp://x/y", SHA256: sha}, {Program: "https://u:p@x/y", SHA256: sha}, {Program: "seawall", SHA256: sha}, {Program: "/seawall", SHA256: "abc"}} {
		if _, err := CloudInit(u); err == nil {
			t.Errorf("%+v was taken", u)
		}
	}
}
