// Command lab runs the lab's real things by hand.
//
//	go run ./lab install                       OpenClaw and the official SDKs, from npm into the lab's cache, once
//	go run ./lab changes                       what is other in $SEAWALL_LAB_OPENCLAW than in the pinned OpenClaw
//	go run ./lab model --listen 127.0.0.1:9999 a scripted model that echoes, or calls the tool it is told to
//	go run ./lab openclaw                      a real OpenClaw talking to that model, in a network of its own
package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/openseawall/seawall/lab/model"
	"github.com/openseawall/seawall/lab/netns"
	"github.com/openseawall/seawall/lab/openclaw"
	"github.com/openseawall/seawall/lab/sdk"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := &cobra.Command{Use: "lab", Short: "Run the lab's real things by hand", SilenceUsage: true}
	root.AddCommand(installCommand(), changesCommand(), modelCommand(), openclawCommand())
	if err := root.ExecuteContext(ctx); err != nil {
		os.Exit(1)
	}
}

func installCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "install",
		Short: "Install OpenClaw " + openclaw.Version + ", the release before it and the official SDKs into the lab's cache",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			i, err := openclaw.Install(cmd.Context(), cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			before, err := openclaw.InstallVersion(cmd.Context(), openclaw.Previous, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			dir, err := sdk.Install(cmd.Context(), cmd.ErrOrStderr())
			if err == nil {
				fmt.Println(i.Dir)
				fmt.Println(before.Dir)
				fmt.Println(dir)
			}
			return err
		},
	}
}

func modelCommand() *cobra.Command {
	var listen, key string
	cmd := &cobra.Command{
		Use:   "model",
		Short: "A scripted model: it echoes, or calls the tool that TOOL:name:{…} names",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := net.Listen("tcp", listen)
			if err != nil {
				return err
			}
			m := model.Serve(l, key, model.Func(func(r *model.Request) model.Answer {
				fmt.Printf("%s  %d bytes, %d tools: %q\n", r.Path, len(r.Body), len(r.Tools), r.LastUser())
				return model.Echo().Answer(r)
			}))
			fmt.Printf("OpenAI formats at %s, Anthropic's at %s\n", m.BaseURL(model.Chat), m.BaseURL(model.Anthropic))
			<-cmd.Context().Done()
			return m.Close()
		},
	}
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:9999", "address and port")
	cmd.Flags().StringVar(&key, "key", "", "refuse every other key")
	return cmd
}

func openclawCommand() *cobra.Command {
	var open bool
	cmd := &cobra.Command{
		Use:   "openclaw",
		Short: "A real OpenClaw with a scripted model, in a network of its own",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			i, err := openclaw.Install(cmd.Context(), cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			var space *netns.Namespace
			listen := func(addr string) (net.Listener, error) { return net.Listen("tcp", addr) }
			if !open {
				if space, err = netns.Create(); err != nil {
					return err
				}
				defer func() { err = errors.Join(err, space.Delete()) }()
				listen = space.Listen
			}
			l, err := listen("127.0.0.1:0")
			if err != nil {
				return err
			}
			m := model.Serve(l, "", model.Echo())
			defer func() { _ = m.Close() }()
			return runOpenClaw(cmd.Context(), i, space, m)
		},
	}
	cmd.Flags().BoolVar(&open, "here", false, "on this machine's own loopback, without a namespace")
	return cmd
}

// runOpenClaw keeps a gateway until the context ends, and says how to use it.
func runOpenClaw(ctx context.Context, i *openclaw.Installed, space *netns.Namespace, m *model.Server) error {
	dir, err := os.MkdirTemp("", "swlab-openclaw-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	var providers []openclaw.Provider
	for _, api := range model.APIs {
		providers = append(providers, openclaw.Provider{ID: string(api), API: api, BaseURL: m.BaseURL(api), Key: "sk-lab"})
	}
	h, err := openclaw.NewHome(i, dir, openclaw.Options{NetNS: space, Providers: providers})
	if err != nil {
		return err
	}
	g, err := h.Start(ctx)
	if err != nil {
		return err
	}
	enter := ""
	if space != nil {
		enter = "nsenter --net=" + space.Path() + " "
	}
	fmt.Printf("gateway on port %d, pid %d, log %s\nmodel at %s\n\n", h.Port, g.Pid(), h.Log, m.Origin())
	fmt.Printf("  %senv HOME=%s PATH=%s/node_modules/.bin:$PATH openclaw agent --agent main --message 'TOOL:exec:{\"command\":\"id\"}'\n", enter, h.Dir, i.Dir)
	<-ctx.Done()
	return g.Stop()
}
