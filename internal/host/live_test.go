package host

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestLiveFiles(t *testing.T) {
	dir, h, ctx := t.TempDir(), Live(), t.Context()
	write := func(name string, b []byte) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, b, 0o640); err != nil {
			t.Fatal(err)
		}
		return p
	}
	plain := write("b", []byte("text"))
	big := write("a", make([]byte, fileLimit+10))
	link := filepath.Join(dir, "link")
	if err := errors.Join(os.Symlink(plain, link), unix.Mkfifo(filepath.Join(dir, "fifo"), 0o600), os.Chmod(plain, 0o604)); err != nil {
		t.Fatal(err)
	}
	if b, err := h.ReadFile(ctx, plain); err != nil || string(b) != "text" {
		t.Errorf("%q, %v", b, err)
	}
	if b, err := h.ReadFile(ctx, link); err != nil || string(b) != "text" {
		t.Errorf("the reader's own link: %q, %v", b, err)
	}
	if b, err := h.ReadFile(ctx, big); err != nil || len(b) != fileLimit {
		t.Errorf("a big file: %d bytes, %v", len(b), err)
	}
	// A pipe nobody writes to would wait for ever.
	for _, odd := range []string{filepath.Join(dir, "fifo"), dir, "/dev/null"} {
		if _, err := h.ReadFile(ctx, odd); err == nil || errors.Is(err, ErrAbsent) {
			t.Errorf("%s was read: %v", odd, err)
		}
	}
	for _, gone := range []string{filepath.Join(dir, "gone"), plain + "/below"} {
		_, e1 := h.ReadFile(ctx, gone)
		_, e2 := h.Stat(ctx, gone)
		_, e3 := h.ReadDir(ctx, gone)
		for _, err := range []error{e1, e2, e3} {
			if !errors.Is(err, ErrAbsent) || !strings.Contains(err.Error(), gone) {
				t.Errorf("%s: %v", gone, err)
			}
		}
	}
	if info, err := h.Stat(ctx, link); err != nil || info.Target != plain || info.Mode&fs.ModeSymlink == 0 || info.UID != uint32(os.Geteuid()) {
		t.Errorf("the link is %+v, %v", info, err)
	}
	list, err := h.ReadDir(ctx, dir)
	var names []string
	for _, e := range list {
		names = append(names, filepath.Base(e.Path)+" "+e.Mode.String())
	}
	if got := strings.Join(names, ", "); err != nil || got != "a -rw-r-----, b -rw----r--, fifo prw-------, link Lrwxrwxrwx" {
		t.Errorf("the folder holds %s, %v", got, err)
	}
}

func TestLiveCommands(t *testing.T) {
	h, ctx := Live(), t.Context()
	out, err := h.Run(ctx, "sh", "-c", "echo out; echo err >&2; cat; exit 3")
	if err != nil || string(out.Stdout) != "out\n" || string(out.Stderr) != "err\n" || out.Exit != 3 {
		t.Errorf("%+v, %v", out, err)
	}
	t.Setenv("A_SECRET_OF_THE_CALLER", "x")
	out, _ = h.Run(ctx, "sh", "-c", "env")
	if bytes.Contains(out.Stdout, []byte("A_SECRET_OF_THE_CALLER")) || !bytes.Contains(out.Stdout, []byte("LC_ALL=C")) {
		t.Errorf("the environment is %s", out.Stdout)
	}
	if _, err := h.Run(ctx, "no-such-command-here"); !errors.Is(err, ErrAbsent) || !strings.Contains(err.Error(), "no-such-command-here is not installed") {
		t.Errorf("%v", err)
	}
	if _, err := h.Run(ctx, "sh", "-c", "while :; do echo 0123456789012345678901234567890123456789012345678901234567890123456789; done | head -c 9000000"); err == nil || !strings.Contains(err.Error(), "more than 8 MiB") {
		t.Errorf("nine megabytes: %v", err)
	}
	if _, err := h.Run(ctx, "sh", "-c", "kill -9 $$"); err == nil || errors.Is(err, ErrAbsent) {
		t.Errorf("a killed command: %v", err)
	}
}

// A command that does not end goes when its caller does, with its children.
func TestLiveCommandEndsWithItsCaller(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	go cancel()
	_, err := Live().Run(ctx, "sh", "-c", "sleep 1000 & wait")
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// serveEngine answers like Docker on a socket of its own.
func serveEngine(t *testing.T, handler http.HandlerFunc) {
	t.Helper()
	dir, err := os.MkdirTemp("", "engine") // t.TempDir may be too long a path for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket := filepath.Join(dir, "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: handler}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { server.Close() })
	t.Setenv("DOCKER_HOST", "unix://"+socket)
}

func TestLiveDocker(t *testing.T) {
	key := "sk-" + strings.Repeat("v", 20)
	serveEngine(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.String() {
		case "/version":
			fmt.Fprint(w, `{"Version":"99","ApiVersion":"1.99"}`)
		case "/containers/x/json":
			fmt.Fprintf(w, `{"Config":{"Env":["A=%s","B=","C_KEY=1"]},"N":1e400}`, key)
		case "/gone":
			http.Error(w, `{"message":"No such container"}`, http.StatusNotFound)
		case "/broken":
			http.Error(w, `{"message":"it is on fire"}`, http.StatusInternalServerError)
		case "/redirect":
			http.Redirect(w, r, "http://example.com/", http.StatusFound)
		case "/html":
			fmt.Fprint(w, "<html>")
		case "/huge":
			_, _ = w.Write(bytes.Repeat([]byte(" "), outputLimit+1))
		case "/hangup":
			conn, _, _ := w.(http.Hijacker).Hijack()
			conn.Close()
		}
	})
	h, ctx := Live(WithSecret(func(_, value string) bool { return strings.HasPrefix(value, "sk-") })), t.Context()
	if b, err := h.Docker(ctx, "/version"); err != nil || !bytes.Contains(b, []byte("1.99")) {
		t.Errorf("%s, %v", b, err)
	}
	b, err := h.Docker(ctx, "/containers/x/json")
	if err != nil || !bytes.Contains(b, []byte(`["A=<secret>","B=","C_KEY=<set>"]`)) {
		t.Errorf("%s, %v", b, err)
	}
	for path, want := range map[string]string{"/broken": "it is on fire", "/redirect": "302", "/html": "not JSON", "/huge": "larger than 8 MiB", "/hangup": "EOF"} {
		if _, err := h.Docker(ctx, path); err == nil || !strings.Contains(err.Error(), want) || errors.Is(err, ErrAbsent) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if _, err := h.Docker(ctx, "/gone"); !errors.Is(err, ErrAbsent) {
		t.Errorf("/gone: %v", err)
	}
}

func TestLiveDockerThatIsNotThere(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s")
	t.Setenv("DOCKER_HOST", "unix://"+socket)
	if _, err := Live().Docker(t.Context(), "/version"); !errors.Is(err, ErrAbsent) {
		t.Errorf("no socket: %v", err)
	}
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	l.Close()
	if _, err := Live().Docker(t.Context(), "/version"); err == nil || errors.Is(err, ErrAbsent) || !strings.Contains(err.Error(), "Docker does not run") {
		t.Errorf("nobody listens: %v", err)
	}
	if got := dockerSocket("tcp://10.0.0.1:2375", ""); got != defaultDockerSocket {
		t.Errorf("another machine's Docker is asked: %s", got)
	}
}

// The test process itself is the process, and its listener the socket, that
// the reader has to find.
func TestLiveProcessAndSocket(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	h := Live()
	var sockets []Socket
	out, err := h.Run(t.Context(), askSockets)
	if err == nil {
		err = json.Unmarshal(out.Stdout, &sockets)
	}
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(sockets, func(s Socket) bool { return s.Addr.String() == l.Addr().String() })
	if i < 0 || sockets[i].PID != os.Getpid() || sockets[i].UID != uint32(os.Geteuid()) || !strings.HasPrefix(sockets[i].Process, "host.test") {
		t.Errorf("the listener is not in %+v", sockets)
	}
	var processes []Process
	out, err = h.Run(t.Context(), askProcesses)
	if err == nil {
		err = json.Unmarshal(out.Stdout, &processes)
	}
	if err != nil {
		t.Fatal(err)
	}
	i = slices.IndexFunc(processes, func(p Process) bool { return p.PID == os.Getpid() })
	if i < 0 {
		t.Fatal("the test is not among the processes")
	}
	exe, _ := os.Executable()
	if p := processes[i]; p.Exe != exe || p.UID != uint32(os.Geteuid()) || p.RSS == 0 || p.EnvStatus != Known || !slices.Contains(p.Env, "PATH") || !slices.Equal(p.Args, os.Args) || p.NetNS == "" {
		t.Errorf("the test is %+v", p)
	}
}

// A whole reading of whatever machine runs this: each family has an answer
// or a reason, and no value of an environment is in it.
func TestLiveRead(t *testing.T) {
	r := Record(Live())
	f := Read(t.Context(), r)
	b, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	var families map[string]struct {
		Status Status
		Reason string
	}
	delete(families, "Self")
	_ = json.Unmarshal(b, &families)
	for name, family := range families {
		if name != "Self" && family.Status != Known && family.Reason == "" {
			t.Errorf("%s is not known, without a reason", name)
		}
	}
	for _, known := range []Status{f.OS.Status, f.Users.Status, f.Processes.Status, f.Sockets.Status, f.Interfaces.Status} {
		if known != Known {
			t.Error("what anyone may read was not read")
		}
	}
	again, err := Parse(r.Archive(nil))
	if err != nil {
		t.Fatal(err)
	}
	want, got := states(f), states(Read(t.Context(), again))
	for family := range want {
		if want[family] != got[family] {
			t.Errorf("%s has status %d live and %d from its recording", family, want[family], got[family])
		}
	}
}

// systemd may hold Docker's socket for a daemon that sleeps.
func TestSleepingDockerIsNotWoken(t *testing.T) {
	proc := t.TempDir()
	for pid, comm := range map[string]string{"1": "systemd", "7": "containerd"} {
		if err := errors.Join(os.Mkdir(filepath.Join(proc, pid), 0o755), os.WriteFile(filepath.Join(proc, pid, "comm"), []byte(comm+"\n"), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	socket := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := checkAsleep(proc, proc, socket, socket); err == nil || !strings.Contains(err.Error(), "could start it") {
		t.Errorf("no dockerd runs: %v", err)
	}
	if err := checkAsleep(proc, filepath.Join(proc, "no-systemd"), socket, socket); err != nil {
		t.Errorf("without systemd nothing starts it: %v", err)
	}
	if err := checkAsleep(proc, proc, "/elsewhere", socket); err != nil {
		t.Errorf("a socket that was named: %v", err)
	}
	if err := os.WriteFile(filepath.Join(proc, "7", "comm"), []byte("dockerd\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := checkAsleep(proc, proc, socket, socket); err != nil {
		t.Errorf("dockerd runs: %v", err)
	}
}
