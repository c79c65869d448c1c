package controls

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/openseawall/seawall/internal/posture"
	"github.com/openseawall/seawall/internal/posture/change"
	"github.com/openseawall/seawall/internal/posture/firewall"
)

// fixFail2ban is the guide's jail, three tries and an hour, as it works on a
// Debian without rsyslog: it reads the journal, knows sshd's real ports, and
// never bans who logged in with a key.
func fixFail2ban(f *posture.Facts) ([]change.Change, error) {
	p := f.Aim.Profile.Fail2ban
	if !p.Install && p.MaxRetry != 0 { // an aim of nothing is the shipped profile
		return nil, posture.Refuse("the profile says that fail2ban is not wanted (fail2ban.install)")
	}
	bans := time.Duration(cmp.Or(p.BanTime, 3600)) * time.Second
	jail := fmt.Sprintf(`# Written by seawall harden. It stops an address that keeps guessing; an attack
# from thousands of addresses meets its limit in Seawall's firewall.
[sshd]
enabled = true
backend = systemd
port = %s
maxretry = %d
bantime = %d
ignoreip = %s
banaction = nftables-multiport
banaction_allports = nftables-allports
`, strings.ReplaceAll(sshPorts(f), " ", ""), cmp.Or(p.MaxRetry, 3), int(bans.Seconds()), firewall.Ignored(f))
	what := fmt.Sprintf("ban who fails at SSH %d times for %v, except %s", cmp.Or(p.MaxRetry, 3), bans, firewall.Ignored(f))
	// Debian's package starts it at once, without the jail, and without rsyslog it
	// ends with an error: a restart alone would leave it so.
	return []change.Change{
		{What: "install fail2ban, with what reads the journal", Edit: change.Package{Names: []string{"fail2ban", "python3-systemd", "nftables"}}},
		{What: what, Risk: change.Lockout, Edit: change.File{Path: firewall.JailPath, Content: jail}},
		{What: what, Risk: change.Lockout, Edit: change.Unit{Name: "fail2ban.service", Do: []change.Verb{change.Enable, change.Start, change.RestartIt}}},
	}, nil
}
