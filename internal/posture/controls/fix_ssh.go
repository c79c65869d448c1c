package controls

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/posture"
	"github.com/openseawall/seawall/internal/posture/change"
)

// sshFixes write one drop-in that sorts first, since the first value wins, or
// sshd_config itself where it does not read drop-ins.
var sshFixes = map[string]fix{
	"ssh-password-login":       guardedSSH("close password login over SSH", "PasswordAuthentication", "no"),
	"ssh-keyboard-interactive": guardedSSH("close keyboard-interactive login over SSH", "KbdInteractiveAuthentication", "no"),
	"ssh-root-login": func(f *posture.Facts) ([]change.Change, error) {
		value := cmp.Or(f.Aim.Profile.SSH.Root, "prohibit-password")
		if err := anyoneGetsIn(f); err != nil {
			return nil, err
		}
		if value == "no" && !slices.ContainsFunc(loginNames(f), func(name string) bool { return name != "root" }) {
			return nil, posture.Refuse("root is the only account with a key: PermitRootLogin no would lock everyone out; add a key for another account with sudo first")
		}
		return setSSH(f, "keep passwords from root over SSH", "PermitRootLogin", value), nil
	},
	"ssh-empty-passwords":  plainSSH("refuse empty passwords over SSH", "PermitEmptyPasswords", "no"),
	"ssh-host-based":       plainSSH("stop trusting other machines' word over SSH", "HostbasedAuthentication", "no"),
	"ssh-user-environment": plainSSH("ignore environments that keys bring", "PermitUserEnvironment", "no"),
	"ssh-gateway-ports":    plainSSH("keep forwarded ports on loopback", "GatewayPorts", "no"),
	"ssh-x11-forwarding":   plainSSH("switch X11 forwarding off", "X11Forwarding", "no"),
	"ssh-quiet-log":        plainSSH("log who logs in", "LogLevel", "INFO"),
	"ssh-agent-forwarding": plainSSH("switch agent forwarding off", "AllowAgentForwarding", "no"),
	"ssh-strict-modes":     plainSSH("look at the modes of key files", "StrictModes", "yes"),
	"ssh-tunnel-device":    plainSSH("refuse tunnel devices over SSH", "PermitTunnel", "no"),
	"ssh-max-startups":     plainSSH("limit unauthenticated SSH connections", "MaxStartups", "10:30:60"),
	"ssh-max-auth-tries": func(f *posture.Facts) ([]change.Change, error) {
		return setSSH(f, "limit tries in one SSH connection", "MaxAuthTries", fmt.Sprint(cmp.Or(f.Aim.Profile.SSH.MaxAuthTries, 3))), nil
	},
	"ssh-login-grace": func(f *posture.Facts) ([]change.Change, error) {
		return setSSH(f, "end SSH connections that do not log in", "LoginGraceTime", fmt.Sprint(cmp.Or(f.Aim.Profile.SSH.LoginGraceTime, 60))), nil
	},
	"ssh-weak-algorithms": func(f *posture.Facts) (all []change.Change, err error) {
		for _, found := range checkSSHAlgorithms(f) {
			all = append(all, setSSH(f, "offer no broken algorithms over SSH", algorithmKeyword[found.Object], "-"+brokenPatterns[found.Object])...)
		}
		return all, nil
	},
	"ssh-open-to-all-users": func(f *posture.Facts) ([]change.Change, error) {
		names := f.Aim.Profile.SSH.AllowUsers
		if len(names) == 0 {
			if err := anyoneGetsIn(f); err != nil {
				return nil, err
			}
			names = loginNames(f)
		}
		if u := f.Aim.User; u != "" && !slices.Contains(names, u) {
			names = append(slices.Clip(names), u) // whoever applies it stays able to
		}
		return setSSH(f, "name who may log in over SSH", "AllowUsers", strings.Join(names, " ")), nil
	},
}

var algorithmKeyword = map[string]string{"ciphers": "Ciphers", "macs": "MACs", "kexalgorithms": "KexAlgorithms", "hostkeyalgorithms": "HostKeyAlgorithms"}

// brokenPatterns are brokenSSH by keyword, as ssh_config(5), PATTERNS, writes them.
var brokenPatterns = map[string]string{
	"ciphers":           "*-cbc,arcfour*",
	"macs":              "hmac-md5*,hmac-ripemd160*,hmac-sha1-96*",
	"kexalgorithms":     "diffie-hellman-group1-*,diffie-hellman-group-exchange-sha1,diffie-hellman-group14-sha1",
	"hostkeyalgorithms": "ssh-dss*",
}

const (
	sshDropIn = "/etc/ssh/sshd_config.d/00-seawall.conf"
	sshConfig = "/etc/ssh/sshd_config"
)

func setSSH(f *posture.Facts, what, key, value string) []change.Change {
	file := sshConfig
	if f.SSHD.Value.DropIns {
		file = sshDropIn
	}
	return changes(what, change.Lockout,
		change.Set{Path: file, Syntax: change.SSHD, Key: key, Value: value},
		change.Unit{Name: unit(f, "ssh.service", "sshd.service"), Do: []change.Verb{change.Reload}})
}

func plainSSH(what, key, value string) fix {
	return func(f *posture.Facts) ([]change.Change, error) { return setSSH(f, what, key, value), nil }
}

// guardedSSH closes a way in, which somebody has to have another of.
func guardedSSH(what, key, value string) fix {
	return func(f *posture.Facts) ([]change.Change, error) {
		if err := anyoneGetsIn(f); err != nil {
			return nil, err
		}
		return setSSH(f, what, key, value), nil
	}
}

// anyoneGetsIn refuses what would leave nobody, or not the person who applies
// it, with a way in.
func anyoneGetsIn(f *posture.Facts) error {
	names := loginNames(f)
	if len(names) == 0 {
		return posture.Refuse("nobody has a key here that would let them in: closing passwords would lock everyone out; add one with ssh-copy-id first")
	}
	if u := f.Aim.User; u != "" && f.Aim.From.IsValid() && !slices.Contains(names, u) {
		return posture.Refuse("you are logged in as %s, who has no key here: closing passwords would lock you out; add one with ssh-copy-id first", u)
	}
	return nil
}

// loginNames are the accounts that get a shell with a key: one that sshd lets
// in, of a type it takes, without a forced command.
func loginNames(f *posture.Facts) (names []string) {
	for _, k := range f.AuthorizedKey.Value {
		u, ok := account(f, k.User)
		if !ok || slices.Contains(names, u.Name) || !loginShell(u.Shell) || k.Type == "ssh-dss" || strings.Contains(k.Options, "command=") || !sshAllows(f.SSHD.Value, u) {
			continue
		}
		names = append(names, u.Name)
	}
	return names
}

// sshAllows reports whether sshd's own lists let an account in. Patterns are
// taken as names: where one stands, the account is not counted on.
func sshAllows(s host.SSHD, u host.User) bool {
	if u.UID == 0 && (s.Permitted == "no" || s.Permitted == "forced-commands-only") {
		return false
	}
	listed := func(keyword string) []string { return strings.Fields(strings.Join(s.Options[keyword], " ")) }
	in := func(list []string) bool {
		return slices.ContainsFunc(list, func(g string) bool { return slices.Contains(u.Groups, g) })
	}
	if allow := listed("allowusers"); len(allow) > 0 && !slices.Contains(allow, u.Name) {
		return false
	}
	if allow := listed("allowgroups"); len(allow) > 0 && !in(allow) {
		return false
	}
	return !slices.Contains(listed("denyusers"), u.Name) && !in(listed("denygroups"))
}
