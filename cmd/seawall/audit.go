package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"

	"github.com/spf13/cobra"

	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/posture"
	"github.com/openseawall/seawall/internal/posture/report"
	"github.com/openseawall/seawall/internal/posture/survey"
	"github.com/openseawall/seawall/internal/state"
	"github.com/openseawall/seawall/packaging"
)

type auditFlags struct {
	json, sarif, html, say, all, deep, settled bool
	failOn, record, from                       string
}

func newAudit() *cobra.Command {
	var f auditFlags
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Say how this machine stands, and the worst its agent could do",
		Long: `Audit reads this machine — sshd, firewall, Docker, OpenClaw, secrets, updates —
and says how it stands. It changes nothing. What only root may read is reported
as unknown to anyone else, never as a pass.

Exit status: 0 when nothing is at or above --fail-on, 1 when something is,
2 when the audit could not run.`,
		Example: `  seawall audit --all                      every control, with why and what to do
  seawall audit --json --fail-on critical  for a script
  sudo seawall audit --record host.txtar   keep what the machine answered, secrets taken out
  seawall audit --from host.txtar          and judge it elsewhere`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return audit(cmd, f) },
	}
	flags := cmd.Flags()
	flags.BoolVar(&f.json, "json", false, "print the audit as JSON")
	flags.BoolVar(&f.sarif, "sarif", false, "print the audit as SARIF 2.1.0")
	flags.BoolVar(&f.html, "html", false, "print the audit as one page for a browser")
	flags.BoolVar(&f.say, "say", false, "print the verdict alone")
	flags.BoolVar(&f.all, "all", false, "print every control, with why and what to do")
	flags.BoolVar(&f.deep, "deep", false, "also run OpenClaw's own audit (up to half a minute) and merge what it finds")
	flags.StringVar(&f.failOn, "fail-on", "high", "exit with 1 at findings of this `severity`: info, low, medium, high, critical")
	flags.StringVar(&f.record, "record", "", "write what the machine answered to this `file`, secrets taken out")
	flags.StringVar(&f.from, "from", "", "audit the machine recorded in this `file` instead of this one")
	flags.BoolVar(&f.settled, "settled", false, "read again while the machine changes (for seawall-audit.service)")
	_ = flags.MarkHidden("settled")
	cmd.MarkFlagsMutuallyExclusive("json", "sarif", "html", "say")
	cmd.MarkFlagsMutuallyExclusive("record", "from")
	cmd.MarkFlagsMutuallyExclusive("deep", "from")
	_ = cmd.RegisterFlagCompletionFunc("fail-on", cobra.FixedCompletions([]string{"info", "low", "medium", "high", "critical"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// readings bounds how often --settled reads a machine that keeps changing.
const readings = 3

func audit(cmd *cobra.Command, f auditFlags) error {
	failOn, err := posture.ParseSeverity(f.failOn)
	if err != nil {
		return fmt.Errorf("--fail-on: %w", err)
	}
	a, err := takeAudit(cmd, f)
	if err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	switch {
	case f.json:
		err = report.JSON(out, a)
	case f.sarif:
		err = report.SARIF(out, a)
	case f.html:
		err = report.HTML(out, a)
	case f.say:
		err = report.Say(out, a)
	default:
		err = report.Text(out, a, report.Options{Width: width(out), Color: colour(out), All: f.all})
	}
	if err != nil {
		return fmt.Errorf("printing the audit: %w", err)
	}
	if a.AtLeast(failOn) > 0 {
		return errNo
	}
	return nil
}

// recorded is what every recording of a machine says of itself.
var recorded = regexp.MustCompile(`(?m)^-- self .*--$`)

func takeAudit(cmd *cobra.Command, f auditFlags) (*posture.Audit, error) {
	if f.from != "" {
		content, err := os.ReadFile(f.from)
		if err != nil {
			return nil, fmt.Errorf("reading the recorded machine: %w", err)
		}
		h, err := host.Parse(content)
		if err == nil && !recorded.Match(content) {
			err = errors.New("it is no recording: `seawall audit --record FILE` makes one")
		}
		if err != nil {
			return nil, fmt.Errorf("reading the recorded machine %s: %w", f.from, err)
		}
		return survey.Audit(cmd.Context(), h, version()), nil
	}
	done := progress(cmd, "Reading this machine")
	defer done()
	h := host.Live()
	var recorder *host.Recorder
	if f.record != "" {
		recorder = host.Record(h)
		h = recorder
	}
	a := survey.Audit(cmd.Context(), h, version(), survey.Caller(os.Getenv))
	for i := 1; i < readings && f.settled && packaging.ChangedSince(a.Time); i++ {
		a = survey.Audit(cmd.Context(), h, version(), survey.Caller(os.Getenv))
	}
	if err := cmd.Context().Err(); err != nil {
		return nil, err
	}
	if recorder != nil {
		if err := survey.Save(recorder, f.record); err != nil {
			return nil, err
		}
	}
	if f.deep {
		done()
		done = progress(cmd, "Running OpenClaw's own audit, which takes up to half a minute")
		if err := survey.Deep(cmd.Context(), a, survey.Caller(os.Getenv)); err != nil {
			done()
			fmt.Fprintln(cmd.ErrOrStderr(), "seawall:", err)
		}
	}
	if err := remember(a); err != nil {
		done()
		fmt.Fprintf(cmd.ErrOrStderr(), "seawall: what this audit is compared with, or what is accepted of it, is not as it should be: %v\n", err)
	}
	return a, nil
}

// remember compares an audit with the last one and keeps it for the next. Where
// there is no state to keep it in, there is nothing to compare either.
func remember(a *posture.Audit) error {
	dir, err := state.Existing(stateDir)
	if errors.Is(err, fs.ErrNotExist) {
		dir, err = state.Open(stateDir)
	}
	if err != nil {
		return err
	}
	defer dir.Close()
	return survey.Remember(dir, a)
}
