package posture

import (
	"strings"
	"testing"
)

func TestProfiles(t *testing.T) {
	for _, name := range Profiles {
		p, err := ShippedProfile(name)
		if err != nil || p.SSH.MaxAuthTries == 0 || p.Docker.LogMaxSize == "" || len(p.Firewall.OutClosed) == 0 {
			t.Errorf("%s: %v %+v", name, err, p)
		}
	}
	p, err := ParseProfile([]byte("ssh: {max-auth-tries: 4}\nfirewall: {open: [443, 51820/udp], ssh-from: [192.0.2.0/24]}\n"))
	if err != nil || p.SSH.MaxAuthTries != 4 || p.SSH.LoginGraceTime != 60 || len(p.Firewall.Open) != 2 || p.Firewall.Open[1].String() != "51820/udp" {
		t.Errorf("%v %+v", err, p)
	}
	for text, want := range map[string]string{
		"ssh: {max-auth-tires: 4}":      "max-auth-tires",
		"base: vsp":                     `no profile "vsp"`,
		"firewall: {open: [99999]}":     "not a port",
		"ssh: {login-grace-time: soon}": "line 1",
	} {
		if _, err := ParseProfile([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}
