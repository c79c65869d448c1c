package probe

import (
	"fmt"
	"slices"
	"strings"

	"github.com/openseawall/seawall/internal/posture"
)

// maxWords is the longest verdict, in words.
const maxWords = 60

// Verdict says in one sentence of at most 60 words what the worst is. Without
// an OpenClaw it says how the machine itself stands.
func Verdict(lines []posture.Line, a *posture.Audit) string {
	if len(lines) == 0 {
		return machineVerdict(a)
	}
	free := inOrder(lines, posture.Freely, posture.Unsure)
	asks := inOrder(lines, posture.Asks)
	var s strings.Builder
	switch {
	case len(free) > 0:
		fmt.Fprintf(&s, "In five minutes this agent can %s; %s", series(phrases(free, 3)), consent(free))
		if who := strangers(lines); who != "" {
			fmt.Fprintf(&s, ", and anyone %s may tell it to", who)
		}
		if own := find(asks, "commands"); own != nil {
			s.WriteString(", but for commands a person is")
		}
	case len(asks) > 0:
		fmt.Fprintf(&s, "This agent asks a person before it can %s; nothing of weight happens without an answer", series(phrases(asks, 3)))
	default:
		s.WriteString("This agent is refused everything Seawall knows to look for")
	}
	return clip(s.String(), maxWords) + "."
}

// spoken are the kinds that a verdict names, worst first; the rest is in the lines.
var spoken = []string{"commands", "secrets", "messages", "files", "itself", "network", "jobs"}

func inOrder(lines []posture.Line, when ...posture.When) []posture.Line {
	var out []posture.Line
	for _, kind := range spoken {
		for _, l := range lines {
			if l.Kind == kind && slices.Contains(when, l.When) {
				out = append(out, l)
				break
			}
		}
	}
	return out
}

// phrases says what each of the first n lines reaches. Files and its own
// settings need no word where commands run freely.
func phrases(lines []posture.Line, n int) []string {
	commands := find(lines, "commands") != nil
	var out []string
	for _, l := range lines {
		if len(out) == n || commands && (l.Kind == "files" || l.Kind == "itself" || l.Kind == "jobs") {
			continue
		}
		phrase := l.Reach
		if len(l.Objects) > 0 {
			phrase += " " + names(l.Objects, 1)
			if l.Kind == "secrets" && len(l.Objects) > 2 {
				phrase += " secrets"
			}
		}
		out = append(out, phrase)
	}
	return out
}

// strangers says who else may give it orders: through a messenger or its port.
func strangers(lines []posture.Line) string {
	var who []string
	if l := find(lines, "orders"); l != nil {
		who = append(who, "on "+names(l.Objects, 2))
	}
	if l := find(lines, "exposed"); l != nil && l.When == posture.Freely {
		who = append(who, "who reaches "+names(l.Objects, 1))
	}
	return strings.Join(who, " or ")
}

// consent says whether anyone is asked about what happens freely.
func consent(free []posture.Line) string {
	if slices.ContainsFunc(free, func(l posture.Line) bool { return l.When == posture.Unsure }) {
		return "whether anyone is asked could not be read"
	}
	return "nobody is asked"
}

func find(lines []posture.Line, kind string) *posture.Line {
	i := slices.IndexFunc(lines, func(l posture.Line) bool { return l.Kind == kind })
	if i < 0 {
		return nil
	}
	return &lines[i]
}

// names lists the first n and counts the rest.
func names(list []string, n int) string {
	if len(list) > n+1 {
		return fmt.Sprintf("%s and %d more", strings.Join(list[:n], ", "), len(list)-n)
	}
	return and(list)
}

func and(list []string) string {
	if len(list) < 2 {
		return strings.Join(list, "")
	}
	return strings.Join(list[:len(list)-1], ", ") + " and " + list[len(list)-1]
}

// series joins phrases, of which all but the last may have an "and" of their own.
func series(list []string) string {
	if len(list) < 2 || !slices.ContainsFunc(list[:len(list)-1], func(s string) bool { return strings.Contains(s, " and ") }) {
		return and(list)
	}
	return strings.Join(list[:len(list)-1], ", ") + ", and " + list[len(list)-1]
}

// tally counts the findings that matter first.
func tally(c posture.Counts) string {
	var out []string
	for _, n := range []struct {
		n    int
		name string
	}{{c.Critical, "critical"}, {c.High, "high"}, {c.Medium, "medium"}} {
		if n.n > 0 {
			out = append(out, fmt.Sprintf("%d %s", n.n, n.name))
		}
	}
	if c.Critical+c.High+c.Medium == 1 {
		return out[0] + " finding"
	}
	return and(out) + " findings"
}

func clip(s string, words int) string {
	if f := strings.Fields(s); len(f) > words {
		return strings.TrimRight(strings.Join(f[:words], " "), ",;") + "…"
	}
	return s
}

// machineVerdict is for a machine without an agent.
func machineVerdict(a *posture.Audit) string {
	agent := "There is no OpenClaw here"
	switch {
	case len(a.Agents) > 0 && a.Boundary == posture.BoundaryUnknown:
		agent = "OpenClaw is installed here; whether anyone has set it up could not be read"
	case len(a.Agents) > 0:
		agent = "OpenClaw is installed here and nobody has set it up yet"
	case a.Boundary == posture.BoundaryUnknown:
		agent = "Whether OpenClaw is here could not be read"
	}
	c := a.Counts
	worst := ""
	for _, r := range a.Results {
		if r.Outcome == posture.Failed && r.Severity >= posture.Medium {
			worst = r.Title
			break
		}
	}
	switch {
	case worst != "":
		return clip(fmt.Sprintf("%s; the machine itself has %s, first of all: %s", agent, tally(c), worst), maxWords) + "."
	case c.Unknown > 0:
		return fmt.Sprintf("%s; nothing serious was found on the machine, but %d checks could not be made.", agent, c.Unknown)
	}
	if c.Passed == 0 {
		return agent + "; nothing else was checked."
	}
	return agent + ", and nothing serious was found on the machine."
}
