package controls

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/openclaw"
	"github.com/openseawall/seawall/internal/posture"
	"github.com/openseawall/seawall/internal/posture/change"
)

// aftermath is a recorded machine after changes: what an overlay says of it.
// Files go through the engine that changes real ones; what programs answer is
// written as they would answer.
type aftermath struct {
	t    *testing.T
	h    host.Host
	root string
	text strings.Builder
	apt  []string
	sshd map[string]string
	dpkg string
	unit string
}

func afterwards(t *testing.T, h host.Host, id string, wished []change.Change) []byte {
	t.Helper()
	a := &aftermath{t: t, h: h, root: t.TempDir(), sshd: map[string]string{}}
	var files []change.Change
	for _, c := range wished {
		switch e := c.Edit.(type) {
		case change.Sysctl:
			a.file("/proc/sys/"+strings.ReplaceAll(e.Key, ".", "/"), 0o644, 0, 0, e.Value+"\n")
		case change.Package:
			a.install(e.Names)
		case change.Unit:
			a.service(e)
		case change.Account:
			a.lock(e)
		case change.Set:
			if e.Syntax == change.SSHD {
				a.sshd[strings.ToLower(e.Key)] = e.Value
			}
			if e.Syntax == change.Apt {
				a.apt = append(a.apt, e.Key+" "+e.Value+";")
			}
			a.bring(e.Path)
			files = append(files, c)
		case change.File:
			files = append(files, c)
		case change.JSON:
			a.bring(e.Path)
			files = append(files, c)
		case change.Text:
			a.bring(e.Path)
			files = append(files, c)
		case change.Perm:
			a.bring(e.Path)
			files = append(files, c)
		case change.Remove:
			a.bring(e.Path)
			files = append(files, c)
		case change.OpenClaw:
			a.bring(e.Config)
			files = append(files, c)
		default:
			t.Fatalf("%T cannot be tried on a recorded machine", e)
		}
	}
	a.files(id, files)
	a.answers()
	return []byte(a.text.String())
}

func (a *aftermath) file(name string, mode fs.FileMode, uid, gid uint32, text string) {
	bits := uint32(mode.Perm())
	if mode&fs.ModeSticky != 0 {
		bits |= 0o1000
	}
	fmt.Fprintf(&a.text, "-- file %s mode=%04o owner=%d:%d --\n%s", name, bits, uid, gid, text)
	if text != "" && !strings.HasSuffix(text, "\n") {
		a.text.WriteString("\n")
	}
}

// bring puts a recorded file, or folder, where the engine finds it.
func (a *aftermath) bring(name string) {
	info, err := a.h.Stat(a.t.Context(), name)
	if err != nil {
		return
	}
	at := filepath.Join(a.root, name)
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		a.t.Fatal(err)
	}
	if info.Mode.IsDir() {
		err = os.MkdirAll(at, 0o755)
	} else {
		text, _ := a.h.ReadFile(a.t.Context(), name)
		err = os.WriteFile(at, text, 0o600)
	}
	if err != nil {
		a.t.Fatal(err)
	}
	if err := os.Chmod(at, info.Mode&(fs.ModePerm|fs.ModeSticky|fs.ModeSetgid|fs.ModeSetuid)); err != nil {
		a.t.Fatal(err)
	}
}

// files has the engine make the changes, and writes down what it would leave.
func (a *aftermath) files(id string, changes []change.Change) {
	if len(changes) == 0 {
		return
	}
	none := func(context.Context, []byte, string, ...string) ([]byte, error) { return nil, exec.ErrNotFound }
	plan := change.Make(a.t.Context(), change.Machine{Root: a.root, Run: none}, []change.Wish{{Control: id, Changes: changes}})
	for _, r := range plan.Refused {
		a.t.Errorf("the engine refuses it: %s", r.Why)
	}
	for _, s := range plan.Steps {
		info, err := a.h.Stat(a.t.Context(), s.Target)
		uid, gid := info.UID, info.GID
		for _, c := range changes {
			if p, ok := c.Edit.(change.Perm); ok && p.Path == s.Target && p.Owner != nil {
				uid, gid = p.Owner.UID, p.Owner.GID
			}
		}
		text := s.After.Content
		if s.Kind == change.KindPerm { // it knows no contents
			text, _ = a.h.ReadFile(a.t.Context(), s.Target)
		}
		switch {
		case s.Kind != change.KindFile && s.Kind != change.KindPerm:
			continue
		case !s.After.There:
			fmt.Fprintf(&a.text, "-- absent file %s --\n", s.Target)
		case s.After.Folder, err == nil && info.Mode.IsDir():
			entries, _ := a.h.ReadDir(a.t.Context(), s.Target)
			mode := uint32(s.After.Mode.Perm())
			if s.After.Mode&fs.ModeSticky != 0 {
				mode |= 0o1000
			}
			fmt.Fprintf(&a.text, "-- dir %s mode=%04o owner=%d:%d --\n", s.Target, mode, uid, gid)
			for _, e := range entries {
				if _, err := a.h.ReadDir(a.t.Context(), e.Path); err != nil {
					fmt.Fprintf(&a.text, "%s %04o owner=%d:%d size=%d\n", path.Base(e.Path), e.Mode.Perm(), e.UID, e.GID, e.Size)
				}
			}
		case err == nil && info.Mode&fs.ModeSocket != 0:
			fmt.Fprintf(&a.text, "-- stat %s mode=s%04o owner=%d:%d --\n", s.Target, s.After.Mode.Perm(), uid, gid)
		default:
			a.file(s.Target, s.After.Mode, uid, gid, string(text))
		}
	}
}

func (a *aftermath) ask(name string, args ...string) (string, bool) {
	out, err := a.h.Run(a.t.Context(), name, args...)
	return string(out.Stdout), err == nil
}

const (
	dpkgFormat = `${db:Status-Abbrev}\t${Package}\t${Version}\n`
	showFields = "Id,LoadState,ActiveState,SubState,UnitFileState,FragmentPath,User,ExecStart,TimersCalendar,TimersMonotonic,Unit,Triggers"
)

func (a *aftermath) install(names []string) {
	if a.dpkg == "" {
		a.dpkg, _ = a.ask("dpkg-query", "-W", "-f", dpkgFormat)
	}
	for _, n := range names {
		if !strings.Contains(a.dpkg, "\t"+n+"\t") {
			a.dpkg += "ii \t" + n + "\t1.0\n"
		}
		if n == "unattended-upgrades" { // what its own file says
			a.apt = append(a.apt, `Unattended-Upgrade::Origins-Pattern:: "origin=Debian,codename=${distro_codename}-security,label=Debian-Security";`)
		}
	}
}

func (a *aftermath) service(u change.Unit) {
	if a.unit == "" {
		a.unit, _ = a.ask("systemctl", "show", "--all", "-p", showFields, "*.service", "*.timer", "*.socket")
	}
	block := regexp.MustCompile(`(?s)Id=` + regexp.QuoteMeta(u.Name) + `\n.*?(\n\n|$)`)
	was := block.FindString(a.unit)
	if was == "" {
		was = "Id=" + u.Name + "\nLoadState=loaded\nActiveState=inactive\nSubState=dead\nUnitFileState=disabled\nFragmentPath=/lib/systemd/system/" + u.Name + "\nUser=\n\n"
		a.unit += "\n" + was
	}
	is := was
	for _, verb := range u.Do {
		for old, next := range map[change.Verb][2]string{
			change.Enable:  {`UnitFileState=\w*`, "UnitFileState=enabled"},
			change.Disable: {`UnitFileState=\w*`, "UnitFileState=disabled"},
			change.Start:   {`ActiveState=\w*`, "ActiveState=active"},
			change.Stop:    {`ActiveState=\w*`, "ActiveState=inactive"},
		} {
			if verb == old {
				is = regexp.MustCompile(next[0]).ReplaceAllString(is, next[1])
			}
		}
	}
	a.unit = strings.Replace(a.unit, was, is, 1)
}

func (a *aftermath) lock(e change.Account) {
	text, err := a.h.ReadFile(a.t.Context(), "/etc/shadow")
	if err != nil {
		a.t.Fatal(err)
	}
	is := regexp.MustCompile(`(?m)^`+regexp.QuoteMeta(e.Name)+`:[^:]*:`).ReplaceAllString(string(text), e.Name+":!:")
	a.file("/etc/shadow", 0o640, 0, 42, is)
}

// answers writes what programs say now.
func (a *aftermath) answers() {
	if a.dpkg != "" {
		fmt.Fprintf(&a.text, "-- run dpkg-query -W -f \"${db:Status-Abbrev}\\\\t${Package}\\\\t${Version}\\\\n\" --\n%s", a.dpkg)
	}
	if a.unit != "" {
		fmt.Fprintf(&a.text, "-- run systemctl show --all -p %s *.service *.timer *.socket --\n%s", showFields, strings.TrimRight(a.unit, "\n")+"\n")
	}
	if len(a.apt) > 0 {
		dump, _ := a.ask("apt-config", "dump")
		for _, line := range a.apt { // the last one wins, and a list grows
			key, _, _ := strings.Cut(line, " ")
			if !strings.HasSuffix(key, "::") {
				dump = regexp.MustCompile(`(?m)^`+regexp.QuoteMeta(key)+` .*\n`).ReplaceAllString(dump, "")
			}
			dump += line + "\n"
		}
		fmt.Fprintf(&a.text, "-- run apt-config dump --\n%s", dump)
	}
	if len(a.sshd) == 0 {
		return
	}
	for _, args := range [][]string{{"-T"}, {"-T", "-C", "user=root,host=stranger.invalid,addr=203.0.113.1"}} {
		said, ok := a.ask("sshd", args...)
		if !ok {
			continue
		}
		for key, value := range a.sshd {
			line := regexp.MustCompile(`(?m)^` + key + ` (.*)\n`)
			if taken, ok := strings.CutPrefix(value, "-"); ok {
				value = strings.Join(slices.DeleteFunc(strings.Split(line.FindStringSubmatch(said)[1], ","), func(name string) bool {
					return slices.ContainsFunc(strings.Split(taken, ","), func(p string) bool { ok, _ := path.Match(p, name); return ok })
				}), ",")
			}
			said = line.ReplaceAllString(said, "") + key + " " + value + "\n"
		}
		fmt.Fprintf(&a.text, "-- run sshd %s --\n%s", strings.Join(args, " "), said)
	}
}

// later are controls whose facts are those of what runs: the fix is in the
// files, and shows once the thing has started again.
var later = map[string]string{
	"docker-live-restore":  "the daemon says so after its reload",
	"docker-log-unlimited": "holds for containers that are made from now on",
	"docker-tcp":           "the daemon listens until it starts again",
	"state-privileges":     "the gateway has it until it starts again",
	"state-bare":           "the gateway has it until it starts again",
	"updates-stale-lists":  "the lists come with the job",
	"compose-memory":       "the file of the trip has deploy, beside which mem_limit would be a second say",
	"compose-restart":      "the file of the trip has a restart key, which is not a second time",
}

// vps is the aim of the default profile.
func vps(t *testing.T) posture.Aim {
	t.Helper()
	p, err := posture.ShippedProfile("vps")
	if err != nil {
		t.Fatal(err)
	}
	return posture.Aim{Profile: p}
}

func refused(err error) bool {
	var r *posture.Refusal
	return errors.As(err, &r)
}

// byRules are cured by the firewall's rules, which lab/packets tries with real
// packets.
var byRules = []string{"ssh-no-connection-limit"}

// TestFixes applies each fix to the machine that trips its control: then it is
// silent, and no other control that was silent speaks.
func TestFixes(t *testing.T) {
	for _, c := range All {
		if c.Fix == nil || c.Family == posture.Firewall || strings.Contains(c.ID, "-ban") || slices.Contains(unknowable, c.ID) || slices.Contains(byRules, c.ID) {
			continue
		}
		t.Run(c.ID, func(t *testing.T) {
			t.Parallel()
			o := readOverlay(t, "trips", c.ID+".txtar")
			base := read(t, o.base+".txtar")
			f, h := facts(t, base, o.text)
			f.Aim = vps(t)
			before := results(f)
			wished, err := c.Fix(f)
			if err != nil && !refused(err) {
				t.Fatal(err)
			}
			for _, w := range wished {
				if w.What == "" || strings.HasSuffix(w.What, ".") || w.Edit == nil {
					t.Errorf("a change says %q and does %T", w.What, w.Edit)
				}
				if _, ok := w.Edit.(change.Ruleset); ok {
					t.Error("it loads rules: they are tried with real packets")
				}
			}
			_, shows := later[c.ID]
			if len(wished) == 0 && !shows {
				t.Fatalf("it changes nothing: %v", err)
			}
			after, _ := facts(t, base, o.text, afterwards(t, h, c.ID, wished))
			for id, r := range results(after) {
				if id == c.ID && r.Outcome != posture.Passed && r.Outcome != posture.NotApplicable && !shows {
					t.Errorf("after it: %s %v %v", r.Outcome, r.Reasons, details(r))
				}
				if before[id].Outcome == posture.Passed && r.Outcome != posture.Passed && r.Outcome != posture.NotApplicable {
					t.Errorf("after it %s is %s: %v %v", id, r.Outcome, r.Reasons, details(r))
				}
			}
		})
	}
}

// facts reads a recorded host and returns it too.
func facts(t *testing.T, archives ...[]byte) (*posture.Facts, host.Host) {
	t.Helper()
	f := machine(t, archives...) // puts the fake key in
	h, err := host.Parse(archives...)
	if err != nil {
		t.Fatal(err)
	}
	return f, h
}

// TestEveryControlSaysWhatToDo holds each control to one of both: a machine does
// it, or a person is told.
func TestEveryControlSaysWhatToDo(t *testing.T) {
	machines := 0
	for _, c := range All {
		if (c.Fix == nil) == (c.Manual == "") {
			t.Errorf("%s has a fix: %v, and says what a person does: %q", c.ID, c.Fix != nil, c.Manual)
		}
		if c.Fix != nil {
			machines++
		}
	}
	t.Logf("%d of %d are cured by a machine", machines, len(All))
}

// TestRefusals are the fixes that would break what they are to save.
func TestRefusals(t *testing.T) {
	noKey := "-- absent file /home/admin/.ssh/authorized_keys --\n"
	jobs := `-- run seawall:devices /var/lib/claw/.openclaw/state/openclaw.sqlite --
[{"Kind":"job","Name":"morning mail","ID":"j","Roles":["agentTurn"],"Since":"2026-10-20T05:00:00Z","LastSeen":"0001-01-01T00:00:00Z","Expires":"0001-01-01T00:00:00Z"}]
`
	for _, c := range []struct{ id, more, says string }{
		{"ssh-password-login", noKey, "nobody has a key"},
		{"ssh-keyboard-interactive", noKey, "nobody has a key"},
		{"ssh-root-login", noKey, "nobody has a key"},
		{"ssh-open-to-all-users", noKey, "nobody has a key"},
		{"ssh-password-login", "-- file /home/admin/.ssh/authorized_keys mode=0600 owner=1001:1001 --\ncommand=\"/usr/bin/rsync\" ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIO5FREvpxJOTfFv+7FEafGLsbP1Z2xJKI/oD94zFBpkW backup\n", "nobody has a key"},
		{"gateway-exec-unasked", jobs, "morning mail"},
		{"gateway-unattended-scripts", strings.Replace(jobs, `["agentTurn"]`, `["agentTurn","trigger"]`, 1), "morning mail"},
	} {
		o := readOverlay(t, "trips", c.id+".txtar")
		f, _ := facts(t, read(t, o.base+".txtar"), o.text, []byte(c.more))
		f.Aim = vps(t)
		i := slices.IndexFunc(All, func(k posture.Control) bool { return k.ID == c.id })
		if wished, err := All[i].Fix(f); !refused(err) || !strings.Contains(err.Error(), c.says) || len(wished) > 0 {
			t.Errorf("%s: %d changes, %v", c.id, len(wished), err)
		}
	}
}

// TestWhoAppliesStaysIn: the person at the other end of the connection is not
// locked out, though others have keys.
func TestWhoAppliesStaysIn(t *testing.T) {
	o := readOverlay(t, "trips", "ssh-password-login.txtar")
	f, _ := facts(t, read(t, o.base+".txtar"), o.text)
	f.Aim = vps(t)
	f.Aim.User = "claw"
	if _, err := sshFixes["ssh-password-login"](f); err != nil {
		t.Errorf("at the console: %v", err)
	}
	f.Aim.From = f.SSHD.Value.Listen[0]
	if _, err := sshFixes["ssh-password-login"](f); !refused(err) {
		t.Errorf("over SSH without a key: %v", err)
	}
}

// Exec asks no person twice: with Seawall's plugin in the config it is left.
func TestOneApproverAtATime(t *testing.T) {
	config, err := openclaw.ParseConfig([]byte(`{"plugins":{"entries":{"seawall-guard":{"enabled":true}}},"tools":{"exec":{"mode":"full"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	if list, err := askBeforeExec(nil, settings{config, openclaw.Install{}}); !refused(err) || len(list) > 0 {
		t.Errorf("%v, %v", list, err)
	}
}

func TestComposePatches(t *testing.T) {
	for _, c := range []struct{ name, key, line, text, want string }{
		{"a new key comes first, comments stay", "pids_limit", "pids_limit: 512",
			"services:\n  # the agent\n  claw:\n    image: x # pinned\n", "services:\n  # the agent\n  claw:\n    pids_limit: 512\n    image: x # pinned\n"},
		{"of two alike the right one", "pids_limit", "pids_limit: 512",
			"services:\n  db:\n    image: x\n    user: a\n  claw:\n    image: x\n    user: b\n", "services:\n  db:\n    image: x\n    user: a\n  claw:\n    pids_limit: 512\n    image: x\n    user: b\n"},
		{"into a list on one line", "security_opt", `security_opt: ["no-new-privileges:true"]`,
			"services:\n  claw:\n    security_opt: [\"seccomp:x.json\"] # ours\n", "services:\n  claw:\n    security_opt: [\"no-new-privileges:true\", \"seccomp:x.json\"] # ours\n"},
		{"into a list of lines", "security_opt", `security_opt: ["no-new-privileges:true"]`,
			"services:\n  claw:\n    security_opt:\n      - seccomp:x.json\n", "services:\n  claw:\n    security_opt:\n      - \"no-new-privileges:true\"\n      - seccomp:x.json\n"},
		{"a service on one line is for a person", "pids_limit", "pids_limit: 512", "services:\n  claw: {image: x}\n", ""},
		{"two places that cannot be told apart", "pids_limit", "pids_limit: 512", "a: &a\n  claw:\n    image: x\nservices:\n  claw:\n    image: x\n", "a: &a\n  claw:\n    image: x\nservices:\n  claw:\n    image: x\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := patch(host.ComposeFile{Path: "/c.yaml", Text: c.text}, "claw", c.key, c.line, nil)
			if err != nil {
				if !refused(err) || c.want != "" && c.want != c.text {
					t.Error(err)
				}
				return
			}
			if got := strings.Replace(c.text, p.Old, p.New, 1); got != c.want || strings.Count(c.text, p.Old) != 1 {
				t.Errorf("got\n%s", got)
			}
		})
	}
}

// TestFreshMachine hardens a machine that nobody touched, and then again: the
// second plan is empty, and what is left is for a person, by name.
func TestFreshMachine(t *testing.T) {
	archives := [][]byte{read(t, "base.txtar"), read(t, "fresh.txtar")}
	plan := func(f *posture.Facts) (wished []change.Change, left []string) {
		for id, r := range results(f) {
			i := slices.IndexFunc(All, func(c posture.Control) bool { return c.ID == id })
			c := All[i]
			if r.Outcome != posture.Failed || c.Family == posture.Firewall || strings.Contains(id, "-ban") {
				continue
			}
			if c.Fix == nil {
				if r.Severity >= posture.Medium {
					left = append(left, id)
				}
				continue
			}
			did, err := c.Fix(f)
			if err != nil && !refused(err) {
				t.Fatalf("%s: %v", id, err)
			}
			if len(did) == 0 && r.Severity >= posture.Medium {
				left = append(left, id)
			}
			for i := range did {
				did[i].Controls = []string{id}
			}
			wished = append(wished, did...)
		}
		slices.Sort(left)
		return wished, left
	}
	f, h := facts(t, archives...)
	f.Aim = vps(t)
	first, _ := plan(f)
	if len(first) < 40 {
		t.Errorf("the first plan has %d changes", len(first))
	}
	f, _ = facts(t, append(archives, afterwards(t, h, "all", first))...)
	f.Aim = vps(t)
	second, left := plan(f)
	for _, c := range second {
		if later[c.Controls[0]] != "" {
			continue
		}
		t.Errorf("the second plan would still %s, for %v", c.What, c.Controls)
	}
	want := []string{"gateway-past-the-door", "gateway-sandbox-off", "secrets-channel-token", "skills-no-install-policy", "skills-plugins-open"}
	if !slices.Equal(left, want) {
		t.Errorf("for a person: %v", left)
	}
}
