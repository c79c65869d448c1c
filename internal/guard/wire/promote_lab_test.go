//go:build lab

package wire

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/openseawall/seawall/lab/openclaw"
)

var promoted = flag.Int("promoted", 3000, "answers to hold against OpenClaw's own promotion")

// promote gives the calls that OpenClaw would run of each answer.
func promote(t *testing.T, cases []map[string]any) (results []read) {
	t.Helper()
	openclaw.Node(t, "testdata/promote.mjs", cases, &results)
	return results
}

// TestPromotion shows generated answers to OpenClaw as they came and as they
// come out: whatever it runs of what comes out was judged and allowed, by the
// same name and arguments; and nothing that is allowed whole is missing.
func TestPromotion(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	type run struct {
		api    API
		pieces []piece
		out    string
		guard  guarded
		ended  bool
	}
	runs := make([]run, *promoted)
	var cases []map[string]any
	for i := range runs {
		u := &runs[i]
		u.api, u.pieces = apis[[]int{0, 0, 1, 2}[r.IntN(4)]], textAnswer(r)
		answer := strings.Join(written(u.api, u.pieces), "")
		var out bytes.Buffer
		err := withTools(u.api).Rewrite(context.Background(), &out, strings.NewReader(answer), "text/event-stream", &u.guard)
		if err != nil && !errors.As(err, new(*Ended)) {
			t.Fatal(err)
		}
		u.out, u.ended = out.String(), err != nil
		reasoning, thinking := r.IntN(2) == 0, []string{"", "deepseek"}[r.IntN(2)]
		for _, body := range []string{u.out, answer} {
			cases = append(cases, map[string]any{"api": u.api, "body": []byte(body), "reasoning": reasoning, "thinking": thinking})
		}
	}
	results := promote(t, cases)
	ran, before, stopped, missing := 0, 0, 0, 0
	for i, u := range runs {
		var allowed []string
		for _, c := range u.guard.allowed {
			allowed = append(allowed, c.Name+" "+canonical(c.Args))
		}
		out, was := results[2*i], results[2*i+1]
		for _, call := range out.calls() {
			ran++
			if !slices.Contains(allowed, call) {
				t.Errorf("%s: OpenClaw runs %s, which was not judged and allowed (%v); of\n%+v\ncame out\n%s", u.api, call, allowed, u.pieces, u.out)
			}
		}
		if out.Error != "" && was.Error == "" {
			t.Errorf("%s: OpenClaw cannot read what came out: %s\n%+v\n%s", u.api, out.Error, u.pieces, u.out)
		}
		evil := false
		for _, call := range was.calls() {
			before++
			evil = evil || strings.Contains(call, "evil")
		}
		switch {
		case evil:
			stopped++
		case len(was.calls()) > len(out.calls()):
			missing++
			var text strings.Builder
			for _, p := range u.pieces {
				if p.thought {
					p.text = "<hm>"
				}
				text.WriteString(p.text)
			}
			if !strings.Contains(text.String(), "think") && !strings.Contains(text.String(), "DSML") {
				t.Logf("%s: not run although harmless: %q %v", u.api, text.String(), u.guard.allowed)
			}
		}
	}
	t.Logf("%d answers: without Seawall OpenClaw makes %d calls of them, %d answers have one that may not run; of what comes out it makes %d, each judged and allowed; %d harmless answers lost a call that can be read in two ways", len(runs), before, stopped, ran, missing)
	if ran < len(runs)/50 || before < len(runs)/10 {
		t.Error("too few of the answers are calls to OpenClaw")
	}
}
