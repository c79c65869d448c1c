package openclaw

import "slices"

// Versions are those of OpenClaw that the lab has run with this Seawall, from
// its routes to its hooks (lab/wall), the newest first. With any other it may do
// something else.
var Versions = []string{"2026.9.6", "2026.9.5"}

// Tested reports whether a version is one of [Versions].
func Tested(version string) bool { return slices.Contains(Versions, version) }
