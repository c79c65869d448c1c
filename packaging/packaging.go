// Package packaging holds what is installed beside the program: the units of
// the service. The packages (nfpm.yaml) ship them as they stand here; `seawall
// install` writes them where no package did.
package packaging

import (
	"embed"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/coreos/go-systemd/v22/unit"
)

//go:embed systemd
var files embed.FS

// Where the units say that things are. A program elsewhere is put in their
// place by [Units].
const (
	Program = "/usr/bin/seawall"
	State   = "/var/lib/seawall"
)

// Unit is one file of systemd's.
type Unit struct {
	Name, Text string
}

// names are the units, those first that others need.
var names = []string{
	"seawall.socket", "seawall-page.socket", "seawall-died.service", "seawall.service", "seawall-watch.service",
	"seawall-boundary.service", "seawall-boundary.timer",
	"seawall-audit.service", "seawall-audit.timer", "seawall-audit.path",
}

// Enabled reports that a unit starts with the machine; any other is started by
// one that does.
func (u Unit) Enabled() bool { return strings.Contains(u.Text, "\n[Install]\n") }

// Units are the units for a program at a path, those first that others need.
func Units(program string) []Unit {
	var units []Unit
	for _, name := range names {
		text, err := fs.ReadFile(files, "systemd/"+name)
		if err != nil {
			panic(err) // it is compiled in
		}
		units = append(units, Unit{name, strings.ReplaceAll(string(text), Program, program)})
	}
	return units
}

// ChangedSince reports whether something that seawall-audit.path waits for was
// changed after a time. systemd does not look while the audit runs (it forgets
// what path units would have seen then), so the audit asks this at its end.
func ChangedSince(then time.Time) bool {
	for _, u := range Units(Program) {
		if u.Name == "seawall-audit.path" {
			return u.changedSince(then)
		}
	}
	return false
}

func (u Unit) changedSince(then time.Time) bool {
	options, err := unit.DeserializeOptions(strings.NewReader(u.Text))
	if err != nil {
		panic(err) // it is compiled in
	}
	for _, o := range options {
		if o.Name != "PathChanged" {
			continue
		}
		info, err := os.Stat(o.Value)
		if err != nil {
			continue // what is not there is created later, in a folder that is watched
		}
		// When the entry changed, not its content: a file moved here keeps the time of that.
		changed := info.Sys().(*syscall.Stat_t).Ctim
		if time.Unix(changed.Unix()).After(then) {
			return true
		}
	}
	return false
}
