package firewall

import (
	"cmp"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/openclaw"
	"github.com/openseawall/seawall/internal/posture"
	"github.com/openseawall/seawall/internal/posture/change"
)

// For returns the rules for a machine: what answers today goes on answering,
// but for what the profile closes. An error, of [posture.Refuse], says why there
// can be none.
func For(f *posture.Facts) (Rules, error) {
	if err := refuse(f); err != nil {
		return Rules{}, err
	}
	profile, err := settings(f)
	if err != nil {
		return Rules{}, err
	}
	m := machine{f, profile}
	r := Rules{
		Blocked: sorted(profile.OutClosed), Operators: m.operators(), SSH: m.ssh(), SSHFrom: profile.SSHFrom,
		Inner: m.inner(), Tunnels: m.tunnels(), Exceptions: m.exceptions(),
		AddressTries: addressTries, NetworkTries: networkTries, AllTries: allTries, AddressesKept: addressesKept, NetworksKept: networksKept,
	}
	r.Published = m.published()
	r.Open = m.open(r)
	r.FromBridges = m.fromBridges(r)
	if err := m.lockout(r); err != nil {
		return r, err
	}
	for _, o := range profile.OutOpen {
		if m.uid(o.User) < 0 {
			return r, posture.Refuse("firewall.out-open names the user %q, whom this machine does not have", o.User)
		}
	}
	return r, nil
}

// settings is the aim's profile; an audit has none, which is the shipped one.
func settings(f *posture.Facts) (posture.FirewallProfile, error) {
	p := f.Aim.Profile.Firewall
	if p.OutClosed != nil {
		return p, nil
	}
	shipped, err := posture.ShippedProfile(posture.Profiles[0])
	p.OutClosed = shipped.Firewall.OutClosed
	return p, err
}

// refuse says where Seawall's table must not stand.
func refuse(f *posture.Facts) error {
	fw := f.Firewall.Value
	switch {
	case fw.UFW:
		return posture.Refuse("ufw rules here: two firewalls must not rule at once. To keep ufw, leave it as it is (Seawall's audit judges its rules, too); to let Seawall rule instead: ufw disable, then seawall harden")
	case fw.FirewallD:
		return posture.Refuse("firewalld rules here: two firewalls must not rule at once. To keep firewalld, leave it as it is (Seawall's audit judges its rules, too); to let Seawall rule instead: systemctl disable --now firewalld, then seawall harden")
	case !f.Sockets.Ok():
		return posture.Refuse("what listens on this machine is not known (%s), so nothing may be closed", f.Sockets.Reason)
	case !f.Interfaces.Ok():
		return posture.Refuse("the network interfaces of this machine are not known (%s), so nothing may be closed", f.Interfaces.Reason)
	case f.SSHD.Status == host.Unknown:
		return posture.Refuse("where sshd listens is not known (%s): a firewall now could lock you out", f.SSHD.Reason)
	case f.Containers.Status == host.Unknown:
		return posture.Refuse("the containers of this machine are not known (%s), so nothing may be closed", f.Containers.Reason)
	}
	return nil
}

// machine answers what the rules are made of.
type machine struct {
	*posture.Facts
	profile posture.FirewallProfile
}

// lockout refuses rules that would cut the very connection that applies them.
func (m machine) lockout(r Rules) error {
	from, to := m.Aim.From.Addr().Unmap(), m.Aim.To
	if m.Aim.Force || !from.IsValid() || from.IsLoopback() || m.throughTunnel(to.Addr()) {
		return nil
	}
	switch {
	case !slices.Contains(r.SSH, to.Port()):
		return posture.Refuse("your own connection comes in on port %d, which these rules would close", to.Port())
	case len(r.SSHFrom) > 0 && !slices.ContainsFunc(r.SSHFrom, func(p netip.Prefix) bool { return p.Contains(from) }):
		return posture.Refuse("firewall.ssh-from does not hold your own address %s: you would lock yourself out; add it to the profile", from)
	}
	return nil
}

func (m machine) throughTunnel(addr netip.Addr) bool {
	return slices.ContainsFunc(m.Interfaces.Value, func(i host.Interface) bool { return isTunnel(i) && holds(i, addr) })
}

func holds(i host.Interface, addr netip.Addr) bool {
	return slices.ContainsFunc(i.Addrs, func(p netip.Prefix) bool { return p.Addr() == addr.Unmap() })
}

// operatorsKept bounds a list that every login makes longer.
const operatorsKept = 128

// operators are the addresses of the session that applies, and of who is or was
// logged in with a key. An IPv6 host changes its address within its /64.
func (m machine) operators() (list []netip.Prefix) {
	add := func(a netip.Addr) {
		a = a.Unmap().WithZone("")
		if !a.IsValid() || a.IsLoopback() || len(list) >= operatorsKept {
			return
		}
		bits := 32
		if a.Is6() {
			bits = 64
		}
		if p, err := a.Prefix(bits); err == nil && !slices.Contains(list, p) {
			list = append(list, p)
		}
	}
	add(m.Aim.From.Addr())
	for _, s := range m.Logins.Value {
		add(s.From)
	}
	slices.SortFunc(list, netip.Prefix.Compare)
	return list
}

// ssh are the ports on which sshd answers others than this machine.
func (m machine) ssh() (ports []uint16) {
	for _, a := range m.SSHD.Value.Listen {
		if !a.Addr().IsLoopback() {
			ports = append(ports, a.Port())
		}
	}
	if len(ports) == 0 && m.SSHD.Value.Running {
		ports = slices.Clone(m.SSHD.Value.Ports)
	}
	if to := m.Aim.To; m.Aim.From.IsValid() && !to.Addr().IsLoopback() && len(ports) == 0 {
		ports = []uint16{to.Port()} // a daemon that facts do not name, and that is in use
	}
	return sorted(ports)
}

func sorted(ports []uint16) []uint16 {
	ports = slices.Clone(ports)
	slices.Sort(ports)
	return slices.Compact(ports)
}

// Managers matches the bridges that container and machine managers make; a
// bridge of any other name may be the machine's own way out.
var Managers = regexp.MustCompile(`^(docker\d+|br-[0-9a-f]{12}|virbr\d+|lxcbr\d+|lxdbr\d+|incusbr\d+|cni[\w.-]*|podman\d+|kube-bridge)$`)

// inner are the bridges of containers and virtual machines: those that there
// are, and those that Docker may make tomorrow.
func (m machine) inner() []string {
	names, any := []string{"docker0"}, true
	for _, i := range m.Interfaces.Value {
		manager := i.Kind == "bridge" && (Managers.MatchString(i.Name) || m.gateway(i))
		switch {
		case manager:
			names = append(names, i.Name)
		case strings.HasPrefix(i.Name, "br-"):
			any = false // a bridge that somebody made by hand, and perhaps the way out
		}
	}
	if any {
		names = slices.DeleteFunc(names, func(n string) bool { return strings.HasPrefix(n, "br-") })
		names = append(names, "br-*")
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// gateway reports whether a container leaves through this bridge, whatever it
// is called.
func (m machine) gateway(i host.Interface) bool {
	for _, c := range m.Containers.Value {
		if c.Inspect.NetworkSettings == nil {
			continue
		}
		for _, n := range c.Inspect.NetworkSettings.Networks {
			if n != nil && n.Gateway.IsValid() && holds(i, n.Gateway) {
				return true
			}
		}
	}
	return false
}

func (m machine) isInner(i host.Interface) bool {
	return i.Kind == "bridge" && (Managers.MatchString(i.Name) || m.gateway(i))
}

func isTunnel(i host.Interface) bool { return i.Kind == "wireguard" || i.Kind == "tun" }

func (m machine) tunnels() (names []string) {
	for _, i := range m.Interfaces.Value {
		if isTunnel(i) {
			names = append(names, i.Name)
		}
	}
	slices.Sort(names)
	return names
}

func (m machine) closed(proto string, port uint16) bool {
	return slices.Contains(m.profile.Close, change.Port{Proto: proto, Port: port})
}

// published are the ports of containers that answer others than this machine.
func (m machine) published() (list []Service) {
	for _, c := range m.Containers.Value {
		if c.Inspect.NetworkSettings == nil || c.Inspect.State != nil && !c.Inspect.State.Running {
			continue
		}
		for inside, bindings := range c.Inspect.NetworkSettings.Ports {
			for _, b := range bindings {
				p, err := change.ParsePort(b.HostPort + "/" + string(inside.Proto()))
				if err != nil || b.HostIP.IsLoopback() || m.closed(p.Proto, p.Port) {
					continue
				}
				list = append(list, Service{p.Proto, p.Port, specific(b.HostIP), c.Name()})
			}
		}
	}
	return tidy(list)
}

// specific is an address that is one, and not all.
func specific(a netip.Addr) netip.Addr {
	a = a.Unmap().WithZone("")
	if !a.IsValid() || a.IsUnspecified() {
		return netip.Addr{}
	}
	return a
}

// tidy sorts services and takes out those that a wider one covers.
func tidy(list []Service) []Service {
	slices.SortFunc(list, Service.compare)
	any := map[change.Port]bool{}
	for _, s := range list {
		any[change.Port{Proto: s.Proto, Port: s.Port}] = any[change.Port{Proto: s.Proto, Port: s.Port}] || !s.To.IsValid()
	}
	list = slices.DeleteFunc(list, func(s Service) bool { return s.To.IsValid() && any[change.Port{Proto: s.Proto, Port: s.Port}] })
	return slices.CompactFunc(list, func(a, b Service) bool { return a.Proto == b.Proto && a.Port == b.Port && a.To == b.To })
}

// askers are programs whose UDP sockets wait for answers, on a port that is
// another one tomorrow; the answers are let in as such.
var askers = []string{"openclaw", "node", "systemd-timesyn", "systemd-resolve", "systemd-network", "NetworkManager", "dhclient", "dhcpcd", "avahi-daemon", "chronyd", "ntpd", "dockerd", "containerd"}

const ephemeral = 32768

// answered tells whether a socket waits for strangers: what has rules of its
// own, or needs none, does not.
func (m machine) answered(s host.Socket, r Rules) bool {
	port, addr := s.Addr.Port(), s.Addr.Addr().Unmap()
	switch {
	case !s.Public() || addr.IsLoopback() || addr.IsMulticast() || m.closed(s.Proto, port):
		return false
	case s.Proto == "tcp":
		if slices.Contains(r.SSH, port) {
			return false
		}
	case slices.Contains([]uint16{68, 546}, port) || slices.ContainsFunc(linkLocal, func(g group) bool { return g.Port == port }):
		return false
	case port >= ephemeral && slices.ContainsFunc(askers, func(n string) bool { return strings.HasPrefix(s.Process, n) }):
		return false
	}
	return !slices.ContainsFunc(m.Interfaces.Value, func(i host.Interface) bool {
		return (m.isInner(i) || isTunnel(i)) && holds(i, addr)
	})
}

func (m machine) open(r Rules) (list []Service) {
	for _, s := range m.Sockets.Value {
		if m.answered(s, r) {
			list = append(list, Service{s.Proto, s.Addr.Port(), specific(s.Addr.Addr()), cmp.Or(s.Process, "kernel")})
		}
	}
	for _, p := range m.profile.Open {
		list = append(list, Service{Proto: p.Proto, Port: p.Port, Who: "opened in the profile"})
	}
	return tidy(list)
}

// fromBridges are the services of the machine that containers need: those that
// listen on a bridge, its names and addresses, and what everyone reaches anyway;
// never sshd.
func (m machine) fromBridges(r Rules) []Service {
	list := slices.Clone(r.Open)
	for _, s := range m.Sockets.Value {
		port := s.Addr.Port()
		onBridge := slices.ContainsFunc(m.Interfaces.Value, func(i host.Interface) bool { return m.isInner(i) && holds(i, s.Addr.Addr()) })
		if onBridge || s.Proto == "udp" && port == 67 {
			list = append(list, Service{s.Proto, port, specific(s.Addr.Addr()), cmp.Or(s.Process, "kernel")})
		}
	}
	return tidy(list)
}

// uid is a user's, or -1.
func (m machine) uid(name string) int64 {
	for _, u := range m.Users.Value {
		if u.Name == name {
			return int64(u.UID)
		}
	}
	return -1
}

// mailers are programs that send mail for others, and the user they send as.
var mailers = []struct{ process, user string }{
	{"master", "postfix"}, {"exim4", "Debian-exim"}, {"smtpd", "_smtpd"}, {"smtpd", "smtpd"}, {"sendmail-mta", "root"},
}

// exceptions are mail and IRC that this machine is set up for: by a mail server
// that runs, and by OpenClaw's IRC channel.
func (m machine) exceptions() (list []Exception) {
	for _, o := range m.profile.OutOpen {
		if uid := m.uid(o.User); uid >= 0 {
			list = append(list, Exception{UID: uint32(uid), To: o.To, Port: o.Port, Who: o.User + ", by the profile"})
		}
	}
	for _, x := range mailers {
		uid := m.uid(x.user)
		if uid < 0 || !slices.ContainsFunc(m.Processes.Value, func(p host.Process) bool { return p.Name == x.process }) {
			continue
		}
		for _, port := range []uint16{25, 465, 587} {
			list = append(list, Exception{UID: uint32(uid), Port: port, Who: x.user + " sends mail"})
		}
	}
	for _, in := range m.OpenClaw.Value {
		list = append(list, m.chats(in)...)
	}
	slices.SortFunc(list, func(a, b Exception) int {
		return cmp.Or(cmp.Compare(a.Bridge, b.Bridge), cmp.Compare(a.UID, b.UID), cmp.Compare(a.Port, b.Port), a.To.Compare(b.To), cmp.Compare(a.Who, b.Who))
	})
	return slices.Compact(list)
}

// chats are the IRC servers of an OpenClaw (docs/channels/irc.md: 6697 with
// TLS, which is the default, else 6667). A name's addresses change, so a name
// opens the port for its user alone.
func (m machine) chats(in openclaw.Install) (list []Exception) {
	if in.Config == nil {
		return nil
	}
	at := []string{"channels.irc"}
	if accounts, ok := in.Config.Get("channels.irc.accounts"); ok {
		if named, ok := accounts.(map[string]any); ok {
			for id := range named {
				at = append(at, "channels.irc.accounts."+openclaw.JoinPath([]string{id}))
			}
		}
	}
	if on, ok := in.Config.Bool("channels.irc.enabled"); ok && !on {
		return nil
	}
	for _, place := range at {
		server, ok := in.Config.String(place + ".host")
		if on, set := in.Config.Bool(place + ".enabled"); !ok || set && !on {
			continue
		}
		port := int64(6697)
		if tls, set := in.Config.Bool(place + ".tls"); set && !tls {
			port = 6667
		}
		if p, ok := in.Config.Int(place + ".port"); ok {
			port = p
		}
		if port < 1 || port > 65535 || !slices.Contains(m.profile.OutClosed, uint16(port)) {
			continue
		}
		list = append(list, m.chat(in, server, uint16(port))...)
	}
	return list
}

func (m machine) chat(in openclaw.Install, server string, port uint16) (list []Exception) {
	e := Exception{Port: port, Who: "OpenClaw talks to " + server}
	if a, err := netip.ParseAddr(server); err == nil {
		e.To = netip.PrefixFrom(a, a.BitLen())
	}
	if in.Container != "" {
		for _, name := range m.bridgesOf(in.Container) {
			e.Bridge = name
			list = append(list, e)
		}
		return list
	}
	switch uid := m.uid(in.Owner); {
	case in.Process != nil:
		e.UID = in.Process.UID
	case uid >= 0:
		e.UID = uint32(uid)
	default:
		return nil
	}
	return []Exception{e}
}

// bridgesOf are the bridges by which a container leaves: Docker names the one of
// a user-defined network br- and twelve digits of its id.
func (m machine) bridgesOf(container string) (names []string) {
	for _, c := range m.Containers.Value {
		if c.Name() != container || c.Inspect.NetworkSettings == nil {
			continue
		}
		for name, n := range c.Inspect.NetworkSettings.Networks {
			switch {
			case n == nil:
			case name == "bridge":
				names = append(names, "docker0")
			case len(n.NetworkID) >= 12:
				names = append(names, "br-"+n.NetworkID[:12])
			}
		}
	}
	slices.Sort(names)
	return names
}

// String is how a plan names a service: "443/tcp (nginx)".
func (s Service) String() string {
	where := ""
	if s.To.IsValid() {
		where = " at " + s.To.String()
	}
	return fmt.Sprintf("%d/%s%s (%s)", s.Port, s.Proto, where, s.Who)
}
