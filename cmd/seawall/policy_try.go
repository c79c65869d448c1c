package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/openseawall/seawall/internal/guard/policy"
	"github.com/openseawall/seawall/internal/plain"
)

// casesFile is where the operator's own cases stand in the state directory.
const casesFile = "cases.yaml"

func newPolicyTest() *cobra.Command {
	var rules string
	cmd := &cobra.Command{
		Use:   "test [FILE]",
		Short: "Try the policy on cases of your own",
		Long: `Test decides each case of FILE by the policy in force and says which are not as you
expect. FILE is a list in YAML; without one it is cases.yaml in the state directory.

  - name: a mail to Anna, whose address stood in another mail, asks
    tool: send_email
    args: {to: anna@example.org, body: hello}
    expect: ask
    by: sends
  - name: and does not when I named her
    tool: send_email
    args: {to: anna@example.org, body: hello}
    decided: true
    expect: allow

A case names a tool and its arguments, from which Seawall tells what the call does,
and what "seawall policy schema" calls decided, quoted, private, named, audience,
asker, link, own, approved, injection or secrets. What it leaves out is as on
an ordinary day; decided is false. "act: read" and "act: reply" are about texts.

It ends with 1 when a case is not as expected.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := asOwner(cmd, args); err != nil && len(args) == 0 {
				return err
			}
			p, err := triedPolicy(rules)
			if err != nil {
				return err
			}
			return tryCases(cmd, p, args)
		},
	}
	cmd.Flags().StringVar(&rules, "policy", "", "try this policy `FILE`, and what is beside it, instead of the one in force")
	return cmd
}

func triedPolicy(rules string) (*policy.Policy, error) {
	if rules == "" {
		return inForce()
	}
	p, err := policy.Check(rules)
	if err != nil {
		return nil, fmt.Errorf("%s would be refused:\n%w", rules, err)
	}
	return p, nil
}

func tryCases(cmd *cobra.Command, p *policy.Policy, args []string) error {
	path := filepath.Join(stateDir, casesFile)
	if len(args) > 0 {
		path = args[0]
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there are no cases in %s: `seawall policy test --help` shows how they are written", path)
	}
	if err != nil {
		return fmt.Errorf("reading the cases: %w", err)
	}
	cases, err := policy.ReadCases(text)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	out, failed := plain.Writer(cmd.OutOrStdout()), 0
	for _, c := range cases {
		d, wrong := p.Try(c)
		name := c.Name
		if name == "" {
			name = c.Tool
		}
		if wrong == "" {
			fmt.Fprintf(out, "ok    %s: %s\n", name, d.Verdict)
			continue
		}
		failed++
		fmt.Fprintf(out, "FAIL  %s (%s, line %d): %s\n", name, path, c.Line, wrong)
		for _, r := range d.Reasons {
			fmt.Fprintf(out, "      %s, because %s\n", r.Policy, r.Text)
		}
	}
	fmt.Fprintf(out, "%d of %d cases are as expected.\n", len(cases)-failed, len(cases))
	if failed > 0 {
		return errNo
	}
	return nil
}
