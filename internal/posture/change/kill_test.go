package change

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/openseawall/seawall/internal/state"
)

// toy is a machine in a folder: its units, packages and ruleset are files.
type toy struct{ root string }

func (y toy) machine() Machine { return Machine{y.root, y.run} }

func (y toy) file(name string) string { return filepath.Join(y.root, name) }

// load and keep hold what a toy has beside files, as a whole.
func (y toy) load() map[string]string {
	m := map[string]string{}
	b, _ := os.ReadFile(y.file("toy.json"))
	_ = json.Unmarshal(b, &m)
	return m
}

func (y toy) keep(m map[string]string) error {
	b, _ := json.Marshal(m)
	if err := os.WriteFile(y.file("toy.new"), b, 0o600); err != nil {
		return err
	}
	return os.Rename(y.file("toy.new"), y.file("toy.json"))
}

func (y toy) run(ctx context.Context, stdin []byte, name string, args ...string) ([]byte, error) {
	m := y.load()
	switch name {
	case "diff3":
		return run(ctx, stdin, name, args...)
	case "systemctl":
		unit := args[len(args)-1]
		switch args[0] {
		case "show":
			load := "not-found"
			if m["enabled "+unit] != "" {
				load = "loaded"
			}
			return fmt.Appendf(nil, "LoadState=%s\nUnitFileState=%s\nActiveState=%s\n", load, m["enabled "+unit], m["active "+unit]), nil
		case "enable", "disable":
			m["enabled "+unit] = args[0] + "d"
		case "mask":
			m["enabled "+unit] = "masked"
		case "unmask":
			m["enabled "+unit] = "disabled"
		case "start":
			m["active "+unit] = "active"
		case "stop":
			m["active "+unit] = "inactive"
		case "try-reload-or-restart", "try-restart":
			b, _ := os.ReadFile(y.file("etc/ssh/sshd_config"))
			m["runs "+unit] = string(b)
		case "daemon-reload":
			return nil, nil
		}
	case "nft":
		switch args[0] {
		case "list":
			text := m["table "+args[2]+" "+args[3]]
			if text == "" {
				return nil, errors.New("Error: No such file or directory")
			}
			return []byte(text), nil
		case "-f":
			text := string(stdin)
			_, text, _ = strings.Cut(text, "delete table inet seawall\n")
			m["table inet seawall"] = text
		}
	case "dpkg-query":
		return []byte(m["packages"]), nil
	case "apt-get":
		if !strings.Contains(m["packages"], "ii tool\n") {
			m["packages"] += "ii tool\n"
		}
	default:
		return nil, fmt.Errorf("%s: %w", name, exec.ErrNotFound)
	}
	return nil, y.keep(m)
}

const toyConfig = "# mine\r\nPasswordAuthentication yes\nX11Forwarding yes\n"

func newToy(t *testing.T) toy {
	t.Helper()
	if info, err := os.Stat("/dev/shm"); err == nil && info.IsDir() {
		t.Setenv("TMPDIR", "/dev/shm") // a process is killed here, not the power cut: nothing needs a disk
	}
	y := toy{t.TempDir()}
	for name, text := range map[string]string{
		"etc/ssh/sshd_config": toyConfig, "etc/old.conf": "old\n", "etc/secret": "s\n", "etc/login.defs": "UMASK\t022\n", "etc/docker/daemon.json": "{\n  \"debug\": true\n}\n",
		"proc/sys/net/a": "1\n", "usr/bin/dpkg-query": "", "usr/bin/apt-get": "", "proc/sys/kernel/random/boot_id": "toy\n",
	} {
		if err := os.MkdirAll(filepath.Dir(y.file(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(y.file(name), []byte(text), 0o640); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(y.file(name), time.Time{}, time.Unix(1700000000, 5)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(y.file("run/systemd/system"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := y.keep(map[string]string{"enabled ssh.service": "enabled", "active ssh.service": "active", "runs ssh.service": toyConfig, "enabled bad.service": "enabled", "active bad.service": "active", "table inet seawall": "table inet seawall { # old\n}\n", "packages": "ii dpkg\n"}); err != nil {
		t.Fatal(err)
	}
	return y
}

func toyWishes() []Wish {
	return []Wish{
		{"pack", []Change{{What: "install a tool", Edit: Package{[]string{"tool"}}}}},
		{"ssh", []Change{
			{What: "close passwords", Risk: Lockout, Edit: Set{Path: "/etc/ssh/sshd_config", Syntax: SSHD, Key: "PasswordAuthentication", Value: "no"}},
			{What: "have sshd read it", Risk: Lockout, Edit: Unit{"ssh.service", []Verb{Reload}}},
		}},
		{"x11", []Change{{What: "close X11", Edit: Set{Path: "/etc/ssh/sshd_config", Syntax: SSHD, Key: "X11Forwarding", Value: "no"}}}},
		{"kernel", []Change{{What: "no redirects", Edit: Sysctl{"net.a", "0"}}}},
		{"drop", []Change{{What: "write a unit", Edit: File{Path: "/etc/systemd/system/seawall-x.service", Content: "[Unit]\n"}}, {What: "start it", Edit: Unit{"seawall-x.service", []Verb{Enable, Start}}}}},
		{"old", []Change{{What: "remove the old", Edit: Remove{"/etc/old.conf"}}}},
		{"umask", []Change{{What: "umask", Edit: Set{Path: "/etc/login.defs", Syntax: Space, Key: "UMASK", Value: "027"}}, {What: "close it", Edit: Perm{Path: "/etc/login.defs", Mode: 0o600}}}},
		{"mode", []Change{{What: "close the secret", Edit: Perm{Path: "/etc/secret", Mode: 0o400}}}},
		{"log", []Change{{What: "limit logs", Risk: Restart, Edit: JSON{Path: "/etc/docker/daemon.json", Key: []string{"log-opts", "max-size"}, Value: "10m"}}}},
		{"bad", []Change{{What: "stop the bad", Edit: Unit{"bad.service", []Verb{Disable, Stop}}}}},
		{"fire", []Change{{What: "load rules", Risk: Lockout, Edit: Ruleset{Path: "/etc/seawall/seawall.nft", Text: "table inet seawall { # new\n}\n"}}}},
	}
}

// noWatch is a watch that only stands in the toy.
type noWatch struct{ toy }

func (w noWatch) Arm(context.Context, int, time.Duration) error {
	return os.WriteFile(w.file("watch"), nil, 0o600)
}

func (w noWatch) Disarm(context.Context, int) error {
	if err := os.Remove(w.file("watch")); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (y toy) work(t testing.TB) *Work {
	t.Helper()
	dir, err := state.Open(y.root + ".state")
	if err != nil {
		t.Fatal(err)
	}
	runs, err := OpenRuns(dir, true)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { runs.Close(); dir.Close() })
	return &Work{Machine: y.machine(), Runs: runs, Watch: noWatch{y}, By: "tester", Version: "test", Confirm: time.Minute}
}

// snapshot is all that a toy has: contents, modes, times.
func (y toy) snapshot(t testing.TB) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(y.root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || strings.HasPrefix(filepath.Base(path), "toy.") {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		s := stateOf(info)
		fmt.Fprintf(&all, "%s %v %d:%d", strings.TrimPrefix(path, y.root), info.Mode(), s.UID, s.GID)
		if !d.IsDir() {
			b, _ := os.ReadFile(path)
			fmt.Fprintf(&all, " %q", b)
			if !strings.HasPrefix(path, y.file("proc")) {
				fmt.Fprintf(&all, " %s", info.ModTime())
			}
		}
		all.WriteByte('\n')
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	m := y.load()
	delete(m, "packages") // which stay
	var keys []string
	for k, v := range m {
		if v == "disabled" || v == "inactive" || v == "" {
			continue // as a unit that is not there
		}
		keys = append(keys, fmt.Sprintf("%s=%q\n", k, strings.TrimSpace(v)))
	}
	slices.Sort(keys)
	return all.String() + strings.Join(keys, "")
}

const (
	childRoot = "SEAWALL_TEST_CHILD_ROOT"
	childDo   = "SEAWALL_TEST_CHILD_DO"
	childKill = "SEAWALL_TEST_CHILD_KILL" // at which boundary
)

// TestChild is the process that is killed; it does nothing unless told to.
func TestChild(t *testing.T) {
	root := os.Getenv(childRoot)
	if root == "" {
		return
	}
	at, n := os.Getenv(childKill), 0
	boundary = func(string) {
		if n++; strconv.Itoa(n) == at {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
	y := toy{root}
	w := y.work(t)
	ctx := context.Background()
	var err error
	switch os.Getenv(childDo) {
	case "apply":
		_, err = w.Apply(ctx, Make(ctx, y.machine(), toyWishes()))
	case "rollback":
		_, err = w.Rollback(ctx, 1, false)
	}
	if err != nil {
		t.Fatal(err)
	}
	fmt.Printf("boundaries %d\n", n)
}

// child runs one; killed tells that it did not come to its end.
func (y toy) child(t *testing.T, do string, kill int, after time.Duration) (killed bool, boundaries int) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestChild$")
	cmd.Env = append(os.Environ(), childRoot+"="+y.root, childDo+"="+do, childKill+"="+strconv.Itoa(kill))
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if after > 0 {
		time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
	}
	err := cmd.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signaled() {
		return true, 0
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	_, number, _ := strings.Cut(out.String(), "boundaries ")
	boundaries, _ = strconv.Atoi(strings.Fields(number + " 0")[0])
	return false, boundaries
}

// back takes everything back in this process and compares.
func (y toy) back(t *testing.T, what, before string) {
	t.Helper()
	w := y.work(t)
	all, err := w.Runs.All()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	for _, r := range slices.Backward(all) {
		if _, err := w.Rollback(t.Context(), r.N, false); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	if after := y.snapshot(t); after != before {
		for line := range strings.Lines(before + after) {
			if strings.Contains(before, line) != strings.Contains(after, line) {
				t.Errorf("%s: only before or only after: %s", what, line)
			}
		}
		t.FailNow()
	}
}

// TestKilledAtEveryStep kills a process that applies a plan, and one that takes
// it back, at every boundary of every step: what stood before comes back exactly.
func TestKilledAtEveryStep(t *testing.T) {
	y := newToy(t)
	before := y.snapshot(t)
	_, boundaries := y.child(t, "apply", 0, 0)
	if boundaries < 30 {
		t.Fatalf("only %d boundaries", boundaries)
	}
	if y.snapshot(t) == before {
		t.Fatal("nothing was applied")
	}
	y.back(t, "not killed", before)
	for n := 1; n <= boundaries; n++ {
		y := newToy(t)
		before := y.snapshot(t)
		if killed, _ := y.child(t, "apply", n, 0); !killed {
			t.Fatalf("boundary %d was not reached", n)
		}
		y.back(t, fmt.Sprintf("killed at boundary %d of applying", n), before)
	}
	for n := 1; ; n++ {
		y := newToy(t)
		before := y.snapshot(t)
		y.child(t, "apply", 0, 0)
		killed, _ := y.child(t, "rollback", n, 0)
		y.back(t, fmt.Sprintf("killed at boundary %d of taking back", n), before)
		if !killed {
			break
		}
	}
}

// TestKilledAnywhere kills it at random moments.
func TestKilledAnywhere(t *testing.T) {
	y := newToy(t)
	begun := time.Now()
	y.child(t, "apply", 0, 0)
	takes := time.Since(begun)
	for i := range 100 {
		y := newToy(t)
		before := y.snapshot(t)
		after := time.Duration(rand.Int64N(int64(takes)))
		y.child(t, "apply", 0, after+1)
		y.back(t, fmt.Sprintf("kill %d, after %s", i, after), before)
	}
}
