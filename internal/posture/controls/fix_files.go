package controls

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/posture"
	"github.com/openseawall/seawall/internal/posture/change"
)

var secretsFixes = map[string]fix{
	"secrets-config-mode":     private600("config", "config-backup"),
	"secrets-env-mode":        private600("env"),
	"secrets-credential-mode": private600("credential", "database"),
	"secrets-session-mode":    private600("session"),
	"secrets-log-mode":        private600("log"),
	"secrets-backup-mode":     private600("backup"),
}

// private600 keeps OpenClaw's files of some kinds to their owner.
func private600(kinds ...string) fix {
	return each("keep OpenClaw's files to its account", change.Safe,
		perms(func(f *posture.Facts) []host.FileInfo { return agentFilesOf(f, kinds...) }, func(i host.FileInfo) bool { return opened(i) != "" }, 0o077, false))
}

const aptSettings = "/etc/apt/apt.conf.d/99seawall"

var updatesFixes = map[string]fix{
	"updates-not-automatic": func(f *posture.Facts) ([]change.Change, error) {
		if f.Packages.Status == host.Absent {
			return nil, posture.Refuse("this system has no dpkg: turn its own automatic updates on")
		}
		all := changes("install security updates by themselves", change.Safe,
			change.Package{Names: []string{"unattended-upgrades"}},
			change.Set{Path: aptSettings, Syntax: change.Apt, Key: "APT::Periodic::Update-Package-Lists", Value: `"1"`},
			change.Set{Path: aptSettings, Syntax: change.Apt, Key: "APT::Periodic::Unattended-Upgrade", Value: `"1"`},
			change.Unit{Name: "apt-daily.timer", Do: []change.Verb{change.Unmask, change.Enable, change.Start}},
			change.Unit{Name: "apt-daily-upgrade.timer", Do: []change.Verb{change.Unmask, change.Enable, change.Start}})
		if !f.Aim.Profile.Updates.AutoReboot || f.Updates.Value.AutoReboot {
			return all, nil
		}
		return append(all, reboots(f)...), nil
	},
	"updates-no-auto-reboot": func(f *posture.Facts) ([]change.Change, error) {
		if !f.Aim.Profile.Updates.AutoReboot {
			return nil, posture.Refuse("the profile leaves reboots to you (updates: auto-reboot)")
		}
		return reboots(f), nil
	},
	"updates-stale-lists": always("fetch the package lists, and every day from now on", change.Safe,
		change.Unit{Name: "apt-daily.timer", Do: []change.Verb{change.Unmask, change.Enable, change.Start}},
		change.Unit{Name: "apt-daily.service", Do: []change.Verb{change.Start}}),
}

// reboots are the settings by which an update that needs it gets its reboot.
func reboots(f *posture.Facts) []change.Change {
	return changes("reboot at night where an update needs it", change.Safe,
		change.Set{Path: aptSettings, Syntax: change.Apt, Key: "Unattended-Upgrade::Automatic-Reboot", Value: `"true"`},
		change.Set{Path: aptSettings, Syntax: change.Apt, Key: "Unattended-Upgrade::Automatic-Reboot-WithUsers", Value: `"false"`},
		change.Set{Path: aptSettings, Syntax: change.Apt, Key: "Unattended-Upgrade::Automatic-Reboot-Time", Value: fmt.Sprintf("%q", cmp.Or(f.Aim.Profile.Updates.RebootTime, "04:30"))})
}

// daemonSetting sets a value in daemon.json. What it needs of the daemon comes
// with it; a throw-away container is tried after a restart by whoever applies.
func daemonSetting(what string, risk change.Risk, verb change.Verb, key []string, value any) []change.Change {
	return changes(what, risk, change.JSON{Path: daemonJSON, Key: key, Value: value}, change.Unit{Name: "docker.service", Do: []change.Verb{verb}})
}

var dockerFixes = map[string]fix{
	"docker-ulimit-unnamed": func(f *posture.Facts) (all []change.Change, err error) {
		limits, _ := f.Docker.Value.Config["default-ulimits"].(map[string]any)
		for name, v := range limits {
			limit, _ := v.(map[string]any)
			soft, okSoft := number(field(limit, "Soft"))
			hard, okHard := number(field(limit, "Hard"))
			if !okSoft || !okHard {
				err = posture.Refuse("default-ulimits.%s in %s has no Soft and Hard that are numbers: correct it by hand", name, daemonJSON)
				continue
			}
			if hard >= 0 {
				soft = min(soft, hard)
			}
			all = append(all, daemonSetting("name the limit, without which no container starts", change.Restart, change.RestartIt,
				[]string{"default-ulimits", name}, map[string]any{"Name": name, "Hard": json.Number(fmt.Sprintf("%.0f", hard)), "Soft": json.Number(fmt.Sprintf("%.0f", soft))})...)
		}
		return all, err
	},
	"docker-socket-mode": func(f *posture.Facts) ([]change.Change, error) {
		s := f.Docker.Value.Socket
		return changes("keep Docker's socket to root and its group", change.Safe, change.Perm{Path: s.Path, Mode: modeWithout(s, 0o007)}), nil
	},
	"docker-live-restore": func(f *posture.Facts) ([]change.Change, error) {
		if !f.Aim.Profile.Docker.LiveRestore {
			return nil, posture.Refuse("the profile leaves live-restore off (docker: live-restore)")
		}
		if f.Docker.Value.Info.Swarm.LocalNodeState == "active" {
			return nil, posture.Refuse("Docker is part of a swarm, which does not go with live-restore")
		}
		return daemonSetting("keep containers running while Docker restarts", change.Safe, change.Reload, []string{"live-restore"}, true), nil
	},
	"docker-log-unlimited": func(f *posture.Facts) ([]change.Change, error) {
		d := f.Aim.Profile.Docker
		if driver, _ := f.Docker.Value.Config["log-driver"].(string); driver != "" && driver != "json-file" {
			return nil, posture.Refuse("new containers log by %s already: create the others again", driver)
		}
		what := "limit the logs of containers that are made from now on"
		all := changes(what, change.Restart,
			change.JSON{Path: daemonJSON, Key: []string{"log-driver"}, Value: "json-file"},
			change.JSON{Path: daemonJSON, Key: []string{"log-opts", "max-size"}, Value: cmp.Or(d.LogMaxSize, "10m")},
			change.JSON{Path: daemonJSON, Key: []string{"log-opts", "max-file"}, Value: fmt.Sprint(cmp.Or(d.LogMaxFile, 3))},
			change.Unit{Name: "docker.service", Do: []change.Verb{change.RestartIt}})
		return all, posture.Refuse("the containers that are there keep their logs without a limit until they are made again: docker compose up -d --force-recreate")
	},
	"docker-tcp": func(f *posture.Facts) ([]change.Change, error) {
		hosts, _ := f.Docker.Value.Config["hosts"].([]any)
		var kept []any
		for _, h := range hosts {
			if s, _ := h.(string); !strings.HasPrefix(s, "tcp://") {
				kept = append(kept, h)
			}
		}
		if len(hosts) == len(kept) {
			return nil, posture.Refuse("the address stands in Docker's unit (-H tcp://…): systemctl edit docker.service, and take it out of ExecStart")
		}
		if len(kept) == 0 {
			kept = []any{"unix:///var/run/docker.sock"}
		}
		return daemonSetting("close the Docker Engine to the network", change.Restart, change.RestartIt, []string{"hosts"}, kept), nil
	},
}

var tunnelFixes = map[string]fix{
	"tunnels-enabled": func(f *posture.Facts) (all []change.Change, err error) {
		for _, u := range tunnelUnits(f) {
			all = append(all, changes("stop the public tunnel "+u.Name+", now and at boot", change.Restart, change.Unit{Name: u.Name, Do: []change.Verb{change.Disable, change.Stop}})...)
		}
		return all, nil
	},
}

var composeFixes = map[string]fix{
	"compose-new-privileges": added("security_opt", `security_opt: ["no-new-privileges:true"]`, func(s host.ComposeService) bool {
		return !slices.ContainsFunc(s.SecurityOpt, func(o string) bool { return strings.HasPrefix(o, "no-new-privileges") })
	}),
	"compose-capabilities": added("cap_drop", `cap_drop: ["ALL"]`, func(s host.ComposeService) bool { return len(s.CapDrop) == 0 }, "cap_add"),
	"compose-memory":       added("mem_limit", "mem_limit: 2g", func(s host.ComposeService) bool { return s.MemoryLimit < gatewayMemory }, "deploy"),
	"compose-pids":         added("pids_limit", "pids_limit: 512", func(s host.ComposeService) bool { return s.PidsLimit <= 0 }),
	"compose-restart":      added("restart", "restart: unless-stopped", func(s host.ComposeService) bool { return s.Restart == "" || s.Restart == "no" }),
	"compose-env-file-mode": each("keep a service's env file to its owner", change.Safe, perms(func(f *posture.Facts) (all []host.FileInfo) {
		for _, file := range f.Compose.Value {
			for _, s := range file.Services {
				for _, e := range s.EnvFiles {
					if !slices.ContainsFunc(all, func(i host.FileInfo) bool { return i.Path == e.Path }) {
						all = append(all, e)
					}
				}
			}
		}
		return all
	}, func(i host.FileInfo) bool { return opened(i) != "" }, 0o077, false)),
	"compose-file-writable": each("keep compose files to their owners", change.Safe, perms(func(f *posture.Facts) (all []host.FileInfo) {
		for _, file := range f.Compose.Value {
			all = append(all, file.Info)
		}
		return all
	}, func(i host.FileInfo) bool { return writable(i) != "" }, 0o022, false)),
}
