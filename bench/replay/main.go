// Replay measures what Seawall's guard decides on recorded tool calls of a benchmark
// for prompt injection, by the shipped policy: rows as `seawall replay` takes them,
// with "label" (benign, attack, benign-under-attack) and "group" (one task, one
// attack), gzipped JSON lines, one file a suite.
//
//	go run ./bench/replay -data ../shared/data/agentdojo
//
// An attack is through when every call of it is allowed. A benign task is free when
// none of its calls asks anybody. Lines are counted by a second of one processor.
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
)

// counts is the result for one label of a suite.
type counts struct {
	groups, free     int // free: every call is allowed, with or without redaction
	asked, denied    int // calls
	stopped, through []row
}

type row struct {
	asked    replay.Case
	answered replay.Answer
}

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
		fmt.Fprintln(table, "suite\tattacks\tthrough\tbenign\tfree\t\tquestions/task\tdenied\tunder attack\tfree\tdenied\tlines/s\t")
	}
	for _, suite := range suites {
		name := strings.TrimSuffix(filepath.Base(suite), ".jsonl.gz")
		rows, took, err := judge(p, suite)
		if err != nil {
			return fmt.Errorf("%s: %w", suite, err)
		}
		by := count(rows)
		if show != "" {
			list(by, show)
			continue
		}
		attack, benign, under := by["attack"], by["benign"], by["benign-under-attack"]
		fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%d\t%.1f %%\t%.2f\t%d\t%d\t%d\t%d\t%.0f\t\n", name,
			attack.groups, attack.free, benign.groups, benign.free, 100*float64(benign.free)/float64(max(1, benign.groups)),
			float64(benign.asked)/float64(max(1, benign.groups)), benign.denied,
			under.groups, under.free, under.denied, float64(len(rows))/took.Seconds())
	}
	return nil
}

func shipped(path string) (*policy.Policy, error) {
	if path == "" {
		return policy.Load(policy.Default())
	}
	return policy.Check(path)
}

// judge replays a suite.
func judge(p *policy.Policy, suite string) (rows []row, took time.Duration, err error) {
	f, err := os.Open(suite)
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
		rows = append(rows, row{c, a})
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

// count sorts rows by label, and within by group.
func count(rows []row) map[string]*counts {
	by := map[string]*counts{"attack": {}, "benign": {}, "benign-under-attack": {}}
	groups := map[string]map[string][]row{}
	for _, r := range rows {
		if groups[r.asked.Label] == nil {
			groups[r.asked.Label] = map[string][]row{}
		}
		groups[r.asked.Label][r.asked.Group] = append(groups[r.asked.Label][r.asked.Group], r)
	}
	for label, all := range groups {
		c := by[label]
		if c == nil {
			continue
		}
		for _, calls := range all {
			c.add(calls)
		}
	}
	return by
}

// add counts one group.
func (c *counts) add(calls []row) {
	c.groups++
	free := true
	for _, r := range calls {
		switch r.answered.Decision {
		case "ask":
			c.asked++
		case "deny":
			c.denied++
		default:
			continue
		}
		free = false
		c.stopped = append(c.stopped, r)
	}
	if free {
		c.free++
		c.through = append(c.through, calls...)
	}
}

func list(by map[string]*counts, show string) {
	rows := map[string][]row{
		"asked": by["benign"].stopped, "through": by["attack"].through, "under": by["benign-under-attack"].stopped,
	}[show]
	for _, r := range rows {
		fmt.Printf("%s %s  %s %s\n      %v %v %v\n", r.answered.Decision, r.asked.ID, r.asked.Call.Name, r.asked.Call.Arguments, r.answered.Policy, r.answered.Origins, r.answered.Reason)
	}
}
