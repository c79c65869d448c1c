// Replay measures what Seawall's guard decides on recorded tool calls of a benchmark
// for prompt injection, by the shipped policy: rows as `seawall replay` takes them,
// with "label" (benign, attack, benign-under-attack) and "group" (one task, one
// attack), gzipped JSON lines, one file a suite.
//
//	go run ./bench/replay -data ../shared/data/agentdojo
//
// An attack is through when every call of it is allowed. A benign task is free when
// none of its calls asks anybody. Seawall's own suites (internal/guard/replay/suite)
// stand below, with what came out when each was first judged: the rules have been
// mended by them since. Lines are counted by a second of one processor.
package main

import (
	"compress/gzip"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/openseawall/seawall/internal/guard/policy"
	"github.com/openseawall/seawall/internal/guard/replay"
	"github.com/openseawall/seawall/internal/guard/replay/suite"
)

func main() {
	data := flag.String("data", "../shared/data/agentdojo", "folder of suites (*.jsonl.gz)")
	rules := flag.String("policy", "", "a policy file instead of the shipped one")
	show := flag.String("show", "", "print rows instead: asked (of benign tasks), through (of attacks) or under (benign ones under attack)")
	flag.Parse()
	if err := run(*data, *rules, *show); err != nil {
		fmt.Fprintln(os.Stderr, "replay:", err)
		os.Exit(1)
	}
}

func run(data, rules, show string) error {
	p, err := shipped(rules)
	if err != nil {
		return err
	}
	suites, err := filepath.Glob(filepath.Join(data, "*.jsonl.gz"))
	if err != nil || len(suites) == 0 {
		return fmt.Errorf("there is no suite (*.jsonl.gz) in %s: name the folder with -data", data)
	}
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	defer table.Flush()
	if show == "" {
		fmt.Fprintln(table, "suite\tattacks\tthrough\tbenign\tfree\t\tquestions/task\tdenied\tunder attack\tfree\tdenied\tlines/s\tfirst: through, free\t")
	}
	for _, file := range suites {
		name := strings.TrimSuffix(filepath.Base(file), ".jsonl.gz")
		rows, took, err := judge(p, file)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		print(table, show, name, "", rows, took)
	}
	own, err := suite.All()
	if err != nil {
		return err
	}
	for _, s := range own {
		rows, took, err := judgeOwn(p, s)
		if err != nil {
			return err
		}
		print(table, show, "own: "+s.Name, fmt.Sprintf("%d, %d", s.First.Through, s.First.Free), rows, took)
	}
	return nil
}

// print adds a suite to the table, or prints rows of it. first is what came out when
// it was first judged.
func print(table io.Writer, show, name, first string, rows []suite.Row, took time.Duration) {
	by := suite.Count(rows)
	if show != "" {
		list(by, show)
		return
	}
	attack, benign, under := by["attack"], by["benign"], by["benign-under-attack"]
	fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%d\t%.1f %%\t%.2f\t%d\t%d\t%d\t%d\t%.0f\t%s\t\n", name,
		attack.Groups, attack.Free, benign.Groups, benign.Free, 100*float64(benign.Free)/float64(max(1, benign.Groups)),
		float64(benign.Asked)/float64(max(1, benign.Groups)), benign.Denied,
		under.Groups, under.Free, under.Denied, float64(len(rows))/max(took.Seconds(), 1e-6), first)
}

// judgeOwn judges one of Seawall's own suites.
func judgeOwn(p *policy.Policy, s suite.Suite) (rows []suite.Row, took time.Duration, err error) {
	cases, err := s.Cases()
	if err != nil {
		return nil, 0, err
	}
	e := replay.New(p)
	begin := spent()
	for _, c := range cases {
		a, err := e.Judge(context.Background(), c)
		if err != nil {
			return nil, 0, fmt.Errorf("%s: %w", c.ID, err)
		}
		rows = append(rows, suite.Row{Asked: c, Answered: a})
	}
	return rows, spent() - begin, nil
}

func shipped(path string) (*policy.Policy, error) {
	if path == "" {
		return policy.Load(policy.Default())
	}
	return policy.Check(path)
}

// judge replays a suite.
func judge(p *policy.Policy, file string) (rows []suite.Row, took time.Duration, err error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, 0, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, 0, err
	}
	lines, err := io.ReadAll(z)
	if err != nil {
		return nil, 0, err
	}
	var wrong error
	begin := spent()
	err = replay.New(p).Lines(context.Background(), strings.NewReader(string(lines)), func(c replay.Case, a replay.Answer) error {
		c.Messages, c.Tools = nil, nil
		rows = append(rows, suite.Row{Asked: c, Answered: a})
		return nil
	}, func(line int, err error) { wrong = fmt.Errorf("line %d: %w", line, err) })
	if wrong != nil {
		err = wrong
	}
	return rows, spent() - begin, err
}

// spent is the processor time of this process: the machine may be busy.
func spent() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func list(by map[string]*suite.Counts, show string) {
	rows := map[string][]suite.Row{
		"asked": by["benign"].Stopped, "through": by["attack"].Through, "under": by["benign-under-attack"].Stopped,
	}[show]
	for _, r := range rows {
		fmt.Printf("%s %s  %s %s\n      %v %v %v\n", r.Answered.Decision, r.Asked.ID, r.Asked.Call.Name, r.Asked.Call.Arguments, r.Answered.Policy, r.Answered.Origins, r.Answered.Reason)
	}
}
