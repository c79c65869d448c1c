package survey

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/openseawall/seawall/internal/openclaw"
)

// turnTimeout bounds one turn of a real model.
const turnTimeout = 3 * time.Minute

// Turn has an OpenClaw take one turn, as the user it belongs to: through its
// gateway where that runs, and returns what the agent said. It costs what the
// model costs.
func Turn(ctx context.Context, i openclaw.Install, message string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, turnTimeout)
	defer cancel()
	cmd, err := ownCommand(ctx, i, "agent", "--agent", "main", "--message", message, "--json")
	if err != nil {
		return "", err
	}
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return "", fmt.Errorf("it gave no answer within %s", turnTimeout)
		}
		last := strings.TrimSpace(complaint.String() + out.String())
		return "", fmt.Errorf("it did not answer (%v): %.300s", err, oneLine(last))
	}
	said, err := spoken(out.Bytes())
	if err == nil && said == "" {
		err = errors.New("it answered nothing")
	}
	return said, err
}

// spoken takes the agent's words out of what `openclaw agent --json` prints: of
// a gateway's turn the result is wrapped.
func spoken(out []byte) (string, error) {
	type result struct {
		Payloads []struct {
			Text string `json:"text"`
		} `json:"payloads"`
	}
	var turn struct {
		result
		Result result `json:"result"`
	}
	if err := json.Unmarshal(out, &turn); err != nil {
		return "", fmt.Errorf("reading its answer: %w", err)
	}
	var texts []string
	for _, p := range append(turn.Payloads, turn.Result.Payloads...) {
		texts = append(texts, p.Text)
	}
	return strings.TrimSpace(strings.Join(texts, " ")), nil
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
