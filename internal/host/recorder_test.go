package host

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"time"
)

// scripted is a host whose answers a test writes down.
type scripted struct {
	files  map[string]string
	docker map[string]string
}

func (s scripted) ReadFile(_ context.Context, p string) ([]byte, error) {
	if b, ok := s.files[p]; ok {
		return []byte(b), nil
	}
	return nil, fmt.Errorf("reading %s: %w", p, ErrAbsent)
}
func (s scripted) Stat(_ context.Context, p string) (FileInfo, error) {
	if b, ok := s.files[p]; ok {
		return FileInfo{Path: p, Mode: 0o640, UID: 7, GID: 8, Size: int64(len(b)), ModTime: time.Unix(1e9, 0).UTC()}, nil
	}
	return FileInfo{}, errors.New("alice may not look")
}
func (s scripted) ReadDir(_ context.Context, p string) ([]FileInfo, error) {
	return []FileInfo{
		{Path: p + "/a b", Mode: 0o600, UID: 1},
		{Path: p + "/alice", Mode: fs.ModeDir | 0o700},
		{Path: p + "/l", Mode: fs.ModeSymlink | 0o777, Target: "/home/alice/x"},
	}, nil
}
func (s scripted) Run(_ context.Context, name string, args ...string) (Output, error) {
	return Output{Stdout: []byte("hello from alice\n"), Stderr: []byte("careful\n"), Exit: 3}, nil
}
func (s scripted) Docker(_ context.Context, p string) ([]byte, error) {
	return []byte(s.docker[p]), nil
}
func (s scripted) Self(context.Context) (Self, error) {
	return Self{UID: 5, Time: time.Unix(1e9, 0).UTC()}, nil
}

func TestRecordingReplays(t *testing.T) {
	ctx := t.Context()
	key := "sk-" + strings.Repeat("z", 20)
	h := scripted{
		files: map[string]string{
			"/plain": "one\ntwo\n", "/binary": "\x00\x01", "/marker": "-- file /etc/shadow --\nroot::\n",
			"/app/.env": "export A_TOKEN='" + key + "'\nMODE=" + key + "\nmore " + key + "\n", "/proc/1/environ": "A_KEY=" + key + "\x00B=" + key,
			"/etc/shadow": "root:$y$" + key + ":1:\nbin:*:1:\nold:!$y$" + key + ":1:\nopen::1:\n",
		},
		docker: map[string]string{"/containers/x/json": `{"Id":"x","Config":{"Env":["A_KEY=` + key + `","EMPTY=","MODE=` + key + `"]},"Size":12345678901234567890}`},
	}
	r := Record(h)
	for name := range h.files {
		_, _ = r.ReadFile(ctx, name)
	}
	_, _ = r.ReadFile(ctx, "/absent")
	_, _ = r.Stat(ctx, "/unknown")
	_, _ = r.ReadDir(ctx, "/dir")
	_, _ = r.Run(ctx, "some", "argument with spaces")
	b, err := r.Docker(ctx, "/containers/x/json")
	if err != nil || !bytes.Contains(b, []byte(key)) {
		t.Errorf("the recorder changed the answer it passed on: %s, %v", b, err)
	}
	_, _ = r.Self(ctx)

	archive := r.Archive(func(s string) string { return strings.ReplaceAll(s, "alice", "user") })
	if bytes.Contains(archive, []byte(key)) {
		t.Errorf("a secret is in the recording:\n%s", archive)
	}
	if bytes.Contains(archive, []byte("alice")) {
		t.Errorf("what redact removes is in the recording:\n%s", archive)
	}
	again, err := Parse(archive)
	if err != nil {
		t.Fatalf("%v\n%s", err, archive)
	}
	if b, err := again.ReadFile(ctx, "/plain"); err != nil || string(b) != "one\ntwo\n" {
		t.Errorf("the file came back as %q, %v", b, err)
	}
	if info, err := again.Stat(ctx, "/plain"); err != nil || info.Mode != 0o640 || info.UID != 7 || info.GID != 8 || info.Size != 8 || info.ModTime.Unix() != 1e9 {
		t.Errorf("the file came back as %+v, %v", info, err)
	}
	for name, want := range map[string]string{"/binary": "binary", "/marker": "like a section"} {
		if _, err := again.ReadFile(ctx, name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s came back with %v", name, err)
		}
	}
	if b, _ := again.ReadFile(ctx, "/app/.env"); string(b) != "A_TOKEN=<secret>\nMODE=<set>\n" {
		t.Errorf(".env came back as %q", b)
	}
	if b, _ := again.ReadFile(ctx, "/etc/shadow"); string(b) != "root:<set>:1:\nbin:*:1:\nold:!<set>:1:\nopen::1:\n" {
		t.Errorf("shadow came back as %q", b)
	}
	if b, _ := again.Docker(ctx, "/containers/x/json"); !strings.Contains(string(b), `"A_KEY=<secret>","EMPTY=","MODE=<set>"`) || !strings.Contains(string(b), "12345678901234567890") {
		t.Errorf("the container came back as %s", b)
	}
	if out, err := again.Run(ctx, "some", "argument with spaces"); err != nil || out.Exit != 3 || string(out.Stdout) != "hello from user\n" || string(out.Stderr) != "careful\n" {
		t.Errorf("the command came back as %+v, %v", out, err)
	}
	if list, err := again.ReadDir(ctx, "/dir"); err != nil || len(list) != 3 || list[0].Path != "/dir/a b" || list[1].Target != "/home/user/x" || list[2].Mode != fs.ModeDir|0o700 {
		t.Errorf("the folder came back as %+v, %v", list, err)
	}
	if _, err := again.Stat(ctx, "/unknown"); err == nil || err.Error() != "user may not look" {
		t.Errorf("the reason came back as %v", err)
	}
	if _, err := again.ReadFile(ctx, "/absent"); !errors.Is(err, ErrAbsent) {
		t.Errorf("the absent file came back as %v", err)
	}
	if self, err := again.Self(ctx); err != nil || self.UID != 5 || self.Time.Unix() != 1e9 {
		t.Errorf("self came back as %v, %v", self, err)
	}
}
