package host

import (
	"net/netip"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/system"
)

// Facts is what one reading of a machine learned, in the families the
// controls use. A field that was not read is [Unknown], never empty.
type Facts struct {
	Self          Self
	OS            Fact[OS]
	Users         Fact[[]User]
	SSHD          Fact[SSHD]
	AuthorizedKey Fact[[]AuthorizedKey]
	Logins        Fact[[]Session]
	Fail2ban      Fact[Fail2ban]
	Firewall      Fact[Firewall]
	Sockets       Fact[[]Socket]
	Interfaces    Fact[[]Interface]
	Processes     Fact[[]Process]
	Units         Fact[[]Unit]
	Sysctl        Fact[map[string]string]
	Updates       Fact[Updates]
	Packages      Fact[map[string]string] // dpkg: package to version, installed only
	Docker        Fact[Docker]
	Containers    Fact[[]Container]
	Compose       Fact[[]ComposeFile]
	Cron          Fact[[]CronJob]
	Proxy         Fact[ReverseProxy]
	Disks         Fact[[]Disk]
	Sudo          Fact[[]SudoRule]
	Trusted       Fact[[]FileInfo] // folders and units from which root runs programs
	Vital         Fact[[]FileInfo] // who is who: passwd, shadow, sshd's keys, homes, /tmp
	Journal       Fact[Journal]
	Crontab       Fact[Crontab]
	Memory        Fact[Memory]
	Tailnet       Fact[Tailnet]
}

// OS names the system.
type OS struct {
	ID, Version, Name string // os-release: "debian", "12", "Debian GNU/Linux 12 (bookworm)"
	Kernel            string // uname -r
	Hostname          string
	Systemd           bool   // PID 1 is systemd
	Container         string // "docker", "lxc", … when this machine is itself a container
}

// User is an account of this machine with the groups it is in.
type User struct {
	Name   string
	UID    uint32
	GID    uint32
	Home   string
	Shell  string
	Groups []string
	// Password says what /etc/shadow holds: "set", "locked", "none" (anyone
	// may log in without one) or "" when it was not readable.
	Password string
}

// SSHD is what sshd would do, from `sshd -T`: keys are lower case.
type SSHD struct {
	Running   bool
	Options   map[string][]string // "permitrootlogin" → ["without-password"]
	Ports     []uint16
	Listen    []netip.AddrPort
	Permitted string // the value that decides for root: yes, no, without-password, forced-commands-only
	// DropIns tells that sshd_config includes sshd_config.d before it says
	// anything itself, so that a drop-in there wins.
	DropIns bool
}

// Option returns the first value of a keyword, or "".
func (s SSHD) Option(keyword string) string {
	if v := s.Options[keyword]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// AuthorizedKey is one public key that may log in, without the key itself.
type AuthorizedKey struct {
	User, File, Type, Comment string
	Bits                      int // RSA only
	Options                   string
}

// Session is someone logged in now, or a recent login by key.
type Session struct {
	User string
	From netip.Addr
	Now  bool
	Time time.Time
}

// Fail2ban is the state of the daemon and its sshd jail.
type Fail2ban struct {
	Installed bool
	Running   bool
	SSHJail   bool
	MaxRetry  int
	BanTime   time.Duration
	Backend   string
	Error     string // why it does not run, in its own words
}

// Firewall is the live ruleset, whichever tool wrote it.
type Firewall struct {
	Tool      string // "nft", "iptables-legacy"
	Chains    []Chain
	UFW       bool // ufw is active
	FirewallD bool
}

// Chain is one chain of the ruleset. Base chains have a Hook and a Policy.
type Chain struct {
	Family   string // ip, ip6, inet, bridge
	Table    string
	Name     string
	Hook     string // input, forward, output, prerouting, … or "" for a plain chain
	Priority int
	Policy   string // accept or drop; base chains only
	Rules    []Rule
}

// Rule is one rule, reduced to what a judgement needs. Unparsed tells that it
// has a match which is not in the fields, so that it applies to less than
// they say.
type Rule struct {
	Text     string // as nft or iptables-save prints it
	Proto    string // tcp, udp, icmp, … or "" for any
	DPorts   []PortRange
	SPorts   []PortRange
	InIface  string // with a leading "!" when negated
	OutIface string
	Src, Dst []netip.Prefix
	CTState  []string // established, related, new, invalid
	SynOnly  bool
	Late     bool        // never the first packet of a TCP connection
	Sender   string      // a local user whose packets these are; output only
	DNAT     bool        // only what a rule of Docker's, say, sent elsewhere
	Before   []PortRange // the destination ports it had before
	Limit    string      // "30/second burst 60", or ""
	Verdict  string      // accept, drop, reject, jump NAME, goto NAME, return, or "" (counter, log)
	Unparsed bool
}

// PortRange is an inclusive range of ports.
type PortRange struct{ From, To uint16 }

// Socket is one listening socket and the process that holds it.
type Socket struct {
	Proto   string // tcp, udp
	Addr    netip.AddrPort
	PID     int
	Process string // command name
	UID     uint32
	Inode   uint64
}

// Public reports whether the socket listens on more than loopback.
func (s Socket) Public() bool { return !s.Addr.Addr().IsLoopback() }

// Interface is a network interface with its addresses.
type Interface struct {
	Name  string
	Up    bool
	Addrs []netip.Prefix
	Kind  string // bridge, veth, tun, wireguard, physical, loopback
}

// Process is a running process, as /proc shows it.
type Process struct {
	PID, PPID  int
	Name       string
	Args       []string
	UID        uint32
	GID        uint32
	Groups     []uint32
	CapEff     uint64
	NoNewPrivs bool
	Seccomp    int // 0 none, 1 strict, 2 filter
	Exe        string
	CWD        string
	Cgroup     string
	Env        []string // NAMES of environment variables; values never leave the reader
	// SecretEnv names the variables whose value looks like a credential.
	SecretEnv []string
	EnvStatus Status // Unknown when environ was not readable
	// Places are the values of the variables that say where OpenClaw's files
	// are (HOME, OPENCLAW_STATE_DIR, …): the only values that are kept.
	Places map[string]string `json:",omitempty"`
	NetNS  string            // inode of its network namespace
	RSS    int64             // bytes
}

// Unit is a systemd unit: services, timers and sockets.
type Unit struct {
	Name, Load, Active, Sub, Enabled string
	Fragment                         string // path of the unit file
	User                             string // services only; "" is root
	Exec                             string
	Schedule                         string // timers only: "*-*-* 06:00:00", several joined by "; "
	Activates                        string // timers and sockets: the unit they start
}

// Updates says how this machine keeps itself current.
type Updates struct {
	Unattended       bool   // unattended-upgrades installed, enabled and with an origin for security
	UnattendedReason string // which part is missing
	AutoReboot       bool
	RebootRequired   bool
	RebootPackages   []string
	KernelRunning    string
	KernelInstalled  string    // the newest installed
	LastListUpdate   time.Time // zero when never
	SecurityPending  int       // -1 when it could not be counted
}

// Docker is the daemon: what it says of itself and what its file asks for.
type Docker struct {
	Version     string
	APIVersion  string
	Info        system.Info
	Config      map[string]any // daemon.json; nil when there is none
	ConfigError string         // daemon.json exists and is not valid
	Socket      FileInfo
	Rootless    bool
	TCP         []string // tcp:// addresses the daemon listens on
}

// Container is one container as the Engine inspects it; values of its
// environment are gone, their names stay in Env.
type Container struct {
	Inspect   container.InspectResponse
	Env       []string
	SecretEnv []string
	OpenClaw  bool // it runs OpenClaw's gateway
}

// Name returns the container's name without the slash.
func (c Container) Name() string {
	if n := c.Inspect.Name; len(n) > 1 && n[0] == '/' {
		return n[1:]
	}
	return c.Inspect.Name
}

// ComposeFile is one compose file, read as a security document.
type ComposeFile struct {
	Path      string
	Info      FileInfo
	Error     string // it does not parse
	Services  []ComposeService
	GitRemote string // URL of the repository it is committed to, if any
	Text      string `json:"-"` // as it stands on the disk, for a patch that keeps comments
}

// ComposeService is what a service of a compose file asks for.
type ComposeService struct {
	Name        string
	Image       string
	User        string
	Privileged  bool
	ReadOnly    bool
	CapDrop     []string
	CapAdd      []string
	SecurityOpt []string
	Mounts      []ComposeMount
	Ports       []ComposePort
	EnvFiles    []FileInfo
	SecretEnv   []string // variables with a literal that looks like a credential
	MemoryLimit int64
	CPULimit    string
	PidsLimit   int64
	HealthTest  []string
	Restart     string
	NetworkMode string
	OpenClaw    bool
}

// ComposeMount is one mount of a service.
type ComposeMount struct {
	Type, Source, Target string
	ReadOnly             bool
}

// ComposePort is one published port.
type ComposePort struct {
	HostIP    string
	Published string
	Target    uint32
	Proto     string
}

// CronJob is a scheduled job outside OpenClaw: cron or a systemd timer.
type CronJob struct {
	Source, User, Schedule, Command string
	File                            FileInfo
}

// ReverseProxy is a web server that could stand before the gateway.
type ReverseProxy struct {
	Names []string // nginx, caddy, traefik, apache2
	TLS   bool     // something listens on 443
	Renew string   // how certificates are renewed: "certbot.timer", "caddy", ""
}

// Disk is a mounted file system with its room.
type Disk struct {
	Mount, FS   string
	Size, Avail uint64 // bytes
}

// SudoRule is one line of sudoers that applies to a user or group.
type SudoRule struct {
	Who      string // "alice", "%sudo"
	NoPasswd bool
	Commands string
	File     string
}
