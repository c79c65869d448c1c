package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/openseawall/seawall/internal/keep"
	"github.com/openseawall/seawall/internal/plain"
	"github.com/openseawall/seawall/internal/posture/survey"
	"github.com/openseawall/seawall/internal/service"
	"github.com/openseawall/seawall/internal/state"
)

func newDigest() *cobra.Command {
	return &cobra.Command{
		Use:   "digest",
		Short: "Say what there is to do this week, and what changed",
		Long: `Digest says what the message of this week would say now: what there is to do, what
changed since the last one, and what the agent did. Where "seawall notify" knows a
place, it comes by itself once a week.`,
		Args: cobra.NoArgs, PreRunE: asOwner,
		RunE: onState(func(cmd *cobra.Command, _ []string, dir *state.Dir) error {
			a, err := survey.Last(dir)
			if err != nil {
				return err
			}
			if a == nil {
				return errors.New("this machine was not audited yet: seawall audit")
			}
			last, err := keep.Last(dir)
			if err != nil {
				return err
			}
			s, err := readStatus(cmd)
			if err != nil {
				return err
			}
			d, err := service.NewDigest(cmd.Context(), dir, a, last, s.Label, time.Now())
			if err != nil {
				return err
			}
			name, _ := os.Hostname()
			m := d.Message(name)
			fmt.Fprintf(cmd.OutOrStdout(), "%s\n\n%s\n", printable(m.Title), plain.Text(m.Text))
			return nil
		}),
	}
}
