package change

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// kinds are how each kind of thing is read, and brought into another state.
// Every write can be done twice.
var kinds = map[Kind]struct {
	read  func(ctx context.Context, m Machine, target string) (State, error)
	write func(ctx context.Context, m Machine, target string, was, next State) error
}{
	KindFile: {
		func(_ context.Context, m Machine, target string) (State, error) { return m.read(target) },
		func(_ context.Context, m Machine, target string, was, next State) error {
			return m.write(target, was, next)
		},
	},
	KindPerm: {
		func(_ context.Context, m Machine, target string) (State, error) { return m.readPerm(target) },
		func(_ context.Context, m Machine, target string, _, next State) error {
			return m.writePerm(target, next)
		},
	},
	KindSysctl:  {readSysctl, writeSysctl},
	KindUnit:    {readUnit, writeUnit},
	KindPackage: {readPackages, installPackages},
	KindRuleset: {readTables, loadTables},
}

func sysctlPath(m Machine, key string) string {
	// A dot in an interface's name is written as a slash (sysctl.d(5)).
	path := strings.Map(func(r rune) rune {
		switch r {
		case '.':
			return '/'
		case '/':
			return '.'
		}
		return r
	}, key)
	return filepath.Join(m.Root, "proc/sys", path)
}

func readSysctl(_ context.Context, m Machine, key string) (State, error) {
	b, err := os.ReadFile(sysctlPath(m, key))
	if errors.Is(err, fs.ErrNotExist) {
		return State{}, nil
	}
	if err != nil {
		return State{}, fmt.Errorf("reading the kernel parameter %s: %w", key, cause(err))
	}
	s := State{There: true, Content: bytes.Join(bytes.Fields(b), []byte(" "))}
	s.sum()
	return s, nil
}

func writeSysctl(_ context.Context, m Machine, key string, _, next State) error {
	f, err := os.OpenFile(sysctlPath(m, key), os.O_WRONLY, 0)
	if err == nil {
		_, err = f.Write(append(bytes.Clone(next.Content), '\n'))
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		return fmt.Errorf("setting the kernel parameter %s: %w", key, cause(err))
	}
	return nil
}

func readUnit(ctx context.Context, m Machine, name string) (State, error) {
	out, err := m.Run(ctx, nil, "systemctl", "show", "-p", "LoadState,UnitFileState,ActiveState", "--", name)
	if err != nil {
		return State{}, fmt.Errorf("asking systemd about %s: %w", name, err)
	}
	p := map[string]string{}
	for line := range strings.Lines(string(out)) {
		k, v, _ := strings.Cut(strings.TrimSpace(line), "=")
		p[k] = v
	}
	s := State{There: p["LoadState"] == "loaded" || p["LoadState"] == "masked", Enabled: p["UnitFileState"], Active: "inactive"}
	if a := p["ActiveState"]; a == "active" || a == "activating" || a == "reloading" {
		s.Active = "active"
	}
	return s, nil
}

// writeUnit brings a unit from one state into another. Masked ones are unmasked
// first, since nothing else can be done with them.
func writeUnit(ctx context.Context, m Machine, name string, was, next State) error {
	var did [][]string
	if was.Enabled != next.Enabled {
		if was.Enabled == "masked" {
			did = append(did, []string{"unmask"})
		}
		switch next.Enabled {
		case "enabled":
			did = append(did, []string{"enable"})
		case "disabled", "":
			if was.Enabled == "enabled" {
				did = append(did, []string{"disable"})
			}
		case "masked":
			did = append(did, []string{"mask"})
		}
	}
	if was.Active != next.Active {
		verb := "start"
		if next.Active != "active" {
			verb = "stop"
		}
		did = append(did, []string{verb})
	}
	for _, verb := range did {
		if _, err := m.Run(ctx, nil, "systemctl", append(verb, "--", name)...); err != nil {
			return err
		}
	}
	return nil
}

// again reloads or restarts a unit that runs; it does nothing with one that does
// not.
func again(ctx context.Context, m Machine, name string, v Verb) error {
	verb := "try-restart"
	if v == Reload {
		verb = "try-reload-or-restart"
	}
	_, err := m.Run(ctx, nil, "systemctl", verb, "--", name)
	return err
}

// readPackages says which of the packages are installed.
func readPackages(ctx context.Context, m Machine, names string) (State, error) {
	if !m.has("dpkg-query") || !m.has("apt-get") {
		return State{}, errors.New("packages are installed by apt, which this machine has not: install what is missing by hand")
	}
	all, err := installed(ctx, m)
	if err != nil {
		return State{}, err
	}
	s := State{There: true}
	for name := range strings.FieldsSeq(names) {
		if slices.Contains(all, name) {
			s.Names = append(s.Names, name)
		}
	}
	return s, nil
}

// installed are all packages that are, in order.
func installed(ctx context.Context, m Machine) ([]string, error) {
	out, err := m.Run(ctx, nil, "dpkg-query", "-W", "-f", "${db:Status-Abbrev}${Package}\n")
	if err != nil {
		return nil, fmt.Errorf("asking dpkg what is installed: %w", err)
	}
	var all []string
	for line := range strings.Lines(string(out)) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "ii"); ok {
			all = append(all, strings.TrimSpace(name))
		}
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

// installPackages installs what is missing. It removes nothing: that is
// [Purge]'s.
func installPackages(ctx context.Context, m Machine, _ string, was, next State) error {
	var missing []string
	for _, name := range next.Names {
		if !slices.Contains(was.Names, name) {
			missing = append(missing, name)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	args := []string{"-y", "-q", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=60", "-o", "Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-confold", "install", "--"}
	_, err := m.Run(ctx, nil, "apt-get", append(args, missing...)...)
	if err != nil && strings.Contains(err.Error(), "Unable to locate package") {
		// Lists that were never fetched, or are old.
		if _, err = m.Run(ctx, nil, "apt-get", "-q", "-o", "DPkg::Lock::Timeout=60", "update"); err == nil {
			_, err = m.Run(ctx, nil, "apt-get", append(args, missing...)...)
		}
	}
	var failed *commandError
	if errors.As(err, &failed) {
		return fmt.Errorf("apt could not install %s: %s", strings.Join(missing, " "), strings.TrimPrefix(failed.said, "E: "))
	}
	return err
}

// strictly has apt count only what needs a package, not what recommends it: that
// did not bring it.
var strictly = []string{"-o", "APT::AutoRemove::RecommendsImportant=false", "-o", "APT::AutoRemove::SuggestsImportant=false", "--auto-remove"}

// orphans are the packages that nobody would need without these: what apt brought
// along with them. What needs one of these is none, nor is what nobody needs anyway.
func orphans(ctx context.Context, m Machine, names []string) ([]string, error) {
	if len(names) == 0 {
		return nil, nil
	}
	without, err := wouldPurge(ctx, m, names)
	if err != nil {
		return nil, err
	}
	anyway, err := wouldPurge(ctx, m, nil, strictly...)
	if err != nil {
		return nil, err
	}
	all, err := wouldPurge(ctx, m, names, strictly...)
	return slices.DeleteFunc(all, func(name string) bool { return slices.Contains(without, name) || slices.Contains(anyway, name) }), err
}

// wouldPurge are all packages that would go with these.
func wouldPurge(ctx context.Context, m Machine, names []string, options ...string) (all []string, err error) {
	out, err := m.Run(ctx, nil, "apt-get", slices.Concat([]string{"-s"}, options, []string{"purge", "--"}, names)...)
	for line := range strings.Lines(string(out)) {
		if f := strings.Fields(line); len(f) > 1 && (f[0] == "Remv" || f[0] == "Purg") {
			all = append(all, f[1])
		}
	}
	return all, err
}

// purge takes packages away with their settings. What else would go with them is
// an error instead.
func purge(ctx context.Context, m Machine, names []string) error {
	if len(names) == 0 {
		return nil
	}
	gone, err := wouldPurge(ctx, m, names)
	if err != nil {
		return err
	}
	for _, name := range gone {
		if !slices.Contains(names, name) {
			return fmt.Errorf("%s was installed since and needs one of them: they stay (%s)", name, strings.Join(names, " "))
		}
	}
	services := servicesOf(ctx, m, names)
	_, err = m.Run(ctx, nil, "apt-get", append([]string{"-y", "-q", "-o", "DPkg::Lock::Timeout=60", "purge", "--"}, names...)...)
	if err == nil && len(services) > 0 && m.has("systemctl") {
		// Some packages leave what they started (unattended-upgrades). One that is
		// not there any more is no error.
		_, _ = m.Run(ctx, nil, "systemctl", append([]string{"stop", "--"}, services...)...)
	}
	return err
}

// servicesOf are the systemd services that packages brought.
func servicesOf(ctx context.Context, m Machine, names []string) (services []string) {
	out, err := m.Run(ctx, nil, "dpkg-query", append([]string{"-L"}, names...)...)
	if err != nil {
		return nil
	}
	for path := range strings.Lines(string(out)) {
		dir, name := filepath.Split(strings.TrimSpace(path))
		if strings.HasSuffix(dir, "/lib/systemd/system/") && strings.HasSuffix(name, ".service") && !strings.Contains(name, "@") {
			services = append(services, name)
		}
	}
	return services
}

var (
	nftComment = regexp.MustCompile(`(?m)#.*$`)
	nftTable   = regexp.MustCompile(`(?m)^\s*(?:add\s+|delete\s+|destroy\s+|flush\s+)?table\s+(?:(ip|ip6|inet|arp|bridge|netdev)\s+)?([A-Za-z_][A-Za-z0-9_.-]*)`)
)

// tablesOf are the tables that a ruleset names, in order: "inet seawall".
func tablesOf(text string) []string {
	var all []string
	for _, m := range nftTable.FindAllStringSubmatch(nftComment.ReplaceAllString(text, ""), -1) {
		family := m[1]
		if family == "" {
			family = "ip"
		}
		if t := family + " " + m[2]; !slices.Contains(all, t) {
			all = append(all, t)
		}
	}
	return all
}

// readTables are the tables of the running ruleset, as text that loads them.
func readTables(ctx context.Context, m Machine, target string) (State, error) {
	s := State{There: true}
	for table := range strings.SplitSeq(target, ", ") {
		out, err := m.Run(ctx, nil, "nft", append([]string{"list", "table"}, strings.Fields(table)...)...)
		if errors.Is(err, exec.ErrNotFound) {
			return s, nil // it may come with a package of the plan
		}
		if err != nil {
			if strings.Contains(err.Error(), "No such file or directory") {
				continue
			}
			return State{}, err
		}
		s.Content = append(s.Content, out...)
	}
	s.sum()
	return s, nil
}

// loadTables replaces tables in one transaction.
func loadTables(ctx context.Context, m Machine, target string, _, next State) error {
	_, err := m.Run(ctx, replacing(target, next.Content), "nft", "-f", "-")
	return err
}

// replacing is a ruleset that first takes its tables away, whether they are
// there or not.
func replacing(target string, text []byte) []byte {
	var out bytes.Buffer
	for table := range strings.SplitSeq(target, ", ") {
		fmt.Fprintf(&out, "add table %s\ndelete table %[1]s\n", table)
	}
	out.Write(text)
	return out.Bytes()
}
