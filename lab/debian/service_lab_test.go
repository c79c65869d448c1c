//go:build lab

package debian

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/openseawall/seawall/lab/model"
	"github.com/openseawall/seawall/lab/netns"
)

const realKey = "sk-lab-0123456789abcdef"

// config is an OpenClaw's, of an account of its own, in front of a model.
const config = `{
  // mine
  models: {providers: {lab: {baseUrl: %q, api: "openai-completions", apiKey: %q, models: [{id: "lab-1", name: "lab-1"}]}}},
  agents: {defaults: {model: {primary: "lab/lab-1"}}},
}
`

// place is a Debian with a model and an OpenClaw's files.
type place struct {
	*Machine
	model  *model.Server
	client *http.Client
	config string // openclaw.json before it was connected
}

const configPath = "/home/openclaw/.openclaw/openclaw.json"

func build(t *testing.T) *place {
	t.Helper()
	n := netns.New(t)
	l, err := n.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &place{Machine: Start(t, n), client: n.Client(), model: model.Serve(l, realKey, model.Func(answer))}
	t.Cleanup(func() { _ = p.model.Close() })
	p.config = fmt.Sprintf(config, p.model.BaseURL(model.Chat), realKey)
	p.Shell(t, "useradd --create-home openclaw && mkdir -p -m 700 /home/openclaw/.openclaw")
	p.Write(t, configPath, []byte(p.config), 0o600)
	p.Shell(t, "chown -R openclaw:openclaw /home/openclaw/.openclaw")
	return p
}

// answer takes its time when it is asked to.
func answer(r *model.Request) model.Answer {
	a := model.Reply(model.Say("the tide is low").In(10))
	if strings.Contains(r.LastUser(), "slowly") {
		a.Delay = 50 * time.Millisecond
	}
	return a
}

// route is how the connected OpenClaw reaches its model.
func (p *place) route(t *testing.T) (base, key string) {
	t.Helper()
	edited := p.Shell(t, "cat "+configPath)
	found := regexp.MustCompile(`baseUrl: "([^"]+)".*apiKey: "([^"]+)"`).FindStringSubmatch(edited)
	if found == nil || found[2] == realKey {
		t.Fatalf("OpenClaw is not connected:\n%s", edited)
	}
	return found[1], found[2]
}

// ask asks the model through the door, on whatever connection the client has.
func (p *place) ask(ctx context.Context, base, key, what string, stream bool) (string, error) {
	body, _ := json.Marshal(map[string]any{"model": "lab-1", "stream": stream, "messages": []any{map[string]string{"role": "user", "content": what}}})
	// A body that cannot be read again is not sent again.
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/chat/completions", io.MultiReader(bytes.NewReader(body)))
	if err != nil {
		return "", err
	}
	r.ContentLength = int64(len(body))
	r.Header.Set("Authorization", "Bearer "+key)
	r.Header.Set("Content-Type", "application/json")
	res, err := p.client.Do(r)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	whole := bytes.Contains(got, []byte("[DONE]")) || !stream && bytes.Contains(got, []byte("the tide is low"))
	if err == nil && (res.StatusCode != http.StatusOK || !whole) {
		err = fmt.Errorf("%s: %.300s", res.Status, got)
	}
	return string(got), err
}

// seawallDeb builds the package of this checkout, once.
var seawallDeb = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "swlab-dist-")
	if err != nil {
		return "", err
	}
	cmd := exec.Command("../../scripts/dist.sh")
	cmd.Env = append(os.Environ(), "DIST="+dir, "ARCHES=amd64", "PACKAGERS=deb")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("scripts/dist.sh: %w: %s", err, out)
	}
	found, err := filepath.Glob(filepath.Join(dir, "*_amd64.deb"))
	if err != nil || len(found) != 1 {
		return "", fmt.Errorf("scripts/dist.sh made %v, %v", found, err)
	}
	return found[0], nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if deb, err := seawallDeb(); err == nil {
		_ = os.RemoveAll(filepath.Dir(deb))
	}
	os.Exit(code)
}

func contains(t *testing.T, text string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(text, want) {
			t.Errorf("it does not say %q:\n%s", want, text)
		}
	}
}

// TestService is the life of a service on one machine, from the package to
// nothing left.
func TestService(t *testing.T) {
	deb, err := seawallDeb()
	if err != nil {
		t.Fatal(err)
	}
	p := build(t)
	p.Copy(t, deb, "/root/seawall.deb")
	contains(t, p.Shell(t, "dpkg -i /root/seawall.deb; systemctl is-active seawall.service || true"), "seawall install", "inactive")
	contains(t, p.Shell(t, "seawall status || true"), "not audited yet")

	said := p.Shell(t, "seawall install --yes")
	contains(t, said, "open the doors", "Next: seawall connect")
	if strings.Contains(said, "write ") {
		t.Errorf("install wrote what the package had brought:\n%s", said)
	}
	contains(t, p.Shell(t, "seawall install --yes"), "nothing to do")
	contains(t, p.Shell(t, "seawall up"), "runs here as a service")
	contains(t, p.Shell(t, "seawall connect --yes"), "OpenClaw is connected")
	p.score(t)
	base, key := p.route(t)
	if _, err := p.ask(t.Context(), base, key, "how is the tide?", true); err != nil {
		t.Fatalf("the service does not serve: %v\n%s", err, p.Journal(t.Context(), "seawall"))
	}
	for _, step := range []struct {
		name string
		test func(t *testing.T, p *place, base, key string)
	}{
		{"killed", killed}, {"updated under load", updated}, {"a policy that cannot be read", broken},
		{"two on one state", two}, {"checkpoints leave the machine", outside}, {"stopped", stopped}, {"a reboot", reboot}, {"a unit of the administrator's", edited}, {"removed", removed},
	} {
		if !t.Run(step.name, func(t *testing.T) { step.test(t, p, base, key) }) {
			t.Fatalf("the service said:\n%s", p.Journal(t.Context(), "seawall"))
		}
	}
}

// score prints what systemd-analyze thinks of the sandboxes and wants it low.
// What is left for the doors: they talk to the world, and to systemd.
func (p *place) score(t *testing.T) {
	t.Helper()
	for unit, most := range map[string]float64{"seawall.service": 1.1, "seawall-watch.service": 2.3} {
		said := p.Shell(t, "systemd-analyze security --no-pager "+unit+" | tail -1")
		found := regexp.MustCompile(`: ([0-9.]+) `).FindStringSubmatch(said)
		if found == nil {
			t.Fatalf("systemd-analyze says %q", said)
		}
		t.Log(said)
		if got, err := strconv.ParseFloat(found[1], 64); err != nil || got > most {
			t.Errorf("%s: %s, more than %v", unit, found[1], most)
		}
	}
}

// killed: whoever asks while the doors are dead waits, and is answered.
func killed(t *testing.T, p *place, base, key string) {
	for range 3 {
		p.Shell(t, "pid=$(systemctl show -P MainPID seawall.service); kill -9 $pid; while kill -0 $pid 2>/dev/null; do sleep 0.02; done")
		if _, err := p.ask(t.Context(), base, key, "still there?", false); err != nil {
			t.Fatal(err)
		}
	}
}

// updates is how often the program is replaced under load.
const updates = 20

// updated: the program is replaced and the service started anew, again and
// again, while some ask all the time and others have long answers.
func updated(t *testing.T, p *place, base, key string) {
	ctx, stop := context.WithCancel(t.Context())
	var asked, failed atomic.Int64
	var clients sync.WaitGroup
	load := func(what string, stream bool) {
		clients.Go(func() {
			for ctx.Err() == nil {
				asked.Add(1)
				if _, err := p.ask(t.Context(), base, key, what, stream); err != nil {
					failed.Add(1)
					t.Logf("a request failed: %v", err)
				}
			}
		})
	}
	for range 4 {
		load("quickly", false)
	}
	load("quickly", true)
	load("slowly", true)
	pids := map[string]bool{}
	for range updates {
		p.Shell(t, "cp /usr/bin/seawall /usr/bin/seawall.new && mv /usr/bin/seawall.new /usr/bin/seawall && systemctl restart seawall.service")
		pids[p.Shell(t, "systemctl show -P MainPID seawall.service")] = true
	}
	stop()
	clients.Wait()
	t.Logf("%d requests, %d failed, %d updates", asked.Load(), failed.Load(), len(pids))
	if failed.Load() > 0 || len(pids) != updates || asked.Load() < 10*updates {
		t.Errorf("%d of %d requests failed, during %d updates; the record says\n%s", failed.Load(), asked.Load(), len(pids), p.Shell(t, "seawall log -n 30"))
	}
	p.client.CloseIdleConnections()
}

// broken: doors that cannot open say why to whoever comes, in the journal and
// on the screen, and open when they can again.
func broken(t *testing.T, p *place, base, key string) {
	p.Shell(t, "cp -p /var/lib/seawall/policy.cedar /root/policy && echo nonsense >>/var/lib/seawall/policy.cedar")
	p.Shell(t, "systemctl restart --no-block seawall.service")
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
		said, err := p.ask(t.Context(), base, key, "anybody?", false)
		if err != nil {
			contains(t, said, "doors cannot open", "policy.cedar")
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the doors open with a policy that cannot be read")
		}
	}
	said, err := p.Run(t.Context(), "seawall", "up")
	if err == nil {
		t.Error("up has no complaint")
	}
	contains(t, said, "policy.cedar")
	p.Shell(t, "cp -p /root/policy /var/lib/seawall/policy.cedar")
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
		if _, err := p.ask(t.Context(), base, key, "again?", false); err == nil {
			return
		} else if time.Now().After(deadline) {
			t.Fatalf("the doors do not open again: %v", err)
		}
	}
}

// two: a second service on the same state says so and serves nobody.
func two(t *testing.T, p *place, base, key string) {
	p.Shell(t, `
		cd /run/systemd/system
		sed 's/4780/4790/' /usr/lib/systemd/system/seawall.socket >second.socket
		sed 's/4781/4791/; s/seawall.service/second.service/' /usr/lib/systemd/system/seawall-page.socket >second-page.socket
		sed 's/seawall.socket/second.socket/; s/seawall-page/second-page/' /usr/lib/systemd/system/seawall.service >second.service
		systemctl daemon-reload
		systemctl start --no-block second.service`)
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
		said := p.Journal(t.Context(), "second.service")
		if strings.Contains(said, "another Seawall already runs on /var/lib/seawall") {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("it says nothing:\n%s", said)
		}
	}
	p.Shell(t, "systemctl stop second.socket second-page.socket second.service; rm /run/systemd/system/second*; systemctl daemon-reload")
	if _, err := p.ask(t.Context(), base, key, "and the first?", false); err != nil {
		t.Error(err)
	}
}

// outside: the service's checkpoints are in journald and in the file that the
// operator named, into which nothing else lets it write, and the record answers
// to them.
func outside(t *testing.T, p *place, _, _ string) {
	// What changes the record, and has the service send its head.
	changed := func() {
		before := p.Shell(t, "seawall log -n 1")
		p.Shell(t, "echo '// another line' >>/var/lib/seawall/local.cedar; chown seawall: /var/lib/seawall/local.cedar; chmod 600 /var/lib/seawall/local.cedar")
		p.await(t, "seawall log -n 1", func(said string) bool { return said != before })
		p.Shell(t, "systemctl restart seawall.service")
	}
	changed()
	const inJournal = "journalctl -q --no-pager -t seawall SEAWALL_CHECKPOINT=1 -u seawall.service -n 1 -o "
	p.await(t, inJournal+"json", func(said string) bool { return strings.Contains(said, `"SEAWALL_CHECKPOINT":"1"`) })
	contains(t, p.Shell(t, inJournal+"cat | seawall log verify --against -"), "checkpoint")

	const file = "/srv/kept/checkpoints"
	contains(t, p.Shell(t, "mkdir /srv/kept; seawall log checkpoint --to "+file), "let the service write to /srv/kept", "A checkpoint was sent to "+file)
	first := p.Shell(t, "grep -c ^ "+file)
	changed()
	p.await(t, "grep -c ^ "+file, func(said string) bool { return said != first })
	contains(t, p.Shell(t, "seawall log verify; stat -c %U "+file), "checkpoint", "seawall")
	p.Shell(t, "seawall log checkpoint --to none; test ! -e /etc/systemd/system/seawall.service.d; rm /var/lib/seawall/local.cedar")
}

// await waits until a command says what is wanted.
func (p *place) await(t *testing.T, command string, wanted func(said string) bool) {
	t.Helper()
	said := ""
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		if said, _ = p.Run(t.Context(), "sh", "-c", command); wanted(said) {
			return
		}
	}
	t.Fatalf("%s says\n%s", command, said)
}

// stopped: what stop names ends all of Seawall, and no timer or socket starts it
// again.
func stopped(t *testing.T, p *place, base, key string) {
	said, _ := p.Run(t.Context(), "sh", "-c", "seawall stop 2>&1 </dev/null || true")
	command := regexp.MustCompile(`systemctl stop .*`).FindString(said)
	if command == "" {
		t.Fatalf("it names no command:\n%s", said)
	}
	p.Shell(t, command)
	if runs := p.Shell(t, "systemctl list-units --no-legend --state=active,activating,failed 'seawall*'"); runs != "" {
		t.Errorf("there is still\n%s", runs)
	}
	if _, err := p.ask(t.Context(), base, key, "anybody?", false); err == nil {
		t.Error("a door is open")
	}
	contains(t, p.Shell(t, "seawall install --yes"), "open the doors")
	if _, err := p.ask(t.Context(), base, key, "again?", false); err != nil {
		t.Error(err)
	}
}

// reboot: an OpenClaw that starts with the machine and asks at once is answered.
func reboot(t *testing.T, p *place, base, key string) {
	p.Write(t, "/root/agent", []byte(`#!/bin/bash
exec 3<>/dev/tcp/127.0.0.1/4780
printf 'GET `+strings.TrimPrefix(base, "http://127.0.0.1:4780")+`/models HTTP/1.1\r\nHost: 127.0.0.1:4780\r\nAuthorization: Bearer `+key+`\r\nConnection: close\r\n\r\n' >&3
cat <&3 >/root/answer
`), 0o755)
	p.Write(t, "/etc/systemd/system/openclaw-gateway.service", []byte("[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/root/agent\n[Install]\nWantedBy=multi-user.target\n"), 0o644)
	p.Shell(t, "systemctl daemon-reload; systemctl enable openclaw-gateway.service")
	p.Reboot(t)
	contains(t, p.Shell(t, "cat /root/answer; systemctl is-active openclaw-gateway.service seawall.service seawall.socket"), "HTTP/1.1 200 OK", "lab-1")
	at := func(unit, when string) int64 {
		n, err := strconv.ParseInt(p.Shell(t, "systemctl show -P "+when+" "+unit), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if open, began := at("seawall.service", "ActiveEnterTimestampMonotonic"), at("openclaw-gateway.service", "InactiveExitTimestampMonotonic"); open == 0 || open > began {
		t.Errorf("the doors were open at %d µs, OpenClaw started at %d µs", open, began)
	}
	if _, err := p.ask(t.Context(), base, key, "after the reboot?", true); err != nil {
		t.Error(err)
	}
	p.Shell(t, "systemctl disable --now openclaw-gateway.service; rm /etc/systemd/system/openclaw-gateway.service; systemctl daemon-reload")
}

// edited: what the administrator wrote stays, and is named.
func edited(t *testing.T, p *place, _, _ string) {
	p.Shell(t, "sed 's/^Nice=.*/Nice=15/' /usr/lib/systemd/system/seawall-watch.service >/etc/systemd/system/seawall-watch.service; mkdir -p /etc/systemd/system/seawall.service.d; printf '[Service]\nNice=-1\n' >/etc/systemd/system/seawall.service.d/nice.conf; systemctl daemon-reload")
	contains(t, p.Shell(t, "seawall install --yes"), "/etc/systemd/system/seawall-watch.service was edited by hand", "seawall.service is changed by /etc/systemd/system/seawall.service.d/nice.conf")
	contains(t, p.Shell(t, "grep Nice /etc/systemd/system/seawall-watch.service"), "15")
	p.Shell(t, "rm -r /etc/systemd/system/seawall-watch.service /etc/systemd/system/seawall.service.d; systemctl daemon-reload")
}

// removed: the package takes all back, while a turn runs.
func removed(t *testing.T, p *place, base, key string) {
	turn := make(chan error, 1)
	go func() { _, err := p.ask(t.Context(), base, key, "slowly", true); turn <- err }()
	for len(p.model.Requests()) == 0 || !strings.Contains(p.model.Requests()[len(p.model.Requests())-1].LastUser(), "slowly") {
		time.Sleep(10 * time.Millisecond)
	}
	said := p.Shell(t, "dpkg -r seawall 2>&1")
	contains(t, said, "give "+configPath+" its own addresses and keys back", "close the doors", `remove the system user "seawall"`, "Left: /var/lib/seawall")
	if err := <-turn; err != nil {
		t.Errorf("the turn that ran failed: %v", err)
	}
	if got := p.Shell(t, "cat "+configPath); got != strings.TrimSpace(p.config) {
		t.Errorf("openclaw.json is not as it was:\n%s", got)
	}
	left := p.Shell(t, `id seawall 2>&1 || true; systemctl list-units --all --no-legend 'seawall*'; ls -d /etc/systemd/system/*/seawall* /usr/bin/seawall /var/lib/seawall-plugin 2>/dev/null || true; stat -c '%U %a' /var/lib/seawall`)
	if want := "id: 'seawall': no such user\nroot 700"; strings.ReplaceAll(strings.ReplaceAll(left, "‘", "'"), "’", "'") != want {
		t.Errorf("what is left: %s", left)
	}
	p.Shell(t, "dpkg -P seawall; test ! -e /var/lib/seawall")
}

// TestProgramAlone is the same without a package: install writes the units, and
// remove takes them, but not what somebody made of them.
func TestProgramAlone(t *testing.T) {
	deb, err := seawallDeb()
	if err != nil {
		t.Fatal(err)
	}
	p := build(t)
	p.Copy(t, filepath.Join(filepath.Dir(deb), "seawall-linux-amd64"), "/root/seawall")
	contains(t, p.Shell(t, "/root/seawall install --yes"), "write /usr/local/bin/seawall", "write /etc/systemd/system/seawall.socket")
	contains(t, p.Shell(t, "/root/seawall install --yes; systemctl is-active seawall.service"), "nothing to do", "active")
	p.Shell(t, "seawall connect --yes")
	base, key := p.route(t)
	if _, err := p.ask(t.Context(), base, key, "how is the tide?", true); err != nil {
		t.Fatal(err)
	}
	p.Shell(t, "sed -i 's/^Nice=.*/Nice=15/' /etc/systemd/system/seawall-watch.service")
	contains(t, p.Shell(t, "/root/seawall install --yes"), "seawall-watch.service was edited by hand and stays", "nothing to do")

	// Nothing that could be damaged is needed to take it out again.
	p.Shell(t, "systemctl kill -s KILL seawall.service; cd /var/lib/seawall; echo x >policy.cedar; head -c 300 /dev/urandom >ledger.db; rm -f ledger.db-*")
	said := p.Shell(t, "/root/seawall remove --yes --purge")
	contains(t, said, "seawall-watch.service was edited by hand and is kept", "delete /usr/local/bin/seawall", "delete /var/lib/seawall")
	if got := p.Shell(t, "cat "+configPath); got != strings.TrimSpace(p.config) {
		t.Errorf("openclaw.json is not as it was:\n%s", got)
	}
	left := p.Shell(t, `ls -d /etc/systemd/system/seawall* /etc/systemd/system/*/seawall* /usr/local/bin/seawall /var/lib/seawall* 2>/dev/null || true; getent passwd seawall || true; ss -ltn 2>/dev/null || true`)
	if left != "/etc/systemd/system/seawall-watch.service.edited" {
		t.Errorf("what is left: %s", left)
	}
	contains(t, p.Shell(t, "/root/seawall remove --yes; systemctl --failed --no-legend | wc -l"), "nothing to do", "0")

	// Nor the journal.
	p.Shell(t, "rm /etc/systemd/system/seawall-watch.service.edited; /root/seawall install --yes; rm -rf /var/lib/seawall /var/lib/seawall-root")
	contains(t, p.Shell(t, "/root/seawall remove --yes --purge"), "close the doors", "Left: /usr/local/bin/seawall")
	if left := p.Shell(t, "ls -d /etc/systemd/system/seawall* /var/lib/seawall* 2>/dev/null || true; getent passwd seawall || true"); left != "" {
		t.Errorf("what is left: %s", left)
	}
}
