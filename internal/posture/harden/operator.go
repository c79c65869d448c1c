package harden

import (
	"cmp"
	"errors"
	"net/netip"
	"os/user"
	"strings"

	"github.com/openseawall/seawall/internal/posture"
	"github.com/openseawall/seawall/internal/posture/change"
)

// Who is the user behind sudo, or the user.
func Who(getenv func(string) string) string {
	name := getenv("SUDO_USER")
	if u, err := user.Current(); name == "" && err == nil {
		name = u.Username
	}
	return name
}

// Operator is the person for whom a plan is made: who is logged in, and from
// where.
func Operator(facts *posture.Facts, s change.Session, getenv func(string) string) posture.Aim {
	aim := posture.Aim{User: Who(getenv)}
	// "client port server port" (ssh(1)); sudo takes it out of the environment, so
	// it comes from the processes above.
	f := strings.Fields(cmp.Or(s.Ends, getenv("SSH_CONNECTION")))
	if len(f) == 4 {
		aim.Login = cmp.Or(s.User, aim.User)
		aim.From, _ = netip.ParseAddrPort(join(f[0], f[1]))
		aim.To, _ = netip.ParseAddrPort(join(f[2], f[3]))
	}
	return aim
}

func join(addr, port string) string {
	if strings.Contains(addr, ":") {
		addr = "[" + addr + "]"
	}
	return addr + ":" + port
}

// FirstBoot says why this is no first boot.
func FirstBoot() error {
	if s := change.ThisSession(); s.SSH || s.Lost {
		return errors.New("--first-boot is for user-data, before anybody logs in: run it without, and confirm from a new connection")
	}
	return nil
}
