package policy

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/diff"
)

// shippedSums are the SHA-256 of every policy that Seawall has shipped, one a line,
// the last that of this version. A file that is one of them has never been edited.
//
//go:embed shipped.sums
var shippedSums string

// unedited reports whether a text is a policy as Seawall shipped it once.
func unedited(text []byte) bool {
	sum := sha256.Sum256(text)
	return slices.Contains(strings.Fields(shippedSums), hex.EncodeToString(sum[:]))
}

// renew replaces the policy file at path by the one of this version, if it is one
// that Seawall shipped before and nobody edited. note says that it did, or why it
// did not; "" when there was nothing to do.
func renew(path string) (note string, err error) {
	text, err := readFile(path)
	if err != nil || bytes.Equal(text, defaultSource) || !unedited(text) {
		return "", nil // what is wrong with it, reading it for use will say
	}
	sources, err := withOwn(path, defaultSource)
	if err != nil {
		return "", err
	}
	if _, err := load(sources...); err != nil {
		return fmt.Sprintf("the policy that this version ships was not put into %s, because your own rules do not fit it (%s); "+
			"the older one stays in force", path, strings.Join(strings.Fields(err.Error()), " ")), nil
	}
	if err := put(path, os.Rename); err != nil {
		return "", err
	}
	return fmt.Sprintf("%s was the policy of an older version, unedited, and is now that of this one: `seawall policy list` shows its rules", path), nil
}

// ship writes the shipped policy where there is none. It is linked into place
// whole, so that a crash leaves either nothing or all of it.
func ship(path string) error {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := put(path, os.Link); !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// put writes the shipped policy beside path and moves it there.
func put(path string, move func(from, to string) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".policy-*")
	if err != nil {
		return fmt.Errorf("write the shipped policy to %s: %w", path, err)
	}
	defer os.Remove(f.Name())
	_, err = f.Write(defaultSource)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = move(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write the shipped policy to %s: %w", path, err)
	}
	return nil
}

// Difference is how a policy file differs from the one that this version ships.
type Difference struct {
	Missing []string // rules that it lacks, by their names
	Changed []string // rules that it words otherwise
	Text    string   // a unified diff, from the file to what is shipped
}

// Differs compares the policy file at path with the one that this version ships.
func Differs(path string) (Difference, error) {
	text, err := readFile(path)
	if err != nil {
		return Difference{}, err
	}
	p, err := load(source{filepath.Base(path), text})
	if err != nil {
		return Difference{}, err
	}
	s, err := Load(defaultSource)
	if err != nil {
		return Difference{}, err
	}
	d := Difference{Text: string(diff.Diff(filepath.Base(path), text, "shipped with this version", defaultSource))}
	for _, r := range s.Rules() {
		switch own, ok := p.Rule(r.Name); {
		case !ok:
			d.Missing = append(d.Missing, r.Name)
		case own.Text != r.Text:
			d.Changed = append(d.Changed, r.Name)
		}
	}
	return d, nil
}
