package posture

import (
	"fmt"
	"slices"
	"strings"

	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/openclaw"
)

// What keeps the agent from Seawall's keys, policy and record, weakest first.
const (
	BoundaryNone      = "none"      // nothing: Seawall is "watching, not protecting"
	BoundaryUnknown   = "unknown"   // no hole was found, but not every place could be looked at
	BoundaryUser      = "user"      // another account of this machine
	BoundaryContainer = "container" // a container without a way out
	BoundaryAbsent    = "absent"    // there is no OpenClaw here
)

var boundaryOrder = []string{BoundaryNone, BoundaryUnknown, BoundaryUser, BoundaryContainer, BoundaryAbsent}

// BoundaryControl reports each way in which an agent can become root or the
// account that Seawall's doors run as.
var BoundaryControl = Control{
	ID:       "state-boundary",
	Title:    "Nothing keeps the agent from root, or from Seawall",
	Family:   State,
	Severity: Critical,
	Why: "Whoever is root, or the account of Seawall's doors, reads every key, rewrites the policy and the record. " +
		"Where the agent can become that, Seawall watches and does not protect.",
	Advice: AdviceAccount,
	Source: "hardening guide: run as a non-root user, mount only what is needed; OWASP Docker Security Cheat Sheet, rules 1 to 3; capabilities(7)",
	Needs:  []Need{Agent, boundarySeen},
	Check: func(f *Facts) []Finding {
		_, found := Boundary(f)
		return found
	},
}

// boundarySeen is unknown when no way around the boundary was found but some
// place where one could be was not readable.
var boundarySeen = Need{"every way to root", func(f *Facts) (host.Status, string) {
	b := boundary{facts: f}
	if f.OpenClaw.Status != host.Unknown && b.judge() == BoundaryUnknown {
		return host.Unknown, strings.Join(b.unread, "; ")
	}
	return host.Known, ""
}}

// Boundary says what stands between the agents of this machine and Seawall's
// doors, the weakest of them counting, and each reason why nothing does. The
// doors run as the account "seawall" where root starts them and otherwise as
// whoever audits.
func Boundary(f *Facts) (string, []Finding) {
	b := boundary{facts: f}
	return b.judge(), b.found
}

// boundary collects the ways around one machine's boundary.
type boundary struct {
	facts  *Facts
	found  []Finding
	unread []string
}

func (b *boundary) judge() string {
	if b.facts.Facts == nil {
		b.unread = append(b.unread, "the machine was not read")
		return BoundaryUnknown
	}
	switch b.facts.OpenClaw.Status {
	case host.Absent:
		return BoundaryAbsent
	case host.Unknown:
		b.unread = append(b.unread, "whether OpenClaw is here: "+b.facts.OpenClaw.Reason)
		return BoundaryUnknown
	}
	weakest := BoundaryAbsent
	for _, in := range b.facts.OpenClaw.Value {
		if !in.SetUp() && len(in.Unreadable) == 0 {
			continue
		}
		if got := b.install(in); slices.Index(boundaryOrder, got) < slices.Index(boundaryOrder, weakest) {
			weakest = got
		}
	}
	b.unread = slices.Compact(b.unread)
	return weakest
}

// install judges one OpenClaw and returns its boundary.
func (b *boundary) install(in openclaw.Install) string {
	found, unread := len(b.found), len(b.unread)
	if !in.SetUp() {
		b.unread = append(b.unread, in.Unreadable...)
		return BoundaryUnknown
	}
	kind := BoundaryUser
	if in.Container != "" {
		kind = BoundaryContainer
		b.container(in.Container)
	} else {
		b.bare(in)
	}
	switch {
	case len(b.found) > found:
		return BoundaryNone
	case len(b.unread) > unread:
		return BoundaryUnknown
	}
	return kind
}

// add notes a way around the boundary, and what closes it.
func (b *boundary) add(object, advice, format string, args ...any) {
	b.found = append(b.found, On(object, format, args...).Do(advice))
}

// What closes a way, in the words of the Docker control that finds the same in
// any container: a report says it once.
const (
	AdviceDoors        = "Start Seawall as root; its doors then get an account of their own"
	AdviceAccount      = "Run OpenClaw as an account of its own, in no group that leads to root"
	AdvicePrivileged   = "Remove --privileged; add the one capability or device it needs"
	AdviceCapability   = "Remove the capability from cap_add"
	AdviceNamespace    = "Remove host network, pid, ipc and uts; publish the one port on 127.0.0.1"
	AdviceDevice       = "Remove devices; keep a GPU or a serial port that the work needs"
	AdviceEngineSocket = "Take the socket out of the container; OpenClaw's sandbox has other backends, tools can use a filtering proxy"
	AdviceMount        = "Mount only the directories it works in; nothing above them"
	AdviceDockerTCP    = "Close Docker's tcp:// socket; take it out of daemon.json and the unit, use ssh:// contexts"
	AdviceSocketMode   = "Make the socket root:docker 0660; put nobody into the group who is not root already"
)

// bare judges an OpenClaw that runs as a plain process, or would.
func (b *boundary) bare(in openclaw.Install) {
	who, ok := b.identity(in)
	if !ok {
		return
	}
	if who.UID == 0 {
		b.add(in.StateDir, AdviceAccount, "OpenClaw runs as root and reaches everything here")
		return
	}
	if door, ok := doorUID(b.facts); ok && door == who.UID {
		b.add(in.StateDir, AdviceDoors, "OpenClaw runs as %s, as Seawall does, so it can read Seawall's keys and stop it", who.Name)
	}
	b.groups(who)
	b.sudo(who)
	b.dockerSocket(who)
	b.dockerTCP()
	if in.Process != nil {
		b.capabilities(in.StateDir, in.Process.CapEff)
	}
	b.rootRuns(who)
}

// identity is the account an OpenClaw runs as, with the group ids its process
// holds beside those the account has.
type identity struct {
	host.User
	gids []uint32
}

func (b *boundary) identity(in openclaw.Install) (identity, bool) {
	var who identity
	if p := in.Process; p != nil {
		who.UID, who.GID = p.UID, p.GID
		who.gids = append([]uint32{p.GID}, p.Groups...)
	}
	if who.UID == 0 && in.Process != nil {
		who.Name = "root"
		return who, true
	}
	if !b.facts.Users.Ok() {
		b.unread = append(b.unread, "users: "+b.facts.Users.Reason)
		who.Name = fmt.Sprintf("uid %d", who.UID)
		return who, in.Process != nil
	}
	for _, u := range b.facts.Users.Value {
		if in.Process != nil && u.UID == who.UID || in.Process == nil && u.Name == in.Owner {
			who.User = u
			who.gids = append(who.gids, u.GID)
			return who, true
		}
	}
	if in.Process == nil {
		b.unread = append(b.unread, "which account runs OpenClaw in "+in.StateDir)
		return who, false
	}
	who.Name = fmt.Sprintf("uid %d", who.UID)
	return who, true
}

// doorUID is the account that Seawall's doors run as. A root that has not made
// it yet will make a new one, which nobody else can be.
func doorUID(f *Facts) (uint32, bool) {
	if f.Self.UID != 0 {
		return f.Self.UID, true
	}
	for _, u := range f.Users.Value {
		if u.Name == "seawall" {
			return u.UID, true
		}
	}
	return 0, false
}

// rootGroups are groups whose members become root without asking anyone. Group
// adm is not one of them (it reads logs), nor is incus (its projects are
// restricted; incus-admin's are not).
var rootGroups = map[string]string{
	"docker":      "starts a container with the host's / mounted",
	"lxd":         "starts a privileged container with the host's / mounted",
	"incus-admin": "starts a privileged container with the host's / mounted",
	"libvirt":     "starts a virtual machine on the host's disks",
	"disk":        "writes to the raw disks, past every file mode",
}

// sudoGroups lead to root by the rule that distributions ship for them.
var sudoGroups = []string{"sudo", "wheel", "admin"}

func leave(name, group string) string { return "gpasswd -d " + name + " " + group }

func (b *boundary) groups(who identity) {
	for _, g := range who.Groups {
		if g == "docker" && b.facts.Docker.Status == host.Absent {
			continue
		}
		if how, ok := rootGroups[g]; ok {
			b.add("group "+g, leave(who.Name, g), "%s is in group %s, which %s", who.Name, g, how)
		}
	}
}

func (b *boundary) sudo(who identity) {
	if b.facts.Sudo.Status == host.Absent {
		return
	}
	if !b.facts.Sudo.Ok() {
		for _, g := range sudoGroups {
			if slices.Contains(who.Groups, g) {
				b.add("group "+g, leave(who.Name, g), "%s is in group %s, which by default may run every command as root", who.Name, g)
				return
			}
		}
		b.unread = append(b.unread, "sudo rules: "+b.facts.Sudo.Reason)
		return
	}
	for _, r := range b.facts.Sudo.Value {
		what := SudoRoot(r, who.User)
		if what == "" || !sudoFor(r.Who, who) {
			continue
		}
		advice := "Take the rule for " + r.Who + " out of " + r.File
		if group, ok := strings.CutPrefix(r.Who, "%"); ok {
			advice = leave(who.Name, group)
		}
		if r.NoPasswd {
			b.add(r.File, advice, "%s may run %s as root with sudo, without a password", who.Name, what)
		} else {
			b.add(r.File, advice, "%s may run %s as root with sudo; an agent under that account catches the password at its next use", who.Name, what)
		}
	}
}
