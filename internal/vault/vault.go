// Package vault holds the real keys, so that the agent need not: providers'
// API keys by name, in one private file of the state directory. The doors put
// them into requests; nothing prints them.
package vault

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"sync"

	"github.com/openseawall/seawall/internal/state"
)

// Vault is the set of keys of one state directory. It is safe for concurrent
// use; what another process changes is seen by the next Open.
type Vault struct {
	dir  *state.Dir
	mu   sync.RWMutex
	keys map[string]string
}

// Open reads the keys of a state directory; one without keys is empty.
func Open(dir *state.Dir) (*Vault, error) {
	v := &Vault{dir: dir, keys: map[string]string{}}
	content, err := dir.Read(state.Keys)
	if errors.Is(err, fs.ErrNotExist) {
		return v, nil
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(content, &v.keys); err != nil {
		// The decoder's own words could quote a key.
		return nil, fmt.Errorf("the keys in %s are damaged: restore the file from a backup, or run `seawall disconnect` and `seawall connect` again", dir.Path(state.Keys))
	}
	return v, nil
}

// Get returns a key.
func (v *Vault) Get(name string) (string, bool) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	key, ok := v.keys[name]
	return key, ok
}

// Set keeps keys under their names and writes them to the disk; keys that are
// not named stay.
func (v *Vault) Set(keys map[string]string) error {
	return v.change(func(all map[string]string) { maps.Copy(all, keys) })
}

// Delete forgets keys; a name that is not there is no error.
func (v *Vault) Delete(names ...string) error {
	return v.change(func(all map[string]string) {
		for _, name := range names {
			delete(all, name)
		}
	})
}

func (v *Vault) change(edit func(map[string]string)) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	next := maps.Clone(v.keys)
	edit(next)
	content, err := json.Marshal(next)
	if err != nil {
		return fmt.Errorf("writing the keys: %w", err)
	}
	if err := v.dir.Write(state.Keys, content); err != nil {
		return err
	}
	v.keys = next
	return nil
}

// Names returns the names of all keys, sorted.
func (v *Vault) Names() []string {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return slices.Sorted(maps.Keys(v.keys))
}

// Values returns the keys themselves, for the detector that finds this
// machine's own secrets in what passes.
func (v *Vault) Values() []string {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return slices.Sorted(maps.Values(v.keys))
}
