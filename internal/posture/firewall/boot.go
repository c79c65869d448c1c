package firewall

import (
	"fmt"
	"slices"
	"strings"

	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/posture"
	"github.com/openseawall/seawall/internal/posture/change"
)

// Where the rules stand, and what loads them.
const (
	Path      = "/etc/seawall/seawall-firewall.nft"
	AllowPath = "/etc/seawall/seawall-allow.nft" // written by seawall ban allow
	Unit      = "seawall-firewall.service"

	withPath = "/etc/seawall/nftables-with-seawall.nft"
	lessPath = "/etc/seawall/nftables-less-seawall.nft"
)

// boot are the files that load the rules with the machine and keep them when
// nftables.service, which begins and ends with an empty ruleset, is started
// anew or stopped. It loads both in one transaction, so that there is no moment
// without rules. Docker, ufw and firewalld leave the tables of others alone.
var boot = []change.File{
	{Path: "/etc/systemd/system/" + Unit, Content: `[Unit]
Description=Seawall's firewall
Documentation=man:seawall-harden(1)
DefaultDependencies=no
After=local-fs.target nftables.service
Wants=network-pre.target
Before=network-pre.target

# It does not end with the machine: rules hold until the network is gone.
[Service]
Type=oneshot
RemainAfterExit=yes
StandardInput=null
ProtectSystem=full
ProtectHome=true
ExecStart=/usr/sbin/nft -f ` + Path + `
ExecReload=/usr/sbin/nft -f ` + Path + `
ExecStop=/usr/sbin/nft delete table inet seawall

[Install]
WantedBy=sysinit.target
`},
	{Path: "/etc/systemd/system/nftables.service.d/seawall.conf", Content: `# nftables.service empties the ruleset first; Seawall's table comes back in the same moment.
[Service]
ExecStart=
ExecStart=/usr/sbin/nft -f ` + withPath + `
ExecReload=
ExecReload=/usr/sbin/nft -f ` + withPath + `
ExecStop=
ExecStop=/usr/sbin/nft -f ` + lessPath + `
`},
	{Path: withPath, Content: "include \"/etc/nftables.conf\"\ninclude \"" + Path + "\"\n"},
	{Path: lessPath, Content: "flush ruleset\ninclude \"" + Path + "\"\n"},
}

// Changes are what brings the rules onto a machine: the program, the rules, and
// what loads them.
func Changes(f *posture.Facts) ([]change.Change, error) {
	r, err := For(f)
	if err != nil {
		return nil, err
	}
	text, err := r.Text()
	if err != nil {
		return nil, err
	}
	var list []change.Change
	if f.Firewall.Value.Tool != "nft" { // it did not answer
		list = append(list, change.Change{What: "install nftables", Edit: change.Package{Names: []string{"nftables"}}})
	}
	list = append(list, change.Change{What: what(f, r), Risk: change.Lockout, Edit: change.Ruleset{Path: Path, Text: text}, Close: closes(f)})
	for _, file := range boot {
		list = append(list, change.Change{What: "load Seawall's firewall with the machine", Risk: change.Lockout, Edit: file})
	}
	return append(list, change.Change{What: "load Seawall's firewall with the machine", Risk: change.Lockout,
		Edit: change.Unit{Name: Unit, Do: []change.Verb{change.Enable, change.Start}}}), nil
}

// what says what stays open, and beside which tables of others.
func what(f *posture.Facts, r Rules) string {
	var open []string
	for _, port := range r.SSH {
		open = append(open, fmt.Sprintf("%d/tcp (sshd)", port))
	}
	for _, s := range slices.Concat(r.Open, r.Published) {
		open = append(open, s.String())
	}
	said := "drop what nobody needs; from outside stays open: " + strings.Join(slices.Compact(open), ", ")
	if len(open) == 0 {
		said = "drop what nobody needs; nothing stays open from outside"
	}
	var mail []string
	for _, e := range r.Exceptions {
		mail = append(mail, fmt.Sprintf("%s (port %d)", e.Who, e.Port))
	}
	if len(mail) > 0 {
		said += "; still goes out: " + strings.Join(mail, ", ")
	}
	if others := Foreign(f.Firewall.Value); len(others) > 0 {
		said += "; beside the tables that are there: " + strings.Join(others, ", ")
	}
	return said
}

// Foreign names the tables with filtering rules of others.
func Foreign(fw host.Firewall) (names []string) {
	for _, c := range fw.Chains {
		name := c.Family + " " + c.Table
		filters := c.Hook == "input" || c.Hook == "forward" || c.Hook == "output"
		if filters && name != "inet seawall" && !strings.EqualFold(c.Table, "nat") && (len(c.Rules) > 0 || c.Policy == "drop") && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// closes are the ports in use that the profile closes.
func closes(f *posture.Facts) (ports []change.Port) {
	for _, p := range f.Aim.Profile.Firewall.Close {
		used := slices.ContainsFunc(f.Sockets.Value, func(s host.Socket) bool {
			return s.Public() && s.Proto == p.Proto && s.Addr.Port() == p.Port
		})
		if used || slices.ContainsFunc(everPublished(f), func(s Service) bool { return s.Proto == p.Proto && s.Port == p.Port }) {
			ports = append(ports, p)
		}
	}
	return ports
}

// everPublished are the ports of containers, whatever the profile closes.
func everPublished(f *posture.Facts) []Service { return machine{Facts: f}.published() }
