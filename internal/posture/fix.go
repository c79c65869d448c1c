package posture

import (
	"fmt"
	"net/netip"

	"github.com/openseawall/seawall/internal/posture/change"
)

// Refusal is why something is not in a plan.
type Refusal struct{ Why string }

func (r *Refusal) Error() string { return r.Why }

// Refuse returns the error of a Fix that a machine must not make here: it is not
// in the plan, and the plan says why. Changes that the Fix returns beside it are
// in the plan all the same.
func Refuse(format string, args ...any) error { return &Refusal{fmt.Sprintf(format, args...)} }

// Aim is what a plan is made for: a profile's settings, where there is a choice,
// and the person who applies it. An audit has none, which reads as the profile
// "vps" and nobody.
type Aim struct {
	Profile Profile
	// User is who is logged in (sudo's caller, else the user itself).
	User string
	// Login is the account that logged in over SSH; "" at a console.
	Login string
	// Force leaves in a plan what would lock the operator out; it is taken back by
	// itself.
	Force bool
	// From and To are the two ends of the SSH connection that applies the plan;
	// not valid at a console.
	From, To netip.AddrPort
}

// Profile are the settings of a plan, in YAML. Every key has a value in the
// shipped profiles; a file of the operator's overrides single ones.
type Profile struct {
	SSH      SSHProfile      `yaml:"ssh"`
	Firewall FirewallProfile `yaml:"firewall"`
	Fail2ban Fail2banProfile `yaml:"fail2ban"`
	Docker   DockerProfile   `yaml:"docker"`
	Updates  UpdatesProfile  `yaml:"updates"`
	// Skip are controls that are left alone: id to reason.
	Skip map[string]string `yaml:"skip"`
}

// SSHProfile are the choices about sshd.
type SSHProfile struct {
	Root           string   `yaml:"root"` // "prohibit-password" or "no"
	MaxAuthTries   int      `yaml:"max-auth-tries"`
	LoginGraceTime int      `yaml:"login-grace-time"` // seconds
	AllowUsers     []string `yaml:"allow-users"`      // empty: those who have a key
	TCPForwarding  string   `yaml:"tcp-forwarding"`   // "local", "yes" or "no"
}

// FirewallProfile are the choices about packets.
type FirewallProfile struct {
	// Open ports answer everyone, whether something listens now or not.
	Open []change.Port `yaml:"open"`
	// Close ports are closed though something listens (--close).
	Close []change.Port `yaml:"close"`
	// SSHFrom are the prefixes from which port 22 answers; empty is everywhere.
	SSHFrom []netip.Prefix `yaml:"ssh-from"`
	// OutClosed are outbound TCP ports that are dropped for host and containers.
	OutClosed []uint16 `yaml:"out-closed"`
	// OutOpen are exceptions from OutClosed, beside those that the machine is set
	// up for.
	OutOpen []OutOpen `yaml:"out-open"`
}

// OutOpen lets one user of this machine out to a port that is closed.
type OutOpen struct {
	User string       `yaml:"user"`
	To   netip.Prefix `yaml:"to"` // "192.0.2.25/32"; none is anywhere
	Port uint16       `yaml:"port"`
}

// Fail2banProfile are the choices about bans.
type Fail2banProfile struct {
	Install  bool `yaml:"install"`
	MaxRetry int  `yaml:"max-retry"`
	BanTime  int  `yaml:"ban-time"` // seconds
}

// DockerProfile are the choices about the daemon.
type DockerProfile struct {
	LogMaxSize  string `yaml:"log-max-size"` // "10m"
	LogMaxFile  int    `yaml:"log-max-file"`
	LiveRestore bool   `yaml:"live-restore"`
}

// UpdatesProfile are the choices about unattended-upgrades.
type UpdatesProfile struct {
	AutoReboot bool   `yaml:"auto-reboot"`
	RebootTime string `yaml:"reboot-time"` // "04:30"
}
