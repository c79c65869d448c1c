package openclaw

import (
	"bytes"
	"encoding/json"
	"errors"
	"path"
	"strings"

	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/lazyregexp"
)

// Wish is a sentence of a prompt file or a skill that reads like a rule about
// approvals. Nothing enforces it: it is text that the model may or may not heed.
type Wish struct {
	File string
	Line int
	Text string
	// About is what it would gate: run, send, spend, change, or "".
	About string
}

// maxWishes bounds what is kept of one file.
const maxWishes = 12

// gates are the shapes in which such sentences come, in English and German.
var gates = []*lazyregexp.Regexp{
	lazyregexp.New(`(?i)\b(ask|check with|confirm with|get (my |the |explicit |human )?(approval|permission|confirmation|consent))\b.{0,80}\b(before|first|prior to)\b`),
	lazyregexp.New(`(?i)\b(never|do not|don't|must not)\b.{0,100}\bwithout\b.{0,40}\b(asking|approval|permission|confirm\w*|consent|my ok)\b`),
	lazyregexp.New(`(?i)\b(requires?|needs?)\b.{0,20}\b(human|my|operator|owner|explicit)\b.{0,20}\b(approval|permission|confirmation|consent)\b`),
	lazyregexp.New(`(?i)\b(escalate to|wait for)\b.{0,40}\b(human|operator|owner|approval|confirmation|my ok)\b`),
	lazyregexp.New(`(?i)\b(frag|frage|fragt|rückfrage)\b.{0,80}\b(bevor|vorher|zuerst)\b`),
	lazyregexp.New(`(?i)\b(nie|niemals|nicht)\b.{0,100}\bohne\b.{0,40}\b(rückfrage|freigabe|zustimmung|bestätigung|erlaubnis|zu fragen)\b`),
}

// subjects tell what a wish would gate; the first that matches counts.
var subjects = []struct {
	about string
	words *lazyregexp.Regexp
}{
	{"spend", lazyregexp.New(`(?i)\b(pay|payments?|buy|purchas\w+|order|money|spend\w*|transfer|invest|zahl\w*|kauf\w*|überweis\w*|bestell\w*)\b`)},
	{"send", lazyregexp.New(`(?i)\b(send\w*|e-?mails?|message|messages|post|posts|tweets?|publish\w*|reply|replies|external\w*|leaves the machine|schick\w*|send|veröffentlich\w*|nachricht\w*)\b`)},
	{"change", lazyregexp.New(`(?i)\b(config\w*|settings?|skills?|plugins?|upgrad\w*|reconfigur\w*|einstellung\w*)\b`)},
	{"run", lazyregexp.New(`(?i)\b(delet\w*|remov\w*|rm|destructive|irreversible|command\w*|shell|execut\w*|run|running|install\w*|sudo|drop\w*|wip\w*|overwrit\w*|restart\w*|deploy\w*|lösch\w*|befehl\w*|ausführ\w*)\b`)},
}

// Wishes finds the sentences of one text that read like rules about approvals.
func Wishes(file string, text []byte) (found []Wish) {
	for i, line := range bytes.Split(text, []byte("\n")) {
		if len(found) == maxWishes {
			break
		}
		s := strings.TrimSpace(strings.TrimLeft(string(line), "-*>#0123456789. \t"))
		if len(s) > 1000 || !gated(s) {
			continue
		}
		w := Wish{File: file, Line: i + 1, Text: s}
		for _, subject := range subjects {
			if subject.words.MatchString(s) {
				w.About = subject.about
				break
			}
		}
		found = append(found, w)
	}
	return found
}

func gated(s string) bool {
	for _, g := range gates {
		if g.MatchString(s) {
			return true
		}
	}
	return false
}

// wishes reads the prompt files of the workspaces and the pages of the skills
// that somebody installed.
func (d *discovery) wishes(c *candidate) (found []Wish) {
	look := func(file string, size int64) {
		if size > maxSkillText {
			return
		}
		if text, err := d.h.ReadFile(d.ctx, file); err == nil {
			found = append(found, Wishes(file, text)...)
		}
	}
	for _, f := range c.Files {
		if f.Kind == "bootstrap" && f.Mode.IsRegular() {
			look(f.Path, f.Size)
		}
	}
	for _, s := range c.Skills {
		if s.Root != "bundled" {
			look(path.Join(s.Path, "SKILL.md"), 0)
		}
	}
	return found
}

// paired asks the state database what OpenClaw lets in without asking again.
func (d *discovery) paired(c *candidate) []host.Paired {
	shared := c.Database()
	for _, f := range c.Files {
		if f.Path != shared {
			continue
		}
		out, err := d.h.Run(d.ctx, host.AskDevices, shared)
		var list []host.Paired
		if err == nil {
			err = json.Unmarshal(out.Stdout, &list)
		}
		if err != nil && !errors.Is(err, host.ErrAbsent) {
			c.PairedUnknown = err.Error()
			return nil
		}
		return list
	}
	return nil
}

// personal are files with logins to other services, as the programs that people
// use keep them in their home.
var personal = map[string]string{
	".bash_history": "history", ".zsh_history": "history", ".python_history": "history", ".node_repl_history": "history",
	".psql_history": "history", ".mysql_history": "history", ".rediscli_history": "history",
	".git-credentials": "login", ".netrc": "login", ".npmrc": "login", ".pypirc": "login", ".pgpass": "login", ".my.cnf": "login",
	".aws/credentials": "login", ".docker/config.json": "login", ".kube/config": "login", ".config/gh/hosts.yml": "login",
	".config/gcloud/application_default_credentials.json": "login", ".azure/accessTokens.json": "login",
	".ssh/id_rsa": "login", ".ssh/id_ed25519": "login", ".ssh/id_ecdsa": "login",
	".gitconfig": "git",
}

// personalFiles are those that lie in the home of the account an OpenClaw runs
// as: every command of the agent reads them.
func (d *discovery) personalFiles(c *candidate, add func(host.FileInfo, string)) {
	if c.Container == "" && c.home != "" {
		for name, kind := range personal {
			if info, err := d.h.Stat(d.ctx, path.Join(c.home, name)); err == nil && info.Size != 0 {
				add(info, kind)
			}
		}
	}
	for _, w := range c.Workspaces {
		if info, err := d.h.Stat(d.ctx, path.Join(w, ".git/config")); err == nil {
			add(info, "git")
		}
	}
}
