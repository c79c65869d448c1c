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
	"github.com/openseawall/seawall/internal/posture/texts"
)

// rotation is how old a stored key may get before somebody should ask.
const rotation = 180 * 24 * time.Hour

var secretsControls = slices.Concat(secretsAtHome, []posture.Control{
	plaintext("secrets-provider-key", "A model provider's key stands in openclaw.json", posture.Medium,
		"The agent reads its own config, and so do its plugins, backups and whoever gets a copy. OpenClaw's own audit does not mention it.",
		"Run seawall connect (the agent then never holds the key), or make it a SecretRef with openclaw secrets configure",
		map[string]string{"secrets.providers": `{"llm": {"source": "file", "path": "/etc/openclaw/llm.key", "mode": "singleValue"}}`},
		nil, "models.providers.", "auth.profiles."),
	plaintext("secrets-channel-token", "A messenger's token stands in openclaw.json", posture.Medium,
		"Whoever has it is your bot: reads what people write to it and answers in its name. OpenClaw's own audit does not mention it.",
		"Make it a SecretRef, or use channels.telegram.tokenFile with mode 0600",
		map[string]string{"channels.telegram.tokenFile": `"/etc/openclaw/telegram.token"`}, nil, "channels."),
	plaintext("secrets-gateway-credential", "The gateway's own password or token stands in openclaw.json", posture.Low,
		"Its reader is an operator. Mode 0600 is what protects it, and the agent runs as the owner.",
		"Make it a SecretRef to a file in secrets.providers, or set OPENCLAW_GATEWAY_TOKEN from a file that only the service reads",
		map[string]string{"secrets.providers": `{"gateway": {"source": "file", "path": "/etc/openclaw/gateway.token", "mode": "singleValue"}}`},
		[]string{"config.secrets.gateway_password_in_config", "config.secrets.hooks_token_in_config"}, "gateway.", "hooks."),
	plaintext("secrets-tool-key", "Keys of tools, skills or plugins stand in openclaw.json", posture.Medium,
		"Each integration adds one, and months later the agent holds far more than its work needs.",
		"Make them SecretRefs, and remove those of integrations you no longer use",
		nil, nil, "tools.", "skills.", "plugins.", "mcp.", "talk.", "messages.", "memory.", "env.", "agents.", "browser.", "cron.", "nodeHost."),
	fileModes("secrets-config-mode", "Others may read or change OpenClaw's config", posture.High, posture.Critical,
		"It decides who may do what, and often holds keys.", "chmod 600 the file and chmod 700 its directory",
		[]string{"fs.config.perms_writable", "fs.config.perms_group_readable", "fs.config.perms_world_readable", "fs.config_include.perms_writable", "fs.config_include.perms_group_readable", "fs.config_include.perms_world_readable"},
		"config", "config-backup"),
	fileModes("secrets-env-mode", "Others may read a .env file", posture.High, posture.High,
		"It is where the keys were put to keep them out of everything else.", "chmod 600 the file", nil, "env"),
	fileModes("secrets-credential-mode", "Others may read OpenClaw's stored credentials", posture.High, posture.Critical,
		"Messenger sessions, device keys and model logins.", "chmod 600 the files and chmod 700 their directories",
		[]string{"fs.credentials_dir.perms_writable", "fs.credentials_dir.perms_readable", "fs.auth_profiles.perms_writable", "fs.auth_profiles.perms_readable"}, "credential", "database"),
	fileModes("secrets-session-mode", "Others may read what was said to the agent", posture.Medium, posture.High,
		"Transcripts hold private messages, command output and pasted secrets.", "chmod 600 the files",
		[]string{"fs.sessions_store.perms_readable"}, "session"),
	fileModes("secrets-log-mode", "Others may read OpenClaw's logs", posture.Medium, posture.Medium,
		"They are redacted and still say hosts, people, paths and errors; by default they lie in /tmp/openclaw, which everyone enters.",
		"Set logging.file to a path in a directory with mode 0700", []string{"fs.log_file.perms_readable"}, "log"),
	fileModes("secrets-backup-mode", "Others may read a backup of OpenClaw", posture.High, posture.High,
		"openclaw backup writes every key, session and config into one archive that is not encrypted.", "chmod 600 it, or better encrypt and move it", nil, "backup"),
	inFiles("secrets-in-memory", "A memory or prompt file has a secret in it", posture.High,
		"Everything in these files is sent to the model and may be said again to anyone: memory is no scrapbook for credentials.",
		"Take it out, replace the key, and write down its name only", "memory", "bootstrap"),
	inFiles("secrets-in-logs", "A log has a secret in it", posture.High,
		"Logs are kept, copied and shown when asking for help.", "Replace the key, delete the line, and add its shape to logging.redactPatterns", "log"),
	inFiles("secrets-old-config", "An old copy of the config still has keys in it", posture.Medium,
		"OpenClaw keeps .bak to .bak.4 and .last-good: moving a key out of openclaw.json leaves it there, and openclaw secrets audit does not look at them.",
		"Delete the copies after moving keys, then replace the keys", "config-backup", "backup"),
	{
		ID: "secrets-workspace-env", Title: "A .env file with keys lies in the agent's workspace", Family: posture.Secrets, Severity: posture.Medium,
		Why:    "It is the one place the agent reads and sends freely; OpenClaw itself refuses provider keys from there.",
		Advice: "Move it out of the workspace", Source: docs + "gateway/security/secrets-and-storage; " + baseline + ", secrets",
		Needs: []posture.Need{agentFiles},
		Check: eachFile(func(in openclaw.Install, file openclaw.File) []posture.Finding {
			if file.Kind != "env" || len(file.Secrets) == 0 || path.Dir(file.Path) == in.StateDir {
				return nil
			}
			return posture.Found("it has %s", rules(file.Secrets))
		}),
	},
	{
		ID: "secrets-process-env", Title: "Every command of the agent sees keys in its environment", Family: posture.Secrets, Severity: posture.High,
		Why:    "What the agent runs inherits the gateway's environment: env is enough to read all of it, and an error report to log it.",
		Advice: "Keep only what this deployment needs; run seawall connect, or use SecretRefs from files",
		Source: guide + ", no keys in environment variables; tried: exec children inherit it",
		Needs:  []posture.Need{gatewayEnvironment},
		Check: func(f *posture.Facts) (found []posture.Finding) {
			for _, in := range f.OpenClaw.Value {
				if in.Process != nil && len(in.Process.SecretEnv) > 0 {
					found = append(found, posture.On(fmt.Sprintf("process %d", in.Process.PID), "the gateway has %s", strings.Join(in.Process.SecretEnv, ", ")))
				}
			}
			return found
		},
	},
	{
		ID: "secrets-container-env", Title: "A container has keys in its environment", Family: posture.Secrets, Severity: posture.Medium,
		Why:    "docker inspect shows them to the docker group, every process inside sees them, and crash reports carry them.",
		Advice: "Use files (secrets: in compose, or SecretRefs) and keep only what this service needs",
		Source: "OWASP Docker Security, rule 12; " + guide + ", API keys",
		Needs:  []posture.Need{posture.Containers},
		Check: func(f *posture.Facts) (found []posture.Finding) {
			for _, c := range f.Containers.Value {
				if len(c.SecretEnv) > 0 && running(c) {
					finding := posture.On(c.Name(), "it has %s", strings.Join(c.SecretEnv, ", "))
					if !c.OpenClaw {
						finding = finding.At(posture.Low)
					}
					found = append(found, finding)
				}
			}
			return found
		},
	},
	{
		ID: "secrets-master-key", Title: "The agent has a personal master key", Family: posture.Secrets, Severity: posture.High,
		Why:    "A key of the cloud account, of all repositories or of the registrar turns one bad turn into the loss of everything behind it.",
		Advice: "Make a key for this one service with the least it needs, and remove this one",
		Source: baseline + ", service-specific keys",
		Needs:  []posture.Need{gatewayEnvironment},
		Check: func(f *posture.Facts) (found []posture.Finding) {
			check := func(object string, names []string) {
				var master []string
				for _, n := range names {
					if slices.Contains(masterKeys, n) {
						master = append(master, n)
					}
				}
				if len(master) > 0 {
					found = append(found, posture.On(object, "it has %s", strings.Join(master, ", ")))
				}
			}
			for _, in := range f.OpenClaw.Value {
				if in.Process != nil {
					check(fmt.Sprintf("process %d", in.Process.PID), in.Process.Env)
				}
				for _, c := range f.Containers.Value {
					if in.Container != "" && c.Name() == in.Container {
						check(c.Name(), c.Env)
					}
				}
			}
			return found
		},
	},
	{
		ID: "secrets-login-shell-env", Title: "OpenClaw takes over the login shell's environment", Family: posture.Secrets, Severity: posture.Medium,
		Why:    "Every token in the operator's shell becomes the agent's, without anyone deciding it.",
		Advice: "Set env.shellEnv.enabled to false", Source: docs + "gateway/config-secrets-env; " + baseline + ", secrets should feel inconvenient to widen",
		Settings: map[string]string{"env.shellEnv.enabled": "false"},
		Needs:    []posture.Need{agentConfig}, Check: eachConfig(isOn("env.shellEnv.enabled", false)),
	},
	{
		ID: "secrets-in-job", Title: "A scheduled job has a secret in its command", Family: posture.Secrets, Severity: posture.Medium,
		Why:    "Crontabs are backed up and shown, and while the job runs everyone sees its arguments.",
		Advice: "Put the secret into a file with mode 0600 and have the job read it",
		Source: baseline + ", never in scripts; CWE-214",
		Needs:  []posture.Need{posture.CronJobs},
		Check: func(f *posture.Facts) (found []posture.Finding) {
			for _, j := range f.Cron.Value {
				for _, s := range texts.Secrets(j.Command) {
					found = append(found, posture.On(j.Source, "a job of %s has a secret in it (%s)", j.User, s.Rule))
				}
			}
			return found
		},
	},
	{
		ID: "secrets-in-arguments", Title: "A running program has a secret among its arguments", Family: posture.Secrets, Severity: posture.Medium,
		Why:    "Every account of this machine can read them with ps.",
		Advice: "Pass it by a file or the environment of its unit",
		Source: "CWE-214; proc(5)",
		Needs:  []posture.Need{posture.Processes},
		Check: func(f *posture.Facts) (found []posture.Finding) {
			for _, p := range f.Processes.Value {
				for _, s := range texts.Secrets(strings.Join(p.Args, " ")) {
					found = append(found, posture.On(fmt.Sprintf("process %d", p.PID), "%s shows a secret (%s)", p.Name, s.Rule))
				}
			}
			return found
		},
	},
	{
		ID: "secrets-backup-unencrypted", Title: "A backup with all keys in it is not encrypted", Family: posture.Secrets, Severity: posture.Medium,
		Why:    "Back up critical state, but not raw secrets into random places: openclaw backup encrypts nothing.",
		Advice: "Encrypt it (age, restic, borg) and keep it off this machine",
		Source: baseline + ", checklist 9; tried: the archive holds config, keys and sessions",
		Needs:  []posture.Need{agentFiles},
		Check: eachFile(func(_ openclaw.Install, file openclaw.File) []posture.Finding {
			if file.Kind == "backup" && (strings.HasSuffix(file.Path, ".tar.gz") || strings.HasSuffix(file.Path, ".tgz") || strings.HasSuffix(file.Path, ".tar") || strings.HasSuffix(file.Path, ".zip")) {
				return posture.Found("it is a plain archive")
			}
			return nil
		}),
	},
	{
		ID: "secrets-not-rotated", Title: "A key has not been replaced for half a year", Family: posture.Secrets, Severity: posture.Low,
		Why:    "Old keys are in old backups, old laptops and old logs. If replacing one takes more than minutes, it will not happen in time.",
		Advice: "Replace it and run openclaw secrets reload: no restart is needed",
		Source: guide + ", key rotation; " + baseline + ", rotating old credentials",
		Needs:  []posture.Need{agentFiles},
		Check: func(f *posture.Facts) []posture.Finding {
			now := f.Self.Time
			return eachFile(func(_ openclaw.Install, file openclaw.File) []posture.Finding {
				if file.Kind != "env" && !strings.HasSuffix(file.Path, ".key") || file.ModTime.IsZero() || now.IsZero() {
					return nil
				}
				if age := now.Sub(file.ModTime); age > rotation {
					return posture.Found("it was last written %d days ago", int(age.Hours()/24))
				}
				return nil
			})(f)
		},
	},
})

// masterKeys are names under which people keep a key to a whole account.
var masterKeys = []string{"AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "GH_TOKEN", "GITLAB_TOKEN", "NPM_TOKEN", "HCLOUD_TOKEN", "DIGITALOCEAN_TOKEN", "DIGITALOCEAN_ACCESS_TOKEN",
	"CLOUDFLARE_API_KEY", "GOOGLE_APPLICATION_CREDENTIALS", "AZURE_CLIENT_SECRET", "LINODE_TOKEN", "VULTR_API_KEY", "KUBECONFIG", "SSH_AUTH_SOCK", "STRIPE_SECRET_KEY", "VAULT_TOKEN", "OP_SERVICE_ACCOUNT_TOKEN"}

// plaintext finds literals at places of the config that hold credentials.
func plaintext(id, title string, severity posture.Severity, why, advice string, cure map[string]string, checkIDs []string, below ...string) posture.Control {
	return posture.Control{
		ID: id, Title: title, Family: posture.Secrets, Severity: severity, Why: why, Advice: advice,
		Source:   baseline + ", secrets; " + guide + ", API keys; " + docs + "gateway/secrets",
		CheckIDs: checkIDs, Settings: cure, Needs: []posture.Need{agentConfig},
		Check: eachConfig(func(s settings) []posture.Finding {
			var where []string
			s.walk(func(at string, v any) {
				text, ok := literal(v)
				if ok && slices.ContainsFunc(below, func(p string) bool { return strings.HasPrefix(at, p) }) && credentialKey(at) && !openclaw.StandIn(text) {
					where = append(where, at)
				}
			})
			if len(where) == 0 {
				return nil
			}
			return posture.Found("%s", strings.Join(where, ", "))
		}),
	}
}

// credentialKey reports whether the last key of a path names a credential.
func credentialKey(at string) bool {
	parts := openclaw.SplitPath(at)
	key := parts[len(parts)-1]
	if host.LooksSecret(key, "x") && !strings.HasSuffix(at, "sessionKey") && !strings.HasSuffix(at, "SessionKey") && !strings.HasSuffix(at, "mainKey") && !strings.HasSuffix(key, "skillKey") && !strings.HasSuffix(key, "ublicKey") {
		return true
	}
	switch key {
	case "apiKey", "botToken", "appToken", "userToken", "token", "password", "secret", "signingSecret", "webhookSecret", "clientSecret", "pushToken", "accessToken", "authToken", "privateKey", "Authorization", "authorization":
		return true
	}
	return false
}

func rules(found []openclaw.SecretAt) string {
	var list []string
	for _, s := range found {
		list = append(list, fmt.Sprintf("%s in line %d", s.Rule, s.Line))
	}
	return strings.Join(list, ", ")
}

// eachFile judges the files of every installation; findings without an object are about the file.
func eachFile(judge func(openclaw.Install, openclaw.File) []posture.Finding) func(*posture.Facts) []posture.Finding {
	return func(f *posture.Facts) (all []posture.Finding) {
		for _, in := range f.OpenClaw.Value {
			for _, file := range in.Files {
				for _, found := range judge(in, file) {
					if found.Object == "" {
						found.Object = file.Path
					}
					all = append(all, found)
				}
			}
		}
		return all
	}
}

// fileModes finds files of some kinds that others may read (severity) or
// write (worst).
func fileModes(id, title string, severity, worst posture.Severity, why, advice string, checkIDs []string, kinds ...string) posture.Control {
	return posture.Control{
		ID: id, Title: title, Family: posture.Secrets, Severity: severity, Why: why, Advice: advice,
		Source: docs + "gateway/security/secrets-and-storage; " + guide + ", chmod 600", CheckIDs: checkIDs, Needs: []posture.Need{agentFiles},
		Check: eachFile(func(_ openclaw.Install, file openclaw.File) []posture.Finding {
			if !slices.Contains(kinds, file.Kind) {
				return nil
			}
			who := opened(file.FileInfo)
			if who == "" {
				return nil
			}
			finding := posture.On("", "%s (mode %v)", who, file.Mode.Perm())
			if file.Mode.Perm()&(groupWrite|othersWrite) != 0 {
				finding = finding.At(worst)
			}
			return []posture.Finding{finding}
		}),
	}
}

func inFiles(id, title string, severity posture.Severity, why, advice string, kinds ...string) posture.Control {
	return posture.Control{
		ID: id, Title: title, Family: posture.Secrets, Severity: severity, Why: why, Advice: advice,
		Source: baseline + ", secrets never in memory files, commits, notes or scripts; " + guide + ", logs", Needs: []posture.Need{agentFiles},
		Check: eachFile(func(_ openclaw.Install, file openclaw.File) []posture.Finding {
			if !slices.Contains(kinds, file.Kind) || len(file.Secrets) == 0 {
				return nil
			}
			return posture.Found("it has %s", rules(file.Secrets))
		}),
	}
}
