package doctor

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/openseawall/seawall/internal/guard/connect"
	"github.com/openseawall/seawall/internal/guard/policy"
	"github.com/openseawall/seawall/internal/guard/proof"
	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/install"
	"github.com/openseawall/seawall/internal/ledger"
	"github.com/openseawall/seawall/internal/openclaw"
	"github.com/openseawall/seawall/internal/service"
	"github.com/openseawall/seawall/internal/state"
	"github.com/openseawall/seawall/internal/vault"
	"github.com/openseawall/seawall/packaging"
)

const config = `{
  models: {providers: {lab: {baseUrl: "http://127.0.0.1:9/v1", api: "openai-completions", apiKey: "sk-key-of-a-test-0123456789", models: [{id: "m", name: "m"}]}}},
  agents: {defaults: {model: {primary: "lab/m"}}},
}
`

// body is a Seawall that runs and is well, until a test does something to it.
type body struct {
	*Patient
	dir    *state.Dir
	config string // of the OpenClaw that is connected
	root   string // of the machine
	groups string // of the account
	said   string // by whatever answers at the model door
	unlock func()
	door   *httptest.Server
}

func well(t *testing.T) *body {
	t.Helper()
	dir, err := state.Open(filepath.Join(t.TempDir(), "state"))
	check(t, err)
	b := &body{dir: dir, root: t.TempDir(), groups: service.Account, said: "no provider is behind this door: `seawall status`"}
	b.unlock, err = dir.Lock()
	check(t, err)
	t.Cleanup(func() { b.unlock(); dir.Close() })
	check(t, dir.Upgrade("test"))
	_, err = policy.OpenStore(dir.Path(state.Policy))
	check(t, err)
	b.record(t)
	b.connect(t)
	b.announce(t, "test")
	b.watched(t, time.Now())
	b.Patient = &Patient{Path: dir.String(), Program: packaging.Program, Version: "test", Host: host.Live(), Now: time.Now(),
		Machine: install.Machine{Root: b.root, FS: os.DirFS(b.root), Run: b.run},
		Statfs: func(_ string, disk *unix.Statfs_t) error {
			disk.Blocks, disk.Bavail = 100, 40
			return nil
		}}
	return b
}

func (b *body) run(_ context.Context, name string, _ ...string) ([]byte, error) {
	if name == "id" {
		return []byte(b.groups + "\n"), nil
	}
	return nil, errors.New("there is no " + name)
}

func (b *body) record(t *testing.T) {
	t.Helper()
	l, err := ledger.Open(t.Context(), b.dir)
	check(t, err)
	_, err = l.Append(t.Context(), ledger.Row{Kind: ledger.Event, Why: "started"})
	check(t, errors.Join(err, l.Close()))
}

func (b *body) connect(t *testing.T) {
	t.Helper()
	b.door = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, b.said) }))
	t.Cleanup(b.door.Close)
	home := filepath.Join(t.TempDir(), ".openclaw")
	check(t, os.Mkdir(home, 0o700))
	b.config = filepath.Join(home, "openclaw.json")
	check(t, os.WriteFile(b.config, []byte(config), 0o600))
	plan, err := connect.Prepare(t.Context(), b.dir, openclaw.Install{ConfigPath: b.config, StateDir: home}, b.door.Listener.Addr().String())
	check(t, err)
	check(t, plan.Apply(t.Context()))
}

func (b *body) announce(t *testing.T, version string) {
	t.Helper()
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "<title>Seawall</title>") }))
	t.Cleanup(page.Close)
	b.put(t, state.Running, service.Instance{PID: 1, Door: b.door.Listener.Addr().String(), Page: page.Listener.Addr().String(), Version: version})
}

func (b *body) watched(t *testing.T, at time.Time) {
	b.put(t, proof.File, proof.Report{Time: at, Agents: []proof.Agent{{Config: b.config, Problems: []proof.Problem{}}}})
}

func (b *body) put(t *testing.T, name string, value any) {
	t.Helper()
	content, err := json.Marshal(value)
	check(t, err)
	check(t, b.dir.Write(name, content))
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestChecks does one thing to a Seawall that is well, and wants it found, with
// a fix and nothing beside it. Every check has a case.
func TestChecks(t *testing.T) {
	shut := listener(t)
	cases := []struct {
		name  string
		harm  func(t *testing.T, b *body)
		check string
		what  string // part of the sentence
	}{
		{"well", func(*testing.T, *body) {}, "", ""},
		{"disk full", func(_ *testing.T, b *body) { b.Statfs = diskOf(unix.Statfs_t{Blocks: 1000, Bavail: 42}) }, "disk", "4.2 % of the disk"},
		{"disk read-only", func(_ *testing.T, b *body) {
			b.Statfs = diskOf(unix.Statfs_t{Blocks: 10, Bavail: 9, Flags: unix.ST_RDONLY})
		}, "disk", "read-only"},
		{"directory open", func(t *testing.T, b *body) { check(t, os.Chmod(b.Path, 0o755)) }, "files", "open to other users (mode 0755)"},
		{"file open", func(t *testing.T, b *body) { check(t, os.Chmod(b.dir.Path(state.Keys), 0o644)) }, "files", state.Keys},
		{"newer layout", func(t *testing.T, b *body) {
			check(t, b.dir.Write(state.Layout, []byte(`{"layout":99,"seawall":"v9"}`)))
		}, "layout", "newer Seawall (v9"},
		{"keys of another day", func(t *testing.T, b *body) { check(t, b.dir.Remove(state.Keys)) }, "keys", "different days"},
		{"keys damaged", func(t *testing.T, b *body) { check(t, b.dir.Write(state.Keys, []byte("{"))) }, "keys", "damaged"},
		{"routes damaged", func(t *testing.T, b *body) { check(t, b.dir.Write(state.Routes, []byte("{"))) }, "keys", "damaged"},
		{"policy broken", func(t *testing.T, b *body) { check(t, b.dir.Write(state.Policy, []byte("permit ("))) }, "policy", "refused"},
		{"policy gone", func(t *testing.T, b *body) { check(t, b.dir.Remove(state.Policy)) }, "policy", "is gone"},
		{"row removed", func(t *testing.T, b *body) { b.tamper(t, "DELETE FROM rows WHERE id = 1") }, "record", "checkpoint"},
		{"clock went back", func(_ *testing.T, b *body) { b.Now = b.Now.Add(-time.Hour) }, "clock", "went back"},
		{"checkpoints do not arrive", func(t *testing.T, b *body) {
			b.Now = b.Now.Add(time.Hour)
			b.watched(t, b.Now)
			check(t, ledger.SaveOutside(b.dir, ledger.Outside{File: filepath.Join(t.TempDir(), "checkpoints")}))
		}, "outside", "no checkpoint has reached"},
		{"nobody takes checkpoints", func(t *testing.T, b *body) {
			check(t, ledger.SaveOutside(b.dir, ledger.Outside{URL: "http://" + shut + "/secret-path"}))
		}, "outside", "cannot be sent to 127.0.0.1"},
		{"account of docker", func(_ *testing.T, b *body) { b.groups = service.Account + " docker" }, "account", "group docker"},
		{"unit edited", func(t *testing.T, b *body) {
			folder := filepath.Join(b.root, "etc/systemd/system")
			check(t, os.MkdirAll(folder, 0o755))
			check(t, os.WriteFile(filepath.Join(folder, "seawall.service"), []byte("[Service]\n"), 0o644))
		}, "service", "edited by hand"},
		{"doors closed", func(_ *testing.T, b *body) { b.unlock() }, "doors", "OpenClaw is connected and the doors are closed"},
		{"door does not answer", func(_ *testing.T, b *body) { b.door.Close() }, "doors", "does not answer"},
		{"another's door", func(_ *testing.T, b *body) { b.said = "It works!" }, "doors", "another program"},
		{"announcement damaged", func(t *testing.T, b *body) { check(t, b.dir.Write(state.Running, []byte("{"))) }, "doors", "damaged"},
		{"older doors", func(t *testing.T, b *body) { b.announce(t, "old") }, "version", "Seawall old"},
		{"config put back", func(t *testing.T, b *body) { check(t, os.WriteFile(b.config, []byte(config), 0o600)) }, "connection", "no longer leads"},
		{"config gone", func(t *testing.T, b *body) { check(t, os.RemoveAll(filepath.Dir(b.config))) }, "connection", "cannot be read"},
		{"plugin changed", func(t *testing.T, b *body) {
			found, err := filepath.Glob(b.Path + "-plugin/*.js")
			check(t, err)
			check(t, os.WriteFile(found[0], []byte("//"), 0o644))
		}, "connection", "not as this Seawall ships it"},
		{"nobody watches", func(t *testing.T, b *body) { check(t, b.dir.Remove(proof.File)) }, "watch", "Nobody watches"},
		{"watch damaged", func(t *testing.T, b *body) { check(t, b.dir.Write(proof.File, []byte("{"))) }, "watch", "damaged"},
		{"key of nobody", func(t *testing.T, b *body) {
			keys, err := vault.Open(b.dir)
			check(t, err)
			check(t, keys.Set(map[string]string{"old": "sk-nobodys-key-0123456789"}))
		}, "leftovers", `the key "old"`},
		{"half a move", func(t *testing.T, b *body) {
			check(t, b.dir.WriteJournal(state.OwnUser, []byte(`{"phase":"copying","user":"openclaw","trees":[{"from":"/root/.openclaw","to":"/var/lib/openclaw/.openclaw"}]}`)))
		}, "leftovers", "interrupted"},
		{"half a file", func(t *testing.T, b *body) {
			path := b.dir.Path("keys.json.new")
			check(t, os.WriteFile(path, []byte("{"), 0o600))
			check(t, os.Chtimes(path, time.Time{}, time.Now().Add(-time.Hour)))
		}, "leftovers", "was being written"},
	}
	tripped := map[string]bool{}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := well(t)
			c.harm(t, b)
			got, err := Examine(t.Context(), b.Patient)
			check(t, err)
			if c.check == "" {
				if len(got) > 0 {
					t.Errorf("it found %+v", got)
				}
				return
			}
			if len(got) != 1 || got[0].Check != c.check || !strings.Contains(got[0].What, c.what) || got[0].Fix == "" {
				t.Errorf("it found %+v", got)
			}
			for _, f := range got {
				tripped[f.Check] = true
				if all := f.What + f.Fix; strings.Contains(all, "0123456789") || strings.Contains(all, "secret-path") {
					t.Errorf("it tells a secret: %s", all)
				}
			}
		})
	}
	for _, c := range All {
		if !tripped[c.ID] {
			t.Errorf("no case trips %s", c.ID)
		}
		for _, need := range c.Needs {
			if !slices.ContainsFunc(All, func(other Check) bool { return other.ID == need }) {
				t.Errorf("%s needs %s, which there is not", c.ID, need)
			}
		}
	}
}

func diskOf(d unix.Statfs_t) func(string, *unix.Statfs_t) error {
	return func(_ string, disk *unix.Statfs_t) error { *disk = d; return nil }
}

// listener names a loopback address on which nobody listens.
func listener(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	defer l.Close()
	return l.Addr().String()
}

func (b *body) tamper(t *testing.T, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", b.dir.Path(state.Ledger))
	check(t, err)
	defer db.Close()
	_, err = db.Exec(statement)
	check(t, err)
}

func TestWithoutState(t *testing.T) {
	p := This(filepath.Join(t.TempDir(), "none"), "test")
	p.Machine.Root = t.TempDir()
	p.Machine.FS = os.DirFS(p.Machine.Root)
	got, err := Examine(t.Context(), p)
	if os.Geteuid() == 0 && (err != nil || len(got) != 1 || got[0].Fix != "sudo seawall setup") {
		t.Errorf("it found %+v, %v", got, err)
	}
	if _, err := os.Stat(p.Path); err == nil {
		t.Error("it made the state directory")
	}
}

// TestDocs: every check stands in the user's page, in both languages.
func TestDocs(t *testing.T) {
	for _, page := range []string{"../../docs/doctor.md", "../../docs/de/doctor.md"} {
		text, err := os.ReadFile(page)
		check(t, err)
		for _, c := range All {
			if !strings.Contains(string(text), "| `"+c.ID+"` |") {
				t.Errorf("%s does not tell of %s (%s)", page, c.ID, c.Title)
			}
		}
	}
}
