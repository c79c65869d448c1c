package connect

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/openseawall/seawall/internal/guard/door/model"
	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/openclaw"
	"github.com/openseawall/seawall/internal/state"
)

const unit = "[Service]\nExecStart=/usr/bin/node gateway\n"

// inUnits are pairs of a key and a placeholder by which whoever writes them into
// the doors' state would change what a unit of root's runs.
var inUnits = map[string][2]string{
	"another text for a token": {"ExecStart=/usr/bin/node", "ExecStart=/tmp/theirs"},
	"a line more":              {"/usr/bin/node gateway", "sk-seawall-AAAAAAAAAAAAAAAAA\nExecStartPre=/tmp/theirs"},
	"a blank":                  {"ExecStart=/usr/bin/node", "sk-seawall-AAAAAAAAAAAA /tmp/theirs"},
	"a quote":                  {"ExecStart=/usr/bin/node", "sk-seawall-AAAAAAAAAAAA'x"},
	"too short":                {"node", "sk-seawall-AAAAAAAAAAAAAAAAAAAA"},
}

// TestNoOtherTextIsReplaced: keys and routes are in the doors' state; connect puts
// nothing of them into files but a placeholder for a key.
func TestNoOtherTextIsReplaced(t *testing.T) {
	for name, pair := range inUnits {
		t.Run(name, func(t *testing.T) {
			f := setup(t, config)
			f.connect(t, "127.0.0.1:4780")
			path := filepath.Join(filepath.Dir(f.install.ConfigPath), "openclaw.service")
			write(t, path, unit)
			info, err := host.Live().Stat(t.Context(), path)
			if err != nil {
				t.Fatal(err)
			}
			f.install.Files = append(f.install.Files, openclaw.File{FileInfo: info, Kind: "unit"})
			f.install.Config = f.parsed(t)
			save(t, f.dir, state.Keys, map[string]string{"theirs": pair[0]})
			save(t, f.dir, state.Routes, []model.Route{{ID: "x", Provider: "x", Agent: f.install.ConfigPath, Upstream: "https://x.example", Key: "theirs", Token: pair[1]}})
			copies, err := FindCopies(t.Context(), host.Live(), f.dir, f.install)
			if err != nil || len(copies.Fixable()) > 0 {
				t.Fatalf("it would be put there: %v, %v", copies.Fixable(), err)
			}
			if _, err := copies.Replace(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got, _ := os.ReadFile(path); string(got) != unit {
				t.Errorf("the unit is\n%s", got)
			}
		})
	}
}

// TestNoOtherTextIsPutBack: neither does disconnect by a journal, and it says so.
func TestNoOtherTextIsPutBack(t *testing.T) {
	for name, pair := range inUnits {
		t.Run(name, func(t *testing.T) {
			f := setup(t, config)
			path := filepath.Join(filepath.Dir(f.install.ConfigPath), "openclaw.service")
			write(t, path, unit)
			if err := writeJournal(f.dir, []entry{{Config: f.install.ConfigPath, Copies: []copied{{Path: path, Key: pair[1], Token: pair[0]}}}}); err != nil {
				t.Fatal(err)
			}
			plans, err := Undo(t.Context(), f.dir)
			if err != nil {
				t.Fatal(err)
			}
			if err := plans[0].Apply(t.Context()); err == nil || !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), pair[1]) {
				t.Errorf("Apply says %v", err)
			}
			if got, _ := os.ReadFile(path); string(got) != unit {
				t.Errorf("the unit is\n%s", got)
			}
			if left, err := Connected(f.dir); err != nil || len(left) > 0 {
				t.Errorf("left is %v, %v", left, err)
			}
		})
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func save(t *testing.T, dir *state.Dir, name string, value any) {
	t.Helper()
	content, err := json.Marshal(value)
	if err == nil {
		err = dir.Write(name, content)
	}
	if err != nil {
		t.Fatal(err)
	}
}
