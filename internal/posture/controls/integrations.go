package controls

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/openclaw"
	"github.com/openseawall/seawall/internal/posture"
)

// unused is after how long something that nobody used is more risk than help.
const unused = 60 * 24 * time.Hour

// The integration controls: what was once connected to the agent, what it
// reaches, and whether anyone still uses it.
var integrationControls = []posture.Control{
	server("integrations-server-writable", "A tool server's program lies where the agent writes", posture.High,
		"The agent, or who talks it into it, replaces the program; at the next start it runs with every key that the server has.",
		"Install the program outside the workspace, owned by root", docs+"tools/mcp; CVE-2025-54136 (a tool server that is changed after it was approved)", nil,
		func(s settings, at string) []posture.Finding {
			for _, w := range append([]string{s.text(at+".command", "")}, s.list(at+".args")...) {
				if path.IsAbs(w) && !strings.HasPrefix(w, "/home/") && !strings.HasPrefix(w, "/root/") && mutableDir(s, path.Dir(w)) || inside(s.in.Workspaces, w) {
					return posture.Found("%s runs %s", at, w)
				}
			}
			return nil
		}),
	server("integrations-server-wide", "A tool server is handed more than a workspace", posture.High,
		"A file server over / or a home is every file of the account, past the limits on OpenClaw's own file tools.",
		"Give it the one directory that the work needs", docs+"tools/mcp; "+baseline+", blast radius; CVE-2025-53109, CVE-2025-53110 (a file server's limits that did not hold)", nil,
		func(s settings, at string) []posture.Finding {
			for _, a := range s.list(at + ".args") {
				source, _, _ := strings.Cut(a, ":")
				if why := tooWide(source); path.IsAbs(source) && why != "" || a == "--privileged" || source == s.in.StateDir && source != "" {
					return posture.Found("%s gets %s", at, a)
				}
			}
			return nil
		}),
	server("integrations-server-shell", "A tool server is a shell command", posture.Medium,
		"What a shell line starts can be a download that is other at every start, and no version pins it.",
		"Name the program itself in command, with its arguments", docs+"tools/mcp", nil,
		func(s settings, at string) []posture.Finding {
			name := path.Base(s.text(at+".command", ""))
			if args := s.list(at + ".args"); slices.Contains([]string{"sh", "bash", "dash", "zsh"}, name) && slices.ContainsFunc(args, func(a string) bool { return strings.HasPrefix(a, "-") && strings.Contains(a, "c") }) {
				return posture.Found("%s runs %s -c", at, name)
			}
			return nil
		}),
	server("integrations-server-no-sign-in", "A remote tool server takes anyone", posture.Low,
		"Nothing in the config signs in: either the server is open to all, and so is what it holds, or its address is the secret.",
		"Use a server with OAuth or a token (headers with a SecretRef)", docs+"tools/mcp; CVE-2025-49596 (MCP Inspector without sign-in)", nil,
		func(s settings, at string) []posture.Finding {
			url := s.text(at+".url", "")
			if url == "" || s.has(at+".headers") || s.has(at+".auth") || s.has(at+".oauth") || strings.Contains(url, "://127.") || strings.Contains(url, "://localhost") || strings.Contains(url, "://[::1]") {
				return nil
			}
			return posture.Found("%s has neither headers nor oauth", at)
		}),
	paired("integrations-device-forgotten", "A paired device has not been seen for two months", posture.Medium,
		"It still gets in without a question, from the drawer it lies in or from whoever has it now.",
		"openclaw devices remove ID", baseline+", remove stale integrations",
		func(p host.Paired, now time.Time) string {
			if p.Kind == "device" && stale(p, now) {
				return fmt.Sprintf("%s (%s) was last seen on %s", p.Name, strings.Join(p.Roles, ", "), day(p.LastSeen))
			}
			return ""
		}),
	paired("integrations-device-silent", "A device was paired without anyone being asked", posture.Medium,
		"It looked local, or came from a trusted network, and became an operator: a program on this machine can do that as well as a laptop.",
		"openclaw devices list; remove what is not yours, then set gateway.nodes.pairing.autoApproveLocal to false", docs+"gateway/pairing",
		func(p host.Paired, _ time.Time) string {
			if p.Kind == "device" && (p.Via == "silent" || p.Via == "trusted-cidr") && slices.ContainsFunc(p.Scopes, func(s string) bool { return s == "operator.admin" || s == "operator.approvals" }) {
				return fmt.Sprintf("%s got %s by %s on %s", p.Name, strings.Join(p.Scopes, ", "), p.Via, day(p.Since))
			}
			return ""
		}),
	paired("integrations-grant-forgotten", "A standing permission of a job has not been used for two months", posture.Medium,
		"“Always allow” was said for a job that no longer needs it; what talks the agent into that command is not asked about.",
		"openclaw approvals; revoke the grant", docs+"tools/exec-approvals; "+baseline+", one-time approvals stay one-time",
		func(p host.Paired, now time.Time) string {
			if p.Kind == "grant" && stale(p, now) {
				return fmt.Sprintf("the grant for %s was last used on %s", p.Name, day(p.LastSeen))
			}
			return ""
		}),
	server("integrations-server-idle", "A tool server is configured and switched off", posture.Info,
		"Its keys and its program are still there, and one setting starts it again.",
		"openclaw mcp unset NAME, and delete its keys", baseline+", remove stale integrations", nil,
		func(s settings, at string) []posture.Finding {
			if idleServer(s, at) {
				return posture.Found("%s is switched off", at)
			}
			return nil
		}),
	{
		ID: "integrations-login-lapsed", Title: "A provider's login lapsed and is still kept", Family: posture.Integrations, Severity: posture.Low,
		Why:    "Its refresh token may still be good for whoever finds it, and nobody would miss it.",
		Advice: "openclaw models auth remove PROFILE, and end the session at the provider",
		Source: baseline + ", rotating old credentials",
		Needs:  []posture.Need{agentFiles},
		Check: func(f *posture.Facts) (found []posture.Finding) {
			for _, in := range f.OpenClaw.Value {
				for _, c := range in.Credentials {
					if !c.Expires.IsZero() && !f.Self.Time.IsZero() && f.Self.Time.Sub(c.Expires) > unused {
						found = append(found, posture.On(c.Profile, "the login of %s ended on %s", c.Provider, day(c.Expires)))
					}
				}
			}
			return found
		},
	},
}

// idleServer reports whether a tool server is switched off.
func idleServer(s settings, at string) bool {
	return s.has(at+".enabled") && !s.on(at+".enabled", true) || s.on(at+".disabled", false)
}

// server makes a control that looks at every MCP server of a config; at is its path.
func server(id, title string, severity posture.Severity, why, advice, source string, cure map[string]string, judge func(s settings, at string) []posture.Finding) posture.Control {
	c := config(id, title, severity, why, advice, source, nil, cure, func(s settings) (found []posture.Finding) {
		for _, name := range s.Keys("mcp.servers") {
			found = append(found, judge(s, "mcp.servers."+strings.ReplaceAll(name, ".", `\.`))...)
		}
		return found
	})
	c.Family = posture.Integrations
	return c
}

// paired makes a control about what OpenClaw lets in without asking again.
func paired(id, title string, severity posture.Severity, why, advice, source string, judge func(host.Paired, time.Time) string) posture.Control {
	return posture.Control{
		ID: id, Title: title, Family: posture.Integrations, Severity: severity, Why: why, Advice: advice, Source: source,
		Needs: []posture.Need{agentFiles, pairedKnown},
		Check: func(f *posture.Facts) (found []posture.Finding) {
			for _, in := range f.OpenClaw.Value {
				for _, p := range in.Paired {
					if wrong := judge(p, f.Self.Time); wrong != "" {
						found = append(found, posture.On(p.ID, "%s", wrong))
					}
				}
			}
			return found
		},
	}
}

// pairedKnown needs OpenClaw's database of devices.
var pairedKnown = posture.Need{Name: "paired devices", Of: func(f *posture.Facts) (host.Status, string) {
	for _, in := range f.OpenClaw.Value {
		if in.PairedUnknown != "" {
			return host.Unknown, in.PairedUnknown
		}
	}
	return f.OpenClaw.State()
}}

// stale reports whether something was neither made nor used within unused.
func stale(p host.Paired, now time.Time) bool {
	last := p.LastSeen
	if last.Before(p.Since) {
		last = p.Since
	}
	return !now.IsZero() && !last.IsZero() && now.Sub(last) > unused
}

func day(t time.Time) string {
	if t.IsZero() {
		return "no day that is written down"
	}
	return t.Format(time.DateOnly)
}

// inside reports whether a path lies in one of some folders.
func inside(folders []string, name string) bool {
	return slices.ContainsFunc(folders, func(dir string) bool { return dir != "" && strings.HasPrefix(path.Clean(name), dir+"/") })
}

// proseControl shows rules about approvals that stand only in prose.
var proseControl = posture.Control{
	ID: "gateway-rule-in-prose", Title: "A rule about approvals stands only in a prompt", Family: posture.Gateway, Severity: posture.Info,
	Why: "“Always ask before” in AGENTS.md, SOUL.md or a skill is a wish: the model may forget it, and whoever writes to the agent may talk it out of it. " +
		"What no setting and no policy says, nobody enforces.",
	Advice: "Make it a setting, or a rule of Seawall's policy",
	Source: baseline + ", escalation visible and not buried in prompt assumptions; " + docs + "gateway/security/prompt-injection",
	Needs:  []posture.Need{agentFiles, agentConfig},
	Check: func(f *posture.Facts) []posture.Finding {
		return eachConfig(func(s settings) (found []posture.Finding) {
			for _, w := range s.in.Wishes {
				g := gateOf[w.About]
				if g.holds == nil || g.holds(s) {
					continue
				}
				found = append(found, posture.On(fmt.Sprintf("%s:%d", w.File, w.Line), "“%s” is a wish: %s", clip(w.Text), g.but).Do(g.advice))
			}
			return found
		})(f)
	},
}

// gateOf tells, by what a wish is about, whether a setting enforces it, why not
// where none does, and what would.
var gateOf = map[string]struct {
	holds       func(settings) bool
	but, advice string
}{
	"run": {
		func(s settings) bool {
			mode, _ := s.execMode(agent{})
			return s.noExec(agent{}) || mode == "ask" || guarded(s)
		},
		"commands run without a question", "Set tools.exec.mode to ask, or run seawall connect: its policy asks for what destroys",
	},
	"send": {
		func(s settings) bool {
			return s.denied("message") || s.denied("*") || len(s.channels()) == 0 || guarded(s)
		},
		"the message tool sends without a question", "Deny the message tool, or run seawall connect: its policy asks for what leaves the machine",
	},
	"spend": {guarded, "no setting of OpenClaw's knows what costs money", "Run seawall connect: its policy asks for what spends"},
	"change": {
		func(s settings) bool {
			return s.denied("group:automation") || s.denied("group:openclaw") || s.denied("gateway") && s.denied("openclaw") || guarded(s)
		},
		"the tools that change the agent are not denied", "Deny group:automation in tools.deny",
	},
	"": {guarded, "nothing says what it is about", "Say in Seawall's policy which action it means"},
}

// guarded reports whether Seawall's plugin is loaded by the config: then its
// policy asks, whatever OpenClaw's own settings say, and without its doors
// nothing runs.
func guarded(s settings) bool {
	allow := s.list("plugins.allow")
	return s.on("plugins.enabled", true) && s.on("plugins.entries.seawall-guard.enabled", false) &&
		(len(allow) == 0 || slices.Contains(allow, "seawall-guard")) && !slices.Contains(s.list("plugins.deny"), "seawall-guard")
}

// secretsAtHome are about what lies in the home of the agent's account.
var secretsAtHome = []posture.Control{
	inFiles("secrets-in-history", "The shell history of the agent's account has a secret in it", posture.High,
		"The agent reads its own home: a key that was typed once is in there, and in every copy.",
		"Replace the key and delete the line; HISTCONTROL=ignorespace keeps the next one out", "history"),
	inFiles("secrets-in-git", "A git remote has a password in its address", posture.High,
		"git remote -v shows it to the agent, and every error message to its reader.",
		"Replace the token; use a deploy key or a credential helper for this one repository", "git"),
	{
		ID: "secrets-other-logins", Title: "Logins to other services lie in the home of the agent's account", Family: posture.Secrets, Severity: posture.Medium,
		Why:    "Cloud, registry, code host and SSH keys that a person left there are the agent's: nothing keeps one command of it from using them.",
		Advice: "Move them to your own account, or give OpenClaw an account of its own: seawall connect --own-user",
		Source: baseline + ", only the credentials needed for the current deployment",
		Needs:  []posture.Need{agentFiles},
		Check: eachFile(func(in openclaw.Install, file openclaw.File) []posture.Finding {
			if file.Kind != "login" {
				return nil
			}
			return posture.Found("the agent (%s) can read it", in.Owner)
		}),
	},
}
