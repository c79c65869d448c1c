package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/openseawall/seawall/internal/guard/policy"
	"github.com/openseawall/seawall/internal/guard/why"
	"github.com/openseawall/seawall/internal/ledger"
	"github.com/openseawall/seawall/internal/state"
)

type whyFlags struct{ json, allow, wrong, yes bool }

func newWhy() *cobra.Command {
	var f whyFlags
	cmd := &cobra.Command{
		Use:   "why ID",
		Short: "Explain a decision, and change it for the next time",
		Long: `Why explains one decision: the policies that decided, with their text, what they
saw, and what would have allowed it. ID is the number in the notice and in
"seawall log".

--allow shows the smallest piece of policy that would let such a call through, and
what else it would have let through in the last 30 days, asks, and adds it to
local.cedar. A running Seawall takes it over within a second.

--wrong is for a detector that errs: it never finds that again in exactly this
content, and in any other as ever. The case is kept, without secrets, for a report.

Nothing is allowed that touches what guards this machine.`,
		Example: `  seawall log --decision deny   which number
  seawall why 41
  seawall why 41 --allow`,
		Args:    cobra.ExactArgs(1),
		PreRunE: asOwner,
		RunE: onState(func(cmd *cobra.Command, args []string, dir *state.Dir) error {
			return explain(cmd, dir, args[0], f)
		}),
	}
	flags := cmd.Flags()
	flags.BoolVar(&f.json, "json", false, "print JSON")
	flags.BoolVar(&f.allow, "allow", false, "let such calls through from now on")
	flags.BoolVar(&f.wrong, "wrong", false, "never find that again in exactly this content")
	flags.BoolVar(&f.yes, "yes", false, "with --allow: do not ask")
	cmd.MarkFlagsMutuallyExclusive("allow", "wrong")
	cmd.MarkFlagsMutuallyExclusive("allow", "json")
	cmd.MarkFlagsMutuallyExclusive("wrong", "json")
	return cmd
}

func explain(cmd *cobra.Command, dir *state.Dir, arg string, f whyFlags) error {
	id, err := strconv.ParseInt(strings.TrimPrefix(arg, "#"), 10, 64)
	if err != nil || id < 1 {
		return fmt.Errorf("%q is no number of a row: seawall log --decision deny shows them", arg)
	}
	record, err := ledger.OpenReader(dir)
	if err != nil {
		return err
	}
	defer record.Close()
	rules, refused := policy.Check(dir.Path(state.Policy))
	if refused != nil {
		rules = nil
	}
	x, err := why.Of(cmd.Context(), record, rules, id)
	if err != nil {
		return err
	}
	switch out := cmd.OutOrStdout(); {
	case f.allow && refused != nil:
		return fmt.Errorf("the policy would be refused as it stands, so nothing is added; correct it first:\n%w", refused)
	case f.allow:
		return allow(cmd, dir, record, rules, x, f.yes)
	case f.wrong:
		return silence(out, dir, x)
	case f.json:
		return writeJSON(out, x)
	default:
		printWhy(out, x)
		return nil
	}
}

// allow adds a line to local.cedar after it was said what it does.
func allow(cmd *cobra.Command, dir *state.Dir, record *ledger.Reader, rules *policy.Policy, x why.Explanation, yes bool) error {
	if x.Line == "" {
		return fmt.Errorf("#%d cannot be allowed: %s", x.Row.ID, cmp.Or(x.NoLine, "it was not stopped by the policy"))
	}
	out := cmd.OutOrStdout()
	replayed, err := why.Replay(cmd.Context(), record, rules, x.Line, time.Now().Add(-why.Past), x.Row.ID)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "This would let #%d through, %s:\n\n%s\n", x.Row.ID, sentenceOf(brief(x.Row)), indent(x.Line))
	fmt.Fprintln(out, "It goes by what is named there, whatever else stands in the arguments of a call.")
	printReplayed(out, replayed)
	if err := consent(cmd, yes, fmt.Sprintf("Add it to %s?", dir.Path(policy.LocalFile))); err != nil {
		return err
	}
	if _, err := why.Allow(dir, x, time.Now()); err != nil {
		return err
	}
	fmt.Fprintf(out, "Added to %s. A running Seawall takes it over within a second. To undo it, delete those lines there.\n", dir.Path(policy.LocalFile))
	return nil
}

func printReplayed(out io.Writer, r why.Replayed) {
	count, end := "none", "."
	if r.Through > 0 {
		count, end = strconv.Itoa(r.Through), ":"
	}
	fmt.Fprintf(out, "In the last 30 days it would also have let through, of %d other calls that were stopped, %s%s\n", r.Denied, count, end)
	for _, row := range r.Rows {
		fmt.Fprintf(out, "%6d  %s  %s\n", row.ID, row.Time.Local().Format("2006-01-02 15:04:05"), sentenceOf(row))
	}
	if more := r.Through - len(r.Rows); more > 0 {
		fmt.Fprintf(out, "        and %d before them\n", more)
	}
	if r.Unknown > 0 {
		fmt.Fprintf(out, "Of %d the record does not hold what the policy saw.\n", r.Unknown)
	}
}

// silence has a detector never find again what it found by mistake.
func silence(out io.Writer, dir *state.Dir, x why.Explanation) error {
	rules, path, err := why.Silence(dir, x.Row, version(), time.Now())
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s is not found again in exactly the content of #%d, and in any other as ever.\n", strings.Join(rules, ", "), x.Row.ID)
	fmt.Fprintf(out, "The case is kept without secrets for a report: %s\n", path)
	fmt.Fprintf(out, "To undo it, delete the entries with \"id\": %d from %s\n", x.Row.ID, dir.Path("wrong.json"))
	return nil
}

// printWhy prints an explanation.
func printWhy(w io.Writer, x why.Explanation) {
	r := x.Row
	if r.Decision == "" {
		fmt.Fprintf(w, "#%d  %s  %s\n%s\n", r.ID, at(r), cmp.Or(sentenceOf(brief(r)), r.Kind), printable(x.Said))
		return
	}
	fmt.Fprintf(w, "#%d  %s  %s\n", r.ID, at(r), verdict(r))
	fmt.Fprintf(w, "Because: %s.\n", printable(r.Why))
	if x.Said != "" && x.Said != "No rule forbids it." {
		fmt.Fprintln(w, printable(x.Said))
	}
	printPolicies(w, x)
	printSeen(w, r)
	if r.Decision != "allow" {
		printAllowing(w, x)
	}
}

func at(r ledger.Row) string { return r.Time.Local().Format("2006-01-02 15:04:05") }

// brief is a row of which the line says only what it is about.
func brief(r ledger.Row) ledger.Row {
	r.Why, r.Policy, r.Outcome = "", nil, ""
	return r
}

var verdicts = map[string]string{"deny": "Stopped", "ask": "Stopped, because nobody could approve it", "redact": "Passed on without secrets", "allow": "Allowed"}

func verdict(r ledger.Row) string {
	what := sentenceOf(brief(r))
	if r.Outcome != "" {
		what += " (outcome " + r.Outcome + ")"
	}
	return cmp.Or(verdicts[r.Decision], r.Decision) + ": " + what
}

func printPolicies(w io.Writer, x why.Explanation) {
	for _, p := range x.Policies {
		fmt.Fprintf(w, "\nDecided by %s", printable(p.Name))
		if p.Text == "" {
			fmt.Fprintln(w, ", which is no rule of the policy as it stands.")
			continue
		}
		fmt.Fprintf(w, ", %s:%d\n%s", p.File, p.Line, indent(p.Text))
	}
	if !x.Changed {
		return
	}
	fmt.Fprintf(w, "\nThe policy has changed since, from version %s.", printable(x.Row.Version))
	if t := x.Today; t != nil {
		fmt.Fprintf(w, " Today it would decide: %s", t.Decision)
		if len(t.Policies) > 0 {
			fmt.Fprintf(w, " [%s]", printable(strings.Join(t.Policies, ", ")))
		}
		fmt.Fprint(w, ".")
	}
	fmt.Fprintln(w)
}

// printSeen says what the policy saw, and from where.
func printSeen(w io.Writer, r ledger.Row) {
	fmt.Fprintln(w, "\nWhat it saw")
	line := func(label string, values ...string) {
		if text := printable(strings.Join(values, ", ")); text != "" {
			fmt.Fprintf(w, "  %-9s %s\n", label, text)
		}
	}
	if e := r.Effects; e != nil {
		line("does", e.Kinds...)
		for _, d := range e.Dangers {
			line("danger", strings.TrimSuffix(d+": "+e.Evidence[d], ": "))
		}
		line("runs", e.Commands...)
		line("reads", e.Reads...)
		line("writes", e.Writes...)
		line("hosts", e.Hosts...)
		line("urls", e.URLs...)
		line("unread", e.Unparsed)
		if e.Opaque {
			line("unread", "a part of it cannot be read")
		}
		if e.Partial {
			line("note", "there is more than the record holds")
		}
	}
	printOrigins(line, r)
	if s := r.Seen; s != nil {
		printSignals(line, r.Act, s)
	}
	line("from", from(r)...)
	line("door", strings.TrimSpace(r.Door+" "+r.Route))
	line("agent", strings.TrimSpace(r.Agent+" "+r.Session))
	line("policy", r.Version)
	if r.Decision == "allow" {
		line("allowed", why.Allowed(r))
	}
}

// printOrigins says where the values of a call can come from, and what that means.
func printOrigins(line func(string, ...string), r ledger.Row) {
	label := "origin"
	for _, arg := range slices.Sorted(maps.Keys(r.Origins)) {
		line(label, strings.TrimSuffix(arg+": "+strings.Join(r.Origins[arg], ", "), ": "))
		label = ""
	}
	if r.Seen == nil || r.Seen.Origin == nil {
		return
	}
	o := r.Seen.Origin
	switch {
	case len(r.Origins) == 0: // nothing in it decides
	case o.Decided:
		line(label, "you chose what it does, and to whom")
	case o.Quoted:
		line(label, "a value stands only in what you pasted or forwarded")
	}
	line("private", o.Private...)
	line("audience", o.Audience)
}

func printSignals(line func(string, ...string), act string, s *ledger.Seen) {
	label := "source"
	if act == "call" {
		label = "brings"
	}
	line(label, s.Source)
	for _, f := range s.Signals {
		where := fmt.Sprintf("byte %d", f.At)
		if f.Seam {
			where += ", and in another text"
		}
		line("found", fmt.Sprintf("%s (%s, %s; %s)", f.Title, f.Rule, f.Verdict, where))
		line("", "… "+f.Place+" …")
	}
	if s.Ambiguous {
		line("note", "it can be read in more than one way")
	}
	if s.Placeholders {
		line("note", "a placeholder stands in it for a secret")
	}
	if s.Unproven {
		line("note", "its OpenClaw was not proven; seawall status says why")
	}
	if s.Approved {
		line("note", "you let it through")
	}
}

// from is whose words began the run.
func from(r ledger.Row) []string {
	var all []string
	for _, s := range []string{r.Speaker, r.Channel, r.Sender} {
		if s != "" {
			all = append(all, s)
		}
	}
	return all
}

func printAllowing(w io.Writer, x why.Explanation) {
	fmt.Fprintln(w, "\nWhat would have allowed it")
	for _, s := range x.Allowing {
		fmt.Fprintln(w, " ", printable(s))
	}
	switch {
	case x.Line != "":
		fmt.Fprintf(w, "  This in local.cedar; `seawall why %d --allow` says what else it lets through, and adds it:\n\n%s", x.Row.ID, indent(x.Line))
	case x.NoLine != "":
		fmt.Fprintf(w, "  No line for local.cedar: %s.\n", printable(x.NoLine))
	}
}

// indent sets a text of the policy apart.
func indent(text string) string {
	var b strings.Builder
	for l := range strings.Lines(text) {
		b.WriteString("    " + printable(strings.TrimRight(l, "\n")) + "\n")
	}
	return b.String()
}
