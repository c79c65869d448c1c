//go:build lab

package debian

import (
	"strings"
	"testing"
)

// operator sits at a terminal before `seawall setup`: operator QUESTION ANSWER …
// waits for each question and types the answer; "^C" is Ctrl-C, and "kill" ends
// setup with -9. It prints what stood on the screen.
const operator = `#!/bin/bash
screen=$(mktemp)
await() { for _ in $(seq 1200); do grep -q "$1" $screen && return; sleep 0.1; done; echo "NEVER SHOWN: $1" >> $screen; }
type() {
	while [ $# -gt 1 ]; do
		await "$1"
		case $2 in
		"^C") printf '\003' ;;
		kill) kill -9 $(pgrep -n -f '^seawall setup$') ;;
		*) echo "$2" ;;
		esac
		shift 2
	done
	await '^ended \|^Script done'
}
type "$@" | script -qfc 'trap : INT; seawall setup; echo "ended $?"' $screen > /dev/null
cat $screen
`

// TestSetup goes the one way through all of it on a bare Debian: stopped at a
// question and killed at another, gone on with, and nothing asked when all is
// done.
func TestSetup(t *testing.T) {
	deb, err := seawallDeb()
	if err != nil {
		t.Fatal(err)
	}
	p := build(t)
	p.Copy(t, deb, "/root/seawall.deb")
	p.Shell(t, "dpkg -i /root/seawall.deb")
	p.Write(t, "/root/operator", []byte(operator), 0o755)
	const service, connect, outside = "Make Seawall a service?", "Connect OpenClaw to Seawall?", "Where else shall they go?"

	contains(t, p.Shell(t, "seawall setup </dev/null 2>&1 || echo ended $?; ls -d /var/lib/seawall 2>&1 || true"),
		"It would ask: "+service, "It would ask: "+connect, "seawall setup --yes does all of this", "ended 2")

	said := p.Shell(t, "/root/operator '"+service+"' '^C'; systemctl is-active seawall.socket || true")
	contains(t, said, "1 of 5  OpenClaw has a user of its own", "Stopped. What was done stays", "ended 2", "inactive")

	said = p.Shell(t, "/root/operator '"+service+"' '' '"+connect+"' kill; systemctl is-active seawall.socket")
	contains(t, said, "done: open the doors", "ended 137")
	if now := p.Shell(t, "cat "+configPath); strings.TrimSpace(now) != strings.TrimSpace(p.config) {
		t.Error("OpenClaw was connected without an answer")
	}

	said = p.Shell(t, "/root/operator '"+connect+"' '' '"+outside+"' ''")
	contains(t, said, "It is, and its doors are open.", "done: connect "+configPath, "Protected.", "Through Seawall:", "key held by Seawall", "All of it is undone by: seawall remove", "ended 0")
	if strings.Contains(said, service) {
		t.Errorf("what is done is asked about again:\n%s", said)
	}
	base, key := p.route(t)
	if _, err := p.ask(t.Context(), base, key, "how is the tide?", true); err != nil {
		t.Error(err)
	}

	said = p.Shell(t, "/root/operator")
	contains(t, said, "There is nothing left to do.", "journald alone", "Protected.", "ended 0")
	if strings.Contains(said, "[Y/n]") {
		t.Errorf("it asks about what is done:\n%s", said)
	}
	doctorAndReport(t, p)
	p.Shell(t, "seawall remove --yes")
	if now := p.Shell(t, "cat "+configPath); strings.TrimSpace(now) != strings.TrimSpace(p.config) {
		t.Error("OpenClaw's config is not what it was")
	}
}

// doctorAndReport: a service that is well, then one that is not.
func doctorAndReport(t *testing.T, p *place) {
	t.Helper()
	if said := p.Shell(t, "seawall doctor"); said != "Seawall is well." {
		t.Errorf("the doctor says\n%s", said)
	}
	said := p.Shell(t, `cd /root; seawall bugreport r.txt; stat -c %a r.txt; grep -c '^-- ' r.txt; cat r.txt`)
	contains(t, said, "\n600\n", "-- units --", "Requires=seawall.socket", "-- journal --", "127.0.0.1:4780/lab", "ActiveState=active")
	if strings.Contains(said, realKey) {
		t.Error("the real key is in the report")
	}
	for harm, finding := range map[string]string{
		"systemctl stop seawall.socket seawall-page.socket seawall":                           "the agent cannot reach its model: somebody stopped the service",
		"usermod -aG daemon seawall":                                                          "is in the group daemon",
		"systemctl disable seawall.socket":                                                    "The service is not whole",
		"echo 'permit (' >> /var/lib/seawall/policy.cedar; systemctl restart seawall || true": "The policy cannot be used, so the doors do not open",
		"cp /usr/lib/systemd/system/seawall.service /etc/systemd/system; echo '# mine' >> /etc/systemd/system/seawall.service": "edited by hand",
	} {
		said := p.Shell(t, "cp -a /var/lib/seawall/policy.cedar /root/; "+harm+`; seawall doctor && echo well || true
gpasswd -d seawall daemon >/dev/null 2>&1 || true; rm -f /etc/systemd/system/seawall.service; cp -a /root/policy.cedar /var/lib/seawall/; systemctl daemon-reload
systemctl enable -q seawall.socket; systemctl restart seawall.socket seawall-page.socket seawall`)
		contains(t, said, finding, "To change that: ")
	}
	if said := p.Shell(t, "seawall doctor || true"); said != "Seawall is well." {
		t.Errorf("put right, the doctor says\n%s", said)
	}
}

// TestSetupOfRoot: a real OpenClaw that runs as root, and one command. It has a
// user of its own then and is protected, which is proven; and one command gives
// root its own back.
func TestSetupOfRoot(t *testing.T) {
	p := rootsOwn(t)
	p.Shell(t, asRoot+"openclaw gateway install")
	p.awaitGateway(t)

	contains(t, p.Shell(t, "seawall setup </dev/null 2>&1 || true"), "It would ask: Move OpenClaw to a user of its own?")
	said := p.Shell(t, "seawall setup --yes 2>&1 || echo ended $?")
	t.Log(said)
	contains(t, said, "done: make the system user \"seawall\"", "done: connect /var/lib/openclaw/.openclaw/openclaw.json", "Protected.", "key held by Seawall, proven", "All of it is undone by: seawall remove")
	contains(t, p.turn(t, asOwn), "openclaw")
	if said := p.Shell(t, "seawall doctor || true"); said != "Seawall is well." {
		t.Errorf("the doctor says\n%s", said)
	}
	said = p.Shell(t, "seawall setup --yes 2>&1 || echo ended $?")
	contains(t, said, "It has: nothing was found", "There is nothing left to do.", "Protected.")
	t.Log(p.Shell(t, "seawall remove --yes"))
	p.awaitGateway(t)
	contains(t, p.turn(t, asRoot), "root")
}
