package damage

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openseawall/seawall/internal/ledger"
)

// rows are those of a record, numbered from 1.
func rows(all ...ledger.Row) func(func(ledger.Row, error) bool) {
	return func(yield func(ledger.Row, error) bool) {
		for i, r := range all {
			r.ID = int64(i + 1)
			if !yield(r, nil) {
				return
			}
		}
	}
}

func allowed(tool, detail string, e *ledger.Effects) ledger.Row {
	return ledger.Row{Kind: ledger.Decided, Decision: "allow", Act: "call", Tool: tool, Detail: detail, Effects: e, Door: "model", Route: "openai"}
}

// told is a list in one line.
func told(items []Item) string {
	var s []string
	for _, i := range items {
		line := fmt.Sprint(i.What, " ", i.Rows)
		if i.Unknown > 0 {
			line += " unknown"
		}
		s = append(s, line)
	}
	return strings.Join(s, "; ")
}

func TestWhatWasDoneIsToldByKind(t *testing.T) {
	lost := allowed("exec", `{"command":"make"}`, &ledger.Effects{Kinds: []string{"execute", "write"}, Writes: []string{"out"}})
	lost.Outcome = ledger.Unknown
	put := allowed("write", `{"path":".env"}`, &ledger.Effects{Kinds: []string{"write"}, Writes: []string{".env"}})
	put.Seen = &ledger.Seen{Secrets: []string{"openai-key"}}
	denied := allowed("exec", `{"command":"rm -rf /"}`, &ledger.Effects{Kinds: []string{"execute"}})
	denied.Decision = "deny"
	asked := allowed("exec", `{"command":"make"}`, nil)
	asked.Kind, asked.Decision = ledger.Asked, ""
	r, err := Of(rows(
		asked, lost,
		allowed("exec", `{"command":"curl https://a.example"}`, &ledger.Effects{Kinds: []string{"execute", "send"}, Hosts: []string{"a.example"}}),
		ledger.Row{Kind: ledger.Done, Act: "call", Tool: "exec"},
		allowed("message", `{"to":"+49"}`, &ledger.Effects{Kinds: []string{"send"}, To: []string{"+49"}}),
		allowed("message", `{}`, &ledger.Effects{Kinds: []string{"send"}}),
		put, denied,
		ledger.Row{Kind: ledger.Event, Act: "visit", Speaker: "visitor", Channel: "telegram", Sender: "7"},
		allowed("exec", `{"command":"make"}`, &ledger.Effects{Kinds: []string{"execute"}}),
		ledger.Row{Kind: ledger.Decided, Decision: "allow", Act: "call", Tool: "read", Detail: `{"path":"x"}`},
	), time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	for _, list := range []struct{ name, got, want string }{
		{"ran", told(r.Ran), `make [2 10] unknown; curl https://a.example [3]; read {"path":"x"} [11]`},
		{"written", told(r.Written), "out [2] unknown; .env [7]"},
		{"reached", told(r.Reached), "a.example [3]"},
		{"sent", told(r.Sent), "message to +49 [5]; message to a recipient that is not named [6]"},
		{"keys", told(r.Keys), "route openai [2 3 5 6 7 10] unknown; put into what write wrote: openai-key [7]"},
		{"read", told(r.Read), "results of exec [4]; a visitor's words, telegram, 7 [9]"},
	} {
		if list.got != list.want {
			t.Errorf("%s: %s\nand not %s", list.name, list.got, list.want)
		}
	}
	if r.Calls != 7 || r.Denied != 1 || r.Unknown != 1 {
		t.Errorf("%d calls, %d denied, %d unknown", r.Calls, r.Denied, r.Unknown)
	}
}

func TestManyThingsAreBounded(t *testing.T) {
	var all []ledger.Row
	for i := range maxItems + 100 {
		all = append(all, allowed("write", "{}", &ledger.Effects{Writes: []string{fmt.Sprint("f", i), "same"}}))
	}
	r, err := Of(rows(all...), time.Time{})
	if err != nil || len(r.Written) != maxItems+1 || r.Written[maxItems].What != more {
		t.Fatalf("%v, %d items", err, len(r.Written))
	}
	i := slices.IndexFunc(r.Written, func(i Item) bool { return i.What == "same" })
	if same := r.Written[i]; same.Times != len(all) || len(same.Rows) != maxRows || same.Rows[maxRows-1] != int64(len(all)) {
		t.Errorf("%+v", same)
	}
}

func TestARecordThatCannotBeReadIsAnError(t *testing.T) {
	broken := errors.New("broken")
	if _, err := Of(func(yield func(ledger.Row, error) bool) { yield(ledger.Row{}, broken) }, time.Time{}); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
}
