package openclaw

import (
	"context"
	"path"
	"slices"

	"github.com/openseawall/seawall/internal/host"
)

// Database is where an OpenClaw keeps what is not in its config: jobs, devices, logins.
func (i Install) Database() string { return path.Join(i.StateDir, "state", "openclaw.sqlite") }

// Jobs is how many jobs an OpenClaw has that begin without a word of its operator:
// scheduled ones in its database (docs/automation/cron-jobs), and webhooks in its
// config (docs/gateway/configuration-reference.md, hooks). What cannot be read is none.
func (i Install) Jobs(ctx context.Context) int {
	all, _ := host.ReadDevices(ctx, i.Database())
	jobs := len(slices.DeleteFunc(all, func(p host.Paired) bool { return p.Kind != "job" }))
	if on, _ := i.Config.Bool("hooks.enabled"); on {
		mappings, _ := i.Config.Get("hooks.mappings")
		list, _ := mappings.([]any)
		jobs += max(1, len(list))
	}
	return jobs
}
