// Package surface describes what of an OpenClaw Seawall stands on: the tools, the
// formats of its models, its settings, hooks, gateway methods and checks, and what
// it makes calls of in a text. The description of the pinned version is kept in
// pinned.json, so that another one is compared without a second installation, and
// a test fails when it is no longer true.
package surface
