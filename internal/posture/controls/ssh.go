package controls

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/posture"
	"github.com/openseawall/seawall/internal/posture/firewall"
)

// The SSH controls read what sshd would do (`sshd -T`), not its files: the
// first value wins, and the Include of sshd_config.d stands first, so that a
// cloud image's drop-in beats a line that was appended to sshd_config.
var sshControls = []posture.Control{
	{
		ID: "ssh-password-login", Title: "SSH accepts passwords", Family: posture.SSH, Severity: posture.High,
		Why: "Anyone who reaches the port may guess. Appending PasswordAuthentication no to sshd_config, as guides say, " +
			"does nothing when a drop-in of the cloud image says yes: the first value wins.",
		Advice: "Write PasswordAuthentication no to /etc/ssh/sshd_config.d/00-seawall.conf, reload sshd, then look at sshd -T",
		Source: "CIS Debian 12, 5.1; " + guide + ", SSH; " + errata,
		Needs:  []posture.Need{posture.SSHD},
		Check:  sshOption("passwordauthentication", "yes", "anyone who reaches port %s may try passwords"),
	},
	{
		ID: "ssh-keyboard-interactive", Title: "SSH asks for passwords by its second way", Family: posture.SSH, Severity: posture.High,
		Why: "Keyboard-interactive login goes through PAM and takes the same password; PasswordAuthentication no " +
			"does not close it, and upstream's default is yes.",
		Advice: "Add KbdInteractiveAuthentication no beside PasswordAuthentication no",
		Source: "sshd_config(5); " + errata,
		Needs:  []posture.Need{posture.SSHD},
		Check:  sshOption("kbdinteractiveauthentication", "yes", "port %s still takes a password, by keyboard-interactive"),
	},
	{
		ID: "ssh-root-login", Title: "Root may log in with a password", Family: posture.SSH, Severity: posture.High,
		Why:    "The one account name every attacker knows, and nothing stands behind it.",
		Advice: "Set PermitRootLogin prohibit-password, or no when another account has a key and sudo",
		Source: "CIS Debian 12, 5.1.20; " + guide + ", SSH",
		Needs:  []posture.Need{posture.SSHD},
		Check: func(f *posture.Facts) []posture.Finding {
			permitted := f.SSHD.Value.Permitted
			if permitted == "" {
				permitted = f.SSHD.Value.Option("permitrootlogin")
			}
			if permitted == "yes" {
				return posture.Found("sshd would let root in by any means (permitrootlogin yes)")
			}
			return nil
		},
	},
	{
		ID: "ssh-empty-passwords", Title: "SSH lets accounts without a password in", Family: posture.SSH, Severity: posture.Critical,
		Why:    "An account whose password is empty is a public account.",
		Advice: "Set PermitEmptyPasswords no",
		Source: "CIS Debian 12, 5.1.19",
		Needs:  []posture.Need{posture.SSHD},
		Check:  sshOption("permitemptypasswords", "yes", "port %s takes an empty password"),
	},
	{
		ID: "ssh-max-auth-tries", Title: "SSH allows many tries in one connection", Family: posture.SSH, Severity: posture.Medium,
		Why:    "Each connection is that many guesses, and counts as one for whoever limits connections.",
		Advice: "Set MaxAuthTries 3; a client that offers more keys than that needs IdentitiesOnly yes",
		Source: "CIS Debian 12, 5.1.16; " + guide + ", SSH",
		Needs:  []posture.Need{posture.SSHD},
		Check: func(f *posture.Facts) []posture.Finding {
			if n, ok := sshNumber(f, "maxauthtries"); ok && n > 3 {
				return posture.Found("MaxAuthTries is %d, more than 3", n)
			}
			return nil
		},
	},
	{
		ID: "ssh-login-grace", Title: "SSH keeps unauthenticated connections for long", Family: posture.SSH, Severity: posture.Low,
		Why:    "Connections that never log in fill sshd's slots and lock the operator out; 0 means forever.",
		Advice: "Set LoginGraceTime 60",
		Source: "CIS Debian 12, 5.1.13",
		Needs:  []posture.Need{posture.SSHD},
		Check: func(f *posture.Facts) []posture.Finding {
			if n, ok := sshNumber(f, "logingracetime"); ok && (n == 0 || n > 60) {
				return posture.Found("LoginGraceTime is %d seconds", n)
			}
			return nil
		},
	},
	{
		ID: "ssh-open-to-all-users", Title: "Every account may log in over SSH", Family: posture.SSH, Severity: posture.Low,
		Why:    "A service account that one day gets a shell or a key, the agent's own above all, is then a way in.",
		Advice: "Name who may log in: AllowUsers or AllowGroups",
		Source: "CIS Debian 12, 5.1.4",
		Needs:  []posture.Need{posture.SSHD},
		Check: func(f *posture.Facts) []posture.Finding {
			for _, k := range []string{"allowusers", "allowgroups"} {
				if f.SSHD.Value.Option(k) != "" {
					return nil
				}
			}
			return posture.Found("neither AllowUsers nor AllowGroups is set")
		},
	},
	{
		ID: "ssh-host-based", Title: "SSH trusts other machines' word for who logs in", Family: posture.SSH, Severity: posture.High,
		Why:    "Whoever takes a trusted machine, or its address, takes this one.",
		Advice: "Set HostbasedAuthentication no and IgnoreRhosts yes",
		Source: "CIS Debian 12, 5.1.10, 5.1.11",
		Needs:  []posture.Need{posture.SSHD},
		Check:  sshOption("hostbasedauthentication", "yes", "port %s lets trusted machines log in without a key of the user"),
	},
	{
		ID: "ssh-user-environment", Title: "A key may bring environment variables into sshd's session", Family: posture.SSH, Severity: posture.Medium,
		Why:    "environment= in authorized_keys can set LD_PRELOAD and step around a forced command.",
		Advice: "Set PermitUserEnvironment no",
		Source: "CIS Debian 12, 5.1.21",
		Needs:  []posture.Need{posture.SSHD},
		Check: func(f *posture.Facts) []posture.Finding {
			if v := f.SSHD.Value.Option("permituserenvironment"); v != "" && v != "no" {
				return posture.Found("PermitUserEnvironment is %s", v)
			}
			return nil
		},
	},
	{
		ID: "ssh-gateway-ports", Title: "A tunnel through SSH may listen for everyone", Family: posture.SSH, Severity: posture.Medium,
		Why:    "One ssh -R for temporary access publishes a local service, the gateway too, and nobody sees it in a config.",
		Advice: "Set GatewayPorts no",
		Source: "sshd_config(5); " + baseline + ", public exposure",
		Needs:  []posture.Need{posture.SSHD},
		Check: func(f *posture.Facts) []posture.Finding {
			if v := f.SSHD.Value.Option("gatewayports"); v == "yes" || v == "clientspecified" {
				return posture.Found("GatewayPorts is %s: a forwarded port need not stay on loopback", v)
			}
			return nil
		},
	},
	{
		ID: "ssh-x11-forwarding", Title: "SSH forwards X11", Family: posture.SSH, Severity: posture.Low,
		Why:    "A server has no screen; a program here could reach the operator's own.",
		Advice: "Set X11Forwarding no",
		Source: "CIS Debian 12, 5.1.8",
		Needs:  []posture.Need{posture.SSHD},
		Check:  sshOption("x11forwarding", "yes", "port %s forwards X11"),
	},
	{
		ID: "ssh-agent-forwarding", Title: "SSH lets a session carry the operator's keys here", Family: posture.SSH, Severity: posture.Low,
		Why:    "While an operator with a forwarded agent is logged in, whoever is root here logs in elsewhere as the operator.",
		Advice: "Set AllowAgentForwarding no; ssh -J hops without it",
		Source: "Lynis SSH-7408; ssh(1), -A",
		Needs:  []posture.Need{posture.SSHD},
		Check:  sshOption("allowagentforwarding", "yes", "port %s takes forwarded agents"),
	},
	{
		ID: "ssh-strict-modes", Title: "SSH takes keys from files that others may write", Family: posture.SSH, Severity: posture.High,
		Why:    "Whoever writes authorized_keys or the home above it adds a key.",
		Advice: "Set StrictModes yes",
		Source: "Lynis SSH-7408; sshd_config(5)",
		Needs:  []posture.Need{posture.SSHD},
		Check:  sshOption("strictmodes", "no", "port %s does not look at the modes of key files"),
	},
	{
		ID: "ssh-tunnel-device", Title: "SSH may build a network into this machine", Family: posture.SSH, Severity: posture.Medium,
		Why:    "PermitTunnel makes a tun device: a route past every rule that names an interface.",
		Advice: "Set PermitTunnel no",
		Source: "sshd_config(5); " + baseline + ", public exposure",
		Needs:  []posture.Need{posture.SSHD},
		Check: func(f *posture.Facts) []posture.Finding {
			if v := f.SSHD.Value.Option("permittunnel"); v != "" && v != "no" {
				return posture.Found("PermitTunnel is %s", v)
			}
			return nil
		},
	},
	{
		ID: "ssh-max-startups", Title: "SSH keeps many unauthenticated connections at once", Family: posture.SSH, Severity: posture.Low,
		Why:    "Each is a process before anyone has shown a key.",
		Advice: "Set MaxStartups 10:30:60",
		Source: "CIS Debian 12, 5.1.17",
		Needs:  []posture.Need{posture.SSHD},
		Check: func(f *posture.Facts) []posture.Finding {
			v := f.SSHD.Value.Option("maxstartups")
			parts := strings.Split(v, ":")
			if n, err := strconv.Atoi(parts[len(parts)-1]); err == nil && n > 100 {
				return posture.Found("MaxStartups is %s", v)
			}
			return nil
		},
	},
	{
		ID: "ssh-quiet-log", Title: "SSH does not write down who logs in", Family: posture.SSH, Severity: posture.Medium,
		Why:    "Daily reading of the log, fail2ban and every later question (who, from where, with which key) need it.",
		Advice: "Set LogLevel INFO, or VERBOSE to have each key's fingerprint",
		Source: "CIS Debian 12, 5.1.14; " + guide + ", maintenance",
		Needs:  []posture.Need{posture.SSHD},
		Check: func(f *posture.Facts) []posture.Finding {
			switch v := f.SSHD.Value.Option("loglevel"); strings.ToUpper(v) {
			case "QUIET", "FATAL", "ERROR":
				return posture.Found("LogLevel is %s", v)
			}
			return nil
		},
	},
	{
		ID: "ssh-weak-algorithms", Title: "SSH offers algorithms that are broken", Family: posture.SSH, Severity: posture.Medium,
		Why:    "A connection is as strong as the weakest thing both sides accept.",
		Advice: "Remove the Ciphers, MACs, KexAlgorithms and HostKeyAlgorithms lines: OpenSSH's defaults are right",
		Source: "CIS Debian 12, 5.1.6, 5.1.12, 5.1.15; RFC 9142, RFC 8758",
		Needs:  []posture.Need{posture.SSHD},
		Check:  checkSSHAlgorithms,
	},
	{
		ID: "ssh-weak-key", Title: "A weak key may log in", Family: posture.SSH, Severity: posture.Medium,
		Why:    "Keys only is as good as the weakest key.",
		Advice: "Replace it with ssh-keygen -t ed25519",
		Source: "NIST SP 800-131A Rev. 2, RSA below 2048 and DSA disallowed",
		Needs:  []posture.Need{posture.AuthorizedKey},
		Check: func(f *posture.Facts) (found []posture.Finding) {
			for _, k := range f.AuthorizedKey.Value {
				if k.Type == "ssh-dss" || k.Type == "ssh-rsa" && k.Bits > 0 && k.Bits < 2048 {
					found = append(found, posture.On(k.File, "the key %q of %s is %s with %d bits", k.Comment, k.User, k.Type, k.Bits))
				}
			}
			return found
		},
	},
	{
		ID: "ssh-no-key", Title: "Nobody has a key to log in with", Family: posture.SSH, Severity: posture.High,
		Why: "Either the door is locked to everyone, or it is a password that opens it; and closing passwords now " +
			"would lock the operator out.",
		Advice: "From your own machine: ssh-copy-id USER@THIS-MACHINE",
		Source: guide + ", SSH: only keys are acceptable",
		Needs:  []posture.Need{posture.SSHD, anyKey},
		Check: func(f *posture.Facts) []posture.Finding {
			if len(f.AuthorizedKey.Value) > 0 {
				return nil
			}
			return posture.Found("no authorized key was found for any account")
		},
	},
	{
		ID: "ssh-no-ban", Title: "Nothing stops an address that keeps guessing", Family: posture.SSH, Severity: posture.Medium,
		Why: "One address alone tries thousands of passwords a day. It is one brick only: in tests fail2ban stopped " +
			"66 to 78 % of brute force, and nothing against many addresses.",
		Advice: "apt-get install fail2ban python3-systemd, with [sshd] enabled, maxretry 3, bantime 3600, backend systemd",
		Source: guide + ", fail2ban",
		Needs:  []posture.Need{posture.SSHD, fail2ban},
		Check: func(f *posture.Facts) []posture.Finding {
			if f.Fail2ban.Value.Installed || slices.ContainsFunc([]string{"sshguard", "crowdsec"}, func(p string) bool { return f.Packages.Value[p] != "" }) {
				return nil
			}
			return posture.Found("neither fail2ban nor sshguard nor crowdsec is installed")
		},
		Fix: fixFail2ban,
	},
	{
		ID: "ssh-ban-dead", Title: "fail2ban is installed and does not run", Family: posture.SSH, Severity: posture.High,
		Why: "The stock unit of Debian 12 fails at boot: its sshd jail looks for a log file that a system without " +
			"rsyslog does not have. The guide's three lines do not start there.",
		Advice: "Install python3-systemd, set backend = systemd in jail.local, then systemctl restart fail2ban",
		Source: errata + " (Debian 12, fail2ban 1.0.2)",
		Needs:  []posture.Need{fail2ban},
		Check: func(f *posture.Facts) []posture.Finding {
			if b := f.Fail2ban.Value; b.Installed && !b.Running {
				return posture.Found("fail2ban does not run%s", because(b.Error))
			}
			return nil
		},
		Fix: fixFail2ban,
	},
	{
		ID: "ssh-ban-no-jail", Title: "fail2ban does not watch SSH", Family: posture.SSH, Severity: posture.Medium,
		Why:    "It runs and bans nobody.",
		Advice: "Set enabled = true under [sshd] in jail.local, then fail2ban-client status sshd",
		Source: guide + ", fail2ban",
		Needs:  []posture.Need{fail2ban},
		Check: func(f *posture.Facts) []posture.Finding {
			if b := f.Fail2ban.Value; b.Running && !b.SSHJail {
				return posture.Found("fail2ban runs without its sshd jail%s", because(b.Error))
			}
			return nil
		},
		Fix: fixFail2ban,
	},
	{
		ID: "ssh-ban-lenient", Title: "fail2ban is patient", Family: posture.SSH, Severity: posture.Low,
		Why:    "Three tries and an hour is fair where only the operator logs in.",
		Advice: "Set maxretry = 3 and bantime = 3600 under [sshd]",
		Source: guide + ", fail2ban",
		Needs:  []posture.Need{fail2ban},
		Check: func(f *posture.Facts) []posture.Finding {
			b := f.Fail2ban.Value
			if !b.Running || !b.SSHJail {
				return nil
			}
			if b.MaxRetry > 3 || b.BanTime > 0 && b.BanTime < time.Hour {
				return posture.Found("%d tries, then %v", b.MaxRetry, b.BanTime)
			}
			return nil
		},
		Fix: fixFail2ban,
	},
	{
		ID: "ssh-ban-blind", Title: "fail2ban reads a log that nobody writes", Family: posture.SSH, Severity: posture.Medium,
		Why:    "sshd logs to the journal. Without rsyslog there is no auth.log, and a jail that reads files sees no failure.",
		Advice: "Set backend = systemd under [sshd] and install python3-systemd",
		Source: errata + " (Debian 12, fail2ban 1.0.2)",
		Needs:  []posture.Need{fail2ban, posture.Packages},
		Check: func(f *posture.Facts) []posture.Finding {
			b := f.Fail2ban.Value
			if !b.Running || !b.SSHJail || b.Backend == "" || b.Backend == "systemd" || f.Packages.Value["rsyslog"] != "" {
				return nil
			}
			return posture.Found("the sshd jail uses the backend %q and rsyslog is not installed", b.Backend)
		},
		Fix: fixFail2ban,
	},
	{
		ID: "ssh-no-connection-limit", Title: "The firewall lets connections to SSH in without a limit", Family: posture.SSH, Severity: posture.Low,
		Why: "fail2ban stops an address that failed; a flood or thousands of addresses meet a limit only in the kernel. " +
			"The limit belongs on the rule that accepts the port, never on an accept of its own.",
		Advice: "Give the accept rule of the SSH port a limit, for example limit rate 30/second burst 60 packets",
		Source: guide + ", SYN flood protection; " + errata,
		Needs:  []posture.Need{posture.SSHD, ruleset, posture.Interfaces},
		Check: func(f *posture.Facts) (found []posture.Finding) {
			for _, port := range f.SSHD.Value.Ports {
				if f.SSHD.Value.Running && fromOutside(f.Facts, "tcp", port, false) == open && !limitsPort(f.Firewall.Value, port) {
					found = append(found, posture.On(fmt.Sprintf("port %d", port), "no rule limits new connections to port %d", port))
				}
			}
			return found
		},
		Fix: firewall.Changes,
	},
}

// fail2ban needs to know whether fail2ban is there; that it is not installed
// is an answer too.
var fail2ban = orNothing("fail2ban", func(f *posture.Facts) (host.Status, string) { return f.Fail2ban.State() })

// anyKey is known as soon as one key was found, whatever else was unreadable.
var anyKey = posture.Need{Name: "authorized keys", Of: func(f *posture.Facts) (host.Status, string) {
	if len(f.AuthorizedKey.Value) > 0 {
		return host.Known, ""
	}
	return f.AuthorizedKey.State()
}}

// orNothing is a need whose absence is judged and not skipped: a machine
// without any firewall does have an answer to "what gets in?".
func orNothing(name string, of func(*posture.Facts) (host.Status, string)) posture.Need {
	return posture.Need{Name: name, Of: func(f *posture.Facts) (host.Status, string) {
		status, reason := of(f)
		if status == host.Absent {
			return host.Known, ""
		}
		return status, reason
	}}
}

func because(reason string) string {
	if reason == "" {
		return ""
	}
	return ": " + reason
}

// sshOption finds a keyword that has a bad value; detail gets the ports.
func sshOption(keyword, bad, detail string) func(*posture.Facts) []posture.Finding {
	return func(f *posture.Facts) []posture.Finding {
		if f.SSHD.Value.Option(keyword) != bad {
			return nil
		}
		return posture.Found(detail, sshPorts(f))
	}
}

func sshPorts(f *posture.Facts) string {
	ports := make([]string, 0, 1)
	for _, p := range f.SSHD.Value.Ports {
		ports = append(ports, strconv.Itoa(int(p)))
	}
	if len(ports) == 0 {
		return "22"
	}
	return strings.Join(ports, ", ")
}

func sshNumber(f *posture.Facts, keyword string) (int, bool) {
	n, err := strconv.Atoi(f.SSHD.Value.Option(keyword))
	return n, err == nil
}

// brokenSSH are algorithms that OpenSSH itself no longer offers by default.
var brokenSSH = []string{"3des-cbc", "aes128-cbc", "aes192-cbc", "aes256-cbc", "arcfour", "blowfish-cbc", "cast128-cbc",
	"hmac-md5", "hmac-ripemd160", "hmac-sha1-96", "diffie-hellman-group1-", "diffie-hellman-group-exchange-sha1",
	"diffie-hellman-group14-sha1", "ssh-dss"}

func checkSSHAlgorithms(f *posture.Facts) (found []posture.Finding) {
	for _, keyword := range []string{"ciphers", "macs", "kexalgorithms", "hostkeyalgorithms"} {
		var bad []string
		for _, name := range strings.Split(strings.Join(f.SSHD.Value.Options[keyword], ","), ",") {
			if slices.ContainsFunc(brokenSSH, func(b string) bool { return strings.HasPrefix(name, b) }) {
				bad = append(bad, name)
			}
		}
		if len(bad) > 0 {
			found = append(found, posture.On(keyword, "sshd offers %s", strings.Join(bad, ", ")))
		}
	}
	return found
}

// limitsPort reports whether a rule that takes new connections to the port
// has a rate.
func limitsPort(fw host.Firewall, port uint16) bool {
	for _, c := range fw.Chains {
		for _, r := range c.Rules {
			if (r.Limit != "" || strings.Contains(r.Text, "hashlimit") || strings.Contains(r.Text, "recent")) &&
				len(r.DPorts) > 0 && inRanges(r.DPorts, port) && (r.Proto == "" || r.Proto == "tcp") {
				return true
			}
		}
	}
	return false
}
