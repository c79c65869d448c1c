package posture

import (
	"io/fs"
	"strings"
	"testing"

	"github.com/moby/moby/api/types/container"

	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/openclaw"
)

// apart is a machine on which OpenClaw runs as claw, with no way to root.
func apart() *Facts {
	gateway := host.Process{PID: 7, UID: 990, GID: 990}
	return &Facts{
		Facts: &host.Facts{
			Users: host.Is([]host.User{
				{Name: "root", Home: "/root"}, {Name: "seawall", UID: 991, GID: 991},
				{Name: "claw", UID: 990, GID: 990, Home: "/home/claw", Password: "locked", Groups: []string{"claw"}},
			}),
			Docker: host.Is(host.Docker{Socket: host.FileInfo{Path: "/run/docker.sock", Mode: fs.ModeSocket | 0o660, GID: 998}}),
			Sudo:   host.Is([]host.SudoRule{{Who: "root", Commands: "ALL"}, {Who: "%sudo", Commands: "(ALL:ALL) ALL"}}),
			Cron:   host.Is([]host.CronJob{{User: "root", Command: "/usr/bin/true", File: host.FileInfo{Path: "/etc/crontab", Mode: 0o644}}}),
			Trusted: host.Is([]host.FileInfo{
				{Path: "/usr/local/bin", Mode: fs.ModeDir | 0o755}, {Path: "/etc/systemd/system/ssh.service", Mode: 0o644},
			}),
			Units: host.Is([]host.Unit{{Name: "ssh.service", Active: "active", Fragment: "/lib/systemd/system/ssh.service", Exec: "/usr/sbin/sshd -D"}}),
		},
		OpenClaw: host.Is([]openclaw.Install{{StateDir: "/home/claw/.openclaw", Owner: "claw", Process: &gateway}}),
	}
}

func (f *Facts) claw() *host.User       { return &f.Users.Value[2] }
func (f *Facts) process() *host.Process { return f.OpenClaw.Value[0].Process }

// boxed is a machine on which OpenClaw runs in a container.
func boxed(change func(*container.InspectResponse)) *Facts {
	f := apart()
	c := container.InspectResponse{Name: "/claw", HostConfig: &container.HostConfig{}, Mounts: []container.MountPoint{
		{Type: "bind", Source: "/srv/claw/ws", Destination: "/home/node/.openclaw/workspace", RW: true},
		{Type: "bind", Source: "/etc/localtime", RW: false}, {Type: "volume", Source: "/var/lib/docker/volumes/state/_data", RW: true},
	}}
	change(&c)
	f.Containers = host.Is([]host.Container{{Inspect: c, OpenClaw: true}})
	f.OpenClaw.Value[0].Process, f.OpenClaw.Value[0].Container = nil, "claw"
	return f
}

func TestBoundary(t *testing.T) {
	with := func(change func(*Facts)) *Facts { f := apart(); change(f); return f }
	mount := func(source string, rw bool) *Facts {
		return boxed(func(c *container.InspectResponse) {
			c.Mounts = append(c.Mounts, container.MountPoint{Type: "bind", Source: source, Destination: "/x", RW: rw})
		})
	}
	for _, c := range []struct {
		name  string
		facts *Facts
		want  string
		says  string
	}{
		{"an account of its own", apart(), BoundaryUser, ""},
		{"a machine that was not read", &Facts{}, BoundaryUnknown, ""},
		{"no OpenClaw", with(func(f *Facts) { f.OpenClaw = host.None[[]openclaw.Install]("none") }), BoundaryAbsent, ""},
		{"OpenClaw unknown", with(func(f *Facts) { f.OpenClaw = host.NotRead[[]openclaw.Install]("x") }), BoundaryUnknown, ""},
		{"root", with(func(f *Facts) { f.process().UID = 0 }), BoundaryNone, "runs as root"},
		{"root's, not running", with(func(f *Facts) { f.OpenClaw.Value[0].Process, f.OpenClaw.Value[0].Owner = nil, "root" }), BoundaryNone, "runs as root"},
		{"the doors' account", with(func(f *Facts) { f.process().UID, f.process().GID = 991, 991 }), BoundaryNone, "as Seawall does"},
		{"the auditor's account", with(func(f *Facts) { f.Self.UID = 990 }), BoundaryNone, "as Seawall does"},
		{"an account nobody knows", with(func(f *Facts) { f.process().UID = 4711 }), BoundaryUser, ""},

		{"group docker", with(func(f *Facts) { f.claw().Groups = []string{"docker"} }), BoundaryNone, "group docker"},
		{"group docker without Docker", with(func(f *Facts) {
			f.claw().Groups, f.Docker = []string{"docker"}, host.None[host.Docker]("not installed")
		}), BoundaryUser, ""},
		{"group lxd", with(func(f *Facts) { f.claw().Groups = []string{"lxd"} }), BoundaryNone, "group lxd"},
		{"group incus-admin", with(func(f *Facts) { f.claw().Groups = []string{"incus-admin"} }), BoundaryNone, "group incus-admin"},
		{"group incus is restricted", with(func(f *Facts) { f.claw().Groups = []string{"incus"} }), BoundaryUser, ""},
		{"group disk", with(func(f *Facts) { f.claw().Groups = []string{"disk"} }), BoundaryNone, "raw disks"},
		{"group adm only reads logs", with(func(f *Facts) { f.claw().Groups = []string{"adm"} }), BoundaryUser, ""},

		{"sudo group, password locked", with(func(f *Facts) { f.claw().Groups = []string{"sudo"} }), BoundaryUser, ""},
		{"sudo group, password set", with(func(f *Facts) { f.claw().Groups, f.claw().Password = []string{"sudo"}, "set" }), BoundaryNone, "catches the password"},
		{"sudo group, password unknown", with(func(f *Facts) { f.claw().Groups, f.claw().Password = []string{"sudo"}, "" }), BoundaryNone, "catches the password"},
		{"sudo group, rules unknown", with(func(f *Facts) {
			f.claw().Groups, f.Sudo = []string{"sudo"}, host.NotRead[[]host.SudoRule]("needs root")
		}), BoundaryNone, "by default"},
		{"sudo rules unknown", with(func(f *Facts) { f.Sudo = host.NotRead[[]host.SudoRule]("needs root") }), BoundaryUnknown, ""},
		{"no sudo", with(func(f *Facts) { f.Sudo = host.None[[]host.SudoRule]("not installed") }), BoundaryUser, ""},
		{"sudo without a password", with(func(f *Facts) {
			f.Sudo.Value = []host.SudoRule{{Who: "claw", NoPasswd: true, Commands: "(root) NOPASSWD: /usr/bin/systemctl restart x, /bin/true"}}
		}), BoundaryNone, "systemctl"},
		{"sudo as cloud images write it", with(func(f *Facts) {
			f.Sudo.Value = []host.SudoRule{{Who: "claw", NoPasswd: true, Commands: "(ALL) NOPASSWD:ALL"}}
		}), BoundaryNone, "every command"},
		{"sudo for a harmless command", with(func(f *Facts) {
			f.Sudo.Value = []host.SudoRule{{Who: "claw", NoPasswd: true, Commands: "/usr/local/bin/status"}}
		}), BoundaryUser, ""},
		{"sudo as another account", with(func(f *Facts) {
			f.Sudo.Value = []host.SudoRule{{Who: "claw", NoPasswd: true, Commands: "(www-data) ALL"}}
		}), BoundaryUser, ""},
		{"sudo by number", with(func(f *Facts) { f.Sudo.Value = []host.SudoRule{{Who: "#990", NoPasswd: true, Commands: "ALL"}} }), BoundaryNone, "every command"},
		{"sudo by group number", with(func(f *Facts) {
			f.process().Groups = []uint32{27}
			f.Sudo.Value = []host.SudoRule{{Who: "%#27", NoPasswd: true, Commands: "ALL"}}
		}), BoundaryNone, "every command"},
		{"sudo for all", with(func(f *Facts) { f.Sudo.Value = []host.SudoRule{{Who: "ALL", NoPasswd: true, Commands: "ALL"}} }), BoundaryNone, "every command"},

		{"socket for everyone", with(func(f *Facts) { f.Docker.Value.Socket.Mode = fs.ModeSocket | 0o666 }), BoundaryNone, "Docker's socket"},
		{"socket of its group", with(func(f *Facts) { f.process().Groups = []uint32{998} }), BoundaryNone, "Docker's socket"},
		{"rootless Docker", with(func(f *Facts) { f.Docker.Value.Socket.Mode, f.Docker.Value.Rootless = 0o666, true }), BoundaryUser, ""},
		{"Docker unknown", with(func(f *Facts) { f.Docker = host.NotRead[host.Docker]("x") }), BoundaryUnknown, ""},
		{"Docker on TCP", with(func(f *Facts) { f.Docker.Value.TCP = []string{"tcp://127.0.0.1:2375"} }), BoundaryNone, "without asking"},
		{"Docker on TCP with certificates", with(func(f *Facts) {
			f.Docker.Value.TCP, f.Docker.Value.Config = []string{"tcp://127.0.0.1:2375"}, map[string]any{"tlsverify": true}
		}), BoundaryUser, ""},

		{"CAP_SYS_PTRACE", with(func(f *Facts) { f.process().CapEff = 1 << 19 }), BoundaryNone, "CAP_SYS_PTRACE"},
		{"CAP_SYS_ADMIN", with(func(f *Facts) { f.process().CapEff = 1 << 21 }), BoundaryNone, "CAP_SYS_ADMIN"},
		{"CAP_DAC_OVERRIDE", with(func(f *Facts) { f.process().CapEff = 1 << 1 }), BoundaryNone, "CAP_DAC_OVERRIDE"},
		{"CAP_NET_BIND_SERVICE", with(func(f *Facts) { f.process().CapEff = 1 << 10 }), BoundaryUser, ""},

		{"cron file for everyone", with(func(f *Facts) { f.Cron.Value[0].File.Mode = 0o666 }), BoundaryNone, "/etc/crontab"},
		{"cron file of its own under /etc", with(func(f *Facts) {
			f.Cron.Value = append(f.Cron.Value, host.CronJob{User: "claw", File: host.FileInfo{Path: "/etc/cron.d/claw", UID: 990, Mode: 0o600}})
		}), BoundaryNone, "/etc/cron.d/claw"},
		{"its own crontab", with(func(f *Facts) {
			f.Cron.Value = append(f.Cron.Value, host.CronJob{User: "claw", File: host.FileInfo{Path: "/var/spool/cron/crontabs/claw", UID: 990, Mode: 0o600}})
		}), BoundaryUser, ""},
		{"root runs its script", with(func(f *Facts) { f.Cron.Value[0].Command = "bash -c '/home/claw/backup.sh >/dev/null'" }), BoundaryNone, "/home/claw/backup.sh"},
		{"root's service from its home", with(func(f *Facts) { f.Units.Value[0].Exec = "-/usr/bin/node /home/claw/app/index.js" }), BoundaryNone, "/home/claw/app/index.js"},
		{"a service of its own", with(func(f *Facts) { f.Units.Value[0].Exec, f.Units.Value[0].User = "/home/claw/run", "claw" }), BoundaryUser, ""},
		{"a neighbour's home", with(func(f *Facts) { f.Units.Value[0].Exec = "/home/clawdia/run" }), BoundaryUser, ""},
		{"a folder of root's PATH", with(func(f *Facts) { f.Trusted.Value[0].GID, f.Trusted.Value[0].Mode = 990, fs.ModeDir|0o775 }), BoundaryNone, "/usr/local/bin"},
		{"a unit that anyone writes", with(func(f *Facts) { f.Trusted.Value[1].Mode = 0o666 }), BoundaryNone, "/etc/systemd/system/ssh.service"},
		{"folders unknown", with(func(f *Facts) { f.Trusted = host.NotRead[[]host.FileInfo]("x") }), BoundaryUnknown, ""},
		{"units unknown", with(func(f *Facts) { f.Units = host.NotRead[[]host.Unit]("x") }), BoundaryUnknown, ""},
		{"no systemd", with(func(f *Facts) { f.Units = host.None[[]host.Unit]("no systemd") }), BoundaryUser, ""},

		{"a container", boxed(func(*container.InspectResponse) {}), BoundaryContainer, ""},
		{"privileged", boxed(func(c *container.InspectResponse) { c.HostConfig.Privileged = true }), BoundaryNone, "privileged"},
		{"added SYS_ADMIN", boxed(func(c *container.InspectResponse) { c.HostConfig.CapAdd = []string{"CAP_SYS_ADMIN"} }), BoundaryNone, "SYS_ADMIN"},
		{"added NET_BIND_SERVICE", boxed(func(c *container.InspectResponse) { c.HostConfig.CapAdd = []string{"NET_BIND_SERVICE"} }), BoundaryContainer, ""},
		{"pid: host", boxed(func(c *container.InspectResponse) { c.HostConfig.PidMode = "host" }), BoundaryNone, "pid: host"},
		{"a disk", boxed(func(c *container.InspectResponse) {
			c.HostConfig.Devices = []container.DeviceMapping{{PathOnHost: "/dev/sda1"}}
		}), BoundaryNone, "/dev/sda1"},
		{"docker.sock", mount("/var/run/docker.sock", false), BoundaryNone, "docker.sock"},
		{"the whole disk", mount("/", false), BoundaryNone, "whole disk"},
		{"/etc to write", mount("/etc", true), BoundaryNone, "/etc"},
		{"/etc to read", mount("/etc", false), BoundaryContainer, ""},
		{"part of /etc to write", mount("/etc/cron.d", true), BoundaryNone, "/etc/cron.d"},
		{"Seawall's files", mount("/var/lib", false), BoundaryNone, "Seawall's own"},
		{"all sockets", mount("/run", false), BoundaryNone, "sockets"},
		{"a home to write", mount("/home", true), BoundaryNone, "/home"},
		{"one folder of a home", mount("/home/ada/notes", true), BoundaryContainer, ""},
		{"containers unknown", func() *Facts {
			f := boxed(func(*container.InspectResponse) {})
			f.Containers = host.NotRead[[]host.Container]("x")
			return f
		}(), BoundaryUnknown, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, found := Boundary(c.facts)
			if got != c.want {
				t.Fatalf("got %s %v, want %s", got, found, c.want)
			}
			if (got == BoundaryNone) != (len(found) > 0) {
				t.Errorf("boundary %s with %d reasons", got, len(found))
			}
			said := ""
			for _, f := range found {
				said += f.Detail + "\n"
			}
			if !strings.Contains(said, c.says) {
				t.Errorf("the reasons do not say %q: %s", c.says, said)
			}
		})
	}
}

// The control is the boundary as a finding: unknown where it is unknown.
func TestBoundaryControl(t *testing.T) {
	for want, f := range map[Outcome]*Facts{
		Passed: apart(),
		Failed: func() *Facts {
			f := apart()
			f.process().UID = 0
			f.Sudo = host.NotRead[[]host.SudoRule]("needs root")
			return f
		}(),
		Unknown:       func() *Facts { f := apart(); f.Sudo = host.NotRead[[]host.SudoRule]("needs root"); return f }(),
		NotApplicable: func() *Facts { f := apart(); f.OpenClaw = host.None[[]openclaw.Install]("none"); return f }(),
	} {
		a := Run(t.Context(), f, []Control{BoundaryControl})
		if got := a.Results[0]; got.Outcome != want || want == Failed && got.Severity != Critical {
			t.Errorf("got %+v, want %s", got, want)
		}
	}
}

// The weakest of several counts.
func TestBoundaryOfSeveral(t *testing.T) {
	f := apart()
	root := host.Process{PID: 8}
	f.OpenClaw.Value = append(f.OpenClaw.Value, openclaw.Install{StateDir: "/root/.openclaw", Owner: "root", Process: &root})
	if got, _ := Boundary(f); got != BoundaryNone {
		t.Errorf("got %s", got)
	}
}
