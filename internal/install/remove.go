package install

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/openseawall/seawall/internal/service"
	"github.com/openseawall/seawall/internal/state"
	"github.com/openseawall/seawall/internal/vault"
	"github.com/openseawall/seawall/packaging"
)

// Remove plans to take back all that install did, the newest first. OpenClaw
// has to be off the doors by then. With purge the state goes as well: keys,
// policy, record.
func Remove(ctx context.Context, m Machine, dir *state.Dir, purge bool) (*Plan, error) {
	j, err := readJournal(dir)
	if err != nil {
		return nil, err
	}
	b := &builder{Machine: m, dir: dir, journal: j, plan: &Plan{}}
	if err := b.free(ctx); err != nil {
		return nil, err
	}
	b.stop(ctx)
	b.deleteFiles()
	b.deleteAccount()
	if purge {
		return b.plan, b.purge()
	}
	return b.plan, nil
}

// stop plans to close the doors for good. The sockets go first, so that nobody
// who comes opens them again.
func (b *builder) stop(ctx context.Context) {
	if s := b.Status(ctx); !s.Installed {
		return
	}
	b.plan.add("close the doors; what was asked is answered before", func(ctx context.Context) error {
		if err := b.systemctl(ctx, append([]string{"disable", "--now"}, enabled()...)...); err != nil {
			return err
		}
		// What these had started, and what they leave of themselves as failed; one
		// that an older Seawall did not bring is no error to a pattern.
		for _, verb := range []string{"stop", "reset-failed"} {
			if err := b.systemctl(ctx, append([]string{verb}, patterns()...)...); err != nil {
				return err
			}
		}
		return nil
	})
}

// patterns are the units, each as a pattern that matches it where it is loaded.
func patterns() (list []string) {
	for _, name := range unitNames() {
		list = append(list, name[:len(name)-1]+"["+name[len(name)-1:]+"]")
	}
	return list
}

func (b *builder) deleteFiles() {
	b.recognise()
	gone := false
	for _, f := range slices.Backward(b.journal.Files) {
		if !own(f.Path) {
			b.plan.note("the journal %s names %q, which is none of Seawall's files and stays", b.dir.JournalPath(state.Install), f.Path)
			continue
		}
		content, err := b.read(f.Path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		gone = true
		if f.Path == outsideFile {
			b.plan.add("delete "+f.Path, func(context.Context) error { return b.removeOutside() })
			continue
		}
		if err == nil && sum(content) != f.SHA256 && f.Path != localProgram {
			saved := f.Path + ".edited"
			b.plan.note("%s was edited by hand and is kept as %s", f.Path, saved)
			b.plan.add("move "+f.Path+" out of the way", func(context.Context) error { return os.Rename(b.at(f.Path), b.at(saved)) })
			continue
		}
		b.plan.add("delete "+f.Path, func(context.Context) error { return os.Remove(b.at(f.Path)) })
	}
	for _, name := range unitNames() {
		folder := filepath.Join(unitFolder, name+".d")
		if left, _ := os.ReadDir(b.at(folder)); len(left) > 1 || len(left) == 1 && filepath.Join(folder, left[0].Name()) != outsideFile {
			b.plan.note("%s is not Seawall's and stays", folder)
		}
	}
	if gone {
		b.plan.add("let systemd read its units again", func(ctx context.Context) error {
			if !b.exists("/run/systemd/system") {
				return nil
			}
			return b.systemctl(ctx, "daemon-reload")
		})
	}
	if len(b.journal.Files) > 0 || b.journal.Account {
		b.plan.add("forget the installation", func(context.Context) error { return b.dir.RemoveJournal(state.Install) })
	}
}

// recognise adds units to the journal that are Seawall's by their text: the
// state, and the journal in it, may be lost.
func (b *builder) recognise() {
	for _, u := range packaging.Units(localProgram) {
		path := filepath.Join(unitFolder, u.Name)
		content, err := b.read(path)
		if known, _ := b.journal.wrote(path, content); err == nil && !known && string(content) == u.Text {
			b.journal = b.journal.with(file{path, sum(content)})
		}
	}
}

// own reports whether a file is one that install writes. The journal of an older
// Seawall stands where the doors can write it, and this is root.
func own(path string) bool {
	return path == localProgram || path == outsideFile || filepath.Dir(path) == unitFolder && slices.Contains(unitNames(), filepath.Base(path))
}

// deleteAccount plans to remove the user, which owns nothing then.
func (b *builder) deleteAccount() {
	id, known := b.lookup(service.Account)
	if !known {
		return
	}
	if uid, _ := b.dir.Owner(); uid == id.uid {
		b.plan.add(fmt.Sprintf("give %s to root", b.dir), func(context.Context) error { return b.dir.Give(0, 0) })
	}
	if !service.OwnAccount() {
		b.plan.note("the user %q was not made by Seawall and stays", service.Account)
		return
	}
	b.plan.add(fmt.Sprintf("remove the system user %q", service.Account), func(ctx context.Context) error {
		_, err := b.Run(ctx, "userdel", service.Account)
		return err
	})
}

// purge plans to delete the state. It refuses while a key is in it that
// OpenClaw has not got back.
func (b *builder) purge() error {
	b.plan.add("delete "+b.dir.String()+" with the policy and the record", func(context.Context) error {
		if keys, err := vault.Open(b.dir); err != nil {
			return err
		} else if names := keys.Names(); len(names) > 0 {
			return fmt.Errorf("it still holds keys that nobody else may have (%s): copy them out of %s, then delete the folder by hand", strings.Join(names, ", "), b.dir.Path(state.Keys))
		}
		return os.RemoveAll(b.dir.String())
	})
	return nil
}

// Left says what stays on the machine after a removal.
func Left(m Machine, dir *state.Dir) (left []string) {
	if m.exists(dir.String()) {
		left = append(left, fmt.Sprintf("%s, with the policy and the record: `seawall remove --purge` or rm -r deletes it", dir))
	}
	if m.exists(localProgram) {
		left = append(left, localProgram+", of which the journal does not know: rm deletes it")
	}
	if m.exists(filepath.Join(packageFolder, "seawall.service")) && os.Getenv("DPKG_MAINTSCRIPT_NAME") == "" {
		left = append(left, fmt.Sprintf("%s and its units, which belong to the package: `apt remove seawall` or `dnf remove seawall` takes them", packaging.Program))
	}
	return left
}
