package host

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/compose-spec/compose-go/v2/interpolation"
	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/template"
	"github.com/compose-spec/compose-go/v2/types"
	"go.yaml.in/yaml/v3"
)

// composeLimit bounds how many compose files, and how many folders, are looked at.
const (
	composeLimit = 100
	folderLimit  = 400
)

var composeName = regexp.MustCompile(`^(docker-)?compose([.-][\w.-]+)?\.ya?ml$`)

// readCompose reads the files that running containers name, and those in the
// places where people keep them.
func (r *reader) readCompose() Fact[[]ComposeFile] {
	var failures []error
	paths := composeLabels(r.containers().Value)
	for _, dir := range r.composeFolders(&failures) {
		entries, err := r.h.ReadDir(r.ctx, dir)
		if err != nil {
			if !errors.Is(err, ErrAbsent) {
				failures = append(failures, err)
			}
			continue
		}
		for _, e := range entries {
			if e.Mode.IsRegular() && composeName.MatchString(path.Base(e.Path)) {
				paths = append(paths, e.Path)
			}
		}
	}
	slices.Sort(paths)
	paths = slices.Compact(paths)
	if len(paths) > composeLimit {
		failures = append(failures, fmt.Errorf("there are %d compose files, of which %d were read", len(paths), composeLimit))
		paths = paths[:composeLimit]
	}
	list := []ComposeFile{}
	for _, p := range paths {
		c, err := r.composeFile(p)
		switch {
		case errors.Is(err, ErrAbsent): // a container outlived its file
		case err != nil:
			failures = append(failures, err)
		default:
			list = append(list, c)
		}
	}
	return partial(list, failures)
}

// composeFolders lists /opt, /srv, the homes, and the folders in each.
func (r *reader) composeFolders(failures *[]error) []string {
	var dirs []string
	for _, base := range append([]string{"/opt", "/srv"}, r.homes()...) {
		dirs = append(dirs, base)
		entries, err := r.h.ReadDir(r.ctx, base)
		if err != nil {
			if !errors.Is(err, ErrAbsent) {
				*failures = append(*failures, err)
			}
			continue
		}
		for _, e := range entries {
			name := path.Base(e.Path)
			if e.Mode.IsDir() && name != "node_modules" && (!strings.HasPrefix(name, ".") || name == ".openclaw") {
				dirs = append(dirs, e.Path)
			}
		}
	}
	slices.Sort(dirs)
	dirs = slices.Compact(dirs)
	if len(dirs) > folderLimit {
		*failures = append(*failures, fmt.Errorf("there are %d folders that could hold compose files, of which %d were looked at", len(dirs), folderLimit))
		dirs = dirs[:folderLimit]
	}
	return dirs
}

func (r *reader) composeFile(name string) (ComposeFile, error) {
	b, err := r.h.ReadFile(r.ctx, name)
	if err != nil {
		return ComposeFile{}, err
	}
	c := ComposeFile{Path: name, Text: string(b), GitRemote: r.gitRemote(path.Dir(name))}
	c.Info, _ = r.h.Stat(r.ctx, name)
	env := map[string]string{}
	if values, err := r.h.ReadFile(r.ctx, path.Join(path.Dir(name), ".env")); err == nil {
		env = parseDotenv(values)
	}
	project, err := loadCompose(r.ctx, name, b, env)
	if err != nil {
		c.Error = composeReason(err)
		return c, nil
	}
	literals := composeLiterals(b)
	for _, s := range project.Services {
		c.Services = append(c.Services, r.composeService(s, literals[s.Name]))
	}
	slices.SortFunc(c.Services, func(a, b ComposeService) int { return strings.Compare(a.Name, b.Name) })
	return c, nil
}

func parseDotenv(b []byte) map[string]string {
	env, err := dotenv.UnmarshalBytesWithLookup(b, nil)
	if err != nil {
		return map[string]string{}
	}
	for name, value := range env {
		if value == MaskedSecret || value == MaskedValue {
			delete(env, name)
		}
	}
	return env
}

// composeReason is an error of the loader in one line, without long words of
// the file, which may be secrets.
func composeReason(err error) string {
	return firstLine(longWord.ReplaceAll([]byte(err.Error()), []byte("…")))
}

var longWord = regexp.MustCompile(`[A-Za-z0-9_+/=-]{24,}`)

// loadCompose reads a file as docker compose would on this machine, and
// nothing but that file: no include, no extends, no env_file, no network. A
// variable that nothing sets stays as it is written; where its place takes no
// text, as in a port, it is empty, as for docker compose.
func loadCompose(ctx context.Context, name string, content []byte, env map[string]string) (*types.Project, error) {
	project, err := loadComposeWith(ctx, name, content, env, func(unset string) string { return "${" + unset + "}" })
	if err != nil {
		if empty, errEmpty := loadComposeWith(ctx, name, content, env, func(string) string { return "" }); errEmpty == nil {
			return empty, nil
		}
	}
	return project, err
}

// substitution puts env into a text. An unset variable takes the default or
// the alternative that the text gives it (${NAME:-x}, ${NAME+x}), or else what
// unset returns. One that must be set (${NAME:?why}) stays as it is.
func substitution(unset func(name string) string) func(string, template.Mapping) (string, error) {
	return func(s string, env template.Mapping) (string, error) {
		return template.SubstituteWithOptions(s, func(name string) (string, bool) {
			if v, ok := env(name); ok {
				return v, true
			}
			for _, operator := range []string{":-", "-", ":+", "+"} {
				if strings.Contains(s, "${"+name+operator) {
					return "", false
				}
			}
			if strings.Contains(s, "${"+name+":?") || strings.Contains(s, "${"+name+"?") {
				return "${" + name + "}", true
			}
			return unset(name), true
		}, template.WithoutLogging)
	}
}

func loadComposeWith(ctx context.Context, name string, content []byte, env map[string]string, unset func(name string) string) (project *types.Project, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("its structure is not one that compose can read")
		}
	}()
	if !utf8.Valid(content) {
		return nil, errors.New("it is not text")
	}
	dir := path.Dir(name)
	details := types.ConfigDetails{
		WorkingDir:  dir,
		ConfigFiles: []types.ConfigFile{{Filename: name, Content: content}},
		Environment: env,
	}
	return loader.LoadWithContext(ctx, details, func(o *loader.Options) {
		o.SkipInclude = true
		o.SkipExtends = true
		o.SkipNormalization = true
		o.SkipConsistencyCheck = true
		o.SkipResolveEnvironment = true
		o.SkipResolveLabels = true
		o.ResolvePaths = true
		o.Profiles = []string{"*"}
		o.Interpolate = &interpolation.Options{
			LookupValue:     func(key string) (string, bool) { v, ok := env[key]; return v, ok },
			Substitute:      substitution(unset),
			TypeCastMapping: o.Interpolate.TypeCastMapping,
		}
		o.SetProjectName(projectName(dir), true)
	})
}

func projectName(dir string) string {
	if name := loader.NormalizeProjectName(path.Base(dir)); name != "" {
		return name
	}
	return "compose"
}

func (r *reader) composeService(s types.ServiceConfig, literals map[string]string) ComposeService {
	c := ComposeService{
		Name: s.Name, Image: s.Image, User: s.User, Privileged: s.Privileged, ReadOnly: s.ReadOnly,
		CapDrop: s.CapDrop, CapAdd: s.CapAdd, SecurityOpt: s.SecurityOpt, Restart: s.Restart,
		NetworkMode: s.NetworkMode, MemoryLimit: int64(s.MemLimit), PidsLimit: s.PidsLimit,
	}
	if s.CPUS > 0 {
		c.CPULimit = fmt.Sprint(s.CPUS)
	}
	if s.Deploy != nil && s.Deploy.Resources.Limits != nil {
		limits := s.Deploy.Resources.Limits
		if limits.MemoryBytes > 0 {
			c.MemoryLimit = int64(limits.MemoryBytes)
		}
		if limits.NanoCPUs > 0 {
			c.CPULimit = fmt.Sprint(limits.NanoCPUs)
		}
		if limits.Pids > 0 {
			c.PidsLimit = limits.Pids
		}
	}
	for _, v := range s.Volumes {
		c.Mounts = append(c.Mounts, ComposeMount{Type: v.Type, Source: v.Source, Target: v.Target, ReadOnly: v.ReadOnly})
	}
	for _, p := range s.Ports {
		c.Ports = append(c.Ports, ComposePort{HostIP: p.HostIP, Published: p.Published, Target: p.Target, Proto: p.Protocol})
	}
	for _, e := range s.EnvFiles {
		info, err := r.h.Stat(r.ctx, e.Path)
		if err != nil {
			info = FileInfo{Path: e.Path}
		}
		c.EnvFiles = append(c.EnvFiles, info)
	}
	if s.HealthCheck != nil && !s.HealthCheck.Disable {
		c.HealthTest = s.HealthCheck.Test
	}
	for name, value := range literals {
		if judged(r.secret, name, value) {
			c.SecretEnv = append(c.SecretEnv, name)
		}
	}
	slices.Sort(c.SecretEnv)
	command := append(slices.Clone([]string(s.Command)), s.Entrypoint...)
	c.OpenClaw = saysOpenClaw(append(command, s.Image)...)
	return c
}

// composeLiterals returns the variables of each service whose value is
// written in the file itself rather than taken from elsewhere.
func composeLiterals(content []byte) map[string]map[string]string {
	var file struct {
		Services map[string]struct {
			Environment any `yaml:"environment"`
		} `yaml:"services"`
	}
	if yaml.Unmarshal(content, &file) != nil {
		return nil
	}
	literals := map[string]map[string]string{}
	for service, s := range file.Services {
		values := map[string]string{}
		literals[service] = values
		switch env := s.Environment.(type) {
		case map[string]any:
			for name, v := range env {
				if v != nil {
					values[name] = fmt.Sprint(v)
				}
			}
		case []any:
			for _, e := range env {
				name, value, _ := strings.Cut(fmt.Sprint(e), "=")
				values[name] = value
			}
		}
		for name, value := range values {
			if takenFromElsewhere.MatchString(value) {
				delete(values, name)
			}
		}
	}
	return literals
}

// takenFromElsewhere matches a value that is a variable without a literal
// default: ${KEY}, $KEY, ${KEY:?missing}.
var takenFromElsewhere = regexp.MustCompile(`^\s*(\$\{\w+(:?[?+][^}]*|:?-)?\}|\$\w+)\s*$`)

// gitRemote finds the repository that a folder is in, and the URL it is
// pushed to, without what a URL may hold of a password.
func (r *reader) gitRemote(dir string) string {
	for range 6 {
		b, err := r.h.ReadFile(r.ctx, path.Join(dir, ".git", "config"))
		if err == nil {
			return parseGitRemote(b)
		}
		if dir == "/" {
			break
		}
		dir = path.Dir(dir)
	}
	return ""
}

// parseGitRemote reads the URL of origin, or of the first remote
// (git-config(1)).
func parseGitRemote(b []byte) string {
	var first, section string
	for _, line := range lines(b) {
		if strings.HasPrefix(line, "[") {
			section = line
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if !ok || strings.TrimSpace(key) != "url" || !strings.HasPrefix(section, `[remote "`) {
			continue
		}
		remote := withoutPassword(strings.TrimSpace(value))
		if section == `[remote "origin"]` {
			return remote
		}
		if first == "" {
			first = remote
		}
	}
	return first
}

func withoutPassword(remote string) string {
	u, err := url.Parse(remote)
	if err != nil || u.Host == "" {
		return remote // git@host:path names no password
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return u.String()
}
