package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/openseawall/seawall/internal/guard/connect"
	"github.com/openseawall/seawall/internal/plain"
)

// printTable shows how OpenClaw reaches its models: a line a route, and below
// it what would change what stands there.
func printTable(w io.Writer, rows []connect.Row) {
	if len(rows) == 0 {
		return
	}
	w = plain.Writer(w)
	var lines strings.Builder
	t := tabwriter.NewWriter(&lines, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "route\tis\tkey")
	for _, r := range rows {
		fmt.Fprintf(t, "%s\t%s\t%s\n", r.Route, r.Standing, r.Key)
	}
	_ = t.Flush()
	text := strings.SplitAfter(lines.String(), "\n")
	fmt.Fprint(w, text[0])
	several := severalConfigs(rows)
	for i, r := range rows {
		if several && (i == 0 || rows[i-1].Config != r.Config) {
			fmt.Fprintf(w, "%s:\n", r.Config)
		}
		fmt.Fprint(w, text[i+1])
		if r.Setting != "" && r.Standing != connect.Routable {
			fmt.Fprintln(w, "   →", r.Setting)
		}
		if len(r.UsedBy) == 0 && r.Standing != connect.Through {
			fmt.Fprintln(w, "   nothing uses it")
		}
	}
}

func severalConfigs(rows []connect.Row) bool {
	for _, r := range rows {
		if r.Config != rows[0].Config {
			return true
		}
	}
	return false
}
