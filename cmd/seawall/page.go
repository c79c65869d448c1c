package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/user"

	"github.com/spf13/cobra"

	"github.com/openseawall/seawall/internal/service"
	"github.com/openseawall/seawall/internal/state"
)

func newPage() *cobra.Command {
	return &cobra.Command{
		Use:     "page",
		Short:   "Print a link that opens the status page once",
		Args:    cobra.NoArgs,
		PreRunE: asOwner,
		RunE: onState(func(cmd *cobra.Command, _ []string, dir *state.Dir) error {
			i, err := service.Find(dir)
			if err != nil {
				return err
			}
			if i == nil {
				return errors.New("no Seawall runs, so there is no page: start one with seawall up")
			}
			return printLink(cmd.OutOrStdout(), dir, i.Page)
		}),
	}
}

// printLink makes a new login link; where no browser can run, with the tunnel
// that brings the page to the reader's own machine.
func printLink(out io.Writer, dir *state.Dir, page string) error {
	link, err := service.NewLogin(dir, page)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "Status page, opens once:", link)
	if os.Getenv("DISPLAY") == "" && os.Getenv("WAYLAND_DISPLAY") == "" {
		_, port, err := net.SplitHostPort(page)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "From your own computer first: ssh -N -L %s:%s %s\n", port, page, sshTarget())
	}
	return nil
}

// sshTarget is how the reader reaches this machine: the address that the
// present ssh session came in on, or the host's name.
func sshTarget() string {
	name := "root"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	if from := os.Getenv("SUDO_USER"); from != "" {
		name = from
	}
	hostname, _ := os.Hostname()
	var client, clientPort, server, serverPort string
	if n, _ := fmt.Sscan(os.Getenv("SSH_CONNECTION"), &client, &clientPort, &server, &serverPort); n == 4 {
		if serverPort != "22" {
			return fmt.Sprintf("-p %s %s@%s", serverPort, name, server)
		}
		hostname = server
	}
	return name + "@" + hostname
}
