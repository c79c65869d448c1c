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

// Units are the units for a program at a path, those first that others need.
func Units(program string) []Unit {
	var units []Unit
	for _, name := range []string{"seawall.socket", "seawall-page.socket", "seawall.service", "seawall-watch.service", "seawall-boundary.service", "seawall-boundary.timer"} {
		text, err := fs.ReadFile(files, "systemd/"+name)
		if err != nil {
			panic(err) // it is compiled in
		}
		units = append(units, Unit{name, strings.ReplaceAll(string(text), Program, program)})
	}
	return units
}
