package host

import (
	"errors"
	"fmt"
	"strings"
)

// readUnits lists the services, timers and sockets that systemd has loaded:
// all that run, failed or start with the machine. Listing the files of others
// takes it four times as long.
func (r *reader) readUnits() Fact[[]Unit] {
	there, err := r.exists(systemdRuns)
	if err != nil {
		return NotRead[[]Unit]("%s", err)
	}
	if !there {
		return None[[]Unit]("systemd does not run here")
	}
	shown, err := r.command("systemctl", "show", "--all", "-p", "Id,LoadState,ActiveState,SubState,UnitFileState,FragmentPath,User,ExecStart,TimersCalendar,TimersMonotonic,Unit,Triggers", "*.service", "*.timer", "*.socket")
	if err != nil {
		return fromError[[]Unit](err, "systemctl is not installed")
	}
	return Is(parseUnits(shown))
}

// parseUnits reads the blocks of systemctl show.
func parseUnits(b []byte) []Unit {
	var units []Unit
	for _, p := range unitProperties(b) {
		if p["Id"] == "" {
			continue
		}
		units = append(units, Unit{
			Name: p["Id"], Load: p["LoadState"], Active: p["ActiveState"], Sub: p["SubState"],
			Enabled: p["UnitFileState"], Fragment: p["FragmentPath"], User: p["User"], Exec: execLine(p["ExecStart"]),
			Schedule: schedule(p["TimersCalendar"], p["TimersMonotonic"]), Activates: activates(p),
		})
	}
	return units
}

func unitProperties(b []byte) []map[string]string {
	var blocks []map[string]string
	var block map[string]string
	for _, line := range lines(b) {
		if line == "" {
			block = nil
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if !ok {
			continue
		}
		if block == nil {
			block = map[string]string{}
			blocks = append(blocks, block)
		}
		// A timer with several calendars prints one line each.
		if old, ok := block[key]; ok && old != "" {
			value = old + "\n" + value
		}
		block[key] = value
	}
	return blocks
}

// execLine takes the command out of
// "{ path=/usr/sbin/sshd ; argv[]=/usr/sbin/sshd -D ; ignore_errors=no ; … }".
func execLine(s string) string {
	_, rest, ok := strings.Cut(s, "argv[]=")
	if !ok {
		return ""
	}
	command, _, _ := strings.Cut(rest, " ; ")
	return command
}

// schedule takes the times out of
// "{ OnCalendar=*-*-* 06:00:00 ; next_elapse=Wed 2026-11-25 06:00:00 UTC }".
func schedule(timers ...string) string {
	var times []string
	for _, line := range strings.Split(strings.Join(timers, "\n"), "\n") {
		line = strings.TrimPrefix(strings.TrimSpace(line), "{ ")
		if when, _, ok := strings.Cut(line, " ; "); ok {
			times = append(times, strings.TrimPrefix(when, "OnCalendar="))
		}
	}
	return strings.Join(times, "; ")
}

func activates(p map[string]string) string {
	for _, key := range []string{"Unit", "Triggers"} {
		if p[key] != "" {
			return p[key]
		}
	}
	return ""
}

// unit finds one unit by name.
func (r *reader) unit(name string) (Unit, error) {
	units := r.units()
	if !units.Ok() {
		if units.Status == Absent {
			return Unit{}, errNoSystemd
		}
		return Unit{}, errors.New(units.Reason)
	}
	for _, u := range units.Value {
		if u.Name == name {
			return u, nil
		}
	}
	return Unit{}, fmt.Errorf("unit %s: %w", name, ErrAbsent)
}
