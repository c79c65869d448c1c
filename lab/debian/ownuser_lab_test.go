//go:build lab

package debian

import (
	"fmt"
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

// rootsOwn is a machine with Seawall's program and an OpenClaw of root's, which
// does not run yet.
func rootsOwn(t *testing.T) *place {
	t.Helper()
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
	return p
}

// TestOwnUser moves a real OpenClaw, which OpenClaw itself installed as a service
// of root's, to a user of its own, and back.
func TestOwnUser(t *testing.T) {
	p := rootsOwn(t)
	p.Write(t, "/root/.openclaw/workspace/NOTES.md", []byte("Scripts are in /root/.openclaw/workspace/scripts.\n"), 0o600)
	p.Write(t, "/root/.openclaw/workspace/left.bin", []byte("\x00/root/.openclaw\xff"), 0o640)
	t.Log(p.Shell(t, asRoot+"openclaw gateway install"))
	p.awaitGateway(t)
	contains(t, p.turn(t, asRoot), "root")
	p.Shell(t, "mkdir /root/.openclaw/workspace/more && ln -s /root/.openclaw/workspace/NOTES.md /root/.openclaw/workspace/more/link")
	const sums = "cd /root/.openclaw && sha256sum openclaw.json workspace/NOTES.md workspace/left.bin config-journal-fingerprint.key && readlink workspace/more/link"
	before := p.Shell(t, sums)

	p.Shell(t, "seawall install --yes")
	said := p.Shell(t, "seawall connect --own-user --yes --remove-copies")
	t.Log(said)
	contains(t, said, `make the system user "openclaw"`, "Boundary proven:")
	contains(t, p.turn(t, asOwn), "openclaw")
	contains(t, p.Shell(t, "cat /var/lib/openclaw/.openclaw/workspace/NOTES.md; id -nG openclaw; getent passwd openclaw; stat -c '%U %a' /var/lib/openclaw; readlink /var/lib/openclaw/.openclaw/workspace/more/link"),
		"/var/lib/openclaw/.openclaw/workspace/scripts.", "openclaw\n", "/usr/sbin/nologin", "openclaw 700", "/var/lib/openclaw/.openclaw/workspace/NOTES.md")
	if found, err := p.Run(t.Context(), "grep", "-rlF", realKey, "/var/lib/openclaw", "/etc/systemd/system"); err == nil {
		t.Errorf("the real key still stands in %s", found)
	}
	p.protected(t)
	t.Log(p.Shell(t, "seawall boundary; systemctl start seawall-boundary.service; systemctl is-active openclaw-gateway; systemd-analyze security --no-pager openclaw-gateway.service | tail -1"))
	contains(t, p.Shell(t, "seawall connect --own-user --yes"), "OpenClaw has a user of its own already.")

	// What the agent writes comes back; what it laid out for root does not.
	p.Shell(t, asOwn+`sh -c 'cd ~/.openclaw/workspace && echo "in /var/lib/openclaw/.openclaw/workspace" > written.md && ln -s /etc/shadow trap'`)
	said = p.Shell(t, "seawall disconnect --yes 2>&1")
	t.Log(said)
	contains(t, said, "workspace/trap: it is a link that leads out")
	if after := p.Shell(t, sums); after != before {
		t.Errorf("it was\n%s\nand is\n%s", before, after)
	}
	contains(t, p.Shell(t, "cat /root/.openclaw/workspace/written.md; ls /root/.openclaw/workspace; id openclaw 2>&1 || true; ls -d /var/lib/openclaw /root/.openclaw.seawall-kept /etc/systemd/system/openclaw-gateway.service 2>&1 || true"),
		"in /root/.openclaw/workspace\n", "no such user", "cannot access '/var/lib/openclaw'", "cannot access '/root/.openclaw.seawall-kept'", "cannot access '/etc/systemd/system/openclaw-gateway.service'")
	p.awaitGateway(t)
	contains(t, p.turn(t, asRoot), "root")
}

// protected waits until the watch has seen the new gateway at the doors.
func (p *place) protected(t *testing.T) {
	t.Helper()
	said := ""
	for end := time.Now().Add(4 * time.Minute); time.Now().Before(end); time.Sleep(2 * time.Second) {
		said, _ = p.Run(t.Context(), "sh", "-c", "seawall status || true")
		if strings.HasPrefix(said, "Protected.") {
			contains(t, said, "boundary  proven:")
			t.Log(said)
			return
		}
	}
	t.Fatalf("it is not protected:\n%s\n%s", said, p.Journal(t.Context(), "seawall-watch"))
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
