package model

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/openseawall/seawall/internal/guard/limit"
	"github.com/openseawall/seawall/internal/openclaw"
	"github.com/openseawall/seawall/internal/state"
	lab "github.com/openseawall/seawall/lab/model"
)

// TestTurnsCost what the provider says, in all formats, and above a limit the door
// answers instead of a model.
func TestTurnsCost(t *testing.T) {
	for _, api := range apis {
		for _, stream := range []bool{false, true} {
			t.Run(string(api)+map[bool]string{true: " streamed"}[stream], func(t *testing.T) {
				p := play(t, lab.Answer{Usage: lab.Usage{Input: 1000, Output: 500}})
				s := open(t, p.Server, options{})
				dir, err := state.Open(filepath.Join(t.TempDir(), "limits"))
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { dir.Close() })
				s.door.guard.Limits = limit.Open(dir, time.Now)
				s.door.Price = func(config, model string) *openclaw.Price { return &openclaw.Price{Input: 1000, Output: 2000} }
				if a := s.ask(api, stream, user("hello")); a.StatusCode != 200 {
					t.Fatal(a.body)
				}
				standing := s.door.guard.Limits.Stand()
				var tokens, money int64
				for _, l := range standing.Lines {
					switch (limit.Name{Window: l.Window, Measure: l.Measure}) {
					case limit.Name{Window: limit.Month, Measure: limit.Tokens}:
						tokens = l.Used
					case limit.Name{Window: limit.Month, Measure: limit.Money}:
						money = l.Used
					}
				}
				// A stream of chat completions says it only where it is asked to, and is
				// guessed otherwise.
				if standing.Guessed == 0 && (tokens != 1500 || money != 2_000_000) || tokens == 0 || money == 0 {
					t.Fatalf("%d tokens, %d millionths: %+v", tokens, money, standing)
				}
				if err := limit.Set(dir, limit.Name{Window: limit.Day, Measure: limit.Money}, 1); err != nil {
					t.Fatal(err)
				}
				a := s.ask(api, stream, user("again"))
				if h := hear(a.body); !strings.Contains(h.text, "the day's 0.00 USD are spent: ") || !strings.Contains(h.text, "seawall limits") {
					t.Errorf("above the limit the agent reads %q", a.body)
				}
			})
		}
	}
}
