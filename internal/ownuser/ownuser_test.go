package ownuser

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/openseawall/seawall/internal/openclaw"
	"github.com/openseawall/seawall/internal/state"
)

func TestPathsInAText(t *testing.T) {
	p := Paths{{"/root/.openclaw", "/var/lib/openclaw/.openclaw"}, {"/root/work", "/var/lib/openclaw/work"}}
	for text, want := range map[string]string{
		"/root/.openclaw":                 "/var/lib/openclaw/.openclaw",
		"see /root/.openclaw/x.":          "see /var/lib/openclaw/.openclaw/x.",
		"It is in /root/.openclaw.":       "It is in /var/lib/openclaw/.openclaw.",
		`{"a":"/root/work","b":1}`:        `{"a":"/var/lib/openclaw/work","b":1}`,
		"file:///root/work/a":             "file:///var/lib/openclaw/work/a",
		"#!/root/work/venv/bin/python":    "#!/var/lib/openclaw/work/venv/bin/python",
		"PATH=/root/work:/root/work2":     "PATH=/var/lib/openclaw/work:/root/work2",
		"/root/.openclaw-dev":             "/root/.openclaw-dev",
		"/root/.openclaw.seawall-kept":    "/root/.openclaw.seawall-kept",
		"/mnt/root/work and ../root/work": "/mnt/root/work and ../root/work",
	} {
		if got := string(p.In([]byte(text))); got != want {
			t.Errorf("%q became %q", text, got)
		}
		if strings.Contains(want, "/var/lib/") {
			if got := string(p.back().In([]byte(want))); got != text {
				t.Errorf("%q came back as %q", want, got)
			}
		}
	}
}

func put(t *testing.T, path, content string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func query(t *testing.T, path, q string) (out string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if !strings.HasPrefix(q, "SELECT") {
		if _, err := db.Exec(q); err != nil {
			t.Fatal(err)
		}
		return ""
	}
	if err := db.QueryRow(q).Scan(&out); err != nil {
		t.Fatal(err)
	}
	return out
}

// all is what stands below a folder: names, modes, contents and targets.
func all(t *testing.T, folder string) map[string]string {
	t.Helper()
	found := map[string]string{}
	if err := filepath.Walk(folder, func(path string, info os.FileInfo, err error) error {
		if err != nil {
			return err
		}
		content := ""
		if info.Mode().IsRegular() {
			b, _ := os.ReadFile(path)
			content = string(b)
		} else if info.Mode()&os.ModeSymlink != 0 {
			content, _ = os.Readlink(path)
		}
		found[strings.TrimPrefix(path, folder)] = info.Mode().String() + " " + content
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return found
}

// move is a state directory with all that OpenClaw has, moved as Prepare does.
func move(t *testing.T) (*journal, *state.Dir) {
	t.Helper()
	base := t.TempDir()
	from, to := filepath.Join(base, "root", ".openclaw"), filepath.Join(base, "home", ".openclaw")
	put(t, from+"/openclaw.json", "{\n  // mine\n  workspace: '"+from+"/workspace',\n}\n", 0o600)
	put(t, from+"/workspace/run.sh", "#!/bin/sh\ncd "+from+"/workspace\n", 0o755)
	put(t, from+"/workspace/picture", "\x00"+from+"\xff", 0o640)
	put(t, from+"/workspace/old.txt", "goes", 0o600)
	put(t, from+"/credentials/key", "sk-x", 0o600)
	for name, target := range map[string]string{"inside": "workspace/run.sh", "absolute": from + "/workspace", "out": "/etc/hostname"} {
		if err := os.Symlink(target, filepath.Join(from, name)); err != nil {
			t.Fatal(err)
		}
	}
	db := from + "/state/openclaw.sqlite"
	put(t, db, "", 0o600)
	query(t, db, `PRAGMA journal_mode=WAL; CREATE TABLE jobs (store TEXT PRIMARY KEY, n INTEGER) STRICT; CREATE VIRTUAL TABLE words USING fts5(word);
		INSERT INTO jobs VALUES ('`+from+`/cron/jobs.json', 1), ('`+from+`-dev', 2); INSERT INTO words VALUES ('`+from+`');`)
	dir, err := state.Open(filepath.Join(base, "state"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dir.Close() })
	j := &journal{Phase: copying, User: "nobody-of-that-name", Home: filepath.Join(base, "home"), Trees: []tree{{From: from, To: to}},
		New: launch{UID: os.Getuid(), GID: os.Getgid()}}
	for range 2 { // the second time is after an interruption
		if err := j.copy(t.Context(), dir, &j.Trees[0]); err != nil {
			t.Fatal(err)
		}
	}
	return j, dir
}

func TestACopyHasTheNewPaths(t *testing.T) {
	j, _ := move(t)
	from, to := j.Trees[0].From, j.Trees[0].To
	got := all(t, to)
	for name, want := range map[string]string{
		"/openclaw.json":     "-rw------- {\n  // mine\n  workspace: '" + to + "/workspace',\n}\n",
		"/workspace/run.sh":  "-rwxr-xr-x #!/bin/sh\ncd " + to + "/workspace\n",
		"/workspace/picture": "-rw-r----- \x00" + from + "\xff",
	} {
		if got[name] != want {
			t.Errorf("%s is %q", name, got[name])
		}
	}
	for name, want := range map[string]string{"/inside": "workspace/run.sh", "/absolute": to + "/workspace", "/out": "/etc/hostname"} {
		if !strings.HasSuffix(got[name], " "+want) {
			t.Errorf("%s leads to %q", name, got[name])
		}
	}
	db := to + "/state/openclaw.sqlite"
	if got := query(t, db, `SELECT group_concat(store || n, ' ') FROM (SELECT * FROM jobs ORDER BY n)`); got != to+"/cron/jobs.json1 "+from+"-dev2" {
		t.Errorf("the database says %s", got)
	}
}

// TestNothingChanged: what nobody touched comes back as it was, to the byte.
func TestNothingChanged(t *testing.T) {
	j, dir := move(t)
	tree := j.Trees[0]
	before := all(t, tree.From)
	if err := rename(tree.From, tree.kept()); err != nil {
		t.Fatal(err)
	}
	if left, err := j.giveBack(t.Context(), tree); err != nil || len(left) > 0 {
		t.Fatalf("%v, %v", left, err)
	}
	j.Phase = back
	if err := j.restore(dir); err != nil {
		t.Fatal(err)
	}
	after := all(t, tree.From)
	for name, content := range before {
		if after[name] != content {
			t.Errorf("%s was %q and is %q", name, content, after[name])
		}
	}
	if len(after) != len(before) {
		t.Errorf("there are %d entries, not %d", len(after), len(before))
	}
}

// TestWhatTheAgentWroteComesBack, and what it meant for others does not.
func TestWhatTheAgentWroteComesBack(t *testing.T) {
	j, _ := move(t)
	tree := j.Trees[0]
	if err := rename(tree.From, tree.kept()); err != nil {
		t.Fatal(err)
	}
	put(t, tree.To+"/workspace/new.md", "mine: "+tree.To+"/workspace/x", 0o600)
	put(t, tree.To+"/workspace/run.sh", "changed\n", 0o700)
	if err := os.Remove(tree.To + "/workspace/old.txt"); err != nil {
		t.Fatal(err)
	}
	query(t, tree.To+"/state/openclaw.sqlite", `INSERT INTO jobs VALUES ('`+tree.To+`/new', 3)`)
	for name, target := range map[string]string{"shadow": "/etc/shadow", "up": "../../../../etc/shadow", "fine": "workspace/new.md"} {
		if err := os.Symlink(target, filepath.Join(tree.To, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Link(tree.To+"/credentials/key", tree.To+"/second-name"); err != nil {
		t.Fatal(err)
	}
	var left []string
	for range 2 { // the second time is after an interruption
		var err error
		if left, err = j.giveBack(t.Context(), tree); err != nil {
			t.Fatal(err)
		}
	}
	got := all(t, tree.kept())
	if got["/workspace/new.md"] != "-rw------- mine: "+tree.From+"/workspace/x" || got["/workspace/run.sh"] != "-rwx------ changed\n" || got["/workspace/old.txt"] != "" || !strings.HasSuffix(got["/fine"], "workspace/new.md") {
		t.Errorf("back came %q", got)
	}
	if query(t, tree.kept()+"/state/openclaw.sqlite", `SELECT store FROM jobs WHERE n = 3`) != tree.From+"/new" {
		t.Error("the database's row did not come back")
	}
	if got["/shadow"] != "" || got["/up"] != "" || got["/second-name"] != "" || len(left) < 3 {
		t.Errorf("left out were %q", left)
	}
	if got["/credentials/key"] != "-rw------- sk-x" {
		t.Errorf("the key is %q", got["/credentials/key"])
	}
}

func TestAnAgentsTreeIsReadAsItsOwn(t *testing.T) {
	base := t.TempDir()
	put(t, base+"/from/file", "x", 0o600)
	c := &copier{uid: os.Getuid(), gid: os.Getgid(), owner: os.Getuid() + 1}
	if err := c.tree(context.Background(), base+"/from", base+"/to"); err != nil {
		t.Fatal(err)
	}
	if len(c.left) != 1 || !strings.Contains(c.left[0], "somebody else") {
		t.Errorf("left are %q", c.left)
	}
}

func TestFits(t *testing.T) {
	shut := filepath.Join(t.TempDir(), "shut")
	put(t, shut+"/openclaw/openclaw.mjs", "", 0o755)
	config, err := openclaw.ParseConfig([]byte("{}"))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		in   openclaw.Install
		says string
	}{
		{openclaw.Install{Container: "claw"}, "container claw"},
		{openclaw.Install{ConfigError: "broken"}, "broken"},
		{openclaw.Install{Config: config, ConfigPath: "/etc/oc.json", StateDir: "/root/.openclaw"}, "outside the state directory"},
		{openclaw.Install{Config: config, ConfigPath: "/root/.openclaw/openclaw.json", StateDir: "/root/.openclaw"}, "package was not found"},
		{openclaw.Install{Config: config, ConfigPath: "/root/.openclaw/openclaw.json", StateDir: "/root/.openclaw", PackageDir: shut + "/openclaw", Version: "2026.9.6"}, "npm install -g openclaw@2026.9.6"},
	} {
		if err := fits(test.in, "/bin/sh"); err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%+v: %v", test.in, err)
		}
	}
}

func TestNewLaunch(t *testing.T) {
	j := &journal{User: "openclaw", Home: "/var/lib/openclaw", Config: "/var/lib/openclaw/.openclaw/openclaw.json", Trees: []tree{{From: "/root/.openclaw", To: "/var/lib/openclaw/.openclaw"}},
		Old: launch{Port: 18789, Text: "[Service]\nExecStart=/bin/sh --max=1 /bin/true gateway --port 19000\nEnvironment=HOME=/root\n" +
			"Environment=\"A=b c\" TELEGRAM_BOT_TOKEN=123456:ABC\nEnvironment=DIR=/root/.openclaw/x\n"}}
	l, secret := newLaunch(j, openclaw.Install{PackageDir: "/p"}, "/usr/bin/node")
	if strings.Join(l.Args, " ") != "/bin/sh --max=1 /bin/true gateway --port 19000" || l.Port != 19000 {
		t.Errorf("it starts %q on %d", l.Args, l.Port)
	}
	if len(secret) != 1 || secret[0] != "TELEGRAM_BOT_TOKEN=123456:ABC" {
		t.Errorf("secret are %q", secret)
	}
	text := unitText(j, l)
	for _, want := range []string{"User=openclaw\n", `Environment="A=b c"`, `Environment="DIR=/var/lib/openclaw/.openclaw/x"`, `Environment="HOME=/var/lib/openclaw"`, "NoNewPrivileges=yes"} {
		if !strings.Contains(text, want) {
			t.Errorf("the unit has no %s:\n%s", want, text)
		}
	}
	if strings.Contains(text, "ABC") || strings.Contains(text, "HOME=/root") {
		t.Errorf("the unit has\n%s", text)
	}
	j.Old.Text = strings.Replace(j.Old.Text, "/bin/sh --max=1 /bin/true", "/root/.nvm/node /root/.nvm/openclaw", 1)
	if l, _ = newLaunch(j, openclaw.Install{PackageDir: "/p"}, "/usr/bin/node"); strings.Join(l.Args, " ") != "/usr/bin/node /p/openclaw.mjs gateway --port 19000" {
		t.Errorf("it starts %q", l.Args)
	}
}

func TestUndoOfNothing(t *testing.T) {
	dir, err := state.Open(filepath.Join(t.TempDir(), "state"))
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	if p, err := Undo(t.Context(), dir); err != nil || !p.Empty() {
		t.Errorf("%+v, %v", p, err)
	}
	if err := dir.WriteJournal(state.OwnUser, []byte("{")); err != nil {
		t.Fatal(err)
	}
	if _, err := Undo(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("a damaged journal: %v", err)
	}
}
