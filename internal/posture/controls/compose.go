package controls

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/posture"
)

// The compose controls read compose files as security documents: what would
// run tomorrow, beside the docker controls, which see what runs now.
var composeControls = []posture.Control{
	{
		ID: "compose-unreadable", Title: "A compose file does not parse", Family: posture.Compose, Severity: posture.Medium,
		Why:    "Nobody knows what it starts, and what should be checked in it was not.",
		Advice: "Run docker compose config on it",
		Source: "Compose specification",
		Needs:  []posture.Need{posture.ComposeFiles},
		Check: func(f *posture.Facts) (found []posture.Finding) {
			for _, c := range f.Compose.Value {
				if c.Error != "" {
					found = append(found, posture.On(c.Path, "%s", c.Error))
				}
			}
			return found
		},
	},
	{
		ID: "compose-secret", Title: "A compose file has a secret in it", Family: posture.Compose, Severity: posture.High,
		Why:    "Compose files are copied, shown and committed; keys belong in an env_file with mode 0600, or better outside the container.",
		Advice: "Move the value to an env_file or a secret, then replace the key: it has been in a file others read",
		Source: guide + ", API keys; " + baseline + ", secrets",
		Needs:  []posture.Need{composeServices},
		Check: eachService(func(file host.ComposeFile, s host.ComposeService) []posture.Finding {
			if len(s.SecretEnv) == 0 {
				return nil
			}
			finding := posture.On("", "%s has literal values for %s", s.Name, strings.Join(s.SecretEnv, ", "))
			if file.GitRemote != "" {
				finding = posture.On("", "%s has literal values for %s, and the file is in a repository with the remote %s", s.Name, strings.Join(s.SecretEnv, ", "), file.GitRemote).At(posture.Critical)
			}
			return []posture.Finding{finding}
		}),
	},
	{
		ID: "compose-env-file-mode", Title: "Others may read a service's env file", Family: posture.Compose, Severity: posture.High,
		Why:    "It holds the keys that were kept out of the compose file.",
		Advice: "chmod 600 the file",
		Source: guide + ", .env with chmod 600",
		Needs:  []posture.Need{composeServices},
		Check: eachService(func(file host.ComposeFile, s host.ComposeService) (found []posture.Finding) {
			for _, e := range s.EnvFiles {
				if who := opened(e); who != "" {
					found = append(found, posture.On(e.Path, "%s (mode %v)", who, e.Mode.Perm()))
				}
			}
			return found
		}),
	},
	{
		ID: "compose-file-writable", Title: "Others may change a compose file", Family: posture.Compose, Severity: posture.High,
		Why:    "The next up runs what they wrote, as root if they say so.",
		Advice: "chmod go-w the file",
		Source: baseline + ": compose files are security documents",
		Needs:  []posture.Need{posture.ComposeFiles},
		Check: func(f *posture.Facts) (found []posture.Finding) {
			for _, c := range f.Compose.Value {
				if who := writable(c.Info); who != "" {
					found = append(found, posture.On(c.Path, "%s (mode %v)", who, c.Info.Mode.Perm()))
				}
			}
			return found
		},
	},
	{
		ID: "compose-privileged", Title: "A compose file starts a privileged container", Family: posture.Compose, Severity: posture.Critical,
		Why:    "Privileged is root on the host with one step in between.",
		Advice: "Remove privileged: true",
		Source: "CIS Docker 1.6, 5.5; OWASP Docker Security, rule 3",
		Needs:  []posture.Need{composeServices},
		Check:  serviceHas(func(s host.ComposeService) bool { return s.Privileged }, "%s is privileged"),
	},
	{
		ID: "compose-root-user", Title: "A compose file starts OpenClaw as root", Family: posture.Compose, Severity: posture.High,
		Why:    "OpenClaw's image has its own user; user: root takes that away.",
		Advice: "Remove user: root, or set user: \"1000:1000\"",
		Source: "CIS Docker 1.6, 4.1; " + baseline + ", Docker",
		Needs:  []posture.Need{composeServices},
		Check:  serviceHas(func(s host.ComposeService) bool { return s.OpenClaw && s.User != "" && rootUser(s.User) }, "%s runs as root"),
	},
	{
		ID: "compose-capabilities", Title: "A compose file leaves OpenClaw capabilities it does not need", Family: posture.Compose, Severity: posture.Medium,
		Why:    "NET_RAW forges packets; a gateway needs none of Docker's fourteen.",
		Advice: "Set cap_drop: [ALL] and remove cap_add",
		Source: "CIS Docker 1.6, 5.4; OpenClaw docs, install/docker (cap_drop NET_RAW, NET_ADMIN); " + errata,
		Needs:  []posture.Need{composeServices},
		Check: eachService(func(_ host.ComposeFile, s host.ComposeService) (found []posture.Finding) {
			if bad := dangerousCaps(s.CapAdd); len(bad) > 0 {
				found = append(found, posture.On("", "%s adds %s", s.Name, strings.Join(bad, ", ")).At(posture.High))
			}
			if s.OpenClaw && !slices.ContainsFunc(s.CapDrop, func(d string) bool { return capName(d) == "ALL" || capName(d) == "NET_RAW" }) {
				found = append(found, posture.On("", "%s keeps NET_RAW", s.Name))
			}
			return found
		}),
	},
	{
		ID: "compose-new-privileges", Title: "A compose file lets OpenClaw gain privileges", Family: posture.Compose, Severity: posture.Medium,
		Why:    "The daemon's own no-new-privileges is a default that does not show; what stands here holds.",
		Advice: "Set security_opt: [\"no-new-privileges:true\"]",
		Source: "CIS Docker 1.6, 5.26; " + baseline + ", Docker; " + errata,
		Needs:  []posture.Need{composeServices},
		Check: serviceHas(func(s host.ComposeService) bool {
			return s.OpenClaw && !slices.ContainsFunc(s.SecurityOpt, func(o string) bool { v, ok := optionValue(o, "no-new-privileges"); return ok && v == "true" })
		}, "%s does not set no-new-privileges"),
	},
	{
		ID: "compose-unconfined", Title: "A compose file turns seccomp or AppArmor off", Family: posture.Compose, Severity: posture.High,
		Why:    "They are what stands between a kernel hole and the host.",
		Advice: "Remove the unconfined line",
		Source: "CIS Docker 1.6, 5.2, 5.22; " + guide + ", seccomp and AppArmor",
		Needs:  []posture.Need{composeServices},
		Check:  serviceHas(func(s host.ComposeService) bool { return slices.ContainsFunc(s.SecurityOpt, unconfined) }, "%s is unconfined"),
	},
	{
		ID: "compose-mount", Title: "A compose file mounts more than a workspace", Family: posture.Compose, Severity: posture.High,
		Why:    "Limit mounts to the exact paths the agent should touch; the Docker socket is the whole machine.",
		Advice: "Mount the directories the agent works in, nothing above them",
		Source: "CIS Docker 1.6, 5.6, 5.32; " + baseline + ", mounts",
		Needs:  []posture.Need{composeServices},
		Check: eachService(func(_ host.ComposeFile, s host.ComposeService) (found []posture.Finding) {
			for _, m := range s.Mounts {
				switch why := tooWide(m.Source); {
				case strings.HasSuffix(m.Source, "docker.sock"):
					found = append(found, posture.On("", "%s gets the Docker socket", s.Name).At(posture.Critical))
				case m.Type == "bind" && why != "":
					found = append(found, posture.On("", "%s gets %s (%s) at %s", s.Name, m.Source, why, m.Target))
				}
			}
			return found
		}),
	},
	{
		ID: "compose-public-port", Title: "A compose file publishes a port on all addresses", Family: posture.Compose, Severity: posture.High,
		Why:    "\"18789:18789\" means everyone; Docker opens the firewall for it.",
		Advice: "Write \"127.0.0.1:18789:18789\" and come in over a tunnel or a reverse proxy",
		Source: "CIS Docker 1.6, 5.14; " + baseline + ", public exposure",
		Needs:  []posture.Need{composeServices},
		Check: eachService(func(_ host.ComposeFile, s host.ComposeService) (found []posture.Finding) {
			for _, p := range s.Ports {
				addr, err := netip.ParseAddr(p.HostIP)
				if p.Published == "" || err == nil && !addr.IsUnspecified() || publishes(s) {
					continue
				}
				found = append(found, posture.On("", "%s publishes %s on all addresses", s.Name, p.Published))
			}
			return found
		}),
	},
	{
		ID: "compose-host-network", Title: "A compose file puts a container on the host's network", Family: posture.Compose, Severity: posture.High,
		Why:    "Every service on 127.0.0.1 is then the container's too.",
		Advice: "Remove network_mode: host and publish the one port on 127.0.0.1",
		Source: "CIS Docker 1.6, 5.10",
		Needs:  []posture.Need{composeServices},
		Check:  serviceHas(func(s host.ComposeService) bool { return s.NetworkMode == "host" }, "%s uses the host's network"),
	},
	{
		ID: "compose-memory", Title: "A compose file gives OpenClaw no memory limit, or too little", Family: posture.Compose, Severity: posture.Medium,
		Why:    "Without one a runaway turn takes the host; below 2 GB the gateway itself is killed.",
		Advice: "Set deploy.resources.limits.memory: 2g",
		Source: "CIS Docker 1.6, 5.11; " + guide + ", resource limits; " + errata,
		Needs:  []posture.Need{composeServices},
		Check: eachService(func(_ host.ComposeFile, s host.ComposeService) []posture.Finding {
			switch {
			case !s.OpenClaw || s.MemoryLimit >= gatewayMemory:
				return nil
			case s.MemoryLimit <= 0:
				return posture.Found("%s has no memory limit", s.Name)
			}
			return posture.Found("%s has %d MB", s.Name, s.MemoryLimit>>20)
		}),
	},
	{
		ID: "compose-pids", Title: "A compose file lets OpenClaw start processes without end", Family: posture.Compose, Severity: posture.Low,
		Why:    "A fork bomb takes the whole machine.",
		Advice: "Set pids_limit: 512",
		Source: "CIS Docker 1.6, 5.29",
		Needs:  []posture.Need{composeServices},
		Check:  serviceHas(func(s host.ComposeService) bool { return s.OpenClaw && s.PidsLimit <= 0 }, "%s has no limit of processes"),
	},
	{
		ID: "compose-healthcheck", Title: "A compose file checks OpenClaw's health with a program its image may not have", Family: posture.Compose, Severity: posture.Medium,
		Why:    "The guide's curl is not promised in OpenClaw's image, which brings a check of its own; a check that cannot run reports a healthy agent as dead.",
		Advice: "Remove the healthcheck, or use node -e with fetch('http://127.0.0.1:18789/healthz')",
		Source: errata,
		Needs:  []posture.Need{composeServices},
		Check: eachService(func(_ host.ComposeFile, s host.ComposeService) []posture.Finding {
			if !s.OpenClaw || len(s.HealthTest) == 0 {
				return nil
			}
			test := strings.Join(s.HealthTest, " ")
			if s.HealthTest[0] == "NONE" {
				return posture.Found("%s turns the image's health check off", s.Name)
			}
			if strings.Contains(test, "curl") || strings.Contains(test, "wget") {
				return posture.Found("%s checks with %q", s.Name, test)
			}
			return nil
		}),
	},
	{
		ID: "compose-image-unpinned", Title: "A compose file starts whatever OpenClaw image is newest", Family: posture.Compose, Severity: posture.Medium,
		Why:    "A moving tag is an update nobody decided or tested, and no way back.",
		Advice: "Name the version and the digest",
		Source: "CIS Docker 1.6, 5.28; OWASP Docker Security, rule 13",
		Needs:  []posture.Need{composeServices},
		Check: eachService(func(_ host.ComposeFile, s host.ComposeService) []posture.Finding {
			if s.OpenClaw && s.Image != "" && movingTag(s.Image) {
				return posture.Found("%s uses %s", s.Name, s.Image)
			}
			return nil
		}),
	},
	{
		ID: "compose-restart", Title: "A compose file leaves OpenClaw down after a crash", Family: posture.Compose, Severity: posture.Low,
		Why:    "After an automatic reboot the agent stays gone.",
		Advice: "Set restart: unless-stopped",
		Source: "CIS Docker 1.6, 5.15",
		Needs:  []posture.Need{composeServices},
		Check:  serviceHas(func(s host.ComposeService) bool { return s.OpenClaw && (s.Restart == "" || s.Restart == "no") }, "%s has no restart policy"),
	},
}

// eachService judges every service; findings without an object are about the file.
func eachService(judge func(host.ComposeFile, host.ComposeService) []posture.Finding) func(*posture.Facts) []posture.Finding {
	return func(f *posture.Facts) (all []posture.Finding) {
		for _, file := range f.Compose.Value {
			for _, s := range file.Services {
				for _, found := range judge(file, s) {
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

func serviceHas(bad func(host.ComposeService) bool, detail string) func(*posture.Facts) []posture.Finding {
	return eachService(func(_ host.ComposeFile, s host.ComposeService) []posture.Finding {
		if bad(s) {
			return posture.Found(detail, s.Name)
		}
		return nil
	})
}

func unconfined(option string) bool {
	for _, name := range []string{"seccomp", "apparmor"} {
		if v, ok := optionValue(option, name); ok && v == "unconfined" {
			return true
		}
	}
	return false
}

// publishes reports whether a service is a web server whose ports are meant
// to be public.
func publishes(s host.ComposeService) bool {
	name := s.Image[strings.LastIndexByte(s.Image, '/')+1:]
	return slices.ContainsFunc([]string{"nginx", "caddy", "traefik", "httpd", "haproxy", "envoy", "swag"}, func(p string) bool {
		return strings.HasPrefix(name, p)
	})
}

// composeServices needs a compose file that was understood: one that does not
// parse is compose-unreadable's, and says nothing about the rest.
var composeServices = posture.Need{Name: "compose files", Of: func(f *posture.Facts) (host.Status, string) {
	status, reason := f.Compose.State()
	if status != host.Known {
		return status, reason
	}
	if len(f.Compose.Value) == 0 {
		return host.Absent, "no compose file was found"
	}
	for _, c := range f.Compose.Value {
		if c.Error == "" {
			return host.Known, ""
		}
	}
	return host.Unknown, f.Compose.Value[0].Path + " does not parse"
}}
