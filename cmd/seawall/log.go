package main

import (
	"bufio"
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
	"github.com/openseawall/seawall/internal/ledger/ocsf"
	"github.com/openseawall/seawall/internal/plain"
	"github.com/openseawall/seawall/internal/state"
)

type logFlags struct {
	format       string // text, jsonl, ocsf
	json, follow bool
	ran          bool
	damage, all  bool
	painted      bool // in colours
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

--ran answers what actually ran, and who allowed it: each call that was let
through between the times, or whose result came then.

With --json there is a line for each row of the record: what was asked, what was
decided, and what was done, with the SHA-256 of the result. --format ocsf prints
an event of the Open Cybersecurity Schema Framework for each line of the list.`,
		Example: `  seawall log --decision deny --since 1h   what was stopped in the last hour
  seawall log --follow                     go on as it happens
  seawall log --ran --since 14:00 --until 15:00
  seawall log --json --tool exec           one JSON object a row
  seawall log --format ocsf --since 24h    for a log collector
  seawall log --damage --since 1h          what the agent did in the last hour`,
		Args:    cobra.NoArgs,
		PreRunE: asOwner,
		RunE:    func(cmd *cobra.Command, _ []string) error { return showLog(cmd, f) },
	}
	flags := cmd.Flags()
	flags.BoolVar(&f.json, "json", false, "the same as --format jsonl")
	flags.StringVar(&f.format, "format", "text", "print `text`, jsonl or ocsf")
	flags.BoolVar(&f.ran, "ran", false, "only calls that were let through: what ran, and who allowed it")
	flags.BoolVarP(&f.follow, "follow", "f", false, "go on as rows are added")
	flags.StringVar(&f.since, "since", "", "only rows since this `time` or so long ago: 14:00, 1h, 2026-11-24, 2026-11-24T14:00")
	flags.StringVar(&f.until, "until", "", "only rows before this `time` or so long ago")
	flags.StringVar(&f.filter.Tool, "tool", "", "only this `tool`")
	flags.StringVar(&f.filter.Decision, "decision", "", "only this `decision`: allow, redact, ask, deny")
	flags.StringVar(&f.filter.Session, "session", "", "only this `session` of OpenClaw")
	flags.IntVarP(&f.filter.Last, "last", "n", 0, "only the last `N` rows")
	flags.BoolVar(&f.damage, "damage", false, "tell what the agent did: what ran, was written, reached, sent, read")
	flags.BoolVar(&f.all, "all", false, "with --damage: all of it, not a screen")
	cmd.MarkFlagsMutuallyExclusive("ran", "follow", "damage")
	cmd.MarkFlagsMutuallyExclusive("ran", "decision")
	cmd.MarkFlagsMutuallyExclusive("json", "format")
	cmd.MarkFlagsMutuallyExclusive("damage", "format")
	cmd.AddCommand(newVerify(), newCheckpoint())
	return cmd
}

func showLog(cmd *cobra.Command, f logFlags) error {
	var err error
	if f.filter.Since, f.filter.Until, err = period(f.since, f.until, time.Now()); err != nil {
		return err
	}
	if f.json {
		f.format = "jsonl"
	}
	write, ok := formats[f.format]
	if !ok {
		return fmt.Errorf("--format: there is no %q: choose text, jsonl or ocsf", f.format)
	}
	if f.damage {
		return showDamage(cmd, f)
	}
	record, err := openRecord()
	if err != nil {
		return err
	}
	defer record.Close()
	if f.ran {
		return showRan(cmd, record, f)
	}
	// What has just been decided cannot have an outcome yet: that comes as a line.
	f.filter.Brief = f.format != "jsonl" && !f.follow
	f.painted = colour(cmd.OutOrStdout())
	out := bufio.NewWriter(cmd.OutOrStdout())
	printer := write(out, f)
	for {
		for row, err := range record.Rows(cmd.Context(), f.filter) {
			if err != nil {
				return errors.Join(out.Flush(), err)
			}
			if err := printer(row); err != nil {
				return err
			}
			f.filter.After = row.ID
		}
		if err := out.Flush(); err != nil || !f.follow {
			return err
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

// rowPrinter prints a row of the record.
type rowPrinter func(ledger.Row) error

// formats are the ways in which the record is printed.
var formats = map[string]func(io.Writer, logFlags) rowPrinter{
	"text": newRowPrinter,
	"jsonl": func(w io.Writer, _ logFlags) rowPrinter {
		e := json.NewEncoder(w)
		return func(r ledger.Row) error { return e.Encode(r) }
	},
	"ocsf": func(w io.Writer, f logFlags) rowPrinter {
		e := json.NewEncoder(w)
		return func(r ledger.Row) error {
			if f.follow && (r.Kind == ledger.Asked || r.Kind == ledger.Done) {
				return nil // an event an action
			}
			return e.Encode(ocsf.Of(r, sentenceOf(r), version()))
		}
	},
}

func newRowPrinter(w io.Writer, f logFlags) rowPrinter {
	colours := map[string]string{"deny": "1", "ask": "3", "redact": "3", "allow": "2"}
	return func(r ledger.Row) error {
		if f.follow {
			if r.Kind == ledger.Asked {
				return nil
			}
			r.Outcome = ""
		}
		decision := fmt.Sprintf("%-6s", cmp.Or(r.Decision, r.Kind))
		if c, ok := colours[r.Decision]; ok && f.painted {
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
