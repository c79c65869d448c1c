// Package ownuser gives an OpenClaw that runs as root, or as a user who may do
// more than it should, a user of its own, and takes that back.
//
//	OpenClaw ──Prepare──▶ Plan ──Apply──▶ journal, account, copies, unit
//	journal  ──Undo─────▶ Plan ──Apply──▶ the old place, with what the agent wrote since
//
// State and workspaces are copied, with the paths inside them (config, text
// files, SQLite) made those of the new place. What was copied stays where it was
// until the copy is whole, and beside that place afterwards: it is what comes
// back, byte for byte where the agent changed nothing since.
//
// The journal (own-user.json in the state directory) is on the disk before each
// step. Every step can be done twice, so an interruption at any point is
// repaired by doing the same again, or by Undo.
package ownuser

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	"github.com/openseawall/seawall/internal/state"
)

// Name is the user that OpenClaw gets when nobody names another.
const Name = "openclaw"

// Which of the two places counts.
const (
	copying = "copying" // the old one; the new one may be half there
	moved   = "moved"   // the new one
	back    = "back"    // the new one, and its changes are on their way to the old one
)

// journal is what was done to a machine.
type journal struct {
	Phase  string `json:"phase"`
	User   string `json:"user"`
	Home   string `json:"home"`
	Made   bool   `json:"made"`   // the user is Seawall's
	Config string `json:"config"` // openclaw.json in its new place
	Trees  []tree `json:"trees"`
	// Databases are SQLite's files of the new place as they were put there, by
	// path, with their SHA-256 in hex.
	Databases map[string]string `json:"databases,omitempty"`
	Old       launch            `json:"old"`
	New       launch            `json:"new"`
}

// tree is a folder that moves.
type tree struct {
	From string `json:"from"`
	To   string `json:"to"`
	// Left are the files that were not copied, from From on: links and files that
	// are somebody else's.
	Left []string `json:"left,omitempty"`
}

// kept is where the old folder stands while the new one counts.
func (t tree) kept() string { return t.From + ".seawall-kept" }

func readJournal(dir *state.Dir) (*journal, error) {
	content, foreign, err := dir.ReadJournal(state.OwnUser)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil && foreign {
		err = fmt.Errorf("the journal %s could have been written by others than root, who would follow it: delete it; docs/own-user.md says how to move OpenClaw back by hand", dir.Path(state.OwnUser))
	}
	if err != nil {
		return nil, err
	}
	j := &journal{}
	if err := json.Unmarshal(content, j); err != nil || len(j.Trees) == 0 || j.User == "" {
		return nil, fmt.Errorf("the journal %s is damaged: docs/own-user.md says how to move OpenClaw back by hand; then delete it", dir.JournalPath(state.OwnUser))
	}
	return j, nil
}

func (j *journal) write(dir *state.Dir) error {
	content, err := json.MarshalIndent(j, "", "  ")
	if err != nil {
		return fmt.Errorf("writing the journal: %w", err)
	}
	return dir.WriteJournal(state.OwnUser, append(content, '\n'))
}

// paths are the old paths and the new ones, for what is written in files.
func (j *journal) paths() Paths {
	var p Paths
	for _, t := range j.Trees {
		p = append(p, [2]string{t.From, t.To})
	}
	return p.sorted()
}

// Moved returns the user that an OpenClaw of this machine was given, and its
// openclaw.json; "" when there is none.
func Moved(dir *state.Dir) (user, config string, err error) {
	j, err := readJournal(dir)
	if err != nil || j == nil || j.Phase != moved {
		return "", "", err
	}
	return j.User, j.Config, nil
}

// Begun reports whether a move was begun and not taken back.
func Begun(dir *state.Dir) bool {
	_, _, err := dir.ReadJournal(state.OwnUser)
	return err == nil
}
