package wire

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// plain reports whether a stream is in the form that passes byte for byte.
func plain(b []byte) bool {
	if bytes.ContainsAny(b, "\r") || bytes.Contains(b, bom) {
		return false
	}
	for line := range bytes.SplitSeq(b, []byte("\n")) {
		if len(line) > 0 && !isField(line) {
			return false
		}
	}
	return true
}

func events(t *testing.T, src io.Reader) (raw, data []string) {
	r := newSSE(src, func() error { return nil })
	for {
		e, err := r.next()
		if err == io.EOF {
			return raw, data
		}
		if err != nil {
			t.Fatal(err)
		}
		raw, data = append(raw, string(e.raw)), append(data, string(e.data))
	}
}

func FuzzSSE(f *testing.F) {
	for _, s := range []string{
		"data: a\n\n", "data: a\r\n\r\ndata: b\r\n\r\n", "data:a\rdata:b\r\r", "\xEF\xBB\xBFdata: x\n\n", "event: e\nid: 1\n: c\ndata: a\ndata: b\n\n",
		"data\n\n", "data: a", "\n\n\n", "{\"a\":1}\n", "data: \xE2\x82", "data: a\n\r\ndata: b\r\n\n", "data: a\r", "x\xEF\xBB\xBF: 1\n\xEF\xBB\xBFdata: y\n\n",
	} {
		f.Add([]byte(s), 1)
	}
	f.Fuzz(func(t *testing.T, b []byte, cut int) {
		raw, data := events(t, bytes.NewReader(b))
		if plain(b) && strings.Join(raw, "") != string(b) {
			t.Fatalf("%q comes out as %q", b, raw)
		}
		n := max(0, min(cut, len(b)))
		raw2, data2 := events(t, io.MultiReader(bytes.NewReader(b[:n]), bytes.NewReader(b[n:])))
		if !slices.Equal(raw, raw2) || !slices.Equal(data, data2) {
			t.Fatalf("%q cut at %d: %q, not %q", b, n, raw2, raw)
		}
		// What is written anew reads the same and stays.
		raw3, data3 := events(t, strings.NewReader(strings.Join(raw, "")))
		if strings.Join(raw3, "") != strings.Join(raw, "") {
			t.Fatalf("%q comes out as %q, and that as %q", b, raw, raw3)
		}
		has := func(s string) bool { return s == "" }
		if !slices.Equal(slices.DeleteFunc(data3, has), slices.DeleteFunc(data, has)) {
			t.Fatalf("%q says %q, and comes out as %q, which says %q", b, data, raw, data3)
		}
	})
}

var apis = []API{Chat, Responses, Anthropic}

func FuzzRequest(f *testing.F) {
	for i := range apis {
		f.Add(uint8(i), []byte(`{"model":"m","messages":[{"role":"user","content":"hi \u00e4\ud83d"}],"input":"x","system":"s"}`))
	}
	for _, r := range requests(f) {
		f.Add(uint8(slices.Index(apis, r.api)), []byte(r.body))
	}
	f.Fuzz(func(t *testing.T, api uint8, body []byte) {
		q, err := ParseRequest(apis[int(api)%len(apis)], body)
		if err != nil {
			return
		}
		if !bytes.Equal(q.Replace(nil), body) {
			t.Fatal("nothing replaced is not the same body")
		}
		texts := map[int]string{}
		for _, p := range q.Parts {
			texts[p.Index] = "X\"\n"
		}
		again, err := ParseRequest(q.API, q.Replace(texts))
		if err != nil {
			t.Fatalf("a replaced body cannot be read: %v", err)
		}
		if len(again.Parts) != len(q.Parts) {
			t.Fatalf("%d parts became %d", len(q.Parts), len(again.Parts))
		}
		for i, p := range again.Parts {
			if q.spans[i].end > 0 && !p.Fixed && p.Text != "X\"\n" {
				t.Fatalf("part %d is %q", i, p.Text)
			}
		}
	})
}

// recorder allows all calls, or none, and notes them.
type recorder struct {
	deny  bool
	calls []Call
}

func (r *recorder) Call(_ context.Context, c Call) Verdict {
	if r.deny {
		return Verdict{Notice: "Stopped."}
	}
	if c.Unclear == "" {
		r.calls = append(r.calls, c)
	}
	return Verdict{Allow: true}
}

// native are the calls that do not stand in text: where it is not certain that
// text is a call, it is one here and none when it is read again.
func (r *recorder) native() []Call {
	return slices.DeleteFunc(slices.Clone(r.calls), func(c Call) bool { return c.Promoted })
}

func (r *recorder) Text(_ int, s string, _ bool) string { return s }

func FuzzRewrite(f *testing.F) {
	for _, c := range captures(f) {
		f.Add(uint8(slices.Index(apis, c.api)), c.contentType() != "application/json", []byte(c.answer), len(c.answer)/2)
	}
	for _, s := range Smalls(f) {
		f.Add(uint8(slices.Index(apis, s.API)), true, s.Answer, len(s.Answer)/2)
	}
	f.Fuzz(func(t *testing.T, api uint8, stream bool, body []byte, cut int) {
		checkRewrite(t, apis[int(api)%len(apis)], stream, body, cut)
	})
}

// checkRewrite holds an answer, whatever it is, to what Rewrite promises.
func checkRewrite(t *testing.T, api API, stream bool, body []byte, cut int) {
	t.Helper()
	q := &Request{API: api, Model: "m", Stream: stream, choices: 1, replayed: true, Tools: []OfferedTool{{Name: "exec"}}}
	kind := "application/json"
	if stream {
		kind = "text/event-stream"
	}
	run := func(src io.Reader, j Judge) (string, error) {
		var out bytes.Buffer
		err := q.Rewrite(context.Background(), &out, src, kind, j)
		return out.String(), err
	}
	var ended *Ended
	// Allowed: the same calls are found in what comes out, which stays as it is.
	first := &recorder{}
	out, err := run(bytes.NewReader(body), first)
	if err != nil && !errors.As(err, &ended) {
		t.Fatal(err)
	}
	second := &recorder{}
	again, err := run(strings.NewReader(out), second)
	if err != nil && (ended == nil || !errors.As(err, new(*Ended))) {
		t.Fatalf("%v: what came out is not read again:\n%s", err, out)
	}
	if ended == nil && again != out {
		t.Fatalf("came out as:\n%s\nand then as:\n%s", out, again)
	}
	if ended == nil && !slices.Equal(first.native(), second.native()) {
		t.Fatalf("the judge was asked about %v and then about %v\n%s", first.calls, second.calls, out)
	}
	for _, c := range second.calls {
		if !slices.ContainsFunc(first.calls, func(d Call) bool { return c.Name == d.Name && c.Args == d.Args }) {
			t.Fatalf("%v was not judged\n%s", c, out)
		}
	}
	// Cut anywhere: the same.
	n := max(0, min(cut, len(body)))
	if cutOut, _ := run(io.MultiReader(bytes.NewReader(body[:n]), bytes.NewReader(body[n:])), &recorder{}); cutOut != out {
		t.Fatalf("cut at %d:\n%s\nnot:\n%s", n, cutOut, out)
	}
	// Denied: none is found.
	out, _ = run(bytes.NewReader(body), &recorder{deny: true})
	none := &recorder{}
	if _, err := run(strings.NewReader(out), none); err != nil && !errors.As(err, new(*Ended)) {
		t.Fatal(err)
	}
	if len(none.calls) > 0 {
		t.Fatalf("denied, and comes out: %v\n%s", none.calls, out)
	}
}

// moody denies, changes and lets go by what a call says, and takes a letter
// out of texts, so that all ways of writing an answer are taken.
type moody struct{ said strings.Builder }

func (m *moody) Call(_ context.Context, c Call) Verdict {
	fmt.Fprintf(&m.said, "%+v\n", c)
	sum := len(c.Name)
	for _, b := range []byte(c.Args) {
		sum += int(b)
	}
	return []Verdict{{Allow: true}, {Allow: true}, {Notice: "Stopped."}, {}, {Allow: true, Args: `{"a":1}`}}[sum%5]
}

func (m *moody) Text(block int, s string, final bool) string {
	fmt.Fprintf(&m.said, "%d %v\n", block, final && s == "")
	return strings.ReplaceAll(s, "s", "")
}

// FuzzCut: in how many pieces a stream arrives, and where they are cut, changes
// nothing of what comes out and of what the judge is asked.
func FuzzCut(f *testing.F) {
	for _, c := range captures(f) {
		if c.contentType() != "application/json" {
			f.Add(uint8(slices.Index(apis, c.api)), []byte(c.answer), uint64(7))
		}
	}
	for _, s := range Smalls(f) {
		f.Add(uint8(slices.Index(apis, s.API)), s.Answer, uint64(9))
	}
	f.Fuzz(func(t *testing.T, api uint8, body []byte, seed uint64) {
		run := func(src io.Reader) (out, said, failure string) {
			q := &Request{API: apis[int(api)%len(apis)], Model: "m", Stream: true, choices: 2, replayed: true, Tools: []OfferedTool{{Name: "exec"}, {Name: "read"}}}
			var b bytes.Buffer
			m := &moody{}
			err := q.Rewrite(context.Background(), &b, src, "text/event-stream", m)
			var ended *Ended
			switch {
			case errors.As(err, &ended):
				failure = string(ended.Failure)
			case err != nil:
				t.Fatal(err)
			}
			return b.String(), m.said.String(), failure
		}
		out, said, failure := run(bytes.NewReader(body))
		for name, src := range map[string]io.Reader{"in pieces": &torn{rand.New(rand.NewPCG(seed, 1)), body}, "byte by byte": oneByte{bytes.NewReader(body)}} {
			out2, said2, failure2 := run(src)
			if out2 != out || said2 != said || failure2 != failure {
				t.Fatalf("%s %q comes out as\n%s\n(%s) %s\nnot as\n%s\n(%s) %s", name, body, out2, failure2, said2, out, failure, said)
			}
		}
	})
}

// torn gives a body in pieces of any size.
type torn struct {
	r    *rand.Rand
	body []byte
}

func (s *torn) Read(p []byte) (int, error) {
	if len(s.body) == 0 {
		return 0, io.EOF
	}
	n := copy(p, s.body[:min(len(s.body), 1+s.r.IntN(40))])
	s.body = s.body[n:]
	return n, nil
}

// FuzzSplice: a value that is edited is JSON, and says what it said but for
// the edit.
func FuzzSplice(f *testing.F) {
	for _, r := range requests(f) {
		f.Add([]byte(r.body), uint16(3))
	}
	for _, s := range []string{`{}`, `[]`, `{"a":1}`, `[1,2, 3 ,4]`, ` { "a" : [ ] , "b":{"c" : null} } `} {
		f.Add([]byte(s), uint16(1))
	}
	f.Fuzz(func(t *testing.T, body []byte, which uint16) {
		var tr tree
		root, err := tr.parse(body)
		if err != nil {
			return
		}
		var ed edits
		if same := ed.apply(nil, body); !bytes.Equal(same, body) {
			t.Fatalf("no edit makes %q of %q", same, body)
		}
		n, kept := uint16(0), []string{}
		gone := func(v value) bool { n++; return which>>(n%16)&1 == 1 }
		for v := root.first(); v.ok(); v = v.next() {
			if !gone(v) {
				kept = append(kept, string(v.key())+" "+string(v.raw()))
			}
		}
		n = 0
		ed.drop(root, gone)
		out := ed.apply(nil, body)
		var again tree
		root, err = again.parse(out)
		if err != nil {
			t.Fatalf("%q became %q, which is no JSON: %v", body, out, err)
		}
		var left []string
		for v := root.first(); v.ok(); v = v.next() {
			left = append(left, string(v.key())+" "+string(v.raw()))
		}
		if !slices.Equal(kept, left) && len(kept)+len(left) > 0 {
			t.Fatalf("%q became %q: %q are left, want %q", body, out, left, kept)
		}
		if root.kind() != '{' {
			return
		}
		ed = nil
		ed.set(root, "new\n", []byte(`"x"`))
		out = ed.apply(nil, out)
		if root, err = new(tree).parse(out); err != nil || root.get("new\n").str() != "x" {
			t.Fatalf("a member set makes %q: %v", out, err)
		}
	})
}

// FuzzWithhold: a body from which the tools of the provider are taken declares
// none, and holds the same conversation.
func FuzzWithhold(f *testing.F) {
	for _, r := range requests(f) {
		f.Add(uint8(slices.Index(apis, r.api)), []byte(r.body))
	}
	f.Add(uint8(1), []byte(`{"tools":[{"type":"web_search"},{"type":"function","name":"x"}],"tool_choice":{"type":"web_search"},"input":"x"}`))
	f.Fuzz(func(t *testing.T, api uint8, body []byte) {
		q, err := ParseRequest(apis[int(api)%len(apis)], body)
		if err != nil {
			return
		}
		out, err := q.Withhold(body, q.Hosted())
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseRequest(q.API, out)
		if err != nil {
			t.Fatalf("%q became %q: %v", body, out, err)
		}
		if left := again.Hosted(); len(left) > 0 {
			t.Fatalf("%q became %q, which declares %+v", body, out, left)
		}
		if len(again.Parts) != len(q.Parts) || len(again.Tools) != len(q.Tools)-len(q.Hosted()) {
			t.Fatalf("%q became %q, which says something else", body, out)
		}
	})
}

// mangle makes another stream of one: events twice, away, moved or with
// another number, id or name in them.
func mangle(r *rand.Rand, answer string) string {
	list := strings.SplitAfter(answer, "\n\n")
	for range 1 + r.IntN(4) {
		i, j := r.IntN(len(list)), r.IntN(len(list))
		switch r.IntN(6) {
		case 0:
			list = slices.Insert(list, i, list[j])
		case 1:
			list = slices.Delete(list, i, i+1)
			if len(list) == 0 {
				return ""
			}
		case 2:
			list[i], list[j] = list[j], list[i]
		case 3:
			a, b := fmt.Sprintf(`index":%d`, r.IntN(3)), fmt.Sprintf(`index":%d`, r.IntN(3))
			list[i] = strings.Replace(list[i], a, b, 1)
		case 4:
			swap := [][2]string{{"c1", "c2"}, {"t1", "t2"}, {"fc_0", "fc_1"}, {`"exec"`, `"read"`}, {`"read"`, `"exec"`}, {`"{}"`, `"{\"a\":2}"`},
				{"tool_calls", "stop"}, {"tool_use", "text"}, {"function_call", "message"}, {".done", ".added"}, {"delta", "message"}}
			s := swap[r.IntN(len(swap))]
			list[i] = strings.Replace(list[i], s[0], s[1], 1)
		case 5:
			list = slices.Insert(list, i, list[j])
			list = slices.Delete(list, j, j+1)
		}
	}
	return strings.Join(list, "")
}

var mangled = flag.Int("mangled", 40, "mangled streams to make of each capture")

func TestRewriteMangled(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, c := range captures(t) {
		for range *mangled {
			answer := mangle(r, c.answer)
			if !t.Run(c.name, func(t *testing.T) {
				checkRewrite(t, c.api, c.contentType() != "application/json", []byte(answer), r.IntN(len(answer)+1))
			}) {
				t.Fatalf("of the answer:\n%s", answer)
			}
		}
	}
}
