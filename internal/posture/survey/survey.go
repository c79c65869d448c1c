// Package survey runs one whole audit: it reads the facts of a machine and of
// the OpenClaw on it, judges them with every control, and says what changed
// since the last time.
package survey

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/openseawall/seawall/internal/detect"
	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/openclaw"
	"github.com/openseawall/seawall/internal/posture"
	"github.com/openseawall/seawall/internal/posture/accept"
	"github.com/openseawall/seawall/internal/posture/controls"
	"github.com/openseawall/seawall/internal/posture/probe"
	"github.com/openseawall/seawall/internal/posture/report"
	"github.com/openseawall/seawall/internal/posture/texts"
	"github.com/openseawall/seawall/internal/state"
)

// Caller lets the environment of whoever audits name an OpenClaw too
// (OPENCLAW_STATE_DIR and its like).
func Caller(getenv func(string) string) openclaw.Option { return openclaw.Environment(getenv) }

// Facts reads all that controls judge.
func Facts(ctx context.Context, h host.Host, opts ...openclaw.Option) *posture.Facts {
	if _, err := os.Getwd(); err != nil { // a directory that was removed: the compose reader needs one
		_ = os.Chdir("/")
	}
	facts := host.Read(ctx, h, host.WithSecret(secretVariable))
	f := &posture.Facts{Facts: facts, OpenClaw: openclaw.Discover(ctx, h, facts, append(texts.Options(), opts...)...)}
	if r, ok := h.(*host.Recorder); ok {
		discreet(r, f)
	}
	return f
}

// Audit reads and judges a machine. version is Seawall's own.
func Audit(ctx context.Context, h host.Host, version string, opts ...openclaw.Option) *posture.Audit {
	facts := Facts(ctx, h, opts...)
	a := posture.Run(ctx, facts, controls.All)
	a.Seawall = version
	probe.Complete(a, facts)
	return a
}

// secretVariable reports whether an environment variable holds a credential:
// by its name, or by what its value looks like.
func secretVariable(name, value string) bool {
	return host.LooksSecret(name, value) || certain(detect.Secrets(value))
}

func certain(found []detect.Finding) bool {
	for _, f := range found {
		if f.Verdict == detect.Malicious {
			return true
		}
	}
	return false
}

// Remember marks what is accepted, fills in what changed since the audit that
// the state directory holds, and keeps this one in its place. An old one that
// cannot be read is replaced: it is only a memory; one that was begun after this
// one knows better and stays. Where it cannot be read what is accepted, nothing
// is, and the error says so once the rest is done.
func Remember(dir *state.Dir, a *posture.Audit) error {
	all, unread := accept.Load(dir)
	accept.Apply(a, all, a.Time)
	return errors.Join(unread, remember(dir, a))
}

func remember(dir *state.Dir, a *posture.Audit) error {
	last, err := Last(dir)
	if err == nil {
		report.Compare(last, a)
	}
	// One from the future was kept under a clock that was wrong.
	if err == nil && last != nil && last.Time.After(a.Time) && !last.Time.After(time.Now()) {
		return nil
	}
	var content bytes.Buffer
	if err := report.JSON(&content, a); err != nil {
		return fmt.Errorf("keeping the audit for the next run: %w", err)
	}
	return dir.Write(state.Audit, content.Bytes())
}

// Last returns the audit that the state directory holds; nil when there is none.
func Last(dir *state.Dir) (*posture.Audit, error) {
	content, err := dir.Read(state.Audit)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return posture.Decode(content)
}
