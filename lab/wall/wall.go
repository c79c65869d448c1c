// Package wall puts a real Seawall between a real OpenClaw and a scripted
// model, in a network of their own, and holds what the first issue of the
// product promises against it. Everything is in its tests.
package wall
