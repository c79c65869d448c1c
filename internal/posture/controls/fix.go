package controls

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/openclaw"
	"github.com/openseawall/seawall/internal/posture"
	"github.com/openseawall/seawall/internal/posture/change"
)

// fix is what cures a control: pure, of facts that the control has judged.
type fix = func(*posture.Facts) ([]change.Change, error)

// withFixes gives each control its fix, by id. What has none is for a person,
// who does what the advice says.
func withFixes(all []posture.Control) []posture.Control {
	fixes := map[string]fix{}
	for _, family := range []map[string]fix{sshFixes, systemFixes, updatesFixes, dockerFixes, secretsFixes, composeFixes, tunnelFixes} {
		maps.Copy(fixes, family)
	}
	for i := range all {
		c := &all[i]
		if c.Fix == nil {
			c.Fix = fixes[c.ID]
		}
		if cure := gatewayFixes[c.ID]; c.Fix == nil && cure != nil {
			c.Fix = fixConfigs(*c, cure)
		}
		if c.Fix == nil && c.Manual == "" {
			c.Manual = cmp.Or(manual[c.ID], c.Advice)
		}
	}
	return all
}

// manual is what a person does where the advice names more than one way, or
// another command of Seawall's does it.
var manual = map[string]string{
	"gateway-past-the-door":   "Run seawall connect: it sends through the door what can go",
	"gateway-sandbox-off":     "Run seawall connect --own-user, after which commands run in a confined service; or set agents.defaults.sandbox.mode to all, with Docker",
	"secrets-provider-key":    "Run seawall connect: the agent then never holds the key",
	"secrets-process-env":     "Run seawall connect, then take the variables out of the unit",
	"docker-new-privileges":   "Patch the compose file (seawall harden does it for OpenClaw's), then docker compose up -d",
	"docker-capabilities":     "Patch the compose file (seawall harden does it for OpenClaw's), then docker compose up -d",
	"docker-pids-unlimited":   "Patch the compose file (seawall harden does it for OpenClaw's), then docker compose up -d",
	"docker-no-restart":       "Patch the compose file (seawall harden does it for OpenClaw's), then docker compose up -d",
	"docker-memory-unlimited": "Patch the compose file (seawall harden does it for OpenClaw's), then docker compose up -d",
}

// each makes one change for every object that check finds.
func each(what string, risk change.Risk, edits func(*posture.Facts) []change.Edit) fix {
	return func(f *posture.Facts) (all []change.Change, err error) {
		for _, e := range edits(f) {
			all = append(all, change.Change{What: what, Risk: risk, Edit: e})
		}
		return all, nil
	}
}

// changes makes one change of each edit.
func changes(what string, risk change.Risk, edits ...change.Edit) []change.Change {
	all := make([]change.Change, 0, len(edits))
	for _, e := range edits {
		all = append(all, change.Change{What: what, Risk: risk, Edit: e})
	}
	return all
}

// always is a fix that does not depend on facts.
func always(what string, risk change.Risk, edits ...change.Edit) fix {
	return func(*posture.Facts) ([]change.Change, error) { return changes(what, risk, edits...), nil }
}

// modeWithout is a mode without what others may do, and whole without the file's own
// special bits lost.
func modeWithout(info host.FileInfo, taken fs.FileMode) fs.FileMode {
	return info.Mode & (fs.ModePerm | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky) &^ taken
}

// perms closes paths for others: what each loses, and whose it becomes.
func perms(of func(*posture.Facts) []host.FileInfo, bad func(host.FileInfo) bool, taken fs.FileMode, root bool) func(*posture.Facts) []change.Edit {
	return func(f *posture.Facts) (edits []change.Edit) {
		for _, info := range of(f) {
			if info.Path == "" || info.Mode&fs.ModeSymlink != 0 || !bad(info) {
				continue
			}
			p := change.Perm{Path: info.Path, Mode: modeWithout(info, taken)}
			if root && (info.UID != 0) {
				p.Owner = &change.Owner{UID: 0, GID: info.GID}
			}
			edits = append(edits, p)
		}
		return edits
	}
}

// setting is one value of an OpenClaw config that a cure sets, or takes out.
type setting struct {
	path  string
	value any
	unset bool
	risk  change.Risk
}

// cure says which settings make a control silent for one config. With an error
// beside them it says what it leaves out.
type cure = func(f *posture.Facts, s settings) ([]setting, error)

// fixConfigs cures every config about which the control speaks.
func fixConfigs(c posture.Control, cure cure) fix {
	return func(f *posture.Facts) (all []change.Change, err error) {
		var refused []error
		for _, in := range f.OpenClaw.Value {
			if in.Config == nil {
				continue
			}
			one := *f
			one.OpenClaw = host.Is([]openclaw.Install{in})
			if len(c.Check(&one)) == 0 {
				continue
			}
			list, err := cure(&one, settings{in.Config, in})
			if err != nil {
				refused = append(refused, err)
			}
			for _, s := range list {
				what := fmt.Sprintf("set %s in OpenClaw's config", s.path)
				if s.unset {
					what = fmt.Sprintf("take %s out of OpenClaw's config", s.path)
				}
				all = append(all, change.Change{What: what, Risk: s.risk,
					Edit: change.OpenClaw{Config: in.ConfigPath, Path: openclaw.SplitPath(s.path), Value: s.value, Unset: s.unset}})
			}
		}
		if len(refused) == 1 {
			return all, refused[0]
		}
		return all, errors.Join(refused...)
	}
}

// unit names the service that is on this machine under one of some names, the
// first otherwise.
func unit(f *posture.Facts, names ...string) string {
	for _, n := range names {
		if slices.ContainsFunc(f.Units.Value, func(u host.Unit) bool { return u.Name == n && u.Load == "loaded" }) {
			return n
		}
	}
	return names[0]
}
