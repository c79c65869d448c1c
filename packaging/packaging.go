// Package packaging holds what is installed beside the program: the units of
// the service. The packages (nfpm.yaml) ship them as they stand here; `seawall
// install` writes them where no package did.
package packaging

import (
	"embed"
	"io/fs"
	"strings"
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
