package controls

import (
	"path"
	"slices"
	"strings"

	"github.com/openseawall/seawall/internal/posture"
)

// gatewayTools: what the agent may do, and who is asked.
var gatewayTools = []posture.Control{
	config("gateway-exec-unasked", "The agent runs any command without asking", posture.High,
		"OpenClaw's default: a sentence in a web page that the model obeys is a command on this machine, at once. Irreversible actions need a person.",
		"Set tools.exec.mode to ask or allowlist (a run without a person is then refused, cron jobs too)",
		docs+"tools/exec-approvals; "+baseline+", approval boundaries; "+guide+", human in the loop",
		[]string{"tools.exec.security_full_configured", "security.exposure.open_channels_with_exec"},
		map[string]string{"tools.exec.mode": `"ask"`},
		func(s settings) (found []posture.Finding) {
			if guarded(s) { // one approver at a time: Seawall's policy asks
				return nil
			}
			for _, a := range s.agentsOrDefaults() {
				if mode, at := s.execMode(a); mode == "full" && !s.contained(a) && !s.noExec(a) {
					found = append(found, posture.Found("%s: %s", a.name, at)...)
				}
			}
			return found
		}),
	config("gateway-exec-reviewed-by-model", "A model decides which commands need no person", posture.Low,
		"Mode auto asks a classifier first. It lowers the noise; what talks one model into a command may talk two.",
		"Set tools.exec.mode to ask", docs+"tools/exec-approvals",
		nil, map[string]string{"tools.exec.mode": `"ask"`},
		func(s settings) (found []posture.Finding) {
			for _, a := range s.agentsOrDefaults() {
				if mode, _ := s.execMode(a); mode == "auto" && !s.contained(a) && !s.noExec(a) {
					found = append(found, posture.Found("%s: tools.exec.mode is auto", a.name)...)
				}
			}
			return found
		}),
	config("gateway-exec-inline-code", "An allowed interpreter runs code nobody was asked about", posture.Medium,
		"Once python or sh is allowed, python -c and sh -c are anything: a risky command hides inside an approved one.",
		"Set tools.exec.strictInlineEval to true and take interpreters out of safeBins", docs+"tools/exec-approvals",
		[]string{"tools.exec.safe_bins_interpreter_unprofiled", "tools.exec.safe_bins_broad_behavior", "tools.exec.allowlist_interpreter_without_strict_inline_eval"},
		map[string]string{"tools.exec.strictInlineEval": "true", "tools.exec.safeBins": `["jq"]`},
		func(s settings) (found []posture.Finding) {
			for _, at := range s.everywhere("tools.exec.safeBins") {
				for _, bin := range s.list(at) {
					if slices.Contains(interpreters, path.Base(bin)) {
						found = append(found, posture.Found("%s has %s", at, bin)...)
					}
				}
			}
			mode, _ := s.execMode(agent{name: "every agent"})
			if (mode == "allowlist" || mode == "ask") && !s.on("tools.exec.strictInlineEval", false) && !s.noExec(agent{}) {
				found = append(found, posture.Found("tools.exec.strictInlineEval is off")...)
			}
			return found
		}),
	config("gateway-exec-writable-path", "Programs are trusted by a directory that others write", posture.High,
		"A program put there runs without a question.",
		"Remove the directory from safeBinTrustedDirs and pathPrepend", docs+"tools/exec-approvals",
		[]string{"tools.exec.safe_bin_trusted_dirs_risky"}, map[string]string{"tools.exec.safeBinTrustedDirs": `["/usr/bin"]`},
		func(s settings) (found []posture.Finding) {
			for _, key := range []string{"tools.exec.safeBinTrustedDirs", "tools.exec.pathPrepend"} {
				for _, at := range s.everywhere(key) {
					for _, dir := range s.list(at) {
						if mutableDir(s, dir) {
							found = append(found, posture.Found("%s has %s", at, dir)...)
						}
					}
				}
			}
			return found
		}),
	config("gateway-grants-forever", "“Always allow” is for ever", posture.Medium,
		"A one-time approval should stay one-time. A standing grant outlives the reason for it, and the risk it was judged by.",
		"Set tools.exec.grantExpiryDays, for example 7", docs+"tools/exec-approvals; "+baseline+", one-time approvals",
		nil, map[string]string{"tools.exec.grantExpiryDays": "7"},
		func(s settings) []posture.Finding {
			days, ok := s.Int("tools.exec.grantExpiryDays")
			switch {
			case !ok && !s.noExec(agent{}):
				return posture.Found("tools.exec.grantExpiryDays is not set: grants of automations do not expire")
			case days > 90:
				return posture.Found("tools.exec.grantExpiryDays is %d", days)
			}
			return nil
		}),
	config("gateway-elevated", "A chat may lift the agent out of its limits", posture.High,
		"Elevated runs on the host, past the sandbox. With “*” every sender is trusted so; with many, nobody knows who.",
		"Set tools.elevated.enabled to false, or name one sender", docs+"gateway/sandbox-vs-tool-policy-vs-elevated",
		[]string{"tools.elevated.allowFrom.*.wildcard", "tools.elevated.allowFrom.*.large"},
		map[string]string{"tools.elevated.enabled": "false"}, checkElevated),
	config("gateway-sandbox-off", "The agent's tools run on the host itself", posture.Medium,
		"Off unless set. Assume that the model is talked into something: a sandbox keeps the mistake local. Not in OpenClaw's own audit unless a sandbox is half configured.",
		"Set agents.defaults.sandbox.mode to all, with Docker; or run the whole of OpenClaw in a container",
		docs+"gateway/sandboxing; "+baseline+", containment",
		[]string{"sandbox.docker_config_mode_off", "tools.exec.host_sandbox_no_sandbox_defaults", "tools.exec.host_sandbox_no_sandbox_agents"},
		map[string]string{"agents.defaults.sandbox.mode": `"all"`},
		func(s settings) (found []posture.Finding) {
			if s.in.Container != "" {
				return nil
			}
			for _, a := range s.agentsOrDefaults() {
				switch mode := s.sandbox(a, "mode", "off"); {
				case mode == "off" && !s.noExec(a) && s.in.Process != nil && confinedUnit(s.in):
					found = append(found, rated(posture.Low, posture.Found("%s: sandbox.mode is off; commands run in the unit %s, which is confined", a.name, s.in.Unit))...)
				case mode == "off" && !s.noExec(a):
					found = append(found, posture.Found("%s: sandbox.mode is off", a.name)...)
				case mode == "non-main" && !s.noExec(a):
					found = append(found, rated(posture.Low, posture.Found("%s: sandbox.mode is non-main: the main session runs on the host", a.name))...)
				}
			}
			return found
		}),
	config("gateway-sandbox-network", "The sandbox is on the host's network", posture.High,
		"Every service on 127.0.0.1, the gateway too, is then inside.",
		"Set agents.defaults.sandbox.docker.network to none, or to a network of its own", docs+"gateway/config-agents/sandbox",
		[]string{"sandbox.dangerous_network_mode"}, map[string]string{"agents.defaults.sandbox.docker.network": `"none"`},
		eachSandbox("docker.network", func(v string) bool { return v == "host" || strings.HasPrefix(v, "container:") })),
	config("gateway-sandbox-mounts", "The sandbox sees the host's own files", posture.High,
		"A sandbox with /etc, a home directory or the Docker socket in it is none.",
		"Name the work's own directories only in sandbox.docker.binds", docs+"gateway/config-agents/sandbox",
		[]string{"sandbox.dangerous_bind_mount", "sandbox.bind_mount_non_absolute"},
		map[string]string{"agents.defaults.sandbox.docker.binds": `["/srv/project:/project:ro"]`}, checkSandboxBinds),
	config("gateway-sandbox-unconfined", "The sandbox has its walls taken out", posture.High,
		"seccomp and AppArmor are what keep a kernel hole from being the end of the sandbox.",
		"Remove seccompProfile and apparmorProfile unconfined and every dangerouslyAllow…", docs+"gateway/config-agents/sandbox",
		[]string{"sandbox.dangerous_seccomp_profile", "sandbox.dangerous_apparmor_profile"},
		nil, checkSandboxWalls),
	config("gateway-sandbox-browser", "The sandbox's browser can be driven from elsewhere", posture.Medium,
		"The bridge to its debugging port takes whoever reaches it; the port is the whole browser.",
		"Set agents.defaults.sandbox.browser.cdpSourceRange to the sandbox's own network", docs+"gateway/security/browser-control",
		[]string{"sandbox.browser_cdp_bridge_unrestricted"}, map[string]string{"agents.defaults.sandbox.browser.cdpSourceRange": `"172.21.0.1/32"`},
		func(s settings) (found []posture.Finding) {
			for _, at := range s.sandboxes("browser") {
				if s.on(at+".enabled", false) && s.text(at+".cdpSourceRange", s.text("agents.defaults.sandbox.browser.cdpSourceRange", "")) == "" {
					found = append(found, posture.Found("%s.enabled is on and cdpSourceRange is not set", at)...)
				}
			}
			return found
		}),
	config("gateway-exec-past-file-limits", "File tools are denied and the shell is not", posture.Medium,
		"Denying read and write does not make the agent read-only: exec does all of it.",
		"Deny group:runtime as well in tools.deny, or set agents.defaults.sandbox.workspaceAccess to ro", docs+"gateway/security/tool-permissions",
		[]string{"tools.exec.fs_tools_disabled_but_exec_enabled"}, map[string]string{"tools.deny": `["group:fs", "group:runtime", "group:automation"]`},
		func(s settings) []posture.Finding {
			if (s.denied("group:fs") || s.denied("write")) && !s.noExec(agent{}) && s.sandbox(agent{}, "workspaceAccess", "none") == "rw" {
				return posture.Found("tools.deny has the file tools, and exec writes to the workspace")
			}
			if (s.denied("group:fs") || s.denied("write")) && !s.noExec(agent{}) && !s.contained(agent{}) {
				return posture.Found("tools.deny has the file tools, and exec runs on the host")
			}
			return nil
		}),
	config("gateway-files-anywhere", "The agent's file tools reach every file of its account", posture.Medium,
		"Unless set, read and write are not kept to the workspace: ~/.ssh and the config with its keys are a file away.",
		"Set tools.fs.workspaceOnly to true (exec is not held by it: use the sandbox too)",
		docs+"gateway/security/tool-permissions; "+baseline+", blast radius", nil,
		map[string]string{"tools.fs.workspaceOnly": "true"},
		func(s settings) []posture.Finding {
			if s.on("tools.fs.workspaceOnly", false) || s.denied("group:fs") || s.containedEverywhere() {
				return nil
			}
			return posture.Found("tools.fs.workspaceOnly is off")
		}),
	config("gateway-patch-anywhere", "apply_patch may write outside the workspace", posture.High,
		"Somebody took away the one limit that is there by default.",
		"Remove tools.exec.applyPatch.workspaceOnly", docs+"gateway/security/network-exposure, dangerous flags",
		[]string{"config.insecure_or_dangerous_flags"}, map[string]string{"tools.exec.applyPatch.workspaceOnly": "true"},
		func(s settings) (found []posture.Finding) {
			for _, at := range s.everywhere("tools.exec.applyPatch.workspaceOnly") {
				if !s.on(at, true) {
					found = append(found, posture.Found("%s is false", at)...)
				}
			}
			return found
		}),
	config("gateway-no-tool-profile", "Every tool there is, is the agent's", posture.Medium,
		"Unset and full both mean no filter: shell, files, browser, nodes, plugins. Start from what the work needs.",
		"Set tools.profile to messaging or coding and add single tools with alsoAllow", docs+"gateway/config-tools/tool-policy",
		[]string{"tools.profile_minimal_overridden", "plugins.tools_reachable_permissive_policy"}, map[string]string{"tools.profile": `"coding"`},
		func(s settings) (found []posture.Finding) {
			if p := s.text("tools.profile", ""); (p == "" || p == "full") && len(s.list("tools.allow")) == 0 {
				found = posture.Found("tools.profile is %s", orUnset(p))
			}
			for _, a := range s.agents() {
				if s.text(a+".tools.profile", "") == "full" && s.text("tools.profile", "") != "full" {
					found = append(found, posture.Found("%s.tools.profile is full", a)...)
				}
			}
			return found
		}),
	config("gateway-control-plane-tools", "The agent may change itself", posture.High,
		"gateway, plugins, automations and openclaw install code, schedule work and rewrite the config, past every wish in a prompt.",
		"Deny the tools that change it: tools.deny [\"group:automation\"]", docs+"gateway/security/hardened-baseline",
		[]string{"security.exposure.open_groups_with_control_plane_tools"}, map[string]string{"tools.deny": `["group:automation"]`},
		func(s settings) []posture.Finding {
			if p := s.text("tools.profile", ""); p == "messaging" || p == "minimal" {
				return nil
			}
			var free []string
			for _, tool := range []string{"automations", "gateway", "plugins", "openclaw"} {
				if !s.denied(tool) && !s.denied("group:automation") && !s.denied("group:openclaw") {
					free = append(free, tool)
				}
			}
			if len(free) == 0 {
				return nil
			}
			return posture.Found("%s are not denied", strings.Join(free, ", "))
		}),
	config("gateway-cross-agent", "One agent reads and steers the others", posture.Medium,
		"The agent that reads strangers' mail can then send orders to the one with the keys.",
		"Set tools.sessions.visibility to agent and tools.agentToAgent.enabled to false", docs+"gateway/security/hardened-baseline",
		[]string{"security.trust_model.cross_agent_session_access_default"},
		map[string]string{"tools.sessions.visibility": `"agent"`, "tools.agentToAgent.enabled": "false"},
		func(s settings) []posture.Finding {
			if len(s.agents()) < 2 {
				return nil
			}
			v := s.text("tools.sessions.visibility", "all")
			if v == "agent" || v == "self" || !s.on("tools.agentToAgent.enabled", true) || len(s.list("tools.agentToAgent.allow")) > 0 {
				return nil
			}
			return posture.Found("there are %d agents, tools.sessions.visibility is %s and tools.agentToAgent is on", len(s.agents()), v)
		}),
	config("gateway-no-loop-stop", "Nothing stops an agent that repeats itself", posture.Low,
		"A loop of the same call spends money and does its damage again and again until somebody looks.",
		"Set tools.loopDetection.enabled to true", docs+"gateway/config-tools/built-in-tools (off unless set)",
		nil, map[string]string{"tools.loopDetection.enabled": "true"},
		func(s settings) []posture.Finding {
			if !s.on("tools.loopDetection.enabled", false) {
				return posture.Found("tools.loopDetection.enabled is off")
			}
			return nil
		}),
	config("gateway-unattended-scripts", "Scheduled scripts run with every tool and no person", posture.Medium,
		"On unless set: triggers and script payloads of jobs run unattended with the agent's full tool policy, exec included.",
		"Set cron.triggers.enabled to false unless a job of yours needs it", docs+"automation/cron-jobs; "+baseline+", jobs of known purpose",
		nil, map[string]string{"cron.triggers.enabled": "false"},
		func(s settings) []posture.Finding {
			if s.on("cron.enabled", true) && s.on("cron.triggers.enabled", true) && !s.noExec(agent{}) {
				return posture.Found("cron.triggers.enabled is on")
			}
			return nil
		}),
	config("gateway-approve-all-harness", "A coding harness approves everything by itself", posture.High,
		"approve-all hands the machine to another agent, without OpenClaw's approvals.",
		"Remove plugins.entries.acpx.config.permissionMode", docs+"gateway/security/network-exposure, dangerous flags",
		[]string{"config.insecure_or_dangerous_flags"}, nil,
		func(s settings) []posture.Finding {
			if s.text("plugins.entries.acpx.config.permissionMode", "") == "approve-all" {
				return posture.Found("plugins.entries.acpx.config.permissionMode is approve-all")
			}
			return nil
		}),
}

// agent is one agent of the config; an empty path is the defaults.
type agent struct{ path, name string }

func (s settings) agentsOrDefaults() []agent {
	all := []agent{{"", "every agent"}}
	for _, p := range s.agents() {
		if s.has(p+".tools.exec") || s.has(p+".sandbox") || s.has(p+".tools.profile") {
			all = append(all, agent{p, strings.TrimPrefix(p, "agents.entries.")})
		}
	}
	return all
}

// execMode returns how an agent's commands are decided and where that stands.
// OpenClaw's default on the gateway host is security full, ask off.
func (s settings) execMode(a agent) (mode, at string) {
	for _, prefix := range []string{a.path, ""} {
		base := joined(prefix, "tools.exec")
		if m := s.text(base+".mode", ""); m != "" {
			return m, base + ".mode is " + m
		}
		switch security, ask := s.text(base+".security", ""), s.text(base+".ask", ""); {
		case security == "deny":
			return "deny", base + ".security is deny"
		case ask == "always", ask == "on-miss" && security == "allowlist":
			return "ask", base + ".ask is " + ask
		case security == "allowlist":
			return "allowlist", base + ".security is allowlist"
		case security == "full":
			return "full", base + ".security is full and nobody is asked"
		}
	}
	return "full", "tools.exec.mode is not set, which means full: no question"
}

// sandbox reads a sandbox setting of an agent, or the defaults'.
func (s settings) sandbox(a agent, key, unset string) string {
	unset = s.text("agents.defaults.sandbox."+key, unset)
	if a.path == "" {
		return unset
	}
	return s.text(a.path+".sandbox."+key, unset)
}

// contained reports whether an agent's commands run in a sandbox.
func (s settings) contained(a agent) bool {
	host := s.text(joined(a.path, "tools.exec.host"), s.text("tools.exec.host", "auto"))
	return s.sandbox(a, "mode", "off") == "all" && (host == "auto" || host == "sandbox")
}

func (s settings) containedEverywhere() bool {
	return !slices.ContainsFunc(s.agentsOrDefaults(), func(a agent) bool { return !s.contained(a) })
}

// noExec reports whether an agent has no shell at all: by profile, by a deny,
// or by mode deny.
func (s settings) noExec(a agent) bool {
	if mode, _ := s.execMode(a); mode == "deny" {
		return true
	}
	if s.denied("exec") || s.denied("group:runtime") || a.path != "" && slices.ContainsFunc(s.list(a.path+".tools.deny"), deniesExec) {
		return true
	}
	profile := s.text(joined(a.path, "tools.profile"), s.text("tools.profile", ""))
	if profile != "minimal" && profile != "messaging" {
		return false
	}
	for _, prefix := range []string{"", a.path} {
		for _, key := range []string{"tools.alsoAllow", "tools.allow"} {
			if slices.ContainsFunc(s.list(joined(prefix, key)), deniesExec) {
				return false
			}
		}
	}
	return true
}

// deniesExec reports whether a tool list's entry names the shell.
func deniesExec(entry string) bool {
	return slices.Contains([]string{"exec", "bash", "group:runtime", "*"}, strings.ToLower(entry))
}

// denied reports whether a tool or group is denied to every agent.
func (s settings) denied(name string) bool {
	deny := s.list("tools.deny")
	return slices.Contains(deny, name) || slices.Contains(deny, "*")
}

func joined(prefix, path string) string {
	if prefix == "" {
		return path
	}
	return prefix + "." + path
}

func orUnset(v string) string {
	if v == "" {
		return "not set"
	}
	return v
}

// interpreters turn an allowed program into any program.
var interpreters = []string{"sh", "bash", "zsh", "dash", "python", "python3", "node", "deno", "bun", "perl", "ruby", "php", "lua", "awk", "gawk", "sed", "find", "xargs", "env", "ssh", "git", "make", "npx", "uvx", "tar", "vim", "docker", "sudo"}

// mutableDir reports whether others, or the agent itself, can put a program
// into a directory.
func mutableDir(s settings, dir string) bool {
	clean := path.Clean(dir)
	for _, base := range append([]string{"/tmp", "/var/tmp", "/dev/shm", "/home", "/root", s.in.StateDir}, s.in.Workspaces...) {
		if base != "" && (clean == base || strings.HasPrefix(clean, base+"/")) {
			return true
		}
	}
	return !path.IsAbs(dir)
}

func checkElevated(s settings) (found []posture.Finding) {
	for _, base := range s.everywhere("tools.elevated") {
		if !s.on(base+".enabled", true) {
			continue
		}
		for _, provider := range s.Keys(base + ".allowFrom") {
			at := base + ".allowFrom." + strings.ReplaceAll(provider, ".", `\.`)
			switch list := s.list(at); {
			case slices.Contains(list, "*"):
				found = append(found, rated(posture.Critical, posture.Found("%s has \"*\"", at))...)
			case len(list) > 25:
				found = append(found, rated(posture.Medium, posture.Found("%s has %d entries", at, len(list)))...)
			case len(list) > 0:
				found = append(found, rated(posture.Low, posture.Found("%s lets %d senders leave the sandbox", at, len(list)))...)
			}
		}
	}
	return found
}

func eachSandbox(key string, bad func(string) bool) func(settings) []posture.Finding {
	return func(s settings) (found []posture.Finding) {
		for _, at := range s.sandboxes(key) {
			if v := s.text(at, ""); bad(v) {
				found = append(found, posture.Found("%s is %s", at, v)...)
			}
		}
		return found
	}
}

func checkSandboxBinds(s settings) (found []posture.Finding) {
	for _, key := range []string{"docker.binds", "browser.binds"} {
		for _, at := range s.sandboxes(key) {
			for _, bind := range s.list(at) {
				source, _, _ := strings.Cut(bind, ":")
				switch why := tooWide(source); {
				case strings.HasSuffix(source, "docker.sock"):
					found = append(found, rated(posture.Critical, posture.Found("%s has the Docker socket", at))...)
				case why != "":
					found = append(found, posture.Found("%s has %s (%s)", at, source, why)...)
				case source == s.in.StateDir:
					found = append(found, posture.Found("%s has OpenClaw's own state", at)...)
				case !path.IsAbs(source):
					found = append(found, rated(posture.Medium, posture.Found("%s has %q, which is not absolute", at, source))...)
				}
			}
		}
	}
	return found
}

func checkSandboxWalls(s settings) (found []posture.Finding) {
	for _, key := range []string{"docker.seccompProfile", "docker.apparmorProfile"} {
		found = append(found, eachSandbox(key, func(v string) bool { return v == "unconfined" })(s)...)
	}
	for _, key := range []string{"dangerouslyAllowReservedContainerTargets", "dangerouslyAllowExternalBindSources", "dangerouslyAllowContainerNamespaceJoin"} {
		for _, at := range s.sandboxes("docker." + key) {
			found = append(found, isOn(at, false)(s)...)
		}
	}
	return found
}
