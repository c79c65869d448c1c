package report

import (
	"net/netip"
	"testing"
	"time"

	"github.com/moby/moby/api/types/container"

	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/openclaw"
	"github.com/openseawall/seawall/internal/posture"
	"github.com/openseawall/seawall/internal/posture/probe"
)

// worst is a machine on which everything is wrong at once: an OpenClaw that
// runs as root with every tool, many keys, five messengers that strangers may
// write to, and its port open to the world.
func worst(t *testing.T) *posture.Facts {
	t.Helper()
	config, err := openclaw.ParseConfig([]byte(`{
	  gateway: { port: 18789, bind: "lan", auth: { mode: "none" } },
	  models: { providers: { openai: { apiKey: "a-fake-value" }, anthropic: { apiKey: "${ANTHROPIC_API_KEY}" } } },
	  channels: {
	    telegram: { botToken: "a-fake-value", dmPolicy: "open", allowFrom: ["*"] },
	    discord: { token: "a-fake-value", groupPolicy: "open" },
	    whatsapp: {}, slack: { botToken: "a-fake-value" }, signal: { dmPolicy: "pairing" },
	  },
	}`))
	if err != nil {
		t.Fatal(err)
	}
	gateway := host.Process{PID: 812, Name: "openclaw-gateway", SecretEnv: []string{"OPENAI_API_KEY", "STRIPE_SECRET_KEY", "AWS_SECRET_ACCESS_KEY"}, CapEff: 1<<41 - 1}
	return &posture.Facts{
		Facts: &host.Facts{
			Self:       host.Self{UID: 0, Time: time.Date(2026, 11, 24, 5, 0, 0, 0, time.UTC)},
			OS:         host.Is(host.OS{ID: "debian", Version: "12", Name: "Debian GNU/Linux 12 (bookworm)", Kernel: "6.1.0-28-amd64", Hostname: "claw.example.net", Systemd: true}),
			Users:      host.Is([]host.User{{Name: "root"}, {Name: "ada", UID: 1000, GID: 1000, Home: "/home/ada", Groups: []string{"sudo", "docker"}}}),
			Processes:  host.Is([]host.Process{gateway, {PID: 900, Name: "postgres", SecretEnv: []string{"POSTGRES_PASSWORD"}}}),
			Containers: host.Is([]host.Container{{Inspect: container.InspectResponse{Name: "/shop"}, SecretEnv: []string{"SHOP_ADMIN_TOKEN"}}}),
			Firewall:   host.Is(host.Firewall{Tool: "nft"}),
			Sockets: host.Is([]host.Socket{
				{Proto: "tcp", Addr: netip.MustParseAddrPort("0.0.0.0:18789"), PID: 812, Process: "openclaw-gateway"},
				{Proto: "tcp", Addr: netip.MustParseAddrPort("[::]:18789"), PID: 812, Process: "openclaw-gateway"},
				{Proto: "tcp", Addr: netip.MustParseAddrPort("0.0.0.0:3000"), PID: 990, Process: "node"},
				{Proto: "tcp", Addr: netip.MustParseAddrPort("127.0.0.1:5432"), PID: 900, Process: "postgres"},
			}),
			Docker: host.NotRead[host.Docker]("the Docker socket did not answer within 5s"),
		},
		OpenClaw: host.Is([]openclaw.Install{{
			Version: "2026.9.6", StateDir: "/root/.openclaw", Owner: "root", Process: &gateway, Config: config,
			Workspaces: []string{"/root/clawd"},
			Files: []openclaw.File{
				{FileInfo: host.FileInfo{Path: "/root/clawd/MEMORY.md"}, Kind: "memory", Secrets: []openclaw.SecretAt{{Rule: "github-token", Line: 12}}},
			},
		}}),
	}
}

// some are controls enough to fill every part of a report.
var some = []posture.Control{
	posture.BoundaryControl,
	fake("gateway-no-auth", posture.Gateway, posture.Critical, "The gateway asks nobody who he is", "openclaw config set gateway.auth.mode token", posture.On("0.0.0.0:18789", "gateway.auth.mode is none and 0.0.0.0:18789 answers")),
	fake("gateway-exec-unasked", posture.Gateway, posture.High, "Commands run without asking", "openclaw config set tools.exec.mode ask, or connect Seawall, which asks for what leaves, spends or destroys", posture.On("/root/.openclaw/openclaw.json:1", "tools.exec.mode is not set, which means full")),
	fake("gateway-dm-open", posture.Gateway, posture.Critical, "Anyone may give the agent orders", "openclaw config set channels.telegram.dmPolicy pairing", posture.On("channels.telegram", "dmPolicy is open"), posture.On("channels.discord", "groupPolicy is open").At(posture.High)),
	fake("ssh-password-login", posture.SSH, posture.High, "SSH accepts passwords", "write PasswordAuthentication no to /etc/ssh/sshd_config.d/00-seawall.conf", posture.On("22", "anyone who reaches port 22 may try passwords")),
	fake("firewall-no-default-drop", posture.Firewall, posture.High, "Nothing is closed by default", "drop incoming traffic by default, for IPv4 and IPv6", posture.On("", "no chain of the live ruleset drops incoming traffic")),
	fake("secrets-provider-key", posture.Secrets, posture.High, "Keys are in the config as text", "seawall connect moves them out of the agent's reach", posture.On("/root/.openclaw/openclaw.json", "openai apiKey, telegram botToken and 2 more")),
	fake("updates-not-automatic", posture.Updates, posture.Medium, "Security updates wait for a person", "apt-get install unattended-upgrades", posture.On("", "unattended-upgrades is not installed")),
	fake("state-dir-mode", posture.State, posture.Low, "Others may read OpenClaw's state", "chmod 0700 /root/.openclaw"),
	{ID: "docker-socket", Title: "Docker's socket is open", Family: posture.Docker, Severity: posture.High, Needs: []posture.Need{posture.Daemon}, Check: func(*posture.Facts) []posture.Finding { return nil }},
	{ID: "compose-privileged", Title: "A service is privileged", Family: posture.Compose, Severity: posture.High, Needs: []posture.Need{{Name: "compose files", Of: func(*posture.Facts) (host.Status, string) { return host.Absent, "no compose file was found" }}}, Check: func(*posture.Facts) []posture.Finding { return nil }},
	{ID: "skills-panics", Title: "A check with a fault", Family: posture.Skills, Severity: posture.Low, Check: func(*posture.Facts) []posture.Finding { panic("index out of range") }},
}

func fake(id string, family posture.Family, s posture.Severity, title, advice string, found ...posture.Finding) posture.Control {
	return posture.Control{
		ID: id, Title: title, Family: family, Severity: s, Advice: advice,
		Why: "Whoever uses this owns what the agent owns.", Source: "hardening guide",
		CheckIDs: map[string][]string{"gateway-exec-unasked": {"tools.exec.security_full_configured"}}[id],
		Check:    func(*posture.Facts) []posture.Finding { return found },
	}
}

// worstAudit is the audit of the worst machine, a day after a better one.
func worstAudit(t *testing.T) *posture.Audit {
	t.Helper()
	facts := worst(t)
	a := posture.Run(t.Context(), facts, some)
	probe.Complete(a, facts)
	before := posture.Run(t.Context(), &posture.Facts{Facts: facts.Facts, OpenClaw: host.None[[]openclaw.Install]("no OpenClaw was found")}, some[:9])
	before.Time = a.Time.Add(-24 * time.Hour)
	before.Ports = before.Ports[1:]
	Compare(before, a)
	return a
}
