package posture

import "github.com/openseawall/seawall/internal/host"

// The facts a control can need. A control whose need is unknown is reported as
// unknown with the reason; one whose need is absent does not apply.
var (
	OS            = Need{"os", func(f *Facts) (host.Status, string) { return f.OS.State() }}
	Users         = Need{"users", func(f *Facts) (host.Status, string) { return f.Users.State() }}
	SSHD          = Need{"sshd", func(f *Facts) (host.Status, string) { return f.SSHD.State() }}
	AuthorizedKey = Need{"authorized keys", func(f *Facts) (host.Status, string) { return f.AuthorizedKey.State() }}
	Fail2ban      = Need{"fail2ban", func(f *Facts) (host.Status, string) { return f.Fail2ban.State() }}
	Ruleset       = Need{"firewall ruleset", func(f *Facts) (host.Status, string) { return f.Firewall.State() }}
	Sockets       = Need{"listening sockets", func(f *Facts) (host.Status, string) { return f.Sockets.State() }}
	Interfaces    = Need{"network interfaces", func(f *Facts) (host.Status, string) { return f.Interfaces.State() }}
	Processes     = Need{"processes", func(f *Facts) (host.Status, string) { return f.Processes.State() }}
	Units         = Need{"systemd units", func(f *Facts) (host.Status, string) { return f.Units.State() }}
	Sysctl        = Need{"sysctl", func(f *Facts) (host.Status, string) { return f.Sysctl.State() }}
	Patches       = Need{"updates", func(f *Facts) (host.Status, string) { return f.Updates.State() }}
	Packages      = Need{"packages", func(f *Facts) (host.Status, string) { return f.Packages.State() }}
	Daemon        = Need{"Docker daemon", func(f *Facts) (host.Status, string) { return f.Docker.State() }}
	Containers    = Need{"containers", func(f *Facts) (host.Status, string) { return f.Containers.State() }}
	ComposeFiles  = Need{"compose files", func(f *Facts) (host.Status, string) { return f.Compose.State() }}
	CronJobs      = Need{"scheduled jobs", func(f *Facts) (host.Status, string) { return f.Cron.State() }}
	Proxy         = Need{"reverse proxy", func(f *Facts) (host.Status, string) { return f.Proxy.State() }}
	Disks         = Need{"disks", func(f *Facts) (host.Status, string) { return f.Disks.State() }}
	Sudo          = Need{"sudo rules", func(f *Facts) (host.Status, string) { return f.Sudo.State() }}
	Vital         = Need{"files that say who is who", func(f *Facts) (host.Status, string) { return f.Vital.State() }}
	Trusted       = Need{"folders that root runs programs from", func(f *Facts) (host.Status, string) { return f.Trusted.State() }}
	Journal       = Need{"journal", func(f *Facts) (host.Status, string) { return f.Journal.State() }}
	Crontab       = Need{"cron", func(f *Facts) (host.Status, string) { return f.Crontab.State() }}
	Memory        = Need{"memory", func(f *Facts) (host.Status, string) { return f.Memory.State() }}
	Tailnet       = Need{"Tailscale", func(f *Facts) (host.Status, string) { return f.Tailnet.State() }}
	Agent         = Need{"OpenClaw", func(f *Facts) (host.Status, string) { return f.OpenClaw.State() }}
)
