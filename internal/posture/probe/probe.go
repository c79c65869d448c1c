// Package probe answers the question that an audit opens with: if this agent
// misbehaves for five minutes, what is the worst it can do?
//
//	facts + OpenClaw's config ──▶ lines ──▶ verdict
//
// Every line of the blast radius is one thing that goes wrong: what it
// reaches, whether anything stands before it, who is asked, how it is undone,
// and the one change that narrows it most. What could not be read counts as
// reachable. A line's Reach continues the words "it can".
package probe

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/openseawall/seawall/internal/openclaw"
	"github.com/openseawall/seawall/internal/posture"
)

// Complete fills an audit's blast radius and verdict from the facts it judged.
func Complete(a *posture.Audit, f *posture.Facts) {
	a.Blast = Blast(f)
	a.Verdict = Verdict(a.Blast, a)
}

// Blast returns the blast radius of every OpenClaw on a machine, the heaviest
// line first; none when there is no OpenClaw or when it could not be looked for.
func Blast(f *posture.Facts) []posture.Line {
	lines := []posture.Line{}
	if f.Facts == nil {
		return lines
	}
	installs := f.OpenClaw.Value
	for _, in := range installs {
		if !in.SetUp() {
			continue
		}
		v := look(f, in)
		for _, line := range v.lines() {
			if len(installs) > 1 {
				line.Agent = cmp.Or(in.Container, in.StateDir)
			}
			line.Weight, line.Controls = weigh(line), guards[line.Kind]
			if line.When == posture.Unsure && !(v.root && line.Kind == "commands") {
				line.Narrow = v.lookFirst()
			}
			lines = append(lines, line)
		}
	}
	slices.SortStableFunc(lines, func(x, y posture.Line) int {
		return cmp.Or(cmp.Compare(y.Weight, x.Weight), cmp.Compare(looseness(y.When), looseness(x.When)), cmp.Compare(x.Kind, y.Kind), cmp.Compare(x.Agent, y.Agent))
	})
	return lines
}

// guards are the controls whose fixes shorten each line, by its kind.
var guards = map[string][]string{
	"commands": {posture.BoundaryControl.ID, "gateway-exec-unasked", "state-sudo", "docker-group-member", "docker-privileged", "docker-socket-mounted"},
	"files":    {posture.BoundaryControl.ID, "gateway-exec-unasked", "gateway-files-anywhere", "gateway-sandbox-off", "docker-wide-mount", "compose-mount", "state-wide-workspace", "state-no-backup"},
	"secrets":  {posture.BoundaryControl.ID, "secrets-process-env", "secrets-container-env", "secrets-provider-key", "secrets-channel-token", "secrets-master-key", "secrets-in-memory"},
	"orders":   {"gateway-dm-open", "gateway-group-open"},
	"exposed":  {"gateway-no-auth", "gateway-listens-public", "gateway-bind-public", "docker-published-everywhere", "firewall-published-port", "firewall-no-default-drop"},
	"messages": {"gateway-send-anywhere"},
	"itself":   {"gateway-exec-unasked", "gateway-control-plane-tools", "skills-self-written", "gateway-channel-config-writes"},
	"network":  {"firewall-host-mail-out", "firewall-container-mail-out", "firewall-container-metadata", "gateway-egress-open"},
	"jobs":     {"gateway-exec-unasked", "gateway-unattended-scripts", "state-agent-job", "state-job-writable"},
}

// weigh turns the size of a loss into an order: what a person is asked about
// first weighs a third of what just happens.
func weigh(l posture.Line) int {
	switch l.When {
	case posture.Asks:
		return l.Weight / 3
	case posture.Never:
		return l.Weight / 10
	}
	return l.Weight
}

// view is one OpenClaw seen from inside: what its agents may do, and where.
type view struct {
	f        *posture.Facts
	in       openclaw.Install
	agents   []scope
	boundary string            // of this one OpenClaw
	ways     []posture.Finding // to root
	user     string            // whom its commands run as
	root     bool              // they run as root on the machine itself
	exec     posture.When      // running commands
	jailed   bool              // every agent's tools run in a sandbox container
}

func look(f *posture.Facts, in openclaw.Install) *view {
	one := *f
	one.OpenClaw.Value = []openclaw.Install{in}
	v := &view{f: f, in: in, agents: scopes(in), user: in.Owner}
	v.boundary, v.ways = posture.Boundary(&one)
	// Who shares Seawall's account is not root for that.
	v.ways = slices.DeleteFunc(v.ways, func(f posture.Finding) bool { return f.Advice == posture.AdviceDoors })
	if v.boundary == posture.BoundaryNone && len(v.ways) == 0 {
		v.boundary = posture.BoundaryUser
	}
	if p := in.Process; p != nil {
		v.root = p.UID == 0
		v.user = userName(f, p.UID)
	} else {
		v.root = in.Owner == "root" && in.Container == ""
	}
	v.user = cmp.Or(v.user, "its account")
	v.jailed = every(v.agents, scope.sandboxed)
	v.exec = loosest(v.agents, scope.exec)
	return v
}

// lines are built in the order of this table; a nil line does not apply here.
func (v *view) lines() []posture.Line {
	var out []posture.Line
	for _, build := range []func(*view) *posture.Line{
		commands, files, secrets, orders, exposed, messages, itself, hosts, jobs, money,
	} {
		if line := build(v); line != nil {
			out = append(out, *line)
		}
	}
	return out
}

// may says when any agent of the installation may use one of the tools.
func (v *view) may(tools ...string) posture.When {
	return loosest(v.agents, func(s scope) posture.When {
		if !s.read {
			return posture.Unsure
		}
		for _, t := range tools {
			if s.allows(t) {
				return posture.Freely
			}
		}
		return posture.Never
	})
}

// asked says who is asked, and what happens without an answer. OpenClaw
// refuses when nobody answers: askFallback is deny unless its approvals say
// otherwise, and runs without a person are refused at once (docs/tools/exec-approvals.md).
func asked(w posture.When) string {
	switch w {
	case posture.Asks:
		return "you, else denied"
	case posture.Never:
		return "it is refused"
	case posture.Unsure:
		return "not known"
	}
	return "nobody is asked"
}

// shell reports whether commands run outside a sandbox without a question: a
// shell does what every other tool does, so that closing one of those alone
// narrows nothing.
func (v *view) shell() bool { return v.exec == posture.Freely && !v.jailed }

// close names what closes a tool: alone, or with the shell beside it.
func (v *view) close(alone, beside string) string {
	if v.shell() {
		return "tools.exec.mode ask, " + beside
	}
	return alone
}

// lookFirst is what narrows a line whose config was not read.
func (v *view) lookFirst() string {
	if v.f.Self.UID != 0 {
		return "look as root first: seawall audit"
	}
	if v.in.ConfigInfo.Path == "" {
		return "find its config: OPENCLAW_CONFIG_PATH"
	}
	return "mend the config: openclaw doctor"
}

// wayOut says how to close the way to root: the only one, or how many there are.
func (v *view) wayOut() string {
	if len(v.ways) != 1 {
		return fmt.Sprintf("close its %d ways out (see --all)", len(v.ways))
	}
	advice, _, _ := strings.Cut(v.ways[0].Advice, ";")
	advice, _, _ = strings.Cut(advice, ",")
	return strings.ToLower(advice[:1]) + advice[1:]
}

// order of When, loosest last.
var tightness = []posture.When{posture.Never, posture.Asks, posture.Unsure, posture.Freely}

func looseness(w posture.When) int { return slices.Index(tightness, w) }

// looser returns the looser of two.
func looser(a, b posture.When) posture.When {
	if looseness(a) > looseness(b) {
		return a
	}
	return b
}

func loosest(agents []scope, judge func(scope) posture.When) posture.When {
	out := posture.Never
	for _, s := range agents {
		out = looser(out, judge(s))
	}
	return out
}

func every(agents []scope, is func(scope) bool) bool {
	return !slices.ContainsFunc(agents, func(s scope) bool { return !is(s) })
}
