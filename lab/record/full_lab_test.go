//go:build lab

package record

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/openseawall/seawall/lab/seawall"
)

// as runs seawall as nobody and returns what it said and its exit status.
func as(t *testing.T, args ...string) (said string, status int) {
	t.Helper()
	cmd := seawall.Command(t, args...)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	ctx, stop := context.WithTimeout(t.Context(), patience)
	defer stop()
	defer context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() })()
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// says wants one sentence and an exit status of a command.
func says(t *testing.T, want string, status int, args ...string) {
	t.Helper()
	said, got := as(t, args...)
	if got != status || !strings.Contains(said, want) || strings.Count(strings.TrimSpace(said), "\n") > 1 {
		t.Errorf("seawall %s says (%d)\n%s\nwant (%d) %s", strings.Join(args, " "), got, said, status, want)
	}
}

// question asks the door for one call and reports whether it was handed on.
func (d *door) question(t *testing.T) (handedOn bool, answer string) {
	t.Helper()
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, d.url+"/chat/completions", strings.NewReader(`{"model":"m","messages":[{"role":"user","content":"go on"}],"tools":[{"type":"function","function":{"name":"exec","parameters":{}}}]}`))
	r.Header.Set("Authorization", "Bearer a-key-of-the-lab")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Contains(string(body), "tool_calls\":[") && number.Match(body), string(body)
}

// fill writes until the disk has no room for whoever is not root.
func fill(t *testing.T, d *disk) (junk string) {
	t.Helper()
	junk = filepath.Join(d.path, "junk")
	cmd := exec.Command("dd", "if=/dev/zero", "of="+junk, "bs=4k", "status=none")
	_ = os.Chmod(d.path, 0o777)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "No space left") {
		t.Fatalf("filling the disk: %v %s", err, out)
	}
	return junk
}

// openDir is a folder of the test's that other users may enter.
func openDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for at := dir; at != "/tmp" && at != "/"; at = filepath.Dir(at) {
		if err := os.Chmod(at, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestFullDisk(t *testing.T) {
	dir := openDir(t)
	small := newDisk(t, filepath.Join(dir, "small.img"), 16<<20)
	path, upstream, a := newState(t, small.path), provider(t), &acted{numbers: map[int]bool{}}
	d := begin(t, path, upstream.URL)
	if handedOn, answer := d.question(t); !handedOn {
		t.Fatalf("with room: %s", answer)
	}
	junk := fill(t, small)
	var denied atomic.Int64
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			for i := 0; i < 2000 && denied.Load() < 50; i++ {
				if handedOn, answer := d.question(t); !handedOn && strings.Contains(answer, "record cannot be kept") {
					denied.Add(1)
				}
			}
		})
	}
	all.Wait()
	if denied.Load() < 50 {
		t.Fatalf("on a full disk only %d calls were denied", denied.Load())
	}
	// The door looks each second.
	const full = "the record cannot be kept, so what the agent wants is denied: writing the record "
	until(t, "the operator is told", func() bool { return strings.Contains(d.said.Output(), full) })
	if err := os.Remove(junk); err != nil {
		t.Fatal(err)
	}
	d.underLoad(t, a, func() { a.another(t) })
	check(t, path, a)
	said := d.said.Output()
	if !strings.Contains(said, full+path+"/ledger.db: the disk is full: make room") {
		t.Errorf("the operator reads %s", said)
	}
	t.Logf("%d calls were denied on a full disk; the operator reads\n%s", denied.Load(), said)

	// A start on a full disk: it warns, and what there is can be read.
	fill(t, small)
	d = begin(t, path, upstream.URL)
	until(t, "a start on a full disk says so", func() bool {
		return strings.Contains(d.said.Output(), " % of the record's disk are free: make room")
	})
	d.kill()
	says(t, "internally consistent", 0, "log", "verify", "--state", path)
	says(t, "exec", 0, "log", "-n", "1", "--tool", "exec", "--state", path)
}

func TestReadOnlyDisk(t *testing.T) {
	dir := openDir(t)
	d := newDisk(t, filepath.Join(dir, "disk.img"), 16<<20)
	path, upstream := newState(t, d.path), provider(t)
	door := begin(t, path, upstream.URL)
	if handedOn, answer := door.question(t); !handedOn {
		t.Fatalf("while it could be written: %s", answer)
	}
	_ = door.cmd.Process.Signal(syscall.SIGTERM) // so that what stands in the WAL comes into the file
	_ = door.cmd.Wait()
	d.unmount()
	d.mount("ro")
	says(t, "read-only", 2, "guard", "--state", path, "--listen", "127.0.0.1:0", "--api", "openai-completions", "--upstream", upstream.URL+"/v1")
	says(t, "internally consistent", 0, "log", "verify", "--state", path)
	says(t, "exec", 0, "log", "-n", "1", "--tool", "exec", "--state", path)
}

// TestADiskThatBecomesReadOnly is what ext4 does by itself after an error.
func TestADiskThatBecomesReadOnly(t *testing.T) {
	dir := openDir(t)
	d := newDisk(t, filepath.Join(dir, "disk.img"), 16<<20)
	path, upstream := newState(t, d.path), provider(t)
	door := begin(t, path, upstream.URL)
	defer door.kill()
	if handedOn, answer := door.question(t); !handedOn {
		t.Fatalf("before: %s", answer)
	}
	d.cut()
	for range 5 {
		if handedOn, answer := door.question(t); handedOn {
			t.Errorf("a call was handed on: %s", answer)
		}
	}
}
