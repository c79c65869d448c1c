package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/openseawall/seawall/internal/ledger"
	"github.com/openseawall/seawall/internal/ledger/damage"
	"github.com/openseawall/seawall/internal/state"
)

// readDamage reads what the rows tell that a filter selects.
func readDamage(ctx context.Context, dir *state.Dir, f ledger.Filter) (damage.Report, error) {
	nothing := func(func(ledger.Row, error) bool) {}
	if _, err := os.Stat(dir.Path(state.Ledger)); errors.Is(err, fs.ErrNotExist) {
		return damage.Of(nothing, f.Since)
	}
	record, err := ledger.OpenReader(dir)
	if err != nil {
		return damage.Report{}, err
	}
	defer record.Close()
	return damage.Of(record.Rows(ctx, f), f.Since)
}

// showDamage is `seawall log --damage`.
func showDamage(cmd *cobra.Command, f logFlags) error {
	dir, err := frozenState("read")
	if err != nil {
		return err
	}
	defer dir.Close()
	r, err := readDamage(cmd.Context(), dir, f.filter)
	if err != nil {
		return err
	}
	if f.json {
		return writeJSON(cmd.OutOrStdout(), r)
	}
	return printDamage(cmd.OutOrStdout(), r, f.all)
}

// shortList is how many of each list fit a screen with all of them.
const shortList = 3

func printDamage(w io.Writer, r damage.Report, all bool) error {
	from := "since the record began"
	if !r.Since.IsZero() {
		from = "since " + r.Since.Local().Format("2006-01-02 15:04")
	}
	unknown := ""
	if r.Unknown > 0 {
		unknown = fmt.Sprintf(" (%d with an unknown outcome)", r.Unknown)
	}
	if _, err := fmt.Fprintf(w, "What the agent did %s. Calls: %d ran%s, %d denied.\n", from, r.Calls, unknown, r.Denied); err != nil {
		return err
	}
	cut := false
	for _, list := range []struct {
		name  string
		items []damage.Item
	}{{"ran", r.Ran}, {"wrote", r.Written}, {"reached", r.Reached}, {"sent", r.Sent}, {"keys used", r.Keys}, {"read", r.Read}} {
		items := list.items
		if len(items) == 0 {
			fmt.Fprintf(w, "%-10s nothing\n", list.name)
			continue
		}
		left := 0
		if !all && len(items) > shortList {
			left = len(items) - shortList
			items = items[left:] // the newest
			cut = true
		}
		for i, item := range items {
			name := ""
			if i == 0 {
				name = list.name
			}
			fmt.Fprintf(w, "%-10s %s\n", name, line(item, all))
		}
		if left > 0 {
			fmt.Fprintf(w, "%-10s and %d more before\n", "", left)
		}
	}
	if cut {
		fmt.Fprintln(w, "All of it: seawall log --damage --all")
	}
	return nil
}

// maxLine is how much of a thing a line shows, in characters.
const maxLine = 44

// line is one thing, its outcome and its rows.
func line(i damage.Item, all bool) string {
	what := []rune(printable(i.What))
	if !all && len(what) > maxLine {
		what = append(what[:maxLine-1], '…')
	}
	var more []string
	if i.Times > 1 {
		more = append(more, fmt.Sprintf("%d times", i.Times))
	}
	if i.Unknown > 0 {
		more = append(more, "outcome unknown")
	}
	rows := i.Rows
	if !all && len(rows) > 2 {
		rows = rows[len(rows)-2:]
	}
	ids := make([]string, len(rows))
	for n, id := range rows {
		ids[n] = fmt.Sprintf("#%d", id)
	}
	return strings.Join(append([]string{string(what)}, append(more, strings.Join(ids, " "))...), ", ")
}
