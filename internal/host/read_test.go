package host

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
)

func readRecorded(t *testing.T, name string, overlays ...string) *Facts {
	t.Helper()
	return Read(t.Context(), parse(t, append([]string{string(testdata(t, name))}, overlays...)...))
}

// states lists each family with its status, so that a whole reading can be
// compared at a glance.
func states(f *Facts) map[string]Status {
	return map[string]Status{
		"OS": f.OS.Status, "Users": f.Users.Status, "SSHD": f.SSHD.Status, "AuthorizedKey": f.AuthorizedKey.Status,
		"Logins": f.Logins.Status, "Fail2ban": f.Fail2ban.Status, "Firewall": f.Firewall.Status, "Sockets": f.Sockets.Status,
		"Interfaces": f.Interfaces.Status, "Processes": f.Processes.Status, "Units": f.Units.Status, "Sysctl": f.Sysctl.Status,
		"Updates": f.Updates.Status, "Packages": f.Packages.Status, "Docker": f.Docker.Status, "Containers": f.Containers.Status,
		"Compose": f.Compose.Status, "Cron": f.Cron.Status, "Proxy": f.Proxy.Status, "Disks": f.Disks.Status, "Sudo": f.Sudo.Status,
	}
}

func wantStates(t *testing.T, f *Facts, unknown, absent string) {
	t.Helper()
	for family, got := range states(f) {
		want := Known
		if slices.Contains(strings.Fields(unknown), family) {
			want = Unknown
		}
		if slices.Contains(strings.Fields(absent), family) {
			want = Absent
		}
		if got != want {
			t.Errorf("%s has status %d, want %d", family, got, want)
		}
	}
}

func TestDebianAsRoot(t *testing.T) {
	f := readRecorded(t, "vps.txtar")
	wantStates(t, f, "", "Proxy")

	if os := f.OS.Value; os.ID != "debian" || os.Version != "12" || os.Hostname != "vps" || !os.Systemd || os.Container != "docker" {
		t.Errorf("the system is %+v", os)
	}
	sshd := f.SSHD.Value
	if !sshd.Running || fmt.Sprint(sshd.Ports, sshd.Listen) != "[22] [0.0.0.0:22 [::]:22]" {
		t.Errorf("sshd runs %t on %v at %v", sshd.Running, sshd.Ports, sshd.Listen)
	}
	// The drop-in says yes and comes first; the Match block says no to root from outside.
	if sshd.Option("passwordauthentication") != "yes" || sshd.Option("permitrootlogin") != "without-password" || sshd.Permitted != "no" {
		t.Errorf("passwords %s, root %s, root from outside %s", sshd.Option("passwordauthentication"), sshd.Option("permitrootlogin"), sshd.Permitted)
	}
	i := slices.IndexFunc(f.Users.Value, func(u User) bool { return u.Name == "claw" })
	if u := f.Users.Value[i]; u.UID != 1000 || u.Password != "locked" || fmt.Sprint(u.Groups) != "[sudo docker claw]" {
		t.Errorf("claw is %+v", u)
	}
	keys := f.AuthorizedKey.Value
	if len(keys) != 2 || keys[0].Type != "ssh-ed25519" || keys[1].Bits != 2048 || keys[1].Options != `from="203.0.113.0/24",no-pty` || keys[1].Comment != "old@desk" {
		t.Errorf("keys are %+v", keys)
	}
	if sudo := f.Sudo.Value; len(sudo) != 3 || sudo[2] != (SudoRule{"claw", true, "(ALL) NOPASSWD:ALL", "/etc/sudoers.d/90-claw"}) {
		t.Errorf("sudo rules are %+v", sudo)
	}
	if b := f.Fail2ban.Value; !b.Installed || b.Running || b.SSHJail || b.MaxRetry != 5 || b.BanTime.Minutes() != 10 || !strings.Contains(b.Error, "Have not found any log file for sshd jail") {
		t.Errorf("fail2ban is %+v", b)
	}
	if u := f.Updates.Value; !u.Unattended || u.AutoReboot || u.RebootRequired || u.SecurityPending != -1 || !u.LastListUpdate.IsZero() {
		t.Errorf("updates are %+v", u)
	}
	if !slices.ContainsFunc(f.Cron.Value, func(j CronJob) bool {
		return j.User == "claw" && j.Command == "cd /opt/claw && ./backup.sh" && j.File.Mode.Perm() == 0o600
	}) {
		t.Errorf("claw's cron job is not in %+v", f.Cron.Value)
	}
	if !slices.ContainsFunc(f.Cron.Value, func(j CronJob) bool {
		return j.Source == "apt-daily-upgrade.timer" && j.Command == "/usr/lib/apt/apt.systemd.daily install" && j.Schedule == "*-*-* 06:00:00"
	}) {
		t.Errorf("apt's timer is not in %+v", f.Cron.Value)
	}
	if c := f.Docker.Value.Config; c["live-restore"] != true || c["userland-proxy"] != false {
		t.Errorf("daemon.json is %v", c)
	}
	p := f.Processes.Value[slices.IndexFunc(f.Processes.Value, func(p Process) bool { return p.PID == 1 })]
	if p.Name != "systemd" || p.EnvStatus != Known || !slices.Contains(p.Env, "PATH") || p.NetNS == "" || p.CapEff == 0 {
		t.Errorf("PID 1 is %+v", p)
	}
	// Docker, and the guide's recipe with the rule that opens every port.
	input := f.Firewall.Value.Chains[slices.IndexFunc(f.Firewall.Value.Chains, func(c Chain) bool { return c.Hook == "input" && c.Table == "filter" })]
	compareRules(t, input.Rules, []string{
		"in=lo -> accept",
		"state=[related established] -> accept",
		"proto=tcp dport=[{22 22}] -> accept",
		"proto=tcp limit=30/second burst 60 syn -> accept",
	})
	if input.Policy != "drop" {
		t.Errorf("the input policy is %s", input.Policy)
	}
}

func TestDebianAsNobody(t *testing.T) {
	f := readRecorded(t, "vps-nonroot.txtar")
	wantStates(t, f, "SSHD AuthorizedKey Firewall Docker Containers Compose Cron Sudo", "Proxy")
	for family, reason := range map[string]string{
		"sshd": f.SSHD.Reason, "keys": f.AuthorizedKey.Reason, "firewall": f.Firewall.Reason,
		"docker": f.Docker.Reason, "cron": f.Cron.Reason, "sudo": f.Sudo.Reason,
	} {
		if !strings.Contains(reason, "needs root") {
			t.Errorf("%s: the reason is %q", family, reason)
		}
	}
	if !f.SSHD.Value.Running {
		t.Error("that sshd runs shows without root")
	}
	// What could be read is there, though the whole is unknown.
	if c := f.Compose.Value; len(c) != 1 || len(c[0].Services) != 1 {
		t.Errorf("compose files are %+v", c)
	}
	i := slices.IndexFunc(f.Users.Value, func(u User) bool { return u.Name == "claw" })
	if f.Users.Value[i].Password != "" {
		t.Error("the state of a password shows without root")
	}
}

func TestDebianWithDocker(t *testing.T) {
	f := readRecorded(t, "vps-docker.txtar")
	wantStates(t, f, "", "Proxy")
	d := f.Docker.Value
	if d.Version != "20.10.24+dfsg1" || d.APIVersion != "1.41" || d.Info.ContainersRunning != 3 || d.Socket.Mode.String() != "Srw-rw----" || d.Rootless {
		t.Errorf("Docker is %s, API %s, %d containers, %+v", d.Version, d.APIVersion, d.Info.ContainersRunning, d.Socket)
	}
	i := slices.IndexFunc(f.Containers.Value, func(c Container) bool { return c.Name() == "c1" })
	c := f.Containers.Value[i]
	if !c.OpenClaw || fmt.Sprint(c.Env, c.SecretEnv) != "[OPENAI_API_KEY PLAIN] [OPENAI_API_KEY]" || c.Inspect.Config.Env != nil {
		t.Errorf("c1: OpenClaw %t, env %v, secret %v", c.OpenClaw, c.Env, c.SecretEnv)
	}
	s := f.Compose.Value[0].Services[0]
	if f.Compose.Value[0].GitRemote != "https://github.com/me/claw.git" || !s.OpenClaw || s.MemoryLimit != 2<<30 || s.CPULimit != "1.5" || s.PidsLimit != 200 ||
		fmt.Sprint(s.SecretEnv) != "[OPENAI_API_KEY]" || s.EnvFiles[0].Mode.Perm() != 0o644 || !s.Mounts[1].ReadOnly || s.Mounts[0].Source != "/opt/claw/data" {
		t.Errorf("the compose file is %+v", f.Compose.Value[0])
	}
	forward := f.Firewall.Value.Chains[slices.IndexFunc(f.Firewall.Value.Chains, func(c Chain) bool { return c.Hook == "forward" })]
	if forward.Policy != "drop" || short(forward.Rules[0]) != "-> jump DOCKER-USER" {
		t.Errorf("the forward chain is %+v", forward)
	}
	docker := f.Firewall.Value.Chains[slices.IndexFunc(f.Firewall.Value.Chains, func(c Chain) bool { return c.Name == "DOCKER" && c.Table == "filter" })]
	compareRules(t, docker.Rules[:1], []string{"proto=tcp dport=[{80 80}] in=!docker0 out=docker0 dst=[172.17.0.2/32] -> accept"})
}

func TestWhatIsNotThere(t *testing.T) {
	bare := `-- absent docker / --
-- absent stat /run/systemd/system --
-- absent run sshd --
-- absent run sshd -T --
-- absent run fail2ban-client -d --
-- absent run fail2ban-client --version --
-- absent stat /etc/sudoers --
-- absent docker /version --
-- absent docker /containers/json?all=1 --
-- run dpkg-query -W -f "${db:Status-Abbrev}\\t${Package}\\t${Version}\\n" --
ii 	apt	2.6.1
rc 	fail2ban	1.0
`
	f := readRecorded(t, "vps.txtar", bare)
	wantStates(t, f, "", "SSHD Units Docker Containers Fail2ban Sudo Proxy")
	for want, got := range map[string]string{
		"sshd is not installed":     f.SSHD.Reason,
		"systemd does not run here": f.Units.Reason,
		"Docker is not installed":   f.Docker.Reason,
		"fail2ban is not installed": f.Fail2ban.Reason,
		"sudo is not installed":     f.Sudo.Reason,
	} {
		if got != want {
			t.Errorf("the reason is %q, want %q", got, want)
		}
	}
	if len(f.Packages.Value) != 1 || f.Updates.Value.Unattended || !strings.Contains(f.Updates.Value.UnattendedReason, "not installed") {
		t.Errorf("packages %v, updates %+v", f.Packages.Value, f.Updates.Value)
	}
	installed := "-- run dpkg-query -W -f \"${db:Status-Abbrev}\\\\t${Package}\\\\t${Version}\\\\n\" --\nhi \tdocker.io\t20\n"
	if f := readRecorded(t, "vps.txtar", bare, installed); f.Docker.Reason != "Docker is installed and does not run" {
		t.Errorf("the reason is %q", f.Docker.Reason)
	}
}

func TestNothingRecorded(t *testing.T) {
	f := Read(t.Context(), parse(t, ""))
	for family, status := range states(f) {
		if status != Unknown {
			t.Errorf("%s has status %d though nothing was answered", family, status)
		}
	}
}

func TestHostileAnswers(t *testing.T) {
	for _, overlay := range []string{
		"-- run seawall:processes --\nnull\n", "-- run seawall:processes --\n[{\"Args\":null}]\n", "-- run seawall:sockets --\n{}\n",
		"-- docker /containers/json?all=1 --\n[{\"Id\":\"../x\"},{}]\n", "-- docker /info --\n[]\n", "-- docker /version --\n",
		"-- docker /containers/json?all=1 --\n[{\"Id\":\"a\"}]\n-- docker /containers/a/json --\n{\"Config\":null,\"HostConfig\":null}\n",
		"-- file /etc/docker/daemon.json --\n[1]\n", "-- file /etc/passwd --\n:::\n", "-- run apt-config dump --\n\"\n",
		"-- run fail2ban-client -d --\n['set', 'sshd', 'bantime', '\n", "-- run sshd -T --\n\n \n", "-- run systemctl show --\n",
	} {
		_ = readRecorded(t, "vps-docker.txtar", overlay)
	}
	f := readRecorded(t, "vps-docker.txtar", "-- file /etc/docker/daemon.json --\n{\"a\":1,}\n")
	if f.Docker.Value.ConfigError == "" {
		t.Error("a broken daemon.json has no error")
	}
}

// With socket activation, as on Ubuntu, systemd listens for sshd.
func TestSocketActivatedSSHD(t *testing.T) {
	sockets := "-- run seawall:sockets --\n[{\"Proto\":\"tcp\",\"Addr\":\"[::]:22\",\"PID\":1,\"Process\":\"systemd\"}]\n-- run seawall:processes --\n[{\"PID\":1,\"Name\":\"systemd\"}]\n"
	f := readRecorded(t, "vps.txtar", sockets)
	if f.SSHD.Value.Running {
		t.Error("sshd runs though ssh.socket does not")
	}
	archive := strings.Replace(string(testdata(t, "vps.txtar")), "Id=ssh.service\n", "Id=ssh.socket\n", 1)
	f = Read(t.Context(), parse(t, archive, sockets))
	if !f.SSHD.Value.Running || len(f.SSHD.Value.Listen) != 1 {
		t.Errorf("sshd is %t at %v", f.SSHD.Value.Running, f.SSHD.Value.Listen)
	}
}

// A daemon's addresses come from its file and from its own arguments.
func TestDaemonTCP(t *testing.T) {
	overlay := `-- file /etc/docker/daemon.json --
{"hosts": ["unix:///x", "tcp://0.0.0.0:2375"]}
-- run seawall:processes --
[{"PID":7,"Name":"dockerd","Args":["/usr/bin/dockerd","-H","tcp://127.0.0.1:2376","--host=tcp://0.0.0.0:2375","-Htcp://[::]:1"]}]
`
	f := readRecorded(t, "vps-docker.txtar", overlay)
	if got := fmt.Sprint(f.Docker.Value.TCP); got != "[tcp://0.0.0.0:2375 tcp://127.0.0.1:2376 tcp://[::]:1]" {
		t.Errorf("the addresses are %s", got)
	}
}

// Reading is safe for concurrent use of one host, and so is recording.
func TestReadTwiceAtOnce(t *testing.T) {
	r := Record(parse(t, string(testdata(t, "vps-docker.txtar"))))
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() { Read(t.Context(), r) })
	}
	wg.Wait()
	again, err := Parse(r.Archive(nil))
	if err != nil {
		t.Fatal(err)
	}
	wantStates(t, Read(t.Context(), again), "", "Proxy")
}
