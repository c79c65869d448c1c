//go:build lab

package openclaw

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	lab "github.com/openseawall/seawall/lab/openclaw"
)

// region cuts one source file out of OpenClaw's bundle: they are marked with
// its name.
func region(t *testing.T, name string) string {
	t.Helper()
	return regionOf(t, "openclaw/dist", name)
}

// regionOf is region in another of OpenClaw's packages.
func regionOf(t *testing.T, folder, name string) string {
	t.Helper()
	modules, err := filepath.Glob(filepath.Join(lab.Dir(t), "node_modules", folder, "*.mjs"))
	if err != nil || len(modules) == 0 {
		t.Fatalf("no modules of OpenClaw in %s: %v", folder, err)
	}
	for _, m := range modules {
		text, err := os.ReadFile(m)
		if err != nil {
			t.Fatal(err)
		}
		if _, after, ok := bytes.Cut(text, []byte("//#region "+name+"\n")); ok {
			body, _, _ := bytes.Cut(after, []byte("//#endregion"))
			return string(body)
		}
	}
	t.Fatalf("this OpenClaw has no %s", name)
	return ""
}

// ask runs a script in node with JSON on standard input and output.
func ask(t *testing.T, script string, question, answer any) {
	t.Helper()
	in, err := json.Marshal(question)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(lab.Dir(t), "node_modules/.bin/node"), "-e", script)
	cmd.Stdin = bytes.NewReader(in)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.Bytes())
	}
	if err := json.Unmarshal(out, answer); err != nil {
		t.Fatal(err)
	}
}

const helpers = `
const normalizeLowercaseStringOrEmpty = v => typeof v === "string" ? v.trim().toLowerCase() : "";
const normalizeStringEntries = list => (list ?? []).map(e => String(e).trim()).filter(Boolean);
const isRecord = v => typeof v === "object" && v !== null && !Array.isArray(v);
const asToolParamsRecord = v => isRecord(v) ? v : {};
class ToolInputError extends Error {}
`

var aliasTable = regexp.MustCompile(`(?s)const TOOL_NAME_ALIASES = .*?\]\);`)

func TestNamesResolveAsInOpenClaw(t *testing.T) {
	table := aliasTable.FindString(region(t, "src/agents/tool-policy-shared.ts"))
	if table == "" {
		t.Fatal("the table of aliases is not where it was")
	}
	script := helpers + table + `
const normalizeToolPolicyName = n => { const l = normalizeLowercaseStringOrEmpty(n); return TOOL_NAME_ALIASES.get(l) ?? l; };
` + region(t, "src/agents/embedded-agent-runner/run/attempt-tool-call-name-resolution.ts") + `
const q = JSON.parse(require("fs").readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(q.map(([set, name, id]) => resolveToolCallName(name, new Set(set), id, true) ?? "")));`
	sets := [][]string{NewToolset(searchable12...).names, {"exec", "read", "Weather", "functions", "a.b"}, {"Exec", "EXEC", "web_fetch"}}
	words := []string{"exec", "EXEC", "Bash", "apply-patch", "cron", "web_fetch", "read", "weather", "nothing", "functions", "tool", "a.b", "tools", "exec1"}
	var questions [][]any
	for _, set := range sets {
		for _, w := range words {
			for _, form := range []string{"W", " W ", "functions.W", "function_W", "tools-W", "toolW", "x.y.W", "x/W", "W:0", "functions.W:0", "W_12", "W3", `W"x`, "W<arg>", `"W`, "'W'x", "functions.W3", ".W.", "W.", "x. W ", "W:exec", "\u00a0W\ufeff", "W\u0085"} {
				name := strings.ReplaceAll(form, "W", w)
				questions = append(questions, []any{set, name, "call_1"}, []any{set, "", name})
			}
		}
	}
	var answers []string
	ask(t, script, questions, &answers)
	for i, q := range questions {
		set := NewToolset()
		for _, name := range q[0].([]string) {
			set.add(name)
		}
		got, known := set.Resolve(q[1].(string), q[2].(string))
		if !known {
			got = ""
		}
		if got != answers[i] {
			t.Errorf("name %q, id %q: we say %q, OpenClaw %q (of %v)", q[1], q[2], got, answers[i], q[0])
		}
	}
	t.Logf("%d names", len(questions))
}

func TestCallsUnwrapAsInOpenClaw(t *testing.T) {
	script := helpers + region(t, "src/agents/tool-search-request.ts") + `
const q = JSON.parse(require("fs").readFileSync(0, "utf8"));
const entries = q.tools.map(name => ({name, id: "openclaw:core:" + name}));
process.stdout.write(JSON.stringify(q.calls.map(text => {
  try {
    const r = readToolSearchCallArgs(prepareToolSearchDispatcherArguments(JSON.parse(text)), {entries});
    const e = entries.find(e => e.id === r.id) ?? entries.find(e => e.name === r.id);
    return e && isRecord(r.input) ? {tool: e.name, input: r.input} : {};
  } catch { return {}; }
})));`
	set := NewToolset(searchable12...)
	values := []string{`"exec"`, `" web_fetch "`, `"openclaw:core:read"`, `"Exec"`, `"nobody"`, `""`, `null`, `3`}
	inputs := []string{``, `"args":{}`, `"args":{"command":"id"}`, `"input":{"command":"id"}`, `"args":null,"input":{"a":1}`, `"args":{"id":"exec","b":2}`, `"args":"text"`, `"args":[1]`, `"command":"id"`, `"args.command":"id","args.":1`, `"args.command":"x","args":{"command":"id"}`, `"args":{},"input":{"c":1}`}
	var calls []string
	for _, input := range inputs {
		calls = append(calls, "{"+input+"}")
		for _, v := range values {
			for _, key := range []string{"id", "toolId", "name"} {
				one := `"` + key + `":` + v
				calls = append(calls, strings.ReplaceAll("{"+one+","+input+"}", ",}", "}"))
				for _, other := range []string{"id", "toolId", "name"} {
					if other > key {
						for _, w := range values {
							calls = append(calls, strings.ReplaceAll("{"+one+`,"`+other+`":`+w+","+input+"}", ",}", "}"))
						}
					}
				}
			}
		}
	}
	var answers []struct {
		Tool  string
		Input map[string]any
	}
	ask(t, script, map[string]any{"tools": set.names, "calls": calls}, &answers)
	run, denied := 0, 0
	for i, text := range calls {
		got, ambiguous := set.Unwrap("tool_call", "c", []byte(text))
		if answers[i].Tool == "" {
			continue // OpenClaw runs nothing, so that any reading is safe
		}
		run++
		if ambiguous {
			// Only a flat call with two selectors may end like this.
			if denied++; strings.Count(text, `"id":`)+strings.Count(text, `"toolId":`)+strings.Count(text, `"name":`) < 2 {
				t.Errorf("denied although OpenClaw runs %s: %s", answers[i].Tool, text)
			}
			continue
		}
		if answers[i].Tool == "tool_call" {
			continue
		}
		last := got[len(got)-1]
		var args map[string]any
		if err := json.Unmarshal(last.Args, &args); err != nil {
			t.Fatal(err)
		}
		if last.Tool != answers[i].Tool || !reflect.DeepEqual(args, answers[i].Input) {
			t.Errorf("%s: we read %s %v, OpenClaw %s %v", text, last.Tool, args, answers[i].Tool, answers[i].Input)
		}
	}
	t.Logf("%d calls, of which OpenClaw runs %d; we deny %d of these", len(calls), run, denied)
}

var filePrefix = regexp.MustCompile(`(?s)function normalizeFileReferencePrefix\(.*?\n}`)

// A command and a path mean to OpenClaw what they mean to us, and what is
// handed on means the same as what was written.
func TestParamsAreTakenAsInOpenClaw(t *testing.T) {
	prefix := filePrefix.FindString(region(t, "src/agents/sandbox-paths.ts"))
	if prefix == "" {
		t.Fatal("normalizeFileReferencePrefix is not where it was")
	}
	script := helpers + `
const asOptionalObjectRecord = v => isRecord(v) ? v : undefined;
const preserveAtPrefixedRelativePath = p => p; // no file exists
` + region(t, "src/agents/agent-tools.params.ts") + prefix + `
const { fileURLToPath } = require("node:url");
const opened = p => {
  const n = normalizeFileReferencePrefix(normalizeFileToolPathParam(p));
  if (!n.startsWith("file://")) return n;
  try { return require("node:path").normalize(fileURLToPath(n)); } catch { return n; }
};
const q = JSON.parse(require("fs").readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(q.map(({given, taken}) => [opened(given), opened(taken), stripMalformedXmlArgValueSuffix(given)])));`
	type question struct {
		Given string `json:"given"`
		Taken string `json:"taken"`
	}
	var questions []question
	for _, in := range []string{"", "@", "@@", "file://", "@file://", "file://localhost", "FILE://", "@./", "file://LOCALHOST", "file://x.example", "file://\\"} {
		for _, path := range []string{"/etc/shadow", "~/.ssh/id_rsa", "~", "../../etc/passwd", "a.txt", "@types/x", "/%65tc/x", "/a%2Fb", "/a b?c#d", "/etc/sha\tdow", "/etc/shadow\n", "\\etc\\shadow", "//etc/shadow", "/a/../etc/shadow", "/%2e%2e/etc/x", "/%zz", "/x ", "plan.docodex", "t.XLSxcodex", "p.pptcodex", ""} {
			for _, out := range []string{"", "</arg_value>", "</arg_value>>", "</arg_value>>>>", "</arg_value>></arg_value>>", "</arg_value>>\n"} {
				given := in + path + out
				questions = append(questions, question{given, FilePath(given)})
			}
		}
	}
	var answers [][]string
	ask(t, script, questions, &answers)
	for i, q := range questions {
		opened, handedOn, command := answers[i][0], answers[i][1], answers[i][2]
		if FilePath(q.Taken) != q.Taken || ToolParam("exec", "command", ToolParam("exec", "command", q.Given)) != ToolParam("exec", "command", q.Given) {
			t.Errorf("%q: what is handed on is not taken as it is", q.Given)
		}
		if strings.Count(q.Given, "</arg_value>>") > 1 || strings.HasSuffix(q.Given, "\n") {
			continue // we cut until nothing is left to cut
		}
		if opened != handedOn && filepath.Clean(opened) != filepath.Clean(handedOn) {
			t.Errorf("%q opens %q, and %q, which is handed on, opens %q", q.Given, opened, q.Taken, handedOn)
		}
		if outside := strings.HasPrefix(opened, "/") || opened == "~" || strings.HasPrefix(opened, "~/") || strings.HasPrefix(opened, ".."); outside && filepath.Clean(q.Taken) != filepath.Clean(opened) {
			t.Errorf("%q opens %q, and we judge %q", q.Given, opened, q.Taken)
		}
		if got := ToolParam("exec", "command", q.Given); got != command {
			t.Errorf("%q runs %q, and we judge %q", q.Given, command, got)
		}
	}
	t.Logf("%d paths and commands", len(questions))
}
