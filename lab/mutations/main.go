// Command mutations weakens copies of a hardened machine, one weakness at a
// time, and says who notices: Seawall, Lynis and `openclaw security audit`.
//
//	go run ./lab/mutations             Seawall alone, some seconds
//	go run ./lab/mutations -compare    the others beside it, where answers.json has none yet: root, Lynis, some minutes
//	go run ./lab/mutations -docs       writes the table into docs/mutations.md
//
// docker-bench-security cannot be run here: it asks a Docker that runs, and the
// recorded one answers nobody but Seawall. Its column says which of its published
// checks asks for the same.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
)

// row is what was said of one mutation.
type row struct {
	Mutation
	seawall         bool
	Lynis, OpenClaw Said
}

func main() {
	compare := flag.Bool("compare", false, "ask Lynis and openclaw security audit about what they were not asked yet")
	docs := flag.Bool("docs", false, "write docs/mutations.md")
	only := flag.String("only", "", "only the mutations whose name begins so")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *compare, *docs, *only); err != nil {
		fmt.Fprintln(os.Stderr, "mutations:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, compare, docs bool, only string) error {
	all, err := Mutations()
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(m Mutation) bool { return !strings.HasPrefix(m.Name, only) })
	said, err := remembered()
	if err != nil {
		return err
	}
	if compare {
		if err := ask(ctx, all, said); err != nil {
			return err
		}
	}
	var rows []row
	for _, m := range all {
		caught, err := m.Seawall(ctx, ".")
		if err != nil {
			return err
		}
		r := row{m, slices.Contains(caught, m.Control), said[m.Name].Lynis, said[m.Name].OpenClaw}
		rows = append(rows, r)
		fmt.Printf("%-22s %-8s lynis %-7s openclaw %-7s %s\n", m.Name, yes(r.seawall), dash(string(r.Lynis)), dash(string(r.OpenClaw)), m.What)
	}
	fmt.Println(summary(rows))
	if docs {
		return os.WriteFile("docs/mutations.md", []byte(table(rows)), 0o644)
	}
	return nil
}

// ask asks Lynis and OpenClaw's audit about what they have not been asked about
// yet, and remembers each answer at once.
func ask(ctx context.Context, all []Mutation, said map[string]answer) error {
	recorded, err := base(".", "")
	if err != nil {
		return err
	}
	var system, claw []Mutation
	for _, m := range all {
		switch a := said[m.Name]; {
		case m.aboutContainers(), m.notCopied():
		case m.aboutOpenClaw():
			if a.OpenClaw == "" {
				claw = append(claw, m)
			}
		case a.Lynis == "":
			system = append(system, m)
		}
	}
	var g errgroup.Group
	var mu sync.Mutex
	keep := func(name string, a answer) error {
		mu.Lock()
		defer mu.Unlock()
		said[name] = a
		return remember(said)
	}
	g.Go(func() error { return askLynis(ctx, recorded, system, keep) })
	g.Go(func() error { return askOpenClaw(ctx, recorded, claw, keep) })
	return g.Wait()
}

func askLynis(ctx context.Context, recorded []byte, list []Mutation, keep func(string, answer) error) error {
	if len(list) == 0 {
		return nil
	}
	image, err := debian()
	if err != nil {
		return err
	}
	scan, err := newLynis(ctx, ".", image)
	if err != nil {
		return err
	}
	defer scan.close()
	for _, batch := range batches(list) {
		heard, err := scan.said(ctx, recorded, batch)
		if err != nil {
			return err
		}
		for name, s := range heard {
			if err := keep(name, answer{Lynis: s}); err != nil {
				return err
			}
		}
	}
	return nil
}

// auditors is how many audits of OpenClaw run at once: each starts a Node.js.
const auditors = 4

func askOpenClaw(ctx context.Context, recorded []byte, list []Mutation, keep func(string, answer) error) error {
	if len(list) == 0 {
		return nil
	}
	audit, err := newAuditor(ctx, ".")
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(auditors)
	for _, m := range list {
		g.Go(func() error {
			overlay, err := m.Overlay(recorded)
			if err != nil {
				return err
			}
			heard, err := audit.said(ctx, recorded, overlay)
			if err != nil {
				return fmt.Errorf("%s: %w", m.Name, err)
			}
			return keep(m.Name, answer{OpenClaw: heard})
		})
	}
	return g.Wait()
}

// answer is what the others said of a mutation the last time they were asked.
type answer struct {
	Lynis    Said `json:"lynis,omitempty"`
	OpenClaw Said `json:"openclaw,omitempty"`
}

const answers = "lab/mutations/answers.json"

func remembered() (map[string]answer, error) {
	text, err := os.ReadFile(answers)
	if os.IsNotExist(err) {
		return map[string]answer{}, nil
	}
	if err != nil {
		return nil, err
	}
	said := map[string]answer{}
	return said, json.Unmarshal(text, &said)
}

func remember(said map[string]answer) error {
	text, err := json.MarshalIndent(said, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(answers, append(text, '\n'), 0o644)
}

// debian is the lab's Debian, which lab/debian bootstraps.
func debian() (string, error) {
	found, _ := filepath.Glob("/var/cache/seawall-lab/debian-12-*/image.tar")
	if len(found) == 0 {
		return "", fmt.Errorf("the lab has no Debian yet: go test -tags lab ./lab/debian makes one")
	}
	return found[0], nil
}

func yes(caught bool) string {
	if caught {
		return string(Caught)
	}
	return "MISSED"
}

func dash(s string) string {
	if s == "" {
		return "–"
	}
	return s
}

// summary counts who noticed how many of what it was asked about.
func summary(rows []row) string {
	var seawall, lynisAsked, lynisCaught, clawAsked, clawCaught, bench, containers, cited int
	for _, r := range rows {
		if r.seawall {
			seawall++
		}
		if r.Lynis != "" {
			lynisAsked++
		}
		if r.Lynis == Caught {
			lynisCaught++
		}
		if r.OpenClaw != "" {
			clawAsked++
		}
		if r.OpenClaw == Caught {
			clawCaught++
		}
		if r.aboutContainers() {
			containers++
		}
		if r.Bench != "" {
			bench++
		}
		if r.Source != "" {
			cited++
		}
	}
	return fmt.Sprintf("Seawall notices %d of %d. Lynis notices %d of the %d about the system; `openclaw security audit` %d of the %d about OpenClaw; docker-bench-security has a check for %d, of %d about containers. %d come from an incident, a CVE or somebody else's check.",
		seawall, len(rows), lynisCaught, lynisAsked, clawCaught, clawAsked, bench, containers, cited)
}

// table is docs/mutations.md.
func table(rows []row) string {
	var b strings.Builder
	b.WriteString(`# Who notices a single weakness

A hardened machine is recorded, and weakened in one place at a time: a setting, a mode, a rule, a package. ` + "`make mutations`" + `
applies each to a copy and asks who notices. Seawall has to notice every one by the control that is named, on every
change of the code; the others run where they can be run on such a copy:

- **Lynis** 3.0.8 (Debian 12) in a Debian with the copied files, where programs answer as the recorded machine. A new
  warning, suggestion or detail counts. "–" is a weakness in what it does not look at (OpenClaw, its containers), or in
  what such a copy does not hold: programs, units, loaded rules.
- **openclaw security audit** of the tested OpenClaw on the copied state. A new critical or warning counts, or that
  OpenClaw refuses the config. What it looks at only where a channel, plugin or sandbox is in use counts as missed here.
- **docker-bench-security** is not run, since it asks a Docker that runs: the column has the number of its published
  check for the same. It looks at containers and the daemon, not at compose files.

`)
	b.WriteString(summary(rows) + "\n\n| mutation | what is weakened | Seawall's control | Lynis | OpenClaw's audit | docker-bench | from |\n| --- | --- | --- | --- | --- | --- | --- |\n")
	for _, r := range rows {
		control := fmt.Sprintf("[`%s`](controls/%s.md)", r.Control, r.Control)
		if !r.seawall {
			control += " **missed**"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %s | %s |\n", r.Name, r.What, control, dash(string(r.Lynis)), dash(string(r.OpenClaw)), dash(r.Bench), dash(r.Source))
	}
	return b.String()
}
