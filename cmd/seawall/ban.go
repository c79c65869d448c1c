package main

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/posture/firewall"
)

func newBan() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "ban",
		Short: "Who is kept from SSH, by the firewall and by fail2ban",
		Long: `Ban shows which addresses and networks are kept from SSH, by Seawall's firewall
and by fail2ban, and lets one in again. Whoever logged in with a key before
"seawall harden" is allowed: slowed down for a minute at most, never banned.
Sessions that are open are never cut.`,
		Args: cobra.NoArgs,
	}
	cmd.AddCommand(newBanList(), newBanRemove(), newBanAllow())
	return cmd
}

func guardOfSSH() firewall.Guard { return firewall.Guard{Host: host.Live(), Now: time.Now} }

func newBanList() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List who is banned from SSH, until when, and who never is",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			bans, err := guardOfSSH().List(cmd.Context())
			if err != nil {
				return fmt.Errorf("asking who is banned (it needs root): %w", err)
			}
			if asJSON {
				return writeJSON(cmd.OutOrStdout(), bans)
			}
			return printBans(cmd.OutOrStdout(), bans)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func printBans(w io.Writer, b firewall.Bans) error {
	for _, what := range b.Missing {
		fmt.Fprintln(w, printable(what)+".")
	}
	if len(b.Banned) == 0 {
		fmt.Fprintln(w, "Nobody is banned from SSH.")
	} else {
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		fmt.Fprintln(t, "BANNED\tBY\tUNTIL")
		for _, x := range b.Banned {
			fmt.Fprintf(t, "%s\t%s\t%s\n", short(x.Address), x.By, until(x.Until))
		}
		if err := t.Flush(); err != nil {
			return err
		}
	}
	for _, p := range b.Allowed {
		fmt.Fprintln(w, "Never banned:", short(p))
	}
	return nil
}

func short(p netip.Prefix) string {
	if p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.String()
}

func until(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Local().Format("2006-01-02 15:04")
}

func newBanRemove() *cobra.Command {
	return changeBans("remove ADDRESS", "Lift the bans of an address or a network", "",
		func(ctx context.Context, g firewall.Guard, who string) ([]firewall.Ban, string, error) {
			lifted, err := g.Remove(ctx, who)
			return lifted, who + " may try SSH again.", err
		})
}

func newBanAllow() *cobra.Command {
	return changeBans("allow ADDRESS", "Never ban an address or a network again",
		"It holds over restarts. To take it back, delete its line from "+firewall.AllowPath+"\nand run \"systemctl reload "+firewall.Unit+"\".",
		func(ctx context.Context, g firewall.Guard, who string) ([]firewall.Ban, string, error) {
			lifted, err := g.Allow(ctx, who)
			return lifted, who + " is never banned from SSH; more than 60 connections a minute wait.", err
		})
}

// changeBans is a command that changes who is banned, and prints what it lifted.
func changeBans(use, brief, long string, change func(context.Context, firewall.Guard, string) ([]firewall.Ban, string, error)) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   use,
		Short: brief,
		Long:  long,
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			lifted, said, err := change(cmd.Context(), guardOfSSH(), args[0])
			if err != nil {
				return fmt.Errorf("%s %s (it needs root): %w", cmd.CommandPath(), args[0], err)
			}
			out := cmd.OutOrStdout()
			if asJSON {
				return writeJSON(out, map[string]any{"lifted": lifted})
			}
			for _, b := range lifted {
				fmt.Fprintf(out, "Lifted: %s, banned by %s.\n", short(b.Address), b.By)
			}
			fmt.Fprintln(out, printable(said))
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}
