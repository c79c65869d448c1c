package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime/debug"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/openseawall/seawall/internal/state"
)

// stateDir is the value of --state.
var stateDir string

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "seawall",
		Short: "Make a self-hosted AI agent safe to run",
		Long: `Seawall tells you the worst your OpenClaw agent could do in five minutes, makes
it small, proves it, and asks you before anything you did not decide leaves,
spends or destroys.

  seawall audit      how this machine stands (changes nothing)
  seawall up         audit, then stand between OpenClaw and its model
  seawall approve    answer what the agent asks
  seawall demo       see attacks stopped, with nothing installed

It sends nothing anywhere that you did not configure.`,
		Version:       version(),
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.PersistentFlags().StringVar(&stateDir, "state", state.Default(), "`DIR` that keeps keys, policy and record")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%w: `%s --help` lists what there is", err, cmd.CommandPath())
	})
	root.AddCommand(newWhy(), newSetup(), newBugreport(), newHarden(), newBan())
	root.AddCommand(newAudit(), newAccept(), newControls(), newUp(), newGuard(), newDoors(), newConnect(), newDisconnect(), newInstall(), newRemove(), newServe(), newWatch(), newBoundary(), newAttempt(), newFreeze(), newThaw(), newStop(), newStatus(), newDoctor(), newPage(), newLog(), newPass(), newApprove(), newVouch(), newOrders(), newNotify(), newDigest(), newPolicy(), newReplay(), newLimits(), newObserve(), newEnforce(), newDemo(), newMan(), helpOwnUser())
	return root
}

// version is set by the linker; a build with the go command knows its commit.
var linked string

func version() string {
	if linked != "" {
		return linked
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" && len(s.Value) >= 12 {
				return "dev-" + s.Value[:12]
			}
		}
		if v := info.Main.Version; v != "" && v != "(devel)" {
			return v
		}
	}
	return "dev"
}

// colour reports whether a stream is a terminal whose user wants colour
// (no-color.org).
func colour(w io.Writer) bool {
	return os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && terminal(w)
}

func terminal(w any) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// width returns the columns of a terminal, or 80.
func width(w io.Writer) int {
	if f, ok := w.(*os.File); ok {
		if columns, _, err := term.GetSize(int(f.Fd())); err == nil && columns > 0 {
			return columns
		}
	}
	return 80
}

// progress says on a terminal what takes a moment, and takes it back.
func progress(cmd *cobra.Command, what string) (done func()) {
	w := cmd.ErrOrStderr()
	if !terminal(w) {
		return func() {}
	}
	fmt.Fprintf(w, "%s …", what)
	return func() { fmt.Fprint(w, "\r\033[K") }
}

// existingState opens a state directory that somebody has used before.
func existingState() (*state.Dir, error) {
	dir, err := state.Existing(stateDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no Seawall in %s: start one with seawall up", stateDir)
	}
	return dir, err
}

// withState does something with the state, which open opens.
func withState(open func() (*state.Dir, error), do func(*state.Dir) error) error {
	dir, err := open()
	if err != nil {
		return err
	}
	defer dir.Close()
	return do(dir)
}

// onState is a command that works on the state that there is.
func onState(do func(cmd *cobra.Command, args []string, dir *state.Dir) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		return withState(existingState, func(dir *state.Dir) error { return do(cmd, args, dir) })
	}
}

// writeJSON is what commands print with --json, for programs and for people.
func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
