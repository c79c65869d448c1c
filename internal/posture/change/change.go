// Package change is how Seawall changes a machine, and takes that back.
//
//	wishes (Change) ──Draft──▶ Plan ──Apply──▶ journal, then the machine
//	journal         ──Rollback──▶ the machine as it was
//
// A [Change] is a wish of one control: "this key says no in that file". Wishes
// are resolved one after the other against the machine and the wishes before
// them, so that ten controls which set keys in one file become one step. A
// [Plan] is data: steps, each with the exact state before and after. The journal
// is on the disk before each step, and what it does not know was not Seawall's.
package change

import (
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

// Risk orders changes by what applying them may cost.
type Risk uint8

const (
	// Safe changes disturb nothing that runs.
	Safe Risk = iota
	// Restart changes end or reload something that others use.
	Restart
	// Lockout changes could keep the operator out: sshd, the firewall. They are
	// taken back by themselves unless confirmed from a new connection.
	Lockout
)

var riskNames = [...]string{"safe", "restart", "lockout"}

func (r Risk) String() string { return riskNames[r] }

// MarshalText writes the name, for JSON.
func (r Risk) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads the name.
func (r *Risk) UnmarshalText(b []byte) error {
	for i, n := range riskNames {
		if n == string(b) {
			*r = Risk(i)
			return nil
		}
	}
	return fmt.Errorf("%q is not a risk: safe, restart or lockout", b)
}

// Change is one wish. Its order among the others does not matter beyond what the
// kinds of edits bring with them: packages come first, then files, kernel
// settings, units; all of risk Lockout at the end.
type Change struct {
	// What it does, as an imperative without a full stop: "close password login
	// over SSH". The plan prints it above the diff.
	What string
	Risk Risk
	Edit Edit
	// Controls are the ids of the controls that ask for it; the planner fills it.
	Controls []string
	// Close are the ports that nobody reaches any more once it is applied. One
	// that is in use is asked about, and never closed by --yes alone.
	Close []Port
}

// Port is a port of this machine.
type Port struct {
	Proto string `json:"proto" yaml:"proto"` // "tcp", "udp"
	Port  uint16 `json:"port" yaml:"port"`
}

func (p Port) String() string { return strconv.Itoa(int(p.Port)) + "/" + p.Proto }

// MarshalText writes "3306/tcp", for JSON and YAML.
func (p Port) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads a port, see [ParsePort].
func (p *Port) UnmarshalText(b []byte) (err error) {
	*p, err = ParsePort(string(b))
	return err
}

// ParsePort reads "3306", which is TCP, or "51820/udp".
func ParsePort(s string) (Port, error) {
	number, proto, given := strings.Cut(s, "/")
	if !given {
		proto = "tcp"
	}
	n, err := strconv.ParseUint(number, 10, 16)
	if err != nil || n == 0 || proto != "tcp" && proto != "udp" {
		return Port{}, fmt.Errorf("%q is not a port: write 3306, 3306/tcp or 51820/udp", s)
	}
	return Port{proto, uint16(n)}, nil
}

// Edit is what a change does. The edits are those of this package.
type Edit interface {
	// wish enters the edit into a draft.
	wish(d *draft, c Change) error
}

// Owner is whose a file is.
type Owner struct {
	UID uint32 `json:"uid"`
	GID uint32 `json:"gid"`
}

// File is a whole file of Seawall's own: a drop-in, a unit. Its base name holds
// "seawall"; where a program asks for another name (/etc/cron.allow), a file that
// is there already is a conflict, not overwritten. Missing folders are made
// (0755, root).
type File struct {
	Path    string
	Content string
	Mode    fs.FileMode // 0 is 0644
	Owner   *Owner      // nil is root
}

// Syntax is how a file writes its settings.
type Syntax uint8

const (
	// SSHD is "Keyword value", case does not count, the first one wins, and a
	// Match block is another place (sshd_config(5)).
	SSHD Syntax = iota
	// Space is "KEY value", the last one wins (login.defs(5), limits).
	Space
	// Equals is "key=value", with or without spaces, the last one wins
	// (/etc/default/*, sysctl.d, os-release).
	Equals
	// INI is "key = value" below "[section]" (systemd, fail2ban): the last wins.
	INI
	// Apt is `Key::Sub "value";`, the last one wins (apt.conf(5)).
	Apt
)

// Set sets one key in a file of the operator's, or in a drop-in of Seawall's
// that need not be there yet. All else in the file stays, comments and order
// too. Where the operator had set another value the plan shows it as such.
type Set struct {
	Path    string
	Syntax  Syntax
	Section string // INI only, without brackets
	Key     string
	Value   string // as it stands in the file, with the quotes that it needs
	// Unset takes the key out instead.
	Unset bool
}

// JSON sets one value in a JSON file, which need not be there yet: daemon.json.
// Objects on the way are made. Order, indentation and other keys stay.
type JSON struct {
	Path  string
	Key   []string // {"log-opts", "max-size"}
	Value any      // anything encoding to JSON
	Unset bool
}

// Text replaces exact bytes, which have to stand in the file exactly once: a
// patch of a compose file, with its comments left alone. Several patches of one
// file are made in order, each in the result of those before it.
type Text struct {
	Path     string
	Old, New string
}

// Perm sets mode and owner of what is there, a file or a folder.
type Perm struct {
	Path  string
	Mode  fs.FileMode // permission, setuid, setgid and sticky bits; 0 leaves them
	Owner *Owner      // nil leaves it
}

// Remove deletes a file, or an empty folder.
type Remove struct{ Path string }

// Package installs packages of the distribution that are not there.
type Package struct{ Names []string }

// Verb is what is done with a unit.
type Verb string

const (
	Enable    Verb = "enable"
	Disable   Verb = "disable"
	Mask      Verb = "mask"
	Unmask    Verb = "unmask"
	Start     Verb = "start"
	Stop      Verb = "stop"
	Reload    Verb = "reload" // or restart, where it cannot reload; nothing where it does not run
	RestartIt Verb = "restart"
)

// Unit does something with a systemd unit, in the order of Do. The same unit is
// reloaded or restarted once, however many changes ask for it, and after all
// files are written.
type Unit struct {
	Name string // with its suffix: "ssh.service"
	Do   []Verb
}

// Sysctl sets a kernel parameter now and at boot, in
// /etc/sysctl.d/99-seawall.conf.
type Sysctl struct {
	Key   string // "net.ipv4.conf.all.rp_filter"
	Value string
}

// Ruleset is a file for nft -f, loaded at once in one transaction. Text has to
// begin by emptying what it replaces ("table inet seawall", "delete table inet
// seawall"), so that loading it twice is loading it once. What stood before of
// the tables it names is kept for the way back. That it is loaded at boot is the
// matter of a unit: a File and a Unit beside it.
type Ruleset struct {
	Path string
	Text string
}

// OpenClaw sets, or takes out, one value of an OpenClaw's config, in place, with
// comments and order left alone, in whichever included file it stands.
type OpenClaw struct {
	Config string   // path of openclaw.json
	Path   []string // {"gateway", "auth", "mode"}
	Value  any
	Unset  bool
}

// Account locks the password of an account, so that nobody logs in with it or
// without one. Keys go on working.
type Account struct {
	Name string
	Lock bool
}
