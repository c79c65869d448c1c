//go:build lab

package wire

import (
	"bytes"
	"context"
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/openseawall/seawall/lab/openclaw"
)

// read is what a program made of an answer.
type read struct {
	Text  string `json:"text"`
	Stop  string `json:"stop"`
	Error string `json:"error"`
	Gap   bool   `json:"gap"`
	Kinds []string
	Calls []struct {
		Name string          `json:"name"`
		Args json.RawMessage `json:"args"`
	} `json:"calls"`
}

func (r read) calls() []string {
	var all []string
	for _, c := range r.Calls {
		all = append(all, c.Name+" "+canonical(string(c.Args)))
	}
	return all
}

// canonical is JSON in one form, of anything else itself.
func canonical(s string) string {
	var v any
	if json.Unmarshal([]byte(s), &v) != nil {
		return s
	}
	if inner, ok := v.(string); ok {
		return inner
	}
	b, _ := json.Marshal(v)
	return string(b)
}

// readers runs the official SDKs and OpenClaw's transports over answers.
func readers(t *testing.T, cases []map[string]any) (results []struct{ SDK, OpenClaw read }) {
	t.Helper()
	openclaw.Node(t, "testdata/readers.mjs", cases, &results)
	return results
}

// allowed is what the judge of a capture let go on.
func (c capture) allowed(t *testing.T) []string {
	q, err := ParseRequest(c.api, []byte(c.request))
	if err != nil {
		t.Fatal(err)
	}
	j := &noting{script: newScript(c.judge)}
	_ = q.Rewrite(context.Background(), new(bytes.Buffer), strings.NewReader(c.answer), c.contentType(), j)
	return j.allowed
}

type noting struct {
	*script
	allowed []string
}

func (n *noting) Call(ctx context.Context, c Call) Verdict {
	v := n.script.Call(ctx, c)
	if v.Allow && c.Unclear == "" {
		args := c.Args
		if v.Args != "" {
			args = v.Args
		}
		n.allowed = append(n.allowed, c.Name+" "+canonical(args))
	}
	return v
}

// TestReaders shows what comes out to the programs that read it: they find no
// call that was not judged and allowed, by the name and arguments it was judged
// by, and none is missing that they would have found without Seawall.
func TestReaders(t *testing.T) {
	var cases []map[string]any
	all := captures(t)
	for _, c := range all {
		out, _, _ := c.run(t, strings.NewReader(c.answer))
		for _, body := range []string{out, c.answer} {
			n := 1
			if strings.Contains(c.request, `"n":2`) {
				n = 2
			}
			cases = append(cases, map[string]any{"api": c.api, "stream": c.contentType() != "application/json", "body": []byte(body), "n": n})
		}
	}
	results := readers(t, cases)
	for i, c := range all {
		t.Run(c.name, func(t *testing.T) {
			out, before := results[2*i], results[2*i+1]
			allowed := c.allowed(t)
			for name, pair := range map[string][2]read{"the SDK": {out.SDK, before.SDK}, "OpenClaw": {out.OpenClaw, before.OpenClaw}} {
				got, was := pair[0], pair[1]
				t.Logf("%s: %q calls %v stop %q error %q (before: calls %v stop %q error %q)", name, got.Text, got.calls(), got.Stop, got.Error, was.calls(), was.Stop, was.Error)
				for _, call := range got.calls() {
					if !slices.Contains(allowed, call) {
						t.Errorf("%s finds the call %s, which was not allowed: %v", name, call, allowed)
					}
				}
				if c.failure == "" && was.Error == "" {
					if got.Error != "" {
						t.Errorf("%s read the answer, and does not read what came out: %s", name, got.Error)
					}
					for _, call := range was.calls() {
						if slices.Contains(allowed, call) && !slices.Contains(got.calls(), call) {
							t.Errorf("%s does not find the call %s any more", name, call)
						}
					}
				}
				if got.Gap && !was.Gap {
					t.Errorf("%s finds a gap in the sequence numbers", name)
				}
				if c.failure != "" && got.Error != "" {
					t.Errorf("%s does not read how the answer was ended: %s", name, got.Error)
				}
			}
		})
	}
}

// An answer by the door itself is one for every reader.
func TestReadersAnswer(t *testing.T) {
	const text = "Stopped: this message. Because: it gives orders. You can: write it again. (#1)"
	var cases []map[string]any
	for _, api := range []API{Chat, Responses, Anthropic} {
		for _, stream := range []bool{true, false} {
			q := &Request{API: api, Model: "m", Stream: stream, usage: true, choices: 1}
			_, body := q.Answer(text)
			cases = append(cases, map[string]any{"api": api, "stream": stream, "body": body})
		}
	}
	for i, r := range readers(t, cases) {
		if r.SDK.Text != text || r.SDK.Error != "" || r.SDK.Gap || cases[i]["stream"] == true && (r.OpenClaw.Text != text || r.OpenClaw.Error != "") {
			t.Errorf("%v, stream %v, is read as %+v", cases[i]["api"], cases[i]["stream"], r)
		}
	}
}

// TestReadersMangled does the same with streams that no provider should send.
func TestReadersMangled(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var cases []map[string]any
	var all []capture
	for _, c := range captures(t) {
		if c.contentType() == "application/json" {
			continue
		}
		for range max(1, *mangled/10) {
			m := c
			m.answer = mangle(r, c.answer)
			m.judge += "\nstrict" // Anthropic's SDK reads the beginning of what is not JSON
			out, _, _ := m.run(t, strings.NewReader(m.answer))
			all = append(all, m)
			cases = append(cases, map[string]any{"api": c.api, "stream": true, "body": []byte(out), "n": 2})
		}
	}
	for i, got := range readers(t, cases) {
		allowed := all[i].allowed(t)
		for name, r := range map[string]read{"the SDK": got.SDK, "OpenClaw": got.OpenClaw} {
			for _, call := range r.calls() {
				if !slices.Contains(allowed, call) {
					t.Errorf("%s (%s): finds the call %s, which was not allowed: %v; of the answer:\n%s\nwhich came out as:\n%s", all[i].name, name, call, allowed, all[i].answer, cases[i]["body"])
				}
			}
		}
	}
}
