//go:build lab

package docker_test

import (
	"io"
	"net/http"
	"slices"
	"testing"

	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/lab/docker"
	"github.com/openseawall/seawall/lab/inside"
	"github.com/openseawall/seawall/lab/netns"
)

// TestEngine publishes a container's port, reaches it, and reads from inside
// what Seawall knows of this engine and the rules it made.
func TestEngine(t *testing.T) {
	if inside.Inner() {
		facts(t)
		return
	}
	space := netns.New(t)
	e := docker.Start(t, space)
	if out, err := e.Docker(t.Context(), "run", "-d", "--name", "web", "-p", "8080:80", "-e", "WEB_TOKEN=not-a-secret", docker.Image,
		"sh", "-c", "mkdir /www; echo hello >/www/index.html; httpd -f -p 80 -h /www"); err != nil {
		t.Fatal(out, err)
	}
	inside.Run(t, space)
}

// facts runs where the lab's engine is the machine's.
func facts(t *testing.T) {
	resp, err := http.Get("http://127.0.0.1:8080/")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if page, _ := io.ReadAll(resp.Body); string(page) != "hello\n" {
		t.Errorf("the container says %q", page)
	}

	f := host.Read(t.Context(), host.Live())
	if !f.Docker.Ok() || f.Docker.Value.Version == "" {
		t.Errorf("the engine is not read: %+v", f.Docker)
	}
	web := slices.IndexFunc(f.Containers.Value, func(c host.Container) bool { return c.Name() == "web" })
	if web < 0 {
		t.Fatalf("the container is not in %+v", f.Containers)
	}
	if ports := f.Containers.Value[web].Inspect.NetworkSettings.Ports; len(ports) != 1 {
		t.Errorf("its ports are %v", ports)
	}
	if !slices.ContainsFunc(f.Firewall.Value.Chains, func(c host.Chain) bool { return c.Name == "DOCKER" }) {
		t.Errorf("Docker's own rules are not in %+v", f.Firewall)
	}
}
