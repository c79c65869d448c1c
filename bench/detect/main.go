// Detect measures the detectors on data that is kept outside this repository: what
// they find, source by source, what they take for an attack and is none, and how
// fast they read.
//
//	go run ./bench/detect -data ../shared/data
//
// With -show KIND/SOURCE it prints the texts of that source that were judged wrong.
package main

import (
	"bufio"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/openseawall/seawall/internal/detect"
)

// row is one labelled text.
type row struct {
	Text    string `json:"text"`
	Label   int    `json:"label"`
	Source  string `json:"source"`
	Kind    string `json:"kind"`
	NegKind string `json:"neg_kind"`
	Suspect bool   `json:"suspect_label"`
	Quotes  bool   `json:"quotes_attack"`
}

// count is what a detector said about one kind of text of one source.
type count struct {
	rows, malicious, suspicious int
}

func main() {
	data := flag.String("data", "../shared/data", "folder with injection.jsonl.gz and secrets.jsonl.gz")
	show := flag.String("show", "", "print the texts of this source that were judged wrong")
	flag.Parse()
	for _, job := range []struct {
		name string
		find func(row) []detect.Finding
	}{
		{"injection", func(r row) []detect.Finding { return detect.Injections(r.Text, direction(r)) }},
		{"secrets", func(r row) []detect.Finding { return detect.Secrets(r.Text) }},
	} {
		rows, err := read(filepath.Join(*data, job.name+".jsonl.gz"))
		if err != nil {
			fmt.Fprintf(os.Stderr, "No data to measure %s on: %v. Give the folder with -data.\n", job.name, err)
			os.Exit(2)
		}
		measure(job.name, rows, job.find, *show)
	}
}

// direction says who would have written a text of this kind.
func direction(r row) detect.Direction {
	switch r.Kind {
	case "direct", "jailbreak", "benign_user":
		return detect.FromPerson
	}
	if r.Source == "awesome-chatgpt-prompts" {
		return detect.FromPerson
	}
	return detect.FromTool
}

// group is where a row is counted: attacks by source and kind, others by source
// and whether they quote an attack.
func group(r row) string {
	side := "benign"
	if r.Label == 1 {
		side = "attack"
	}
	kind := cmp.Or(r.Kind, r.NegKind)
	if r.Label == 0 && r.Quotes {
		kind += ", quotes an attack"
	}
	return side + "\t" + r.Source + "\t" + kind
}

func measure(name string, rows []row, find func(row) []detect.Finding, show string) {
	counts := map[string]*count{}
	var took time.Duration
	bytes := 0
	for _, r := range rows {
		if r.Suspect || r.NegKind == "near_miss" {
			continue
		}
		begun := time.Now()
		found := find(r)
		took += time.Since(begun)
		bytes += len(r.Text)
		verdict := detect.Clean
		for _, f := range found {
			verdict = max(verdict, f.Verdict)
		}
		keys := []string{group(r)}
		if r.Label == 0 {
			keys = append(keys, "benign\tall of "+family(r.Source)+"\t")
		}
		for _, key := range keys {
			c := counts[key]
			if c == nil {
				c = &count{}
				counts[key] = c
			}
			c.rows++
			if verdict == detect.Malicious {
				c.malicious++
			}
			if verdict >= detect.Suspicious {
				c.suspicious++
			}
		}
		if show != "" && strings.HasPrefix(name+"/"+r.Source, show) && (verdict == detect.Malicious) != (r.Label == 1) {
			fmt.Printf("--- label %d, verdict %d, %v\n%.1500s\n", r.Label, verdict, rulesOf(r.Text, found), r.Text)
		}
	}
	fmt.Printf("%s: %d texts, %.1f MB, %.1f MB/s\n\n", name, len(rows), float64(bytes)/1e6, float64(bytes)/1e6/took.Seconds())
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "\tsource\tkind\ttexts\tmalicious\tor suspicious\t")
	keys := make([]string, 0, len(counts))
	for k := range counts {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		c := counts[k]
		fmt.Fprintf(w, "%s\t%d\t%.1f %%\t%.1f %%\t\n", k, c.rows, percent(c.malicious, c.rows), percent(c.suspicious, c.rows))
	}
	w.Flush()
	fmt.Println()
}

// family joins sources that are parts of one.
func family(source string) string {
	head, _, _ := strings.Cut(source, "/")
	return head
}

func rulesOf(text string, found []detect.Finding) []string {
	var all []string
	for _, f := range found {
		all = append(all, fmt.Sprintf("%s(%d) %.120q", f.Rule, f.Verdict, text[f.Start:f.End]))
	}
	return all
}

func percent(n, of int) float64 { return 100 * float64(n) / float64(of) }

// read decodes one JSON object a line.
func read(path string) ([]row, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	var rows []row
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 8<<20)
	for lines.Scan() {
		var r row
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return nil, fmt.Errorf("reading line %d of %s: %w", len(rows)+1, path, err)
		}
		rows = append(rows, r)
	}
	return rows, lines.Err()
}
