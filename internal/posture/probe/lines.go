package probe

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/posture"
)

// commands: what running a command means here.
func commands(v *view) *posture.Line {
	l := &posture.Line{
		Kind: "commands", When: v.exec, Who: asked(v.exec), Weight: 60,
		Undo: "reinstalling", Narrow: "openclaw config set tools.exec.mode ask",
	}
	switch {
	case v.jailed:
		l.Reach, l.Weight, l.Undo = "run any command in its sandbox", 20, "openclaw sandbox recreate"
	case v.root:
		l.Reach, l.Weight, l.Narrow = "run any command as root", 100, "run OpenClaw as an account of its own"
		if v.in.Container == "" {
			l.Reach = "take the whole machine as root"
		}
	case v.in.Container != "" && v.boundary == posture.BoundaryNone:
		l.Reach, l.Weight = "leave its container, take the machine", 98
		l.Narrow = v.wayOut()
	case v.in.Container != "":
		l.Reach, l.Weight, l.Undo = "run any command in its container", 45, "recreate the container"
	case v.boundary == posture.BoundaryNone:
		l.Reach, l.Weight = "become root from account "+v.user, 96
		l.Narrow = v.wayOut()
	default:
		l.Reach = "run any command as " + v.user
	}
	if v.exec == posture.Asks && v.boundary != posture.BoundaryNone {
		l.Narrow = "set tools.exec.mode to allowlist"
	}
	return l
}

// files: what it can read, change and delete.
func files(v *view) *posture.Line {
	when := looser(v.exec, v.may("write", "edit", "apply_patch", "read"))
	l := &posture.Line{
		Kind: "files", When: when, Who: asked(when), Undo: v.undoFiles(), Weight: 70,
		Narrow: v.close("set tools.fs.workspaceOnly to true", "fs.workspaceOnly"),
	}
	switch {
	case v.jailed:
		l.Reach, l.Weight, l.Narrow = "change what its sandbox shows", 15, "keep workspaceAccess at none"
		if !every(v.agents, func(s scope) bool { return s.sandboxRoom() == "none" }) {
			l.Objects = v.in.Workspaces
		}
	case v.in.Container != "":
		l.Reach, l.Objects, l.Weight, l.Narrow = "change and delete what is mounted:", v.mounts(), 50, "mount its workspace, nothing else"
	case v.root || v.boundary == posture.BoundaryNone:
		l.Reach, l.Weight, l.Narrow = "read, change, delete every file", 88, "run OpenClaw as an account of its own"
	case v.onlyWorkspace():
		l.Reach, l.Objects, l.Weight, l.Narrow = "change and delete its workspace:", v.in.Workspaces, 30, "set agents.defaults.sandbox.mode to all"
	default:
		l.Reach = "read, change, delete all of " + v.user + "'s files"
	}
	if v.boundary == posture.BoundaryNone && !v.root && !v.jailed {
		l.Narrow = v.wayOut()
	}
	return l
}

// onlyWorkspace reports whether nothing but the workspace can be touched without
// asking: file tools stay in it, and commands do not run freely.
func (v *view) onlyWorkspace() bool {
	return (v.exec == posture.Never || v.exec == posture.Asks) && every(v.agents, scope.workspaceOnly)
}

func (s scope) workspaceOnly() bool {
	only, _ := s.config.Bool("tools.fs.workspaceOnly")
	if s.agent != "" {
		if own, ok := s.config.Bool(s.own("tools.fs.workspaceOnly")); ok {
			only = own
		}
	}
	return s.read && only
}

// mounts names what the host lends an OpenClaw's container.
func (v *view) mounts() []string {
	c, ok := v.container()
	if !ok {
		return nil
	}
	var out []string
	for _, m := range c.Inspect.Mounts {
		name := m.Source
		if m.Type != "bind" {
			name = "volume " + m.Name
		}
		if !m.RW {
			name += " (read only)"
		}
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

func (v *view) container() (host.Container, bool) {
	for _, c := range v.f.Containers.Value {
		if v.in.Container != "" && c.Name() == v.in.Container {
			return c, true
		}
	}
	return host.Container{}, false
}

const noBackup = "nothing: no backup here"

// undoFiles names the newest backup that was seen beside OpenClaw's state.
func (v *view) undoFiles() string {
	var newest time.Time
	for _, f := range v.in.Files {
		if f.Kind == "backup" && f.ModTime.After(newest) {
			newest = f.ModTime
		}
	}
	if newest.IsZero() && v.unlisted() {
		return "not known"
	}
	if newest.IsZero() {
		return noBackup
	}
	return "backup of " + newest.UTC().Format("2 Jan")
}

// unlisted reports whether OpenClaw's files could not be looked at.
func (v *view) unlisted() bool { return v.in.Config == nil && len(v.in.Unreadable) > 0 }

// orders: strangers who may tell it what to do.
func orders(v *view) *posture.Line {
	open := v.openChannels()
	if len(open) == 0 {
		return nil
	}
	return &posture.Line{
		Kind: "orders", Reach: "take orders from anyone on", Objects: open, When: posture.Freely,
		Who: "nobody checks", Undo: "stop the gateway", Weight: 94,
		Narrow: "dmPolicy pairing, groupPolicy allowlist",
	}
}

// messages: whom it can write to.
func messages(v *view) *posture.Line {
	channels, reach := v.channels(), "write in your name on"
	if v.in.Config == nil {
		reach = "write in your name where it can"
	} else if len(channels) == 0 {
		return nil
	}
	when := v.may("message")
	if !v.jailed { // a shell has the channel's token, a sandbox has not
		when = looser(when, v.exec)
	}
	return &posture.Line{
		Kind: "messages", Reach: reach, Objects: channels, When: when, Who: asked(when),
		Undo: "what is sent stays sent", Weight: 72, Narrow: v.close("add message to tools.deny", "deny message"),
	}
}

// exposed: who may operate it over the network.
func exposed(v *view) *posture.Line {
	open := v.reachable()
	if len(open) == 0 {
		return nil
	}
	l := &posture.Line{
		Kind: "exposed", Reach: "be run by whoever reaches", Objects: open, Undo: "stop the gateway",
		Narrow: "set gateway.bind to loopback",
	}
	switch mode, _ := v.in.Config.String("gateway.auth.mode"); {
	case v.in.Config == nil:
		l.When, l.Who, l.Weight = posture.Unsure, "not known", 80
	case mode == "none":
		l.When, l.Who, l.Weight = posture.Freely, "nobody signs in", 97
	default:
		l.When, l.Who, l.Weight = posture.Asks, "for its "+strings.ReplaceAll(defaultTo(mode, "token"), "-", " "), 90
	}
	if v.in.Container != "" {
		l.Narrow = "publish on 127.0.0.1 only"
	}
	return l
}

// itself: the settings that hold it back, or at least what it will read tomorrow.
func itself(v *view) *posture.Line {
	undo := "nothing keeps the old ones"
	switch {
	case slices.ContainsFunc(v.in.Files, func(f fileOf) bool { return f.Kind == "config-backup" }):
		undo = "copies beside the config"
	case v.unlisted():
		undo = "not known"
	}
	l := &posture.Line{
		Kind: "itself", Reach: "rewrite its settings, plugins and skills", When: v.may("gateway", "plugins", "openclaw"), Undo: undo, Weight: 64,
		Narrow: "add group:automation to tools.deny",
	}
	if v.shell() || !v.jailed && v.may("write", "edit") == posture.Freely && !v.onlyWorkspace() {
		l.Narrow = "set tools.profile to messaging"
	}
	if !v.jailed {
		l.When = looser(l.When, v.exec)
		if write := v.may("write", "edit"); !v.onlyWorkspace() {
			l.When = looser(l.When, write)
		}
	}
	if later := v.may("skill_workshop", "write", "edit"); looser(l.When, later) != l.When {
		l.Reach, l.When, l.Weight = "plant skills and memories for later", later, 38
		l.Undo, l.Narrow = "git, where used", "add skill_workshop to tools.deny"
	}
	l.Who = asked(l.When)
	return l
}

// hosts: what it can talk to.
func hosts(v *view) *posture.Line {
	when := looser(v.exec, v.may("web_fetch", "browser"))
	l := &posture.Line{
		Kind: "network", Reach: "reach every host, inside and out", When: when, Who: asked(when),
		Undo: "sent data stays sent", Weight: 48,
		Narrow: "let out only to the hosts it needs",
	}
	if ways := v.openWays(); len(ways) > 0 {
		l.Reach = "reach every host, " + and(ways) + " included"
	}
	if c, ok := v.container(); ok && c.Inspect.HostConfig != nil {
		switch mode := c.Inspect.HostConfig.NetworkMode; {
		case mode.IsNone():
			return nil
		case mode.IsHost():
			l.Reach, l.Narrow = "reach every host, and loopback here", "give its container a network of its own"
		}
	}
	return l
}

// jobs: what it can leave behind.
func jobs(v *view) *posture.Line {
	when := v.may("automations")
	if !v.jailed && v.in.Container == "" {
		when = looser(when, v.exec)
	}
	l := &posture.Line{
		Kind: "jobs", Reach: "leave jobs that run when you are gone", When: when, Who: asked(when),
		Undo: "openclaw automations list", Weight: 42, Narrow: v.close("add automations to tools.deny", "deny automations"),
	}
	if v.in.Container != "" { // its shell schedules nothing outside it
		l.Narrow = "add automations to tools.deny"
	}
	for _, job := range v.f.Cron.Value {
		if job.User == v.user && !v.root {
			l.Objects = append(l.Objects, path.Base(job.File.Path))
		}
	}
	return l
}

// money: every provider takes what is asked of it.
func money(v *view) *posture.Line {
	l := &posture.Line{
		Kind: "money", Reach: "spend without limit on its model", When: posture.Freely,
		Who: "nobody is asked", Undo: "paid is paid", Weight: 25, Narrow: "set a monthly limit at the provider",
	}
	for _, name := range v.in.Config.Keys("models.providers") {
		l.Reach, l.Objects = "spend without limit at", append(l.Objects, printable(name))
	}
	return l
}

func defaultTo(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func userName(f *posture.Facts, uid uint32) string {
	for _, u := range f.Users.Value {
		if u.UID == uid {
			return u.Name
		}
	}
	return fmt.Sprintf("uid %d", uid)
}
