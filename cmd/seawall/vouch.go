package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/openseawall/seawall/internal/guard/lineage"
	"github.com/openseawall/seawall/internal/guard/operator"
	"github.com/openseawall/seawall/internal/guard/vouch"
	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/plain"
	"github.com/openseawall/seawall/internal/state"
)

type vouchFlags struct {
	list, json, revoke bool
	tools, to          []string
}

func newVouch() *cobra.Command {
	var f vouchFlags
	cmd := &cobra.Command{
		Use:   "vouch [PATH | job:ID]...",
		Short: "Say which files and jobs of the agent are as you want them",
		Long: `An agent with a history has files, memory, skills and scheduled jobs of which nobody
knows who wrote them. What it finds there it may not send anywhere without asking.
Vouch shows each with the addresses that it would let pass, and you vouch for it or
leave it; to change one, edit the file and run this again.

A vouch holds for exactly that content. Once the agent changes it, it asks again; what
you changed yourself is offered again with the difference. A job that you vouch for is
a standing order ("seawall orders"): what its text asks for, and calls of the tools
that you name to the places that it names, do not ask.`,
		Example: `  seawall vouch                    go through all that nobody vouches for
  seawall vouch --list             only show it
  seawall vouch ~/.openclaw/workspace/MEMORY.md
  seawall vouch job:2bfe60a8 --tools message,web_fetch --to https://news.example/
  seawall vouch --revoke job:2bfe60a8`,
		RunE: func(cmd *cobra.Command, args []string) error { return runVouch(cmd, f, args) },
	}
	flags := cmd.Flags()
	flags.BoolVar(&f.list, "list", false, "only list it")
	flags.BoolVar(&f.json, "json", false, "print JSON")
	flags.BoolVar(&f.revoke, "revoke", false, "vouch for these no longer")
	flags.StringSliceVar(&f.tools, "tools", nil, "the `tools` that a job may use without a question")
	flags.StringSliceVar(&f.to, "to", nil, "further `places` that a job may reach with them")
	cmd.MarkFlagsMutuallyExclusive("list", "revoke")
	return cmd
}

func runVouch(cmd *cobra.Command, f vouchFlags, args []string) error {
	if f.revoke {
		return revoke(cmd, args, "seawall vouch --list")
	}
	dir, err := existingState()
	if err != nil {
		return err
	}
	defer dir.Close()
	done := progress(cmd, "Reading the agent's files")
	installs, err := findOpenClaw(cmd.Context(), cmd.ErrOrStderr(), "")
	done()
	if err != nil {
		return err
	}
	found := vouch.Read(cmd.Context(), host.Live(), installs)
	// What is left to do is the state's owner's.
	if err := dir.BecomeOwner(); err != nil {
		return err
	}
	vouched, err := operator.AllVouched(dir)
	if err != nil {
		return err
	}
	var book *lineage.Book
	if _, err := os.Stat(dir.Path(lineage.File)); err == nil {
		if book, err = lineage.Look(cmd.Context(), dir); err != nil {
			return err
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	all := found.Offers(vouched, book)
	for _, p := range found.Problems {
		fmt.Fprintf(cmd.ErrOrStderr(), "Note: %s.\n", printable(p))
	}
	switch {
	case len(args) > 0:
		return vouchFor(cmd, f, dir, all, args)
	case f.json:
		return json.NewEncoder(cmd.OutOrStdout()).Encode(all)
	case f.list || !terminal(cmd.InOrStdin()):
		return listOffers(cmd, all)
	}
	return offerAll(cmd, f, dir, all)
}

// stands says in words how an offer stands.
func stands(o vouch.Offer) string {
	switch o.State {
	case vouch.Vouched:
		return "you vouch for it"
	case vouch.Changed:
		return "changed since you vouched for it, by nobody that Seawall saw"
	case vouch.Agent:
		if len(o.Labels) == 0 {
			return "the agent wrote it, at your word"
		}
		return "the agent wrote it, out of: " + strings.Join(o.Labels, ", ")
	}
	return "nobody known wrote it"
}

func listOffers(cmd *cobra.Command, all []vouch.Offer) error {
	out := plain.Writer(cmd.OutOrStdout())
	if len(all) == 0 {
		fmt.Fprintln(out, "The agent has no files or jobs that tell it anything.")
		return nil
	}
	for _, o := range all {
		show(out, o)
	}
	fmt.Fprintln(out, "To go through them on a terminal: seawall vouch")
	return nil
}

func show(out io.Writer, o vouch.Offer) {
	fmt.Fprintf(out, "%s  %s\n    %s\n", o.ID, o.Name, stands(o))
	if o.Schedule != "" {
		fmt.Fprintf(out, "    runs: %s\n", o.Schedule)
	}
	if len(o.Tools) > 0 {
		fmt.Fprintf(out, "    tools: %s\n", strings.Join(o.Tools, ", "))
	}
	if len(o.Passes) > 0 {
		fmt.Fprintf(out, "    lets pass: %s\n", strings.Join(o.Passes, ", "))
	}
}

// vouchFor vouches for what is named.
func vouchFor(cmd *cobra.Command, f vouchFlags, dir *state.Dir, all []vouch.Offer, args []string) error {
	for _, id := range args {
		i := slices.IndexFunc(all, func(o vouch.Offer) bool { return o.ID == id })
		if i < 0 {
			return fmt.Errorf("%s is no file or job that tells the agent anything: seawall vouch --list shows those there are", printable(id))
		}
		if err := accept1(cmd, f, dir, all[i]); err != nil {
			return err
		}
	}
	return nil
}

func accept1(cmd *cobra.Command, f vouchFlags, dir *state.Dir, o vouch.Offer) error {
	if o.Kind == "job" {
		o.Tools, o.Passes = merged(o.Tools, f.tools), merged(o.Passes, f.to)
	}
	if err := vouch.Accept(dir, o, time.Now()); err != nil {
		return err
	}
	what := "You vouch for %s as it is now.\n"
	if o.Kind == "job" {
		what = "%s is a standing order as it is now.\n"
	}
	fmt.Fprintf(cmd.OutOrStdout(), what, printable(o.ID))
	return nil
}

func merged(a, b []string) []string {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}

// offerAll goes through what nobody vouches for.
func offerAll(cmd *cobra.Command, f vouchFlags, dir *state.Dir, all []vouch.Offer) error {
	out, in := plain.Writer(cmd.OutOrStdout()), bufio.NewReader(cmd.InOrStdin())
	for _, o := range all {
		if o.State == vouch.Vouched {
			continue
		}
		show(out, o)
		fmt.Fprintln(out)
		if text := o.Diff; text != "" {
			fmt.Fprintln(out, text)
		} else {
			fmt.Fprintln(out, o.Text)
		}
		fmt.Fprint(out, "Do you vouch for it as it is? [y]es, [l]eave it, [q]uit: ")
		line, err := in.ReadString('\n')
		switch answer := strings.ToLower(strings.TrimSpace(line)); {
		case answer == "y" || answer == "yes":
			if err := accept1(cmd, f, dir, o); err != nil {
				return err
			}
		case answer == "q" || err != nil:
			return nil
		}
	}
	fmt.Fprintln(out, "That is all there is.")
	return nil
}

// revoke takes vouches back.
func revoke(cmd *cobra.Command, ids []string, list string) error {
	dir, err := existingState()
	if err != nil {
		return err
	}
	defer dir.Close()
	if err := dir.BecomeOwner(); err != nil {
		return err
	}
	if len(ids) == 0 {
		return fmt.Errorf("name what you vouch for no longer: %s shows it", list)
	}
	for _, id := range ids {
		switch ok, err := vouch.Revoke(dir, id); {
		case err != nil:
			return err
		case !ok:
			return fmt.Errorf("nobody vouches for %s: %s shows what is vouched for", printable(id), list)
		}
		fmt.Fprintf(cmd.OutOrStdout(), "Nobody vouches for %s any more.\n", printable(id))
	}
	return nil
}
