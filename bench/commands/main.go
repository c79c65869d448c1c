// Commands measures how well effect tells attacks from ordinary commands, on
// labelled rows {"text", "label", "source", "platform", "severity"}, gzipped
// JSON lines. Rows for Windows and reconnaissance (severity low) are left out
// of recall.
//
//	go run ./bench/commands -data commands.jsonl.gz
package main

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/openseawall/seawall/internal/effect"
)

type row struct {
	Text, Source, Platform, Severity, Technique, ID string
	Label                                           int
}

// counts is the result for one source and label.
type counts struct {
	rows, dangerous, unparsed int
	by                        map[effect.Danger]int
}

func main() {
	data := flag.String("data", "", "gzipped JSON lines of labelled commands")
	show := flag.String("show", "", "print rows instead: missed (attacks without a danger) or alarms (harmless rows with one)")
	source := flag.String("source", "", "only rows whose source begins so")
	flag.Parse()
	rows, err := read(*data)
	if err != nil {
		fmt.Fprintf(os.Stderr, "commands: read the labelled commands in %q: %v\n", *data, err)
		os.Exit(2)
	}
	rows = slices.DeleteFunc(rows, func(r row) bool {
		return !strings.HasPrefix(r.Source, *source) ||
			r.Label == 1 && (r.Severity == "low" || strings.Contains(r.Platform, "windows"))
	})
	if *show != "" {
		list(rows, *show)
		return
	}
	report(os.Stdout, rows)
}

func read(path string) ([]row, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	var rows []row
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var r row
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return nil, fmt.Errorf("row %d: %w", len(rows)+1, err)
		}
		rows = append(rows, r)
	}
	return rows, lines.Err()
}

func judge(r row) effect.Effects {
	args, _ := json.Marshal(map[string]string{"command": r.Text})
	return effect.Of("exec", args)
}

func list(rows []row, which string) {
	for _, r := range rows {
		e := judge(r)
		if (which == "missed") == (r.Label == 1) && (len(e.Dangers) == 0) == (r.Label == 1) {
			fmt.Printf("--- %s %s %s %v %s\n%.600s\n", r.ID, r.Technique, r.Platform, e.Evidence, e.ParseError, r.Text)
		}
	}
}

func report(w io.Writer, rows []row) {
	results := map[string]*counts{}
	var took []time.Duration
	for _, r := range rows {
		key := fmt.Sprintf("%s\t%s", [...]string{"harmless", "attack"}[r.Label], r.Source)
		c := results[key]
		if c == nil {
			c = &counts{by: map[effect.Danger]int{}}
			results[key] = c
		}
		start := time.Now()
		e := judge(r)
		took = append(took, time.Since(start))
		c.rows++
		if e.ParseError != "" {
			c.unparsed++
		}
		if len(e.Dangers) > 0 {
			c.dangerous++
		}
		for _, d := range e.Dangers {
			c.by[d]++
		}
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "label\tsource\trows\twith a danger\t\tdo not parse\tdangers")
	for _, k := range keys(results) {
		c := results[k]
		fmt.Fprintf(t, "%s\t%d\t%d\t%.2f %%\t%d\t%s\n", k, c.rows, c.dangerous, 100*float64(c.dangerous)/float64(c.rows), c.unparsed, each(c.by))
	}
	t.Flush()
	slices.Sort(took)
	if n := len(took); n > 0 {
		fmt.Fprintf(w, "one command: p50 %v, p99 %v, longest %v\n", took[n/2], took[n*99/100], took[n-1])
	}
}

func keys(m map[string]*counts) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

func each(by map[effect.Danger]int) string {
	var out []string
	for d, n := range by {
		out = append(out, fmt.Sprintf("%s %d", d, n))
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}
