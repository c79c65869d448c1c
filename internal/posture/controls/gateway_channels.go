package controls

import (
	"slices"
	"strings"

	"github.com/openseawall/seawall/internal/posture"
)

// gatewayPeople: who may speak to the agent, and to whom it may speak.
var gatewayPeople = []posture.Control{
	config("gateway-dm-open", "Anyone may write to the agent", posture.High,
		"A stranger's message is a prompt. In a test 30 seconds were enough to get tokens out of an agent on an open Discord server.",
		"Set channels.NAME.dmPolicy to pairing or allowlist, and take \"*\" out of allowFrom",
		docs+"gateway/security/access-control; "+guide+", introduction",
		[]string{"channels.*.dm.open", "channels.*.dm.open_invalid", "security.exposure.open_channels_with_exec"},
		map[string]string{"channels.telegram.dmPolicy": `"pairing"`, "channels.telegram.allowFrom": `["12345678"]`},
		eachChannel(func(s settings, path string) (found []posture.Finding) {
			for _, key := range []string{".dmPolicy", ".dm.policy"} {
				if s.text(path+key, "pairing") == "open" {
					found = append(found, posture.Found("%s is open", path+key)...)
				}
			}
			for _, key := range []string{".allowFrom", ".dm.allowFrom"} {
				if slices.Contains(s.list(path+key), "*") && s.text(path+".dmPolicy", "pairing") != "disabled" && len(found) == 0 {
					found = append(found, posture.Found("%s has \"*\"", path+key)...)
				}
			}
			return found
		})),
	config("gateway-group-open", "Anyone in any group may use the agent", posture.High,
		"Whoever adds the agent to a group, or is in one, commands it and its tools.",
		"Set channels.NAME.groupPolicy to allowlist and name the groups", docs+"gateway/security/access-control",
		[]string{"security.exposure.open_groups_with_runtime_or_fs", "security.exposure.open_groups_with_elevated", "security.exposure.open_groups_with_control_plane_tools", "security.trust_model.multi_user_heuristic", "channels.discord.allowlisted_groups.broad_members"},
		map[string]string{"channels.telegram.groupPolicy": `"allowlist"`},
		func(s settings) (found []posture.Finding) {
			for _, path := range append([]string{"channels.defaults"}, s.channels()...) {
				if p := s.text(path+".groupPolicy", "allowlist"); p == "open" || p == "allowall" {
					found = append(found, posture.Found("%s.groupPolicy is %s", path, p)...)
				}
			}
			return found
		}),
	config("gateway-group-unaddressed", "The agent answers in groups without being addressed", posture.Medium,
		"Every sentence that somebody writes or forwards there is then a prompt.",
		"Set requireMention to true in groups", docs+"gateway/security/hardened-baseline",
		nil, map[string]string{"channels.telegram.groups": `{"*": {"requireMention": true}}`},
		eachChannel(func(s settings, path string) (found []posture.Finding) {
			for _, key := range []string{"groups", "guilds", "channels", "rooms"} {
				for _, name := range s.Keys(path + "." + key) {
					at := path + "." + key + "." + strings.ReplaceAll(name, ".", `\.`) + ".requireMention"
					if v, ok := s.Bool(at); ok && !v {
						found = append(found, posture.Found("%s is false", at)...)
					}
				}
			}
			if v, ok := s.Bool(path + ".requireMention"); ok && !v {
				found = append(found, posture.Found("%s.requireMention is false", path)...)
			}
			return found
		})),
	config("gateway-shared-session", "People who write to the agent share one conversation", posture.Medium,
		"What one tells it, the next can ask for. Fine for one person; not when several may write.",
		"Set session.dmScope to per-channel-peer", docs+"gateway/security/access-control, DM session isolation",
		[]string{"channels.*.dm.scope_main_multiuser"}, map[string]string{"session.dmScope": `"per-channel-peer"`},
		func(s settings) []posture.Finding {
			if s.text("session.dmScope", "main") != "main" {
				return nil
			}
			for _, path := range s.channels() {
				if from := s.list(path + ".allowFrom"); len(from) > 1 || slices.Contains(from, "*") || s.text(path+".dmPolicy", "") == "open" {
					return posture.Found("session.dmScope is main and several people may write through %s", strings.TrimPrefix(path, "channels."))
				}
			}
			return nil
		}),
	config("gateway-name-matching", "People are recognised by a name they can change", posture.High,
		"Display names and e-mail aliases can be taken by anyone; stable ids cannot.",
		"Remove dangerouslyAllowNameMatching and put stable ids into allowFrom", docs+"gateway/security/audit-checks",
		[]string{"channels.*.allowFrom.dangerous_name_matching_enabled", "channels.*.allowFrom.mutable_entries_inert"},
		map[string]string{"channels.discord.dangerouslyAllowNameMatching": "false"},
		eachChannel(func(s settings, path string) []posture.Finding {
			return isOn(path+".dangerouslyAllowNameMatching", false)(s)
		})),
	config("gateway-channel-config-writes", "A chat may change the agent's config", posture.Medium,
		"On unless set: an allowed sender, or whoever speaks through him, can write allowlists and settings from a message.",
		"Set channels.NAME.configWrites to false", docs+"gateway/config-channels/commands",
		nil, map[string]string{"channels.telegram.configWrites": "false"},
		func(s settings) (found []posture.Finding) {
			for _, path := range s.channels() {
				if !strings.Contains(path, ".accounts.") && s.on(path+".configWrites", true) {
					found = append(found, posture.Found("%s.configWrites is on", path)...)
				}
			}
			return found
		}),
	config("gateway-chat-commands", "A chat may run host commands or change plugins", posture.High,
		"!command in a chat is a shell; /config, /mcp, /plugins and /debug change what the agent is.",
		"Remove commands.bash, config, mcp, plugins and debug", docs+"gateway/config-channels/commands",
		nil, map[string]string{"commands.bash": "false", "commands.config": "false", "commands.mcp": "false", "commands.plugins": "false", "commands.debug": "false"},
		func(s settings) (found []posture.Finding) {
			for _, name := range []string{"bash", "config", "mcp", "plugins", "debug"} {
				found = append(found, isOn("commands."+name, false)(s)...)
			}
			return found
		}),
	config("gateway-link-preview", "A link in an answer is fetched before anyone clicks it", posture.Medium,
		"The messenger fetches the preview by itself: an address that carries your data delivers it with no click (PromptArmor).",
		"Set channels.telegram.linkPreview to false; leave Discord's suppressEmbeds and Slack's unfurlLinks at their defaults",
		guide+", zero-click exploits; "+docs+"channels/telegram, discord, slack; not in OpenClaw's own audit",
		nil, map[string]string{"channels.telegram.linkPreview": "false", "channels.discord.suppressEmbeds": "true", "channels.slack.unfurlLinks": "false"},
		eachChannel(checkLinkPreview)),
	config("gateway-unsigned-webhook", "A channel takes messages from anyone who knows its address", posture.High,
		"Without a signature or secret every caller can be any sender.",
		"Set webhookSecret beside webhookUrl; remove dangerouslyDisableSignatureValidation", docs+"channels/telegram, sms",
		nil, map[string]string{"channels.telegram.webhookUrl": `"https://agent.example.com/telegram"`, "channels.telegram.webhookSecret": `"` + strings.Repeat("0a1b2c3d", 6) + `"`},
		eachChannel(func(s settings, path string) (found []posture.Finding) {
			found = isOn(path+".dangerouslyDisableSignatureValidation", false)(s)
			if strings.HasPrefix(path, "channels.telegram") && s.has(path+".webhookUrl") && !s.has(path+".webhookSecret") {
				found = append(found, posture.Found("%s.webhookUrl is set without a webhookSecret", path)...)
			}
			return found
		})),
	config("gateway-send-anywhere", "The agent may write to whomever it likes", posture.Medium,
		"What channels the agent can message is part of what it can do: a poisoned page then sends your data to its author.",
		"Deny the message tool, or set session.sendPolicy.default to deny with rules for the chats you mean",
		baseline+", channel scope; "+docs+"gateway/config-agents",
		nil, map[string]string{"session.sendPolicy": `{"default": "deny", "rules": [{"action": "allow", "match": {"channel": "telegram"}}]}`},
		func(s settings) []posture.Finding {
			if len(s.channels()) == 0 || s.denied("message") || s.text("session.sendPolicy.default", "allow") == "deny" || s.text("tools.profile", "") == "minimal" {
				return nil
			}
			return posture.Found("session.sendPolicy.default is allow and the message tool is not denied")
		}),
}

func eachChannel(judge func(s settings, path string) []posture.Finding) func(settings) []posture.Finding {
	return func(s settings) (found []posture.Finding) {
		for _, path := range s.channels() {
			found = append(found, judge(s, path)...)
		}
		return found
	}
}

// previewOn names, per channel, the switch that fetches links, what it is
// unless set, and the value that fetches.
var previewOn = map[string]struct {
	key          string
	unset, fetch bool
}{
	"telegram": {"linkPreview", true, true},
	"discord":  {"suppressEmbeds", true, false},
	"slack":    {"unfurlLinks", false, true},
}

func checkLinkPreview(s settings, path string) []posture.Finding {
	name, _, account := strings.Cut(strings.TrimPrefix(path, "channels."), ".")
	p, ok := previewOn[name]
	if !ok || account && !s.has(path+"."+p.key) {
		return nil
	}
	if at := path + "." + p.key; s.on(at, p.unset) == p.fetch {
		return posture.Found("%s is %t", at, p.fetch)
	}
	return nil
}
