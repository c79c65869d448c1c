// Package openclaw installs and runs a real OpenClaw for tests.
//
//	Install ──▶ Installed (npm package in the lab's cache)
//	NewHome ──▶ Home      (config, state and workspace of one OpenClaw; runs its command line)
//	Start   ──▶ Gateway   (a running one: Session, Turn)
//
// A Home is a temporary folder that a test owns; nothing of the person running
// the tests is read or written. The config turns off whatever would call home.
package openclaw

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/openseawall/seawall/lab/cache"
	"github.com/openseawall/seawall/lab/model"
	"github.com/openseawall/seawall/lab/netns"
)

// Options say what kind of OpenClaw a test wants.
type Options struct {
	// Installed is the OpenClaw that it runs; nil is the lab's.
	Installed *Installed
	// NetNS is the network it lives in; nil is this machine's own.
	NetNS *netns.Namespace
	// Providers are the models it may call. The first is the default.
	Providers []Provider
	// Config is laid over the lab's config, object by object.
	Config map[string]any
	// Env is added to its environment, "NAME=value".
	Env []string
	// UID and GID run it as somebody else than the test; 0 is root.
	UID, GID uint32
}

// Provider is one entry of models.providers. Its only model is called "lab-1".
type Provider struct {
	ID      string // "chat"
	API     model.API
	BaseURL string // see model.Server.BaseURL
	Key     string
}

// Ref is the provider's model as OpenClaw names it.
func (p Provider) Ref() string { return p.ID + "/lab-1" }

// Home is one OpenClaw's folder.
type Home struct {
	*Installed
	Dir       string // $HOME
	Config    string // path of openclaw.json
	State     string // ~/.openclaw
	Workspace string
	Log       string // what the gateway printed
	Port      int    // of the gateway
	Token     string // of the gateway

	options Options
}

// NewHome writes the config of a new OpenClaw below dir, which must be
// reachable by the options' user.
func NewHome(i *Installed, dir string, o Options) (*Home, error) {
	h := &Home{
		Installed: i,
		Dir:       dir,
		State:     filepath.Join(dir, ".openclaw"),
		Config:    filepath.Join(dir, ".openclaw", "openclaw.json"),
		Workspace: filepath.Join(dir, "workspace"),
		Log:       filepath.Join(dir, "gateway.log"),
		Token:     rand.Text(),
		options:   o,
	}
	var err error
	if h.Port, err = freePort(o.NetNS); err != nil {
		return nil, err
	}
	for _, d := range []string{h.State, h.Workspace, filepath.Join(dir, "tmp")} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return nil, err
		}
	}
	if err := h.WriteConfig(h.config()); err != nil {
		return nil, err
	}
	return h, h.own()
}

// config is the smallest config that runs without asking and sends nothing out,
// under the options' own.
func (h *Home) config() map[string]any {
	providers := map[string]any{}
	for _, p := range h.options.Providers {
		providers[p.ID] = map[string]any{
			"baseUrl": p.BaseURL, "apiKey": p.Key, "api": string(p.API),
			"models": []any{map[string]any{
				"id": "lab-1", "name": "Lab 1", "reasoning": false, "input": []string{"text"},
				"cost":          map[string]any{"input": 0, "output": 0, "cacheRead": 0, "cacheWrite": 0},
				"contextWindow": 128000, "maxTokens": 4096,
			}},
		}
	}
	defaults := map[string]any{
		"workspace":    h.Workspace,
		"utilityModel": "",                            // no title is made up by a model
		"heartbeat":    map[string]any{"every": "0m"}, // no turn that no test asked for
	}
	if len(h.options.Providers) > 0 {
		defaults["model"] = map[string]any{"primary": h.options.Providers[0].Ref()}
	}
	c := map[string]any{
		"gateway": map[string]any{
			"mode": "local", "port": h.Port, "bind": "loopback",
			"auth": map[string]any{"mode": "token", "token": h.Token},
		},
		"models": map[string]any{
			"mode": "merge", "providers": providers,
			"catalogRefresh": map[string]any{"enabled": false},
		},
		"agents":    map[string]any{"defaults": defaults},
		"tools":     map[string]any{"exec": map[string]any{"notifyOnExit": false}}, // nor one about a program that ended
		"update":    map[string]any{"checkOnStart": false},
		"telemetry": map[string]any{"enabled": false},
		"logging":   map[string]any{"file": filepath.Join(h.Dir, "openclaw.log")},
	}
	return overlay(c, h.options.Config)
}

// overlay lays b over a: objects are merged, everything else is replaced, nil
// removes.
func overlay(a, b map[string]any) map[string]any {
	out := maps.Clone(a)
	for k, v := range b {
		below, ok1 := out[k].(map[string]any)
		above, ok2 := v.(map[string]any)
		switch {
		case v == nil:
			delete(out, k)
		case ok1 && ok2:
			out[k] = overlay(below, above)
		default:
			out[k] = v
		}
	}
	return out
}

// With is this home for programs that have one more variable, "NAME=value", in
// their environment; "" adds none.
func (h *Home) With(variable string) *Home {
	other := *h
	if variable != "" {
		other.options.Env = append(slices.Clone(h.options.Env), variable)
	}
	return &other
}

// WriteConfig replaces openclaw.json.
func (h *Home) WriteConfig(c map[string]any) error {
	b, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(h.Config, append(b, '\n'), 0o600)
}

// own gives the folder to the options' user.
func (h *Home) own() error {
	if h.options.UID == 0 && h.options.GID == 0 {
		return nil
	}
	return filepath.WalkDir(h.Dir, func(path string, _ fs.DirEntry, err error) error {
		return errors.Join(err, os.Lchown(path, int(h.options.UID), int(h.options.GID)))
	})
}

// command is OpenClaw's command line in this home.
func (h *Home) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(h.bin(), "node"), append([]string{filepath.Join(h.Package(), "openclaw.mjs")}, args...)...)
	cmd.Dir = h.Dir
	cmd.Env = append([]string{
		"HOME=" + h.Dir,
		"TMPDIR=" + filepath.Join(h.Dir, "tmp"),
		"PATH=" + h.bin() + ":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"LANG=C.UTF-8",
		"SHELL=/bin/bash",
		"OPENCLAW_NO_RESPAWN=1",
		"OPENCLAW_DISABLE_BONJOUR=1",
		"OPENCLAW_NO_AUTO_UPDATE=1",
		"OPENCLAW_OFFLINE=1",
	}, h.options.Env...)
	if dir, err := cache.Shared("compiled"); err == nil { // only saves time
		cmd.Env = append(cmd.Env, "NODE_COMPILE_CACHE="+dir)
	}
	if h.options.UID != 0 || h.options.GID != 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: h.options.UID, Gid: h.options.GID}}
	}
	return cmd
}

// Output is what a command of OpenClaw's answered.
type Output struct {
	Stdout, Stderr []byte
	Exit           int
}

// Run runs OpenClaw's command line. A command that failed is not an error:
// Output says its exit code.
func (h *Home) Run(ctx context.Context, args ...string) (Output, error) {
	var stdout, stderr bytes.Buffer
	cmd := h.command(ctx, args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := h.options.NetNS.Run(cmd)
	out := Output{stdout.Bytes(), stderr.Bytes(), cmd.ProcessState.ExitCode()}
	var failed *exec.ExitError
	if errors.As(err, &failed) && ctx.Err() == nil {
		err = nil
	}
	if err != nil {
		return out, fmt.Errorf("openclaw %s: %w", args[0], err)
	}
	return out, nil
}

// ConfigValidate asks OpenClaw whether it accepts a config: nil, or an error
// with what it says.
func (h *Home) ConfigValidate(ctx context.Context, config string) error {
	o := *h
	o.options.Env = append(append([]string(nil), h.options.Env...), "OPENCLAW_CONFIG_PATH="+config)
	out, err := o.Run(ctx, "config", "validate")
	if err != nil {
		return err
	}
	if out.Exit != 0 {
		return fmt.Errorf("openclaw config validate refuses %s: %s%s", config, out.Stdout, out.Stderr)
	}
	return nil
}

// SecurityAudit runs openclaw security audit --json, which takes 20 s and more.
func (h *Home) SecurityAudit(ctx context.Context, deep bool) ([]byte, error) {
	args := []string{"security", "audit", "--json"}
	if deep {
		args = append(args, "--deep")
	}
	out, err := h.Run(ctx, args...)
	if err == nil && !json.Valid(out.Stdout) {
		err = fmt.Errorf("openclaw security audit exited with %d and no JSON: %s", out.Exit, out.Stderr)
	}
	return out.Stdout, err
}

// Local runs one turn without a gateway: openclaw agent --local.
func (h *Home) Local(ctx context.Context, message string) (Reply, error) {
	out, err := h.Run(ctx, "agent", "--local", "--agent", "main", "--message", message, "--json")
	if err != nil {
		return Reply{}, err
	}
	return cliReply(out)
}

// Agent runs one turn through the running gateway as a person at a shell does:
// openclaw agent. It takes 3 s more than [Session.Turn].
func (h *Home) Agent(ctx context.Context, message string) (Reply, error) {
	out, err := h.Run(ctx, "agent", "--agent", "main", "--message", message, "--json")
	if err != nil {
		return Reply{}, err
	}
	return cliReply(out)
}

// cliReply reads the JSON of openclaw agent, with and without a gateway.
func cliReply(out Output) (Reply, error) {
	type result struct {
		Payloads []struct{ Text string }
	}
	var r struct {
		RunID  string
		Result result
		result
	}
	if err := json.Unmarshal(out.Stdout, &r); err != nil {
		return Reply{}, fmt.Errorf("openclaw agent exited with %d and no JSON: %s%s", out.Exit, out.Stdout, out.Stderr)
	}
	reply := Reply{RunID: r.RunID, State: "final", Raw: out.Stdout}
	if out.Exit != 0 {
		reply.State = "error"
	}
	for _, p := range append(r.Payloads, r.Result.Payloads...) {
		reply.Text += p.Text
	}
	return reply, nil
}

// freePort finds a port nobody listens on.
func freePort(n *netns.Namespace) (int, error) {
	listen := func(addr string) (net.Listener, error) { return net.Listen("tcp", addr) }
	if n != nil {
		listen = n.Listen
	}
	l, err := listen("127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port, nil
}
