package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	json "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

const (
	defaultDockerSocket = "/var/run/docker.sock"
	engineLimit         = 2 * time.Second
)

// dockerSocket is the socket of the Engine: a unix:// DOCKER_HOST, the
// default, or where there is none the reader's own rootless Docker. A
// DOCKER_HOST on another machine is not this machine's Docker.
func dockerSocket(dockerHost, runtimeDir string) string {
	if path, ok := strings.CutPrefix(dockerHost, "unix://"); ok && path != "" {
		return path
	}
	if _, err := os.Lstat(defaultDockerSocket); err != nil && runtimeDir != "" {
		rootless := filepath.Join(runtimeDir, "docker.sock")
		if _, err := os.Lstat(rootless); err == nil {
			return rootless
		}
	}
	return defaultDockerSocket
}

func engineClient(socket string) *http.Client {
	return &http.Client{
		Timeout: commandLimit,
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				d := net.Dialer{Timeout: engineLimit}
				return d.DialContext(ctx, "unix", socket)
			},
			ResponseHeaderTimeout: engineLimit,
			MaxIdleConnsPerHost:   8,
			IdleConnTimeout:       10 * time.Second,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Docker asks with unversioned paths, which every Engine answers in its own
// newest version. Values of environments are masked in what it returns: see
// [MaskedSecret].
func (l *live) Docker(ctx context.Context, path string) ([]byte, error) {
	if err := l.asleep(); err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://docker"+path, nil)
	if err != nil {
		return nil, fmt.Errorf("asking Docker for %s: %w", path, err)
	}
	resp, err := l.engine.Do(req)
	if err != nil {
		return nil, l.explainEngine(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, outputLimit+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("asking Docker for %s: the answer broke off: %w", path, err)
	case len(body) > outputLimit:
		return nil, fmt.Errorf("asking Docker for %s: the answer is larger than %d MiB", path, outputLimit>>20)
	case resp.StatusCode == http.StatusNotFound:
		return nil, fmt.Errorf("asking Docker for %s: %w", path, ErrAbsent)
	case resp.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("asking Docker for %s: %s: %s", path, resp.Status, engineMessage(body))
	}
	masked, err := maskEngine(body, l.secret)
	if err != nil {
		return nil, fmt.Errorf("asking Docker for %s: the answer is not JSON: %w", path, err)
	}
	return masked, nil
}

// checkAsleep finds a socket that systemd holds for a daemon which does not
// run: connecting to it would start Docker, and a reader starts nothing.
// Only the default socket is systemd's.
func checkAsleep(proc, systemd, socket, standard string) error {
	if socket != standard {
		return nil
	}
	if _, err := os.Lstat(systemd); err != nil {
		return nil
	}
	if info, err := os.Lstat(socket); err != nil || info.Mode()&fs.ModeSocket == 0 {
		return nil // not there, or a link to another engine's
	}
	pids, err := processIDs(proc)
	if err != nil {
		return err
	}
	for _, pid := range pids {
		comm, _ := readBounded(filepath.Join(proc, strconv.Itoa(pid), "comm"), 64)
		if strings.TrimSpace(string(comm)) == "dockerd" {
			return nil
		}
	}
	return fmt.Errorf("Docker does not run, and asking at %s could start it", socket)
}

func (l *live) explainEngine(err error) error {
	var timeout net.Error
	switch {
	case errors.Is(err, syscall.ENOENT):
		return fmt.Errorf("%s: %w", l.socket, ErrAbsent)
	case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
		if os.Geteuid() == 0 {
			return fmt.Errorf("asking Docker at %s: permission denied", l.socket)
		}
		return fmt.Errorf("asking Docker at %s: needs root or the docker group", l.socket)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("Docker does not run: nobody answers at %s", l.socket)
	case errors.As(err, &timeout) && timeout.Timeout():
		return fmt.Errorf("Docker gave no answer at %s within %s", l.socket, engineLimit)
	}
	return fmt.Errorf("asking Docker at %s: %w", l.socket, err)
}

func engineMessage(body []byte) string {
	var m struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(body, &m, jsontext.AllowDuplicateNames(true)) != nil || m.Message == "" {
		return "no reason given"
	}
	return firstLine([]byte(m.Message))
}
