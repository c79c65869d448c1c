package wire

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
)

// alike fails unless a body reads the same whatever was read before it.
func alike(t *testing.T, c *Conversations, api API, body []byte) {
	t.Helper()
	want, wantErr := ParseRequest(api, body)
	got, err := c.Parse(api, body)
	if fmt.Sprint(err) != fmt.Sprint(wantErr) {
		t.Fatalf("%s\nreads as %v, alone as %v", body, err, wantErr)
	}
	if err == nil && !reflect.DeepEqual(got, want) {
		t.Fatalf("%s\nreads as %+v\nalone as %+v", body, got, want)
	}
}

func TestAGrowingConversationReadsAsAlone(t *testing.T) {
	const a, b, c, d = `{"role":"user","content":"h\u0065llo"}`,
		`{"role":"assistant","content":null,"tool_calls":[{"id":"1","type":"function","function":{"name":"read","arguments":{"p":1}}}]}`,
		`{"role":"tool","tool_call_id":"1","content":[{"type":"text","text":"one"},{"type":"image_url"},{"type":"text","text":"two"}]}`,
		`{"role":"assistant","content":"done"}`
	for _, test := range []struct {
		name, format string
		turns        []string
	}{
		{"messages first", `{"messages":[%s],"model":"m","tools":[{"type":"function","function":{"name":"read","parameters":{"a":1}}}]}`,
			[]string{a, a + "," + b, a + "," + b + "," + c, a + "," + b + "," + c + " ,\n" + d, a + "," + b}},
		{"messages last", `{"model":"m","tools":[{"type":"function","function":{"name":"read","parameters":{"a":1}}}],"messages":[%s]}`,
			[]string{a + "," + b, a + "," + b + "," + c, a + "," + b + "," + c + "," + d}},
		{"the last one changes", `{"messages":[%s]}`,
			[]string{a + "," + b, a + "," + c, a + "," + d + "," + c, b + "," + c, c}},
		{"a call is gone, its result stays", `{"messages":[%s]}`, []string{a + "," + b, a + "," + c}},
		{"all goes on", `{"messages":[%s]}`, []string{a + "," + b + "," + c, a + "," + b + "," + c, "", a}},
		{"no list", `{"messages":[%s]}`, []string{a + "," + b, a + "]", a + `],"x":[` + b, a + "," + b + `],"messages":[` + c, a + b, a + ",", a + ",," + b, "," + a}},
		{"not UTF-8", `{"messages":[%s]}`, []string{a, a + ",{\"role\":\"user\",\"content\":\"\xff\"}"}},
		{"a name twice", `{"messages":[%s]}`, []string{a, a + `,{"role":"user","role":"tool"}`}},
		{"too deep", `{"messages":[%s]}`, []string{a, a + "," + strings.Repeat("[", 511) + strings.Repeat("]", 511), a + "," + strings.Repeat("[", 510) + strings.Repeat("]", 510)}},
		{"numbers", `{"messages":[%s]}`, []string{a + ",1", a + ",12", a + ",1.5," + b, a + ",1e5"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var c Conversations
			for _, turn := range test.turns {
				alike(t, &c, Chat, fmt.Appendf(nil, test.format, turn))
			}
		})
	}
}

func TestAnotherFormatGoesOnAlone(t *testing.T) {
	body := []byte(`{"messages":[{"role":"user","content":"hi"}],"input":[{"role":"user","content":"ho"}],"previous_response_id":"r"}`)
	var c Conversations
	for _, api := range []API{Chat, Anthropic, Responses, Responses, Chat} {
		alike(t, &c, api, body)
	}
}

// TestEveryRecordedRequestGoesOn: each, cut off after each of its messages.
func TestEveryRecordedRequestGoesOn(t *testing.T) {
	for _, r := range requests(t) {
		q, err := ParseRequest(r.api, []byte(r.body))
		if err != nil || q.list.end == 0 {
			continue
		}
		var c Conversations
		for _, end := range q.list.ends {
			alike(t, &c, r.api, []byte(r.body[:end]+r.body[q.list.end:]))
		}
		alike(t, &c, r.api, []byte(r.body))
	}
}

func TestWhatIsKeptOfConversationsIsBounded(t *testing.T) {
	var c Conversations
	for i := range 3 * maxConversations {
		size := 1000
		if i%5 == 0 {
			size = maxRemembered / 10
		}
		if i == 7 {
			size = maxRemembered
		}
		body := fmt.Appendf(nil, `{"messages":[{"role":"user","content":"%d %s"}]}`, i, strings.Repeat("a", size))
		if _, err := c.Parse(Chat, body); err != nil {
			t.Fatal(err)
		}
		sum := 0
		for _, q := range c.recent {
			sum += 2 * len(q.body)
		}
		if sum != c.size || sum > maxRemembered || len(c.recent) > maxConversations || len(c.recent) == 0 {
			t.Fatalf("%d requests of %d bytes are kept, counted as %d", len(c.recent), sum, c.size)
		}
	}
}

func TestAReleasedRequestIsStillGoneOnFrom(t *testing.T) {
	var c Conversations
	format := `{"tools":[{"type":"function","function":{"name":"x","parameters":{}}}],"messages":[{"role":"user","content":"one"}%s]}`
	q, err := c.Parse(Chat, fmt.Appendf(nil, format, ""))
	if err != nil {
		t.Fatal(err)
	}
	first := q.name("id-", "text")
	q.Release()
	if q.body != nil || q.Parts != nil || q.Tools[0].Schema != nil || q.name("id-", "other") == q.name("id-", "text") || first == "" {
		t.Errorf("released it is %+v", q)
	}
	alike(t, &c, Chat, fmt.Appendf(nil, format, `,{"role":"user","content":"two"}`))
}

func TestConversationsAtOnce(t *testing.T) {
	var c Conversations
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			turns := ""
			for n := range 20 {
				turns += fmt.Sprintf(`,{"role":"user","content":"%d %d"}`, i%4, n)
				body := []byte(`{"tools":[{"type":"function","function":{"name":"x","parameters":{}}}],"messages":[{"role":"system","content":"s"}` + turns + `]}`)
				q, err := c.Parse(Chat, body)
				if err != nil || len(q.Parts) != n+2 || !bytes.Equal(q.body, body) {
					t.Errorf("%v %v", q, err)
				}
				q.Release()
			}
		})
	}
	all.Wait()
}

var formats = []API{Chat, Responses, Anthropic}

// FuzzGrowing reads a request after another one, and alone.
func FuzzGrowing(f *testing.F) {
	for _, r := range requests(f) {
		q, err := ParseRequest(r.api, []byte(r.body))
		if err != nil || len(q.list.ends) == 0 {
			continue
		}
		end := int(q.list.ends[0])
		f.Add(byte(slices.Index(formats, r.api)), r.body[:end], r.body[end:q.list.end], "", r.body[q.list.end:])
		f.Add(byte(slices.Index(formats, r.api)), r.body[:end], "", r.body[end:q.list.end], r.body[q.list.end:])
	}
	f.Fuzz(func(t *testing.T, api byte, head, first, second, tail string) {
		var c Conversations
		for _, middle := range []string{first, second, first + second} {
			alike(t, &c, formats[api%3], []byte(head+middle+tail))
		}
	})
}
