package controls

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/posture"
)

// gatewayPort is where OpenClaw listens unless told: HTTP, WebSocket and the
// control page on one port. Guides that say 8080 or 9090 are about something else.
const gatewayPort = 18789

// docs names OpenClaw's own pages, as the npm package carries them.
const docs = "OpenClaw 2026.9.6 docs, "

var gatewayControls = slices.Concat(gatewayAccess, gatewayPeople, gatewayTools, gatewayFlow, gatewayRoutes, []posture.Control{proseControl})

// reverseProxy needs to know whether a reverse proxy runs: that there is none
// is an answer.
var reverseProxy = orNothing("reverse proxy", func(f *posture.Facts) (host.Status, string) { return f.Proxy.State() })

// gatewayAccess: who reaches the gateway, and what proves who they are.
var gatewayAccess = []posture.Control{
	{
		ID: "gateway-config-unreadable", Title: "OpenClaw's config could not be read", Family: posture.Gateway, Severity: posture.High,
		Why:    "Nothing that stands in it was checked.",
		Advice: "Run openclaw config validate, and Seawall as root",
		Source: docs + "gateway/configuration",
		Needs:  []posture.Need{posture.Agent, permission},
		Check: func(f *posture.Facts) (found []posture.Finding) {
			for _, in := range f.OpenClaw.Value {
				if unreadConfig(in) {
					found = append(found, posture.On(in.ConfigPath, "%s", in.ConfigError))
				}
			}
			return found
		},
	},
	{
		ID: "gateway-listens-public", Title: "The gateway listens on more than this machine", Family: posture.Gateway, Severity: posture.High,
		Why:      "Tens of thousands of agents stand on the Internet like this. One port carries control page, API and shell.",
		Advice:   "Set gateway.bind to loopback; come in over an SSH tunnel, Tailscale Serve or a reverse proxy with TLS",
		Source:   docs + "gateway/security/network-exposure; " + baseline + ", public exposure",
		Needs:    []posture.Need{posture.Agent, posture.Sockets},
		Settings: map[string]string{"gateway.bind": `"loopback"`},
		Check: func(f *posture.Facts) (found []posture.Finding) {
			for _, in := range f.OpenClaw.Value {
				if in.Process == nil || in.Container != "" {
					continue
				}
				for _, s := range f.Sockets.Value {
					if s.Proto == "tcp" && s.PID == in.Process.PID && s.Public() && !privateTunnel(f, s.Addr.Addr()) {
						found = append(found, posture.On(s.Addr.String(), "the gateway of %s listens on %s", in.Owner, s.Addr))
					}
				}
			}
			return found
		},
	},
	config("gateway-bind-public", "The gateway is told to listen on the network", posture.High,
		"Whether it does today or not, the next start will.",
		"Set gateway.bind to loopback", docs+"gateway/config-gateway; "+baseline+", private by default",
		nil, map[string]string{"gateway.bind": `"loopback"`},
		func(s settings) []posture.Finding {
			bind := s.text("gateway.bind", "loopback")
			custom, _ := netip.ParseAddr(s.text("gateway.customBindHost", ""))
			if s.in.Container != "" || bind == "loopback" || bind == "tailnet" || bind == "custom" && custom.IsLoopback() {
				return nil // in a container it has to; what Docker publishes is judged instead
			}
			return posture.Found("gateway.bind is %s", bind)
		}),
	config("gateway-no-auth", "The gateway asks nobody who they are", posture.Critical,
		"Whoever reaches the port is the operator, with a shell; behind a reverse proxy everyone looks local.",
		"Set gateway.auth.mode to token and gateway.auth.token to the output of openssl rand -hex 32, kept as a SecretRef",
		docs+"gateway/security/network-exposure; "+guide+", introduction",
		[]string{"gateway.bind_no_auth", "gateway.loopback_no_auth", "gateway.http.no_auth", "browser.control_no_auth"},
		map[string]string{"gateway.auth.mode": `"token"`},
		func(s settings) []posture.Finding {
			if s.text("gateway.auth.mode", "token") == "none" {
				return posture.Found("gateway.auth.mode is none")
			}
			return nil
		}),
	config("gateway-weak-token", "The gateway's token can be guessed", posture.High,
		"The token is a full operator. A setup script that lost a variable writes the word undefined; OpenClaw refuses to start with it, until a version or a proxy does not.",
		"openclaw config set gateway.auth.token to the output of openssl rand -hex 32",
		docs+"gateway/security/network-exposure",
		[]string{"gateway.token_placeholder_value", "gateway.token_too_short", "gateway.password_placeholder_value", "gateway.password_too_short"},
		map[string]string{"gateway.auth.token": `"` + strings.Repeat("0123456789abcdef", 4) + `"`},
		func(s settings) (found []posture.Finding) {
			for _, path := range []string{"gateway.auth.token", "gateway.auth.password"} {
				v, ok := s.Get(path)
				text, isText := v.(string)
				if !ok || !isText {
					continue
				}
				if weak := weakSecret(text); weak != "" {
					found = append(found, posture.Found("%s is %s", path, weak)...)
				}
			}
			return found
		}),
	config("gateway-no-rate-limit", "Wrong tokens may be tried without end", posture.Medium,
		"A gateway that others reach needs a lockout; on loopback OpenClaw delays each wrong token by itself.",
		"Set gateway.auth.rateLimit", docs+"gateway/security/rate-limiting",
		[]string{"gateway.auth_no_rate_limit"},
		map[string]string{"gateway.auth.rateLimit": `{"maxAttempts": 10, "windowMs": 60000, "lockoutMs": 300000}`},
		func(s settings) []posture.Finding {
			if s.exposed() && !s.has("gateway.auth.rateLimit") {
				return posture.Found("others reach the gateway and gateway.auth.rateLimit is not set")
			}
			return nil
		}),
	config("gateway-trusted-proxies-any", "The gateway believes anyone who says to be a proxy", posture.Critical,
		"Whoever is trusted as a proxy writes the client's address, and with auth mode trusted-proxy the user's name. OpenClaw's own audit does not look at the range.",
		"Name the proxy's address: gateway.trustedProxies [\"127.0.0.1/32\"]",
		docs+"gateway/trusted-proxy-auth; tried: openclaw security audit is silent about 0.0.0.0/0", nil,
		map[string]string{"gateway.trustedProxies": `["127.0.0.1/32"]`},
		func(s settings) (found []posture.Finding) {
			for _, entry := range s.list("gateway.trustedProxies") {
				p, err := netip.ParsePrefix(entry)
				if err == nil && (everyone(p) || p.Addr().Is4() && p.Bits() < 16 && !p.Addr().IsLoopback() || p.Addr().Is6() && p.Bits() < 48) {
					found = append(found, posture.Found("gateway.trustedProxies has %s", entry)...)
				}
			}
			return found
		}),
	{
		ID: "gateway-trusted-proxies-missing", Title: "A reverse proxy stands before a gateway that does not know it", Family: posture.Gateway, Severity: posture.Medium,
		Why: "A proxy that strips its headers makes every stranger look local, and local devices are paired silently; one that " +
			"sends them is answered with 403. The proxy must overwrite X-Forwarded-For, never strip or append.",
		Advice:   "Set gateway.trustedProxies to the proxy's address, and proxy_set_header X-Forwarded-For $remote_addr",
		Source:   docs + "gateway/security/network-exposure, reverse proxy; tried",
		CheckIDs: []string{"gateway.trusted_proxies_missing"},
		Settings: map[string]string{"gateway.trustedProxies": `["127.0.0.1/32"]`},
		Needs:    []posture.Need{agentConfig, posture.Proxy},
		Check: func(f *posture.Facts) []posture.Finding {
			return eachConfig(func(s settings) []posture.Finding {
				names := before(f, s)
				if len(names) == 0 || len(s.list("gateway.trustedProxies")) > 0 {
					return nil
				}
				return posture.Found("%s runs here and gateway.trustedProxies is empty", strings.Join(names, ", "))
			})(f)
		},
	},
	config("gateway-real-ip-fallback", "The gateway takes the client's address from X-Real-IP", posture.Medium,
		"A proxy that passes this header through lets the client write it.",
		"Remove gateway.allowRealIpFallback", docs+"gateway/security/network-exposure",
		[]string{"gateway.real_ip_fallback_enabled"}, map[string]string{"gateway.allowRealIpFallback": "false"},
		isOn("gateway.allowRealIpFallback", false)),
	config("gateway-proxy-auth", "Proxy sign-in is not closed", posture.High,
		"In this mode the proxy's header is the password. Without a list of users everyone the proxy lets in is an operator; with loopback allowed, every program on this machine can write the header.",
		"Set trustedProxies, auth.trustedProxy.userHeader and auth.trustedProxy.allowUsers; leave allowLoopback off",
		docs+"gateway/trusted-proxy-auth",
		[]string{"gateway.trusted_proxy_auth", "gateway.trusted_proxy_no_proxies", "gateway.trusted_proxy_no_user_header", "gateway.trusted_proxy_no_allowlist", "gateway.trusted_proxy_allow_loopback"},
		map[string]string{"gateway.auth.trustedProxy": `{"userHeader": "x-forwarded-user", "allowUsers": ["me@example.com"]}`},
		checkProxyAuth),
	config("gateway-origins", "Any web page may speak to the gateway", posture.High,
		"The Origin list is what keeps a page in the operator's browser from using his gateway; the gateway checks no Host header.",
		"Name the origins: gateway.controlUi.allowedOrigins [\"https://agent.example.com\"]",
		docs+"gateway/security/network-exposure; tried",
		[]string{"gateway.control_ui.allowed_origins_wildcard", "gateway.control_ui.allowed_origins_required"},
		map[string]string{"gateway.controlUi.allowedOrigins": `["https://agent.example.com"]`},
		func(s settings) []posture.Finding {
			origins := s.list("gateway.controlUi.allowedOrigins")
			if slices.Contains(origins, "*") {
				return posture.Found("gateway.controlUi.allowedOrigins has *")
			}
			if len(origins) == 0 && s.exposed() && s.on("gateway.controlUi.enabled", true) {
				return posture.Found("others reach the gateway and gateway.controlUi.allowedOrigins is empty")
			}
			return nil
		}),
	config("gateway-host-header", "The gateway takes the Host header as proof of origin", posture.High,
		"That is DNS rebinding, allowed: a web page that resolves its own name to this machine is then the gateway's own page.",
		"Remove gateway.controlUi.dangerouslyAllowHostHeaderOriginFallback and list allowedOrigins",
		docs+"gateway/security/network-exposure",
		[]string{"gateway.control_ui.host_header_origin_fallback", "config.insecure_or_dangerous_flags"},
		map[string]string{"gateway.controlUi.dangerouslyAllowHostHeaderOriginFallback": "false"},
		isOn("gateway.controlUi.dangerouslyAllowHostHeaderOriginFallback", false)),
	config("gateway-device-auth", "Device sign-in of the control page is switched off", posture.Low,
		"2026.9.6 ignores this key, so it does nothing today; an older version, after a rollback, would obey it.",
		"Remove controlUi.dangerouslyDisableDeviceAuth: openclaw doctor --fix", docs+"gateway/security/network-exposure (retired, inert)",
		nil, map[string]string{"gateway.controlUi.dangerouslyDisableDeviceAuth": "false"},
		isOn("gateway.controlUi.dangerouslyDisableDeviceAuth", false)),
	config("gateway-terminal", "An operator's browser is a shell on this machine", posture.Medium,
		"On unless set: whoever has the token, or the operator's browser, has a terminal with the gateway's environment, keys included.",
		"Set gateway.terminal.enabled to false", docs+"gateway/config-gateway; not in OpenClaw's own audit",
		nil, map[string]string{"gateway.terminal.enabled": "false"},
		isOn("gateway.terminal.enabled", true)),
	config("gateway-page-embeds", "The control page shows foreign content with its own rights", posture.Medium,
		"Pages and plugins the agent brings then run beside the operator's session.",
		"Leave embedSandbox, allowExternalEmbedUrls and experimental.customPlugins at their defaults",
		docs+"gateway/config-gateway, controlUi", nil,
		map[string]string{"gateway.controlUi.allowExternalEmbedUrls": "false", "gateway.controlUi.embedSandbox": `"scripts"`, "gateway.controlUi.experimental.customPlugins": "false"},
		func(s settings) (found []posture.Finding) {
			if s.on("gateway.controlUi.allowExternalEmbedUrls", false) {
				found = append(found, posture.Found("gateway.controlUi.allowExternalEmbedUrls is on")...)
			}
			if s.text("gateway.controlUi.embedSandbox", "scripts") == "trusted" {
				found = append(found, posture.Found("gateway.controlUi.embedSandbox is trusted")...)
			}
			if s.on("gateway.controlUi.experimental.customPlugins", false) {
				found = append(found, posture.Found("gateway.controlUi.experimental.customPlugins is on")...)
			}
			return found
		}),
	config("gateway-funnel", "OpenClaw opens a public tunnel to itself", posture.High,
		"Tailscale Funnel is the public Internet, whatever the firewall here says.",
		"Set gateway.tailscale.mode to serve (your tailnet only) or off", docs+"gateway/tailscale; "+baseline+", public tunnel",
		[]string{"gateway.tailscale_funnel", "gateway.tailscale_serve"}, map[string]string{"gateway.tailscale.mode": `"off"`},
		func(s settings) (found []posture.Finding) {
			for _, path := range []string{"gateway.tailscale.mode", "hooks.gmail.tailscale.mode"} {
				if s.text(path, "off") == "funnel" {
					found = append(found, posture.Found("%s is funnel", path)...)
				}
			}
			return found
		}),
	config("gateway-portal", "The agent may publish what it serves", posture.Medium,
		"The portal tool puts a local web server under a name of yours, without asking.",
		"Remove gateway.portals.ingress, or deny the tool: tools.deny [\"portal\"]", docs+"gateway/portals",
		nil, map[string]string{"tools.deny": `["portal"]`},
		func(s settings) []posture.Finding {
			if s.has("gateway.portals.ingress") && !s.denied("portal") {
				return posture.Found("gateway.portals.ingress publishes below %s", s.text("gateway.portals.ingress.domain", "?"))
			}
			return nil
		}),
	config("gateway-http-api", "The gateway also answers as a model API", posture.Medium,
		"A token for these endpoints is a token for everything; they are off unless somebody turned them on.",
		"Set gateway.http.endpoints.chatCompletions.enabled and .responses.enabled to false", docs+"gateway/openai-http-api",
		[]string{"gateway.http.session_key_override_enabled"},
		map[string]string{"gateway.http.endpoints.chatCompletions.enabled": "false", "gateway.http.endpoints.responses.enabled": "false"},
		func(s settings) (found []posture.Finding) {
			for _, name := range []string{"chatCompletions", "responses"} {
				if s.on("gateway.http.endpoints."+name+".enabled", false) {
					found = append(found, posture.Found("gateway.http.endpoints.%s is on", name)...)
				}
			}
			return found
		}),
	config("gateway-http-tools", "Dangerous tools can be called over HTTP", posture.High,
		"POST /tools/invoke hides these by default; one leaked token then needs no conversation to run them.",
		"Empty gateway.tools.allow", docs+"gateway/tools-invoke-http-api",
		[]string{"gateway.tools_invoke_http.dangerous_allow"}, map[string]string{"gateway.tools.allow": "[]"},
		func(s settings) []posture.Finding {
			if allow := s.list("gateway.tools.allow"); len(allow) > 0 {
				return posture.Found("gateway.tools.allow has %s", strings.Join(allow, ", "))
			}
			return nil
		}),
	config("gateway-auto-pairing", "Devices that look local are paired without a question", posture.Medium,
		"On unless set: a program on this machine, or behind a proxy that strips its headers, becomes an operator's device.",
		"Set gateway.nodes.pairing.autoApproveLocal to false and leave autoApproveCidrs out", docs+"gateway/pairing; tried",
		nil, map[string]string{"gateway.nodes.pairing.autoApproveLocal": "false"},
		func(s settings) (found []posture.Finding) {
			if s.on("gateway.nodes.pairing.autoApproveLocal", true) {
				found = posture.Found("gateway.nodes.pairing.autoApproveLocal is on")
			}
			if list := s.list("gateway.nodes.pairing.autoApproveCidrs"); len(list) > 0 {
				found = append(found, posture.Found("gateway.nodes.pairing.autoApproveCidrs has %s", strings.Join(list, ", "))...)
			}
			return found
		}),
	config("gateway-node-commands", "Paired devices may be told to do intimate things", posture.High,
		"Camera, screen, keyboard, contacts and SMS of a person's own devices, from a sentence in a chat.",
		"Empty gateway.nodes.commands.allow", docs+"gateway/security/tool-permissions",
		[]string{"gateway.nodes.allow_commands_dangerous", "gateway.nodes.deny_commands_ineffective"},
		map[string]string{"gateway.nodes.commands.allow": "[]"},
		func(s settings) (found []posture.Finding) {
			for _, c := range s.list("gateway.nodes.commands.allow") {
				if slices.ContainsFunc([]string{"camera", "screen", "system", "contacts", "calendar", "sms", "computer", "input", "location", "photos", "*"}, func(p string) bool { return strings.HasPrefix(c, p) }) {
					found = append(found, posture.Found("gateway.nodes.commands.allow has %s", c)...)
				}
			}
			for _, c := range s.list("gateway.nodes.commands.deny") {
				if strings.ContainsAny(c, " *") || strings.HasPrefix(c, "group:") {
					found = append(found, rated(posture.Medium, posture.Found("gateway.nodes.commands.deny has %q, which matches no command name", c))...)
				}
			}
			return found
		}),
	{
		ID: "gateway-plain-http", Title: "The gateway is reached without TLS", Family: posture.Gateway, Severity: posture.High,
		Why:      "Page, token and everything said pass in the clear, and whoever is on the way may change them.",
		Advice:   "Put nginx, Caddy or Traefik with a certificate before it and bind to loopback, or set gateway.tls.enabled",
		Source:   guide + ", TLS and reverse proxy; " + docs + "gateway/security/network-exposure",
		Settings: map[string]string{"gateway.tls": `{"enabled": true, "autoGenerate": true}`},
		Needs:    []posture.Need{agentConfig, reverseProxy},
		Check: func(f *posture.Facts) []posture.Finding {
			return eachConfig(func(s settings) []posture.Finding {
				bind := s.text("gateway.bind", "loopback")
				if s.in.Container != "" || s.on("gateway.tls.enabled", false) || f.Proxy.Value.TLS {
					return nil
				}
				if bind == "lan" || bind == "auto" || bind == "custom" {
					return posture.Found("gateway.bind is %s, without gateway.tls and without a proxy on 443", bind)
				}
				return nil
			})(f)
		},
	},
	{
		ID: "gateway-certificate-renewal", Title: "Nothing renews the certificates", Family: posture.Gateway, Severity: posture.Medium,
		Why:    "An expired certificate is an outage, and teaches everyone to click the warning away.",
		Advice: "Use Caddy, or certbot with its timer: systemctl enable --now certbot.timer",
		Source: guide + ", automatic renewal",
		Needs:  []posture.Need{posture.Proxy},
		Check: func(f *posture.Facts) []posture.Finding {
			if p := f.Proxy.Value; p.TLS && len(p.Names) > 0 && p.Renew == "" {
				return posture.Found("%s serves TLS and no certbot timer, Caddy or Traefik was found", strings.Join(p.Names, ", "))
			}
			return nil
		},
	},
	config("gateway-mdns", "The gateway announces itself on the network", posture.Low,
		"Full mode tells the neighbours the SSH port and where the program is.",
		"Set discovery.mdns.mode to off", docs+"gateway/discovery",
		[]string{"discovery.mdns_full_mode"}, map[string]string{"discovery.mdns.mode": `"off"`},
		func(s settings) []posture.Finding {
			if s.text("discovery.mdns.mode", "minimal") == "full" {
				return posture.Found("discovery.mdns.mode is full")
			}
			return nil
		}),
	config("gateway-hooks-token", "The webhook's token is weak, or opens the gateway too", posture.High,
		"The hook's token is in every service that calls it; it must open nothing else and be no word.",
		"Set hooks.token to a random value of its own", docs+"gateway/config-hooks",
		[]string{"hooks.token_too_short", "hooks.token_reuse_gateway_token", "config.secrets.hooks_token_in_config"},
		map[string]string{"hooks.enabled": "true", "hooks.token": `"` + strings.Repeat("fedcba9876543210", 4) + `"`},
		func(s settings) []posture.Finding {
			token, _ := s.String("hooks.token")
			if !s.on("hooks.enabled", false) || token == "" {
				return nil
			}
			for _, path := range []string{"gateway.auth.token", "gateway.auth.password"} {
				if v, _ := s.String(path); v == token {
					return rated(posture.Critical, posture.Found("hooks.token equals %s", path))
				}
			}
			if weak := weakSecret(token); weak != "" {
				return posture.Found("hooks.token is %s", weak)
			}
			return nil
		}),
	config("gateway-hooks-scope", "Whoever calls a webhook chooses agent and session", posture.Medium,
		"An event from outside then speaks in any conversation, to the agent with the most rights.",
		"Set hooks.allowedAgentIds, hooks.defaultSessionKey and hooks.path; leave allowRequestSessionKey off", docs+"gateway/config-hooks",
		[]string{"hooks.allowed_agent_ids_unrestricted", "hooks.default_session_key_unset", "hooks.request_session_key_enabled", "hooks.request_session_key_prefixes_missing", "hooks.path_root"},
		map[string]string{"hooks.allowedAgentIds": `["main"]`, "hooks.defaultSessionKey": `"hook:ingress"`, "hooks.allowRequestSessionKey": "false", "hooks.path": `"/hooks"`},
		checkHookScope),
	config("gateway-hooks-unwrapped", "What comes in by webhook or mail is not marked as foreign", posture.High,
		"OpenClaw wraps foreign text so that the model can tell it from the operator's; this switch removes the wrapping.",
		"Remove allowUnsafeExternalContent", docs+"gateway/security/prompt-injection; "+guide+", prompt injection",
		[]string{"config.insecure_or_dangerous_flags"}, map[string]string{"hooks.gmail.allowUnsafeExternalContent": "false"},
		func(s settings) (found []posture.Finding) {
			s.walk(func(path string, v any) {
				if strings.HasPrefix(path, "hooks.") && strings.HasSuffix(path, "allowUnsafeExternalContent") && v == true {
					found = append(found, posture.Found("%s is on", path)...)
				}
			})
			return found
		}),
}

// config makes a control of the gateway family that reads OpenClaw's config alone.
func config(id, title string, severity posture.Severity, why, advice, source string, checkIDs []string, cure map[string]string, judge func(settings) []posture.Finding) posture.Control {
	return posture.Control{
		ID: id, Title: title, Family: posture.Gateway, Severity: severity, Why: why, Advice: advice, Source: source,
		CheckIDs: checkIDs, Settings: cure, Needs: []posture.Need{agentConfig}, Check: eachConfig(judge),
	}
}

// isOn finds a switch that is on; unset is what OpenClaw does without it.
func isOn(path string, unset bool) func(settings) []posture.Finding {
	return func(s settings) []posture.Finding {
		if !s.on(path, unset) {
			return nil
		}
		if !s.has(path) {
			return posture.Found("%s is not set, which means on", path)
		}
		return posture.Found("%s is on", path)
	}
}

// exposed reports whether others than this machine reach the gateway.
func (s settings) exposed() bool {
	switch s.text("gateway.bind", "loopback") {
	case "lan", "auto", "custom", "tailnet":
		return true
	}
	return s.text("gateway.tailscale.mode", "off") != "off" || len(s.list("gateway.trustedProxies")) > 0
}

// before are the web servers that could stand before the gateway: one that is on
// loopback is not reached from the network of a container.
func before(f *posture.Facts, s settings) []string {
	if s.text("gateway.bind", "loopback") != "loopback" {
		return f.Proxy.Value.Names
	}
	gateways := map[string]bool{}
	for _, in := range f.OpenClaw.Value {
		if in.Process == nil || in.Process.NetNS == "" {
			return f.Proxy.Value.Names
		}
		gateways[in.Process.NetNS] = true
	}
	return slices.DeleteFunc(slices.Clone(f.Proxy.Value.Names), func(name string) bool {
		return f.Processes.Ok() && !slices.ContainsFunc(f.Processes.Value, func(p host.Process) bool {
			return p.Name == name && (p.NetNS == "" || gateways[p.NetNS])
		})
	})
}

// weakSecret says why a shared secret can be guessed, or "". OpenClaw's own
// audit asks for 24 characters.
func weakSecret(v string) string {
	if strings.Contains(strings.ToLower(v), "redacted") || strings.Contains(v, "${") {
		return ""
	}
	plain := strings.ToLower(strings.Trim(v, " <>[]{}\"'"))
	switch {
	case plain == "":
		return "empty"
	case slices.Contains([]string{"undefined", "null", "nan", "none", "true", "false"}, plain):
		return fmt.Sprintf("the word %q", plain)
	case slices.ContainsFunc([]string{"changeme", "change-me", "change_me", "your-token", "your-long-random", "replace-with", "example", "placeholder", "password", "secret123", "openclaw"}, func(p string) bool { return strings.HasPrefix(plain, p) }):
		return "a placeholder"
	case len(v) < 24:
		return fmt.Sprintf("only %d characters long", len(v))
	case distinct(v) < 6:
		return "made of very few different characters"
	}
	return ""
}

func distinct(s string) int {
	seen := map[rune]bool{}
	for _, r := range s {
		seen[r] = true
	}
	return len(seen)
}

// privateTunnel reports whether an address is the machine's own end of a
// WireGuard or Tailscale tunnel.
func privateTunnel(f *posture.Facts, addr netip.Addr) bool {
	return slices.ContainsFunc(f.Interfaces.Value, func(i host.Interface) bool {
		return (i.Kind == "wireguard" || i.Kind == "tun") && slices.ContainsFunc(i.Addrs, func(p netip.Prefix) bool { return p.Addr() == addr })
	})
}

func checkProxyAuth(s settings) (found []posture.Finding) {
	if s.text("gateway.auth.mode", "token") != "trusted-proxy" {
		return nil
	}
	if len(s.list("gateway.trustedProxies")) == 0 {
		found = append(found, posture.Found("gateway.trustedProxies is empty")...)
	}
	if s.text("gateway.auth.trustedProxy.userHeader", "") == "" {
		found = append(found, posture.Found("gateway.auth.trustedProxy.userHeader is not set")...)
	}
	if len(s.list("gateway.auth.trustedProxy.allowUsers")) == 0 {
		found = append(found, posture.Found("gateway.auth.trustedProxy.allowUsers is empty: everyone the proxy lets in is an operator")...)
	}
	if s.on("gateway.auth.trustedProxy.allowLoopback", false) {
		found = append(found, rated(posture.Medium, posture.Found("gateway.auth.trustedProxy.allowLoopback is on: every program on this machine can claim to be a user"))...)
	}
	return found
}

func checkHookScope(s settings) (found []posture.Finding) {
	if !s.on("hooks.enabled", false) {
		return nil
	}
	add := func(format string, args ...any) { found = append(found, posture.Found(format, args...)...) }
	if agents := s.list("hooks.allowedAgentIds"); len(agents) == 0 || slices.Contains(agents, "*") {
		add("hooks.allowedAgentIds allows every agent")
	}
	if s.on("hooks.allowRequestSessionKey", false) {
		if len(s.list("hooks.allowedSessionKeyPrefixes")) == 0 {
			add("hooks.allowRequestSessionKey is on, and hooks.allowedSessionKeyPrefixes is empty")
		} else {
			add("hooks.allowRequestSessionKey is on")
		}
	}
	if s.text("hooks.defaultSessionKey", "") == "" {
		add("hooks.defaultSessionKey is not set: each call is a session of its own")
	}
	if strings.Trim(s.text("hooks.path", "/hooks"), "/") == "" {
		add("hooks.path is /")
	}
	return found
}

// plainRemote reports whether a URL leaves the machine without TLS.
func plainRemote(raw string) bool {
	u, err := url.Parse(raw)
	if err != nil || (u.Scheme != "http" && u.Scheme != "ws") {
		return false
	}
	if addr, err := netip.ParseAddr(u.Hostname()); err == nil {
		return !addr.IsLoopback()
	}
	return u.Hostname() != "localhost" && u.Hostname() != ""
}
