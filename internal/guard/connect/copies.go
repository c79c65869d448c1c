package connect

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/openseawall/seawall/internal/guard/door/model"
	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/openclaw"
	"github.com/openseawall/seawall/internal/state"
	"github.com/openseawall/seawall/internal/vault"
)

// Place is one place where a key that Seawall holds still stands.
type Place struct {
	Path    string // of a file or database; "" for a process
	Profile string // the auth profile in a database that has it
	Process int    // whose environment has it
	Log     bool   // a log or a transcript, which is not rewritten

	kind string // of the file, see openclaw.File
	key  string // its name in the vault
	odd  bool   // key or placeholder is none that root puts into files, see swappable
}

// String says where a place is, and what a person does about one that Seawall
// does not rewrite.
func (p Place) String() string {
	switch {
	case p.Process != 0:
		return fmt.Sprintf("the environment of process %d, until OpenClaw is restarted", p.Process)
	case p.Profile != "":
		return fmt.Sprintf("auth profile %s in %s", p.Profile, p.Path)
	}
	return p.Path
}

// fixable reports whether Seawall can put the placeholder there.
func (p Place) fixable() bool { return p.Process == 0 && !p.Log && !p.odd }

// swappable reports whether a key and a placeholder may stand in for each other
// in files that only root can write. Keys and routes are in the doors' state: by
// what is no key, or no placeholder, other text could be put into a unit.
func swappable(key, token string) bool {
	return len(key) >= shortest && len(token) >= shortest && model.IsToken(token) && oneWord(key) && oneWord(token)
}

// oneWord reports whether a text means nothing to a shell, to systemd or to a
// quoted string, wherever it stands: letters, digits and what keys are made of.
func oneWord(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && !strings.ContainsRune("-_.~+/=:@,", r)
	})
}

// shortest is the length below which a key is not looked for: a word like
// "local" is in many places.
const shortest = 16

// held are the keys of one config that Seawall holds, by their name in the
// vault, with the placeholder that the agent has for each.
type held map[string]struct{ key, token string }

func heldOf(dir *state.Dir, config string) (held, error) {
	routes, err := model.LoadRoutes(dir)
	if err != nil {
		return nil, err
	}
	keys, err := vault.Open(dir)
	if err != nil {
		return nil, err
	}
	all := held{}
	for _, r := range routes {
		if key, ok := keys.Get(r.Key); ok && r.Agent == config && r.Token != "" && len(key) >= shortest && !openclaw.StandIn(key) {
			all[r.Key] = struct{ key, token string }{key, r.Token}
		}
	}
	return all, nil
}

// find looks for keys in all that belongs to an installation: the config and
// its copies, .env files and units, credentials, auth profiles, the
// environment of its gateway.
func (keys held) find(ctx context.Context, h host.Host, in openclaw.Install) []Place {
	if len(keys) == 0 {
		return nil
	}
	var places []Place
	add := func(text []byte, p Place) {
		for name, k := range keys {
			if bytes.Contains(text, []byte(k.key)) {
				p.key, p.odd = name, !swappable(k.key, k.token)
				places = append(places, p)
			}
		}
	}
	seen := map[string]bool{in.ConfigPath: true}
	for _, f := range in.Config.Files() {
		seen[f] = true
	}
	look := func(path, kind string) {
		if seen[path] {
			return
		}
		seen[path] = true
		if text, err := h.ReadFile(ctx, path); err == nil {
			add(text, Place{Path: path, Log: kind == "log" || kind == "session", kind: kind})
		}
	}
	for _, f := range in.Files {
		if f.Mode.IsRegular() && f.Size < maxCopy && f.Kind != "database" && !strings.HasSuffix(f.Path, ".gz") {
			look(f.Path, f.Kind)
		}
	}
	for _, path := range in.EnvironmentFiles {
		look(path, "env")
	}
	for _, c := range in.Credentials {
		if c.Profile == "" || !strings.HasSuffix(c.Place, ".sqlite") {
			continue
		}
		profiles, err := host.ReadAuthStore(ctx, c.Place)
		if err != nil {
			continue
		}
		for _, p := range profiles {
			if p.ID == c.Profile {
				add([]byte(p.Secret), Place{Path: c.Place, Profile: p.ID})
			}
		}
	}
	if in.Process != nil {
		if text, err := h.ReadFile(ctx, fmt.Sprintf("/proc/%d/environ", in.Process.PID)); err == nil {
			add(text, Place{Process: in.Process.PID})
		}
	}
	slices.SortFunc(places, func(a, b Place) int { return strings.Compare(a.String()+a.key, b.String()+b.key) })
	return places
}

// maxCopy bounds a text that is looked through.
const maxCopy = 4 << 20

// Copies are the places where keys of one config still stand, with what puts
// the placeholder into those that Seawall can rewrite.
type Copies struct {
	Config string
	Places []Place
	dir    *state.Dir
	keys   held
}

// FindCopies looks for what is left of the keys that Seawall holds for an
// installation.
func FindCopies(ctx context.Context, h host.Host, dir *state.Dir, in openclaw.Install) (*Copies, error) {
	keys, err := heldOf(dir, in.ConfigPath)
	if err != nil {
		return nil, err
	}
	return &Copies{Config: in.ConfigPath, Places: keys.find(ctx, h, in), dir: dir, keys: keys}, nil
}

// Fixable are the places that Replace rewrites.
func (c *Copies) Fixable() (list []Place) {
	for _, p := range c.Places {
		if p.fixable() {
			list = append(list, p)
		}
	}
	return list
}

// copied is a place that was rewritten, as the journal remembers it.
type copied struct {
	Path    string `json:"path"`
	Profile string `json:"profile,omitempty"`
	Key     string `json:"key"`
	Token   string `json:"token"`
	// Sum is SHA-256 of a copy of the config as it was left: OpenClaw writes
	// new ones under the same name, which never had the key.
	Sum []byte `json:"sum,omitempty"`
}

// Replace puts the agent's placeholder where the keys still stand. It returns
// a sentence for each place that could not be rewritten. Disconnect puts the
// keys back.
func (c *Copies) Replace(ctx context.Context) (left []string, err error) {
	entries, err := ownJournal(c.dir)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(entries, func(e entry) bool { return e.Config == c.Config })
	if i < 0 {
		return nil, fmt.Errorf("%s is not connected: run seawall connect", c.Config)
	}
	for _, p := range c.Fixable() {
		k := c.keys[p.key]
		done := copied{Path: p.Path, Profile: p.Profile, Key: k.key, Token: k.token}
		var text []byte
		if p.Profile == "" {
			if text, err = readPlain(p.Path); err != nil {
				left = append(left, err.Error())
				continue
			}
			text = bytes.ReplaceAll(text, []byte(k.key), []byte(k.token))
			if p.kind == "config-backup" || p.kind == "backup" {
				sum := sha256.Sum256(text)
				done.Sum = sum[:]
			}
		}
		entries[i].Copies = append(slices.DeleteFunc(entries[i].Copies, func(other copied) bool {
			return other.Path == done.Path && other.Profile == done.Profile && other.Token == done.Token
		}), done)
		// Before anything is touched, so that an interruption can be taken back.
		if err := writeJournal(c.dir, entries); err != nil {
			return left, err
		}
		if p.Profile != "" {
			err = swapInStore(ctx, p.Path, p.Profile, k.key, k.token)
		} else {
			err = replace(p.Path, text)
		}
		if err != nil {
			left = append(left, p.problem(err))
		}
	}
	return left, nil
}

// problem says what a person does where Seawall could not.
func (p Place) problem(err error) string {
	if p.Profile != "" {
		return fmt.Sprintf("%s: %v; the key goes with: openclaw models auth logout %s --yes", p, err, p.Profile)
	}
	return fmt.Sprintf("%s: %v; take the key out by hand", p, err)
}

// putBack gives copies their keys again, where the placeholder still stands,
// and returns those for which that was not possible.
func putBack(ctx context.Context, copies []copied) (left []copied, failed error) {
	for _, c := range slices.Backward(copies) {
		if !swappable(c.Key, c.Token) {
			failed = errors.Join(failed, fmt.Errorf("what the journal says of %s is no key, or no placeholder of Seawall's, and was left out: look into that file", Place{Path: c.Path, Profile: c.Profile}))
			continue
		}
		err := c.putBack(ctx)
		if err == nil || errors.Is(err, fs.ErrNotExist) {
			continue
		}
		left = append(left, c)
		failed = errors.Join(failed, fmt.Errorf("the key belongs back into %s: %w; then run the command again", Place{Path: c.Path, Profile: c.Profile}, err))
	}
	slices.Reverse(left)
	return left, failed
}

func (c copied) putBack(ctx context.Context) error {
	if c.Profile != "" {
		return swapInStore(ctx, c.Path, c.Profile, c.Token, c.Key)
	}
	text, err := readPlain(c.Path)
	if err != nil {
		return err
	}
	if sum := sha256.Sum256(text); len(c.Sum) > 0 && !bytes.Equal(sum[:], c.Sum) || !bytes.Contains(text, []byte(c.Token)) {
		return nil // another has been written since
	}
	return replace(c.Path, bytes.ReplaceAll(text, []byte(c.Token), []byte(c.Key)))
}

// readPlain reads a file below a directory that may be the agent's, without
// following a link to somewhere else.
func readPlain(path string) ([]byte, error) {
	root, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	defer root.Close()
	f, err := state.OpenPlain(root, filepath.Base(path), os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err != nil {
		return nil, fmt.Errorf("%s is a link or cannot be read: %w", path, err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxCopy+1))
	if len(text) > maxCopy {
		return nil, fmt.Errorf("%s is too big", path)
	}
	return text, err
}

// swapInStore exchanges a secret of one auth profile in a database of
// OpenClaw's, in one transaction. A running OpenClaw sees it: it looks at the
// identity of database and journal before it trusts what it has read
// (docs/auth-credential-semantics.md; tried on 2026.9.6). What the old secret
// leaves behind is overwritten.
func swapInStore(ctx context.Context, path, profile, old, new string) (err error) {
	if info, err := os.Lstat(path); err != nil {
		return err
	} else if !info.Mode().IsRegular() {
		return errors.New("it is a link")
	}
	query := url.Values{"mode": {"rw"}, "_txlock": {"immediate"}, "_pragma": {"busy_timeout(2000)", "secure_delete(1)"}}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: path, RawQuery: query.Encode()}).String())
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	at := `json_extract(%[1]s, '$.profiles."' || ?1 || '".' || f.field) = ?2`
	set := ""
	for table, cell := range map[string]string{"auth_profile_store": "store_json", "config_machine_state": "value_json"} {
		var n int
		if err := db.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ?`, table).Scan(&n); err != nil {
			return err
		}
		if n == 1 {
			set = fmt.Sprintf(`UPDATE %[2]s SET %[1]s = replace(%[1]s, '"' || ?2 || '"', '"' || ?3 || '"')
				WHERE json_valid(%[1]s) AND EXISTS (SELECT 1 FROM (SELECT 'key' AS field UNION SELECT 'token') f WHERE `+at+`)`, cell, table)
			break
		}
	}
	if set == "" {
		return errors.New("it has no auth profiles")
	}
	if _, err := db.ExecContext(ctx, set, profile, old, new); err != nil {
		return err
	}
	_, _ = db.ExecContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`) // else its journal keeps it for a while
	return nil
}
