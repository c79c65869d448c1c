// Package docker runs a real Docker Engine for tests, in a namespace in which
// it is the machine's, with its data in a temporary folder. The one outside is
// not touched;
// images come from no registry but from Debian's static busybox.
package docker

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/openseawall/seawall/lab/netns"
)

// Image is the image every engine of the lab has: busybox.
const Image = "lab/busybox:1"

const (
	startTimeout = time.Minute
	stopTimeout  = 30 * time.Second
)

// Engine is a running dockerd.
type Engine struct {
	Dir    string
	Socket string // of its API, as seen from outside; inside it is /run/docker.sock

	net    *netns.Namespace
	cmd    *exec.Cmd
	exited chan struct{}
}

// Start runs dockerd inside the namespace until the test ends, with an image.
// args are added to its command line.
func Start(t testing.TB, n *netns.Namespace, args ...string) *Engine {
	t.Helper()
	dir, err := os.MkdirTemp("", "swlab-docker-")
	if err != nil {
		t.Fatal(err)
	}
	e := &Engine{Dir: dir, Socket: filepath.Join(dir, "docker.sock"), net: n, exited: make(chan struct{})}
	t.Cleanup(func() {
		if err := e.Stop(); err != nil {
			t.Error(err)
		}
		if log, err := os.ReadFile(e.log()); err == nil && t.Failed() {
			t.Logf("dockerd printed:\n%s", log[max(0, len(log)-8000):])
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if err := e.start(t.Context(), args); err != nil {
		t.Fatal(err)
	}
	if err := e.load(t.Context()); err != nil {
		t.Fatal(err)
	}
	return e
}

func (e *Engine) log() string { return filepath.Join(e.Dir, "log") }

// start runs dockerd and waits until its API answers.
func (e *Engine) start(ctx context.Context, args []string) error {
	if err := e.net.Empty("/run"); err != nil {
		return err
	}
	at := func(name string) string { return filepath.Join(e.Dir, name) }
	if err := os.WriteFile(at("daemon.json"), []byte("{}\n"), 0o644); err != nil {
		return err
	}
	log, err := os.Create(e.log())
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	e.cmd = exec.Command("dockerd", append([]string{
		"--data-root", at("data"), "--exec-root", at("exec"), "--pidfile", at("pid"), "--config-file", at("daemon.json"),
		"-H", "unix://" + e.Socket, "-H", "unix:///run/docker.sock",
	}, args...)...)
	e.cmd.Stdout, e.cmd.Stderr = log, log
	if err := e.net.Start(e.cmd); err != nil {
		return fmt.Errorf("starting dockerd: %w", err)
	}
	go func() { _ = e.cmd.Wait(); close(e.exited) }()
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		if _, err := e.Docker(ctx, "version"); err == nil {
			return nil
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-e.exited:
			printed, _ := os.ReadFile(e.log())
			return fmt.Errorf("dockerd exited: %s", printed)
		case <-ctx.Done():
			return fmt.Errorf("dockerd does not answer: %w", ctx.Err())
		}
	}
}

// Docker runs docker's command line against this engine.
func (e *Engine) Docker(ctx context.Context, args ...string) (string, error) {
	return e.docker(ctx, nil, args...)
}

func (e *Engine) docker(ctx context.Context, stdin []byte, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "docker", append([]string{"-H", "unix://" + e.Socket}, args...)...)
	cmd.Stdin = bytes.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	said := strings.TrimSpace(string(out))
	if err != nil {
		return said, fmt.Errorf("docker %s: %w: %s", args[0], err, said)
	}
	return said, nil
}

// load makes [Image] from /bin/busybox.
func (e *Engine) load(ctx context.Context) error {
	image, err := busybox()
	if err != nil {
		return err
	}
	_, err = e.docker(ctx, image, "import", "--change", `CMD ["sh"]`, "-", Image)
	return err
}

// busybox is a root file system with one program and its names.
func busybox() ([]byte, error) {
	program, err := os.ReadFile("/bin/busybox")
	if err != nil {
		return nil, fmt.Errorf("the lab's image needs busybox-static: %w", err)
	}
	names, err := exec.Command("/bin/busybox", "--list").Output()
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, dir := range []string{"bin/", "etc/", "tmp/", "proc/", "sys/", "dev/"} {
		err = errors.Join(err, w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: dir, Mode: 0o755}))
	}
	err = errors.Join(err, w.WriteHeader(&tar.Header{Name: "bin/busybox", Mode: 0o755, Size: int64(len(program))}))
	_, werr := w.Write(program)
	err = errors.Join(err, werr)
	for name := range strings.FieldsSeq(string(names)) {
		if name != "busybox" {
			err = errors.Join(err, w.WriteHeader(&tar.Header{Typeflag: tar.TypeSymlink, Name: "bin/" + name, Linkname: "busybox", Mode: 0o777}))
		}
	}
	return b.Bytes(), errors.Join(err, w.Close())
}

// Stop removes all containers and ends dockerd.
func (e *Engine) Stop() error {
	if e.cmd == nil || e.cmd.Process == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	var errs error
	if ids, err := e.Docker(ctx, "ps", "-aq"); err == nil && ids != "" {
		_, errs = e.Docker(ctx, append([]string{"rm", "-f"}, strings.Fields(ids)...)...)
	}
	_ = e.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-e.exited:
		return errs
	case <-ctx.Done():
		_ = e.cmd.Process.Kill()
		<-e.exited
		return errors.Join(errs, errors.New("dockerd did not end and was killed"))
	}
}
