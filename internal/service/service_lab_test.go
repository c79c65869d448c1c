//go:build lab

package service_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/openseawall/seawall/internal/guard/door/model"
	"github.com/openseawall/seawall/internal/service"
	"github.com/openseawall/seawall/internal/state"
	lab "github.com/openseawall/seawall/lab/model"
	"github.com/openseawall/seawall/lab/seawall"
)

func TestMain(m *testing.M) {
	code := m.Run()
	seawall.Clean()
	os.Exit(code)
}

const realKey = "the-real-key-of-the-provider-4711"

// machine is a state directory, an OpenClaw's config and its provider.
type machine struct {
	t      *testing.T
	state  string
	config string
	before []byte
	model  *lab.Server
}

func build(t *testing.T) *machine {
	t.Helper()
	root, err := os.MkdirTemp("", "swlab-service-")
	if err == nil {
		err = os.Chmod(root, 0o755) // the doors' account must find its way
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(root) })
	m := &machine{t: t, state: filepath.Join(root, "state"), config: filepath.Join(root, "openclaw", "openclaw.json")}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m.model = lab.Serve(l, realKey, lab.Always(lab.Reply(lab.Use("exec", `{"command":"ls"}`))))
	t.Cleanup(func() { m.model.Close() })
	m.before = fmt.Appendf(nil, `{ // my agent
  models: { providers: { lab: { baseUrl: '%s', apiKey: '%s', api: 'openai-completions', models: [{ id: 'm', name: 'M' }] } } },
  agents: { defaults: { model: { primary: 'lab/m' } } },
}
`, m.model.BaseURL(lab.Chat), realKey)
	err = os.Mkdir(filepath.Dir(m.config), 0o700)
	if err == nil {
		err = os.WriteFile(m.config, m.before, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func (m *machine) command(args ...string) *exec.Cmd {
	return seawall.Command(m.t, append(args, "--state", m.state)...)
}

// up starts Seawall and connects the config.
func (m *machine) up(more ...string) *seawall.Process {
	m.t.Helper()
	args := append([]string{"up", "--yes", "--openclaw", m.config, "--listen", "127.0.0.1:0", "--page", "127.0.0.1:0"}, more...)
	return seawall.Start(m.t, nil, m.command(args...), "Status page")
}

// run runs a command to its end.
func (m *machine) run(args ...string) (out string, code int) {
	m.t.Helper()
	cmd := m.command(args...)
	b, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		m.t.Fatal(err)
	}
	return string(b), cmd.ProcessState.ExitCode()
}

func (m *machine) dir() *state.Dir {
	m.t.Helper()
	dir, err := state.Existing(m.state)
	if err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { dir.Close() })
	return dir
}

// instance is the Seawall that runs.
func (m *machine) instance() *service.Instance {
	m.t.Helper()
	var found *service.Instance
	m.until("a Seawall is announced", func() bool {
		i, err := service.Find(m.dir())
		found = i
		return err == nil && i != nil
	})
	return found
}

// until waits for something to be so.
func (m *machine) until(what string, so func() bool) {
	m.t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !so(); {
		if time.Now().After(deadline) {
			m.t.Fatalf("not so: %s", what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func (m *machine) connected() bool {
	m.t.Helper()
	b, err := os.ReadFile(m.config)
	if err != nil {
		m.t.Fatal(err)
	}
	if bytes.Equal(b, m.before) {
		return false
	}
	if bytes.Contains(b, []byte(realKey)) {
		m.t.Fatalf("half connected: %s", b)
	}
	return true
}

// ask sends what the agent would and returns the answer.
func (m *machine) ask(text string) string {
	m.t.Helper()
	routes, err := model.LoadRoutes(m.dir())
	if err != nil || len(routes) != 1 {
		m.t.Fatalf("the routes are %v, %v", routes, err)
	}
	body, _ := json.Marshal(map[string]any{"model": "m", "messages": []any{map[string]string{"role": "user", "content": text}},
		"tools": []any{map[string]any{"type": "function", "function": map[string]any{"name": "exec", "parameters": map[string]any{"type": "object"}}}}})
	r, err := http.NewRequestWithContext(m.t.Context(), http.MethodPost, routes[0].BaseURL(m.instance().Door)+"/chat/completions", bytes.NewReader(body))
	if err != nil {
		m.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+routes[0].Token)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		m.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		m.t.Fatalf("the door answers %s %s %v", res.Status, b, err)
	}
	return string(b)
}

func allowed(answer string) bool {
	return strings.Contains(answer, `"tool_calls"`) && !strings.Contains(answer, "Stopped: ")
}

func TestTheDoorsHaveTheirOwnUser(t *testing.T) {
	m := build(t)
	p := m.up()
	if !m.connected() {
		t.Fatal("the config is not connected")
	}
	if a := m.ask("list"); !allowed(a) {
		t.Errorf("the agent got %s", a)
	}
	i := m.instance()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", i.PID))
	if err != nil {
		t.Fatal(err)
	}
	account, err := user.Lookup(service.Account)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"Uid:\t" + strings.Repeat(account.Uid+"\t", 3) + account.Uid, "Gid:\t" + strings.Repeat(account.Gid+"\t", 3) + account.Gid,
		"Groups:\t \n", "CapEff:\t0000000000000000", "CapBnd:", "NoNewPrivs:\t1",
	} {
		if !bytes.Contains(status, []byte(want)) {
			t.Errorf("the doors have not %q in\n%s", want, status)
		}
	}
	// The operator's terminal is none of theirs, to read or to type in.
	var stat struct {
		pid, parent, group, session, tty int
		name, state                      string
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", i.PID))
	if err == nil {
		_, err = fmt.Sscan(string(text), &stat.pid, &stat.name, &stat.state, &stat.parent, &stat.group, &stat.session, &stat.tty)
	}
	if err != nil || stat.session != i.PID || stat.tty != 0 {
		t.Errorf("the doors are of session %d and terminal %d: %v", stat.session, stat.tty, err)
	}
	for fd := range 3 {
		if to, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", i.PID, fd)); err != nil || !strings.HasPrefix(to, "pipe:") {
			t.Errorf("their descriptor %d is %s, %v", fd, to, err)
		}
	}
	if _, code := m.run("log"); code != 0 {
		t.Errorf("log exits with %d", code)
	}
	if _, code := m.run("audit", "--say"); code == 2 {
		t.Error("audit could not run")
	}
	// Whoever wrote there, root too: all is the account's and private.
	err = filepath.WalkDir(m.state, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		want := fs.FileMode(0o600)
		if e.IsDir() {
			want = 0o700
		}
		if uid := strconv.Itoa(int(info.Sys().(*syscall.Stat_t).Uid)); uid != account.Uid || info.Mode().Perm() != want {
			t.Errorf("%s is of uid %s, mode %04o", path, uid, info.Mode().Perm())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	p.Stop()
	if code := p.Cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("up ends with %d:\n%s", code, p.Output())
	}
	if m.connected() {
		t.Error("the config is still connected")
	}
	if _, err := os.Stat(fmt.Sprintf("/proc/%d", i.PID)); err == nil {
		t.Error("the doors outlived up")
	}
}

func TestASecondOneIsRefused(t *testing.T) {
	m := build(t)
	m.up()
	out, code := m.run("up", "--yes", "--openclaw", m.config, "--listen", "127.0.0.1:0", "--page", "127.0.0.1:0")
	if code != 2 || !strings.Contains(out, "another Seawall already runs on "+m.state) {
		t.Errorf("exit %d:\n%s", code, out)
	}
	if !allowed(m.ask("list")) || !m.connected() {
		t.Error("the first one is no longer well")
	}
}

// TestKilled: the agent's way stays closed, nothing outlives, and the next up or
// disconnect works without a hand.
func TestKilled(t *testing.T) {
	m := build(t)
	p := m.up("--listen", "127.0.0.1:4797")
	i := m.instance()
	for range 2 {
		if err := p.Cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		// At once, while the doors may still be closing.
		p = m.up("--listen", "127.0.0.1:4797")
		if next := m.instance(); next.PID == i.PID {
			t.Error("the new Seawall is the old one")
		} else {
			i = next
		}
		if !m.connected() || !allowed(m.ask("list")) {
			t.Error("after the new start the agent does not get through")
		}
	}
	if err := p.Cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	m.until("the doors end with up", func() bool {
		_, err := os.Stat(fmt.Sprintf("/proc/%d", i.PID))
		return errors.Is(err, fs.ErrNotExist)
	})
	if !m.connected() {
		t.Error("the agent goes past Seawall")
	}
	if out, code := m.run("status"); code != 1 || !strings.HasPrefix(out, "Stopped.") {
		t.Errorf("status exits with %d:\n%s", code, out)
	}
	if out, code := m.run("log", "verify"); code != 0 {
		t.Errorf("the record: %s", out)
	}
	if out, code := m.run("disconnect", "--yes"); code != 0 || m.connected() {
		t.Errorf("disconnect exits with %d:\n%s", code, out)
	}
}

// TestEndings: however up is asked to end, it takes its edits back.
func TestEndings(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		m := build(t)
		p := m.up()
		if err := p.Cmd.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		m.until("the config is as before after "+signal.String(), func() bool { return !m.connected() })
		p.Wait() // a second signal would end it at once
		if code := p.Cmd.ProcessState.ExitCode(); code != 0 {
			t.Errorf("after %s up ends with %d:\n%s", signal, code, p.Output())
		}
	}
	// up | head: nobody reads any more.
	m := build(t)
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := m.command("up", "--yes", "--openclaw", m.config, "--listen", "127.0.0.1:0", "--page", "127.0.0.1:0")
	cmd.Stdout = write
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	write.Close()
	m.until("the config is connected", m.connected)
	m.instance()
	read.Close()
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil || m.connected() {
		t.Errorf("without a reader up ends with %v, connected: %v", err, m.connected())
	}
}

// TestAnEditMeanwhileStays: what somebody changed while up ran is not taken
// back with Seawall's own edits.
func TestAnEditMeanwhileStays(t *testing.T) {
	m := build(t)
	p := m.up()
	b, err := os.ReadFile(m.config)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(m.config, bytes.Replace(b, []byte("// my agent"), []byte("// our agent"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	p.Stop()
	got, err := os.ReadFile(m.config)
	if want := bytes.Replace(m.before, []byte("// my agent"), []byte("// our agent"), 1); err != nil || !bytes.Equal(got, want) {
		t.Errorf("the config is\n%s\nand not\n%s", got, want)
	}
}

func TestABrokenPolicy(t *testing.T) {
	m := build(t)
	dir, err := state.Open(m.state)
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	if err := dir.Write(state.Policy, []byte("permit (principal, action, resource);\nforbid (principal")); err != nil {
		t.Fatal(err)
	}
	out, code := m.run("up", "--yes", "--openclaw", m.config, "--listen", "127.0.0.1:0", "--page", "127.0.0.1:0")
	if code != 2 || !strings.Contains(out, "seawall: the policy in "+m.state) || strings.Count(out, "seawall: ") != 1 || m.connected() {
		t.Errorf("exit %d:\n%s", code, out)
	}
	if err := dir.Remove(state.Policy); err != nil {
		t.Fatal(err)
	}
	p := m.up()
	good, err := os.ReadFile(dir.Path(state.Policy))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir.Path(state.Policy), []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	m.until("up complains", func() bool { return strings.Contains(p.Output(), "stays in force") })
	if !allowed(m.ask("list")) {
		t.Error("the last good policy is not in force")
	}
	if out, _ := m.run("log", "--json"); !strings.Contains(out, `"kind":"event"`) || !strings.Contains(out, "policy.cedar is not Cedar") {
		t.Errorf("the record has\n%s", out)
	}
	if err := os.WriteFile(dir.Path(state.Policy), append(good, "\n@name(\"no-ls\") @reason(\"no ls\") forbid (principal, action, resource) when { context.commands.contains(\"ls\") };\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	m.until("the corrected policy is in force", func() bool { return strings.Contains(m.ask("list"), "no ls") })
}

// mount puts a small file system under the state directory.
func (m *machine) mount(options string) {
	m.t.Helper()
	if err := os.Mkdir(m.state, 0o700); err != nil {
		m.t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", m.state, "tmpfs", 0, options); err != nil {
		m.t.Fatalf("mounting a tmpfs: %v", err)
	}
	m.t.Cleanup(func() {
		if err := unix.Unmount(m.state, unix.MNT_DETACH); err != nil {
			m.t.Error(err)
		}
	})
}

// TestAFullDisk: without room for the record nothing runs, the reader is told
// why, and with room again it goes on.
func TestAFullDisk(t *testing.T) {
	m := build(t)
	m.mount("size=4m,mode=700")
	p := m.up()
	if !allowed(m.ask("list")) {
		t.Fatal("with room it does not work")
	}
	filler := filepath.Join(m.state, "filler")
	fill := func() {
		f, err := os.Create(filler)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for size := 1 << 20; size > 0; {
			if _, err := f.Write(make([]byte, size)); err != nil {
				size /= 2
			}
		}
	}
	fill()
	// The WAL has room of its own for a while.
	var answer string
	m.until("the record cannot be kept", func() bool {
		answer = m.ask("list")
		return !allowed(answer)
	})
	if !strings.Contains(answer, "Stopped: exec") || !strings.Contains(answer, "the record cannot be kept, so nothing is allowed") {
		t.Errorf("the agent got %s", answer)
	}
	m.until("up complains", func() bool { return strings.Contains(p.Output(), "the disk is full: make room") })
	for range 3 {
		if allowed(m.ask("list")) {
			t.Error("a call ran without a row")
		}
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	m.until("with room it works", func() bool { return allowed(m.ask("list")) })
	m.until("up says so", func() bool { return strings.Contains(p.Output(), "the record is kept again") })
	if out, code := m.run("log", "verify"); code != 0 {
		t.Errorf("the record: %s", out)
	}
	// Full again when it ends: the edits are taken back all the same.
	fill()
	p.Stop()
	if m.connected() {
		t.Errorf("the config is still connected:\n%s", p.Output())
	}
}

func TestAReadOnlyDisk(t *testing.T) {
	m := build(t)
	m.mount("size=16m,mode=700")
	m.up().Stop()
	remount := func(flags uintptr) {
		t.Helper()
		if err := unix.Mount("", m.state, "", unix.MS_REMOUNT|flags, ""); err != nil {
			t.Fatal(err)
		}
	}
	remount(unix.MS_RDONLY)
	out, code := m.run("up", "--yes", "--openclaw", m.config, "--listen", "127.0.0.1:0", "--page", "127.0.0.1:0")
	if code != 2 || !strings.Contains(out, "read-only file system") || !strings.Contains(out, m.state) || strings.Count(out, "seawall: ") != 1 || m.connected() {
		t.Errorf("exit %d:\n%s", code, out)
	}
	for _, read := range [][]string{{"status"}, {"log"}, {"log", "verify"}, {"policy", "check"}, {"audit", "--say"}} {
		if out, code := m.run(read...); code == 2 {
			t.Errorf("%v on a read-only disk: %s", read, out)
		}
	}
	remount(0)
	m.up()
}

func TestSomebodyElsesDirectory(t *testing.T) {
	m := build(t)
	if err := os.Mkdir(m.state, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"status"}, {"log"}, {"up"}, {"connect", "--yes", "--openclaw", m.config}, {"disconnect"}, {"page"}} {
		cmd := m.command(args...)
		cmd.Dir = "/"
		cmd.Env = []string{"PATH=/usr/bin:/bin", "HOME=/nonexistent"}
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		out, err := cmd.CombinedOutput()
		if cmd.ProcessState == nil {
			t.Fatal(err)
		}
		if code := cmd.ProcessState.ExitCode(); code != 2 || !strings.Contains(string(out), "belongs to root: run as that user") {
			t.Errorf("%v exits with %d:\n%s", args, code, out)
		}
	}
}

// TestASmallUsersOwn: without root the doors run in the same process, and all
// else is the same.
func TestASmallUsersOwn(t *testing.T) {
	m := build(t)
	const nobody = 65534
	if err := os.Mkdir(m.state, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{m.state, filepath.Dir(m.config), m.config} {
		if err := os.Chown(path, nobody, nobody); err != nil {
			t.Fatal(err)
		}
	}
	cmd := m.command("up", "--yes", "--openclaw", m.config, "--listen", "127.0.0.1:0", "--page", "127.0.0.1:0")
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=/usr/bin:/bin", "HOME=/nonexistent"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	p := seawall.Start(t, nil, cmd, "Status page")
	if !allowed(m.ask("list")) || m.instance().PID != p.Cmd.Process.Pid {
		t.Error("the agent does not get through")
	}
	if strings.Contains(p.Output(), "\nProtected.") {
		t.Error("it says protected where agent and doors are one user")
	}
	p.Stop()
	if m.connected() {
		t.Error("the config is still connected")
	}
}
