package controls

import (
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/openclaw"
	"github.com/openseawall/seawall/internal/posture"
	"github.com/openseawall/seawall/internal/posture/texts"
)

var skillsControls = []posture.Control{
	skill("skills-unknown-source", "Nobody knows where a skill came from", posture.Medium,
		"Some 400 malicious skills were found on the marketplace; one with faked downloads ran code in seven countries. What has no origin cannot be checked again.",
		"Read it, then install it from its source with openclaw skills install, or remove it", nil,
		func(s openclaw.Skill, _ time.Time) string {
			if s.Source == "" {
				return "no origin is written down for it"
			}
			return ""
		}),
	skill("skills-unpinned", "A skill follows whatever its source says next", posture.Medium,
		"What was read is not what runs after the next update.",
		"Install a named version or commit", nil,
		func(s openclaw.Skill, _ time.Time) string {
			if (s.Source == "clawhub" || s.Source == "git") && s.Pinned == "" {
				return "it came from " + s.Source + " without a version or commit"
			}
			return ""
		}),
	skill("skills-shadows-bundled", "A skill takes the place of one that OpenClaw brings", posture.High,
		"A skill in the workspace wins over the bundled one of the same name: the trusted name then runs other text.",
		"Rename or remove it", nil,
		func(s openclaw.Skill, _ time.Time) string {
			if s.Shadows {
				return "it hides the bundled skill " + s.Name
			}
			return ""
		}),
	skill("skills-writable", "Others may change a skill", posture.High,
		"A skill is a prompt and programs: whoever writes it, commands the agent.",
		"chmod -R go-w the directory", nil,
		func(s openclaw.Skill, _ time.Time) string {
			if s.Writable {
				return "another account may write in it"
			}
			return ""
		}),
	skill("skills-changed", "A skill changed in the last week", posture.Info,
		"Skills dropped into or edited in the workspace pass no installer and no policy; the agent's own write tool can do it.",
		"Look at what changed", nil,
		func(s openclaw.Skill, now time.Time) string {
			if !s.Modified.IsZero() && !now.IsZero() && now.Sub(s.Modified) < 7*24*time.Hour {
				return "it was last changed on " + s.Modified.Format(time.DateOnly)
			}
			return ""
		}),
	skill("skills-forgotten", "A skill has not been touched for a year", posture.Info,
		"Remove what you no longer trust or use: it reaches whatever its keys reach today.",
		"Remove it, or read it again", nil,
		func(s openclaw.Skill, now time.Time) string {
			if !s.Modified.IsZero() && !now.IsZero() && now.Sub(s.Modified) > 365*24*time.Hour {
				return "it was last changed on " + s.Modified.Format(time.DateOnly)
			}
			return ""
		}),
	skill("skills-dangerous", "A skill contains something dangerous", posture.High,
		"A quarter of 31,000 analysed skills had a weakness. OpenClaw does not stop such a skill when it is installed.",
		"Read the lines named; remove the skill unless you can say why they are there",
		[]string{"skills.code_safety", "skills.code_safety.scan_failed"},
		func(s openclaw.Skill, _ time.Time) string { return strings.Join(s.Findings, "; ") }),
	integration("skills-no-install-policy", "Skills and plugins are installed without being looked at", posture.Medium,
		"security.installPolicy is the one place that sees every skill and plugin before it is there, and it fails closed. OpenClaw itself blocks nothing.",
		"Set security.installPolicy to a program that judges them",
		map[string]string{"security.installPolicy": `{"enabled": true, "exec": {"source": "exec", "command": "/usr/bin/seawall", "args": ["hook", "install"], "timeoutMs": 10000}}`}, nil,
		func(s settings) []posture.Finding {
			if s.on("security.installPolicy.enabled", false) && s.has("security.installPolicy.exec.command") {
				return nil
			}
			return posture.Found("security.installPolicy is not enabled")
		}),
	integration("skills-self-written", "The agent writes skills for itself and uses them at once", posture.High,
		"autonomous.mode is auto unless set: what a conversation taught it, a poisoned one too, becomes a skill that stays.",
		"Set skills.workshop.autonomous.mode to propose or off, and approvalPolicy to pending",
		map[string]string{"skills.workshop.autonomous.mode": `"propose"`, "skills.workshop.approvalPolicy": `"pending"`}, nil,
		func(s settings) (found []posture.Finding) {
			if s.text("skills.workshop.autonomous.mode", "auto") == "auto" {
				found = posture.Found("skills.workshop.autonomous.mode is auto%s", ifUnset(s, "skills.workshop.autonomous.mode"))
			}
			if s.text("skills.workshop.approvalPolicy", "pending") == "auto" {
				found = append(found, posture.Found("skills.workshop.approvalPolicy is auto")...)
			}
			return found
		}),
	integration("skills-from-devices", "Paired devices may bring skills", posture.Medium,
		"On unless set: whoever has a paired phone or laptop extends the agent.",
		"Set gateway.nodes.allowSkills to false",
		map[string]string{"gateway.nodes.allowSkills": "false"}, nil, isOn("gateway.nodes.allowSkills", true)),
	integration("skills-uploads", "Skills may be uploaded as archives", posture.Medium,
		"An archive has no origin and no version.", "Set skills.install.allowUploadedArchives to false",
		map[string]string{"skills.install.allowUploadedArchives": "false"}, nil, isOn("skills.install.allowUploadedArchives", false)),
	integration("skills-foreign-dirs", "Skills are loaded from places outside OpenClaw", posture.Low,
		"Whoever writes there extends the agent; links lead out of the workspace.",
		"Empty skills.load.extraDirs and allowSymlinkTargets, and install skills where they belong",
		map[string]string{"skills.load.extraDirs": "[]", "skills.load.allowSymlinkTargets": "[]"}, []string{"skills.workspace.symlink_escape"},
		func(s settings) (found []posture.Finding) {
			for _, key := range []string{"skills.load.extraDirs", "skills.load.allowSymlinkTargets"} {
				if list := s.list(key); len(list) > 0 {
					found = append(found, posture.Found("%s has %s", key, strings.Join(list, ", "))...)
				}
			}
			return found
		}),
	integration("skills-plugins-open", "Any plugin that lies there is loaded", posture.Medium,
		"Plugins run inside the gateway and see every key. Without a list the next one is in at the next start.",
		"List the plugins you mean in plugins.allow, the bundled ones you use too",
		map[string]string{"plugins.allow": `["memory-core"]`}, []string{"plugins.extensions_no_allowlist", "plugins.allow_phantom_entries"},
		func(s settings) []posture.Finding {
			if len(s.list("plugins.allow")) > 0 || !s.on("plugins.enabled", true) {
				return nil
			}
			paths := slices.DeleteFunc(s.list("plugins.load.paths"), func(dir string) bool { return dir == ownPlugin })
			if len(paths) > 0 {
				return rated(posture.High, posture.Found("plugins.allow is empty, and plugins are loaded from %s", strings.Join(paths, ", ")))
			}
			return posture.Found("plugins.allow is empty")
		}),
	integration("skills-plugin-writable-path", "Plugins are loaded from a place the agent writes", posture.High,
		"The agent, or who talks it into it, writes a plugin there and is the gateway.",
		"Move the plugin out of the workspace and of /tmp", nil, nil,
		func(s settings) (found []posture.Finding) {
			for _, dir := range s.list("plugins.load.paths") {
				for _, w := range append([]string{"/tmp", "/var/tmp"}, s.in.Workspaces...) {
					if dir == w || strings.HasPrefix(path.Clean(dir), w+"/") {
						found = append(found, posture.Found("plugins.load.paths has %s", dir)...)
					}
				}
			}
			return found
		}),
	integration("skills-tool-server-unpinned", "A tool server is fetched anew at every start", posture.Medium,
		"npx and uvx without a version run what was published last, with the agent's rights.",
		"Name the exact version (name@1.2.3), or install it", nil, nil, checkUnpinnedServers),
	integration("skills-tool-server-secret", "A tool server's secret stands among its arguments", posture.Medium,
		"Arguments are visible to every account of this machine.", "Use env with a SecretRef", nil, nil,
		func(s settings) (found []posture.Finding) {
			for _, name := range s.Keys("mcp.servers") {
				at := "mcp.servers." + strings.ReplaceAll(name, ".", `\.`) + ".args"
				args := s.list(at)
				if len(texts.Secrets(strings.Join(args, " "))) > 0 || slices.ContainsFunc(args, secretArgument) {
					found = append(found, posture.Found("%s", at)...)
				}
			}
			return found
		}),
}

// ownPlugin is where `seawall connect` puts its plugin when root runs it: a
// folder that the agent cannot write.
const ownPlugin = "/var/lib/seawall-plugin"

// skill makes a control that looks at every installed skill; judge returns
// what is wrong with one, or "".
func skill(id, title string, severity posture.Severity, why, advice string, checkIDs []string, judge func(openclaw.Skill, time.Time) string) posture.Control {
	return posture.Control{
		ID: id, Title: title, Family: posture.Skills, Severity: severity, Why: why, Advice: advice,
		Source: guide + ", skills marketplace; " + baseline + ", review skills like code", CheckIDs: checkIDs, Needs: []posture.Need{agentFiles},
		Check: func(f *posture.Facts) (found []posture.Finding) {
			for _, in := range f.OpenClaw.Value {
				for _, s := range in.Skills {
					if wrong := judge(s, f.Self.Time); wrong != "" && s.Root != "bundled" {
						found = append(found, posture.On(s.Path, "%s", wrong))
					}
				}
			}
			return found
		},
	}
}

// integration makes a control about what extends the agent, read from its config.
func integration(id, title string, severity posture.Severity, why, advice string, cure map[string]string, checkIDs []string, judge func(settings) []posture.Finding) posture.Control {
	c := config(id, title, severity, why, advice, docs+"gateway/config-extensions, tools/skills; "+baseline+", third-party tools", checkIDs, cure, judge)
	c.Family = posture.Skills
	return c
}

func ifUnset(s settings, path string) string {
	if s.has(path) {
		return ""
	}
	return ", which is its default"
}

// exactVersion matches a package name with an exact version: name@1.2.3, name==1.2.3.
var exactVersion = regexp.MustCompile(`(@|==)v?\d+\.\d+(\.\d+)?\S*$`)

// checkUnpinnedServers finds the first package that npx, uvx and their kin are given.
func checkUnpinnedServers(s settings) (found []posture.Finding) {
	for _, name := range s.Keys("mcp.servers") {
		at := "mcp.servers." + strings.ReplaceAll(name, ".", `\.`)
		command := path.Base(s.text(at+".command", ""))
		args := s.list(at + ".args")
		if (command == "npm" || command == "pnpm" || command == "yarn" || command == "bun") && len(args) > 0 && slices.Contains([]string{"exec", "dlx", "x"}, args[0]) {
			args = args[1:]
		} else if !slices.Contains([]string{"npx", "uvx", "bunx", "pipx"}, command) {
			continue
		}
		for _, a := range args {
			if strings.HasPrefix(a, "-") || a == "run" {
				continue
			}
			if !exactVersion.MatchString(a) {
				found = append(found, posture.Found("%s runs %s %s", at, command, a)...)
			}
			break
		}
	}
	return found
}

// secretArgument reports whether an argument is --token=VALUE or the like.
func secretArgument(arg string) bool {
	name, value, ok := strings.Cut(strings.TrimLeft(arg, "-"), "=")
	_, given := literal(value)
	return ok && given && host.LooksSecret(strings.ReplaceAll(name, "-", "_"), value)
}
