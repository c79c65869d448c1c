package controls

import (
	"encoding/json"
	"path"
	"slices"
	"strings"

	"github.com/openseawall/seawall/internal/openclaw"
	"github.com/openseawall/seawall/internal/posture"
	"github.com/openseawall/seawall/internal/posture/change"
)

var rateLimit = []string{"gateway.auth.rateLimit", `{"maxAttempts": 10, "windowMs": 60000, "lockoutMs": 300000}`}

// gatewayFixes are the cures by settings of OpenClaw's. Those of a control that
// names an example in its Settings (a token, an address, a list of people) are
// for a person.
var gatewayFixes = map[string]cure{
	"gateway-bind-public": func(f *posture.Facts, s settings) ([]setting, error) {
		for _, p := range s.list("gateway.trustedProxies") {
			if !strings.HasPrefix(p, "127.") && !strings.HasPrefix(p, "::1") {
				return nil, posture.Refuse("a reverse proxy on another machine (gateway.trustedProxies has %s) comes in by this address: bind to loopback once it comes by a tunnel", p)
			}
		}
		return []setting{{path: "gateway.bind", value: "loopback", risk: change.Restart}}, nil
	},
	"gateway-no-auth": func(f *posture.Facts, s settings) ([]setting, error) {
		if !s.has("gateway.auth.token") {
			return nil, posture.Refuse("the gateway has no token yet: openclaw config set gateway.auth.token to the output of openssl rand -hex 32, then plan again")
		}
		return []setting{{path: "gateway.auth.mode", value: "token", risk: change.Restart}}, nil
	},
	"gateway-no-rate-limit": sets(rateLimit...),
	"gateway-trusted-proxies-missing": func(f *posture.Facts, s settings) ([]setting, error) {
		list := []setting{{path: "gateway.trustedProxies", value: []any{"127.0.0.1/32", "::1/128"}, risk: change.Restart}}
		if s.has("gateway.auth.rateLimit") {
			return list, nil
		}
		// Who comes by a proxy is no longer local, so the limit is needed with it.
		limit, err := sets(rateLimit...)(f, s)
		return append(list, limit...), err
	},
	"gateway-real-ip-fallback": sets("gateway.allowRealIpFallback", "false"),
	"gateway-host-header":      sets("gateway.controlUi.dangerouslyAllowHostHeaderOriginFallback", "false"),
	"gateway-device-auth":      sets("gateway.controlUi.dangerouslyDisableDeviceAuth", "false"),
	"gateway-terminal":         sets("gateway.terminal.enabled", "false"),
	"gateway-page-embeds": sets("gateway.controlUi.allowExternalEmbedUrls", "false", "gateway.controlUi.embedSandbox", `"scripts"`,
		"gateway.controlUi.experimental.customPlugins", "false"),
	"gateway-funnel": func(f *posture.Facts, s settings) (list []setting, err error) {
		for _, at := range []string{"gateway.tailscale.mode", "hooks.gmail.tailscale.mode"} {
			if s.text(at, "off") == "funnel" {
				list = append(list, setting{path: at, value: "serve", risk: change.Restart})
			}
		}
		return list, nil
	},
	"gateway-portal":              denials,
	"gateway-control-plane-tools": denials,
	"gateway-http-tools":          sets("gateway.tools.allow", "[]"),
	"gateway-auto-pairing": func(f *posture.Facts, s settings) ([]setting, error) {
		list := []setting{{path: "gateway.nodes.pairing.autoApproveLocal", value: false}}
		if s.has("gateway.nodes.pairing.autoApproveCidrs") {
			list = append(list, setting{path: "gateway.nodes.pairing.autoApproveCidrs", unset: true})
		}
		return list, nil
	},
	"gateway-mdns":            sets("discovery.mdns.mode", `"off"`),
	"gateway-hooks-unwrapped": switchesOff(".allowUnsafeExternalContent"),
	"gateway-dm-open": func(f *posture.Facts, s settings) (list []setting, err error) {
		for _, c := range s.channels() {
			for _, at := range []string{c + ".dmPolicy", c + ".dm.policy"} {
				if s.text(at, "pairing") == "open" {
					list = append(list, setting{path: at, value: "pairing"})
				}
			}
			for _, at := range []string{c + ".allowFrom", c + ".dm.allowFrom"} {
				if v, _ := s.Get(at); slices.Contains(s.list(at), "*") {
					items, _ := v.([]any)
					kept := slices.DeleteFunc(slices.Clone(items), func(i any) bool { return i == "*" })
					list = append(list, setting{path: at, value: append([]any{}, kept...)})
				}
			}
		}
		return list, nil
	},
	"gateway-group-open": func(f *posture.Facts, s settings) (list []setting, err error) {
		for _, c := range append([]string{"channels.defaults"}, s.channels()...) {
			if p := s.text(c+".groupPolicy", "allowlist"); p == "open" || p == "allowall" {
				list = append(list, setting{path: c + ".groupPolicy", value: "allowlist"})
			}
		}
		return list, nil
	},
	"gateway-group-unaddressed": switchesOn(".requireMention"),
	"gateway-shared-session":    sets("session.dmScope", `"per-channel-peer"`),
	"gateway-name-matching":     switchesOff(".dangerouslyAllowNameMatching"),
	"gateway-channel-config-writes": func(f *posture.Facts, s settings) (list []setting, err error) {
		for _, c := range s.channels() {
			if !strings.Contains(c, ".accounts.") && s.on(c+".configWrites", true) {
				list = append(list, setting{path: c + ".configWrites", value: false})
			}
		}
		return list, nil
	},
	"gateway-chat-commands": func(f *posture.Facts, s settings) (list []setting, err error) {
		for _, name := range []string{"bash", "config", "mcp", "plugins", "debug"} {
			if s.on("commands."+name, false) {
				list = append(list, setting{path: "commands." + name, value: false})
			}
		}
		return list, nil
	},
	"gateway-link-preview": func(f *posture.Facts, s settings) (list []setting, err error) {
		for _, c := range s.channels() {
			if len(checkLinkPreview(s, c)) > 0 {
				name, _, _ := strings.Cut(strings.TrimPrefix(c, "channels."), ".")
				list = append(list, setting{path: c + "." + previewOn[name].key, value: !previewOn[name].fetch})
			}
		}
		return list, nil
	},
	"gateway-send-anywhere": func(f *posture.Facts, s settings) ([]setting, error) {
		rules := []any{}
		for _, c := range s.channels() {
			if name := strings.TrimPrefix(c, "channels."); !strings.Contains(name, ".") {
				rules = append(rules, map[string]any{"action": "allow", "match": map[string]any{"channel": name}})
			}
		}
		return []setting{{path: "session.sendPolicy.default", value: "deny"}, {path: "session.sendPolicy.rules", value: rules}}, nil
	},

	"gateway-exec-unasked":           askBeforeExec,
	"gateway-exec-reviewed-by-model": askBeforeExec,
	"gateway-exec-inline-code": func(f *posture.Facts, s settings) (list []setting, err error) {
		for _, at := range s.everywhere("tools.exec.safeBins") {
			bins := s.list(at)
			safe := slices.DeleteFunc(slices.Clone(bins), func(b string) bool { return slices.Contains(interpreters, path.Base(b)) })
			if len(safe) != len(bins) {
				list = append(list, setting{path: at, value: append([]string{}, safe...)})
			}
		}
		return append(list, setting{path: "tools.exec.strictInlineEval", value: true}), nil
	},
	"gateway-exec-writable-path": func(f *posture.Facts, s settings) (list []setting, err error) {
		for _, key := range []string{"tools.exec.safeBinTrustedDirs", "tools.exec.pathPrepend"} {
			for _, at := range s.everywhere(key) {
				dirs := s.list(at)
				kept := slices.DeleteFunc(slices.Clone(dirs), func(d string) bool { return mutableDir(s, d) })
				if len(kept) != len(dirs) {
					list = append(list, setting{path: at, value: append([]string{}, kept...)})
				}
			}
		}
		return list, nil
	},
	"gateway-grants-forever": sets("tools.exec.grantExpiryDays", "7"),
	"gateway-elevated": func(f *posture.Facts, s settings) (list []setting, err error) {
		for _, at := range s.everywhere("tools.elevated") {
			if len(s.Keys(at+".allowFrom")) > 0 && s.on(at+".enabled", true) {
				list = append(list, setting{path: at + ".enabled", value: false})
			}
		}
		return list, nil
	},
	"gateway-sandbox-network": sandboxes("docker.network", "none", func(v string) bool { return v == "host" || strings.HasPrefix(v, "container:") }),
	"gateway-files-anywhere":  sets("tools.fs.workspaceOnly", "true"),
	"gateway-patch-anywhere":  switchesOn("exec.applyPatch.workspaceOnly"),
	"gateway-no-tool-profile": func(f *posture.Facts, s settings) (list []setting, err error) {
		if p := s.text("tools.profile", ""); (p == "" || p == "full") && len(s.list("tools.allow")) == 0 {
			list = append(list, setting{path: "tools.profile", value: "coding"})
		}
		for _, a := range s.agents() {
			if s.text(a+".tools.profile", "") == "full" {
				list = append(list, setting{path: a + ".tools.profile", unset: true})
			}
		}
		return list, nil
	},
	"gateway-cross-agent":  sets("tools.sessions.visibility", `"agent"`, "tools.agentToAgent.enabled", "false"),
	"gateway-no-loop-stop": sets("tools.loopDetection.enabled", "true"),
	"gateway-unattended-scripts": func(f *posture.Facts, s settings) ([]setting, error) {
		if jobs := jobsOf(s.in, func(kind string) bool { return kind == "script" || kind == "trigger" }); len(jobs) > 0 {
			return nil, posture.Refuse("%s would stop: look at openclaw cron list, then set cron.triggers.enabled to false", strings.Join(jobs, ", "))
		}
		return []setting{{path: "cron.triggers.enabled", value: false}}, nil
	},
	"gateway-approve-all-harness": func(f *posture.Facts, s settings) ([]setting, error) {
		return []setting{{path: "plugins.entries.acpx.config.permissionMode", unset: true}}, nil
	},
	"gateway-private-fetch": switchesOff(".dangerouslyAllowPrivateNetwork"),
	"gateway-browser-unsafe": func(f *posture.Facts, s settings) (list []setting, err error) {
		for _, at := range []string{"browser.noSandbox", "browser.allowSystemProfileImport", "browser.extensionRelay.allowLegacyAuth"} {
			if s.on(at, false) {
				list = append(list, setting{path: at, value: false})
			}
		}
		return list, nil
	},
	"gateway-phones-home":    sets("update.checkOnStart", "false", "telemetry.enabled", "false"),
	"gateway-remote-catalog": sets("models.catalogRefresh.enabled", "false"),
	"gateway-audit-off": func(f *posture.Facts, s settings) (list []setting, err error) {
		if !s.on("logging.audit.enabled", true) {
			list = append(list, setting{path: "logging.audit.enabled", value: true})
		}
		if l := s.text("logging.level", "info"); l == "silent" || l == "fatal" {
			list = append(list, setting{path: "logging.level", value: "info"})
		}
		return list, nil
	},
	"gateway-debug-log": func(f *posture.Facts, s settings) (list []setting, err error) {
		for _, at := range []string{"logging.level", "logging.consoleLevel"} {
			if l := s.text(at, "info"); l == "debug" || l == "trace" {
				list = append(list, setting{path: at, value: "info"})
			}
		}
		if s.on("diagnostics.cacheTrace.enabled", false) {
			list = append(list, setting{path: "diagnostics.cacheTrace.enabled", value: false})
		}
		return list, nil
	},
	"skills-self-written": func(f *posture.Facts, s settings) (list []setting, err error) {
		if s.text("skills.workshop.autonomous.mode", "auto") == "auto" {
			list = append(list, setting{path: "skills.workshop.autonomous.mode", value: "propose"})
		}
		return append(list, setting{path: "skills.workshop.approvalPolicy", value: "pending"}), nil
	},
	"skills-from-devices":     sets("gateway.nodes.allowSkills", "false"),
	"skills-uploads":          sets("skills.install.allowUploadedArchives", "false"),
	"secrets-login-shell-env": sets("env.shellEnv.enabled", "false"),
	"integrations-server-idle": func(f *posture.Facts, s settings) (list []setting, err error) {
		for _, name := range s.Keys("mcp.servers") {
			at := "mcp.servers." + strings.ReplaceAll(name, ".", `\.`)
			if idleServer(s, at) {
				list = append(list, setting{path: at, unset: true})
			}
		}
		return list, nil
	},
	"updates-openclaw-channel": sets("update.channel", `"stable"`),
}

// sets sets values at paths: path, JSON, path, JSON, …
func sets(pairs ...string) cure {
	return func(*posture.Facts, settings) (list []setting, err error) {
		for i := 0; i < len(pairs); i += 2 {
			var v any
			if err := json.Unmarshal([]byte(pairs[i+1]), &v); err != nil {
				return nil, err
			}
			list = append(list, setting{path: pairs[i], value: v})
		}
		return list, nil
	}
}

// switchesOff turns every switch off whose path ends so, wherever it is on.
func switchesOff(suffix string) cure { return switches(suffix, true) }

// switchesOn turns every switch on whose path ends so, wherever it is off.
func switchesOn(suffix string) cure { return switches(suffix, false) }

func switches(suffix string, from bool) cure {
	return func(_ *posture.Facts, s settings) (list []setting, err error) {
		s.walk(func(at string, v any) {
			if strings.HasSuffix(at, suffix) && v == from {
				list = append(list, setting{path: at, value: !from})
			}
		})
		return list, nil
	}
}

func sandboxes(key, value string, bad func(string) bool) cure {
	return func(_ *posture.Facts, s settings) (list []setting, err error) {
		for _, at := range s.sandboxes(key) {
			if bad(s.text(at, "")) {
				list = append(list, setting{path: at, value: value})
			}
		}
		return list, nil
	}
}

// denials takes the tools that change the agent, and the one that publishes,
// from it: one list, whichever control asks.
func denials(_ *posture.Facts, s settings) ([]setting, error) {
	deny := s.list("tools.deny")
	for _, tool := range []string{"group:automation", "portal"} {
		if !slices.Contains(deny, tool) {
			deny = append(deny, tool)
		}
	}
	return []setting{{path: "tools.deny", value: deny}}, nil
}

// askBeforeExec has a person asked before commands. OpenClaw's own question is
// refused at once in a run without a person, and asks twice beside Seawall's:
// with jobs, or behind Seawall's plugin, it is not set.
func askBeforeExec(_ *posture.Facts, s settings) (list []setting, err error) {
	if guarded(s) {
		return nil, posture.Refuse("Seawall's plugin is in the path and asks: OpenClaw asking as well would ask twice, and refuse every job")
	}
	if jobs := jobsOf(s.in, func(kind string) bool { return kind != "systemEvent" }); len(jobs) > 0 {
		return nil, posture.Refuse("%s would be refused every command, since nobody is there to be asked: run seawall connect, whose policy asks instead, or set tools.exec.mode to allowlist and name what they run", strings.Join(jobs, ", "))
	}
	for _, a := range s.agentsOrDefaults() {
		if mode, at := s.execMode(a); (mode == "full" || mode == "auto") && !s.contained(a) && !s.noExec(a) {
			base := "tools.exec"
			if a.path != "" && strings.HasPrefix(at, a.path) {
				base = a.path + ".tools.exec"
			}
			list = append(list, setting{path: base + ".mode", value: "ask"})
			for _, old := range []string{".security", ".ask"} {
				if s.has(base + old) {
					list = append(list, setting{path: base + old, unset: true})
				}
			}
		}
	}
	// Asked about by program, an interpreter's -c would hide anything.
	if len(list) > 0 && !s.on("tools.exec.strictInlineEval", false) {
		list = append(list, setting{path: "tools.exec.strictInlineEval", value: true})
	}
	return list, nil
}

// jobsOf names the jobs of an OpenClaw's own scheduler that are of such a kind.
func jobsOf(in openclaw.Install, such func(kind string) bool) (names []string) {
	for _, p := range in.Paired {
		if p.Kind == "job" && slices.ContainsFunc(p.Roles, such) {
			names = append(names, "the job "+p.Name)
		}
	}
	return names
}
