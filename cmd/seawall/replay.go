package main

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/openseawall/seawall/internal/guard/policy"
	"github.com/openseawall/seawall/internal/guard/replay"
)

func newReplay() *cobra.Command {
	var asJSON bool
	var rules string
	cmd := &cobra.Command{
		Use:   "replay FILE",
		Short: "Judge recorded tool calls, without a model",
		Long: `Replay judges recorded tool calls as a running Seawall would, by its policy, and
prints what it decides. Nothing runs and nothing is recorded.

A line of FILE is one call:

  {"id": "1", "messages": [OpenAI chat messages], "tools": [...],
   "call": {"name": "...", "arguments": {...}}}

messages are all that the model had read when it made the call; tools, which may be
left out, are what it was offered. Here, and only here, role user is the operator.
FILE may be gzipped; - is the standard input.`,
		Example: `  seawall replay calls.jsonl
  seawall replay --jsonl calls.jsonl.gz | jq 'select(.decision == "ask")'`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := replayPolicy(rules)
			if err != nil {
				return err
			}
			in, err := openLines(args[0], cmd.InOrStdin())
			if err != nil {
				return err
			}
			defer in.Close()
			out := bufio.NewWriter(cmd.OutOrStdout())
			answer := func(c replay.Case, a replay.Answer) error { return printAnswer(out, c, a) }
			if asJSON {
				e := json.NewEncoder(out)
				e.SetEscapeHTML(false)
				answer = func(_ replay.Case, a replay.Answer) error { return e.Encode(a) }
			}
			err = replay.New(p).Lines(cmd.Context(), in, answer, func(line int, err error) {
				fmt.Fprintf(cmd.ErrOrStderr(), "%s, line %d: %v\n", args[0], line, err)
			})
			return errors.Join(err, out.Flush())
		},
	}
	cmd.Flags().BoolVar(&asJSON, "jsonl", false, "print one JSON object a line")
	cmd.Flags().StringVar(&rules, "policy", "", "a policy file instead of the shipped one")
	return cmd
}

// replayPolicy is the policy to judge by.
func replayPolicy(path string) (*policy.Policy, error) {
	if path == "" {
		return policy.Load(policy.Default())
	}
	return policy.Check(path)
}

// openLines opens a file of lines, which may be gzipped.
func openLines(path string, in io.Reader) (io.ReadCloser, error) {
	file := io.NopCloser(in)
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, fmt.Errorf("reading recorded calls: %w", err)
		}
		file = f
	}
	b := bufio.NewReaderSize(file, 1<<16)
	if head, _ := b.Peek(2); string(head) != "\x1f\x8b" {
		return lineFile{b, file}, nil
	}
	z, err := gzip.NewReader(b)
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("reading recorded calls from %s: %w", path, err)
	}
	return lineFile{z, file}, nil
}

// lineFile is read from what a file holds; what is closed is the file.
type lineFile struct {
	io.Reader
	io.Closer
}

// printAnswer prints one answer for a person.
func printAnswer(w io.Writer, c replay.Case, a replay.Answer) error {
	_, err := fmt.Fprintf(w, "%-6s %s  %s: %s\n", a.Decision, printable(a.ID), printable(c.Call.Name), printable(a.Reason))
	return err
}
