package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/openseawall/seawall/internal/keep"
	"github.com/openseawall/seawall/internal/keep/notify"
	"github.com/openseawall/seawall/internal/state"
)

func newNotify() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "notify",
		Short: "Say where messages go when something cannot wait",
		Long: `Notify keeps the places to which Seawall sends short messages: ntfy, Telegram,
e-mail, Slack, Matrix and what else shoutrrr knows (https://shoutrrr.nickfedor.com/
has the form of each address).

A message comes at once when OpenClaw is away or starts again and again, when the
agent is no longer guarded, at a new critical finding, a full disk, a reboot that is
due and a question that waits for you. All else comes once a week, as a digest. No
message holds a secret.`,
		Example: `  seawall notify add                 asks for the address, and does not show it
  seawall notify test
  seawall notify pulse https://…     is asked for after each audit: who misses it, warns you`,
	}
	cmd.AddCommand(newNotifyAdd(), newNotifyList(), newNotifyRemove(), newNotifyTest(), newNotifyPulse(), newNotifyDied())
	return cmd
}

func newNotifyAdd() *cobra.Command {
	return &cobra.Command{
		Use:   "add [URL]",
		Short: "Add a place; without URL it is asked for, so that its token stays out of the shell's history",
		Args:  cobra.MaximumNArgs(1), PreRunE: asOwner,
		RunE: func(cmd *cobra.Command, args []string) error {
			address, err := secretArgument(cmd, args, "Address, as ntfy://ntfy.sh/TOPIC")
			if err != nil {
				return err
			}
			return withState(stateToKeep, func(dir *state.Dir) error {
				d, err := notify.Add(dir, address, time.Now())
				if err != nil {
					return err
				}
				fmt.Fprintf(cmd.OutOrStdout(), "Messages go to destination %d (%s). Try it: seawall notify test\n", d.Number, d.Service())
				return nil
			})
		},
	}
}

// secretArgument is an argument, or else what a person types and nobody sees.
func secretArgument(cmd *cobra.Command, args []string, question string) (string, error) {
	if len(args) == 1 {
		return args[0], nil
	}
	in, typed := cmd.InOrStdin().(*os.File)
	if !typed || !terminal(in) {
		line, err := bufio.NewReader(io.LimitReader(cmd.InOrStdin(), 8<<10)).ReadString('\n')
		if err != nil && err != io.EOF {
			return "", fmt.Errorf("reading the address from standard input: %w", err)
		}
		return strings.TrimSpace(line), nil
	}
	fmt.Fprint(cmd.ErrOrStderr(), question+": ")
	line, err := term.ReadPassword(int(in.Fd()))
	fmt.Fprintln(cmd.ErrOrStderr())
	if err != nil {
		return "", fmt.Errorf("reading the address: %w", err)
	}
	return strings.TrimSpace(string(line)), nil
}

func newNotifyList() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "list", Short: "List the places, without their addresses", Args: cobra.NoArgs, PreRunE: asOwner,
		RunE: onState(func(cmd *cobra.Command, _ []string, dir *state.Dir) error {
			list, pulse, err := notify.List(dir)
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			if asJSON {
				shown := []map[string]any{}
				for _, d := range list {
					shown = append(shown, map[string]any{"number": d.Number, "service": d.Service(), "added": d.Added})
				}
				return json.NewEncoder(out).Encode(map[string]any{"destinations": shown, "pulse": pulse})
			}
			if len(list) == 0 {
				fmt.Fprintln(out, "Messages go nowhere. To change that: seawall notify add")
			}
			for _, d := range list {
				fmt.Fprintf(out, "%3d  %-12s  since %s\n", d.Number, d.Service(), d.Added.Local().Format("2006-01-02"))
			}
			if pulse {
				fmt.Fprintln(out, "A pulse is sent after each audit.")
			}
			return nil
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func newNotifyRemove() *cobra.Command {
	return &cobra.Command{
		Use: "remove NUMBER", Short: "Take a place out", Args: cobra.ExactArgs(1), PreRunE: asOwner,
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := strconv.Atoi(args[0])
			if err != nil {
				return fmt.Errorf("%q is no number: `seawall notify list` shows them", args[0])
			}
			return withState(existingState, func(dir *state.Dir) error {
				if err := notify.Remove(dir, n); err != nil {
					return err
				}
				fmt.Fprintf(cmd.OutOrStdout(), "No more messages to destination %d.\n", n)
				return nil
			})
		},
	}
}

func newNotifyTest() *cobra.Command {
	return &cobra.Command{
		Use: "test", Short: "Send a message to every place now", Args: cobra.NoArgs, PreRunE: asOwner,
		RunE: onState(func(cmd *cobra.Command, _ []string, dir *state.Dir) error {
			name, _ := os.Hostname()
			done := progress(cmd, "Sending")
			taken, err := notify.Send(cmd.Context(), dir, notify.Message{
				Title: "Seawall on " + name, Text: "This is a test, by " + who() + ". When something cannot wait, you read it here.",
			})
			done()
			if err != nil {
				return err
			}
			if taken == 0 {
				return fmt.Errorf("messages go nowhere: add a place with `seawall notify add`")
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%d took it. Look whether it came.\n", taken)
			return nil
		}),
	}
}

func newNotifyPulse() *cobra.Command {
	var off bool
	cmd := &cobra.Command{
		Use:   "pulse [URL]",
		Short: "Ask for an address after each audit, so that somebody misses this machine when it is down",
		Long: `Pulse has Seawall ask for an address after each audit, every hour. A service for
dead man's switches (healthchecks.io, Uptime Kuma, one of your own) warns you when it
is not asked any more. Without URL the address is asked for.`,
		Args: cobra.MaximumNArgs(1), PreRunE: asOwner,
		RunE: func(cmd *cobra.Command, args []string) error {
			return withState(stateToKeep, func(dir *state.Dir) error {
				if off {
					if err := notify.SetPulse(dir, ""); err != nil {
						return err
					}
					fmt.Fprintln(cmd.OutOrStdout(), "No pulse is sent any more.")
					return nil
				}
				address, err := secretArgument(cmd, args, "Address")
				if err != nil {
					return err
				}
				if address == "" {
					return fmt.Errorf("there is no address: name one, or end the pulse with --off")
				}
				if err := notify.SetPulse(dir, address); err != nil {
					return err
				}
				if err := notify.Beat(cmd.Context(), dir); err != nil {
					return err
				}
				fmt.Fprintln(cmd.OutOrStdout(), "It answered. It is asked for after each audit from now on.")
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&off, "off", false, "send it no more")
	return cmd
}

// newNotifyDied is what systemd runs when a part of Seawall has failed.
func newNotifyDied() *cobra.Command {
	return &cobra.Command{
		Use: "died", Short: "Tell that a part of Seawall failed (started by seawall-died.service)", Args: cobra.NoArgs, Hidden: true,
		RunE: onState(func(cmd *cobra.Command, _ []string, dir *state.Dir) error {
			name, _ := os.Hostname()
			return keep.Died(cmd.Context(), dir, name, time.Now())
		}),
	}
}
