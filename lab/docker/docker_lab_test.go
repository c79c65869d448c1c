//go:build lab

package docker_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/openseawall/seawall/lab/docker"
	"github.com/openseawall/seawall/lab/inside"
	"github.com/openseawall/seawall/lab/netns"
)

// TestEngine publishes a container's port and asks the engine about it from
// inside, where it is the machine's Docker.
func TestEngine(t *testing.T) {
	if inside.Inner() {
		ask(t)
		return
	}
	space := netns.New(t)
	e := docker.Start(t, space)
	if out, err := e.Docker(t.Context(), "run", "-d", "--name", "web", "-p", "8080:80", docker.Image,
		"sh", "-c", "mkdir /www; echo hello >/www/index.html; httpd -f -p 80 -h /www"); err != nil {
		t.Fatal(out, err)
	}
	inside.Run(t, space, e.Over())
}

func ask(t *testing.T) {
	web := http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", "/run/docker.sock")
	}}}
	if got := get(t, &web, "http://docker/containers/json"); !strings.Contains(got, `"PublicPort":8080`) {
		t.Errorf("the engine says %s", got)
	}
	if got := get(t, http.DefaultClient, "http://127.0.0.1:8080/"); got != "hello\n" {
		t.Errorf("the container says %q", got)
	}
}

func get(t *testing.T, web *http.Client, url string) string {
	t.Helper()
	resp, err := web.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}
