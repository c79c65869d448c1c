package host

import (
	"crypto/rsa"
	"errors"
	"fmt"
	"net/netip"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

func (r *reader) readUsers() Fact[[]User] {
	passwd, err := r.h.ReadFile(r.ctx, "/etc/passwd")
	if err != nil {
		return NotRead[[]User]("%s", err)
	}
	group, err := r.h.ReadFile(r.ctx, "/etc/group")
	if err != nil {
		return NotRead[[]User]("%s", err)
	}
	users := parsePasswd(passwd)
	groups := parseGroups(group)
	var passwords map[string]string
	if shadow, err := r.h.ReadFile(r.ctx, "/etc/shadow"); err == nil {
		passwords = parseShadow(shadow)
	}
	for i := range users {
		u := &users[i]
		for _, g := range groups {
			if g.id == u.GID || slices.Contains(g.members, u.Name) {
				u.Groups = append(u.Groups, g.name)
			}
		}
		u.Password = passwords[u.Name]
	}
	return Is(users)
}

// parsePasswd reads passwd(5). A line that is not an account is left out.
func parsePasswd(b []byte) []User {
	var users []User
	for _, line := range lines(b) {
		f := strings.Split(line, ":")
		if len(f) < 7 || f[0] == "" {
			continue
		}
		uid, errUser := strconv.ParseUint(f[2], 10, 32)
		gid, errGroup := strconv.ParseUint(f[3], 10, 32)
		if errUser != nil || errGroup != nil {
			continue
		}
		users = append(users, User{Name: f[0], UID: uint32(uid), GID: uint32(gid), Home: f[5], Shell: f[6]})
	}
	return users
}

type group struct {
	name    string
	id      uint32
	members []string
}

// parseGroups reads group(5).
func parseGroups(b []byte) []group {
	var groups []group
	for _, line := range lines(b) {
		f := strings.Split(line, ":")
		if len(f) < 4 {
			continue
		}
		id, err := strconv.ParseUint(f[2], 10, 32)
		if err != nil {
			continue
		}
		g := group{name: f[0], id: uint32(id)}
		if f[3] != "" {
			g.members = strings.Split(f[3], ",")
		}
		groups = append(groups, g)
	}
	return groups
}

// parseShadow reads the states of the passwords in shadow(5).
func parseShadow(b []byte) map[string]string {
	states := map[string]string{}
	for _, line := range lines(b) {
		f := strings.Split(line, ":")
		if len(f) < 2 {
			continue
		}
		switch hash := f[1]; {
		case hash == "":
			states[f[0]] = "none"
		case strings.HasPrefix(hash, "!"), strings.HasPrefix(hash, "*"):
			states[f[0]] = "locked"
		default:
			states[f[0]] = "set"
		}
	}
	return states
}

// readAuthorizedKeys reads the keys that may log in as any user, from where
// sshd looks for them.
func (r *reader) readAuthorizedKeys() Fact[[]AuthorizedKey] {
	users := r.users()
	if !users.Ok() {
		return NotRead[[]AuthorizedKey]("the users are not known: %s", users.Reason)
	}
	patterns := []string{".ssh/authorized_keys", ".ssh/authorized_keys2"}
	if sshd := r.sshd(); sshd.Ok() {
		if set := sshd.Value.Option("authorizedkeysfile"); set != "" {
			patterns = strings.Fields(set)
		}
	}
	var keys []AuthorizedKey
	var failures []error
	seen := map[string]bool{}
	for _, u := range users.Value {
		for _, pattern := range patterns {
			file := keysFile(pattern, u)
			if file == "" || seen[u.Name+"\x00"+file] || isDevice(file) {
				continue
			}
			seen[u.Name+"\x00"+file] = true
			b, err := r.h.ReadFile(r.ctx, file)
			if errors.Is(err, ErrAbsent) {
				continue
			}
			if err != nil {
				failures = append(failures, err)
				continue
			}
			keys = append(keys, parseAuthorizedKeys(b, u.Name, file)...)
		}
	}
	return partial(keys, failures)
}

// isDevice leaves out homes such as /dev/null, which hold no files.
func isDevice(file string) bool {
	return strings.HasPrefix(file, "/dev/") || strings.HasPrefix(file, "/proc/")
}

// keysFile expands the tokens of AuthorizedKeysFile (sshd_config(5)).
func keysFile(pattern string, u User) string {
	if pattern == "none" || u.Home == "" {
		return ""
	}
	file := strings.NewReplacer("%%", "%", "%h", u.Home, "%u", u.Name, "%U", strconv.Itoa(int(u.UID))).Replace(pattern)
	if !path.IsAbs(file) {
		file = path.Join(u.Home, file)
	}
	return path.Clean(file)
}

func parseAuthorizedKeys(b []byte, user, file string) []AuthorizedKey {
	var keys []AuthorizedKey
	for _, line := range lines(b) {
		pub, comment, options, _, err := ssh.ParseAuthorizedKey([]byte(line))
		if err != nil {
			continue // a comment, or a line that sshd skips as well
		}
		k := AuthorizedKey{User: user, File: file, Type: pub.Type(), Comment: comment, Options: strings.Join(options, ",")}
		if c, ok := pub.(ssh.CryptoPublicKey); ok {
			if key, ok := c.CryptoPublicKey().(*rsa.PublicKey); ok {
				k.Bits = key.N.BitLen()
			}
		}
		keys = append(keys, k)
	}
	return keys
}

// keyLogins asks the journal who logged in with a key in the last days: sshd's
// own lines, newest first, which nobody but root can have written.
var keyLogins = []string{"_UID=0", "-q", "--no-pager", "-o", "short-iso", "-t", "sshd", "-t", "sshd-session", "--since", "-14d", "--grep", "^Accepted publickey for ", "-n", "200", "-r"}

// readLogins lists who is logged in, and who was with a key. Without a journal it
// is the former alone.
func (r *reader) readLogins() Fact[[]Session] {
	out, err := r.command("who", "--ips")
	if err != nil {
		return NotRead[[]Session]("who is logged in: %s", err)
	}
	list := parseWho(out)
	if said, err := r.h.Run(r.ctx, "journalctl", keyLogins...); err == nil && said.Exit == 0 {
		list = append(list, parseKeyLogins(said.Stdout)...)
	}
	return Is(list)
}

// parseKeyLogins reads lines such as "2026-11-24T13:10:01+0000 host sshd[7]:
// Accepted publickey for claw from 203.0.113.7 port 40000 ssh2: ED25519 …". An
// address counts once, with its newest login.
func parseKeyLogins(b []byte) (list []Session) {
	seen := map[netip.Addr]bool{}
	for _, line := range lines(b) {
		at, rest, _ := strings.Cut(line, " ")
		_, rest, ok := strings.Cut(rest, "]: Accepted publickey for ")
		user, rest, named := strings.Cut(rest, " from ")
		f := strings.Fields(rest)
		if !ok || !named || len(f) < 3 || f[1] != "port" {
			continue
		}
		from, err := netip.ParseAddr(f[0])
		when, timed := time.Parse("2006-01-02T15:04:05-0700", at)
		if err != nil || timed != nil || seen[from] {
			continue
		}
		seen[from] = true
		list = append(list, Session{User: user, From: from, Time: when})
	}
	return list
}

// parseWho reads lines such as "claw pts/0 2026-11-24 05:00 203.0.113.7".
func parseWho(b []byte) []Session {
	var list []Session
	for _, line := range lines(b) {
		f := strings.Fields(line)
		if len(f) < 4 {
			continue
		}
		at, err := time.Parse("2006-01-02 15:04", f[2]+" "+f[3])
		if err != nil {
			continue
		}
		s := Session{User: f[0], Now: true, Time: at}
		if len(f) > 4 {
			s.From, _ = netip.ParseAddr(strings.Trim(f[4], "()"))
		}
		list = append(list, s)
	}
	return list
}

// readSudo reads the rules of sudoers(5), without expanding its aliases.
func (r *reader) readSudo() Fact[[]SudoRule] {
	if _, err := r.h.Stat(r.ctx, "/etc/sudoers"); err != nil {
		return fromError[[]SudoRule](err, "sudo is not installed")
	}
	var rules []SudoRule
	var failures []error
	read := map[string]bool{}
	var file func(name string)
	file = func(name string) {
		if read[name] || len(read) > 200 {
			return
		}
		read[name] = true
		b, err := r.h.ReadFile(r.ctx, name)
		if err != nil {
			if !errors.Is(err, ErrAbsent) {
				failures = append(failures, err)
			}
			return
		}
		found, includes := parseSudoers(b, name)
		rules = append(rules, found...)
		for _, in := range includes {
			if !in.dir {
				file(in.path)
				continue
			}
			entries, err := r.h.ReadDir(r.ctx, in.path)
			if err != nil && !errors.Is(err, ErrAbsent) {
				failures = append(failures, err)
			}
			for _, e := range entries {
				// sudo skips names with a dot, and backups.
				if base := path.Base(e.Path); !strings.Contains(base, ".") && !strings.HasSuffix(base, "~") {
					file(e.Path)
				}
			}
		}
	}
	file("/etc/sudoers")
	return partial(rules, failures)
}

type sudoInclude struct {
	path string
	dir  bool
}

func parseSudoers(b []byte, name string) (rules []SudoRule, includes []sudoInclude) {
	text := strings.ReplaceAll(string(b), "\\\n", " ")
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		f := strings.Fields(line)
		if len(f) == 0 {
			continue
		}
		switch f[0] {
		case "@include", "#include", "@includedir", "#includedir":
			if len(f) > 1 {
				to := strings.Trim(f[1], `"`)
				if !path.IsAbs(to) {
					to = path.Join(path.Dir(name), to)
				}
				includes = append(includes, sudoInclude{path.Clean(to), strings.HasSuffix(f[0], "dir")})
			}
			continue
		}
		if strings.HasPrefix(line, "#") && !startsWithUID(line) || strings.HasPrefix(f[0], "Defaults") || strings.HasSuffix(f[0], "_Alias") {
			continue
		}
		who, rest, ok := strings.Cut(line, " ")
		if tab := strings.IndexByte(line, '\t'); tab >= 0 && (!ok || tab < len(who)) {
			who, rest, ok = line[:tab], line[tab+1:], true
		}
		_, spec, hasSpec := strings.Cut(rest, "=")
		if !ok || !hasSpec {
			continue
		}
		spec, _, _ = strings.Cut(spec, " #")
		rules = append(rules, SudoRule{
			Who: who, File: name, Commands: strings.Join(strings.Fields(spec), " "),
			NoPasswd: strings.Contains(spec, "NOPASSWD:"),
		})
	}
	return rules, includes
}

// startsWithUID tells a rule for a numeric user ("#1000 ALL=…") from a comment.
func startsWithUID(line string) bool {
	return len(line) > 1 && line[1] >= '0' && line[1] <= '9'
}

// home is where a well-known user's files are looked for.
func (r *reader) homes() []string {
	homes := []string{"/root"}
	for _, u := range r.users().Value {
		if u.UID >= 1000 && u.UID < 65000 && path.IsAbs(u.Home) && u.Home != "/" && !isDevice(u.Home) && !slices.Contains(homes, u.Home) {
			homes = append(homes, path.Clean(u.Home))
		}
	}
	return homes
}

var errNoSystemd = fmt.Errorf("systemd does not run here: %w", ErrAbsent)
