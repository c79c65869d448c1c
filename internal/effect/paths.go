package effect

import (
	"path"
	"strings"

	"github.com/openseawall/seawall/internal/lazyregexp"
)

// home is where the agent's $HOME is assumed to be. Every home directory is
// looked at in the same way, so its name does not matter.
const home = "/home/~"

// rank says how much a path matters.
type rank uint8

const (
	plain rank = iota
	// projectSecret is a credential file that ordinary work reads (a .env of
	// a project); sending it anywhere is the danger.
	projectSecret
	// machineSecret is a credential file of this machine: reading is enough.
	machineSecret
)

// pattern is a shape of paths: an example for globs to be matched against, and
// an expression over the clean path, in which every home directory is "~".
type pattern struct {
	example string
	re      *lazyregexp.Regexp
}

// /etc is /private/etc on macOS and /usr/local/etc on FreeBSD.
func pat(example, re string) pattern {
	return pattern{example, lazyregexp.New(strings.ReplaceAll(re, "^/etc/", "^(?:/private|/usr/local)?/etc/"))}
}

// machineSecrets are the credential files of a machine, after the lists of
// GTFOBins, MITRE ATT&CK T1552 and OpenClaw's state directory.
var machineSecrets = []pattern{
	pat("~/.ssh/id_rsa", `(^|/)\.ssh/(id_[a-z0-9_]+|identity|[^/]*\.(pem|key|ppk)|[^/]*_(rsa|dsa|ecdsa|ed25519)|google_compute_engine)$`),
	pat("/etc/ssh/ssh_host_rsa_key", `^/etc/ssh/ssh_host_[a-z0-9]+_key$`),
	pat("/etc/shadow", `(^|/)etc/(g?shadow-?|master\.passwd|spwd\.db|security/opasswd|krb5\.keytab|sudoers\.d/[^/]+\.key)$`),
	pat("/etc/ppp/chap-secrets", `^/etc/(ppp/(chap|pap)-secrets|ipsec\.secrets|wireguard/[^/]+\.conf|openvpn/.*\.key|ssl/private/.+|pki/(tls|ca-trust)/private/.+|letsencrypt/(live|archive)/.+privkey[^/]*)$`),
	pat("/etc/NetworkManager/system-connections/x", `^/etc/(NetworkManager/system-connections/.+|wpa_supplicant/.*\.conf|netplan/.*wifi.*)$`),
	pat("~/.aws/credentials", `(^|/)\.aws/(credentials|sso/cache/.+|cli/cache/.+)$`),
	pat("~/.config/gcloud/application_default_credentials.json", `(^|/)(\.config/)?gcloud/(application_default_credentials\.json|credentials\.db|access_tokens\.db|legacy_credentials/.+)$`),
	pat("~/.azure/accessTokens.json", `(^|/)\.azure/(accessTokens\.json|msal_token_cache\.(json|bin)|service_principal_entries\.(json|bin)|azureProfile\.json)$`),
	pat("~/.kube/config", `(^|/)\.kube/(config|cache/oidc-login/.+)$|^/etc/kubernetes/(admin|kubelet|super-admin)\.conf$|^/etc/rancher/k3s/k3s\.yaml$`),
	pat("/var/run/secrets/kubernetes.io/serviceaccount/token", `^(/var)?/run/secrets/.+$`),
	pat("~/.docker/config.json", `(^|/)\.docker/config\.json$|(^|/)containers/auth\.json$`),
	pat("~/.git-credentials", `(^|/)(\.git-credentials|\.config/git/credentials)$`),
	pat("~/.netrc", `(^|/)[._]netrc(\.gpg)?$`),
	pat("~/.pgpass", `^~/\.(pgpass|my\.cnf|mylogin\.cnf|boto|s3cfg|dockercfg|terraformrc|terraform\.d/credentials\.tfrc\.json|npmrc|pypirc|yarnrc\.yml|gem/credentials|cargo/credentials(\.toml)?|m2/settings\.xml|gradle/gradle\.properties|config/gh/hosts\.yml|config/hub|config/rclone/rclone\.conf|config/op/.+|config/doctl/config\.yaml|config/heroku/.+|vault-token|fly/config\.yml|config/netlify/config\.json|config/stripe/config\.toml|oci/config|password-store/.+|smbcredentials|fetchmailrc|msmtprc|muttrc|authinfo(\.gpg)?)$`),
	pat("~/.gnupg/secring.gpg", `(^|/)\.gnupg/(secring\.gpg|private-keys-v1\.d(/.*)?)$`),
	pat("~/.local/share/keyrings/login.keyring", `(^|/)(\.local/share/keyrings|\.gnome2/keyrings|\.local/share/kwalletd|\.kde/share/apps/kwallet|Library/Keychains)(/.*)?$|\.(kdbx|keychain(-db)?)$`),
	pat("~/.mozilla/firefox/x.default/logins.json", `(^|/)(\.mozilla|Mozilla|\.thunderbird|Firefox)/.*(logins\.json|key[34]\.db|cookies\.sqlite|signons\.sqlite|cert9\.db)$`),
	pat("~/.config/google-chrome/Default/Login Data", `(?i)(^|/)(google-chrome|chromium|chrome|brave-browser|microsoft edge|microsoft-edge|vivaldi|opera|bravesoftware)[^/]*/.*(login data|cookies|web data|local state)[^/]*$`),
	pat("~/.config/Exodus/exodus.wallet", `(?i)(^|/)(\.bitcoin/.*wallet\.dat|\.electrum/wallets/.+|\.ethereum/keystore/.+|exodus/.*wallet.*|\.config/solana/id\.json)$`),
	pat("/proc/self/environ", `^/proc/([^/]+/(task/[^/]+/)?)?environ$`),
	pat("/proc/1/mem", `^/proc/([^/]+/)?mem$|^/dev/k?mem$`),
	pat("~/.openclaw/openclaw.json", `(^|/)\.(openclaw|clawdbot|moltbot)[^/]*/(openclaw|clawdbot|moltbot)\.json[^/]*$|(^|/)openclaw\.json(5|\.bak[^/]*|\.last-good)?$`),
	pat("~/.openclaw/credentials/x", `(^|/)\.(openclaw|clawdbot|moltbot)[^/]*/(credentials|secrets|identity|devices)(/.*)?$|(^|/)auth-profiles\.json$|(^|/)openclaw[^/]*\.sqlite[^/]*$|(^|/)\.(openclaw|clawdbot|moltbot)[^/]*/(\.env|exec-approvals\.json|.*\.(sqlite|key)[^/]*)$`),
	pat("/var/lib/seawall/x", `(^|/)(var/lib|\.local/state|\.config|etc|run)/seawall(/.*)?$`),
}

// projectSecrets are credential files that stand in projects.
var projectSecrets = []pattern{
	pat(".env", `(^|/)\.env(\.[A-Za-z0-9_-]+)*$|(^|/)[A-Za-z0-9_-]+\.env$|(^|/)\.envrc$`),
	pat("server.key", `\.(pem|key|p12|pfx|jks|keystore|ppk|asc)$`),
	pat("credentials.json", `(?i)(^|/)(credentials?|secrets?|service[-_]?account[^/]*|client_secrets?[^/]*|token|api[-_]?keys?)(\.(json|ya?ml|toml|ini|txt|db))?$`),
	pat("id_rsa", `(^|/)id_(rsa|dsa|ecdsa|ed25519)$`),
	pat(".npmrc", `(^|/)\.(npmrc|pypirc|pgpass|htpasswd|vault_pass[^/]*|netlify|vercel/auth\.json)$|(^|/)(wp-config\.php|terraform\.tfstate|kubeconfig)$`),
	pat("~/.bash_history", `(^|/)\.(bash|zsh|sh|python|mysql|psql|node_repl|ash|fish)_history$`),
	pat("/etc/passwd", `^/etc/passwd-?$`),
}

// notSecret are the exceptions: examples and public halves.
var notSecret = lazyregexp.New(`(?i)(^|/)((public|pub|ca|cert|chain|fullchain|root)[^/]*|[^/]*[-_.](public|pub|cert|ca|chain|crt))\.pem$|\.(pub|example|sample|template|dist|tmpl|md)$|\.env\.(example|sample|template|test|ci)(\.|$)|\.(example|sample|template)\.env$|^/etc/wireguard/.*\.pub`)

// guardFiles are files that hold Seawall, OpenClaw's guards, the firewall and
// the audit trail of a machine.
var guardFiles = []pattern{
	pat("/var/lib/seawall/policy.cedar", `(^|/)(var/lib|\.local/state|\.config|etc|run|opt)/seawall[^/]*(/.*)?$`),
	pat("/usr/local/bin/seawall", `(^|/)s?bin/seawall[^/]*$|(^|/)seawall[^/]*\.(service|socket|timer)(\.d(/.*)?)?$`),
	pat("/opt/seawall-guard/index.js", `(^|/)seawall-guard(/.*)?$`),
	pat("~/.openclaw/openclaw.json", `(^|/)(openclaw|clawdbot|moltbot)\.json(5|\.bak[^/]*|\.last-good)?$|(^|/)\.(openclaw|clawdbot|moltbot)[^/]*/(exec-approvals\.json|state/.*|credentials(/.*)?|identity(/.*)?|devices(/.*)?|agents/[^/]+/agent/.*)$|(^|/)exec-approvals\.json$`),
	pat("/etc/ufw/ufw.conf", `^/etc/(ufw(/.*)?|nftables\.(conf|d/.*)|iptables(/.*)?|default/ufw|firewalld/.*|fail2ban/.*|sysconfig/ip6?tables)$`),
	pat("/etc/audit/auditd.conf", `^/etc/(audit(/.*)?|selinux/config|apparmor\.d(/.*)?|libaudit\.conf|r?syslog(\.conf|\.d/.*|-ng/.*))$`),
	pat("/sys/fs/selinux/enforce", `^(/sys/fs/selinux/.*|/sys/kernel/debug/tracing/events/.*enable|/sys/kernel/security/.*)$`),
}

// Seawalls reports whether a path, as a call names it, is or may be one of
// Seawall's own files.
func Seawalls(path string) bool { return matches(clean(path, ""), guardFiles[:3]) }

// trails are the logs that tell afterwards who did what.
var trails = []pattern{
	pat("/var/log/auth.log", `^/(private/)?var/log(/\*|/\.\*|/)?$|^/(private/)?var/log/(auth\.log|secure|audit|syslog|messages|wtmp|btmp|lastlog|utmp|faillog|journal|kern\.log|system\.log|cron|maillog)([./].*|\*)?$|^(/var)?/run/(utmp|log/journal.*)$|^/var/lib/docker/containers/.*json\.log$|^/private/var/audit(/.*)?$`),
	pat("~/.bash_history", `(^|/)\.(bash|zsh|sh|ash|fish)_history$`),
}

// persistence are files whose content runs again by itself (MITRE T1037,
// T1053, T1543, T1546, T1098.004, T1574.006).
var persistence = []pattern{
	pat("/etc/cron.d/x", `^/etc/(cron|anacron)[^/]*(/.*)?$|^/(var|private/var)/(spool/cron|at|spool/at)[^/]*(/.*)?$|^/usr/lib/cron(/.*)?$`),
	pat("/etc/systemd/system/x.service", `(^|/)systemd/(system|user)([-/].*)?$|^/(etc|usr/lib|lib)/systemd/.*\.(service|timer|socket|path|conf)$`),
	pat("/etc/rc.local", `^/etc/(rc\.local|rc[0-9S]?\.d/.*|rc\.common|init\.d/.*|inittab|local\.d/.*|init/.*|rc\.conf|periodic/.*|StartupItems/.*|emond\.d/.*)$|^/usr/local/etc/rc\.d/.*`),
	pat("/etc/profile.d/x.sh", `^/etc/(profile(\.d(/.*)?)?|bash\.bashrc|bashrc|zsh(rc|env)|zsh/.*|zprofile|csh\.(cshrc|login)|environment|security/pam_env\.conf|xdg/autostart/.*|update-motd\.d/.*|shells)$`),
	pat("~/.bashrc", `(^|/)\.(bashrc|bash_profile|bash_login|bash_logout|bash_aliases|profile|zshrc|zprofile|zshenv|zlogin|zlogout|kshrc|cshrc|tcshrc|login|xinitrc|xsession|xprofile|shrc|config/fish/(config\.fish|conf\.d/.*)|pam_environment|ssh/(rc|environment))$`),
	pat("~/.ssh/authorized_keys", `(^|/)\.ssh/authorized_keys2?$`),
	pat("/etc/ld.so.preload", `^/etc/(ld\.so\.(preload|conf(\.d/.*)?))$`),
	pat("/etc/pam.d/sshd", `^/etc/(pam\.d/.*|pam\.conf|sudoers(\.d/.*)?|doas\.conf|ssh/sshd_config(\.d/.*)?|polkit-1/.*|passwd|shadow|group|modules|modules-load\.d/.*|modprobe\.d/.*|udev/rules\.d/.*|NetworkManager/dispatcher\.d/.*|network/if-(up|pre-up|post-up|down)\.d/.*|apt/apt\.conf(\.d/.*)?|dnf/plugins/.*|yum/pluginconf\.d/.*|xinetd\.d/.*|inetd\.conf|logrotate\.d/.*)$|/security/pam_[^/]*\.so$`),
	pat("~/.config/autostart/x.desktop", `(^|/)\.config/(autostart/.*|plasma-workspace/env/.*)$|(^|/)Library/(LaunchAgents|LaunchDaemons|StartupItems|Preferences/com\.apple\.loginitems.*)(/.*)?$`),
	pat("~/.config/git/hooks/x", `(^|/)\.config/git/hooks/.*$`),
}

// sources say where programs fetch code from and what they run beside (MITRE
// T1195.001).
var sources = []pattern{
	pat("~/.npmrc", `(^|/)\.(npmrc|yarnrc(\.yml)?|gemrc|condarc|curlrc|wgetrc|gitconfig|config/(git/config|pip/pip\.conf|uv/uv\.toml)|pip/pip\.conf|cargo/config(\.toml)?|m2/settings\.xml)$|^/etc/(pip\.conf|npmrc|gitconfig|wgetrc)$`),
}

// wideRoots are directories whose loss is the loss of a machine or a home.
var wideRoots = lazyregexp.New(`^(/|~|/(home|root|etc|usr|var|boot|bin|sbin|lib|lib64|opt|srv|mnt|media|dev|proc|sys|Users|System|Library|Applications)|/(usr|var)/(bin|sbin|lib|local|share)|/Users/[^/]+|~/\.openclaw)$`)

// devices are block devices, on which a plain write destroys file systems.
var devices = lazyregexp.New(`^/dev/(sd|hd|vd|xvd|nvme|mmcblk|r?disk|loop|md|dm-|mapper/|disk/|sr|ram|mem$|kmem$|port$|mtd|zvol/)|^/proc/sysrq-trigger$`)

// homes are the ways to write somebody's home directory.
var homes = lazyregexp.New(`^(~[a-z_][-a-z0-9_.]*|` + home + `|/root|/home/[^/]+|/Users/[^/]+|/var/root)(/|$)`)

// clean makes a path absolute by dir, if that is known, resolves . and .. and
// writes every home directory as "~". Unknown pieces become empty.
func clean(p, dir string) string {
	p = strings.ReplaceAll(p, hole, "")
	p = strings.TrimPrefix(p, "file://")
	switch {
	case p == "":
		return ""
	case strings.HasPrefix(p, "/"), strings.HasPrefix(p, "~"):
	case dir != "":
		p = strings.TrimSuffix(dir, "/") + "/" + p
	}
	p = path.Clean(p)
	// /proc/self/root and /proc/1/cwd/.. are names for the root.
	if rest, ok := strings.CutPrefix(p, "/proc/self/root"); ok && (rest == "" || rest[0] == '/') {
		p = path.Clean("/" + rest)
	}
	for _, host := range []string{"/proc/1/root/", "/host/", "/hostfs/", "/rootfs/", "/mnt/root/", "/mnt/host/"} {
		if rest, ok := strings.CutPrefix(p, host); ok {
			p = "/" + rest
		}
	}
	if m := homes.FindString(p); m != "" {
		p = "~" + strings.TrimSuffix("/"+p[len(m):], "/")
		if p == "~/" {
			p = "~"
		}
	}
	return p
}

// matches says whether a clean path, which may be a glob, has one of the
// shapes.
func matches(p string, table []pattern) bool {
	if p == "" {
		return false
	}
	for _, t := range table {
		if t.re.MatchString(p) || globbed(p, t.example) {
			return true
		}
	}
	return false
}

// globbed says that a glob would find the example. A component that is
// nothing but a wildcard, in a directory that is none, says nothing.
func globbed(glob, example string) bool {
	if !strings.ContainsAny(glob, "*?[") {
		return false
	}
	g, e := strings.Split(glob, "/"), strings.Split(example, "/")
	if len(g) != len(e) {
		return false
	}
	letters := 0
	for i := range g {
		// A leading dot is not matched by a wildcard.
		if strings.HasPrefix(e[i], ".") && !strings.HasPrefix(g[i], ".") {
			return false
		}
		if ok, err := path.Match(g[i], e[i]); err != nil || !ok {
			return false
		}
		letters += len(strings.Trim(g[i], "*?[]~."))
	}
	last := strings.Trim(g[len(g)-1], "*?")
	dotted := len(g) > 1 && strings.HasPrefix(e[len(e)-2], ".") && len(g[len(g)-2]) > 2
	return letters > 0 && (last != "" || dotted)
}

// rankOf says how much a clean path matters to somebody who reads it.
func rankOf(p string) rank {
	switch {
	case p == "" || notSecret.MatchString(p):
		return plain
	case matches(p, machineSecrets):
		return machineSecret
	case matches(p, projectSecrets):
		return projectSecret
	}
	return plain
}

// secretTree says that a directory holds credential files, for commands that
// read whole trees.
func secretTree(p string) bool {
	switch p {
	case "~/.ssh", "~/.aws", "~/.gnupg", "~/.kube", "~/.docker", "~/.azure", "~/.config/gcloud", "~/.openclaw",
		"~/.mozilla", "~/.config/google-chrome", "~/.config/chromium", "~/.password-store", "/etc/ssl/private", "/etc/letsencrypt":
		return true
	}
	return matches(p+"/x", []pattern{machineSecrets[len(machineSecrets)-1]})
}

// wide says that a clean path, or glob, covers a whole system, home or disk.
func wide(p string) bool {
	if strings.HasPrefix(p, "../../..") && strings.Trim(p, "./") == "" {
		return true // that far up from anywhere is the root
	}
	for {
		if wideRoots.MatchString(p) {
			return true
		}
		dir, last := path.Split(p)
		if strings.Trim(last, "*.?{}[]!") != "" || dir == "" || last == "" {
			return false
		}
		p = path.Clean(dir)
	}
}
