//go:build lab

package record

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// disk is an ext4 file system on a loop device, whose file may lie on another.
type disk struct {
	t           *testing.T
	image, path string
}

// newDisk makes one of so many bytes in a file; all of the file is written, so
// that what is written later goes to its place.
func newDisk(t *testing.T, image string, bytes int64) *disk {
	t.Helper()
	f, err := os.Create(image)
	if err != nil {
		t.Fatal(err)
	}
	zeros := make([]byte, 1<<20)
	for n := int64(0); n < bytes; n += int64(len(zeros)) {
		if _, err := f.Write(zeros); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
	f.Close()
	d := &disk{t, image, strings.TrimSuffix(image, filepath.Ext(image))}
	d.run("mkfs.ext4", "-q", "-F", "-E", "nodiscard,lazy_itable_init=0,lazy_journal_init=0", image)
	if err := os.Mkdir(d.path, 0o755); err != nil {
		t.Fatal(err)
	}
	d.mount()
	t.Cleanup(func() {
		if d.mounted() {
			_ = exec.Command("umount", d.path).Run()
		}
	})
	return d
}

func (d *disk) run(name string, args ...string) {
	d.t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		d.t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}

func (d *disk) mount(options ...string) {
	d.t.Helper()
	d.run("mount", "-o", strings.Join(append([]string{"loop"}, options...), ","), d.image, d.path)
}

func (d *disk) unmount() {
	d.t.Helper()
	d.run("umount", d.path)
}

func (d *disk) mounted() bool {
	mounts, _ := os.ReadFile("/proc/self/mounts")
	return strings.Contains(string(mounts), " "+d.path+" ")
}

// EXT4_IOC_SHUTDOWN and its flag EXT4_GOING_FLAGS_NOLOGFLUSH: from now on nothing
// reaches the disk, neither data nor journal. It is what fstests take for the
// loss of power.
const (
	shutdownRequest = 0x8004587d
	noLogFlush      = 2
)

// cut takes the power from the disk: what was not synced is lost.
func (d *disk) cut() {
	d.t.Helper()
	f, err := os.Open(d.path)
	if err != nil {
		d.t.Fatal(err)
	}
	defer f.Close()
	if err := unix.IoctlSetPointerInt(int(f.Fd()), shutdownRequest, noLogFlush); err != nil {
		d.t.Fatalf("shutting %s down: %v", d.path, err)
	}
}
