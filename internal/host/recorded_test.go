package host

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
)

func parse(t *testing.T, archives ...string) Host {
	t.Helper()
	var raw [][]byte
	for _, a := range archives {
		raw = append(raw, []byte(a))
	}
	h, err := Parse(raw...)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

const base = `A comment.
-- self uid=0 time=2026-11-24T05:00:00Z --
-- dir /etc mode=0755 owner=0:0 --
passwd 0644 owner=0:0 size=3
"odd name" 0600 owner=1:2 size=0 mtime=2026-11-24T05:00:00Z
sub d0755 owner=0:0 size=0
link l0777 owner=0:0 size=0 -> /target
-- file /etc/passwd mode=0644 owner=0:0 --
abc
-- stat /run/docker.sock mode=Srw-rw---- owner=0:998 --
-- run sshd -T --
port 22
-- run exit=255 fail2ban-client ping --
-- stderr fail2ban-client ping --
Failed to access socket path
-- run echo "a b" --
a b
-- absent run nft --
-- error run iptables-save --
needs root
-- docker /containers/json?all=1 --
[]
-- absent docker / --
`

func TestRecordedAnswers(t *testing.T) {
	h, ctx := parse(t, base), t.Context()
	if self, err := h.Self(ctx); err != nil || self.UID != 0 || self.Time.Year() != 2026 {
		t.Errorf("self is %v, %v", self, err)
	}
	if b, err := h.ReadFile(ctx, "/etc/../etc/passwd"); err != nil || string(b) != "abc\n" {
		t.Errorf("passwd is %q, %v", b, err)
	}
	if info, err := h.Stat(ctx, "/etc/passwd"); err != nil || info.Mode != 0o644 || info.Size != 4 {
		t.Errorf("passwd is %+v, %v", info, err)
	}
	if info, err := h.Stat(ctx, "/run/docker.sock"); err != nil || info.GID != 998 || info.Mode.String() != "Srw-rw----" {
		t.Errorf("docker.sock is %+v, %v", info, err)
	}
	if info, err := h.Stat(ctx, "/etc/odd name"); err != nil || info.UID != 1 || info.Mode != 0o600 || info.ModTime.IsZero() {
		t.Errorf("the entry of a directory is %+v, %v", info, err)
	}
	if info, err := h.Stat(ctx, "/etc/link"); err != nil || info.Target != "/target" {
		t.Errorf("the link is %+v, %v", info, err)
	}
	if out, err := h.Run(ctx, "echo", "a b"); err != nil || string(out.Stdout) != "a b\n" {
		t.Errorf("echo said %q, %v", out.Stdout, err)
	}
	if out, err := h.Run(ctx, "fail2ban-client", "ping"); err != nil || out.Exit != 255 || !strings.HasPrefix(string(out.Stderr), "Failed") {
		t.Errorf("fail2ban-client said %+v, %v", out, err)
	}
	if b, err := h.Docker(ctx, "/containers/json?all=1"); err != nil || string(b) != "[]\n" {
		t.Errorf("docker said %q, %v", b, err)
	}
}

func TestAbsentUnknownAndNotRecorded(t *testing.T) {
	h, ctx := parse(t, base), t.Context()
	errs := map[string]error{}
	_, errs["file in a listed folder"] = h.ReadFile(ctx, "/etc/shadow")
	_, errs["below a folder that is not there"] = h.Stat(ctx, "/etc/ssh/sshd_config")
	_, errs["dir that is not there"] = h.ReadDir(ctx, "/etc/ssh")
	_, errs["command, whatever its arguments"] = h.Run(ctx, "nft", "-j", "list", "ruleset")
	_, errs["engine"] = h.Docker(ctx, "/version")
	for what, err := range errs {
		if !errors.Is(err, ErrAbsent) {
			t.Errorf("%s: %v, want absent", what, err)
		}
	}
	unknown := map[string]error{}
	_, unknown["not recorded"] = h.ReadFile(ctx, "/var/x")
	_, unknown["listed, not recorded"] = h.ReadDir(ctx, "/etc/sub")
	_, unknown["needs root"] = h.Run(ctx, "iptables-save")
	for want, err := range unknown {
		if err == nil || errors.Is(err, ErrAbsent) || !strings.Contains(err.Error(), want) && !strings.Contains(err.Error(), "not recorded") {
			t.Errorf("%s: %v", want, err)
		}
	}
}

func TestOverlaysWin(t *testing.T) {
	ctx := t.Context()
	overlay := `-- file /etc/added mode=0600 owner=0:0 --
x
-- absent file /etc/passwd --
-- run nft --
table
-- error run sshd -T --
broken
-- run iptables-save --
*filter
`
	h := parse(t, base, overlay)
	if _, err := h.Stat(ctx, "/etc/passwd"); !errors.Is(err, ErrAbsent) {
		t.Errorf("a removed file has a stat: %v", err)
	}
	list, err := h.ReadDir(ctx, "/etc")
	var names []string
	for _, e := range list {
		names = append(names, e.Path)
	}
	if got := strings.Join(names, " "); err != nil || got != "/etc/added /etc/link /etc/odd name /etc/sub" {
		t.Errorf("the folder holds %s, %v", got, err)
	}
	if out, err := h.Run(ctx, "nft"); err != nil || string(out.Stdout) != "table\n" {
		t.Errorf("nft said %q, %v", out.Stdout, err)
	}
	if _, err := h.Run(ctx, "sshd", "-T"); err == nil || err.Error() != "broken" {
		t.Errorf("sshd said %v", err)
	}
	if _, err := h.Run(ctx, "iptables-save"); err != nil {
		t.Errorf("iptables-save said %v", err)
	}
	back := parse(t, base, overlay, base)
	if b, err := back.ReadFile(ctx, "/etc/passwd"); err != nil || string(b) != "abc\n" {
		t.Errorf("passwd did not come back: %q, %v", b, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(base))
	f.Add([]byte("-- dir / --\n.. 0644 owner=0:0 size=1\n"))
	f.Add([]byte("-- file //a/../b mode=l0777->\"x y\" owner=1:1 --\n"))
	f.Add([]byte("-- absent stat / --\n-- run \"\\x00\" --\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := Parse(b)
		if err != nil {
			return
		}
		ctx := t.Context()
		_, _ = h.ReadDir(ctx, "/")
		_, _ = h.Stat(ctx, "/etc/x")
		_ = Read(ctx, h)
	})
}

// TestARelativePathIsNotThere: a reader that asks for one must get an answer.
func TestARelativePathIsNotThere(t *testing.T) {
	h, err := Parse([]byte("-- dir / mode=0755 owner=0:0 --\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", ".", "etc/passwd"} {
		if _, err := h.Stat(t.Context(), name); !errors.Is(err, ErrAbsent) {
			t.Errorf("Stat(%q) says %v", name, err)
		}
	}
}

func TestALinkThatWasListedIsALink(t *testing.T) {
	h, err := Parse([]byte("-- stat /bin mode=l0777->usr/bin owner=0:0 --\n-- dir /bin mode=l0777->usr/bin owner=0:0 --\nls 0755\n"))
	if err != nil {
		t.Fatal(err)
	}
	info, err := h.Stat(t.Context(), "/bin")
	if err != nil || info.Mode&fs.ModeSymlink == 0 || info.Target != "usr/bin" {
		t.Errorf("Stat says %+v, %v", info, err)
	}
	if list, err := h.ReadDir(t.Context(), "/bin"); err != nil || len(list) != 1 {
		t.Errorf("ReadDir says %v, %v", list, err)
	}
}
