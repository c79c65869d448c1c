package controls

import (
	"fmt"
	"slices"
	"strings"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/swarm"

	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/posture"
)

// gib is 2^30 bytes.
const gib = int64(1) << 30

// gatewayMemory is the least a gateway works with: 2026.9.6 holds 0.9 to
// 1.1 GB when idle.
const gatewayMemory = 2 * gib

// gatewayDrain is how long a gateway may take to end its work after SIGTERM
// (OpenClaw 2026.9.6: 325 s); a container that is stopped sooner is killed.
const gatewayDrain = 330

var dockerControls = []posture.Control{
	{
		ID: "docker-config-invalid", Title: "daemon.json is not valid", Family: posture.Docker, Severity: posture.High,
		Why:    "The daemon that runs now does not mind; at its next start it does not come back.",
		Advice: "Correct /etc/docker/daemon.json, start the daemon again, then a throw-away container",
		Source: "dockerd reference; " + errata,
		Needs:  []posture.Need{dockerFile},
		Check: func(f *posture.Facts) []posture.Finding {
			if e := f.Docker.Value.ConfigError; e != "" {
				return []posture.Finding{posture.On(daemonJSON, "%s", e)}
			}
			return nil
		},
	},
	{
		ID: "docker-ulimit-unnamed", Title: "A default limit in daemon.json breaks every container", Family: posture.Docker, Severity: posture.Critical,
		Why: "The guide's default-ulimits lack Name: the daemon starts, then every container fails with “wrong rlimit " +
			"value”. With live-restore it is a time bomb: what runs goes on, its next restart fails for good.",
		Advice: `Write "nofile": {"Name": "nofile", "Hard": 65536, "Soft": 32768}, restart the daemon, start a throw-away container`,
		Source: errata + " (Docker 20.10)",
		Needs:  []posture.Need{dockerFile},
		Check:  checkUlimits,
	},
	{
		ID: "docker-tcp", Title: "The Docker daemon listens on the network", Family: posture.Docker, Severity: posture.Critical,
		Why:    "Whoever reaches the Engine API is root on this machine.",
		Advice: posture.AdviceDockerTCP,
		Source: "CIS Docker 1.6, 2.7; OWASP Docker Security, rule 1",
		Needs:  []posture.Need{posture.Daemon},
		Check: func(f *posture.Facts) (found []posture.Finding) {
			for _, addr := range f.Docker.Value.TCP {
				found = append(found, posture.On(addr, "the daemon listens on %s", addr))
			}
			return found
		},
	},
	{
		ID: "docker-socket-mode", Title: "Others than root and its group may use the Docker socket", Family: posture.Docker, Severity: posture.Critical,
		Why:    "Whoever may write to the socket may start a container that mounts / and is root.",
		Advice: posture.AdviceSocketMode,
		Source: "CIS Docker 1.6, 3.15, 3.16; OWASP Docker Security, rule 1",
		Needs:  []posture.Need{posture.Daemon},
		Check: func(f *posture.Facts) []posture.Finding {
			s := f.Docker.Value.Socket
			if s.Path != "" && !f.Docker.Value.Rootless && s.Mode.Perm()&0o006 != 0 {
				return []posture.Finding{posture.On(s.Path, "its mode is %v", s.Mode.Perm())}
			}
			return nil
		},
	},
	{
		ID: "docker-group-member", Title: "An account is root by way of the docker group", Family: posture.Docker, Severity: posture.High,
		Why:    "The group is root without a password: a program under that account starts a container with the host's / in it. The agent's own account is the boundary's question.",
		Advice: "gpasswd -d USER docker; rootless Docker or sudo for the one command it needs",
		Source: "Docker docs, post-installation steps; CIS Docker 1.6, 1.1.2",
		Needs:  []posture.Need{posture.Users},
		Check: func(f *posture.Facts) (found []posture.Finding) {
			owners := agentUsers(f)
			for _, u := range f.Users.Value {
				if u.UID == 0 || !slices.Contains(u.Groups, "docker") || slices.Contains(owners, u.Name) {
					continue
				}
				found = append(found, posture.On(u.Name, "%s is in the group docker", u.Name))
			}
			return found
		},
	},
	{
		ID: "docker-live-restore", Title: "Containers stop when the Docker daemon restarts", Family: posture.Docker, Severity: posture.Low,
		Why:    "Every update of Docker then stops the agent in the middle of its work.",
		Advice: `Set "live-restore": true in daemon.json, restart the daemon, then start a throw-away container`,
		Source: "CIS Docker 1.6, 2.15; " + guide + ", daemon",
		Needs:  []posture.Need{posture.Daemon},
		Check: func(f *posture.Facts) []posture.Finding {
			if !f.Docker.Value.Info.LiveRestoreEnabled {
				return posture.Found("live-restore is off")
			}
			return nil
		},
	},
	{
		ID: "docker-log-unlimited", Title: "A container's log grows without a limit", Family: posture.Docker, Severity: posture.Medium,
		Why:    "A loop that prints fills the disk, and a full disk stops everything, the record of what happened first.",
		Advice: `Set "log-opts": {"max-size": "50m", "max-file": "3"} in daemon.json and create the containers again: it holds for new ones only`,
		Source: guide + ", log rotation",
		Needs:  []posture.Need{posture.Containers},
		Check: eachContainer(func(c host.Container, hc *container.HostConfig) []posture.Finding {
			if hc.LogConfig.Type == "json-file" && hc.LogConfig.Config["max-size"] == "" {
				return posture.Found("its json-file log has no max-size")
			}
			return nil
		}),
	},
	{
		ID: "docker-privileged", Title: "A container is privileged", Family: posture.Docker, Severity: posture.Critical,
		Why:    "Privileged is root on the host with one step in between.",
		Advice: posture.AdvicePrivileged,
		Source: "CIS Docker 1.6, 5.5; OWASP Docker Security, rule 3",
		Needs:  []posture.Need{posture.Containers},
		Check: eachContainer(func(c host.Container, hc *container.HostConfig) []posture.Finding {
			if hc.Privileged {
				return posture.Found("it runs privileged")
			}
			return nil
		}),
	},
	{
		ID: "docker-root-user", Title: "A container runs as root", Family: posture.Docker, Severity: posture.Medium,
		Why:    "Root in the container is root on the host after an escape, and owns whatever is mounted.",
		Advice: "Set user: \"1000:1000\" (OpenClaw's image has node for it)",
		Source: "CIS Docker 1.6, 4.1; " + baseline + ", Docker",
		Needs:  []posture.Need{posture.Containers},
		Check: eachContainer(func(c host.Container, hc *container.HostConfig) []posture.Finding {
			if c.Inspect.Config == nil || !rootUser(c.Inspect.Config.User) || strings.HasPrefix(string(hc.UsernsMode), "private") {
				return nil
			}
			if c.OpenClaw {
				return []posture.Finding{posture.On("", "the agent runs as root in it").At(posture.High)}
			}
			return posture.Found("its user is root")
		}),
	},
	{
		ID: "docker-capabilities", Title: "A container keeps capabilities it does not need", Family: posture.Docker, Severity: posture.Medium,
		Why:    "Docker leaves fourteen. NET_RAW forges packets, and reached the host's loopback with userland-proxy off.",
		Advice: "cap_drop: [ALL], then cap_add what fails without; OpenClaw needs none",
		Source: "CIS Docker 1.6, 5.4; " + baseline + ", Docker; " + errata,
		Needs:  []posture.Need{posture.Containers},
		Check: eachContainer(func(c host.Container, hc *container.HostConfig) []posture.Finding {
			if hc.Privileged || !hasNetRaw(c) {
				return nil
			}
			return posture.Found("it has NET_RAW and whatever else Docker leaves by default")
		}),
	},
	{
		ID: "docker-capabilities-added", Title: "A container has a capability that opens the host", Family: posture.Docker, Severity: posture.High,
		Why:    "Each of these has a known way from the container to the host.",
		Advice: posture.AdviceCapability,
		Source: "capabilities(7); CIS Docker 1.6, 5.4",
		Needs:  []posture.Need{posture.Containers},
		Check: eachContainer(func(c host.Container, hc *container.HostConfig) []posture.Finding {
			if bad := dangerousCaps(hc.CapAdd); len(bad) > 0 {
				return posture.Found("it has %s", strings.Join(bad, ", "))
			}
			return nil
		}),
	},
	{
		ID: "docker-new-privileges", Title: "A program in a container may gain privileges", Family: posture.Docker, Severity: posture.Medium,
		Why: "A setuid binary in the image is a way to root. no-new-privileges in daemon.json, which guides set, is only a " +
			"default that a container can turn off, and older daemons do not show it: each container is looked at.",
		Advice: "security_opt: [\"no-new-privileges:true\"] on each service",
		Source: "CIS Docker 1.6, 5.26; " + errata,
		Needs:  []posture.Need{posture.Containers},
		Check:  checkNewPrivileges,
	},
	{
		ID: "docker-socket-mounted", Title: "A container has the Docker socket", Family: posture.Docker, Severity: posture.Critical,
		Why:    "Whoever speaks to the socket from inside starts a privileged container and owns the machine.",
		Advice: posture.AdviceEngineSocket,
		Source: "CIS Docker 1.6, 5.32; OWASP Docker Security, rule 1",
		Needs:  []posture.Need{posture.Containers},
		Check: eachMount(func(c host.Container, m container.MountPoint) []posture.Finding {
			if strings.HasSuffix(m.Source, "docker.sock") || strings.HasSuffix(m.Source, "containerd.sock") || strings.HasSuffix(m.Source, "podman.sock") {
				return posture.Found("%s is mounted at %s", m.Source, m.Destination)
			}
			return nil
		}),
	},
	{
		ID: "docker-wide-mount", Title: "A container sees more of the host than a workspace", Family: posture.Docker, Severity: posture.High,
		Why:    "Mount the whole host and you have an insecure setup inside a container. Even read-only it hands out keys.",
		Advice: posture.AdviceMount,
		Source: "CIS Docker 1.6, 5.6; " + baseline + ", mounts",
		Needs:  []posture.Need{posture.Containers},
		Check: eachMount(func(c host.Container, m container.MountPoint) []posture.Finding {
			if m.Type != "bind" {
				return nil
			}
			why := tooWide(m.Source)
			if why == "" {
				return nil
			}
			how := "read-write"
			if !m.RW {
				how = "read-only"
			}
			finding := posture.On("", "%s (%s) is mounted %s at %s", m.Source, why, how, m.Destination)
			if m.RW && (m.Source == "/" || c.OpenClaw) {
				finding = finding.At(posture.Critical)
			}
			return []posture.Finding{finding}
		}),
	},
	{
		ID: "docker-host-namespaces", Title: "A container shares a namespace with the host", Family: posture.Docker, Severity: posture.High,
		Why:    "Host network: every service on 127.0.0.1 is the container's too, and no firewall stands between. Host PID: it sees and may signal every process.",
		Advice: posture.AdviceNamespace,
		Source: "CIS Docker 1.6, 5.10, 5.16, 5.17, 5.21",
		Needs:  []posture.Need{posture.Containers},
		Check: eachContainer(func(c host.Container, hc *container.HostConfig) []posture.Finding {
			var shared []string
			for name, mode := range map[string]string{"network": string(hc.NetworkMode), "pid": string(hc.PidMode), "ipc": string(hc.IpcMode), "uts": string(hc.UTSMode)} {
				if mode == "host" {
					shared = append(shared, name)
				}
			}
			if len(shared) == 0 {
				return nil
			}
			slices.Sort(shared)
			return posture.Found("it shares the host's %s", strings.Join(shared, ", "))
		}),
	},
	{
		ID: "docker-memory-unlimited", Title: "A container may take all memory", Family: posture.Docker, Severity: posture.Medium,
		Why:    "One runaway turn and the kernel kills something else, sshd perhaps.",
		Advice: "Set deploy.resources.limits.memory (2g or more for OpenClaw) and create the container again",
		Source: "CIS Docker 1.6, 5.11; " + guide + ", resource limits",
		Needs:  []posture.Need{posture.Containers},
		Check: eachContainer(func(c host.Container, hc *container.HostConfig) []posture.Finding {
			if hc.Memory == 0 {
				return posture.Found("it has no memory limit")
			}
			return nil
		}),
	},
	{
		ID: "docker-memory-small", Title: "OpenClaw's container has too little memory", Family: posture.Docker, Severity: posture.Medium,
		Why:    "An idle gateway holds about 1 GB; below 2 GB it is killed in the middle of a turn. The guide's 2g is the smallest that works.",
		Advice: "Set the memory limit to 2g or more",
		Source: errata + " (OpenClaw 2026.9.6)",
		Needs:  []posture.Need{posture.Containers},
		Check: eachContainer(func(c host.Container, hc *container.HostConfig) []posture.Finding {
			if c.OpenClaw && hc.Memory > 0 && hc.Memory < gatewayMemory {
				return posture.Found("its limit is %d MB", hc.Memory>>20)
			}
			return nil
		}),
	},
	{
		ID: "docker-pids-unlimited", Title: "A container may start processes without end", Family: posture.Docker, Severity: posture.Medium,
		Why:    "A fork bomb, written by a model or not, takes the whole machine.",
		Advice: "Set pids_limit: 512",
		Source: "CIS Docker 1.6, 5.29",
		Needs:  []posture.Need{posture.Containers},
		Check: eachContainer(func(c host.Container, hc *container.HostConfig) []posture.Finding {
			if hc.PidsLimit == nil || *hc.PidsLimit <= 0 {
				return posture.Found("it has no limit of processes")
			}
			return nil
		}),
	},
	{
		ID: "docker-cpu-unlimited", Title: "OpenClaw's container may take every processor", Family: posture.Docker, Severity: posture.Low,
		Why:    "A busy agent should not slow down the login that stops it.",
		Advice: "Set deploy.resources.limits.cpus below the machine's number",
		Source: "CIS Docker 1.6, 5.12; " + guide + ", resource limits",
		Needs:  []posture.Need{posture.Containers},
		Check: eachContainer(func(c host.Container, hc *container.HostConfig) []posture.Finding {
			if c.OpenClaw && hc.NanoCPUs == 0 && hc.CPUQuota <= 0 && hc.CpusetCpus == "" {
				return posture.Found("it has no processor limit")
			}
			return nil
		}),
	},
	{
		ID: "docker-writable-root", Title: "OpenClaw's container may change its own programs", Family: posture.Docker, Severity: posture.Low,
		Why:    "What the agent, or who speaks through it, changes in the image's files stays until the container is made anew.",
		Advice: "Set read_only: true with tmpfs: [/tmp]; state and workspace stay on their volumes",
		Source: "CIS Docker 1.6, 5.13; OWASP Docker Security, rule 8",
		Needs:  []posture.Need{posture.Containers},
		Check: eachContainer(func(c host.Container, hc *container.HostConfig) []posture.Finding {
			if c.OpenClaw && !hc.ReadonlyRootfs {
				return posture.Found("its root file system is writable")
			}
			return nil
		}),
	},
	{
		ID: "docker-seccomp-off", Title: "A container runs without seccomp", Family: posture.Docker, Severity: posture.High,
		Why:    "Docker's profile closes some 44 system calls that most kernel exploits begin with.",
		Advice: "Remove seccomp=unconfined",
		Source: "CIS Docker 1.6, 5.22; " + guide + ", seccomp",
		Needs:  []posture.Need{posture.Containers},
		Check:  securityOpt("seccomp", func(v string) bool { return v == "unconfined" }, "seccomp is unconfined"),
	},
	{
		ID: "docker-seccomp-default", Title: "OpenClaw's container has Docker's general seccomp profile", Family: posture.Docker, Severity: posture.Info,
		Why: "OpenClaw 2026.9.6 made 106 different system calls in a start, a turn and a stop; the default allows more " +
			"than 300. A profile of your own is worth it only when it was tried with your skills.",
		Advice: "Record what your agent calls, give it a profile with security_opt: [seccomp=/path.json], and try every skill",
		Source: guide + ", custom seccomp profile",
		Needs:  []posture.Need{posture.Containers},
		Check: eachContainer(func(c host.Container, hc *container.HostConfig) []posture.Finding {
			if !c.OpenClaw || hc.Privileged || slices.ContainsFunc(hc.SecurityOpt, func(o string) bool { return strings.HasPrefix(o, "seccomp") }) {
				return nil
			}
			return posture.Found("no seccomp profile is named")
		}),
	},
	{
		ID: "docker-apparmor-off", Title: "A container runs without AppArmor", Family: posture.Docker, Severity: posture.Medium,
		Why:    "The second wall behind seccomp: it keeps even root in the container from /proc and /sys.",
		Advice: "Remove apparmor=unconfined; docker-default is right",
		Source: "CIS Docker 1.6, 5.2; " + guide + ", AppArmor",
		Needs:  []posture.Need{posture.Daemon, posture.Containers},
		Check: func(f *posture.Facts) []posture.Finding {
			if !slices.ContainsFunc(f.Docker.Value.Info.SecurityOptions, func(o string) bool { return strings.Contains(o, "apparmor") }) {
				return nil // this kernel has none
			}
			return eachContainer(func(c host.Container, hc *container.HostConfig) []posture.Finding {
				if c.Inspect.AppArmorProfile == "unconfined" || c.Inspect.AppArmorProfile == "" && running(c) {
					return posture.Found("its AppArmor profile is %q", c.Inspect.AppArmorProfile)
				}
				return nil
			})(f)
		},
	},
	{
		ID: "docker-no-healthcheck", Title: "Nobody notices when OpenClaw's container hangs", Family: posture.Docker, Severity: posture.Medium,
		Why:    "Without a health check it may be dead for days while Docker says “up”. OpenClaw's image brings one, on /healthz.",
		Advice: "Remove the override (healthcheck: disable), or write one with node, which the image has",
		Source: "CIS Docker 1.6, 4.6, 5.27; " + guide + ", health check",
		Needs:  []posture.Need{posture.Containers},
		Check: eachContainer(func(c host.Container, hc *container.HostConfig) []posture.Finding {
			if !c.OpenClaw || c.Inspect.Config == nil {
				return nil
			}
			if h := c.Inspect.Config.Healthcheck; h == nil || len(h.Test) == 0 || h.Test[0] == "NONE" {
				return posture.Found("it has no health check")
			}
			return nil
		}),
	},
	{
		ID: "docker-healthcheck-broken", Title: "A health check calls a program that is not in the image", Family: posture.Docker, Severity: posture.Medium,
		Why: "The guide's check calls curl; OpenClaw's image does not promise it. The check then fails for ever, and what " +
			"restarts unhealthy containers restarts a healthy one.",
		Advice: `Use the image's own check, or ["CMD","node","-e","fetch('http://127.0.0.1:18789/healthz').then(r=>process.exit(r.ok?0:1))"]`,
		Source: errata,
		Needs:  []posture.Need{posture.Containers},
		Check:  eachContainer(checkHealth),
	},
	{
		ID: "docker-unhealthy", Title: "A container is unhealthy or restarts in a loop", Family: posture.Docker, Severity: posture.High,
		Why:    "It is down, or about to be.",
		Advice: "Read docker logs NAME",
		Source: guide + ", health check",
		Needs:  []posture.Need{posture.Containers},
		Check: eachContainer(func(c host.Container, hc *container.HostConfig) []posture.Finding {
			s := c.Inspect.State
			switch {
			case s == nil:
				return nil
			case s.Restarting:
				return posture.Found("it has restarted %d times and is restarting", c.Inspect.RestartCount)
			case s.Health != nil && s.Health.Status == container.Unhealthy:
				return posture.Found("its health check failed %d times in a row", s.Health.FailingStreak)
			}
			return nil
		}),
	},
	{
		ID: "docker-no-restart", Title: "OpenClaw's container stays down after a crash or a reboot", Family: posture.Docker, Severity: posture.Low,
		Why:    "An automatic security reboot then ends the agent for good.",
		Advice: "Set restart: unless-stopped",
		Source: "CIS Docker 1.6, 5.15; " + guide + ", health check",
		Needs:  []posture.Need{posture.Containers},
		Check: eachContainer(func(c host.Container, hc *container.HostConfig) []posture.Finding {
			if c.OpenClaw && (hc.RestartPolicy.Name == "" || hc.RestartPolicy.Name == "no") {
				return posture.Found("its restart policy is no")
			}
			return nil
		}),
	},
	{
		ID: "docker-stop-timeout", Title: "OpenClaw's container is killed before it has finished", Family: posture.Docker, Severity: posture.Low,
		Why:    "A gateway may take 325 s to drain; Docker kills after 10 unless told, and a turn's work is lost.",
		Advice: "Set stop_grace_period: 330s",
		Source: "OpenClaw 2026.9.6, shutdown budget; " + errata,
		Needs:  []posture.Need{posture.Containers},
		Check: eachContainer(func(c host.Container, hc *container.HostConfig) []posture.Finding {
			if !c.OpenClaw || c.Inspect.Config == nil {
				return nil
			}
			if t := c.Inspect.Config.StopTimeout; t == nil || *t >= 0 && *t < gatewayDrain {
				return posture.Found("docker stop would kill it early")
			}
			return nil
		}),
	},
	{
		ID: "docker-image-unpinned", Title: "OpenClaw's image may be another one tomorrow", Family: posture.Docker, Severity: posture.Medium,
		Why:    "A moving tag runs whatever was pushed last; nobody decided it, and nobody can go back to it.",
		Advice: "Name the version and the digest: ghcr.io/openclaw/openclaw:VERSION@sha256:…",
		Source: "CIS Docker 1.6, 5.28; OWASP Docker Security, rule 13",
		Needs:  []posture.Need{posture.Containers},
		Check: eachContainer(func(c host.Container, hc *container.HostConfig) []posture.Finding {
			if c.OpenClaw && c.Inspect.Config != nil && movingTag(c.Inspect.Config.Image) {
				return posture.Found("it runs %s", c.Inspect.Config.Image)
			}
			return nil
		}),
	},
	{
		ID: "docker-published-everywhere", Title: "A container's port is published on all addresses", Family: posture.Docker, Severity: posture.Medium,
		Why:      "Only a firewall rule now stands before it, and Docker writes its own in front. An address in the port mapping needs no rule.",
		Advice:   "Publish on 127.0.0.1: \"127.0.0.1:18789:18789\"",
		Source:   "CIS Docker 1.6, 5.14; " + baseline + ", zero exposed ports",
		CheckIDs: []string{"sandbox.browser_container.non_loopback_publish"},
		Needs:    []posture.Need{posture.Containers},
		Check: eachContainer(func(c host.Container, hc *container.HostConfig) (found []posture.Finding) {
			for _, p := range publishedPorts(c) {
				if p.host.IsUnspecified() {
					found = append(found, posture.On(c.Name()+" "+p.String(), "port %d is published on %s", p.container, p))
				}
			}
			return found
		}),
	},
	{
		ID: "docker-shared-network", Title: "OpenClaw shares a network with containers it has nothing to do with", Family: posture.Docker, Severity: posture.Low,
		Why:    "On one bridge every container reaches every port of the others: the database next door, or the agent.",
		Advice: "Give OpenClaw a network of its own (the default bridge is everybody's)",
		Source: "CIS Docker 1.6, 5.30; " + guide + ", Docker network isolation",
		Needs:  []posture.Need{posture.Containers},
		Check:  checkSharedNetwork,
	},
	{
		ID: "docker-devices", Title: "A container has devices of the host", Family: posture.Docker, Severity: posture.High,
		Why:    "A disk, /dev/mem or /dev/kvm is a way around every other wall.",
		Advice: posture.AdviceDevice,
		Source: "CIS Docker 1.6, 5.18",
		Needs:  []posture.Need{posture.Containers},
		Check: eachContainer(func(c host.Container, hc *container.HostConfig) (found []posture.Finding) {
			for _, d := range hc.Devices {
				if !slices.ContainsFunc([]string{"/dev/dri", "/dev/nvidia", "/dev/ttyUSB", "/dev/ttyACM", "/dev/snd", "/dev/fuse", "/dev/net/tun"}, func(p string) bool { return strings.HasPrefix(d.PathOnHost, p) }) {
					found = append(found, posture.On(c.Name(), "%s is in it", d.PathOnHost))
				}
			}
			return found
		}),
	},
	{
		ID: "docker-icc", Title: "Strangers on Docker's default bridge reach each other", Family: posture.Docker, Severity: posture.Low,
		Why:    "Every container that was started without a network of its own lands there, and reaches every port of the others.",
		Advice: `Set "icc": false in daemon.json and give what belongs together a network of its own`,
		Source: "CIS Docker 1.6, 2.2",
		Needs:  []posture.Need{posture.Daemon, posture.Containers},
		Check: func(f *posture.Facts) []posture.Finding {
			if on, told := f.Docker.Value.Config["icc"].(bool); told && !on {
				return nil
			}
			var names []string
			for _, c := range f.Containers.Value {
				if c.Inspect.NetworkSettings != nil && c.Inspect.NetworkSettings.Networks["bridge"] != nil && running(c) {
					names = append(names, c.Name())
				}
			}
			if len(names) < 2 {
				return nil
			}
			return posture.Found("%s are on the default bridge, and icc is not off", strings.Join(names, ", "))
		},
	},
	{
		ID: "docker-mount-propagation", Title: "What a container mounts appears on the host", Family: posture.Docker, Severity: posture.High,
		Why:    "A shared mount carries mounts made inside back to the host, over its own files.",
		Advice: "Remove :shared and :rshared from the mount",
		Source: "CIS Docker 1.6, 5.20",
		Needs:  []posture.Need{posture.Containers},
		Check: eachMount(func(c host.Container, m container.MountPoint) []posture.Finding {
			if m.Propagation == "shared" || m.Propagation == "rshared" {
				return posture.Found("%s is mounted %s at %s", m.Source, m.Propagation, m.Destination)
			}
			return nil
		}),
	},
	{
		ID: "docker-no-firewall", Title: "Docker writes no firewall rules", Family: posture.Docker, Severity: posture.Medium,
		Why:    "With iptables: false nothing keeps containers of different networks apart, and each hides behind no address of the host's.",
		Advice: `Remove "iptables": false from daemon.json; a forward hook of your own comes before Docker's rules anyway`,
		Source: "CIS Docker 1.6, 2.4",
		Needs:  []posture.Need{dockerFile},
		Check: func(f *posture.Facts) (found []posture.Finding) {
			for _, key := range []string{"iptables", "ip6tables"} {
				if on, told := f.Docker.Value.Config[key].(bool); told && !on {
					found = append(found, posture.On(daemonJSON, "%s is false", key))
				}
			}
			return found
		},
	},
	{
		ID: "docker-swarm", Title: "Docker is part of a swarm", Family: posture.Docker, Severity: posture.Medium,
		Why:    "It opens 2377, 7946 and 4789, and a manager elsewhere starts what it likes here.",
		Advice: "docker swarm leave, unless this machine is meant to be one of several",
		Source: "CIS Docker 1.6, 5.1 and 7.1",
		Needs:  []posture.Need{posture.Daemon},
		Check: func(f *posture.Facts) []posture.Finding {
			if s := f.Docker.Value.Info.Swarm.LocalNodeState; s == swarm.LocalNodeStateActive {
				return posture.Found("its swarm is active")
			}
			return nil
		},
	},
	{
		ID: "docker-insecure-registry", Title: "Docker takes images over plain HTTP", Family: posture.Docker, Severity: posture.Medium,
		Why:    "Whoever is on the way decides what runs here.",
		Advice: "Remove insecure-registries from daemon.json",
		Source: "CIS Docker 1.6, 2.5",
		Needs:  []posture.Need{dockerFile},
		Check: func(f *posture.Facts) []posture.Finding {
			if list, _ := f.Docker.Value.Config["insecure-registries"].([]any); len(list) > 0 {
				return []posture.Finding{posture.On(daemonJSON, "insecure-registries has %d entries", len(list))}
			}
			return nil
		},
	},
	{
		ID: "docker-storage-driver", Title: "Docker uses a storage driver that is given up", Family: posture.Docker, Severity: posture.Low,
		Why:    "It gets no fixes, and the next Docker may not read its images.",
		Advice: "Move to overlay2: it hides existing images and volumes, so plan it",
		Source: "CIS Docker 1.6, 2.6; " + guide + ", daemon",
		Needs:  []posture.Need{posture.Daemon},
		Check: func(f *posture.Facts) []posture.Finding {
			switch d := f.Docker.Value.Info.Driver; d {
			case "aufs", "overlay", "devicemapper":
				return posture.Found("the storage driver is %s", d)
			}
			return nil
		},
	},
}

const daemonJSON = "/etc/docker/daemon.json"

// eachContainer judges every container; findings without an object are about it.
func eachContainer(judge func(host.Container, *container.HostConfig) []posture.Finding) func(*posture.Facts) []posture.Finding {
	return func(f *posture.Facts) (all []posture.Finding) {
		for _, c := range f.Containers.Value {
			hc := c.Inspect.HostConfig
			if hc == nil || !running(c) && !c.Inspect.State.Restarting {
				continue
			}
			for _, found := range judge(c, hc) {
				if found.Object == "" {
					found.Object = c.Name()
				}
				all = append(all, found)
			}
		}
		return all
	}
}

func eachMount(judge func(host.Container, container.MountPoint) []posture.Finding) func(*posture.Facts) []posture.Finding {
	return eachContainer(func(c host.Container, _ *container.HostConfig) (all []posture.Finding) {
		for _, m := range c.Inspect.Mounts {
			all = append(all, judge(c, m)...)
		}
		return all
	})
}

func securityOpt(name string, bad func(string) bool, detail string) func(*posture.Facts) []posture.Finding {
	return eachContainer(func(c host.Container, hc *container.HostConfig) []posture.Finding {
		for _, o := range hc.SecurityOpt {
			if v, ok := optionValue(o, name); ok && bad(v) {
				return posture.Found("%s", detail)
			}
		}
		return nil
	})
}

// optionValue reads name=value and the older name:value.
func optionValue(option, name string) (string, bool) {
	rest, ok := strings.CutPrefix(option, name)
	if !ok {
		return "", false
	}
	if rest == "" {
		return "true", true
	}
	if rest[0] != '=' && rest[0] != ':' {
		return "", false
	}
	return rest[1:], true
}

func checkUlimits(f *posture.Facts) (found []posture.Finding) {
	limits, _ := f.Docker.Value.Config["default-ulimits"].(map[string]any)
	for name, v := range limits {
		limit, _ := v.(map[string]any)
		if given, _ := field(limit, "Name").(string); given == "" {
			found = append(found, posture.On(daemonJSON, "default-ulimits.%s has no Name: no container starts any more", name))
			continue
		}
		soft, okSoft := number(field(limit, "Soft"))
		hard, okHard := number(field(limit, "Hard"))
		if okSoft && okHard && hard >= 0 && soft > hard {
			found = append(found, posture.On(daemonJSON, "default-ulimits.%s: soft %v is above hard %v: the daemon takes it, containers fail", name, soft, hard))
		}
	}
	slices.SortFunc(found, func(a, b posture.Finding) int { return strings.Compare(a.Detail, b.Detail) })
	return found
}

// field reads a key as Docker does, whatever its case.
func field(m map[string]any, key string) any {
	for k, v := range m {
		if strings.EqualFold(k, key) {
			return v
		}
	}
	return nil
}

func number(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case int64:
		return float64(v), true
	case fmt.Stringer: // json.Number
		var n float64
		_, err := fmt.Sscan(v.String(), &n)
		return n, err == nil
	}
	return 0, false
}

func rootUser(user string) bool {
	name, _, _ := strings.Cut(user, ":")
	return name == "" || name == "root" || name == "0"
}

func capName(c string) string { return strings.TrimPrefix(strings.ToUpper(c), "CAP_") }

func hasNetRaw(c host.Container) bool {
	hc := c.Inspect.HostConfig
	if hc == nil {
		return true
	}
	for _, added := range hc.CapAdd {
		if n := capName(added); n == "ALL" || n == "NET_RAW" {
			return true
		}
	}
	return hc.Privileged || !slices.ContainsFunc(hc.CapDrop, func(d string) bool { return capName(d) == "ALL" || capName(d) == "NET_RAW" })
}

// escapes are capabilities with a known way from a container to the host.
var escapes = []string{"ALL", "SYS_ADMIN", "SYS_PTRACE", "SYS_MODULE", "SYS_RAWIO", "DAC_READ_SEARCH", "NET_ADMIN", "SYS_BOOT", "SYSLOG", "BPF", "PERFMON", "MAC_ADMIN", "SYS_TIME"}

func dangerousCaps(added []string) (bad []string) {
	for _, c := range added {
		if slices.Contains(escapes, capName(c)) {
			bad = append(bad, capName(c))
		}
	}
	return bad
}

// checkNewPrivileges looks at each container, and at the kernel's answer when
// a daemon-wide default may have set it.
func checkNewPrivileges(f *posture.Facts) []posture.Finding {
	confined := map[int]bool{}
	for _, p := range f.Processes.Value {
		confined[p.PID] = p.NoNewPrivs
	}
	return eachContainer(func(c host.Container, hc *container.HostConfig) []posture.Finding {
		for _, o := range hc.SecurityOpt {
			if v, ok := optionValue(o, "no-new-privileges"); ok {
				if v == "true" {
					return nil
				}
				return posture.Found("it turns no-new-privileges off")
			}
		}
		if s := c.Inspect.State; s != nil && confined[s.Pid] {
			return nil
		}
		return posture.Found("no-new-privileges is not set")
	})(f)
}

// tooWide says why a host directory is more than a workspace, or "".
func tooWide(source string) string {
	switch clean := strings.TrimRight(source, "/"); {
	case clean == "":
		return "the whole host"
	case slices.Contains([]string{"/etc", "/root", "/home", "/var", "/usr", "/boot", "/opt", "/srv", "/mnt", "/media", "/proc", "/sys", "/dev", "/run", "/var/run", "/var/lib", "/var/lib/docker", "/var/log", "/lib", "/bin", "/sbin"}, clean):
		return "a system directory"
	case strings.HasPrefix(clean, "/etc/") && slices.Contains([]string{"/etc/shadow", "/etc/sudoers", "/etc/ssh", "/etc/docker", "/etc/cron.d", "/etc/systemd", "/etc/sudoers.d"}, clean):
		return "the host's own settings"
	case strings.HasPrefix(clean, "/home/") && strings.Count(clean, "/") == 2:
		return "a whole home directory"
	case strings.HasSuffix(clean, "/.ssh"), strings.HasSuffix(clean, "/.aws"), strings.HasSuffix(clean, "/.gnupg"), strings.HasSuffix(clean, "/.kube"), strings.HasSuffix(clean, "/.config/gcloud"):
		return "a person's keys"
	}
	return ""
}

// checkHealth finds a check whose program is missing, by what the check said.
func checkHealth(c host.Container, _ *container.HostConfig) []posture.Finding {
	if c.Inspect.Config == nil || c.Inspect.Config.Healthcheck == nil || c.Inspect.State == nil || c.Inspect.State.Health == nil {
		return nil
	}
	log := c.Inspect.State.Health.Log
	if len(log) == 0 || log[len(log)-1] == nil {
		return nil
	}
	last := log[len(log)-1]
	for _, missing := range []string{"executable file not found", "not found", "no such file or directory"} {
		if last.ExitCode != 0 && strings.Contains(strings.ToLower(last.Output), missing) {
			return posture.Found("its check %q is not in the image", strings.Join(c.Inspect.Config.Healthcheck.Test, " "))
		}
	}
	return nil
}

// movingTag reports whether an image's name may mean another image tomorrow:
// no digest, and a tag that is no version.
func movingTag(image string) bool {
	if strings.Contains(image, "@sha256:") || strings.HasPrefix(image, "sha256:") {
		return false
	}
	name := image[strings.LastIndexByte(image, '/')+1:]
	_, tag, tagged := strings.Cut(name, ":")
	return !tagged || !strings.ContainsAny(tag, "0123456789")
}

func checkSharedNetwork(f *posture.Facts) (found []posture.Finding) {
	members := map[string][]host.Container{}
	for _, c := range f.Containers.Value {
		if c.Inspect.NetworkSettings == nil || !running(c) {
			continue
		}
		for name := range c.Inspect.NetworkSettings.Networks {
			members[name] = append(members[name], c)
		}
	}
	for network, list := range members {
		for _, agent := range list {
			if !agent.OpenClaw {
				continue
			}
			var strangers []string
			for _, other := range list {
				if other.Inspect.ID != agent.Inspect.ID && (project(other) == "" || project(other) != project(agent)) {
					strangers = append(strangers, other.Name())
				}
			}
			if len(strangers) > 0 {
				found = append(found, posture.On(agent.Name(), "it is on the network %s with %s", network, strings.Join(strangers, ", ")))
			}
		}
	}
	slices.SortFunc(found, func(a, b posture.Finding) int { return strings.Compare(a.Object+a.Detail, b.Object+b.Detail) })
	return found
}

// project is the compose project a container belongs to.
func project(c host.Container) string {
	if c.Inspect.Config == nil {
		return ""
	}
	return c.Inspect.Config.Labels["com.docker.compose.project"]
}
