package controls

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/posture"
	"github.com/openseawall/seawall/internal/posture/change"
	"github.com/openseawall/seawall/internal/posture/firewall"
)

// ruleset needs the live rules; a machine without a firewall has none, and
// that is an answer.
var ruleset = orNothing("firewall ruleset", func(f *posture.Facts) (host.Status, string) { return f.Firewall.State() })

// containers needs to know the containers; without Docker there are none.
var containers = posture.Containers

// mailPorts and chatPorts are what a taken machine is used for first: sending
// spam, and taking orders.
var (
	mailPorts = []uint16{25, 465, 587, 2525}
	chatPorts = []uint16{194, 6667, 6697}
)

// unusedPort is a port that nobody opens on purpose: if a stranger's packet
// for it is accepted, so is one for any port that is opened by accident.
const unusedPort = 64999

// metadata is where clouds answer with the machine's own credentials
// (169.254.169.254 at AWS, Google, Azure, Hetzner and most others).
var metadata = netip.AddrFrom4([4]byte{169, 254, 169, 254})

var firewallControls = []posture.Control{
	{
		ID: "firewall-no-default-drop", Title: "The firewall accepts what no rule allows", Family: posture.Firewall, Severity: posture.High,
		Why: "A port that some program opens tomorrow is then open to the world. What counts is what happens to a " +
			"packet, not what a policy line says: a later rule may accept it all the same.",
		Advice: "Load one ruleset that accepts loopback, established and the ports you mean, and drops the rest; never type the policy first over SSH",
		Source: guide + ", default DROP; " + errata,
		Needs:  []posture.Need{ruleset, posture.Interfaces},
		Check: func(f *posture.Facts) []posture.Finding {
			if r := fromOutside(f.Facts, "tcp", unusedPort, false); r >= perhaps {
				return posture.Found("a new TCP connection to port %d, which nothing uses, is %s", unusedPort, r)
			}
			return nil
		},
		Fix: firewall.Changes,
	},
	{
		ID: "firewall-ipv6-open", Title: "The firewall does not cover IPv6", Family: posture.Firewall, Severity: posture.High,
		Why:    "iptables rules say nothing about IPv6: every port they close stays open on the machine's other address.",
		Advice: "Use one inet table for both; let in ND, packet-too-big and what IPv6 needs",
		Source: errata,
		Needs:  []posture.Need{ruleset, posture.Interfaces},
		Check: func(f *posture.Facts) []posture.Finding {
			if !hasIPv6(f.Facts) {
				return nil
			}
			if r := fromOutside(f.Facts, "tcp", unusedPort, true); r >= perhaps {
				return posture.Found("over IPv6 a new TCP connection to port %d, which nothing uses, is %s", unusedPort, r)
			}
			return nil
		},
		Fix: firewall.Changes,
	},
	{
		ID: "firewall-syn-accept", Title: "A rate limit for SYNs accepts every port", Family: posture.Firewall, Severity: posture.High,
		Why: "The guide's SYN flood rule ends in ACCEPT without a port: below its rate, every port that the policy closes is " +
			"open again. The aim is right; the limit belongs on the accept of each allowed port.",
		Advice: "Delete the rule; put the limit on the rules that accept a port",
		Source: errata + ": port 9999, closed under DROP, was open again",
		Needs:  []posture.Need{ruleset, posture.Interfaces},
		Check: func(f *posture.Facts) (found []posture.Finding) {
			idle := max(fromOutside(f.Facts, "tcp", unusedPort, false), fromOutside(f.Facts, "tcp", unusedPort, true)) < perhaps
			for _, c := range f.Firewall.Value.Chains {
				for _, r := range c.Rules {
					if r.Verdict == "accept" && r.SynOnly && len(r.DPorts) == 0 && len(r.Src) == 0 && !trustedInterface(f, r.InIface) {
						finding := posture.On(c.Table+" "+c.Name, "%s", r.Text)
						if idle {
							finding = posture.On(c.Table+" "+c.Name, "%s (another table drops what it accepts)", r.Text).At(posture.Low)
						}
						found = append(found, finding)
					}
				}
			}
			return found
		},
		Fix: firewall.Changes,
	},
	{
		ID: "firewall-open-port", Title: "A port is open to everyone", Family: posture.Firewall, Severity: posture.High,
		Why:    "No public inbound port unless there is a reviewed reason: each one is what the next hole is tried on.",
		Advice: "Let the program listen on 127.0.0.1, or close the port and come in over Tailscale, WireGuard or an SSH tunnel",
		Source: baseline + ", public exposure; " + guide + ", firewall",
		Needs:  []posture.Need{ruleset, posture.Interfaces, posture.Sockets},
		Check:  checkOpenPorts,
		Fix:    fixOpen,
	},
	{
		ID: "firewall-published-port", Title: "A port that Docker publishes is open to everyone", Family: posture.Firewall, Severity: posture.High,
		Why: "Docker forwards published ports by rules of its own: INPUT and FORWARD at DROP do not stop them. " +
			"That is how containers are found on machines with a firewall.",
		Advice: "Publish on 127.0.0.1, and drop new traffic to the bridges in a forward chain that runs before Docker's (priority filter - 10)",
		Source: errata + "; " + baseline + ": Docker defaults are not enough",
		Needs:  []posture.Need{ruleset, posture.Interfaces, containers},
		Check: func(f *posture.Facts) (found []posture.Finding) {
			eachPublished(f, func(c host.Container, p published, e endpoint) {
				if p.loopback() {
					return
				}
				if r := toContainer(f.Facts, e, p.proto, p.container, p.number()); r >= perhaps {
					finding := posture.On(p.String(), "port %d of the container %s is %s", p.container, c.Name(), r)
					if c.OpenClaw {
						finding = finding.At(posture.Critical)
					}
					found = append(found, finding)
				}
			})
			return found
		},
		Fix: fixOpen,
	},
	{
		ID: "firewall-bridge-reachable", Title: "A neighbour reaches a container that is published for this machine only", Family: posture.Firewall, Severity: posture.Medium,
		Why: "Publishing on 127.0.0.1 hides the host's port, not the container: who routes the bridge's network to this " +
			"machine reaches it on its own address (Docker before 28).",
		Advice: "Drop new traffic to the bridges in a forward chain that runs before Docker's; local use of 127.0.0.1 keeps working",
		Source: errata + " (Docker 20.10)",
		Needs:  []posture.Need{ruleset, posture.Interfaces, containers},
		Check: func(f *posture.Facts) (found []posture.Finding) {
			eachPublished(f, func(c host.Container, p published, e endpoint) {
				if p.loopback() && toContainer(f.Facts, e, p.proto, p.container, 0) >= perhaps {
					found = append(found, posture.On(p.String(), "a neighbour reaches port %d of %s at %s", p.container, c.Name(), e.addr))
				}
			})
			return found
		},
		Fix: firewall.Changes,
	},
	{
		ID: "firewall-container-to-host", Title: "A container reaches services of the host", Family: posture.Firewall, Severity: posture.Medium,
		Why:    "What the firewall accepts from anywhere it accepts from the bridges too: a taken agent tries sshd, databases and panels from inside.",
		Advice: "Drop what comes from the bridges in the input chain, but for the doors the containers need",
		Source: guide + ", network isolation; " + errata,
		Needs:  []posture.Need{ruleset, posture.Sockets, containers},
		Check:  checkContainerToHost,
		Fix:    firewall.Changes,
	},
	{
		ID: "firewall-martian-loopback", Title: "A container can speak to services on the host's 127.0.0.1", Family: posture.Firewall, Severity: posture.High,
		Why: "userland-proxy false, which guides advise, makes Docker set route_localnet: a container with NET_RAW then " +
			"reached what listens on loopback only, the gateway's port above all. True has a price too (it listens on [::]). " +
			"The firewall decides.",
		Advice: "Drop early what arrives for 127.0.0.0/8 on any interface but lo, and drop NET_RAW from the containers",
		Source: errata + " (Docker 20.10)",
		Needs:  []posture.Need{ruleset, posture.Sysctl, containers},
		Check:  checkMartianLoopback,
		Fix:    firewall.Changes,
	},
	{
		ID: "firewall-host-mail-out", Title: "This machine can send mail to anyone", Family: posture.Firewall, Severity: posture.Medium,
		Why:    "A taken server becomes a spam relay first. The agent speaks HTTPS; what really sends mail gets an exception.",
		Advice: "Drop outgoing TCP 25, 465, 587 and 2525 in output, IPv4 and IPv6",
		Source: guide + ", outbound SMTP",
		Needs:  []posture.Need{ruleset, posture.Interfaces},
		Check:  outboundControl(mailPorts, "new connections from this machine to port %s are not stopped"),
		Fix:    firewall.Changes,
	},
	{
		ID: "firewall-host-irc-out", Title: "This machine can connect to IRC", Family: posture.Firewall, Severity: posture.Low,
		Why:    "Botnets take their orders there.",
		Advice: "Drop outgoing TCP 194, 6667 and 6697 in output, IPv4 and IPv6",
		Source: guide + ", outbound IRC",
		Needs:  []posture.Need{ruleset, posture.Interfaces},
		Check:  outboundControl(chatPorts, "new connections from this machine to port %s are not stopped"),
		Fix:    firewall.Changes,
	},
	{
		ID: "firewall-container-mail-out", Title: "A container can send mail to anyone", Family: posture.Firewall, Severity: posture.Medium,
		Why:    "The guide closes these ports in OUTPUT; a container's packets are forwarded and never pass there. The agent is in the container.",
		Advice: "Drop the same ports in a forward chain",
		Source: errata + ": from inside a container the port stayed open",
		Needs:  []posture.Need{ruleset, posture.Interfaces, containers},
		Check:  containerOutboundControl(mailPorts),
		Fix:    firewall.Changes,
	},
	{
		ID: "firewall-container-irc-out", Title: "A container can connect to IRC", Family: posture.Firewall, Severity: posture.Low,
		Why:    "Rules in OUTPUT do not hold for containers, whose packets are forwarded.",
		Advice: "Drop TCP 194, 6667 and 6697 in a forward chain",
		Source: errata,
		Needs:  []posture.Need{ruleset, posture.Interfaces, containers},
		Check:  containerOutboundControl(chatPorts),
		Fix:    firewall.Changes,
	},
	{
		ID: "firewall-container-metadata", Title: "A container reaches the cloud's metadata service", Family: posture.Firewall, Severity: posture.Medium,
		Why:    "On most clouds 169.254.169.254 answers with user data and credentials of the machine to whoever asks from it.",
		Advice: "Drop what goes from the bridges to 169.254.0.0/16",
		Source: "OWASP SSRF Prevention Cheat Sheet, cloud metadata",
		Needs:  []posture.Need{ruleset, posture.Interfaces, containers},
		Check: func(f *posture.Facts) (found []posture.Finding) {
			eachEndpoint(f, func(c host.Container, e endpoint) {
				if outboundFrom(f.Facts, e, 80, metadata) >= perhaps {
					found = append(found, posture.On(c.Name(), "%s may ask %s", c.Name(), metadata))
				}
			})
			return found
		},
		Fix: firewall.Changes,
	},
	{
		ID: "firewall-not-at-boot", Title: "The firewall's rules are gone after a reboot", Family: posture.Firewall, Severity: posture.High,
		Why:    "Rules that were typed live in the kernel only.",
		Advice: "Save them: /etc/nftables.conf with systemctl enable nftables, or netfilter-persistent save",
		Source: guide + ", firewall (the printed commands do not last)",
		Needs:  []posture.Need{ruleset, posture.Units},
		Check: func(f *posture.Facts) []posture.Finding {
			fw := f.Firewall.Value
			filters := slices.ContainsFunc(fw.Chains, func(c host.Chain) bool { return c.Hook == "input" && (c.Policy == "drop" || len(c.Rules) > 0) })
			if !filters || fw.UFW || fw.FirewallD {
				return nil
			}
			for _, u := range f.Units.Value {
				switch strings.TrimSuffix(u.Name, ".service") {
				case "nftables", "netfilter-persistent", "ufw", "firewalld", "seawall", "seawall-firewall":
					if u.Enabled == "enabled" || u.Active == "active" {
						return nil
					}
				}
			}
			return posture.Found("no unit that loads the rules is enabled (nftables, netfilter-persistent, ufw, firewalld)")
		},
		Fix: firewall.Changes,
	},
	{
		ID: "firewall-two-managers", Title: "Two firewalls rule at once", Family: posture.Firewall, Severity: posture.Medium,
		Why:    "Each rewrites what the other wrote; what is in force depends on which started last.",
		Advice: "Keep one: systemctl disable --now firewalld, or ufw disable",
		Source: "ufw(8); firewalld documentation",
		Needs:  []posture.Need{posture.Ruleset},
		Check: func(f *posture.Facts) []posture.Finding {
			if f.Firewall.Value.UFW && f.Firewall.Value.FirewallD {
				return posture.Found("ufw and firewalld are both active")
			}
			return nil
		},
		Manual: "Decide which firewall stays: systemctl disable --now firewalld, or ufw disable",
	},
	{
		ID: "firewall-tunnel", Title: "A public tunnel is running", Family: posture.Firewall, Severity: posture.High,
		Why:    "A tunnel that was opened for a test goes out and lets the world in, past every firewall; nothing reminds anyone of it.",
		Advice: "Stop it and its unit; for access from outside use Tailscale, WireGuard or an SSH tunnel",
		Source: baseline + ", public exposure",
		Needs:  []posture.Need{posture.Processes},
		Check: func(f *posture.Facts) (found []posture.Finding) {
			for _, p := range f.Processes.Value {
				if what := tunnel(p); what != "" {
					found = append(found, posture.On(fmt.Sprintf("process %d", p.PID), "%s (user %d)", what, p.UID))
				}
			}
			return found
		},
	},
	{
		ID: "firewall-provider-layer", Title: "A firewall of the provider cannot be seen from inside", Family: posture.Firewall, Severity: posture.Info,
		Why:    "Two independent layers: if the rules here are flushed, the provider's still hold. No fact on this machine proves that they exist.",
		Advice: "In the provider's console allow only what the host's firewall allows too, then probe from another machine",
		Source: guide + ", cloud firewall",
		Needs: []posture.Need{{Name: "provider's firewall", Of: func(*posture.Facts) (host.Status, string) {
			return host.Unknown, "a firewall of the provider cannot be seen from inside; probe from another machine"
		}}},
		Check:  func(*posture.Facts) []posture.Finding { return nil },
		Manual: "In the provider's console allow only what the host's firewall allows too, then probe from another machine",
	},
}

// fixOpen closes what the operator said to close, and names what stays open
// because something answers there.
func fixOpen(f *posture.Facts) ([]change.Change, error) {
	changes, err := firewall.Changes(f)
	if err != nil {
		return nil, err
	}
	rules, err := firewall.For(f)
	if err != nil {
		return nil, err
	}
	var stay, flags []string
	for _, s := range slices.Concat(rules.Open, rules.Published) {
		port := change.Port{Proto: s.Proto, Port: s.Port}.String()
		if s.Proto == "tcp" && !slices.Contains(flags, port) {
			stay, flags = append(stay, s.String()), append(flags, port)
		}
	}
	if len(stay) == 0 {
		return changes, nil
	}
	return changes, posture.Refuse("%s stays open, because it is in use; to close it: seawall harden --close %s", strings.Join(stay, ", "), strings.Join(flags, ","))
}

// trustedInterface tells whether a rule holds on loopback or in a tunnel only.
func trustedInterface(f *posture.Facts, name string) bool {
	if name == "lo" {
		return true
	}
	return slices.ContainsFunc(f.Interfaces.Value, func(i host.Interface) bool {
		return i.Name == name && (i.Kind == "wireguard" || i.Kind == "tun" || i.Kind == "loopback")
	})
}

// meant are ports whose being open is the point of their program, and which
// other controls judge: sshd's, and a reverse proxy's.
func meant(f *posture.Facts, s host.Socket) bool {
	port := s.Addr.Port()
	if s.Proto == "tcp" {
		return slices.Contains(f.SSHD.Value.Listen, s.Addr) ||
			(port == 80 || port == 443) && slices.ContainsFunc(f.Proxy.Value.Names, func(n string) bool { return strings.HasPrefix(s.Process, n) })
	}
	switch port {
	case 68, 546: // DHCP answers
		return true
	case 443: // HTTP/3
		return len(f.Proxy.Value.Names) > 0
	}
	return s.Process == "tailscaled" || s.PID == 0 // WireGuard is the kernel's
}

func checkOpenPorts(f *posture.Facts) (found []posture.Finding) {
	seen, judged := map[string]bool{}, map[uint16]bool{}
	eachPublished(f, func(_ host.Container, p published, e endpoint) {
		if p.proto == "tcp" && !p.loopback() && toContainer(f.Facts, e, p.proto, p.container, p.number()) >= perhaps {
			judged[p.number()] = true
		}
	})
	for _, s := range f.Sockets.Value {
		if !s.Public() || meant(f, s) {
			continue
		}
		if s.Process == "docker-proxy" && s.Proto == "tcp" && judged[s.Addr.Port()] {
			continue // firewall-published-port says it
		}
		addr := s.Addr.Addr()
		v4 := addr.Is4() || addr.IsUnspecified()
		v6 := addr.Is6() && !addr.Is4In6() && hasIPv6(f.Facts)
		r := closed
		if v4 && !bridgeAddress(f, addr) {
			r = fromOutside(f.Facts, s.Proto, s.Addr.Port(), false)
		}
		if v6 {
			r = max(r, fromOutside(f.Facts, s.Proto, s.Addr.Port(), true))
		}
		object := fmt.Sprintf("%s/%s", s.Addr, s.Proto)
		if r < perhaps || seen[object] {
			continue
		}
		seen[object] = true
		finding := posture.On(object, "%s listens and new connections are %s", named(s.Process), r)
		switch {
		case s.Proto == "udp":
			finding = finding.At(posture.Low)
		case strings.HasPrefix(s.Process, "openclaw-gatewa"):
			finding = finding.At(posture.Critical)
		}
		found = append(found, finding)
	}
	return found
}

func named(process string) string {
	if process == "" {
		return "an unnamed process"
	}
	return process
}

// bridgeAddress tells whether an address belongs to a bridge, which strangers
// do not arrive at.
func bridgeAddress(f *posture.Facts, addr netip.Addr) bool {
	for _, i := range f.Interfaces.Value {
		if i.Kind == "bridge" && slices.ContainsFunc(i.Addrs, func(p netip.Prefix) bool { return p.Addr() == addr }) {
			return true
		}
	}
	return false
}

func running(c host.Container) bool {
	return c.Inspect.State == nil || c.Inspect.State.Running
}

func eachPublished(f *posture.Facts, visit func(host.Container, published, endpoint)) {
	for _, c := range f.Containers.Value {
		es := endpoints(c)
		if !running(c) || len(es) == 0 {
			continue
		}
		for _, p := range publishedPorts(c) {
			visit(c, p, es[0])
		}
	}
}

func eachEndpoint(f *posture.Facts, visit func(host.Container, endpoint)) {
	for _, c := range f.Containers.Value {
		if !running(c) {
			continue
		}
		for _, e := range endpoints(c) {
			visit(c, e)
		}
	}
}

func checkContainerToHost(f *posture.Facts) (found []posture.Finding) {
	seen := map[string]bool{}
	eachEndpoint(f, func(c host.Container, e endpoint) {
		for _, s := range f.Sockets.Value {
			object := fmt.Sprintf("%s/%s", s.Addr, s.Proto)
			if s.Proto != "tcp" || !s.Public() || seen[e.bridge+object] || s.Process == "docker-proxy" || s.Process == "seawall" {
				continue
			}
			p := packet{proto: "tcp", port: s.Addr.Port(), in: e.bridge, from: e.addr, to: addressOf(f.Facts, e.bridge, false)}
			everyone := fromOutside(f.Facts, "tcp", s.Addr.Port(), false) >= perhaps // firewall-open-port's, unless it is meant
			if r := judge(f.Firewall.Value, "input", p); r >= perhaps && (!everyone || slices.Contains(f.SSHD.Value.Ports, s.Addr.Port())) {
				seen[e.bridge+object] = true
				found = append(found, posture.On(object, "%s (%s) reaches %s of the host", c.Name(), e.bridge, named(s.Process)))
			}
		}
	})
	return found
}

func checkMartianLoopback(f *posture.Facts) (found []posture.Finding) {
	seen := map[string]bool{}
	eachEndpoint(f, func(c host.Container, e endpoint) {
		if !routesLoopback(f, e.bridge) {
			return
		}
		p := packet{proto: "tcp", port: unusedPort, in: e.bridge, from: e.addr, to: netip.AddrFrom4([4]byte{127, 0, 0, 1})}
		gateway := p
		gateway.port = gatewayPort
		r := max(judge(f.Firewall.Value, "input", p), judge(f.Firewall.Value, "input", gateway))
		if r < perhaps || !hasNetRaw(c) || seen[c.Name()] {
			return
		}
		seen[c.Name()] = true
		found = append(found, posture.On(c.Name(), "%s has NET_RAW, %s routes to loopback, and the firewall leaves 127.0.0.1 %s to it", c.Name(), e.bridge, r))
	})
	return found
}

// routesLoopback reports whether a bridge forwards what is for 127.0.0.1:
// Docker sets it on its bridges when it starts without userland proxy.
func routesLoopback(f *posture.Facts, bridge string) bool {
	proxy, told := f.Docker.Value.Config["userland-proxy"].(bool)
	return told && !proxy ||
		f.Sysctl.Value["net.ipv4.conf."+bridge+".route_localnet"] == "1" || f.Sysctl.Value["net.ipv4.conf.all.route_localnet"] == "1"
}

func outboundControl(ports []uint16, detail string) func(*posture.Facts) []posture.Finding {
	return func(f *posture.Facts) []posture.Finding {
		var got []string
		for _, port := range ports {
			if outbound(f.Facts, port, false) >= perhaps {
				got = append(got, fmt.Sprint(port))
			} else if hasIPv6(f.Facts) && outbound(f.Facts, port, true) >= perhaps {
				got = append(got, fmt.Sprintf("%d (IPv6)", port))
			}
		}
		if len(got) == 0 {
			return nil
		}
		return posture.Found(detail, strings.Join(got, ", "))
	}
}

func containerOutboundControl(ports []uint16) func(*posture.Facts) []posture.Finding {
	return func(f *posture.Facts) (found []posture.Finding) {
		eachEndpoint(f, func(c host.Container, e endpoint) {
			var got []string
			for _, port := range ports {
				if outboundFrom(f.Facts, e, port, netip.Addr{}) >= perhaps {
					got = append(got, fmt.Sprint(port))
				}
			}
			if len(got) > 0 {
				found = append(found, posture.On(c.Name(), "%s (%s) may connect to port %s", c.Name(), e.bridge, strings.Join(got, ", ")))
			}
		})
		return found
	}
}

// tunnel names what a process publishes, or "".
func tunnel(p host.Process) string {
	args := strings.Join(p.Args, " ")
	switch p.Name {
	case "cloudflared", "ngrok", "frpc", "bore", "localtunnel", "lt", "zrok", "pagekite":
		return p.Name + " runs"
	case "ssh", "autossh":
		for _, a := range p.Args {
			if strings.HasPrefix(a, "-") && !strings.HasPrefix(a, "--") && strings.Contains(a, "R") && !strings.HasPrefix(a, "-o") {
				return p.Name + " forwards a port of this machine to another (-R)"
			}
		}
	case "tailscale":
		if strings.Contains(args, " funnel") {
			return "tailscale funnel runs"
		}
	}
	return ""
}
