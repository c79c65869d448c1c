package probe

import (
	"cmp"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/openclaw"
)

type fileOf = openclaw.File

// channelNames spells the channels as their makers do.
var channelNames = map[string]string{
	"telegram": "Telegram", "whatsapp": "WhatsApp", "discord": "Discord", "slack": "Slack", "signal": "Signal",
	"imessage": "iMessage", "matrix": "Matrix", "msteams": "Microsoft Teams", "googlechat": "Google Chat",
	"mattermost": "Mattermost", "irc": "IRC", "line": "LINE", "sms": "SMS", "nostr": "Nostr", "twitch": "Twitch",
}

// channels names the messengers that are configured and not switched off.
func (v *view) channels() []string {
	var out []string
	for _, id := range v.channelIDs() {
		out = append(out, channelName(id))
	}
	return out
}

func channelName(id string) string { return cmp.Or(channelNames[id], printable(id)) }

func (v *view) channelIDs() []string {
	var out []string
	for _, id := range v.in.Config.Keys("channels") {
		enabled, set := v.in.Config.At("channels", id, "enabled")
		if id == "defaults" || set && enabled == false {
			continue
		}
		out = append(out, id)
	}
	slices.Sort(out)
	return out
}

// openChannels names the channels that take words from anyone: an open policy
// for direct messages or groups, of the channel or of one of its accounts.
func (v *view) openChannels() []string {
	var out []string
	for _, id := range v.channelIDs() {
		places := [][]string{{"channels", id}}
		if accounts, ok := v.in.Config.At("channels", id, "accounts"); ok {
			if m, ok := accounts.(map[string]any); ok {
				for name := range m {
					places = append(places, []string{"channels", id, "accounts", name})
				}
			}
		}
		if slices.ContainsFunc(places, v.openPolicy) {
			out = append(out, channelName(id))
		}
	}
	return out
}

func (v *view) openPolicy(at []string) bool {
	for _, key := range [][]string{{"dmPolicy"}, {"groupPolicy"}, {"dm", "policy"}} {
		if got, _ := v.in.Config.At(slices.Concat(at, key)...); got == "open" {
			return true
		}
	}
	return false
}

// reachable lists the addresses beyond loopback where the gateway answers: its
// own sockets, and ports that its container publishes.
func (v *view) reachable() []string {
	port := uint16(18789)
	if p, ok := v.in.Config.Int("gateway.port"); ok && p > 0 && p <= 65535 {
		port = uint16(p)
	}
	var out []string
	for _, s := range v.f.Sockets.Value {
		mine := v.in.Process != nil && s.PID == v.in.Process.PID && s.PID != 0
		if s.Proto == "tcp" && s.Public() && v.in.Container == "" && (mine || s.Addr.Port() == port) {
			out = append(out, place(s.Addr))
		}
	}
	if c, ok := v.container(); ok && c.Inspect.HostConfig != nil {
		for _, bindings := range c.Inspect.HostConfig.PortBindings {
			for _, b := range bindings {
				if !b.HostIP.IsLoopback() {
					out = append(out, place(netip.AddrPortFrom(b.HostIP, portNumber(b.HostPort))))
				}
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// place names where a socket answers; a socket on every address is only a port.
func place(a netip.AddrPort) string {
	if !a.Addr().IsValid() || a.Addr().IsUnspecified() {
		return "port " + strconv.Itoa(int(a.Port()))
	}
	return a.String()
}

func portNumber(s string) uint16 {
	first, _, _ := strings.Cut(s, "-")
	n, _ := strconv.ParseUint(first, 10, 16)
	return uint16(n)
}

// openWays names the outgoing ways that no firewall closes and that an agent
// has no use for.
func (v *view) openWays() []string {
	if !v.f.Firewall.Ok() {
		return nil
	}
	var out []string
	for _, way := range []struct {
		name string
		port uint16
	}{{"mail", 25}, {"IRC", 6667}} {
		if !closed(v.f.Firewall.Value, way.port, v.in.Container != "") {
			out = append(out, way.name)
		}
	}
	return out
}

// closed reports whether new TCP connections to a port are dropped on their
// way out: in the output hook for the machine itself, in forward for containers.
// Only a rule that surely applies to all of them counts.
func closed(fw host.Firewall, port uint16, forwarded bool) bool {
	hook := "output"
	if forwarded {
		hook = "forward"
	}
	for _, c := range fw.Chains {
		if c.Hook != hook || c.Family == "ip6" || c.Family == "bridge" {
			continue
		}
		for _, r := range c.Rules {
			drops := r.Verdict == "drop" || r.Verdict == "reject"
			plain := !r.Unparsed && r.Limit == "" && len(r.Src) == 0 && len(r.Dst) == 0 && r.InIface == "" && r.OutIface == ""
			if drops && plain && slices.ContainsFunc(r.DPorts, func(p host.PortRange) bool { return p.From <= port && port <= p.To }) {
				return true
			}
		}
	}
	return false
}

// printable drops what a hostile name could do to a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, s)
}
