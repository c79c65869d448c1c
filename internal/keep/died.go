package keep

import (
	"context"
	"os"
	"time"

	"github.com/openseawall/seawall/internal/keep/notify"
	"github.com/openseawall/seawall/internal/state"
)

// diedFile is as old as the last message that Seawall failed.
const diedFile = "died"

// Died tells that a part of Seawall failed, once an hour at most: what fails at
// every start fails often. MONITOR_UNIT, which systemd sets (systemd.exec(5)),
// names the part.
func Died(ctx context.Context, dir *state.Dir, name string, now time.Time) error {
	if info, err := os.Stat(dir.Path(diedFile)); err == nil && now.Sub(info.ModTime()) < flap {
		return nil
	}
	part := os.Getenv("MONITOR_UNIT")
	if part == "" {
		part = "a part of it"
	}
	taken, err := notify.Send(ctx, dir, notify.Message{
		Title: "Seawall on " + name + " has failed",
		Text:  part + " failed. What the agent does may be unguarded, or stand still.\n→ seawall status, on the machine",
	})
	if err != nil && taken == 0 {
		return err
	}
	return dir.Write(diedFile, nil)
}
