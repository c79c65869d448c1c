package controls

import (
	"slices"
	"strings"

	"github.com/openseawall/seawall/internal/posture"
)

// gatewayFlow: what the gateway fetches, sends and writes down.
var gatewayFlow = []posture.Control{
	config("gateway-private-fetch", "The agent's web tools reach the private network", posture.High,
		"A page then makes the agent read the router, the cloud's metadata and what listens on this machine.",
		"Remove dangerouslyAllowPrivateNetwork; name single hosts in ssrfPolicy.allowedHostnames",
		docs+"gateway/security/browser-control; OWASP SSRF Prevention Cheat Sheet",
		[]string{"browser.remote_cdp_private_host"}, map[string]string{"browser.ssrfPolicy.dangerouslyAllowPrivateNetwork": "false", "tools.web.fetch.ssrfPolicy.dangerouslyAllowPrivateNetwork": "false", "cron.webhookSsrfPolicy.dangerouslyAllowPrivateNetwork": "false"},
		func(s settings) (found []posture.Finding) {
			s.walk(func(path string, v any) {
				if strings.HasSuffix(path, ".dangerouslyAllowPrivateNetwork") && v == true {
					found = append(found, posture.Found("%s is on", path)...)
				}
			})
			return found
		}),
	config("gateway-browser-remote", "The agent's browser is driven over the network without TLS", posture.High,
		"The debugging port is the whole browser with its logins; over plain HTTP it is anyone's.",
		"Use a browser on this machine, or wss:// for browser.profiles.*.cdpUrl", docs+"gateway/security/browser-control",
		[]string{"browser.remote_cdp_http"}, map[string]string{"browser.profiles": `{"remote": {"cdpUrl": "wss://browser.example.com:9222"}}`},
		func(s settings) (found []posture.Finding) {
			s.walk(func(path string, v any) {
				if text, ok := v.(string); ok && strings.HasPrefix(path, "browser.") && strings.HasSuffix(path, "cdpUrl") && plainRemote(text) {
					found = append(found, posture.Found("%s leaves this machine without TLS", path)...)
				}
			})
			return found
		}),
	config("gateway-browser-unsafe", "The agent's browser has its own walls off, or your logins on", posture.Medium,
		"A page is hostile until proven otherwise: without its sandbox a browser hole is the machine, with your profile it is you.",
		"Remove browser.noSandbox, allowSystemProfileImport and extensionRelay.allowLegacyAuth", docs+"gateway/security/browser-control",
		[]string{"browser.extension_relay_legacy_auth"}, map[string]string{"browser.noSandbox": "false", "browser.allowSystemProfileImport": "false", "browser.extensionRelay.allowLegacyAuth": "false"},
		func(s settings) (found []posture.Finding) {
			for _, path := range []string{"browser.noSandbox", "browser.allowSystemProfileImport", "browser.extensionRelay.allowLegacyAuth"} {
				found = append(found, isOn(path, false)(s)...)
			}
			return found
		}),
	config("gateway-model-plain-http", "What is said to a model, or a tool server, can be read or changed on the way", posture.High,
		"The key, everything the agent knows and the model's answers, which are commands, pass in the clear.",
		"Use https:// and remove insecureSkipVerify and sslVerify: false", docs+"gateway/config-agents, models; RFC 9110, 4.2.2",
		nil, nil,
		func(s settings) (found []posture.Finding) {
			s.walk(func(path string, v any) {
				text, _ := v.(string)
				switch {
				case (strings.HasPrefix(path, "models.providers.") && strings.HasSuffix(path, ".baseUrl") || strings.HasPrefix(path, "mcp.servers.") && strings.HasSuffix(path, ".url")) && plainRemote(text):
					found = append(found, posture.Found("%s is plain HTTP to another machine", path)...)
				case strings.HasSuffix(path, ".insecureSkipVerify") && v == true, strings.HasSuffix(path, ".sslVerify") && v == false:
					found = append(found, posture.Found("%s turns the certificate check off", path)...)
				}
			})
			return found
		}),
	config("gateway-egress-open", "The agent may send to any host", posture.Low,
		"Specific external APIs, not the Internet, is the answer one wants to give. OpenClaw's own limits do not hold for commands: only the network or a proxy does.",
		"Route it through a proxy with a list of hosts: proxy.proxyUrl, or secrets.egressProxy with allowedHosts",
		baseline+", blast radius; "+docs+"gateway/config-runtime; not in OpenClaw's own audit",
		nil, map[string]string{"secrets.egressProxy": `{"enabled": true, "allowedHosts": ["api.openai.com"]}`},
		func(s settings) []posture.Finding {
			if s.has("proxy.proxyUrl") && s.on("proxy.enabled", true) || s.on("secrets.egressProxy.enabled", false) && len(s.list("secrets.egressProxy.allowedHosts")) > 0 {
				return nil
			}
			return posture.Found("neither proxy.proxyUrl nor secrets.egressProxy.allowedHosts is set")
		}),
	config("gateway-phones-home", "OpenClaw tells its makers about this machine every day", posture.Info,
		"The version check and, where consented, statistics go to telemetry.openclaw.ai; whether that is wanted is yours to say.",
		"Set update.checkOnStart to false and telemetry.enabled to false; Seawall's own audit tells what is behind",
		docs+"gateway/telemetry; tried", nil,
		map[string]string{"update.checkOnStart": "false", "telemetry.enabled": "false"},
		func(s settings) (found []posture.Finding) {
			found = isOn("update.checkOnStart", true)(s)
			return append(found, isOn("telemetry.enabled", false)(s)...)
		}),
	config("gateway-remote-catalog", "The list of models is fetched from elsewhere at every start", posture.Low,
		"On unless set: prices, limits and names of models come from a server, and change what the agent does without a decision here.",
		"Set models.catalogRefresh.enabled to false", docs+"gateway/configuration-reference, models; tried",
		nil, map[string]string{"models.catalogRefresh.enabled": "false"}, isOn("models.catalogRefresh.enabled", true)),
	config("gateway-audit-off", "OpenClaw does not write down what ran", posture.High,
		"Logs should make obvious what actually ran. Its own ledger was on until somebody turned it off.",
		"Remove logging.audit.enabled: false, and logging.level silent", docs+"gateway/audit; "+baseline+", logs",
		nil, map[string]string{"logging.audit.enabled": "true", "logging.level": `"info"`},
		func(s settings) (found []posture.Finding) {
			if !s.on("logging.audit.enabled", true) {
				found = posture.Found("logging.audit.enabled is false")
			}
			if level := s.text("logging.level", "info"); level == "silent" || level == "fatal" {
				found = append(found, posture.Found("logging.level is %s", level)...)
			}
			return found
		}),
	config("gateway-debug-log", "OpenClaw logs far more than it should keep", posture.Medium,
		"Debug and trace write what people said and what tools returned; redaction knows patterns, not your secrets.",
		"Set logging.level to info and remove diagnostics.cacheTrace", docs+"gateway/logging; "+guide+", no secrets in logs",
		nil, map[string]string{"logging.level": `"info"`, "diagnostics.cacheTrace.enabled": "false"},
		func(s settings) (found []posture.Finding) {
			for _, path := range []string{"logging.level", "logging.consoleLevel"} {
				if level := s.text(path, "info"); level == "debug" || level == "trace" {
					found = append(found, posture.Found("%s is %s", path, level)...)
				}
			}
			return append(found, isOn("diagnostics.cacheTrace.enabled", false)(s)...)
		}),
	config("gateway-audit-suppressed", "OpenClaw's own audit is told to look away", posture.Medium,
		"A suppressed finding does not come back by itself; nobody remembers why.",
		"Remove security.audit.suppressions; use seawall accept, which ends after 90 days", docs+"gateway/security/audit-checks",
		[]string{"security.audit.suppressions.active"}, map[string]string{"security.audit.suppressions": "[]"},
		func(s settings) []posture.Finding {
			v, _ := s.Get("security.audit.suppressions")
			if list, _ := v.([]any); len(list) > 0 {
				return posture.Found("security.audit.suppressions has %d entries", len(list))
			}
			return nil
		}),
	config("gateway-weak-model", "A model that is easily talked into things has tools", posture.Low,
		"Injection succeeds far more often on small and old models; the best tier is a real defence where tools can act.",
		"Use a current large model for agents with tools; keep small ones for those without", docs+"gateway/security/prompt-injection",
		[]string{"models.small_params", "models.weak_tier", "models.legacy"}, nil,
		func(s settings) (found []posture.Finding) {
			paths := []string{"agents.defaults.model.primary"}
			for _, a := range s.agents() {
				paths = append(paths, a+".model.primary", a+".model")
			}
			for _, path := range paths {
				if name, _ := s.String(path); name != "" && slices.ContainsFunc(smallModels, func(m string) bool { return strings.Contains(strings.ToLower(name), m) }) {
					found = append(found, posture.Found("%s is %s", path, name)...)
				}
			}
			return found
		}),
}

// smallModels are families that OpenClaw's own audit calls small or legacy:
// below 300 billion parameters by their name, or of a retired generation.
var smallModels = []string{"gpt-3.5", "claude-2", "claude-instant", ":1b", ":3b", ":7b", ":8b", "-7b", "-8b", "-3b", ":13b", ":14b", "-13b", "-14b", "gemma-2b", "gemma:2b", "phi-3", "phi3", "tinyllama"}
