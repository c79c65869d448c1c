package proof

import (
	"context"
	"errors"
	"time"

	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/openclaw"
)

// RunJob has the OpenClaw of a config run one of its scheduled jobs now, as its
// own `openclaw cron run` does (docs/gateway/protocol/rpc-devices-nodes-and-approvals.md).
// It does not wait for the job's end. It is for the user that may read the agent's
// config and processes.
func RunJob(ctx context.Context, config, job string) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	const proc = "/proc"
	processes, err := processes(proc, nil, nil)
	if err != nil {
		return err
	}
	a := newAgent(config, nil)
	if a.config, err = openclaw.LoadConfig(ctx, host.Live(), config); err != nil {
		return err
	}
	if a.gateway = findGateway(proc, config, processes); a.gateway == nil {
		return errors.New("the gateway does not run")
	}
	a.ends.family = family(a.gateway.process, processes, nil)
	if a.ends.sockets, err = a.ends.look(proc, a.gateway); err != nil {
		return err
	}
	c, err := a.dial(ctx)
	if err != nil {
		return err
	}
	defer c.close()
	var queued struct{}
	return c.call(ctx, "cron.run", map[string]any{"id": job, "mode": "force"}, &queued)
}
