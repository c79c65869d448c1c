package hook

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"

	"github.com/openseawall/seawall/internal/guard"
)

// jobRun is the session of a scheduled job, of which each run has one of its own
// (docs/reference/session-management-compaction/schema.md of OpenClaw).
var jobRun = regexp.MustCompile(`^(?:agent:[^:]+:)?cron:([A-Za-z0-9-]{1,64})(?::|$)`)

// clock is the line that OpenClaw adds to the instructions of each run.
var clock = regexp.MustCompile(`(?m)^(Current time|Reference UTC):.*\n?`)

// jobOf names the scheduled job whose run begins with a prompt; the zero value is
// none.
func jobOf(session, prompt string) guard.Job {
	m := jobRun.FindStringSubmatch(session)
	if m == nil {
		return guard.Job{}
	}
	sum := sha256.Sum256([]byte(strings.TrimSpace(clock.ReplaceAllString(prompt, ""))))
	return guard.Job{ID: m[1], Instructions: hex.EncodeToString(sum[:])}
}
