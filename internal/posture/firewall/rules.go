// Package firewall is what Seawall's firewall lets through.
//
//	facts, profile ──For──▶ Rules ──Text──▶ nft (seawall.nft), loaded at boot (Boot)
//	the kernel's sets ◀──List, Remove, Allow── seawall ban
//
// [Rules] are data, made from what the machine does today: what a service that
// runs needs stays open. The text that carries them is one table of Seawall's
// own, ahead of Docker's and of every other: what it drops is gone, what it
// accepts others may still drop.
package firewall

import (
	"cmp"
	_ "embed"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"text/template"
)

// Rules is what the table lets through. All of it is sorted, so that the same
// machine has the same text.
type Rules struct {
	Blocked       []uint16       // outbound TCP ports that are dropped, for host and containers
	Operators     []netip.Prefix // never banned from SSH
	SSH           []uint16
	SSHFrom       []netip.Prefix // where SSH answers; empty is everywhere
	Open          []Service      // of the machine itself
	Published     []Service      // of containers, by the port of the machine
	FromBridges   []Service      // of the machine, for containers
	Inner         []string       // the bridges of containers; a name may end in *
	Tunnels       []string       // whoever comes through one was let in by its key
	Exceptions    []Exception    // from Blocked
	AddressTries  string         // connections to SSH of one stranger's address, an nft rate
	NetworkTries  string         // and of a network: /24, /48
	AllTries      string         // and of all strangers together
	AddressesKept int            // bounds what the kernel remembers
	NetworksKept  int
}

// Service is a port that answers.
type Service struct {
	Proto string // tcp, udp
	Port  uint16
	To    netip.Addr // the address it listens on; not valid where it is any
	Who   string     // program or container, for the reader
}

// Exception is mail or IRC that somebody on this machine has to send.
type Exception struct {
	UID    uint32 // of the sender, where Bridge is empty
	Bridge string // the container's
	To     netip.Prefix
	Port   uint16
	Who    string
}

// The limits for strangers at SSH, who have not yet logged in with a key. A
// client that offers several keys is one connection.
const (
	addressTries = "6/hour burst 6 packets"
	networkTries = "12/hour burst 12 packets"
	// Stock sshd turns connections away, the operator's too, once more than ten
	// are not through with logging in (MaxStartups).
	allTries = "5/second burst 10 packets"
	// What the kernel remembers is bounded, so that an attack fills no memory, and
	// so that an audit can still read the ruleset with all of it (8 MiB of nft's
	// JSON). An address too many still counts for its network.
	addressesKept = 4096
	networksKept  = 8192
)

//go:embed seawall.nft
var source string

var text = template.Must(template.New("seawall.nft").Funcs(template.FuncMap{"join": join, "to": to, "original": original, "v4": v4, "v6": v6}).Parse(source))

// Text is the ruleset for nft -f. Loading it replaces Seawall's table in one
// transaction and touches no other.
func (r Rules) Text() (string, error) {
	for _, name := range slices.Concat(r.Inner, r.Tunnels, r.bridges()) {
		if !plainName.MatchString(name) {
			return "", fmt.Errorf("the interface %q has a name that a ruleset cannot carry; rename it", name)
		}
	}
	var b strings.Builder
	err := text.Execute(&b, struct {
		Rules
		Multicast []group
		Metadata  []string
	}{r.quoted(), linkLocal, metadata})
	return b.String(), err
}

// plainName keeps an interface's name from being more than a name.
var plainName = regexp.MustCompile(`^[A-Za-z0-9_.@-]{1,15}\*?$`)

func (r Rules) bridges() (names []string) {
	for _, e := range r.Exceptions {
		if e.Bridge != "" {
			names = append(names, e.Bridge)
		}
	}
	return names
}

var notPlain = regexp.MustCompile(`[^A-Za-z0-9 _.,:/@()+-]+`)

// quoted makes the names that come from the machine fit for a comment.
func (r Rules) quoted() Rules {
	comment := func(s string) string { return strings.TrimSpace(notPlain.ReplaceAllString(s[:min(len(s), 100)], "?")) }
	for _, list := range []*[]Service{&r.Open, &r.Published, &r.FromBridges} {
		*list = slices.Clone(*list)
		for i := range *list {
			(*list)[i].Who = comment((*list)[i].Who)
		}
	}
	r.Exceptions = slices.Clone(r.Exceptions)
	for i := range r.Exceptions {
		r.Exceptions[i].Who = comment(r.Exceptions[i].Who)
	}
	return r
}

// group is a multicast group that a router does not forward, so that only
// neighbours reach it.
type group struct {
	Family, Group string
	Port          uint16
}

// linkLocal are mDNS, LLMNR and SSDP (IANA's multicast registries).
var linkLocal = []group{
	{"ip", "224.0.0.251", 5353}, {"ip6", "ff02::fb", 5353},
	{"ip", "224.0.0.252", 5355}, {"ip6", "ff02::1:3", 5355},
	{"ip", "239.255.255.250", 1900}, {"ip6", "ff02::c", 1900},
}

// metadata is where clouds answer with a machine's own credentials. Some answer
// names there, too (Google at 169.254.169.254, Amazon at .253, Azure).
var metadata = []string{
	"ip daddr { 169.254.0.0/16, 100.100.100.200, 192.0.0.192 } tcp dport != 53 drop",
	"ip daddr { 169.254.0.0/16, 100.100.100.200, 192.0.0.192 } udp dport != 53 drop",
	"ip daddr 168.63.129.16 tcp dport { 80, 32526 } drop",
	"ip6 daddr { fd00:ec2::254, fd20:ce::254 } tcp dport != 53 drop",
	"ip6 daddr { fd00:ec2::254, fd20:ce::254 } udp dport != 53 drop",
}

// join writes ports or addresses as the elements of a set.
func join(list any) string {
	return strings.Join(strings.Fields(strings.Trim(fmt.Sprint(list), "[]")), ", ")
}

// to is the match of a destination, or nothing where it is any.
func to(a any) string {
	var p netip.Prefix
	switch a := a.(type) {
	case netip.Prefix:
		p = a
	case netip.Addr:
		if a.IsValid() {
			p = netip.PrefixFrom(a, a.BitLen())
		}
	}
	switch {
	case !p.IsValid():
		return ""
	case p.Addr().Is4():
		return "ip daddr " + written(p) + " "
	}
	return "ip6 daddr " + written(p) + " "
}

// original is the match of the destination that a translated packet had before.
func original(a netip.Addr) string {
	switch {
	case !a.IsValid():
		return ""
	case a.Is4():
		return "ct original ip daddr " + a.String() + " "
	}
	return "ct original ip6 daddr " + a.String() + " "
}

func written(p netip.Prefix) string {
	if p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.Masked().String()
}

func v4(list []netip.Prefix) []string { return family(list, true) }
func v6(list []netip.Prefix) []string { return family(list, false) }

func family(list []netip.Prefix, four bool) (words []string) {
	for _, p := range list {
		if p.Addr().Is4() == four {
			words = append(words, written(p))
		}
	}
	return words
}

func (s Service) compare(t Service) int {
	return cmp.Or(cmp.Compare(s.Proto, t.Proto), cmp.Compare(s.Port, t.Port), s.To.Compare(t.To), cmp.Compare(s.Who, t.Who))
}
