package service

import (
	"fmt"
	"strings"

	"github.com/openseawall/seawall/internal/guard/proof"
	"github.com/openseawall/seawall/internal/posture"
)

// Standing is what Seawall is to the agents of this machine, in the three
// words that it uses everywhere.
type Standing struct {
	Label    string `json:"label"` // "protected", "watching, not protecting", "nothing to protect here"
	Sentence string `json:"sentence"`
	Good     bool   `json:"good"`
}

// protected is the label of a standing with agents out of whose reach Seawall
// is, and whose model calls pass it.
const protected = "protected"

// Stand says how things are from the last audit (nil when there was none),
// the number of routes that lead through the door, and whether it is open.
func Stand(a *posture.Audit, routes int, open bool) Standing {
	watching := func(sentence string) Standing { return Standing{Label: "watching, not protecting", Sentence: sentence} }
	switch {
	case routes > 0 && !open:
		return Standing{Label: "stopped", Sentence: "OpenClaw is connected but the door is closed, so the agent cannot reach its model. To open it: seawall up. To take Seawall out: seawall disconnect"}
	case a == nil:
		return watching("This machine was not audited yet. To change that: seawall audit")
	case len(a.Agents) == 0 && a.Boundary == posture.BoundaryUnknown:
		return watching("Whether there is an OpenClaw on this machine could not be read. To change that: sudo seawall up")
	case len(a.Agents) == 0:
		return Standing{Label: "nothing to protect here", Good: true,
			Sentence: "There is no OpenClaw on this machine. To see what Seawall does: seawall demo"}
	case routes == 0:
		return watching("OpenClaw's model calls do not pass Seawall. To change that: seawall connect")
	}
	switch a.Boundary {
	case posture.BoundaryUser, posture.BoundaryContainer:
		return Standing{Label: protected, Good: true,
			Sentence: "OpenClaw's model calls pass Seawall, and its keys, policy and record are out of the agent's reach."}
	case posture.BoundaryNone:
		return watching("The agent can reach Seawall's own keys, policy and record, and so could switch it off. To change that: " + ownUser(a))
	}
	return watching("Whether the agent can reach Seawall's keys could not be seen" + unseen(a) + ". To change that: sudo seawall up")
}

// unseen is what an audit could not read of the boundary, in brackets.
func unseen(a *posture.Audit) string {
	for _, r := range a.Results {
		if r.ID == posture.BoundaryControl.ID && len(r.Reasons) > 0 {
			return " (" + strings.Join(r.Reasons, "; ") + ")"
		}
	}
	return ""
}

// But is the standing when something is wrong although the door is open: nobody
// is protected from an answer that Seawall did not see.
func (s Standing) But(problems []proof.Problem) Standing {
	if len(problems) == 0 || s.Label == "stopped" {
		return s
	}
	sentence := problems[0].String()
	if n := len(problems) - 1; n > 0 {
		sentence += fmt.Sprintf(" (and %d more, below)", n)
	}
	return Standing{Label: "watching, not protecting", Sentence: sentence}
}

// ownUser is the command that gives agent and Seawall different accounts.
func ownUser(a *posture.Audit) string {
	if a.Host.UID != 0 {
		return "sudo seawall up"
	}
	return "seawall connect --own-user"
}
