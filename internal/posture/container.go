package posture

import (
	"path"
	"slices"
	"strings"

	"github.com/moby/moby/api/types/container"

	"github.com/openseawall/seawall/internal/host"
)

// container judges the container an OpenClaw runs in by what the Engine says it
// was started with (OWASP Docker Security Cheat Sheet, rules 1 to 3).
func (b *boundary) container(name string) {
	if !b.facts.Containers.Ok() {
		b.unread = append(b.unread, "containers: "+b.facts.Containers.Reason)
		return
	}
	i := slices.IndexFunc(b.facts.Containers.Value, func(c host.Container) bool { return c.Name() == name })
	if i < 0 || b.facts.Containers.Value[i].Inspect.HostConfig == nil {
		b.unread = append(b.unread, "container "+name+": the Engine did not describe it")
		return
	}
	c := b.facts.Containers.Value[i].Inspect
	if c.HostConfig.Privileged {
		b.add(name, AdvicePrivileged, "container %s is privileged: its root is the host's root", name)
	}
	for _, capability := range c.HostConfig.CapAdd {
		if how, ok := escapeCapabilities[strings.TrimPrefix(strings.ToUpper(capability), "CAP_")]; ok {
			b.add(name, AdviceCapability, "container %s holds %s, which %s", name, strings.ToUpper(capability), how)
		}
	}
	if c.HostConfig.PidMode.IsHost() {
		b.add(name, AdviceNamespace, "container %s sees and signals the host's processes (pid: host)", name)
	}
	for _, d := range c.HostConfig.Devices {
		if rawDevice(d.PathOnHost) {
			b.add(name, AdviceDevice, "container %s has the host's device %s", name, d.PathOnHost)
		}
	}
	for _, m := range c.Mounts {
		b.mount(name, m)
	}
	b.dockerTCP()
}

// escapeCapabilities lead out of a container when they are added to Docker's
// default set.
var escapeCapabilities = map[string]string{
	"ALL":             "is every capability",
	"SYS_ADMIN":       "mounts the host's disks",
	"SYS_PTRACE":      "controls other programs",
	"SYS_MODULE":      "loads code into the host's kernel",
	"SYS_RAWIO":       "writes to the host's memory and devices",
	"DAC_READ_SEARCH": "opens the host's files by handle",
	"BPF":             "loads programs into the host's kernel",
}

func rawDevice(p string) bool {
	for _, prefix := range []string{"/dev/sd", "/dev/vd", "/dev/xvd", "/dev/nvme", "/dev/dm-", "/dev/mapper/", "/dev/mem", "/dev/kmem", "/dev/kmsg"} {
		if strings.HasPrefix(p, prefix) {
			return true
		}
	}
	return p == "/dev"
}

// engineSockets are sockets that start containers as root.
var engineSockets = []string{"docker.sock", "containerd.sock", "podman.sock", "crio.sock"}

// hostPaths are the host's own: a container that can write to one of them
// decides what root runs or who may log in.
var hostPaths = []string{"/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/opt", "/proc", "/root", "/run", "/sbin", "/srv", "/sys", "/usr", "/var"}

func (b *boundary) mount(name string, m container.MountPoint) {
	if m.Type != "bind" {
		return
	}
	src := path.Clean(m.Source)
	state := "/var/lib/seawall"
	switch {
	case slices.Contains(engineSockets, path.Base(src)):
		b.add(name, AdviceEngineSocket, "container %s has %s: it can start any other container, and with it become root", name, src)
	case src == "/":
		b.add(name, AdviceMount, "container %s has the host's whole disk at %s", name, m.Destination)
	case src == state || strings.HasPrefix(src, state+"/") || src == "/var" || src == "/var/lib":
		b.add(name, AdviceMount, "container %s has Seawall's own files under %s", name, src)
	case m.RW && hostsOwn(src):
		b.add(name, AdviceMount, "container %s may write to the host's %s", name, src)
	case src == "/var/run" || src == "/run":
		b.add(name, AdviceMount, "container %s has the host's sockets under %s, Docker's among them", name, src)
	}
}

// hostsOwn reports whether a directory is the system's: one of hostPaths, or
// below one that holds only the system's files.
func hostsOwn(src string) bool {
	if slices.Contains(hostPaths, src) {
		return true
	}
	for _, p := range []string{"/boot/", "/etc/", "/root/.ssh", "/usr/bin", "/usr/sbin", "/usr/lib", "/usr/local/bin", "/usr/local/sbin", "/var/spool/cron", "/var/lib/docker", "/var/lib/containerd", "/proc/", "/sys/fs/", "/sys/kernel", "/lib/systemd", "/run/systemd"} {
		if strings.HasPrefix(src+"/", p) && src != "/etc/localtime" && src != "/etc/timezone" {
			return true
		}
	}
	return false
}
