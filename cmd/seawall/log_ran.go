package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/openseawall/seawall/internal/guard/why"
	"github.com/openseawall/seawall/internal/ledger"
)

// showRan is `seawall log --ran`.
func showRan(cmd *cobra.Command, record *ledger.Reader, f logFlags) error {
	out := cmd.OutOrStdout()
	printer := ranFormats[f.format](out, f)
	n := 0
	for call, err := range record.Ran(cmd.Context(), f.filter) {
		if err != nil {
			return err
		}
		if err := printer(call); err != nil {
			return err
		}
		n++
	}
	if n == 0 && f.format == "text" {
		fmt.Fprintln(out, "Nothing that the record knows of ran.")
	}
	return nil
}

// ranFormats are the ways in which a call that was let through is printed.
var ranFormats = map[string]func(io.Writer, logFlags) func(ledger.Ran) error{
	"text": func(w io.Writer, _ logFlags) func(ledger.Ran) error {
		return func(c ledger.Ran) error {
			_, err := fmt.Fprintf(w, "%6d  %s  %-7s  %s; allowed: %s\n", c.ID, at(c.Row), cameOf(c), sentenceOf(brief(c.Row)), printable(why.Allowed(c.Row)))
			return err
		}
	},
	"jsonl": func(w io.Writer, _ logFlags) func(ledger.Ran) error {
		e := json.NewEncoder(w)
		return func(c ledger.Ran) error {
			return e.Encode(struct {
				ledger.Ran
				Allowed string `json:"allowed"`
			}{c, why.Allowed(c.Row)})
		}
	},
	"ocsf": func(w io.Writer, f logFlags) func(ledger.Ran) error {
		printer := formats["ocsf"](w, f)
		return func(c ledger.Ran) error { return printer(c.Row) }
	},
}

// cameOf is what came of a call that was let through.
func cameOf(c ledger.Ran) string {
	if c.Done == nil {
		return "unknown"
	}
	return "ran"
}
