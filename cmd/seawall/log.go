package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"charm.land/lipgloss/v2"
	"github.com/spf13/cobra"

	"github.com/openseawall/seawall/internal/ledger"
	"github.com/openseawall/seawall/internal/plain"
	"github.com/openseawall/seawall/internal/state"
)

type logFlags struct {
	json, follow bool
	damage, all  bool
	since, until string
	filter       ledger.Filter
}

func newLog() *cobra.Command {
	var f logFlags
	cmd := &cobra.Command{
		Use:   "log",
		Short: "Show what was decided, when, and by which policy",
		Long: `Log prints the record: number, time, decision, what it was about, why, and in
brackets the policies that decided. Every tool call has a line. A text has one
when something was found in it. "Outcome unknown" stands behind a call that was
let through and whose result has not come by Seawall.

With --json there is a line for each row of the record: what was asked, what was
decided, and what was done, with the SHA-256 of the result.`,
		Example: `  seawall log --decision deny --since 1h   what was stopped in the last hour
  seawall log --follow                     go on as it happens
  seawall log --json --tool exec           one JSON object a row
  seawall log --damage --since 1h          what the agent did in the last hour`,
		Args:    cobra.NoArgs,
		PreRunE: asOwner,
		RunE:    func(cmd *cobra.Command, _ []string) error { return showLog(cmd, f) },
	}
	flags := cmd.Flags()
	flags.BoolVar(&f.json, "json", false, "print one JSON object a row")
	flags.BoolVarP(&f.follow, "follow", "f", false, "go on as rows are added")
	flags.StringVar(&f.since, "since", "", "only rows since this `time` or so long ago: 1h, 2026-11-24, 2026-11-24T14:00")
	flags.StringVar(&f.until, "until", "", "only rows before this `time` or so long ago")
	flags.StringVar(&f.filter.Tool, "tool", "", "only this `tool`")
	flags.StringVar(&f.filter.Decision, "decision", "", "only this `decision`: allow, redact, ask, deny")
	flags.StringVar(&f.filter.Session, "session", "", "only this `session` of OpenClaw")
	flags.IntVarP(&f.filter.Last, "last", "n", 0, "only the last `N` rows")
	flags.BoolVar(&f.damage, "damage", false, "tell what the agent did: what ran, was written, reached, sent, read")
	flags.BoolVar(&f.all, "all", false, "with --damage: all of it, not a screen")
	cmd.AddCommand(newVerify(), newCheckpoint())
	return cmd
}

func showLog(cmd *cobra.Command, f logFlags) error {
	var err error
	if f.filter.Since, err = moment(f.since); err != nil {
		return fmt.Errorf("--since: %w", err)
	}
	if f.filter.Until, err = moment(f.until); err != nil {
		return fmt.Errorf("--until: %w", err)
	}
	if f.damage {
		return showDamage(cmd, f)
	}
	record, err := openRecord()
	if err != nil {
		return err
	}
	defer record.Close()
	// What has just been decided cannot have an outcome yet: that comes as a line.
	f.filter.Brief = !f.json && !f.follow
	printer := newRowPrinter(cmd.OutOrStdout(), f)
	for {
		for row, err := range record.Rows(cmd.Context(), f.filter) {
			if err != nil {
				return err
			}
			if err := printer(row); err != nil {
				return err
			}
			f.filter.After = row.ID
		}
		if !f.follow {
			return nil
		}
		f.filter.Last = 0
		select {
		case <-cmd.Context().Done():
			return nil
		case <-time.After(300 * time.Millisecond):
		}
	}
}

func openRecord() (*ledger.Reader, error) {
	dir, err := state.Existing(stateDir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("there is no record in %s yet: `seawall up` starts one", stateDir)
	}
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	return ledger.OpenReader(dir)
}

// moment reads a time, or how long ago it was; "" is the zero time.
func moment(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if d, err := time.ParseDuration(s); err == nil {
		return time.Now().Add(-d), nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04", time.DateOnly} {
		if t, err := time.ParseInLocation(layout, s, time.Local); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is neither a time (2026-11-24T14:00) nor a duration (90m)", s)
}

func newRowPrinter(w io.Writer, f logFlags) func(ledger.Row) error {
	if f.json {
		e := json.NewEncoder(w)
		return func(r ledger.Row) error { return e.Encode(r) }
	}
	colours := map[string]string{"deny": "1", "ask": "3", "redact": "3", "allow": "2"}
	painted := colour(w)
	return func(r ledger.Row) error {
		if f.follow {
			if r.Kind == ledger.Asked {
				return nil
			}
			r.Outcome = ""
		}
		decision := fmt.Sprintf("%-6s", cmp.Or(r.Decision, r.Kind))
		if c, ok := colours[r.Decision]; ok && painted {
			decision = lipgloss.NewStyle().Foreground(lipgloss.Color(c)).Render(decision)
		}
		_, err := fmt.Fprintf(w, "%6d  %s  %s  %s\n", r.ID, r.Time.Local().Format("2006-01-02 15:04:05"), decision, sentenceOf(r))
		return err
	}
}

// sentenceOf tells a row in one line: what, why, by which policy.
func sentenceOf(r ledger.Row) string {
	what := strings.TrimSpace(r.Act + " " + r.Tool)
	if r.Detail != "" {
		what += " " + r.Detail
	}
	line := strings.TrimSpace(what)
	if r.Why != "" && r.Decision != "allow" {
		line = strings.TrimPrefix(line+": "+r.Why, ": ")
	}
	if len(r.Policy) > 0 {
		line += " [" + strings.Join(r.Policy, ", ") + "]"
	}
	switch {
	case r.Outcome == ledger.Undecided:
		line += " (undecided, so it was not handed on)"
	case r.Outcome != "":
		line += " (outcome " + r.Outcome + ")"
	case r.Kind == ledger.Done:
		line += fmt.Sprintf(" (asked in %d)", r.Asked)
	}
	return printable(line)
}

// printable keeps what an agent wrote from talking to the terminal.
func printable(s string) string { return plain.Line(s) }
