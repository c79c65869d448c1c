// Package controls is Seawall's catalogue: every question that a posture run
// asks a machine, one file a family.
//
// A control judges facts and touches nothing. What it says about OpenClaw was
// tried on the version its Source names; where the common hardening guide is
// wrong on real software, the control checks what is right and its Why says
// so. docs/coverage.md tells which control answers which sentence of the
// guides.
//
// To add one: write the value in its family's file, put it into the family's
// list, and give it testdata/trips/ID.txtar, an overlay over a hardened
// machine that makes it speak.
package controls

import "slices"

// All is the catalogue, family by family.
var All = withFixes(slices.Concat(
	sshControls,
	firewallControls,
	dockerControls,
	composeControls,
	gatewayControls,
	secretsControls,
	updatesControls,
	skillsControls,
	stateControls,
	integrationControls,
	tunnelControls,
	systemControls,
))

// guide names the two texts whose every sentence the catalogue answers.
const (
	guide    = "OpenClaw hardening guide"
	baseline = "After the headlines: what actually matters"
	errata   = "tried on real software"
)
