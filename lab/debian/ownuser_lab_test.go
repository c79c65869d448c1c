//go:build lab

package debian

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/openseawall/seawall/lab/model"
	"github.com/openseawall/seawall/lab/netns"
	"github.com/openseawall/seawall/lab/openclaw"
	"github.com/openseawall/seawall/lab/seawall"
)

// rootConfig is an OpenClaw's that runs as root, as many do.
const rootConfig = `{
  // root's
  gateway: {mode: "local", port: 18789, bind: "loopback", auth: {mode: "token", token: "tok-0123456789abcdef0123456789abcdef"}},
  models: {mode: "merge", catalogRefresh: {enabled: false}, providers: {lab: {baseUrl: %q, api: "openai-completions", apiKey: %q,
    models: [{id: "lab-1", name: "lab-1", reasoning: false, input: ["text"], cost: {input: 0, output: 0, cacheRead: 0, cacheWrite: 0}, contextWindow: 128000, maxTokens: 4096}]}}},
  agents: {defaults: {model: {primary: "lab/lab-1"}, workspace: "/root/.openclaw/workspace", utilityModel: "", heartbeat: {every: "0m"}}},
  update: {checkOnStart: false}, telemetry: {enabled: false},
}
`

// asRoot and asOwn run OpenClaw's commands before and after the move.
const (
	asRoot = `env -i HOME=/root XDG_RUNTIME_DIR=/run/user/0 PATH=/opt/openclaw/node_modules/.bin:/usr/bin:/bin `
	asOwn  = `setpriv --reuid=openclaw --regid=openclaw --init-groups env -i HOME=/var/lib/openclaw PATH=/opt/openclaw/node_modules/.bin:/usr/bin:/bin `
	who    = `openclaw agent --agent main --message 'TOOL:exec:{"command":"id -un"}' `
)

// TestOwnUser moves a real OpenClaw, which OpenClaw itself installed as a service
// of root's, to a user of its own, and back.
func TestOwnUser(t *testing.T) {
	n := netns.New(t)
	l, err := n.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := model.Serve(l, realKey, model.Echo())
	t.Cleanup(func() { _ = m.Close() })
	p := &place{Machine: Start(t, n, openclaw.Dir(t)+":/opt/openclaw:ro"), client: n.Client(), model: m}
	p.Copy(t, binary(t), "/usr/local/bin/seawall")

	p.Shell(t, "loginctl enable-linger root; mkdir -p -m 700 /root/.openclaw/workspace; chmod 700 /root")
	p.Write(t, "/root/.openclaw/openclaw.json", fmt.Appendf(nil, rootConfig, m.BaseURL(model.Chat), realKey), 0o600)
	p.Write(t, "/root/.openclaw/workspace/NOTES.md", []byte("Scripts are in /root/.openclaw/workspace/scripts.\n"), 0o600)
	p.Write(t, "/root/.openclaw/workspace/left.bin", []byte("\x00/root/.openclaw\xff"), 0o640)
	t.Log(p.Shell(t, asRoot+"openclaw gateway install"))
	p.awaitGateway(t)
	contains(t, p.turn(t, asRoot), "root")
	before := p.Shell(t, "cat /root/.openclaw/openclaw.json | sha256sum; systemctl --user -M root@ is-enabled openclaw-gateway 2>/dev/null || true")

	t.Log(p.Shell(t, "seawall install --yes"))
	said := p.Shell(t, "seawall connect --own-user --yes --remove-copies")
	t.Log(said)
	contains(t, said, "Boundary proven:")
	contains(t, p.turn(t, asOwn), "openclaw")
	status := p.Shell(t, "sleep 30; seawall status || true")
	t.Log(status)
	contains(t, status, "Protected.", "boundary  proven:")
	t.Log(p.Shell(t, "cat /etc/systemd/system/openclaw-gateway.service; systemd-analyze security --no-pager openclaw-gateway.service | tail -1; ls -la /var/lib/openclaw /root; cat /var/lib/openclaw/.openclaw/workspace/NOTES.md; systemctl --no-pager status seawall-boundary.service || true"))
	_ = before
}

func (p *place) turn(t *testing.T, as string) string {
	t.Helper()
	return p.Shell(t, "cd /; "+as+who)
}

// awaitGateway waits until OpenClaw answers.
func (p *place) awaitGateway(t *testing.T) {
	t.Helper()
	for end := time.Now().Add(4 * time.Minute); time.Now().Before(end); time.Sleep(300 * time.Millisecond) {
		if res, err := p.client.Get("http://127.0.0.1:18789/readyz"); err == nil {
			res.Body.Close()
			if res.StatusCode == 200 {
				return
			}
		}
	}
	t.Fatal("OpenClaw is not ready: ", p.Shell(t, "journalctl --no-pager -n 60"))
}

func binary(t *testing.T) string {
	t.Helper()
	cmd := seawall.Command(t)
	return cmd.Args[len(cmd.Args)-1]
}

var _ = exec.Command
var _ = strings.Contains
