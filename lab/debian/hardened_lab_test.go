//go:build lab && proof

package debian

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openseawall/seawall/internal/posture"
	"github.com/openseawall/seawall/lab/docker"
	"github.com/openseawall/seawall/lab/model"
	"github.com/openseawall/seawall/lab/netns"
	"github.com/openseawall/seawall/lab/openclaw"
)

// onlyPerson are the controls of severity medium and above that may still find
// something on the hardened machine, since what is right there only a person
// knows. There are never more than five.
var onlyPerson = []string{
	"firewall-published-port",     // whether the container is meant for everyone
	"docker-published-everywhere", // the same, of the container itself
	"secrets-channel-token",       // into which store the messengers' tokens go
	"skills-no-install-policy",    // which program judges a skill
	"skills-plugins-open",         // which plugins are meant
}

// ofTheHost are kernel parameters that a container shares with its host, and may
// not set.
var ofTheHost = []string{"system-links"}

// applyWithin is what applying may take, packages fetched.
const applyWithin = 5 * time.Minute

// chats are two channels of OpenClaw's; their tokens are nobody's.
const chats = `cd /; ` + asOwn + `openclaw config set channels.telegram '{"enabled": true, "botToken": "123456789:AAlab0lab0lab0lab0lab0lab0lab0lab0l"}' --strict-json
` + asOwn + `openclaw config set channels.a2a '{"enabled": true, "peers": {"hermes": {"token": "peer-0123456789abcdef0123456789abcdef"}}}' --strict-json`

// web publishes a container's port, and confines it, as someone would who has
// read a guide: what is confined in no compose file no machine can mend.
const web = `docker run -d --name web --restart unless-stopped -p 8080:8080 --read-only --user 1000:1000 --cap-drop ALL \
	--security-opt no-new-privileges --memory 64m --pids-limit 64 --log-opt max-size=10m ` + docker.Image + ` httpd -f -p 8080 -h /`

// ownNet lets the machine set the parameters of its own network, which a
// container may not; those it shares with its host stay read-only.
const ownNet = `mkdir -p /run/lab-proc; mount -t proc proc /run/lab-proc; mount --bind /run/lab-proc/sys/net /proc/sys/net`

// vps is a machine as it comes from a provider, with what its owner put on it.
type vps struct {
	*fortress
	claw *place
}

func newVPS(t *testing.T) *vps {
	t.Helper()
	debs := Archive(t, "docker.io", "iptables", "nftables", "procps", "lynis", "fail2ban", "python3-systemd", "unattended-upgrades", "systemd-timesyncd")
	n := netns.New(t)
	l, err := n.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	mind := model.Serve(l, realKey, model.Echo())
	t.Cleanup(func() { _ = mind.Close() })
	// The machine has a Docker of its own, in the same network.
	e := docker.Start(t, n, "--bridge=none", "--iptables=false")
	m := StartOn(t, e, openclaw.Dir(t)+":/opt/openclaw:ro", debs+":"+ArchivePlace+":ro", t.TempDir()+":/var/lib/docker")
	v := &vps{&fortress{Machine: m, n: n, dir: t.TempDir()}, &place{Machine: m, client: n.Client(), model: mind}}
	v.open(t)
	v.Shell(t, ownNet)
	v.UseArchive(t)
	v.Shell(t, "apt-get -y -q --no-install-recommends install docker.io iptables nftables procps lynis")
	image := filepath.Join(t.TempDir(), "image.tar")
	if _, err := e.Docker(t.Context(), "save", "-o", image, docker.Image); err != nil {
		t.Fatal(err)
	}
	v.Copy(t, image, "/root/image.tar")
	v.Shell(t, "docker load -i /root/image.tar; rm /root/image.tar; "+web)

	v.Shell(t, "loginctl enable-linger root; mkdir -p -m 700 /root/.openclaw/workspace; chmod 700 /root")
	v.Write(t, "/root/.openclaw/openclaw.json", fmt.Appendf(nil, rootConfig, mind.BaseURL(model.Chat), realKey), 0o600)
	v.Shell(t, asRoot+"openclaw gateway install")
	v.claw.awaitGateway(t)
	v.Shell(t, "seawall install --yes; seawall connect --own-user --yes --remove-copies")
	v.claw.awaitGateway(t)
	v.Shell(t, chats)
	v.claw.awaitGateway(t)
	return v
}

// audit is Seawall's own, of everything.
func (v *vps) audit(t *testing.T) *posture.Audit {
	t.Helper()
	var a posture.Audit
	out := v.Shell(t, "seawall audit --json || true")
	if err := json.Unmarshal([]byte(out), &a); err != nil {
		t.Fatalf("%v: %.2000s", err, out)
	}
	return &a
}

// claws is one finding of OpenClaw's own audit.
type claws struct {
	CheckID  string `json:"checkId"`
	Severity string `json:"severity"`
	Title    string `json:"title"`
}

func (v *vps) openclawAudit(t *testing.T) []claws {
	t.Helper()
	out := v.Shell(t, asOwn+"openclaw security audit --deep --json 2>/dev/null || true")
	var a struct {
		Findings []claws `json:"findings"`
	}
	if err := json.Unmarshal([]byte(out), &a); err != nil {
		t.Fatalf("%v: %.2000s", err, out)
	}
	return a.Findings
}

var hardeningIndex = regexp.MustCompile(`(?m)^hardening_index=(\d+)`)

func (v *vps) lynis(t *testing.T) string {
	t.Helper()
	out := v.Shell(t, "lynis audit system --quick --quiet --no-colors >/dev/null 2>&1 || true; cat /var/log/lynis-report.dat")
	found := hardeningIndex.FindStringSubmatch(out)
	if found == nil {
		t.Fatalf("Lynis gives no index: %.2000s", out)
	}
	return found[1]
}

// works wants an ordinary turn, and a job that runs when nobody is there.
func (v *vps) works(t *testing.T, when string) {
	t.Helper()
	contains(t, v.claw.turn(t, asOwn), "openclaw")
	mark := "/var/lib/openclaw/.openclaw/workspace/" + when
	v.Shell(t, "cd /; "+asOwn+`openclaw cron add --name `+when+` --at 2s --session isolated --no-deliver --message 'TOOL:exec:{"command":"touch `+mark+`"}'`)
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(time.Second) {
		if _, err := v.Run(t.Context(), "test", "-e", mark); err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Errorf("%s: the job did not run:\n%s", when, v.Shell(t, asOwn+"openclaw cron list --all; journalctl --no-pager -n 60; seawall log | tail -5"))
			return
		}
	}
}

// state is what a plan may change, and what packages bring.
func (v *vps) state(t *testing.T) string {
	t.Helper()
	return v.Shell(t, `find /etc /usr/local /root /home /boot /var/spool /var/lib/seawall -xdev -printf '%p %M %U:%G %l\n' | grep -v -e /root/.cache -e /var/lib/seawall/ | sort
find /etc /usr/local /root/.ssh -type f -exec sha256sum {} + | sort
sha256sum /var/lib/openclaw/.openclaw/openclaw.json; stat -c '%n %a %U' /var/lib/openclaw /var/lib/openclaw/.openclaw
systemctl list-unit-files --no-pager --no-legend | grep -v -e session- -e run- -e revert- | sort
systemctl list-units --no-pager --no-legend --plain --state=active --type=service,timer,socket | cut -d' ' -f1 | grep -v -e user@ -e user-runtime -e openclaw -e '^run-' | sort
nft list ruleset | sed 's/counter packets [0-9]* bytes [0-9]*/counter/'
sysctl -a 2>/dev/null | grep -E '^(net.ipv[46].(conf|tcp|icmp)|kernel\.(dmesg|kptr|sysrq|yama|unpriv)|fs\.(protected|suid))' | grep -v -e mtu -e temp_ -e stable_secret | sort
dpkg-query -W -f '${Package} ${db:Status-Abbrev}\n'
cat /etc/passwd /etc/group; passwd -Sa`)
}

// TestHardened is the proof of `seawall harden` on a real machine: a Debian 12
// with a Docker that publishes a container, and an OpenClaw with two channels.
func TestHardened(t *testing.T) {
	v := newVPS(t)
	v.works(t, "before")
	was, before := v.see(t), v.state(t)

	began := time.Now()
	said, _ := v.ssh(t, true, "seawall harden --apply --yes")
	took := time.Since(began)
	t.Log(said)
	if took > applyWithin {
		t.Errorf("applying took %s", took)
	}
	if out, err := v.ssh(t, false, "seawall harden confirm"); err != nil {
		t.Fatalf("it is not confirmed: %v %s", err, out)
	}
	v.claw.awaitGateway(t)
	v.Shell(t, "seawall harden >/dev/null || true") // a second plan reads; it changes nothing
	is := v.see(t)
	for _, r := range is.seawall.Results {
		if r.Outcome == posture.Failed && r.Severity >= posture.Medium && !slices.Contains(onlyPerson, r.ID) && !slices.Contains(ofTheHost, r.ID) {
			t.Errorf("still there: %s %s: %+v", r.Severity, r.ID, r.Findings)
		}
	}
	is.explained(t)
	v.works(t, "after")
	config := v.Shell(t, settings)
	v.Shell(t, "cd /; "+asOwn+"openclaw doctor --repair --non-interactive >/tmp/doctor 2>&1 || true")
	if now := v.Shell(t, settings); now != config {
		t.Errorf("openclaw doctor changed the config:\n%s\n%s", changed(config, now), v.Shell(t, "cat /tmp/doctor"))
	}
	v.bans(t)
	publish(t, table(was, is, stepsDone.FindString(said), took))

	if out, err := v.ssh(t, false, "seawall harden rollback --yes --purge"); err != nil {
		t.Errorf("%v %s", err, out)
	}
	if after := v.state(t); after != before {
		t.Errorf("after the rollback:\n%s", changed(before, after))
	}
}

// bans wants `seawall ban` to show what fail2ban bans, and to lift it.
func (v *vps) bans(t *testing.T) {
	t.Helper()
	contains(t, v.Shell(t, "fail2ban-client set sshd banip 198.51.100.9; seawall ban list"), "198.51.100.9", "fail2ban")
	v.Shell(t, "seawall ban remove 198.51.100.9")
	if left := v.Shell(t, "fail2ban-client get sshd banip; seawall ban list"); strings.Contains(left, "198.51.100.9") {
		t.Errorf("it is still banned:\n%s", left)
	}
}

// settings prints OpenClaw's config, less what doctor stamps.
const settings = `sed '/lastTouched/d; /lastRun/d' /var/lib/openclaw/.openclaw/openclaw.json`

var stepsDone = regexp.MustCompile(`\d+ of \d+ steps`)
