package main

import "github.com/spf13/cobra"

// helpOwnUser is the topic `seawall help own-user`.
func helpOwnUser() *cobra.Command {
	return &cobra.Command{
		Use:   "own-user",
		Short: "How to give OpenClaw a user of its own",
		Long: `Seawall protects only what the agent cannot reach. An OpenClaw that runs as root,
or as the user that runs Seawall, can read Seawall's keys and switch it off. Give
it a user of its own, as root, with the gateway stopped:

  useradd --create-home --shell /bin/bash openclaw
  openclaw gateway stop
  mv /root/.openclaw /home/openclaw/.openclaw
  chown -R openclaw:openclaw /home/openclaw
  chmod 700 /home/openclaw/.openclaw
  sudo -iu openclaw openclaw doctor
  sudo -iu openclaw openclaw gateway install
  loginctl enable-linger openclaw

Do not add that user to the groups sudo, docker, lxd or disk: each of them leads
to root. Workspaces that stood elsewhere move along (agents.defaults.workspace in
openclaw.json names them). Then, as root again: seawall up.`,
	}
}
