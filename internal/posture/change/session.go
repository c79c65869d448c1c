package change

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Session is from where somebody runs a command.
type Session struct {
	// SSH reports that a process of sshd stands above the command. Connection is
	// its TCP connection as /proc/net/tcp names it, Since when its process began,
	// in seconds since the boot.
	SSH        bool
	Connection string
	Since      float64
	// Lost reports that the command belongs to an SSH session whose connection
	// cannot be told: a terminal multiplexer stands between.
	Lost bool
	// Ends are "client port server port", as sshd puts them into the environment of
	// the session.
	Ends string
	// User is the account that logged in.
	User string
}

// process is a line of /proc/PID/stat.
type process struct {
	pid, parent int
	name        string
	since       float64 // seconds after the boot
}

// ticks is USER_HZ, which is 100 on every Linux.
const ticks = 100

func readProcess(pid int) (process, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return process{}, err
	}
	open, shut := bytes.IndexByte(b, '('), bytes.LastIndexByte(b, ')')
	if open < 0 || shut < open {
		return process{}, errors.New("not a process")
	}
	f := strings.Fields(string(b[shut+1:]))
	if len(f) < 20 {
		return process{}, errors.New("not a process")
	}
	p := process{pid: pid, name: string(b[open+1 : shut])}
	p.parent, _ = strconv.Atoi(f[1])
	start, err := strconv.ParseFloat(f[19], 64)
	p.since = start / ticks
	return p, err
}

// ThisSession looks from where this process was started.
func ThisSession() Session { return sessionOf(os.Getpid()) }

func sessionOf(pid int) Session {
	s := Session{}
	ssh := false // the environment of some process above says so
	for depth := 0; pid > 1 && depth < 64; depth++ {
		p, err := readProcess(pid)
		if err != nil {
			break
		}
		if ends := sshEnds(pid); ends != "" {
			s.Ends, ssh = ends, true
			s.User = accountOf(pid)
		}
		// sshd has a process for each connection, the oldest of which took it.
		if strings.HasPrefix(p.name, "sshd") {
			if c := connectionOf(pid); c != "" {
				s.SSH, s.Connection, s.Since = true, c, p.since
			}
		}
		pid = p.parent
	}
	s.Lost = ssh && !s.SSH
	return s
}

// accountOf names whose a process is.
func accountOf(pid int) string {
	info, err := os.Stat(fmt.Sprintf("/proc/%d", pid))
	if err != nil {
		return ""
	}
	u, err := user.LookupId(strconv.Itoa(int(info.Sys().(*syscall.Stat_t).Uid)))
	if err != nil {
		return ""
	}
	return u.Username
}

// sshEnds is SSH_CONNECTION in the environment of a process.
func sshEnds(pid int) string {
	env, _ := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	for line := range bytes.SplitSeq(env, []byte{0}) {
		if ends, ok := bytes.CutPrefix(line, []byte("SSH_CONNECTION=")); ok {
			return string(ends)
		}
	}
	return ""
}

// connectionOf is the TCP connection that a process of sshd's holds; the one
// that listens holds none.
func connectionOf(pid int) string {
	links, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	var inodes []string
	for _, l := range links {
		if target, err := os.Readlink(l); err == nil && strings.HasPrefix(target, "socket:[") {
			inodes = append(inodes, strings.Trim(target, "socket:[]"))
		}
	}
	for _, c := range established(fmt.Sprintf("/proc/%d/net", pid)) {
		if slices.Contains(inodes, c.inode) {
			return c.name
		}
	}
	return ""
}

// connection is an established TCP connection.
type connection struct{ name, inode string }

// established reads /proc/net/tcp and tcp6 (proc_net_tcp.txt of the kernel).
func established(dir string) (all []connection) {
	for _, name := range []string{"tcp", "tcp6"} {
		f, err := os.Open(filepath.Join(dir, name))
		if err != nil {
			continue
		}
		lines := bufio.NewScanner(f)
		for lines.Scan() {
			if w := strings.Fields(lines.Text()); len(w) > 9 && w[3] == "01" {
				all = append(all, connection{w[1] + " " + w[2], w[9]})
			}
		}
		f.Close()
	}
	return all
}

// connections are the names of all established TCP connections, accepted or not.
func connections() (all []string) {
	for _, c := range established("/proc/self/net") {
		all = append(all, c.name)
	}
	slices.Sort(all)
	return all
}

// uptime is the time since the boot in seconds, as the processes' is.
func uptime() float64 {
	b, err := os.ReadFile("/proc/uptime")
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(b), " ")
	s, _ := strconv.ParseFloat(first, 64)
	return s
}

// boot names this boot of the machine.
func (m Machine) boot() string {
	b, _ := os.ReadFile(filepath.Join(m.Root, "proc/sys/kernel/random/boot_id"))
	return strings.TrimSpace(string(b))
}

// ConfirmFrom says that the operator got in after the change. It counts only from a
// connection that was opened since, since an old one would have survived anything.
func (w *Work) ConfirmFrom(ctx context.Context, s Session) (*Run, error) {
	release, err := w.Runs.Lock()
	if err != nil {
		return nil, err
	}
	defer release()
	all, err := w.Runs.All()
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(r *Run) bool { return r.Status == Waiting })
	if i < 0 {
		if n := len(all); n > 0 && all[n-1].Status == Reverted {
			return nil, fmt.Errorf("too late: nobody confirmed run %d, so what could have locked you out was taken back; seawall harden --apply does it again", all[n-1].N)
		}
		return nil, errors.New("nothing waits for a confirmation")
	}
	run := all[i]
	if err := run.proves(s); err != nil {
		return run, err
	}
	if time.Now().After(run.Deadline) {
		return run, errors.New("it is too late: the change is being taken back")
	}
	run.Status = Applied
	if err := run.save(); err != nil {
		return run, err
	}
	return run, w.Watch.Disarm(ctx, run.N)
}

// proves says why a session is no proof that a new connection gets in.
func (r *Run) proves(s Session) error {
	const again = "open another terminal, log in anew (ssh -o ControlPath=none …) and run it there"
	switch {
	case s.Lost:
		return fmt.Errorf("this terminal belongs to an SSH session, but tmux or screen stands between, so it cannot be told whether its connection is new: %s, outside of tmux", again)
	case s.SSH && (slices.Contains(r.Connected, s.Connection) || s.Since < r.Since):
		return fmt.Errorf("this SSH connection was open before the change, so it proves nothing: %s", again)
	}
	return nil
}
