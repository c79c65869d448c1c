//go:build lab

package openclaw

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	lab "github.com/openseawall/seawall/lab/openclaw"
)

// exported finds the module of OpenClaw that defines a function and the name
// under which it exports it: files and exports are named by hashes.
func exported(t *testing.T, folder, function string) (module, name string) {
	t.Helper()
	modules, err := filepath.Glob(filepath.Join(lab.Dir(t), "node_modules", folder, "*.mjs"))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range modules {
		text, err := os.ReadFile(m)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(text, []byte("\nfunction "+function+"(")) {
			continue
		}
		if found := regexp.MustCompile(`\b` + function + ` as (\w+)`).FindSubmatch(text); found != nil {
			return m, string(found[1])
		}
	}
	t.Fatalf("this OpenClaw exports no %s", function)
	return "", ""
}

type read struct {
	Name string         `json:"name"`
	Args map[string]any `json:"args"`
}

func readsOf(t *testing.T, calls []TextCall) []read {
	var list []read
	for _, c := range calls {
		r := read{Name: c.Name}
		if err := json.Unmarshal(c.Args, &r.Args); err != nil {
			t.Fatalf("%s: %v", c.Args, err)
		}
		list = append(list, r)
	}
	return list
}

func TestTextCallsAsInOpenClaw(t *testing.T) {
	module, name := exported(t, "openclaw/dist", "parseStandalonePlainTextToolCallBlocks")
	type question struct {
		Text   string `json:"text"`
		Breaks []int  `json:"breaks"` // in UTF-16 units
		bytes  []int
	}
	r := rand.New(rand.NewPCG(2, 2))
	questions := make([]question, 60_000)
	for i := range questions {
		q := question{Text: textOf(r), Breaks: []int{}}
		q.bytes = breaksOf(r, q.Text)
		for _, b := range q.bytes {
			n := 0
			for _, c := range q.Text[:b] {
				n += 1 + max(0, min(1, int(c)/0x10000))
			}
			q.Breaks = append(q.Breaks, n)
		}
		questions[i] = q
	}
	var answers [][]read
	ask(t, fmt.Sprintf(`
import(%q).then(m => {
  const q = JSON.parse(require("fs").readFileSync(0, "utf8"));
  process.stdout.write(JSON.stringify(q.map(({text, breaks}) => {
    const offsets = new Set(breaks);
    offsets.delete(text.length);
    const calls = m[%q](text, undefined, offsets.size ? {lineBreakOffsets: offsets} : undefined);
    return (calls ?? []).map(c => ({name: c.name, args: c.arguments}));
  })), () => process.exit(0));
});`, module, name), questions, &answers)
	run, unclear := 0, 0
	for i, q := range questions {
		calls := TextCalls(q.Text, q.bytes)
		if len(answers[i]) > 0 {
			run++
		}
		switch got := readsOf(t, calls); {
		case len(answers[i]) > 0 && anyUnclear(calls):
			unclear++
		case len(got) != len(answers[i]) || len(got) > 0 && !reflect.DeepEqual(got, answers[i]):
			t.Fatalf("%q with blocks %v: we read %v, OpenClaw %v", q.Text, q.bytes, got, answers[i])
		}
		if len(answers[i]) > 0 && !scans(q.Text, q.bytes) {
			t.Fatalf("%q with blocks %v runs and was let go", q.Text, q.bytes)
		}
	}
	t.Logf("%d texts, of which OpenClaw makes calls of %d; we deny %d of these as unclear", len(questions), run, unclear)
}

func anyUnclear(calls []TextCall) bool {
	for _, c := range calls {
		if c.Unclear {
			return true
		}
	}
	return false
}

var dsmlPieces = []string{
	"<Mtool_calls>", "</Mtool_calls>", "<Mtool_call>", "</Mtool_call>", "<Mfunction_calls>", "</Mfunction_calls>", "<Mtool_use_error>", "</Mtool_use_error>",
	`<Minvoke name="exec">`, `<Minvoke  id=1 name='read'>`, "<Minvoke>", "</Minvoke>", `<Mparameter name="a">`, `<Mparameter name="a" string="true">`, `<Mparameter data-name=b>`, "</Mparameter>",
	`{"command":"id"}`, "{}", "&amp;lt;", "&quot;", "x", "<", ">", "|", "｜", "M", "日", "\n", " ", "<Minvoked>",
}

// dsmlText makes a text with DeepSeek's markup, right or nearly so.
func dsmlText(r *rand.Rand) string {
	var b strings.Builder
	m := func(s string) string { return strings.ReplaceAll(s, "M", dsmlMarkers[r.IntN(3)*r.IntN(2)]) }
	for range 1 + r.IntN(2) {
		kind := dsmlKinds[r.IntN(3)]
		text := m("<M"+kind+">") + m(`<Minvoke name="exec">`) + m(`<Mparameter name="a">1</Mparameter>`) + m("</Minvoke>") + m("</M"+kind+">")
		for range r.IntN(4) {
			i := r.IntN(len(text) + 1)
			j := min(len(text), i+r.IntN(3)*r.IntN(2))
			text = strings.ToValidUTF8(text[:i], "") + m(dsmlPieces[r.IntN(len(dsmlPieces))]) + strings.ToValidUTF8(text[j:], "")
		}
		b.WriteString(text)
	}
	return b.String()
}

func TestDSMLAsInOpenClaw(t *testing.T) {
	const folder = "@openclaw/ai/dist"
	script := `
const isRecord = v => typeof v === "object" && v !== null && !Array.isArray(v);
const measureUtf8AppendBytes = (_, chunk) => ({bytes: Buffer.byteLength(chunk), endsWithHighSurrogate: false});
` + regionOf(t, folder, "packages/ai/src/transports/deepseek-dsml-grammar.ts") + regionOf(t, folder, "packages/ai/src/transports/openai-completions-dsml.ts") + `
const q = JSON.parse(require("fs").readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(q.map(text => {
  const r = createDsmlRecoverer();
  const parts = [];
  try {
    for (const c of text) parts.push(...r.push(c));
    parts.push(...r.flush());
  } catch { parts.push({kind: "toolCall", name: "", arguments: {}}); }
  return parts.filter(p => p.kind === "toolCall").map(p => ({name: p.name, args: p.arguments}));
})));`
	r := rand.New(rand.NewPCG(3, 3))
	questions := make([]string, 20_000)
	for i := range questions {
		questions[i] = dsmlText(r)
	}
	var answers [][]read
	ask(t, script, questions, &answers)
	run := 0
	for i, text := range questions {
		var got []read
		var d DSML
		for _, c := range text {
			e := d.Next(c)
			if e == DSMLCalls {
				got = append(got, readsOf(t, d.Take())...)
			}
			if e == DSMLNested {
				got = append(got, read{Args: map[string]any{}})
				break
			}
		}
		if len(answers[i]) > 0 {
			run++
		}
		if len(got) != len(answers[i]) || len(got) > 0 && !reflect.DeepEqual(got, answers[i]) {
			t.Fatalf("%q: we read %v, OpenClaw %v", text, got, answers[i])
		}
	}
	t.Logf("%d texts, of which OpenClaw makes calls of %d, or gives up on them", len(questions), run)
}
