package host

import (
	"errors"
	"net/netip"
	"path"
	"slices"
	"strconv"
	"strings"
)

// stranger is how sshd -C describes root logging in from the internet
// (203.0.113.0/24 is reserved for documentation, RFC 5737): Match blocks that
// open root to everyone apply to it, those for the local network do not.
const stranger = "user=root,host=stranger.invalid,addr=203.0.113.1"

// readSSHD asks sshd what it would do, with the options the running one was
// started with. Only root can ask: it reads the host keys.
func (r *reader) readSSHD() Fact[SSHD] {
	s := SSHD{Listen: r.sshdListens()}
	server, args := r.sshdProcess()
	s.Running = server != nil || len(s.Listen) > 0

	out, err := r.command("sshd", append([]string{"-T"}, args...)...)
	if err != nil && !errors.Is(err, ErrAbsent) {
		// OpenSSH 9.3 and newer print it without the host keys.
		if printed, errPrint := r.command("sshd", append([]string{"-G"}, args...)...); errPrint == nil {
			out, err = printed, nil
		}
	}
	if err != nil {
		f := fromError[SSHD](err, "sshd is not installed")
		if f.Status == Unknown && strings.Contains(f.Reason, "privilege separation directory") {
			f.Reason = "it is installed and has not run since the machine started, so it answers no question"
		}
		f.Value = s
		return f
	}
	s.Options = parseSSHD(out)
	s.Permitted = s.Option("permitrootlogin")
	if out, err := r.command("sshd", append([]string{"-T", "-C", stranger}, args...)...); err == nil {
		if v := parseSSHD(out)["permitrootlogin"]; len(v) > 0 {
			s.Permitted = v[0]
		}
	}
	if text, err := r.h.ReadFile(r.ctx, "/etc/ssh/sshd_config"); err == nil {
		s.DropIns = includesFirst(text)
	}
	for _, p := range s.Options["port"] {
		if n, err := strconv.ParseUint(p, 10, 16); err == nil {
			s.Ports = append(s.Ports, uint16(n))
		}
	}
	return Is(s)
}

// includesFirst reports whether the first line of sshd_config that says
// anything is the Include of the drop-ins, as Debian and Ubuntu ship it.
func includesFirst(text []byte) bool {
	for _, line := range lines(text) {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		keyword, value, _ := strings.Cut(line, " ")
		return strings.EqualFold(keyword, "Include") && strings.TrimSpace(value) == "/etc/ssh/sshd_config.d/*.conf"
	}
	return false
}

// parseSSHD reads the output of sshd -T: one keyword and its value a line.
func parseSSHD(b []byte) map[string][]string {
	options := map[string][]string{}
	for _, line := range lines(b) {
		keyword, value, _ := strings.Cut(line, " ")
		if keyword == "" {
			continue
		}
		keyword = strings.ToLower(keyword)
		options[keyword] = append(options[keyword], strings.TrimSpace(value))
	}
	return options
}

// sshdListens returns where sshd listens; with socket activation systemd
// holds the socket on sshd's port for it.
func (r *reader) sshdListens() []netip.AddrPort {
	var sshd, systemd []netip.AddrPort
	for _, s := range r.sockets().Value {
		switch {
		case s.Proto == "tcp" && s.Process == "sshd":
			sshd = append(sshd, s.Addr)
		case s.Proto == "tcp" && s.PID == 1 && s.Addr.Port() == 22:
			systemd = append(systemd, s.Addr)
		}
	}
	activated := func(u Unit) bool {
		return (u.Name == "ssh.socket" || u.Name == "sshd.socket") && u.Active == "active"
	}
	if len(sshd) == 0 && len(systemd) > 0 && slices.ContainsFunc(r.units().Value, activated) {
		return systemd
	}
	return sshd
}

// sshdProcess finds the listening sshd among the processes, and the options
// that decide what it does. It calls itself
// "sshd: /usr/sbin/sshd -D -f FILE [listener] 0 of 10-100 startups".
func (r *reader) sshdProcess() (*Process, []string) {
	processes := r.processes().Value
	var own string // the network namespace that the reader is in
	for _, s := range r.sockets().Value {
		if s.Process == "sshd" {
			for i := range processes {
				if processes[i].PID == s.PID {
					own = processes[i].NetNS
				}
			}
		}
	}
	for i := range processes {
		p := &processes[i]
		if p.Name != "sshd" || p.UID != 0 || len(p.Args) == 0 || own != "" && p.NetNS != own {
			continue
		}
		words, listener := sshdWords(p.Args)
		if listener && !r.contained(*p) {
			return p, sshdOptions(words)
		}
	}
	return nil, nil
}

func sshdWords(args []string) (words []string, listener bool) {
	title := strings.Join(args, " ")
	if rest, ok := strings.CutPrefix(title, "sshd: "); ok {
		command, _, listener := strings.Cut(rest, " [listener]")
		return strings.Fields(command), listener
	}
	// -R is how it starts the process of one connection.
	return args, path.IsAbs(args[0]) && !strings.HasPrefix(path.Base(args[0]), "sshd-") && !slices.Contains(args, "-R")
}

// contained reports whether a process runs in a container on this machine,
// which may be one itself: what counts is the cgroup below that of PID 1.
func (r *reader) contained(p Process) bool {
	below := p.Cgroup
	for _, first := range r.processes().Value {
		if first.PID == 1 {
			below = strings.TrimPrefix(below, strings.TrimSuffix(first.Cgroup, "/init.scope"))
		}
	}
	return slices.ContainsFunc([]string{"/docker/", "docker-", "libpod", "kubepods", "/lxc"}, func(mark string) bool {
		return strings.Contains("/"+below, mark)
	})
}

// sshdOptions keeps what changes sshd's configuration: -f, -o, -p, -h.
func sshdOptions(words []string) []string {
	var keep []string
	for i := 1; i < len(words); i++ {
		w := words[i]
		if len(w) < 2 || !strings.ContainsRune("foph", rune(w[1])) || w[0] != '-' {
			continue
		}
		keep = append(keep, w)
		if len(w) == 2 && i+1 < len(words) {
			i++
			keep = append(keep, words[i])
		}
	}
	return keep
}
