package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/openseawall/seawall/internal/service"
	"github.com/openseawall/seawall/internal/state"
)

func newGuard() *cobra.Command {
	var upstream, api, agent string
	var plain bool
	listen := service.AloneAddress
	cmd := &cobra.Command{
		Use:   "guard --upstream URL --api FORMAT",
		Short: "Stand between any agent or SDK and its model, without OpenClaw",
		Long: `Guard opens the model door for one provider. It takes any agent or SDK that can be
given a base URL, which is the first line that guard prints:

  seawall guard --api openai-completions --upstream https://api.openai.com/v1
  seawall guard --api openai-responses   --upstream https://api.openai.com/v1
  seawall guard --api anthropic-messages --upstream https://api.anthropic.com

The client's key passes through and is not kept. Each tool call that the model
makes is judged by the policy before the client gets it; secrets are cut out on
the way to the model and in its answers; every decision is in the record
(seawall log).

With --agent openclaw, the default, calls that OpenClaw would make of plain text
and names that it would repair are judged as it would run them. With --agent other
only the calls of the wire format count.

Started by root, the door runs as the system user "seawall". It ends with Ctrl-C.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if agent != "openclaw" && agent != "other" {
				return fmt.Errorf("--agent %q: it is openclaw or other", agent)
			}
			a, err := service.NewAlone(upstream, api, plain)
			if err != nil {
				return err
			}
			a.Literal = agent == "other"
			return guardAlone(cmd, a, listen)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&upstream, "upstream", "", "base `URL` of the provider, as its SDK takes it")
	flags.StringVar(&api, "api", "", "wire `FORMAT`: openai-completions, openai-responses or anthropic-messages")
	flags.StringVar(&agent, "agent", "openclaw", "who asks: openclaw or other")
	flags.StringVar(&listen, "listen", listen, "`address` of the door")
	flags.BoolVar(&plain, "plain-http", false, "allow an unencrypted provider on another machine")
	_ = cmd.MarkFlagRequired("upstream")
	_ = cmd.MarkFlagRequired("api")
	return cmd
}

func guardAlone(cmd *cobra.Command, a service.Alone, address string) error {
	out, ctx := cmd.OutOrStdout(), cmd.Context()
	signal.Ignore(syscall.SIGPIPE) // whoever read the first line may stop there
	dir, err := state.Open(stateDir)
	if err != nil {
		return err
	}
	defer dir.Close()
	release, err := dir.Lock()
	if err != nil {
		return err
	}
	defer release()
	door, err := listen(address, "the door", "--listen")
	if err != nil {
		return err
	}
	addr := door.Addr()
	if a.Reaches(addr) {
		return errors.Join(fmt.Errorf("--upstream and --listen are the same address, so the door would ask itself: give the provider's base URL"), door.Close())
	}
	doors, err := service.StartAlone(ctx, dir, door, a, version())
	if err != nil {
		return err
	}
	fmt.Fprintln(out, a.BaseURL(addr.String()))
	greetAlone(out, dir, doors.Notes)
	select {
	case <-doors.Done():
		return fmt.Errorf("the door has ended (%v): the agent cannot reach its model until `seawall guard` runs again", doors.Err())
	case <-ctx.Done():
		return doors.Stop()
	}
}

// greetAlone says what is worth knowing behind the base URL.
func greetAlone(out io.Writer, dir *state.Dir, notes []string) {
	for _, note := range notes {
		fmt.Fprintln(out, "Note:", note)
	}
	fmt.Fprintln(out, "This is the base URL for the agent or SDK; its key stays its own.")
	fmt.Fprintf(out, "Record: %s (seawall log --state %s)\n", dir.Path(state.Ledger), dir)
	fmt.Fprintf(out, "Policy: %s\n", dir.Path(state.Policy))
	if os.Geteuid() != 0 {
		fmt.Fprintln(out, "Watching, not protecting: an agent of the same user can change both. To change that: sudo seawall guard")
	}
	if terminal(out) {
		fmt.Fprintln(out, "It ends with Ctrl-C.")
	}
}
