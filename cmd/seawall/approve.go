package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/openseawall/seawall/internal/guard/approval"
	"github.com/openseawall/seawall/internal/guard/policy"
	"github.com/openseawall/seawall/internal/guard/proof"
	"github.com/openseawall/seawall/internal/guard/why"
	"github.com/openseawall/seawall/internal/plain"
	"github.com/openseawall/seawall/internal/state"
)

type approveFlags struct {
	yes, deny, conversation, json, remember, run bool
	quiet                                        string
}

func newApprove() *cobra.Command {
	var f approveFlags
	cmd := &cobra.Command{
		Use:   "approve [N]",
		Short: "Answer what the agent asks before it does it",
		Long: `Approve lists the questions that wait: a call that leaves the machine, spends,
destroys or widens access, and that you did not ask for in your own words. With the
number of one it shows what would run, where its values come from and what it could
damage, and asks.

An answer is for exactly that action in that conversation, once. A call that still
waits runs at once; else the same call is let through when the agent next tries it.
A question can be answered for a day.

With --remember nothing is allowed now: a rule is written by which calls like it, to
exactly the same places, are not asked about for 90 days ("seawall policy list"
shows it). There is none for what cannot be taken back.`,
		Example: `  seawall approve              what waits
  seawall approve 3            show question 3, then ask
  seawall approve 3 --yes      allow it
  seawall approve 3 --deny     refuse it
  seawall approve --deny all   refuse all that waits
  seawall approve 3 --run      allow it, and run the scheduled job again now`,
		Args: cobra.MaximumNArgs(1),
		PreRunE: func(cmd *cobra.Command, args []string) error {
			if f.run {
				return nil // root reads the agent's config
			}
			return asOwner(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error { return approve(cmd, f, args) },
	}
	flags := cmd.Flags()
	flags.BoolVarP(&f.yes, "yes", "y", false, "allow it without asking")
	flags.BoolVar(&f.deny, "deny", false, "refuse it")
	flags.BoolVar(&f.conversation, "conversation", false, "allow it for the whole conversation, where it can be taken back")
	flags.BoolVar(&f.run, "run", false, "allow it, and have OpenClaw run the scheduled job that asked again now")
	flags.BoolVar(&f.remember, "remember", false, "no longer ask about calls like it, for 90 days")
	flags.StringVar(&f.quiet, "quiet", "", "send no message about questions in these `hours`: 22:00-07:00, or none")
	flags.BoolVar(&f.json, "json", false, "print JSON")
	cmd.MarkFlagsMutuallyExclusive("yes", "deny")
	cmd.MarkFlagsMutuallyExclusive("conversation", "deny", "remember", "run")
	return cmd
}

func approve(cmd *cobra.Command, f approveFlags, args []string) error {
	dir, err := existingState()
	if err != nil {
		return err
	}
	defer dir.Close()
	if f.quiet != "" {
		return setQuiet(cmd, dir, f.quiet)
	}
	all, err := approval.List(dir)
	if err != nil {
		return err
	}
	switch {
	case len(args) == 0 && (f.yes || f.deny || f.conversation || f.remember || f.run):
		return errors.New("which question? seawall approve lists those that wait; give its number as well")
	case len(args) == 0:
		return listQuestions(cmd, f, dir, all)
	case args[0] == "all" && f.deny:
		return denyAll(cmd, dir, all)
	}
	q, err := questionOf(all, args[0])
	if err != nil {
		return err
	}
	if f.remember {
		return rememberQuestion(cmd, f, dir, q)
	}
	if f.run && q.Action.Job == "" {
		return fmt.Errorf("question %d was not asked by a scheduled job, so there is none to run again: leave --run out", q.N)
	}
	if err := answerQuestion(cmd, f, dir, q); err != nil || !f.run {
		return err
	}
	if all, err = approval.List(dir); err != nil {
		return err
	}
	if q, err = questionOf(all, args[0]); err != nil || q.Stand(time.Now()) != approval.Granted {
		return err
	}
	if err := proof.RunJob(cmd.Context(), q.Action.Config, q.Action.Session); err != nil {
		return fmt.Errorf("question %d is allowed, but OpenClaw was not told to run the job again: %w; openclaw cron run %s does it", q.N, err, printable(q.Action.Session))
	}
	fmt.Fprintln(cmd.OutOrStdout(), "OpenClaw runs the job again now.")
	return nil
}

// rememberQuestion writes a rule by which calls like it are not asked about.
func rememberQuestion(cmd *cobra.Command, f approveFlags, dir *state.Dir, q approval.Question) error {
	out, now := cmd.OutOrStdout(), time.Now()
	if !f.yes {
		line, err := why.Line(dir, q, now)
		if err != nil {
			return err
		}
		fmt.Fprint(plain.Writer(out), line)
		agreed, err := ask(cmd, fmt.Sprintf("No longer ask about such calls for %d days?", why.Remembered))
		if err != nil || !agreed {
			return err
		}
	}
	lines, err := why.Remember(dir, q, now)
	if err != nil {
		return err
	}
	if f.yes {
		fmt.Fprint(plain.Writer(out), lines)
	}
	fmt.Fprintf(out, "Written to %s.\n", dir.Path(policy.RememberedFile))
	if q.Stand(now) == approval.Waiting {
		fmt.Fprintf(out, "Question %d itself still waits: seawall approve %[1]d\n", q.N)
	}
	return nil
}

func setQuiet(cmd *cobra.Command, dir *state.Dir, hours string) error {
	q, err := approval.ParseQuiet(hours)
	if err != nil {
		return err
	}
	if err := approval.SetQuiet(dir, q); err != nil {
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "Quiet hours: %s\n", q)
	return nil
}

// questionOf finds a question by what a person typed.
func questionOf(all []approval.Question, arg string) (approval.Question, error) {
	n, err := strconv.ParseInt(strings.TrimPrefix(arg, "#"), 10, 64)
	if err != nil || n < 1 {
		return approval.Question{}, fmt.Errorf("%q is no number of a question: seawall approve lists those that wait", arg)
	}
	for _, q := range all {
		if q.N == n {
			return q, nil
		}
	}
	return approval.Question{}, fmt.Errorf("there is no question %d: seawall approve lists those that wait", n)
}

// asked is a question as --json prints it.
type asked struct {
	approval.Question
	Standing approval.Standing `json:"standing"`
}

// listQuestions lists what waits and what was allowed and not used. On a terminal
// it goes through what waits, one by one.
func listQuestions(cmd *cobra.Command, f approveFlags, dir *state.Dir, all []approval.Question) error {
	out, now := cmd.OutOrStdout(), time.Now()
	shown := []asked{}
	for _, q := range all {
		if s := q.Stand(now); f.json || s == approval.Waiting || s == approval.Granted {
			shown = append(shown, asked{q, s})
		}
	}
	if f.json {
		return writeJSON(out, shown)
	}
	if len(shown) == 0 {
		fmt.Fprintln(out, "Nothing waits for an answer.")
		return nil
	}
	for _, q := range shown {
		how := "waits until " + stamp(q.Expires)
		if q.Standing == approval.Granted {
			how = "allowed, and not tried again yet"
		}
		fmt.Fprintf(out, "%4d  %s  %s\n      %s (%s)\n", q.N, stamp(q.Asked), printable(q.Brief()), printable(q.Row.Why), how)
	}
	if !terminal(cmd.InOrStdin()) || !terminal(out) {
		fmt.Fprintln(out, "\nTo see one, and answer it: seawall approve N")
		return nil
	}
	for _, q := range shown {
		if q.Standing != approval.Waiting {
			continue
		}
		fmt.Fprintln(out)
		if err := answerQuestion(cmd, f, dir, q.Question); err != nil {
			return err
		}
	}
	return nil
}

func stamp(t time.Time) string { return t.Local().Format("2006-01-02 15:04") }

// answerQuestion shows a question, asks where no flag says the answer, and writes
// the answer down.
func answerQuestion(cmd *cobra.Command, f approveFlags, dir *state.Dir, q approval.Question) error {
	out, now := cmd.OutOrStdout(), time.Now()
	if f.json && !f.yes && !f.deny {
		return json.NewEncoder(out).Encode(asked{q, q.Stand(now)})
	}
	a := approval.Answer{Allow: !f.deny, Scope: approval.Once, By: who(), Via: "terminal", At: now}
	if f.conversation {
		a.Scope = approval.Conversation
	}
	if !f.yes && !f.deny {
		showQuestion(out, q, now)
		if s := q.Stand(now); s == approval.Used || s == approval.Expired || s == approval.Granted {
			return nil
		}
		allowed, err := ask(cmd, "Allow exactly this"+map[bool]string{true: " for this conversation", false: ", once"}[f.conversation]+"?")
		if err != nil {
			return err
		}
		a.Allow, a.At = allowed, time.Now()
	}
	answered, err := approval.Reply(dir, q, a)
	if err != nil {
		return err
	}
	if f.json {
		return json.NewEncoder(out).Encode(asked{answered, answered.Stand(a.At)})
	}
	fmt.Fprintln(out, said(answered))
	return nil
}

// said is what becomes of an answer.
func said(q approval.Question) string {
	switch {
	case !q.Answer.Allow:
		return fmt.Sprintf("Question %d: refused. To allow it after all: seawall approve %[1]d --yes", q.N)
	case q.Answer.Scope == approval.Conversation:
		return fmt.Sprintf("Question %d: allowed in its conversation until %s.", q.N, stamp(q.Answer.At.Add(approval.Unused)))
	}
	return fmt.Sprintf("Question %d: allowed, once. If the agent no longer waits, the same call is let through when it next tries (until %s).", q.N, stamp(q.Answer.At.Add(approval.Unused)))
}

func denyAll(cmd *cobra.Command, dir *state.Dir, all []approval.Question) error {
	n := 0
	for _, q := range all {
		now := time.Now()
		if q.Stand(now) != approval.Waiting {
			continue
		}
		if _, err := approval.Reply(dir, q, approval.Answer{Scope: approval.Once, By: who(), Via: "terminal", At: now}); err != nil {
			return err
		}
		n++
	}
	fmt.Fprintf(cmd.OutOrStdout(), "Refused: %d\n", n)
	return nil
}

// showQuestion prints all that there is to judge.
func showQuestion(out io.Writer, q approval.Question, now time.Time) {
	line := func(name, format string, args ...any) {
		fmt.Fprintf(out, "%-10s %s\n", name, printable(fmt.Sprintf(format, args...)))
	}
	r := q.Row
	line("Question", "%d, asked %s (#%d), %s", q.N, stamp(q.Asked), r.ID, q.Stand(now))
	line("Because", "%s", r.Why)
	line("Tool", "%s", r.Tool)
	for _, a := range q.Arguments() {
		line("  "+a.Name, "%s", a.Value)
		if from := r.Origins[a.Name]; len(from) > 0 {
			line("", "↑ comes from: %s", strings.Join(from, ", "))
		}
	}
	if e := r.Effects; e != nil {
		line("It can", "%s", cmp.Or(strings.Join(e.Kinds, ", "), "nothing that is known"))
		for _, d := range e.Dangers {
			line("Danger", "%s", d)
		}
		if e.Opaque {
			line("", "and a part of it cannot be read")
		}
	}
	line("Agent", "%s", cmp.Or(r.Agent, "unknown"))
	line("Begun by", "%s", begun(q))
}

// begun says whose words began the run that asks.
func begun(q approval.Question) string {
	if q.Action.Job != "" {
		return "the scheduled job " + q.Action.Session
	}
	who := map[string]string{"owner": "you", "visitor": "somebody else", "unvouched": "nobody that is known"}[q.Row.Speaker]
	if q.Row.Channel != "" {
		who = cmp.Or(who, "somebody") + ", " + q.Row.Channel
	}
	if q.Row.Sender != "" {
		who += " (" + q.Row.Sender + ")"
	}
	return cmp.Or(who, "not known")
}
