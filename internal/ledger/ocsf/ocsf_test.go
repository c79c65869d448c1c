package ocsf

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/openseawall/seawall/internal/ledger"
)

// required are the attributes that schema 1.5.0 requires of each class, and of
// each object in it, by their paths; of those between bars one is enough.
var required = map[int][][]string{
	baseEvent: base(),
	apiActivity: base("actor", "api", "api.operation", "api.request.uid", "src_endpoint", "action_id", "disposition_id",
		"actor.process|actor.user|actor.session|actor.app_name", "src_endpoint.ip|src_endpoint.hostname|src_endpoint.name|src_endpoint.svc_name"),
	detectionFinding: base("finding_info", "finding_info.uid", "finding_info.title", "action_id", "disposition_id"),
}

func base(more ...string) [][]string {
	var all [][]string
	for _, p := range append([]string{
		"activity_id", "category_uid", "class_uid", "metadata", "severity_id", "time", "type_uid",
		"metadata.version", "metadata.product", "metadata.product.name", "metadata.product.vendor_name",
	}, more...) {
		all = append(all, strings.Split(p, "|"))
	}
	return all
}

func get(v any, path string) any {
	for _, name := range strings.Split(path, ".") {
		object, _ := v.(map[string]any)
		v = object[name]
	}
	return v
}

// enums are the numbers that the schema has for an attribute.
var enums = map[string][]float64{
	"severity_id": {0, 1, 2, 3, 4, 5, 6, 99}, "action_id": {0, 1, 2}, "confidence_id": {0, 1, 2, 3, 99}, "status_id": {0, 1, 2, 99},
	"activity_id": {0, 1, 2, 3, 4, 99},
}

func TestEventsHaveWhatTheirClassRequires(t *testing.T) {
	at := time.Date(2026, 11, 24, 14, 3, 0, 0, time.UTC)
	call := func(r ledger.Row) ledger.Row {
		r.Kind, r.Act, r.Tool, r.Asked = ledger.Decided, "call", "exec", 1
		return r
	}
	for name, tt := range map[string]struct {
		row                             ledger.Row
		class, activity, status, action float64
		disposition                     float64
	}{
		"a call that ran":          {call(ledger.Row{Decision: "allow", Effects: &ledger.Effects{Kinds: []string{"read"}, Reads: []string{"a"}}}), 6003, 2, 1, 1, 1},
		"one of which none knows":  {call(ledger.Row{Decision: "allow", Outcome: ledger.Unknown}), 6003, 99, 0, 1, 1},
		"one that a person let":    {call(ledger.Row{Decision: "allow", Policy: []string{"approved"}, Approval: &ledger.Approval{Question: 3, Answer: "allow", By: "anna", Via: "page", Scope: "once"}}), 6003, 99, 1, 1, 8},
		"one that was stopped":     {call(ledger.Row{Decision: "deny", Policy: []string{"p"}, Effects: &ledger.Effects{Kinds: []string{"destroy", "write"}, Hosts: []string{"h"}}}), 6003, 4, 2, 2, 2},
		"one that asked":           {call(ledger.Row{Decision: "ask", Speaker: "owner", Sender: "4711", Session: "s"}), 6003, 99, 2, 2, 2},
		"one never decided":        {ledger.Row{Kind: ledger.Asked, Act: "call", Tool: "exec", Outcome: ledger.Undecided}, 6003, 99, 2, 2, 2},
		"a request beside":         {ledger.Row{Kind: ledger.Decided, Act: "side", Detail: "GET /models", Decision: "allow"}, 6003, 99, 1, 1, 1},
		"a text that was stopped":  {ledger.Row{Kind: ledger.Decided, Act: "read", Decision: "deny", Why: "w", Seen: &ledger.Seen{Signals: []ledger.Signal{{Kind: "injection", Rule: "r", Title: "t", Verdict: "malicious"}}}}, 2004, 1, 1, 2, 2},
		"a text without a finding": {ledger.Row{Kind: ledger.Decided, Act: "reply", Decision: "redact"}, 2004, 1, 1, 1, 99},
		"a note":                   {ledger.Row{Kind: ledger.Event, Why: "the policy was changed"}, 0, 99, 0, 0, 0},
		"a bare row":               {ledger.Row{Kind: ledger.Decided}, 6003, 99, 2, 2, 2},
	} {
		t.Run(name, func(t *testing.T) {
			tt.row.ID, tt.row.Time = 2, at
			content, err := json.Marshal(Of(tt.row, "in a line", "1.2.3"))
			if err != nil {
				t.Fatal(err)
			}
			var e map[string]any
			if err := json.Unmarshal(content, &e); err != nil {
				t.Fatal(err)
			}
			for _, oneOf := range required[int(tt.class)] {
				there := false
				for _, path := range oneOf {
					v := get(e, path)
					there = there || v != nil && v != ""
				}
				if !there {
					t.Errorf("%v is missing in %s", oneOf, content)
				}
			}
			if e["class_uid"] != tt.class || e["type_uid"] != tt.class*100+tt.activity || e["category_uid"] != float64(int(tt.class)/1000) || e["activity_id"] != tt.activity || e["activity_name"] == "" {
				t.Errorf("class, type, category and activity do not fit: %s", content)
			}
			if e["time"] != float64(at.UnixMilli()) || e["status_id"] != tt.status {
				t.Errorf("time or status is wrong: %s", content)
			}
			action, _ := e["action_id"].(float64)
			disposition, _ := e["disposition_id"].(float64)
			if action != tt.action || disposition != tt.disposition {
				t.Errorf("action %v, disposition %v: %s", action, disposition, content)
			}
			for name, numbers := range enums {
				v, ok := e[name]
				for _, n := range numbers {
					ok = ok && v != n
				}
				if ok {
					t.Errorf("%s is %v", name, v)
				}
			}
			if row, err := json.Marshal(get(e, "unmapped.seawall")); err != nil || len(row) < 10 {
				t.Errorf("the row is not in it: %s", row)
			}
		})
	}
}

func TestWhoAllowedIsTold(t *testing.T) {
	e := Of(ledger.Row{Kind: ledger.Decided, Act: "call", Decision: "allow", Policy: []string{"approved"}, Version: "582a",
		Approval: &ledger.Approval{Answer: "allow", By: "anna", Via: "page", Scope: "once"}}, "", "")
	if got := fmt.Sprint(e.Authorised); got != "[{allow {approved  582a}} {allow {anna page, once }}]" {
		t.Error(got)
	}
}
