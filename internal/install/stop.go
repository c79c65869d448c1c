package install

import (
	"context"
	"strings"

	"github.com/openseawall/seawall/packaging"
)

// sorted are the units that start others, sockets and timers, and the services.
func sorted() (starters, services []string) {
	for _, u := range packaging.Units(packaging.Program) {
		if name, is := strings.CutSuffix(u.Name, ".service"); is {
			services = append(services, name)
		} else {
			starters = append(starters, u.Name)
		}
	}
	return starters, services
}

// stops are the units in the order in which they are ended: first those that
// would start another again.
func stops() []string {
	starters, services := sorted()
	return append(starters, services...)
}

// StopCommand is what a person would run for [Machine.Stop].
func StopCommand() string {
	return "systemctl stop " + strings.Join(stops(), " ")
}

// opens are the units that have to run for the doors to be open and watched.
func opens() []string {
	starters, _ := sorted()
	return append(starters, "seawall", "seawall-watch")
}

// StartCommand starts what [Machine.Stop] ended.
func StartCommand() string { return "systemctl start " + strings.Join(opens(), " ") }

// Stop ends the service, until it is started or the machine starts anew.
func (m Machine) Stop(ctx context.Context) error {
	return m.systemctl(ctx, append([]string{"stop"}, stops()...)...)
}
