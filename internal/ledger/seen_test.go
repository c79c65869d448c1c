package ledger

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// TestWhatWasSeenIsBounded, however much a call names.
func TestWhatWasSeenIsBounded(t *testing.T) {
	long := make([]string, 1024)
	for i := range long {
		long[i] = fmt.Sprint(i, strings.Repeat("ä", 4096))
	}
	e := &Effects{Dangers: []string{"d"}, Evidence: map[string]string{"d": long[0], "of none": "x"}, Reads: long, Writes: long, Hosts: long, URLs: long, Commands: long, Unparsed: long[0]}
	s := &Seen{Secrets: long}
	for range 100 {
		s.Signals = append(s.Signals, Signal{Place: long[0]})
	}
	origins := map[string][]string{}
	for _, arg := range long {
		origins[arg] = long[:30]
	}
	a := &Approval{By: long[0]}
	content, err := json.Marshal(bounded(Row{Effects: e, Seen: s, Origins: origins, Approval: a}))
	if err != nil || len(content) > 90<<10 || !strings.Contains(string(content), `"partial":true`) {
		t.Errorf("%v, %d bytes", err, len(content))
	}
	if len(e.Reads) != 1024 || len(e.Evidence) != 2 || len(s.Signals) != 100 || s.Signals[0].Place != long[0] || len(origins) != 1024 || a.By != long[0] {
		t.Error("the caller's own was changed")
	}
	short := bounded(Row{Effects: &Effects{Reads: []string{"a"}}}).Effects
	if short.Partial || len(short.Reads) != 1 || bounded(Row{}).Effects != nil {
		t.Errorf("%+v", short)
	}
}
