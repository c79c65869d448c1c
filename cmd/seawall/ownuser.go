package main

import "github.com/spf13/cobra"

// helpOwnUser is the topic `seawall help own-user`.
func helpOwnUser() *cobra.Command {
	return &cobra.Command{
		Use:   "own-user",
		Short: "How to give OpenClaw a user of its own",
		Long: `Seawall protects only what the agent cannot reach. An OpenClaw that runs as root,
or as the user that runs Seawall, can read Seawall's keys and switch it off. Give
it a user of its own, as root:

  openclaw gateway uninstall
  useradd --create-home --shell /bin/bash openclaw
  mv /root/.openclaw /home/openclaw/.openclaw
  sed -i 's|/root/.openclaw|/home/openclaw/.openclaw|g' /home/openclaw/.openclaw/openclaw.json
  chown -R openclaw:openclaw /home/openclaw/.openclaw
  chmod 700 /home/openclaw /home/openclaw/.openclaw
  loginctl enable-linger openclaw
  sudo -iu openclaw openclaw doctor --fix --yes
  sudo -iu openclaw openclaw gateway install

Do not add that user to the groups sudo, docker, lxd or disk: each of them leads
to root. A workspace that stands elsewhere moves along: agents.defaults.workspace
in openclaw.json names it. Then, as root again: seawall up. docs/own-user.md says
what each line is for, and the way back.`,
	}
}
