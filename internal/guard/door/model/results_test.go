package model

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"

	"github.com/openseawall/seawall/internal/guard"
	"github.com/openseawall/seawall/internal/guard/policy"
	"github.com/openseawall/seawall/internal/guard/wire"
	"github.com/openseawall/seawall/internal/ledger"
)

// TestTheResultOfACallIsRecorded takes the newest result under an ID: models
// give the same one again.
func TestTheResultOfACallIsRecorded(t *testing.T) {
	for _, api := range apis {
		t.Run(string(api), func(t *testing.T) {
			rules, err := policy.Load(policy.Default())
			if err != nil {
				t.Fatal(err)
			}
			kept := &record{}
			g := guard.New(rules, kept, nil, nil)
			for _, c := range []struct {
				said []said
				done string
			}{
				{[]said{user("go"), used("read", `{"path":"a"}`), result("first")}, "first"},
				{[]said{user("go"), used("read", `{"path":"a"}`), result("first"), used("read", `{"path":"b"}`), result("second")}, "second"},
				{[]said{user("go"), used("read", `{"path":"a"}`), result("first"), user("thanks")}, "first"},
				{[]said{user("go"), used("read", `{"path":"a"}`), result("first"), assistant("well"), user("and?")}, ""},
			} {
				if d := g.Judge(t.Context(), guard.Action{ID: "c_1", Tool: "read", Args: []byte(`{"path":"a"}`)}); d.Verdict != policy.Allow {
					t.Fatalf("the call was decided %+v", d)
				}
				before := len(kept.all())
				for range 2 { // a request may come twice
					q, err := wire.ParseRequest(api, []byte(conversation(api, false, c.said...)))
					if err != nil {
						t.Fatal(err)
					}
					(&turn{guard: g, request: q}).results()
				}
				rows := kept.all()[before:]
				if c.done == "" {
					if len(rows) > 0 {
						t.Errorf("an old result was recorded: %+v", rows)
					}
					continue
				}
				sum := sha256.Sum256([]byte(c.done))
				if len(rows) != 1 || rows[0].Kind != ledger.Done || rows[0].Tool != "read" || rows[0].Result != hex.EncodeToString(sum[:]) {
					t.Errorf("for %q the record says %+v", c.done, rows)
				}
			}
		})
	}
}
