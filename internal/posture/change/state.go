package change

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"slices"
	"time"
)

// State is how a thing stands: which fields count depends on the kind of thing.
// The content is never in the JSON form, which may be shown to anyone.
type State struct {
	There bool `json:"there"`

	// A file's, a kernel parameter's value, a ruleset's text.
	Content []byte      `json:"-"`
	SHA256  string      `json:"sha256,omitempty"` // of Content, in hex
	Mode    fs.FileMode `json:"mode,omitempty"`
	UID     uint32      `json:"uid,omitempty"`
	GID     uint32      `json:"gid,omitempty"`
	ModTime time.Time   `json:"modTime,omitzero"` // zero: whenever
	Folder  bool        `json:"folder,omitempty"`

	// A unit's, in systemd's words.
	Enabled string `json:"enabled,omitempty"` // UnitFileState: enabled, disabled, masked, static, …
	Active  string `json:"active,omitempty"`  // active or inactive

	// Packages that are installed.
	Names []string `json:"names,omitempty"`
}

func (s *State) sum() {
	h := sha256.Sum256(s.Content)
	s.SHA256 = hex.EncodeToString(h[:])
}

// same reports whether two states are one, but for times.
func (s State) same(o State) bool {
	return s.There == o.There && bytes.Equal(s.Content, o.Content) && s.Mode == o.Mode && s.UID == o.UID && s.GID == o.GID &&
		s.Folder == o.Folder && s.Enabled == o.Enabled && s.Active == o.Active && slices.Equal(s.Names, o.Names)
}
