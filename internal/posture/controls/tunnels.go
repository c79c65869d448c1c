package controls

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/posture"
)

// The tunnel controls find what carries this machine's services elsewhere: what
// runs is firewall-tunnel's, the rest would start, or goes by another way. No
// firewall rule sees any of it.
var tunnelControls = []posture.Control{
	{
		ID: "tunnels-enabled", Title: "A public tunnel starts with the machine", Family: posture.Tunnels, Severity: posture.Medium,
		Why:    "One that is off today publishes again after the next reboot, and nobody remembers it.",
		Advice: "systemctl disable --now UNIT, and delete the tunnel at its provider",
		Source: baseline + ", one public tunnel that never got turned off",
		Needs:  []posture.Need{posture.Units},
		Check: func(f *posture.Facts) (found []posture.Finding) {
			for _, u := range tunnelUnits(f) {
				found = append(found, posture.On(u.Name, "%s is enabled (%s)", u.Name, u.Active))
			}
			return found
		},
	},
	{
		ID: "tunnels-funnel", Title: "Tailscale publishes a service of this machine to everyone", Family: posture.Tunnels, Severity: posture.High,
		Why:    "Funnel is the public Internet, whatever the firewall here says. It was set up with one command and is in no config of OpenClaw's.",
		Advice: "tailscale funnel reset; tailscale serve keeps it inside the tailnet",
		Source: "Tailscale docs, Funnel; " + baseline + ", public exposure",
		Needs:  []posture.Need{posture.Tailnet},
		Check: func(f *posture.Facts) (found []posture.Finding) {
			for _, at := range f.Tailnet.Value.Funnel {
				found = append(found, posture.On(at, "funnel is on for %s", at))
			}
			return found
		},
	},
	{
		ID: "tunnels-ssh", Title: "A forwarded port of an SSH session listens for everyone", Family: posture.Tunnels, Severity: posture.High,
		Why:    "ssh -L with -g, or -R into this machine, opens a port that no service owns and no config names.",
		Advice: "End the session; forward to 127.0.0.1 only",
		Source: "ssh(1), -g, -L, -R; " + baseline + ", one forwarded port for temporary access",
		Needs:  []posture.Need{posture.Sockets, ownSSH},
		Check: func(f *posture.Facts) (found []posture.Finding) {
			for _, s := range f.Sockets.Value {
				own := s.Process == "sshd" && ownPort(f.SSHD.Value, s.Addr.Port())
				if s.Proto == "tcp" && s.Public() && !own && slices.Contains([]string{"ssh", "sshd", "autossh", "sshd-session"}, s.Process) {
					found = append(found, posture.On(s.Addr.String(), "%s listens on %s", s.Process, s.Addr))
				}
			}
			return found
		},
	},
	{
		ID: "tunnels-container", Title: "A container is a public tunnel", Family: posture.Tunnels, Severity: posture.High,
		Why:    "It needs no published port and passes every rule for inbound traffic.",
		Advice: "docker rm -f it, and delete the tunnel at its provider",
		Source: baseline + ", public exposure; Cloudflare docs, cloudflared",
		Needs:  []posture.Need{posture.Containers},
		Check: func(f *posture.Facts) (found []posture.Finding) {
			for _, c := range f.Containers.Value {
				if c.Inspect.Config == nil || !running(c) {
					continue
				}
				image := c.Inspect.Config.Image
				if name := path.Base(strings.SplitN(strings.SplitN(image, "@", 2)[0], ":", 2)[0]); slices.Contains(tunnelPrograms, name) {
					found = append(found, posture.On(c.Name(), "it runs %s", image))
				}
			}
			return found
		},
	},
	{
		ID: "tunnels-job", Title: "A scheduled job opens a tunnel", Family: posture.Tunnels, Severity: posture.Medium,
		Why:    "It comes back by itself after whoever closed it has gone.",
		Advice: "Remove the job, or write down who needs it and make it a unit",
		Source: baseline + ", public exposure; MITRE ATT&CK T1572",
		Needs:  []posture.Need{posture.CronJobs},
		Check: func(f *posture.Facts) (found []posture.Finding) {
			for _, j := range f.Cron.Value {
				if what := tunnelCommand(strings.Fields(j.Command)); what != "" {
					found = append(found, posture.On(j.Source, "a job of %s %s", j.User, what))
				}
			}
			return found
		},
	},
	{
		ID: "tunnels-router", Title: "A program asks the router to open ports", Family: posture.Tunnels, Severity: posture.High,
		Why:    "UPnP and NAT-PMP publish a machine at home without anyone looking at the router.",
		Advice: "Stop it, and switch UPnP off in the router",
		Source: baseline + ", public exposure; CERT VU#922681 (libupnp)",
		Needs:  []posture.Need{posture.Processes},
		Check: func(f *posture.Facts) (found []posture.Finding) {
			for _, p := range f.Processes.Value {
				if slices.Contains([]string{"upnpc", "natpmpc", "upnpd", "miniupnpd", "portmapper"}, p.Name) {
					found = append(found, posture.On(fmt.Sprintf("process %d", p.PID), "%s runs", p.Name))
				}
			}
			return found
		},
	},
}

// tunnelPrograms publish a local service through somebody else's server.
var tunnelPrograms = []string{"cloudflared", "ngrok", "frpc", "bore", "localtunnel", "lt", "zrok", "pagekite", "chisel", "rathole", "sish", "playit", "loophole", "holesail"}

// tunnelUnits are enabled services that run one of tunnelPrograms.
func tunnelUnits(f *posture.Facts) (units []host.Unit) {
	for _, u := range f.Units.Value {
		if u.Enabled == "enabled" && tunnelCommand(strings.Fields(u.Exec)) != "" {
			units = append(units, u)
		}
	}
	return units
}

// tunnelCommand says what a command line publishes, or "".
func tunnelCommand(words []string) string {
	for i, w := range words {
		name := path.Base(strings.TrimPrefix(w, "path="))
		if slices.Contains(tunnelPrograms, name) || name == "tailscale" && slices.Contains(words[i:], "funnel") {
			return "runs " + name
		}
		if name == "ssh" || name == "autossh" {
			if what := tunnel(host.Process{Name: name, Args: words[i:]}); what != "" {
				return "forwards a port with " + name + " -R"
			}
		}
	}
	return ""
}

// ownPort reports whether sshd was told to listen on a port: by Port, or by a
// ListenAddress that has one.
func ownPort(s host.SSHD, port uint16) bool {
	return slices.Contains(s.Ports, port) || slices.ContainsFunc(s.Options["listenaddress"], func(at string) bool {
		return strings.HasSuffix(at, fmt.Sprintf(":%d", port))
	})
}

// ownSSH needs sshd's own ports, where there is an sshd.
var ownSSH = orNothing("sshd", func(f *posture.Facts) (host.Status, string) { return f.SSHD.State() })
