package harden

import (
	"context"

	"github.com/openseawall/seawall/internal/posture"
	"github.com/openseawall/seawall/internal/posture/change"
)

// Port is a line of the table with which a plan opens: something that listens or
// is published, and who reaches it.
type Port struct {
	change.Port
	Address string `json:"address"`
	Program string `json:"program"` // process or container
	Before  string `json:"before"`  // who reaches it now
	After   string `json:"after"`   // and once the plan is applied
}

// inUse reports whether something of this machine listens on a port for others.
func inUse(facts *posture.Facts, p change.Port) bool {
	for _, s := range facts.Sockets.Value {
		if s.Proto == p.Proto && s.Addr.Port() == p.Port && s.Public() {
			return true
		}
	}
	return false
}

func table(context.Context, change.Machine, *posture.Facts, *change.Plan) []Port { return []Port{} }
