package main

import (
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/openseawall/seawall/internal/state"
)

// asOwner goes before a command that needs nothing of the machine but the state:
// root becomes the state's owner, and what stands there leads it nowhere
// (state.Dir.BecomeOwner).
func asOwner(*cobra.Command, []string) error {
	dir, err := state.Existing(stateDir)
	if err != nil {
		return nil // which is for the command to say
	}
	defer dir.Close()
	return dir.BecomeOwner()
}

// plainText writes what others wrote (the agent, the doors) so that it does not
// talk to the terminal: without control characters other than the ends of lines.
type plainText struct{ io.Writer }

func (w plainText) Write(b []byte) (int, error) {
	if _, err := io.WriteString(w.Writer, printableLines(string(b))); err != nil {
		return 0, err
	}
	return len(b), nil
}

// printableLines keeps the ends of lines, and tabs, of what printable takes out.
func printableLines(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return r
		}
		return screen(r)
	}, s)
}
