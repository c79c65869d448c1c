package openclaw

import (
	"encoding/json"
	"strings"
	"testing"
)

var searchable12 = []string{"apply_patch", "edit", "exec", "ls", "openclaw", "process", "read", "sessions_yield", "tool_call", "tool_describe", "tool_search", "write"}

func TestResolve(t *testing.T) {
	search, direct := NewToolset(searchable12...), NewToolset("exec", "read", "Weather", "web_fetch")
	for _, test := range []struct {
		set            *Toolset
		name, id, want string
		known          bool
	}{
		{search, "exec", "", "exec", true},
		{search, " exec\u00a0", "", "exec", true},
		{search, "\ufeffexec", "", "exec", true},
		{search, "Bash", "", "exec", true},
		{search, "EXEC", "", "exec", true},
		{search, "apply-patch", "", "apply_patch", true},
		{search, "Cron", "", "automations", true},
		{search, "functions.exec", "", "exec", true},
		{search, "functions.exec:0", "", "exec", true},
		{search, "x.y.EXEC", "", "exec", true},
		{search, "a/b/bash", "", "exec", true},
		{search, `exec" command="id`, "", "exec", true},
		{search, "exec<arg", "", "exec", true},
		{search, "", "functions.exec:0", "exec", true},
		{search, "", "functions_exec_12", "exec", true},
		{search, "", "toolexec3", "exec", true},
		{search, "", "call_1", "", false},
		{search, "", "", "", false},
		{search, "web_fetch", "", "web_fetch", true},
		{direct, "web_fetch", "", "web_fetch", true},
		{direct, "weather", "", "Weather", true},
		{direct, "write", "", "write", false},
		{direct, "functions.nothing3", "", "functions.nothing3", false},
		{direct, "exec\u0085", "", "exec\u0085", false},
		{direct, "read.exec", "", "exec", true},
		{NewToolset("exec", "Exec"), "EXEC", "", "exec", true}, // by the alias rule's lower case
		{NewToolset("Exec", "eXec"), "EXEC", "", "EXEC", false},
		{NewToolset(), "exec", "", "exec", false},
	} {
		if got, known := test.set.Resolve(test.name, test.id); got != test.want || known != test.known {
			t.Errorf("%q (id %q) is %q, %v; want %q, %v", test.name, test.id, got, known, test.want, test.known)
		}
	}
}

func TestUnwrap(t *testing.T) {
	set := NewToolset(searchable12...)
	for name, test := range map[string]struct {
		tool, id, args string
		want           string // the acting tool and its arguments
		ambiguous      bool
		lenient        bool
	}{
		"plain":               {"exec", "c", `{"command":"id"}`, `exec {"command":"id"}`, false, false},
		"none":                {"ls", "c", ``, `ls {}`, false, false},
		"call":                {"tool_call", "c", `{"id":"exec","args":{"command":"id"}}`, `exec {"command":"id"}`, false, false},
		"catalog id":          {"tool_call", "c", `{"id":" openclaw:core:web_fetch ","args":{"url":"u"}}`, `web_fetch {"url":"u"}`, false, false},
		"MCP id":              {"tool_call", "c", `{"id":"mcp:srv:do:it","args":{}}`, `do:it {}`, false, false},
		"toolId, input":       {"tool_call", "c", `{"toolId":"exec","input":{"command":"id"}}`, `exec {"command":"id"}`, false, false},
		"id before name":      {"tool_call", "c", `{"name":"ls","id":"exec","args":{"a":1}}`, `exec {"a":1}`, false, false},
		"null id":             {"tool_call", "c", `{"id":null,"name":"exec","args":{"a":1}}`, `exec {"a":1}`, false, false},
		"flat":                {"tool_call", "c", `{"id":"exec","command":"id"}`, `exec {"command":"id"}`, false, false},
		"flat, empty args":    {"tool_call", "c", `{"id":"exec","args":{},"command":"id"}`, `exec {"command":"id"}`, false, false},
		"dotted":              {"tool_call", "c", `{"id":"exec","args.command":"id"}`, `exec {"command":"id"}`, false, false},
		"dotted, nested":      {"tool_call", "c", `{"id":"exec","args.command":"x","args":{"command":"id"}}`, `exec {"command":"id"}`, false, false},
		"all in args":         {"tool_call", "c", `{"args":{"id":"exec","command":"id"}}`, `exec {"command":"id"}`, false, false},
		"text args":           {"tool_call", "c", `{"id":"exec","args":"{\"command\":\"id\"}"}`, `exec {"command":"id"}`, false, false},
		"twice":               {"tool_call", "c", `{"id":"tool_call","args":{"id":"exec","args":{"command":"id"}}}`, `exec {"command":"id"}`, false, false},
		"repaired name":       {"functions.tool_call:1", "c", `{"id":"Bash","args":{"command":"id"}}`, `exec {"command":"id"}`, false, false},
		"lenient":             {"exec", "c", `{'command': 'id',}`, `exec {"command":"id"}`, false, true},
		"deep":                {"tool_call", "c", strings.Repeat(`{"id":"tool_call","args":`, 20) + `{}` + strings.Repeat(`}`, 20), ``, true, false},
		"selectors":           {"tool_call", "c", `{"id":"ls","name":"exec","command":"id"}`, ``, true, false},
		"name is an argument": {"tool_call", "c", `{"id":"nodes","name":"the den"}`, `nodes {"name":"the den"}`, false, false},
		"id is an argument":   {"tool_call", "c", `{"id":"the first","name":"sessions","label":"x"}`, `sessions {"id":"the first","label":"x"}`, false, false},
		"hidden beside known": {"tool_call", "c", `{"id":"exec","name":"my_plugin_tool","x":1}`, ``, true, false},
		"unknown and unknown": {"tool_call", "c", `{"id":"one","name":"two"}`, ``, true, false},
		"hidden":              {"tool_call", "c", `{"id":"my_plugin_tool","x":1}`, `my_plugin_tool {"x":1}`, false, false},
		"no selector":         {"tool_call", "c", `{"args":{"command":"id"}}`, ``, true, false},
		"list":                {"tool_call", "c", `{"id":"exec","args":["id"]}`, ``, true, false},
		"rest of XML":         {"exec", "c", `{"command":"ls</arg_value>>","x":"a</arg_value>>"}`, `exec {"command":"ls","x":"a</arg_value>>"}`, false, true},
		"rest of XML, path":   {"read", "c", `{"path":"a.docodex</arg_value>>>"}`, `read {"path":"a.docx"}`, false, true},
		"path in a URL":       {"write", "c", `{"path":"@file:///etc/%70asswd"}`, `write {"path":"/etc/passwd"}`, false, true},
		"path of a home":      {"read", "c", `{"path":"@~/x"}`, `read {"path":"~/x"}`, false, true},
		"path of a package":   {"read", "c", `{"path":"@types/node/index.d.ts"}`, `read {"path":"@types/node/index.d.ts"}`, false, false},
		"said twice":          {"exec", "c", `{"command":"ls","command":"ls"}`, `exec {"command":"ls"}`, false, true},
		"repeated":            {"exec", "c", `{"command":"ls","command":"id"}`, ``, true, false},
		"repeated inside":     {"tool_call", "c", `{"id":"exec","args":{"command":"ls","command":"id"}}`, ``, true, false},
		"repeated escaped":    {"exec", "c", `{"command":"ls","\u0063ommand":"id"}`, ``, true, false},
		"not UTF-8":           {"exec", "c", "{\"command\":\"\xff\"}", ``, true, false},
		"no JSON":             {"exec", "c", `rm -rf /`, ``, true, false},
		"two":                 {"exec", "c", `{"command":"ls"}{"command":"id"}`, ``, true, false},
		"repeated lenient":    {"exec", "c", `{command:'ls', command:'id'}`, ``, true, false},
	} {
		calls, ambiguous := set.Unwrap(test.tool, test.id, []byte(test.args))
		if ambiguous != test.ambiguous {
			t.Errorf("%s: ambiguous %v (%+v)", name, ambiguous, calls)
			continue
		}
		if ambiguous {
			continue
		}
		last := calls[len(calls)-1]
		if got := last.Tool + " " + string(last.Args); got != test.want || last.Lenient != test.lenient {
			t.Errorf("%s: %s (lenient %v), want %s", name, got, last.Lenient, test.want)
		}
	}
}

func TestParseArgs(t *testing.T) {
	for name, test := range map[string]struct {
		text, want string
		lenient    bool
	}{
		"strict":           {` {"a": [1, "x"]} `, `{"a": [1, "x"]}`, false},
		"trailing comma":   {`{"a":1,}`, `{"a":1}`, true},
		"single quotes":    {`{'a':'it is'}`, `{"a":"it is"}`, true},
		"bare keys":        {`{a: true, b: null}`, `{"a":true,"b":null}`, true},
		"comment":          {`{"a":1 /* one */}`, `{"a":1}`, true},
		"raw newline":      {"{\"a\":\"x\ny\"}", `{"a":"x\ny"}`, true},
		"unknown escape":   {`{"a":"C:\dir\x"}`, `{"a":"C:\\dir\\x"}`, true},
		"prefix":           {`functions.exec:{"a":1}`, `{"a":1}`, true},
		"suffix":           {`{"a":1}</s`, `{"a":1}`, true},
		"smart quotes":     {`{“a”: “x”}`, `{"a": "x"}`, true},
		"blank":            {"\n", `{}`, false},
		"text":             {`ls`, ``, false},
		"list":             {`[1]`, ``, false},
		"mixed quotes":     {`{“a”: "x"}`, ``, false},
		"infinite":         {`{a: Infinity}`, ``, false},
		"long suffix":      {`{"a":1} and then`, ``, false},
		"odd prefix":       {`please {"a":1}`, ``, false},
		"unclosed":         {`{"a":1`, ``, false},
		"half a surrogate": {`{"a":"\ud800"}`, ``, false},
	} {
		got, lenient, err := ParseArgs([]byte(test.text))
		if (err == nil) != (test.want != "") || string(got) != test.want && err == nil || err == nil && lenient != test.lenient {
			t.Errorf("%s: %s, %v, %v; want %s", name, got, lenient, err, test.want)
		}
	}
}

func TestEntities(t *testing.T) {
	set := NewToolset("exec")
	set.Entities = true
	calls, ambiguous := set.Unwrap("exec", "", []byte(`{"a&amp;b":1,"command":"curl x &#124; sh &amp;&amp; echo &LT; &Amp; &nothing; &amp"}`))
	var got map[string]any
	if ambiguous || json.Unmarshal(calls[0].Args, &got) != nil || got["command"] != "curl x | sh && echo < & &nothing; &amp" || got["a&amp;b"] != 1.0 {
		t.Errorf("%v %s", ambiguous, calls[0].Args)
	}
}

func TestEntitiesAreDecodedOnce(t *testing.T) {
	set := NewToolset(searchable12...)
	set.Entities = true
	calls, ambiguous := set.Unwrap("tool_call", "", []byte(`{"id":"exec","args":{"command":"echo &amp;lt;"}}`))
	if ambiguous || string(calls[1].Args) != `{"command":"echo &lt;"}` {
		t.Errorf("%v %s", ambiguous, calls[len(calls)-1].Args)
	}
	if _, ambiguous = set.Unwrap("exec", "", []byte(`{'command':'echo &amp;lt;'}`)); !ambiguous {
		t.Error("repaired and decoded arguments would be decoded twice")
	}
	if _, ambiguous = set.Unwrap("exec", "", []byte(`{"command":"echo &amp;lt;</arg_value>>"}`)); !ambiguous {
		t.Error("cut and decoded arguments would be decoded twice")
	}
}

func TestCodeMode(t *testing.T) {
	code := NewToolset("exec", "wait")
	calls, _ := code.Unwrap("exec", "", []byte(`{"command":"await tools.call('x')"}`))
	if !calls[0].Code || !code.CodeMode {
		t.Error("code mode's exec was taken for a shell")
	}
	shell := NewToolset(searchable12...)
	if calls, _ = shell.Unwrap("exec", "", []byte(`{"command":"id"}`)); calls[0].Code {
		t.Error("a shell's exec was taken for code mode")
	}
	if calls, _ = shell.Unwrap("tool_search_code", "", []byte(`{"code":"1"}`)); !calls[0].Code {
		t.Error("tool_search_code runs code")
	}
}

func TestToolsAreOnce(t *testing.T) {
	seen := map[string]bool{}
	for _, tool := range Tools {
		if seen[tool.Name] || tool.Group == "" || tool.What == "" {
			t.Errorf("%+v", tool)
		}
		seen[tool.Name] = true
	}
	if _, ok := ToolNamed("exec"); !ok {
		t.Error("no exec")
	}
}

func FuzzUnwrap(f *testing.F) {
	f.Add("tool_call", "c", []byte(`{"id":"exec","args":{"command":"id"}}`))
	f.Add("", "functions.exec:0", []byte(`{'a':1,}`))
	f.Add("exec", "", []byte(`{"command":"ls</arg_value>></arg_value>>"}`))
	f.Add("read", "", []byte(`{"path":"@file:///a.docodex</arg_value>>"}`))
	set := NewToolset(searchable12...)
	f.Fuzz(func(t *testing.T, name, id string, args []byte) {
		calls, ambiguous := set.Unwrap(name, id, args)
		if first := calls[0]; first.Lenient && !ambiguous {
			again, ambiguous := set.Unwrap(name, id, first.Args)
			if ambiguous || again[0].Lenient || string(again[0].Args) != string(first.Args) {
				t.Fatalf("%q is handed on as %q, and that is read as %q", args, first.Args, again[0].Args)
			}
		}
		for _, c := range calls {
			if c.Args == nil && !ambiguous {
				t.Fatalf("%q has no arguments and is not ambiguous", args)
			}
			if c.Args != nil && (!json.Valid(c.Args) || c.Args[0] != '{') {
				t.Fatalf("%q became %q", args, c.Args)
			}
		}
	})
}

func TestSumNamesTheSet(t *testing.T) {
	seen := map[[32]byte]string{}
	for name, set := range map[string]*Toolset{
		"ab":      NewToolset("a", "b"),
		"one":     NewToolset("ab"),
		"other":   NewToolset("a", "c"),
		"literal": Literal(),
		"xAI":     {Entities: true},
		"hidden":  NewToolset("tool_call"),
		"nothing": NewToolset(),
	} {
		if other, known := seen[set.Sum()]; known {
			t.Errorf("%s and %s have one sum", name, other)
		}
		seen[set.Sum()] = name
	}
	if again := NewToolset("a", "b"); seen[again.Sum()] != "ab" {
		t.Error("the same set has two sums")
	}
}
