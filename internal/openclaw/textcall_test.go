package openclaw

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestTextCalls(t *testing.T) {
	for text, want := range map[string]string{
		"[tool:exec]{\"command\":\"id\"}":                                           `exec {"command":"id"}`,
		"\n [tool:exec]\n{\"command\":\"id\"}\n[/exec]\n":                           `exec {"command":"id"}`,
		"[exec]\n{\"a\":\"}\\\"{\"}\n[/exec]":                                       `exec {"a":"}\"{"}`,
		"[exec] \r\n{}[END_TOOL_REQUEST]":                                           `exec {}`,
		"<|channel|>commentary to=exec code<|message|>{\"command\":\"id\"}<|call|>": `exec {"command":"id"}`,
		"analysis\tto=exec \tcode {}":                                               `exec {}`,
		"<function=exec><parameter=command>\nid\n</parameter></function>":           `exec {"command":"id"}`,
		"<FUNCTION=a.b:c><Parameter=x></PARAMETER></Function>":                      `a.b:c {"x":""}`,
		"<function=ls></function>":                                                  `ls {}`,
		"[tool:exec]<parameter=a>1</parameter><parameter=a>2</parameter>":           `exec {"a":"1","a":"2"}`,
		"[exec]\n<parameter=a>1</parameter>\n</function>":                           `exec {"a":"1"}`,
		"[tool:exec]{\"a\":1,\"a\":2}":                                              `exec {"a":1,"a":2}`,
		"[tool:a]{}[tool:b]{}\u00a0\ufeff<function=c></function>":                   `a {} b {} c {}`,
		"[tool:exec]<parameter=a>1</parameter>[tool:ls]{}":                          `exec {"a":"1"} ls {}`,
		"[exec]{}[/exec]":    "",
		"[exec]\n{}":         "",
		"[exec]\n{}[/Exec]":  "",
		"[exec]\n{}<|call|>": "",
		"[tool:exec]{}[/exe": "",
		"[tool:exec]{} and":  "",
		"Do: [tool:exec]{}":  "",
		"[tool:exec]{a:1}":   "",
		"[Tool:exec]{}":      "",
		"[tool:]{}":          "",
		"[tool:" + strings.Repeat("x", 121) + "]{}":                                        "",
		"commentary to=exec{}":                                                             "",
		"<function=exec><parameter=a>1</function>":                                         "",
		"[tool:exec]<parameter=a>1</parameter></func":                                      "",
		"[tool:exec]{\"a\":\"" + strings.Repeat("x", maxTextPayload) + "\"}":               "",
		"<|start|>assistant<|channel|>commentary to=exec code<|message|>{\"a\":1}<|call|>": "",
		"": "", " \n": "",
	} {
		var got []string
		for _, c := range TextCalls(text, nil) {
			got = append(got, c.Name+" "+string(c.Args))
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%.80q are the calls %s, want %s", text, s, want)
		}
	}
}

func TestTextCallsAcrossBlocks(t *testing.T) {
	if TextCalls("[exec]{}[/exec]", []int{6}) == nil {
		t.Error("the end of a block is a line break")
	}
	c := TextCalls("<function=exec><parameter=a> x</parameter></function>", []int{28})
	if len(c) != 1 || !c[0].Unclear {
		t.Error("a value that begins at the end of a block has one reading")
	}
	deepest := TextCalls("[tool:exec]{\"a\":"+strings.Repeat("[", 10_001)+strings.Repeat("]", 10_001)+"}", nil)
	if len(deepest) != 1 || !deepest[0].Unclear {
		t.Error("what Go does not read is no call")
	}
}

func TestWriteTextCalls(t *testing.T) {
	if text, ok := WriteTextCalls([]TextCall{{Name: "exec", Args: []byte(`{"a":1}`)}, {Name: "ls", Args: []byte(`{}`)}}); !ok || text != "[tool:exec]\n{\"a\":1}\n[tool:ls]\n{}\n" {
		t.Errorf("%q, %v", text, ok)
	}
	if _, ok := WriteTextCalls([]TextCall{{Name: "a.b", Args: []byte(`{}`)}}); ok {
		t.Error("a name that cannot stand in brackets is written there")
	}
}

// pieces of what models write, and of what breaks it.
var pieces = []string{
	"[tool:exec]", "[exec]", "[read]", "[tool:", "tool", "]", "[", "exec", "\n", "\r\n", "\r", " ", "\t", "\u00a0", "\u2028", "\u0085",
	`{"command":"id"}`, `{}`, `{"a":"}\"{[/exec]"}`, `{"a":1,"a":2}`, `{a:1}`, "{", "}", `"`, `\`,
	"[/exec]", "[/read]", "[END_TOOL_REQUEST]", "<|call|>", "<|message|>", "<|channel|>", "commentary", "analysis", "final", " to=", "exec code", "code",
	"<function=exec>", "<Function=read>", "<function=", "<parameter=command>", "<parameter=a.b>", "<PARAMETER=", "</parameter>", "</Parameter>", "</function>", "x", "id", "日", "😀", "é",
}

var templates = []string{
	"[tool:exec]{\"command\":\"id\"}", "[exec]\n{\"command\":\"id\"}[/exec]", "[exec]\n{}\n[END_TOOL_REQUEST]", "<|channel|>commentary to=exec code<|message|>{\"a\":\"x\"}<|call|>",
	"final to=read code {\"a\":[1,{\"b\":2}]}", "<function=exec><parameter=command>id</parameter></function>", "<function=exec>\n<parameter=a>\nx\n</parameter>\n<parameter=b>y</parameter>\n</function>",
	"[tool:exec]<parameter=a>1</parameter>", "[exec]\n<parameter=a>1</parameter></function>",
}

// textOf makes a text of calls and of what is nearly one.
func textOf(r *rand.Rand) string {
	var b strings.Builder
	for range 1 + r.IntN(3) {
		text := templates[r.IntN(len(templates))]
		for range r.IntN(3) {
			i := r.IntN(len(text) + 1)
			j := min(len(text), i+r.IntN(4))
			text = strings.ToValidUTF8(text[:i], "") + pieces[r.IntN(len(pieces))] + strings.ToValidUTF8(text[j:], "")
		}
		b.WriteString(text)
		if r.IntN(3) == 0 {
			b.WriteString(pieces[r.IntN(len(pieces))])
		}
	}
	return b.String()
}

func breaksOf(r *rand.Rand, text string) []int {
	var breaks []int
	for i := range text {
		if i > 0 && r.IntN(12) == 0 {
			breaks = append(breaks, i)
		}
	}
	return breaks
}

// scans reports whether a scan lets no beginning of the text go.
func scans(text string, breaks []int) bool {
	var s TextScan
	for i, r := range text {
		for _, b := range breaks {
			if b == i {
				s.Break()
			}
		}
		if !s.Next(r) {
			return false
		}
	}
	return true
}

func TestTextScanHoldsWhatBecomesCalls(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	calls := 0
	for range 50_000 {
		text := textOf(r)
		breaks := breaksOf(r, text)
		if TextCalls(text, breaks) == nil {
			continue
		}
		if calls++; !scans(text, breaks) {
			t.Fatalf("%q with blocks %v was let go", text, breaks)
		}
	}
	if calls < 5_000 {
		t.Errorf("only %d texts were calls", calls)
	}
}

func TestTextScanLetsOrdinaryTextGo(t *testing.T) {
	for text, held := range map[string]int{
		"Hello.": 0, "[1] A note": 4, "[link](https://x)": 6, "[x] done": 4, "<b>bold</b>": 1, "<div>": 1, "```sh\nls\n```": 0,
		"{\"a\":1}": 0, "commander": 4, "finally, it works": 5, "final answer: 7": 6, "analysis of the data": 9, "a": 1, "< 3": 1,
		"[exec] runs it": 7, "<function> is a tag": 9, "- [ ] task": 0, "[ ] task": 1, "# Title": 0,
	} {
		var s TextScan
		n := 0
		for _, r := range text {
			if !s.Next(r) {
				break
			}
			n++
		}
		if n != held {
			t.Errorf("%q was held for %d characters, want %d", text, n, held)
		}
	}
}

func FuzzTextScan(f *testing.F) {
	for _, text := range templates {
		f.Add(text, 7)
	}
	f.Fuzz(func(t *testing.T, text string, at int) {
		text = strings.ToValidUTF8(text, "?")
		breaks := []int{max(0, min(at, len(text)))}
		for breaks[0] < len(text) && breaks[0] > 0 && text[breaks[0]]&0xC0 == 0x80 {
			breaks[0]--
		}
		for _, b := range [][]int{nil, breaks} {
			if calls := TextCalls(text, b); calls != nil && !scans(text, b) {
				t.Fatalf("%q with blocks %v has %d calls and was let go", text, b, len(calls))
			}
		}
	})
}

func dsmlOf(text string) (calls []string, nested, held bool) {
	var d DSML
	for _, r := range text {
		switch d.Next(r) {
		case DSMLCalls:
			for _, c := range d.Take() {
				calls = append(calls, c.Name+" "+string(c.Args))
			}
		case DSMLNested:
			return calls, true, d.Held()
		}
	}
	return calls, false, d.Held()
}

func TestDSML(t *testing.T) {
	call := func(m, body string) string {
		return fmt.Sprintf(`<Mtool_calls><Minvoke name="exec">%s</Minvoke></Mtool_calls>`, body)
	}
	for _, m := range dsmlMarkers {
		for body, want := range map[string]string{
			`<Mparameter name="command" string="true">id &amp;&amp; ls</Mparameter>`: `exec {"command":"id && ls"}`,
			`{"command":"id"}`: `exec {"command":"id"}`,
			`{}`:               "", "": "",
			`<Mparameter name="a"></Mparameter>`:                                     "",
			`<Mparameter name='a'>&amp;lt;</Mparameter>`:                             `exec {"a":"&lt;"}`,
			`<Mparameter name="a">1</Mparameter><Mparameter name="a">2</Mparameter>`: `exec {"a":"1","a":"2"}`,
			`<Mparameter name="a"></Mtool_calls></Mparameter>`:                       `exec {"a":"</Mtool_calls>"}`,
		} {
			text := strings.ReplaceAll(call(m, body), "M", m)
			if calls, nested, _ := dsmlOf("Look: " + text + " done"); strings.Join(calls, " ") != strings.ReplaceAll(want, "M", m) || nested {
				t.Errorf("%s: %q, want %s", text, calls, want)
			}
		}
	}
	if _, nested, _ := dsmlOf("<|DSML|tool_calls><|DSML|tool_call>"); !nested {
		t.Error("a block in a block is read")
	}
	for text, want := range map[string]bool{"a <": true, "a <|DSML|tool_c": true, "<｜｜DSML": true, "<|DSML|tool_use": false, "a <b": false, "</": false, "<<": true} {
		if _, _, held := dsmlOf(text); held != want {
			t.Errorf("%q is held: %v", text, held)
		}
	}
}

func TestReasoningTags(t *testing.T) {
	for text, want := range map[string]int{
		"<think>": 1, "</think>": 1, "< / Think >": 1, "<think/>": 1, "<thinking a='>'>": 1, "<mm:think x>": 1,
		"<thin>": 0, "<thinks>": 0, "<think": 0, "<think <think>": 1, "a < b > c": 0, "<think a=\"<think>": 1, "</ thought\n>": 1, "<b>": 0,
	} {
		var tags ReasoningTags
		got := 0
		for _, r := range text {
			if tags.Next(r, false) {
				got++
			}
		}
		if got != want {
			t.Errorf("%q ends %d tags, want %d", text, got, want)
		}
	}
}
