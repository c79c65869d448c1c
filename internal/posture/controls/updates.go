package controls

import (
	"fmt"
	"strings"
	"time"

	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/posture"
)

const (
	staleLists     = 3 * 24 * time.Hour  // apt's daily timer missed thrice
	staleContainer = 45 * 24 * time.Hour // guides say monthly
	staleOpenClaw  = 4                   // months
)

var updatesControls = []posture.Control{
	{
		ID: "updates-not-automatic", Title: "Security updates do not install themselves", Family: posture.Updates, Severity: posture.High,
		Why:    "More than a quarter of all holes are used within a day of being known; nobody updates by hand that often.",
		Advice: "apt-get install unattended-upgrades && dpkg-reconfigure -plow unattended-upgrades",
		Source: guide + ", automatic updates; Debian wiki, UnattendedUpgrades",
		Needs:  []posture.Need{posture.Patches},
		Check: func(f *posture.Facts) []posture.Finding {
			if u := f.Updates.Value; !u.Unattended {
				return posture.Found("unattended-upgrades does not work%s", because(u.UnattendedReason))
			}
			return nil
		},
	},
	{
		ID: "updates-reboot-required", Title: "Updates wait for a reboot", Family: posture.Updates, Severity: posture.Medium,
		Why:    "They are on the disk, and the old code runs.",
		Advice: "Reboot at a quiet time", Source: guide + ", updates that need restarts",
		Needs: []posture.Need{posture.Patches},
		Check: func(f *posture.Facts) []posture.Finding {
			if u := f.Updates.Value; u.RebootRequired {
				return posture.Found("a reboot is required%s", because(strings.Join(u.RebootPackages, ", ")))
			}
			return nil
		},
	},
	{
		ID: "updates-old-kernel", Title: "An older kernel runs than the one installed", Family: posture.Updates, Severity: posture.Medium,
		Why:    "Containers share it: a hole such as Dirty Pipe (CVE-2022-0847) is the way out of every one of them.",
		Advice: "Reboot at a quiet time", Source: guide + ", containers share the kernel",
		Needs: []posture.Need{posture.Patches, posture.OS},
		Check: func(f *posture.Facts) []posture.Finding {
			u := f.Updates.Value
			if u.KernelInstalled == "" || u.KernelRunning == "" || u.KernelInstalled == u.KernelRunning || f.OS.Value.Container != "" {
				return nil
			}
			return posture.Found("%s runs, %s is installed", u.KernelRunning, u.KernelInstalled)
		},
	},
	{
		ID: "updates-no-auto-reboot", Title: "Nothing reboots this machine for an update", Family: posture.Updates, Severity: posture.Low,
		Why:    "A kernel fix then waits until somebody thinks of it.",
		Advice: `Set Unattended-Upgrade::Automatic-Reboot "true" and a time of night`,
		Source: guide + ", updates that need restarts",
		Needs:  []posture.Need{posture.Patches},
		Check: func(f *posture.Facts) []posture.Finding {
			if u := f.Updates.Value; u.Unattended && !u.AutoReboot {
				return posture.Found("Unattended-Upgrade::Automatic-Reboot is off")
			}
			return nil
		},
	},
	{
		ID: "updates-stale-lists", Title: "This machine does not know what updates there are", Family: posture.Updates, Severity: posture.Medium,
		Why:    "Package lists that are not fetched make everything look current.",
		Advice: "apt-get update, and look why apt-daily.timer does not run",
		Source: guide + ", weekly check; apt.conf(5)",
		Needs:  []posture.Need{posture.Patches},
		Check: func(f *posture.Facts) []posture.Finding {
			last, now := f.Updates.Value.LastListUpdate, f.Self.Time
			switch {
			case last.IsZero():
				return posture.Found("apt has no package lists")
			case !now.IsZero() && now.Sub(last) > staleLists:
				return posture.Found("apt last fetched its lists %d days ago", int(now.Sub(last).Hours()/24))
			}
			return nil
		},
	},
	{
		ID: "updates-end-of-life", Title: "This system gets no more security updates", Family: posture.Updates, Severity: posture.High,
		Why:    "Every hole found from now on stays.",
		Advice: "Move to the current release",
		Source: "Debian LTS wiki; Ubuntu release cycle (standard support)",
		Needs:  []posture.Need{posture.OS},
		Check: func(f *posture.Facts) []posture.Finding {
			end, ok := endOfLife[f.OS.Value.ID+" "+f.OS.Value.Version]
			if !ok || f.Self.Time.IsZero() || f.Self.Time.Before(end) {
				return nil
			}
			return posture.Found("support of %s ended on %s", f.OS.Value.Name, end.Format(time.DateOnly))
		},
	},
	{
		ID: "updates-stale-container", Title: "A container is older than a month and a half", Family: posture.Updates, Severity: posture.Medium,
		Why:    "unattended-upgrades does not reach into images: what is in there is as old as the day it was pulled.",
		Advice: "Pull the new image, try it, create the container again; keep the old digest to go back",
		Source: guide + ", monthly image updates",
		Needs:  []posture.Need{posture.Containers},
		Check: func(f *posture.Facts) (found []posture.Finding) {
			for _, c := range f.Containers.Value {
				made, err := time.Parse(time.RFC3339Nano, c.Inspect.Created)
				if err != nil || f.Self.Time.IsZero() || !running(c) {
					continue
				}
				if age := f.Self.Time.Sub(made); age > staleContainer {
					finding := posture.On(c.Name(), "it was made %d days ago", int(age.Hours()/24))
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
		ID: "updates-openclaw-old", Title: "OpenClaw has not been updated for months", Family: posture.Updates, Severity: posture.Medium,
		Why:    "Its versions carry their month, and its holes are published with the fix.",
		Advice: "openclaw update --dry-run, then openclaw update; in Docker pull the new image",
		Source: guide + ", maintenance; " + docs + "cli/update",
		Needs:  []posture.Need{posture.Agent},
		Check: func(f *posture.Facts) (found []posture.Finding) {
			for _, in := range f.OpenClaw.Value {
				var year, month, patch int
				if n, _ := fmt.Sscanf(in.Version, "%d.%d.%d", &year, &month, &patch); n < 2 || year < 2025 || f.Self.Time.IsZero() {
					continue
				}
				if age := (f.Self.Time.Year()-year)*12 + int(f.Self.Time.Month()) - month; age >= staleOpenClaw {
					found = append(found, posture.On(in.StateDir, "version %s is %d months old", in.Version, age))
				}
			}
			return found
		},
	},
	{
		ID: "updates-openclaw-placeholder", Title: "The OpenClaw package is an empty placeholder", Family: posture.Updates, Severity: posture.High,
		Why:    "Under an old node npm silently installs openclaw 0.0.1, which contains nothing.",
		Advice: "npm install node@26 first, then openclaw with an exact version",
		Source: "tried: npm's choice under node 20",
		Needs:  []posture.Need{posture.Agent},
		Check: func(f *posture.Facts) (found []posture.Finding) {
			for _, in := range f.OpenClaw.Value {
				if in.Version == "0.0.1" {
					found = append(found, posture.On(in.PackageDir, "its version is %s", in.Version))
				}
			}
			return found
		},
	},
	{
		ID: "updates-openclaw-channel", Title: "OpenClaw follows an unfinished branch", Family: posture.Updates, Severity: posture.Low,
		Why:    "beta and dev change without notice, guards included.",
		Advice: "Set update.channel to stable or extended-stable", Source: docs + "cli/update",
		Settings: map[string]string{"update.channel": `"stable"`},
		Needs:    []posture.Need{agentConfig},
		Check: eachConfig(func(s settings) []posture.Finding {
			if ch := s.text("update.channel", "stable"); ch == "beta" || ch == "dev" {
				return posture.Found("update.channel is %s", ch)
			}
			return nil
		}),
	},
}

// endOfLife is when security updates end, by os-release's ID and VERSION_ID:
// Debian with LTS, Ubuntu's standard support. Unlisted systems are not judged.
var endOfLife = map[string]time.Time{
	"debian 9":     date(2022, time.June, 30),
	"debian 10":    date(2024, time.June, 30),
	"debian 11":    date(2026, time.August, 31),
	"debian 12":    date(2028, time.June, 30),
	"debian 13":    date(2030, time.June, 30),
	"ubuntu 18.04": date(2023, time.May, 31),
	"ubuntu 20.04": date(2025, time.May, 31),
	"ubuntu 22.04": date(2027, time.May, 31),
	"ubuntu 24.04": date(2029, time.May, 31),
}

func date(year int, month time.Month, day int) time.Time {
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

// dockerFile needs what daemon.json says, also where the daemon does not run:
// a file that is wrong may be the reason.
var dockerFile = posture.Need{Name: "daemon.json", Of: func(f *posture.Facts) (host.Status, string) {
	if d := f.Docker.Value; d.Config != nil || d.ConfigError != "" {
		return host.Known, ""
	}
	return f.Docker.State()
}}
