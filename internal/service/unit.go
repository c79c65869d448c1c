package service

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/activation"
	"github.com/coreos/go-systemd/v22/daemon"

	"github.com/openseawall/seawall/internal/guard/door/model"
	"github.com/openseawall/seawall/internal/state"
)

// The names of the sockets that systemd holds for the doors: FileDescriptorName=
// of seawall.socket and seawall-page.socket (packaging/systemd).
const (
	doorSocket = "door"
	pageSocket = "page"
)

const (
	// unitGrace is how long an answer that has begun may still take when the unit
	// stops. TimeoutStopSec= of seawall.service is longer.
	unitGrace = 90 * time.Second
	// stalled is how long the service may not look at its state before systemd is
	// no longer told that it is well.
	stalled = 20 * time.Second
	// apology is how long a door that cannot open says why, before systemd tries
	// to open it again.
	apology = 10 * time.Second
)

// UnderSystemd reports whether this process was started by seawall.service.
func UnderSystemd() bool { return os.Getenv("NOTIFY_SOCKET") != "" && os.Getenv("LISTEN_FDS") != "" }

// RunUnit is seawall.service: it opens the doors on the sockets that systemd
// holds, tells it when they are open and that they still work, and ends without
// failing a request. Where they cannot be opened, the agent is told why until
// systemd tries again.
func RunUnit(ctx context.Context, path, version string) error {
	door, page, err := sockets()
	if err != nil {
		return err
	}
	if err := runUnit(ctx, path, version, door, page); err != nil {
		_, _ = daemon.SdNotify(false, "STATUS="+strings.ReplaceAll(err.Error(), "\n", " "))
		apologise(ctx, door, err)
		return err
	}
	return nil
}

func runUnit(ctx context.Context, path, version string, door, page net.Listener) error {
	dir, err := state.Open(path)
	if err != nil {
		return err
	}
	defer dir.Close()
	release, err := dir.Lock()
	if err != nil {
		return err
	}
	defer release()
	if err := dir.Upgrade(version); err != nil {
		return err
	}
	s, err := Open(ctx, dir, version)
	if err != nil {
		return err
	}
	s.grace = unitGrace
	go s.notify(ctx)
	err = s.Serve(ctx, door, page)
	return errors.Join(err, s.hook.HandOver(), s.Close())
}

// sockets takes over what systemd holds.
func sockets() (door, page net.Listener, err error) {
	held, err := activation.ListenersWithNames()
	if err != nil {
		return nil, nil, fmt.Errorf("taking over the sockets from systemd: %w", err)
	}
	one := func(name, unit string) net.Listener {
		if len(held[name]) == 1 && held[name][0] != nil {
			return held[name][0]
		}
		err = errors.Join(err, fmt.Errorf("%s holds no socket named %q: systemctl cat %s shows it, `seawall install` sets it right", unit, name, unit))
		return nil
	}
	door, page = one(doorSocket, "seawall.socket"), one(pageSocket, "seawall-page.socket")
	return door, page, err
}

// notify tells systemd that the doors are open, and from then on that they
// still look at their state.
func (s *Service) notify(ctx context.Context) {
	_, _ = daemon.SdNotify(false, daemon.SdNotifyReady+"\nSTATUS=The doors are open.")
	interval, err := daemon.SdWatchdogEnabled(false)
	if err != nil || interval == 0 {
		interval = time.Hour
	}
	tick := time.NewTicker(interval / 3)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			// What has begun may last longer than the watchdog waits.
			_, _ = daemon.SdNotify(false, fmt.Sprintf("%s\nWATCHDOG_USEC=%d\nSTATUS=Ending: what was asked is answered.",
				daemon.SdNotifyStopping, (2*unitGrace).Microseconds()))
			return
		case <-tick.C:
			if time.Since(time.Unix(0, s.looked.Load())) < stalled {
				_, _ = daemon.SdNotify(false, daemon.SdNotifyWatchdog)
			}
		}
	}
}

// apologise answers whoever comes to a door that cannot open. A 503 is asked
// again, and shown with its sentence when it stays.
func apologise(ctx context.Context, door net.Listener, why error) {
	sentence := "Stopped: the call. Because: Seawall's doors cannot open: " + why.Error() + ". You can: seawall status."
	answer, err := json.Marshal(map[string]any{
		"error": map[string]string{"type": "seawall_closed", "message": sentence}, // the APIs' form
		"block": true, "reason": sentence,                                         // the hook's
	})
	if err != nil {
		return
	}
	ctx, stop := context.WithTimeout(ctx, apology)
	defer stop()
	server := model.Server(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Retry-After", "5")
		w.Header().Set("Connection", "close")
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write(answer)
	}))
	_ = newEbb(server).serve(ctx, door, time.Second)
}

// RunWatch is seawall-watch.service: it looks at the agent with the privileges
// that the doors do not have, and leaves what it sees in the state.
func RunWatch(ctx context.Context, path, version string) error {
	dir, err := state.Existing(path)
	if err != nil {
		return err
	}
	defer dir.Close()
	go LookAround(ctx, dir, func() {
		if err := dir.Write(ChangedFile, []byte(time.Now().UTC().Format(time.RFC3339)+"\n")); err != nil {
			fmt.Fprintln(os.Stderr, "seawall:", err)
		}
	})
	watch(dir).Run(ctx)
	return nil
}
