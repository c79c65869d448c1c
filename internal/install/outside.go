package install

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode"

	"github.com/openseawall/seawall/internal/state"
	"github.com/openseawall/seawall/packaging"
)

// outsideFile is what lets the doors write to the folder of a file outside their
// state, in which checkpoints are kept (systemd.exec(5), ReadWritePaths=).
var outsideFile = filepath.Join(unitFolder, "seawall.service.d", "50-seawall-checkpoints.conf")

// Writable plans to let the service write to a file outside its state, and to no
// other; "" lets it write to none. Where there is no service on this state, the
// plan is empty. The file is to be named by root: what stands in the state could
// be the doors' own wish.
func Writable(ctx context.Context, m Machine, dir *state.Dir, path string) (*Plan, error) {
	b := &builder{Machine: m, dir: dir, plan: &Plan{}}
	if !Uses(dir) || !b.Status(ctx).Installed {
		return b.plan, nil
	}
	var err error
	if b.journal, err = readJournal(dir); err == nil {
		err = b.outside(path)
	}
	if err != nil || b.plan.Empty() {
		return b.plan, err
	}
	return b.plan, b.start(ctx)
}

func (b *builder) outside(path string) error {
	text, err := dropIn(path)
	if err != nil {
		return err
	}
	old, err := b.read(outsideFile)
	known, same := b.journal.wrote(outsideFile, old)
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	case err == nil && !(known && same):
		return fmt.Errorf("%s was edited by hand: let it say ReadWritePaths= of the folder, then `systemctl daemon-reload` and `systemctl restart seawall`; or delete it and run this again", outsideFile)
	case string(old) == text:
	case text == "":
		b.changed = true
		b.plan.add("delete "+outsideFile, func(context.Context) error { return b.removeOutside() })
	default:
		b.plan.add("let the service write to "+filepath.Dir(path), func(context.Context) error {
			return os.MkdirAll(b.at(filepath.Dir(outsideFile)), 0o755)
		})
		b.write(outsideFile, []byte(text), 0o644)
	}
	return nil
}

// removeOutside also takes the folder, where nobody else keeps anything in it.
func (b *builder) removeOutside() error {
	err := os.Remove(b.at(outsideFile))
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	_ = os.Remove(b.at(filepath.Dir(outsideFile)))
	return err
}

// hidden are folders that the unit's sandbox shows to the doors as empty ones.
var hidden = []string{"/home", "/root", "/run/user", "/tmp", "/var/tmp", "/dev", "/proc", "/sys"}

// dropIn is the drop-in for a file, "" where none is needed.
func dropIn(path string) (string, error) {
	folder := filepath.Dir(path)
	if path == "" || within(folder, packaging.State) {
		return "", nil
	}
	for _, h := range hidden {
		if within(folder, h) {
			return "", fmt.Errorf("the service does not see what is in %s: name a file elsewhere, best on another disk", h)
		}
	}
	if folder == "/" || strings.ContainsFunc(folder, unicode.IsControl) {
		return "", fmt.Errorf("the service would have to write in %q: name a file in a folder of its own", folder)
	}
	quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "%", "%%").Replace(folder)
	// Without the folder, a disk that is not mounted, the doors open all the same.
	return "# Seawall's: checkpoints go there (seawall log checkpoint --to).\n[Service]\nReadWritePaths=\"-" + quoted + "\"\n", nil
}

func within(path, folder string) bool { return path == folder || strings.HasPrefix(path, folder+"/") }
