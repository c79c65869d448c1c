package openclaw

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/lazyregexp"
)

// Option is something [Discover] is told.
type Option func(*discovery)

// Environment gives the environment of whoever asks, usually [os.Getenv]:
// OPENCLAW_STATE_DIR, OPENCLAW_CONFIG_PATH, OPENCLAW_INCLUDE_ROOTS and HOME
// of the caller then name an installation too.
func Environment(getenv func(string) string) Option { return func(d *discovery) { d.getenv = getenv } }

// SecretsBy has every text of an installation looked through: find gets one
// whole text and returns the places of the secrets in it.
func SecretsBy(find func(text string) []SecretAt) Option {
	return func(d *discovery) { d.secrets = find }
}

// SkillsBy has every installed skill read: find gets the name and the text of
// each of its files and returns what is wrong with it, for Skill.Findings.
func SkillsBy(find func(file, text string) []string) Option {
	return func(d *discovery) { d.findings = find }
}

// Discover finds the installations of OpenClaw on a machine and reads what
// matters of each: running gateways, containers, homes with a state
// directory, systemd units, and the package itself. It only reads. The fact is
// absent when there is certainly no OpenClaw, unknown when none was found but
// something that could have shown one was not readable; what was not readable
// of an installation stands in its Unreadable.
func Discover(ctx context.Context, h host.Host, f *host.Facts, opts ...Option) host.Fact[[]Install] {
	d := &discovery{ctx: ctx, h: h, f: f, getenv: func(string) string { return "" }}
	for _, o := range opts {
		o(d)
	}
	d.fromContainers()
	d.fromProcesses()
	d.fromHomes()
	d.fromEnvironment()
	d.fromUnits()
	d.fromPackages()
	if len(d.found) == 0 {
		if len(d.blind) > 0 {
			return host.NotRead[[]Install]("no OpenClaw was found, but %s", strings.Join(d.blind, "; "))
		}
		return host.None[[]Install]("no gateway, no container, no state directory and no package of OpenClaw")
	}
	installs := make([]Install, 0, len(d.found))
	for _, c := range d.found {
		d.read(c)
		installs = append(installs, c.Install)
	}
	slices.SortFunc(installs, func(a, b Install) int {
		return cmp.Or(cmp.Compare(a.StateDir, b.StateDir), cmp.Compare(a.Container, b.Container))
	})
	return host.Is(installs)
}

// discovery is one search. What it could not look at is in blind.
type discovery struct {
	ctx      context.Context
	h        host.Host
	f        *host.Facts
	getenv   func(string) string
	secrets  func(string) []SecretAt
	findings func(file, text string) []string
	found    []*candidate
	blind    []string
}

// candidate is an installation with what is needed to read it.
type candidate struct {
	Install
	home    string
	uid     uint32
	mounts  []mount // of its container, the longest destination first
	pathsOf []string
	// unitFiles are the file of its unit and what lies over it.
	unitFiles []string
}

// mount is a directory of the host as a container sees it.
type mount struct{ source, destination string }

// at returns the candidate of a state directory, new or known.
func (d *discovery) at(stateDir string) *candidate {
	for _, c := range d.found {
		if c.StateDir == stateDir && stateDir != "" {
			return c
		}
	}
	c := &candidate{Install: Install{StateDir: stateDir}}
	d.found = append(d.found, c)
	return c
}

func (d *discovery) fromContainers() {
	if d.f.Containers.Status == host.Unknown {
		d.blind = append(d.blind, "containers could not be listed: "+d.f.Containers.Reason)
	}
	for i := range d.f.Containers.Value {
		container := &d.f.Containers.Value[i]
		if !container.OpenClaw {
			continue
		}
		var mounts []mount
		stateDir := ""
		for _, m := range container.Inspect.Mounts {
			mounts = append(mounts, mount{m.Source, path.Clean(m.Destination)})
			if path.Base(m.Destination) == stateDirName {
				stateDir = m.Source
			}
		}
		slices.SortFunc(mounts, func(a, b mount) int { return cmp.Compare(len(b.destination), len(a.destination)) })
		if stateDir == "" {
			// The whole home may be mounted.
			stateDir = outside(mounts, "/home/node/"+stateDirName)
		}
		c := d.at(stateDir)
		c.Container, c.mounts, c.home = container.Name(), mounts, "/home/node"
		if container.Inspect.Config != nil {
			c.Version = container.Inspect.Config.Labels["org.opencontainers.image.version"]
		}
		if stateDir == "" {
			c.note("the state directory of container %s is on no mount: Seawall does not look into containers", c.Container)
		}
	}
}

// outside translates a path inside a container to the host's, or returns "".
func outside(mounts []mount, inner string) string {
	inner = path.Clean(inner)
	for _, m := range mounts {
		if inner == m.destination {
			return m.source
		}
		if rest, ok := strings.CutPrefix(inner, strings.TrimSuffix(m.destination, "/")+"/"); ok {
			return path.Join(m.source, rest)
		}
	}
	return ""
}

const stateDirName = ".openclaw"

// inContainer finds container runtimes in the path of a control group.
var inContainer = lazyregexp.New(`docker|containerd|libpod|podman|kubepods|lxc`)

// IsGateway reports whether a process is OpenClaw's gateway: it names itself
// "openclaw-gateway" once it runs, which the kernel cuts to fifteen letters.
func IsGateway(p host.Process) bool {
	if strings.HasPrefix(p.Name, "openclaw-gatewa") {
		return true
	}
	if len(p.Args) > 0 && strings.HasPrefix(p.Args[0], "openclaw-gateway") {
		return true
	}
	ours := slices.ContainsFunc(p.Args, func(a string) bool {
		return strings.Contains(a, "node_modules/openclaw/") || path.Base(a) == "openclaw" || path.Base(a) == "openclaw.mjs"
	})
	return ours && slices.Contains(p.Args, "gateway")
}

func (d *discovery) fromProcesses() {
	if d.f.Processes.Status == host.Unknown {
		d.blind = append(d.blind, "processes could not be read: "+d.f.Processes.Reason)
	}
	for i := range d.f.Processes.Value {
		p := &d.f.Processes.Value[i]
		if !IsGateway(*p) || inContainer.MatchString(d.below(p.Cgroup)) {
			continue
		}
		stateDir, sure := d.stateOf(*p)
		c := d.at(stateDir)
		c.Process, c.uid, c.home = p, p.UID, d.processHome(*p)
		if config := absolute(p.Places["OPENCLAW_CONFIG_PATH"], c.home); config != "" {
			c.ConfigPath = config
		}
		c.Unit = unitOf(d.below(p.Cgroup))
		c.pathsOf = append(c.pathsOf, p.Exe, p.CWD)
		c.pathsOf = append(c.pathsOf, p.Args...)
		if !sure {
			c.note("the environment of the gateway (process %d) could not be read, so %s is a guess; it needs root", p.PID, stateDir)
		}
	}
}

// below is a control group as seen from this machine, which may be a container
// itself: without that of process 1.
func (d *discovery) below(cgroup string) string {
	for _, p := range d.f.Processes.Value {
		if p.PID == 1 {
			return strings.TrimPrefix(cgroup, strings.TrimSuffix(p.Cgroup, "/init.scope"))
		}
	}
	return cgroup
}

// stateOf finds the state directory of a running gateway by the database it
// holds open, which is what it really uses, else by its environment, profile
// and home.
func (d *discovery) stateOf(p host.Process) (dir string, sure bool) {
	open, err := d.h.ReadDir(d.ctx, fmt.Sprintf("/proc/%d/fd", p.PID))
	if err == nil {
		for _, fd := range open {
			if dir, ok := strings.CutSuffix(fd.Target, "/state/openclaw.sqlite"); ok {
				return dir, true
			}
		}
	}
	name := stateDirName
	for i, a := range p.Args {
		if profile, ok := strings.CutPrefix(a, "--profile="); ok {
			name = stateDirName + "-" + profile
		} else if a == "--profile" && i+1 < len(p.Args) {
			name = stateDirName + "-" + p.Args[i+1]
		} else if a == "--dev" {
			name = stateDirName + "-dev"
		}
	}
	home := d.processHome(p)
	if dir := absolute(p.Places["OPENCLAW_STATE_DIR"], home); dir != "" {
		return d.real(dir), true
	}
	return path.Join(home, name), p.EnvStatus == host.Known
}

// processHome is the home a process was started with, else its account's; a
// user without an account is at home in /.
func (d *discovery) processHome(p host.Process) string {
	for _, name := range []string{"OPENCLAW_HOME", "HOME"} {
		if home := absolute(p.Places[name], d.homeOf(p.UID)); home != "" {
			return home
		}
	}
	return cmp.Or(d.homeOf(p.UID), "/")
}

func (d *discovery) homeOf(uid uint32) string {
	for _, u := range d.f.Users.Value {
		if u.UID == uid {
			return u.Home
		}
	}
	if uid == 0 {
		return "/root"
	}
	return ""
}

// unitOf reads a systemd unit out of a control group:
// /system.slice/x.service, or …/user@1000.service/app.slice/x.service.
func unitOf(cgroup string) string {
	var units []string
	for _, part := range strings.Split(cgroup, "/") {
		if strings.HasSuffix(part, ".service") {
			units = append(units, part)
		}
	}
	return strings.Join(units, "/")
}

func (d *discovery) fromHomes() {
	if d.f.Users.Status == host.Unknown {
		d.blind = append(d.blind, "users could not be read: "+d.f.Users.Reason)
	}
	seen := map[string]bool{}
	for _, u := range d.f.Users.Value {
		if u.Home == "" || u.Home == "/" || seen[u.Home] {
			continue
		}
		seen[u.Home] = true
		entries, err := d.h.ReadDir(d.ctx, u.Home)
		if errors.Is(err, host.ErrAbsent) {
			continue
		}
		if err != nil {
			d.homeUnread(u, err)
			continue
		}
		for _, e := range entries {
			if d.isStateDir(e) {
				c := d.at(d.real(e.Path))
				c.home, c.uid = cmp.Or(c.home, u.Home), u.UID
			}
		}
	}
}

// real follows the links of a path, so that one directory is one installation.
func (d *discovery) real(p string) string {
	if real, err := realPath(d.ctx, d.h, p); err == nil {
		return real
	}
	return p
}

// homeUnread looks for the usual directory in a home that cannot be listed:
// one may be allowed to pass and not to list.
func (d *discovery) homeUnread(u host.User, err error) {
	dir := path.Join(u.Home, stateDirName)
	_, statErr := d.h.Stat(d.ctx, dir)
	switch {
	case statErr == nil:
		c := d.at(d.real(dir))
		c.home, c.uid = u.Home, u.UID
	case !errors.Is(statErr, host.ErrAbsent):
		d.blind = append(d.blind, fmt.Sprintf("%s was not readable (%v)", u.Home, err))
	}
}

// isStateDir accepts .openclaw, the state of a profile (.openclaw-NAME) and
// the directory of OpenClaw's first name; the latter two only when they have
// a config.
func (d *discovery) isStateDir(e host.FileInfo) bool {
	name := path.Base(e.Path)
	if !e.Mode.IsDir() && e.Target == "" {
		return false
	}
	if name == stateDirName {
		return true
	}
	if !strings.HasPrefix(name, stateDirName+"-") && name != ".clawdbot" {
		return false
	}
	return d.configIn(e.Path) != ""
}

// configIn returns the config of a state directory, or "".
func (d *discovery) configIn(dir string) string {
	for _, name := range []string{"openclaw.json", "clawdbot.json"} {
		if _, err := d.h.Stat(d.ctx, path.Join(dir, name)); err == nil {
			return path.Join(dir, name)
		}
	}
	return ""
}

func (d *discovery) fromEnvironment() {
	config, dir := d.expand(d.getenv("OPENCLAW_CONFIG_PATH")), d.expand(d.getenv("OPENCLAW_STATE_DIR"))
	if config == "" && dir == "" {
		return
	}
	if dir == "" {
		dir = path.Join(cmp.Or(d.getenv("HOME"), d.homeOf(d.f.Self.UID)), stateDirName)
	}
	if config == "" {
		config = d.configIn(dir)
	}
	_, dirErr := d.h.Stat(d.ctx, dir)
	_, configErr := d.h.Stat(d.ctx, config)
	if dirErr != nil && (config == "" || configErr != nil) {
		return
	}
	c := d.at(d.real(dir))
	if c.Process == nil { // a running one knows its own
		c.ConfigPath = config
		c.uid = d.f.Self.UID
	}
	c.home = cmp.Or(c.home, d.getenv("HOME"), d.homeOf(d.f.Self.UID))
}

func (d *discovery) expand(p string) string {
	return absolute(p, cmp.Or(d.getenv("HOME"), d.homeOf(d.f.Self.UID)))
}

// absolute is a path with ~ for a home, or "" when it is relative.
func absolute(p, home string) string {
	p = strings.TrimSpace(p)
	if rest, ok := strings.CutPrefix(p, "~/"); ok {
		p = path.Join(home, rest)
	}
	if !path.IsAbs(p) {
		return ""
	}
	return path.Clean(p)
}

// fromUnits attaches systemd units that start OpenClaw to the installations
// of their users, running or not.
func (d *discovery) fromUnits() {
	for _, u := range d.f.Units.Value {
		if !strings.Contains(u.Exec, "openclaw") && !strings.HasPrefix(u.Name, "openclaw") {
			continue
		}
		if !strings.HasSuffix(u.Name, ".service") {
			continue
		}
		for _, c := range d.found {
			if c.Unit == "" && c.Container == "" && c.home != "" && c.home == d.homeNamed(cmp.Or(u.User, "root")) {
				c.Unit = u.Name
				c.pathsOf = append(c.pathsOf, strings.Fields(u.Exec)...)
			}
		}
	}
	for _, c := range d.found {
		if c.Unit != "" || c.Container != "" || c.home == "" {
			continue
		}
		name := "openclaw-gateway.service"
		if profile, ok := strings.CutPrefix(path.Base(c.StateDir), stateDirName+"-"); ok {
			name = "openclaw-gateway-" + profile + ".service"
		}
		if _, err := d.h.Stat(d.ctx, path.Join(c.home, ".config/systemd/user", name)); err == nil {
			c.Unit = fmt.Sprintf("user@%d.service/%s", c.uid, name)
		}
	}
}

// unitFiles are the file of an installation's unit and those that lie over it,
// for what they say of its environment.
func (d *discovery) unitFiles(c *candidate) []string {
	if c.Unit == "" || c.Container != "" {
		return nil
	}
	var places []string
	name := path.Base(c.Unit)
	if strings.Contains(c.Unit, "/") {
		places = append(places, path.Join(c.home, ".config/systemd/user", name))
	}
	for _, u := range d.f.Units.Value {
		if u.Name == name && u.Fragment != "" && !strings.Contains(c.Unit, "/") {
			places = append(places, u.Fragment)
		}
	}
	places = append(places, path.Join("/etc/systemd/system", name))
	var files []string
	for _, file := range uniq(places) {
		if info, err := d.h.Stat(d.ctx, file); err == nil && info.Mode.IsRegular() {
			files = append(files, file)
		}
		over, err := d.h.ReadDir(d.ctx, file+".d")
		if err != nil {
			continue
		}
		for _, f := range over {
			if strings.HasSuffix(f.Path, ".conf") {
				files = append(files, f.Path)
			}
		}
	}
	return files
}

func (d *discovery) homeNamed(user string) string {
	for _, u := range d.f.Users.Value {
		if u.Name == user {
			return u.Home
		}
	}
	return ""
}

// globalPackages are where npm, pnpm and the container image put the package.
var globalPackages = []string{
	"/usr/lib/node_modules/openclaw",
	"/usr/local/lib/node_modules/openclaw",
	"/opt/openclaw/node_modules/openclaw",
}

var homePackages = []string{
	".npm-global/lib/node_modules/openclaw",
	".local/lib/node_modules/openclaw",
	".openclaw/lib/node_modules/openclaw",
	"node_modules/openclaw",
}

// fromPackages finds the package of each installation, and one that was
// installed and never run.
func (d *discovery) fromPackages() {
	for _, c := range d.found {
		if c.Container != "" {
			continue
		}
		for _, dir := range d.packagePlaces(c) {
			if version := d.packageVersion(dir); version != "" {
				c.PackageDir, c.Version = dir, version
				break
			}
		}
	}
	if len(d.found) > 0 {
		return
	}
	for _, dir := range d.packagePlaces(&candidate{}) {
		if version := d.packageVersion(dir); version != "" {
			c := d.at("")
			c.PackageDir, c.Version = dir, version
			c.Unreadable = d.blind // where its state may be
			return
		}
	}
}

// packagePlaces lists where an installation's package may be, the surest
// first: what the process runs from, the command, the usual prefixes.
func (d *discovery) packagePlaces(c *candidate) []string {
	var places []string
	for _, p := range c.pathsOf {
		if i := strings.Index(p, "/node_modules/openclaw/"); i >= 0 {
			places = append(places, p[:i]+"/node_modules/openclaw")
		}
	}
	for _, p := range c.pathsOf {
		if !path.IsAbs(p) {
			continue
		}
		for dir := path.Dir(p); dir != "/"; dir = path.Dir(dir) {
			places = append(places, path.Join(dir, "node_modules/openclaw"), path.Join(dir, "lib/node_modules/openclaw"))
		}
	}
	commands := []string{"/usr/bin/openclaw", "/usr/local/bin/openclaw"}
	if path.IsAbs(c.home) {
		commands = append(commands, path.Join(c.home, ".npm-global/bin/openclaw"), path.Join(c.home, ".local/bin/openclaw"))
	}
	for _, command := range commands {
		if info, err := d.h.Stat(d.ctx, command); err == nil && info.Target != "" {
			if real, err := realPath(d.ctx, d.h, command); err == nil {
				places = append(places, path.Dir(real))
			}
		}
	}
	places = append(places, globalPackages...)
	if c.home != "" {
		for _, p := range homePackages {
			places = append(places, path.Join(c.home, p))
		}
		nodes := path.Join(c.home, ".nvm/versions/node")
		if versions, err := d.h.ReadDir(d.ctx, nodes); err == nil {
			for _, v := range slices.Backward(versions) {
				places = append(places, path.Join(v.Path, "lib/node_modules/openclaw"))
			}
		}
	}
	return uniq(places)
}

// packageVersion reads the version of an openclaw package, or "". The first
// package of that name on npm, 0.0.1, is an empty placeholder.
func (d *discovery) packageVersion(dir string) string {
	text, err := d.h.ReadFile(d.ctx, path.Join(dir, "package.json"))
	if err != nil {
		return ""
	}
	var p struct{ Name, Version string }
	if json.Unmarshal(text, &p) != nil || p.Name != "openclaw" {
		return ""
	}
	return p.Version
}

func (c *candidate) note(format string, args ...any) {
	c.Unreadable = append(c.Unreadable, fmt.Sprintf(format, args...))
}

// read fills in what an installation consists of.
func (d *discovery) read(c *candidate) {
	if c.StateDir == "" {
		return
	}
	switch info, err := d.h.Stat(d.ctx, c.StateDir); {
	case err == nil:
		c.State = info
		c.Owner = d.userName(info.UID)
	case errors.Is(err, host.ErrAbsent): // set up by its config alone, or not yet
		c.Owner = d.accountOf(c)
	default:
		c.Owner = d.accountOf(c)
		c.note("%s: %v", c.StateDir, err)
		return
	}
	d.readConfig(c)
	c.Workspaces = d.workspaces(c)
	d.readFiles(c)
	c.unitFiles = d.unitFiles(c)
	c.EnvironmentFiles = c.environmentFiles()
	c.Credentials, c.ModelsFiles = d.credentials(c), d.modelsFiles(c)
	c.Skills = d.skills(c)
	c.Wishes, c.Paired = d.wishes(c), d.paired(c)
}

// accountOf names whom an installation belongs to where no state directory
// says so: the account of its process or home.
func (d *discovery) accountOf(c *candidate) string {
	if c.Container != "" {
		return ""
	}
	return d.userName(c.uid)
}

func (d *discovery) userName(uid uint32) string {
	for _, u := range d.f.Users.Value {
		if u.UID == uid {
			return u.Name
		}
	}
	return fmt.Sprint(uid)
}

func (d *discovery) readConfig(c *candidate) {
	if c.ConfigPath == "" {
		c.ConfigPath = cmp.Or(d.configIn(c.StateDir), path.Join(c.StateDir, "openclaw.json"))
	}
	info, err := d.h.Stat(d.ctx, c.ConfigPath)
	if err != nil {
		c.ConfigError = fmt.Sprintf("%s: %v", c.ConfigPath, err)
		if !errors.Is(err, host.ErrAbsent) {
			c.note("%s", c.ConfigError)
		}
		return
	}
	c.ConfigInfo = info
	roots := d.getenv("OPENCLAW_INCLUDE_ROOTS")
	if c.Process != nil {
		roots += ":" + c.Process.Places["OPENCLAW_INCLUDE_ROOTS"]
	}
	c.IncludeRoots = strings.FieldsFunc(roots, func(r rune) bool { return r == ':' })
	if c.Config, err = LoadConfig(d.ctx, d.h, c.ConfigPath, c.IncludeRoots...); err != nil {
		c.ConfigError = err.Error()
		c.note("%s", c.ConfigError)
	}
}

// workspaces lists the directories of all agents on the host
// (resolveAgentWorkspaceDir in src/agents/agent-scope-config.ts).
func (d *discovery) workspaces(c *candidate) []string {
	fallback, hasFallback := c.Config.String("agents.defaults.workspace")
	main := path.Join(c.StateDir, "workspace")
	if hasFallback {
		main = d.hostPath(c, fallback)
	}
	list := []string{main}
	for _, id := range c.Config.Keys("agents.entries") {
		own, ok := stringAt(c.Config, "agents", "entries", id, "workspace")
		switch {
		case ok:
			list = append(list, d.hostPath(c, own))
		case id == "main":
		case hasFallback:
			list = append(list, path.Join(main, id))
		default:
			list = append(list, path.Join(c.StateDir, "workspace-"+id))
		}
	}
	list = slices.DeleteFunc(uniq(list), func(dir string) bool {
		if dir == "" {
			return true
		}
		_, err := d.h.Stat(d.ctx, dir)
		if err != nil && !errors.Is(err, host.ErrAbsent) {
			c.note("workspace %s: %v", dir, err)
		}
		return err != nil
	})
	return list
}

func stringAt(c *Config, p ...string) (string, bool) {
	n := c.find(p)
	if n == nil {
		return "", false
	}
	s, ok := n.scalar.(string)
	return s, ok
}

// hostPath expands ~ and leaves the container. A path inside a container that
// is on no mount is "".
func (d *discovery) hostPath(c *candidate, p string) string {
	p = strings.TrimSpace(p)
	if p == "~" || strings.HasPrefix(p, "~/") {
		p = path.Join(c.home, strings.TrimPrefix(p, "~"))
	}
	if !path.IsAbs(p) {
		return ""
	}
	if c.Container == "" {
		return path.Clean(p)
	}
	out := outside(c.mounts, p)
	if out == "" {
		c.note("%s of container %s is on no mount", p, c.Container)
	}
	return out
}

func uniq(list []string) []string {
	seen := map[string]bool{}
	return slices.DeleteFunc(list, func(s string) bool {
		known := seen[s]
		seen[s] = true
		return known
	})
}

// sortedKeys returns a map's keys in order.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
