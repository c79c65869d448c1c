package host

import (
	"bytes"
	stdjson "encoding/json"
	"errors"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/system"
	"golang.org/x/sync/errgroup"
)

const daemonConfig = "/etc/docker/daemon.json"

func (r *reader) readDocker() Fact[Docker] {
	var d Docker
	unread := r.daemonConfig(&d)
	version, err := r.h.Docker(r.ctx, "/version")
	if err != nil {
		return r.noEngine(d, err)
	}
	info, err := r.h.Docker(r.ctx, "/info")
	if err != nil {
		return r.noEngine(d, err)
	}
	var v system.VersionResponse
	if err := stdjson.Unmarshal(version, &v); err != nil {
		return NotRead[Docker]("what Docker says of its version is not understood: %s", err)
	}
	if err := stdjson.Unmarshal(info, &d.Info); err != nil {
		return NotRead[Docker]("what Docker says of itself is not understood: %s", err)
	}
	d.Version, d.APIVersion = v.Version, v.APIVersion
	d.Socket, _ = r.h.Stat(r.ctx, r.engineSocket())
	d.Rootless = slices.ContainsFunc(d.Info.SecurityOptions, func(o string) bool { return strings.Contains(o, "name=rootless") })
	d.TCP = r.daemonTCP(d.Config)
	if unread != nil {
		f := NotRead[Docker]("%s", unread)
		f.Value = d
		return f
	}
	return Is(d)
}

// engineSocket is the path that the host asks Docker through.
func (r *reader) engineSocket() string {
	if path := ask[[]string](r, askEngine).Value; len(path) == 1 {
		return path[0]
	}
	return defaultDockerSocket
}

// noEngine tells a machine without Docker from one whose daemon does not
// answer. The configuration is kept: the next start will read it.
func (r *reader) noEngine(d Docker, err error) Fact[Docker] {
	f := fromError[Docker](err, "Docker is not installed")
	f.Value = d
	if f.Status == Absent && r.dockerInstalled() {
		f.Reason = "Docker is installed and does not run"
	}
	return f
}

func (r *reader) dockerInstalled() bool {
	for _, name := range []string{"docker.io", "docker-ce", "moby-engine"} {
		if yes, _ := r.installed(name); yes {
			return true
		}
	}
	return false
}

// daemonConfig reads daemon.json. dockerd refuses to start with one that is
// not a JSON object. An error means that nobody knows what is in it.
func (r *reader) daemonConfig(d *Docker) error {
	b, err := r.h.ReadFile(r.ctx, daemonConfig)
	if errors.Is(err, ErrAbsent) {
		return nil
	}
	if err != nil {
		return err
	}
	d.Config = map[string]any{}
	if len(bytes.TrimSpace(b)) == 0 {
		return nil
	}
	if err := stdjson.Unmarshal(b, &d.Config); err != nil {
		d.Config, d.ConfigError = nil, "it is not a JSON object: "+err.Error()
	}
	return nil
}

// daemonTCP lists the tcp:// addresses of the configuration and of the
// daemon's own arguments.
func (r *reader) daemonTCP(config map[string]any) []string {
	var list []string
	add := func(host string) {
		if u, err := url.Parse(host); err == nil && u.Scheme == "tcp" && !slices.Contains(list, host) {
			list = append(list, host)
		}
	}
	if hosts, ok := config["hosts"].([]any); ok {
		for _, h := range hosts {
			if s, ok := h.(string); ok {
				add(s)
			}
		}
	}
	for _, p := range r.processes().Value {
		if p.Name != "dockerd" && !strings.HasSuffix(p.Exe, "/dockerd") || r.contained(p) {
			continue
		}
		for i, a := range p.Args {
			if (a == "-H" || a == "--host") && i+1 < len(p.Args) {
				add(p.Args[i+1])
			}
			for _, flag := range []string{"--host=", "-H="} {
				if host, ok := strings.CutPrefix(a, flag); ok {
					add(host)
				}
			}
			if host, ok := strings.CutPrefix(a, "-H"); ok {
				add(host)
			}
		}
	}
	return list
}

// containerLimit bounds the containers that are inspected.
const containerLimit = 1000

func (r *reader) readContainers() Fact[[]Container] {
	listed, err := r.h.Docker(r.ctx, "/containers/json?all=1")
	if err != nil {
		f := fromError[[]Container](err, "Docker is not installed")
		if f.Status == Absent && r.dockerInstalled() {
			f.Reason = "Docker is installed and does not run"
		}
		return f
	}
	var summaries []struct{ ID string }
	if err := stdjson.Unmarshal(listed, &summaries); err != nil {
		return NotRead[[]Container]("Docker's list of containers is not understood: %s", err)
	}
	if len(summaries) > containerLimit {
		return NotRead[[]Container]("there are %d containers, more than the %d that are looked at", len(summaries), containerLimit)
	}
	found := make([]*Container, len(summaries))
	failures := make([]error, len(summaries))
	var g errgroup.Group
	g.SetLimit(8)
	for i, s := range summaries {
		g.Go(func() error {
			c, err := r.inspect(s.ID)
			switch {
			case errors.Is(err, ErrAbsent): // it went away meanwhile
			case err != nil:
				failures[i] = err
			default:
				found[i] = &c
			}
			return nil
		})
	}
	_ = g.Wait()
	list := []Container{}
	for _, c := range found {
		if c != nil {
			list = append(list, *c)
		}
	}
	return partial(list, slices.DeleteFunc(failures, func(err error) bool { return err == nil }))
}

func (r *reader) inspect(id string) (Container, error) {
	b, err := r.h.Docker(r.ctx, "/containers/"+url.PathEscape(id)+"/json")
	if err != nil {
		return Container{}, err
	}
	var c Container
	if err := stdjson.Unmarshal(b, &c.Inspect); err != nil {
		return Container{}, errors.New("what Docker says of container " + id + " is not understood: " + err.Error())
	}
	if c.Inspect.Config == nil {
		c.Inspect.Config = &container.Config{}
	}
	if c.Inspect.HostConfig == nil {
		c.Inspect.HostConfig = &container.HostConfig{}
	}
	c.Env, c.SecretEnv = splitEnv(c.Inspect.Config.Env, r.secret)
	c.Inspect.Config.Env = nil
	c.OpenClaw = runsOpenClaw(c.Inspect)
	return c, nil
}

// runsOpenClaw goes by image, command and labels. The name of a container is
// not evidence: whoever calls one "openclaw-db" means a database.
func runsOpenClaw(i container.InspectResponse) bool {
	words := []string{i.Config.Image, i.Path, strings.Join(i.Args, " "), i.Config.Labels["org.opencontainers.image.title"], i.Config.Labels["org.opencontainers.image.source"]}
	return saysOpenClaw(words...)
}

func saysOpenClaw(words ...string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(strings.ToLower(w), "openclaw") })
}

// composeLabels returns the compose files that containers were started from.
func composeLabels(containers []Container) []string {
	var files []string
	for _, c := range containers {
		for file := range strings.SplitSeq(c.Inspect.Config.Labels["com.docker.compose.project.config_files"], ",") {
			if file = strings.TrimSpace(file); filepath.IsAbs(file) {
				files = append(files, filepath.Clean(file))
			}
		}
	}
	return files
}
