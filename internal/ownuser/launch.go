package ownuser

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/openclaw"
	"github.com/openseawall/seawall/internal/whole"
)

const (
	// UnitName is what OpenClaw's own documentation calls a system-wide unit
	// (docs/gateway/index.md, Linux (system service)): its doctor knows it.
	UnitName = "openclaw-gateway.service"
	unitPath = "/etc/systemd/system/" + UnitName
	// drain is how long a gateway may take to end (its own limit is 325 s).
	drain = 330 * time.Second
	// settle is how long the helpers of a gateway that ended may still live.
	settle = 15 * time.Second
	// patience is how long OpenClaw's doctor may take.
	patience = 5 * time.Minute
	// warmUp is how long a gateway may take until it answers.
	warmUp = 4 * time.Minute
)

// launch is how a gateway is started.
type launch struct {
	Unit    string   `json:"unit,omitempty"` // "" where systemd has none
	Path    string   `json:"path,omitempty"` // of the unit's file
	Text    string   `json:"text,omitempty"`
	User    bool     `json:"user,omitempty"` // a unit of the user's own systemd
	UID     int      `json:"uid"`
	GID     int      `json:"gid"`
	Enabled bool     `json:"enabled,omitempty"`
	Active  bool     `json:"active,omitempty"`
	Args    []string `json:"args,omitempty"`
	Env     []string `json:"env,omitempty"`
	Port    int      `json:"port,omitempty"`
}

// launchOf finds how an installation's gateway is started now.
func (m Machine) launchOf(ctx context.Context, in openclaw.Install) launch {
	l := launch{UID: int(in.State.UID), GID: int(in.State.GID), Port: 18789}
	if p, ok := in.Config.Int("gateway.port"); ok && p > 0 && p < 1<<16 {
		l.Port = int(p)
	}
	if in.Process != nil {
		l.UID, l.GID = int(in.Process.UID), int(in.Process.GID)
	}
	name := filepath.Base(in.Unit)
	if !strings.HasSuffix(name, ".service") || strings.HasPrefix(name, "user@") || !m.systemd() {
		return l
	}
	l.Unit, l.User = name, strings.Contains(in.Unit, "/")
	out, err := m.systemctl(ctx, l, "show", "-P", "FragmentPath", name)
	if l.Path = strings.TrimSpace(out); err != nil || l.Path == "" {
		l.Path = filepath.Join(filepath.Dir(in.StateDir), ".config/systemd/user", name)
		if !l.User {
			l.Path = filepath.Join("/etc/systemd/system", name)
		}
	}
	text, err := os.ReadFile(l.Path)
	if err != nil {
		l.Unit, l.Path = "", ""
		return l
	}
	l.Text = string(text)
	enabled, _ := m.systemctl(ctx, l, "is-enabled", name)
	active, _ := m.systemctl(ctx, l, "is-active", name)
	l.Enabled, l.Active = strings.TrimSpace(enabled) == "enabled", strings.TrimSpace(active) == "active"
	return l
}

func (m Machine) systemd() bool {
	_, err := os.Stat("/run/systemd/system")
	return err == nil
}

// systemctl asks the systemd that a launch belongs to, as the user whose it is.
func (m Machine) systemctl(ctx context.Context, l launch, args ...string) (string, error) {
	if l.User {
		args = append([]string{"--user"}, args...)
	}
	cmd := exec.CommandContext(ctx, "systemctl", args...)
	cmd.Env = []string{"PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C", "SYSTEMD_PAGER="}
	if l.User {
		cmd.Env = append(cmd.Env, fmt.Sprintf("XDG_RUNTIME_DIR=/run/user/%d", l.UID))
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(l.UID), Gid: uint32(l.GID), Groups: []uint32{}}}
	}
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("systemctl %s: %w: %.300s", strings.Join(args, " "), err, bytes.TrimSpace(complaint.Bytes()))
	}
	return out.String(), nil
}

// stop ends the gateway of some folders, politely, and what starts it again.
func (m Machine) stop(ctx context.Context, l launch, folders []string) error {
	if l.Unit != "" {
		if _, err := m.systemctl(ctx, l, "disable", "--now", l.Unit); err != nil && !strings.Contains(err.Error(), "does not exist") {
			return err
		}
	}
	asked := map[int]bool{}
	for end := time.Now().Add(drain); ; time.Sleep(200 * time.Millisecond) {
		var gateways []int
		other := ""
		for pid, file := range holders(folders) {
			if p := process(pid); openclaw.IsGateway(p) {
				gateways = append(gateways, pid)
			} else {
				other = fmt.Sprintf("process %d (%s) still has %s open: end it, then run this again", pid, p.Name, file)
			}
		}
		switch {
		case len(gateways) == 0 && other == "":
			return nil
		case len(gateways) == 0 && time.Now().After(end.Add(settle-drain)), time.Now().After(end):
			return errors.New(cmp.Or(other, fmt.Sprintf("OpenClaw (process %d) was asked to end and did not within %s: end it yourself, then run this again", slices.Max(append(gateways, 0)), drain)))
		}
		for _, pid := range gateways {
			if !asked[pid] {
				asked[pid] = true
				_ = unix.Kill(pid, unix.SIGTERM)
			}
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// holders are the processes that have a file of some folders open.
func holders(folders []string) map[int]string {
	held := map[int]string{}
	open, _ := filepath.Glob("/proc/[0-9]*/fd/*")
	for _, fd := range open {
		target, err := os.Readlink(fd)
		if err != nil {
			continue
		}
		for _, folder := range folders {
			if strings.HasPrefix(target, folder+"/") {
				pid, _ := strconv.Atoi(strings.Split(fd, "/")[2])
				held[pid] = target
			}
		}
	}
	delete(held, os.Getpid())
	return held
}

// process is one of this machine, by its name and arguments.
func process(pid int) host.Process {
	comm, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	args, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return host.Process{PID: pid, Name: strings.TrimSpace(string(comm)), Args: strings.Split(string(bytes.TrimRight(args, "\x00")), "\x00")}
}

var execStart = regexp.MustCompile(`(?m)^ExecStart=(.*(?:\\\n.*)*)$`)

var assignment = regexp.MustCompile(`"([A-Za-z_]\w*)=((?:[^"\\]|\\.)*)"|'([A-Za-z_]\w*)=([^']*)'|([A-Za-z_]\w*)=(\S*)`)

// environment are the variables that a unit sets (systemd.exec(5)).
func environment(unit string) (env []string) {
	for line := range strings.Lines(unit) {
		assigned, ok := strings.CutPrefix(strings.TrimSpace(line), "Environment=")
		if !ok {
			continue
		}
		for _, a := range assignment.FindAllStringSubmatch(assigned, -1) {
			env = append(env, strings.ReplaceAll(a[1]+a[3]+a[5]+"="+a[2]+a[4]+a[6], "%%", "%"))
		}
	}
	return env
}

// replaced are variables that the new place sets itself.
var replaced = []string{"HOME", "USER", "LOGNAME", "SHELL", "PATH", "TMPDIR", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS", "OPENCLAW_HOME",
	"OPENCLAW_STATE_DIR", "OPENCLAW_CONFIG_PATH", "OPENCLAW_SYSTEMD_UNIT", "OPENCLAW_SERVICE_REPAIR_POLICY"}

// newLaunch is how the gateway is started as its own user: the same program with
// the same variables, those that look like secrets in secret.
func newLaunch(j *journal, in openclaw.Install, node string) (l launch, secret []string) {
	l = launch{Port: j.Old.Port}
	l.Args = []string{node, filepath.Join(in.PackageDir, "openclaw.mjs"), "gateway", "run"}
	paths := j.paths()
	if found := execStart.FindStringSubmatch(j.Old.Text); found != nil {
		line := string(paths.In([]byte(strings.ReplaceAll(found[1], "\\\n", " "))))
		words := strings.Fields(line)
		at := slices.Index(words, "gateway")
		switch plain := !strings.ContainsAny(line, "\"'%$\\"); {
		case plain && at > 0 && closed(words[0]) == "" && closed(words[at-1]) == "":
			l.Args = words
		case plain && at > 0: // another program, with the same options
			l.Args = append(l.Args[:2], words[at:]...)
		}
	}
	for i, a := range l.Args[:len(l.Args)-1] {
		if n, err := strconv.Atoi(l.Args[i+1]); a == "--port" && err == nil {
			l.Port = n
		}
	}
	shell := "/bin/sh"
	if _, err := os.Stat("/bin/bash"); err == nil {
		shell = "/bin/bash"
	}
	path := "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	if dir := filepath.Dir(node); !slices.Contains(strings.Split(path, ":"), dir) {
		path = dir + ":" + path
	}
	l.Env = []string{"HOME=" + j.Home, "USER=" + j.User, "LOGNAME=" + j.User, "SHELL=" + shell, "PATH=" + path,
		"OPENCLAW_STATE_DIR=" + j.Trees[0].To, "OPENCLAW_CONFIG_PATH=" + j.Config, "OPENCLAW_SERVICE_REPAIR_POLICY=external"}
	for _, pair := range environment(j.Old.Text) {
		name, value, _ := strings.Cut(pair, "=")
		switch {
		case slices.Contains(replaced, name):
		case host.LooksSecret(name, value):
			secret = append(secret, pair)
		default:
			l.Env = append(l.Env, string(paths.In([]byte(pair))))
		}
	}
	return l, secret
}

// unitText is a systemd unit. Its limits after OpenClaw's own; its sandbox leaves
// the agent what a user without rights has, and takes the rest. "%" and quotes
// are systemd's (systemd.syntax(7)).
func unitText(j *journal, l launch) string {
	escape := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "%", "%%", "$", "$$")
	quote := func(s string) string { return `"` + escape.Replace(s) + `"` }
	var b strings.Builder
	fmt.Fprintf(&b, `# OpenClaw as a user of its own. Made by seawall connect --own-user; seawall
# disconnect takes it back.
[Unit]
Description=OpenClaw Gateway
After=network-online.target seawall.service
Wants=network-online.target
StartLimitBurst=10
StartLimitIntervalSec=300

[Service]
User=%s
Group=%s
WorkingDirectory=%s
`, j.User, j.User, j.Home)
	var args []string
	for _, a := range l.Args {
		args = append(args, quote(a))
	}
	fmt.Fprintf(&b, "ExecStart=%s\n", strings.Join(args, " "))
	for _, e := range l.Env {
		fmt.Fprintf(&b, "Environment=\"%s\"\n", strings.NewReplacer(`\`, `\\`, `"`, `\"`, "%", "%%").Replace(e))
	}
	fmt.Fprintf(&b, `EnvironmentFile=-%s
Restart=always
RestartSec=5
RestartPreventExitStatus=78
TimeoutStopSec=330
SuccessExitStatus=0 143
OOMPolicy=continue
KillMode=mixed
UMask=0077

CapabilityBoundingSet=
NoNewPrivileges=yes
ProtectSystem=full
ReadWritePaths=%s
InaccessiblePaths=-/var/lib/seawall -/run/docker.sock -/run/containerd
ProtectHome=read-only
ProtectClock=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
LockPersonality=yes

[Install]
WantedBy=multi-user.target
`, secretsFile(j), j.Home)
	return b.String()
}

// secretsFile is where OpenClaw reads variables from beside its environment
// (docs/help/environment.md).
func secretsFile(j *journal) string { return filepath.Join(j.Home, ".config/openclaw/gateway.env") }

// Line is a shell line that starts a gateway as its user.
func (l launch) line(j *journal) string {
	words := []string{"setpriv", "--reuid=" + j.User, "--regid=" + j.User, "--init-groups", "--no-new-privs", "env", "-i"}
	for _, w := range slices.Concat(l.Env, l.Args) {
		if strings.ContainsAny(w, " \t\"'$\\") {
			w = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
		words = append(words, w)
	}
	return fmt.Sprintf("cd %s && %s", j.Home, strings.Join(words, " "))
}

// start starts a gateway and waits until it answers.
func (m Machine) start(ctx context.Context, j *journal) error {
	if j.New.Unit != "" {
		if _, err := m.systemctl(ctx, j.New, "daemon-reload"); err != nil {
			return err
		}
		if _, err := m.systemctl(ctx, j.New, "enable", "--now", j.New.Unit); err != nil {
			return err
		}
	} else if err := m.startAlone(j); err != nil {
		return err
	}
	return m.ready(ctx, j)
}

// startAlone starts a gateway that lives on without this process.
func (m Machine) startAlone(j *journal) error {
	uid, gid, err := ids(j.User)
	if err != nil {
		return err
	}
	log, err := os.OpenFile(filepath.Join(j.Home, "gateway.log"), os.O_WRONLY|os.O_CREATE|os.O_APPEND|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	if err := log.Chown(uid, gid); err != nil {
		return err
	}
	cmd, err := j.as(context.Background(), j.New.Args...)
	if err != nil {
		return err
	}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return err
	}
	return cmd.Process.Release()
}

var errNotReady = errors.New("OpenClaw does not answer")

func (m Machine) ready(ctx context.Context, j *journal) error {
	url := fmt.Sprintf("http://127.0.0.1:%d/readyz", j.New.Port)
	client := &http.Client{Timeout: 5 * time.Second}
	for end := time.Now().Add(warmUp); time.Now().Before(end); time.Sleep(300 * time.Millisecond) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if m.failed(ctx, j.New) {
			break
		}
		if res, err := client.Get(url); err == nil {
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return nil
			}
		}
	}
	said := "journalctl -u " + UnitName + m.lastWords(ctx, j.New)
	if j.New.Unit == "" {
		said = filepath.Join(j.Home, "gateway.log")
	}
	return fmt.Errorf("%w as the user %s: %s says why", errNotReady, j.User, said)
}

// lastWords is the end of what a unit said.
func (m Machine) lastWords(ctx context.Context, l launch) string {
	if l.Unit == "" {
		return ""
	}
	out, _ := exec.CommandContext(ctx, "journalctl", "--no-pager", "-o", "cat", "-n", "4", "-u", l.Unit).Output()
	return fmt.Sprintf(" (%.600s)", strings.Join(strings.Fields(string(out)), " "))
}

// failed reports whether systemd has given a unit up.
func (m Machine) failed(ctx context.Context, l launch) bool {
	if l.Unit == "" {
		return false
	}
	out, _ := m.systemctl(ctx, l, "is-active", l.Unit)
	return strings.TrimSpace(out) == "failed"
}

// doctor has OpenClaw bring its records in line with their new place, as its user
// and before it starts (docs/install/migrating.md, Run doctor and verify); a
// gateway that finds them otherwise refuses to start.
func (m Machine) doctor(ctx context.Context, j *journal) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	at := slices.Index(j.New.Args, "gateway")
	if at < 1 {
		return errors.New("how OpenClaw is started is not known")
	}
	cmd, err := j.as(ctx, append(slices.Clone(j.New.Args[:at]), "doctor", "--fix", "--yes", "--non-interactive")...)
	if err != nil {
		return err
	}
	restore, err := j.keepConfig()
	if err != nil {
		return err
	}
	out, err := cmd.CombinedOutput()
	if e := restore(); e != nil {
		return e
	}
	if err != nil {
		return fmt.Errorf("openclaw doctor --fix: %w: %s", err, strings.Join(strings.Fields(string(out[max(0, len(out)-600):])), " "))
	}
	return nil
}

// keepConfig remembers openclaw.json. The doctor writes its own opinions into it
// (skills that cannot run are switched off, comments go), and those are not what
// was asked for.
func (j *journal) keepConfig() (restore func() error, err error) {
	root, err := os.OpenRoot(filepath.Dir(j.Config))
	if err != nil {
		return nil, err
	}
	name := filepath.Base(j.Config)
	content, err := root.ReadFile(name)
	if err != nil {
		root.Close()
		return nil, err
	}
	info, err := root.Stat(name)
	if err != nil {
		root.Close()
		return nil, err
	}
	before, err := fs.Glob(root.FS(), name+".bak*")
	if err != nil {
		root.Close()
		return nil, err
	}
	return func() error {
		defer root.Close()
		uid, gid, err := ids(j.User)
		if err == nil {
			err = whole.Write(root, name, name+".seawall-new", content, info.Mode().Perm(), uid, gid)
		}
		after, _ := fs.Glob(root.FS(), name+".bak*")
		for _, backup := range after {
			if err == nil && !slices.Contains(before, backup) {
				err = root.Remove(backup)
			}
		}
		return err
	}, nil
}

// as is a program that runs as the user of OpenClaw, with what it sets.
func (j *journal) as(ctx context.Context, args ...string) (*exec.Cmd, error) {
	uid, gid, err := ids(j.User)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir, cmd.Env = j.Home, j.New.Env
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid), Groups: []uint32{}}, Setsid: true}
	return cmd, nil
}
