package openclaw

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func mustParse(t *testing.T, text string) *Config {
	t.Helper()
	c, err := ParseConfig([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func set(path string, v any) Edit { return Edit{Path: SplitPath(path), Set: v} }
func del(path string) Edit        { return Edit{Path: SplitPath(path), Delete: true} }

func TestEdit(t *testing.T) {
	for name, test := range map[string]struct {
		text  string
		edits []Edit
		want  string
	}{
		"value":            {`{"a": "x", "b": 1}`, []Edit{set("a", "y")}, `{"a": "y", "b": 1}`},
		"single quotes":    {`{a: 'x'}`, []Edit{set("a", "y")}, `{a: 'y'}`},
		"quote in single":  {`{a: 'x'}`, []Edit{set("a", "it's")}, `{a: "it's"}`},
		"same":             {`{a: 0x10}`, []Edit{set("a", 16)}, `{a: 0x10}`},
		"add one line":     {`{"a": 1}`, []Edit{set("b", true)}, `{"a": 1, "b": true}`},
		"add bare":         {"{\n  a: 1\n}", []Edit{set("b", "x")}, "{\n  a: 1,\n  b: \"x\"\n}"},
		"add not bare":     {"{\n  a: 1\n}", []Edit{set(`b\.c`, "x")}, "{\n  a: 1,\n  \"b.c\": \"x\"\n}"},
		"trailing comma":   {"{\n\ta: 1,\n}", []Edit{set("b", 2)}, "{\n\ta: 1,\n\tb: 2,\n}"},
		"comma + comment":  {"{\n  a: 1, // one\n}", []Edit{set("b", 2)}, "{\n  a: 1, // one\n  b: 2,\n}"},
		"comment":          {"{\n  a: 1 // one\n}", []Edit{set("b", 2)}, "{\n  a: 1, // one\n  b: 2\n}"},
		"comment below":    {"{\n  a: 1\n  // end\n}", []Edit{set("b", 2)}, "{\n  a: 1,\n  b: 2\n  // end\n}"},
		"CRLF":             {"{\r\n    a: 1\r\n}\r\n", []Edit{set("b", 2)}, "{\r\n    a: 1,\r\n    b: 2\r\n}\r\n"},
		"empty":            {`{}`, []Edit{set("a", 1)}, `{ "a": 1 }`},
		"empty lines":      {"{\n}\n", []Edit{set("a.b", 1)}, "{\n  \"a\": {\n    \"b\": 1\n  }\n}\n"},
		"only a comment":   {"{ /* c */ }", []Edit{set("a", 1)}, `{ "a": 1, /* c */ }`},
		"into nested":      {"{\n  \"m\": {\n    \"p\": {}\n  }\n}", []Edit{set("m.p.x", "y"), set("m.q", "z")}, "{\n  \"m\": {\n    \"p\": {\n      \"x\": \"y\"\n    },\n    \"q\": \"z\"\n  }\n}"},
		"item":             {`{a: [{b: 1}, {b: 2}]}`, []Edit{set("a.1.b", 3)}, `{a: [{b: 1}, {b: 3}]}`},
		"object value":     {"{\n  \"a\": 1\n}", []Edit{set("b", map[string]any{"c": []int{1}})}, "{\n  \"a\": 1,\n  \"b\": {\n    \"c\": [\n      1\n    ]\n  }\n}"},
		"delete first":     {`{"a": 1, "b": 2}`, []Edit{del("a")}, `{ "b": 2}`},
		"delete last":      {"{\n  a: 1,\n  b: 2\n}", []Edit{del("b")}, "{\n  a: 1\n}"},
		"delete with tail": {"{\n  a: 1,\n  b: 2, // two\n}", []Edit{del("b")}, "{\n  a: 1, // two\n}"},
		"delete nothing":   {`{a: 1}`, []Edit{del("b"), del("a.c")}, `{a: 1}`},
		"BOM":              {"\ufeff{a: 1}", []Edit{set("a", 2)}, "\ufeff{a: 2}"},
	} {
		c := mustParse(t, test.text)
		got, err := c.Edit(test.edits...)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if string(got) != test.want {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, test.want)
		}
	}
}

func TestEditRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		edit Edit
		want string
	}{
		"twice":     {`{a: {b: 1}, a: {b: 2}}`, set("a.b", 3), "stands 2 times"},
		"del twice": {`{a: 1, a: 2}`, del("a"), "stands 2 times"},
		"no object": {`{a: 1}`, set("a.b", 3), "no object"},
		"no item":   {`{a: [1]}`, set("a.4", 3), "no item"},
		"del item":  {`{a: [1]}`, del("a.0"), "no item"},
		"no JSON":   {`{a: 1}`, set("a", func() {}), "not JSON"},
		"all":       {`{a: 1}`, Edit{Set: 1}, "whole config"},
	} {
		if got, err := mustParse(t, test.text).Edit(test.edit); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %s, %v; want %q", name, got, err, test.want)
		}
	}
}

func TestEditIncluded(t *testing.T) {
	h := tree(t, map[string]string{
		"c/openclaw.json": "{\n  models: { $include: './models.json5' },\n  g: { $include: './g.json', a: 1 },\n}\n",
		"c/models.json5":  "// keys\n{ providers: { p: { apiKey: 'real' } } }",
		"c/g.json":        `{"b": 2, "a": 0}`,
	})
	c, err := LoadConfig(context.Background(), h, "/c/openclaw.json")
	if err != nil {
		t.Fatal(err)
	}
	files, changes, err := c.EditFiles(set("models.providers.p.apiKey", "placeholder"), set("models.providers.p.auth", "api-key"), set("g.b", 3), set("g.a", 4), set("g.c", 5))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"/c/models.json5":  "// keys\n{ providers: { p: { apiKey: 'placeholder', auth: \"api-key\" } } }",
		"/c/g.json":        `{"b": 3, "a": 0}`,
		"/c/openclaw.json": "{\n  models: { $include: './models.json5' },\n  g: { $include: './g.json', a: 4, c: 5 },\n}\n",
	}
	for file, text := range want {
		if string(files[file]) != text {
			t.Errorf("%s:\n%s\nwant\n%s", file, files[file], text)
		}
	}
	if _, err := c.Edit(set("models.providers.p.apiKey", "x")); err == nil || !strings.Contains(err.Error(), "/c/models.json5") {
		t.Errorf("an edit of the file alone: %v", err)
	}
	for file, text := range files {
		if err := os.WriteFile(filepath.Join(h.root, file), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	edited, err := LoadConfig(context.Background(), h, "/c/openclaw.json")
	if err != nil {
		t.Fatal(err)
	}
	back, err := edited.Restore(changes)
	if err != nil || len(back.Kept) != 0 || len(back.Files) != 3 {
		t.Fatalf("%+v %v", back, err)
	}
	for file, text := range back.Files {
		if old := c.source(file).text; !bytes.Equal(old, text) {
			t.Errorf("%s came back as\n%s\nwas\n%s", file, text, old)
		}
	}
}

// jsonTrip stores changes as the state directory does.
func jsonTrip(t *testing.T, changes []Change) []Change {
	t.Helper()
	b, err := json.Marshal(changes)
	if err != nil {
		t.Fatal(err)
	}
	var back []Change
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	return back
}

var texts = []string{
	`{}`, "{\n}", "{ // nothing\n}", "\ufeff{\r\n\t// CRLF\r\n\t'a': {\r\n\t\tb: 1,\r\n\t},\r\n}\r\n",
	`{"a":{"b":1,"c":"x"},"d":[{"b":2}]}`,
	"{a: {b: 1 // c\n /* d */ , }, d: [{b: 'x',},], }",
	"{\n   \"a\" : {\n        \"c\" : 'q' },\n  d: [ { b: null }\n ] // end\n}",
	"{a:{/* empty */},d:[{}]}",
	"{\r a: {\r  b: 1\r }\r}",
}

var edits = [][]Edit{
	{set("a.b", "new"), set("a.c", 2), set("e", "f")},
	{set("a", map[string]any{"x": 1})},
	{set("d.0.b", "k"), set("d.0.z", map[string]any{"y": []any{1, "two"}})},
	{del("a.b"), set("a.b", 7)},
	{del("a"), set("q.r.s", "deep")},
	{del("a.c"), del("d")},
}

func TestRestoreIsExact(t *testing.T) {
	for _, text := range texts {
		for _, e := range edits {
			c := mustParse(t, text)
			files, changes, err := c.EditFiles(e...)
			if err != nil {
				continue // an edit that does not fit this text
			}
			if len(changes) == 0 {
				continue
			}
			back, err := mustParse(t, string(files[""])).Restore(jsonTrip(t, changes))
			if err != nil || len(back.Kept) > 0 || string(back.Files[""]) != text {
				t.Errorf("%q edited to %q came back as %q, %v %v", text, files[""], back.Files[""], back.Kept, err)
			}
			// Taking back once more changes nothing, even half-way.
			again, err := mustParse(t, text).Restore(changes)
			if err != nil || len(again.Files) != 0 {
				t.Errorf("%q: taking back twice gives %q, %v", text, again.Files, err)
			}
		}
	}
}

func TestRestoreKeepsOthersEdits(t *testing.T) {
	c := mustParse(t, "{\n  p: { url: 'https://real', key: 'real' }, // mine\n}\n")
	files, changes, err := c.EditFiles(set("p.url", "http://door"), set("p.key", "placeholder"), set("p.auth", "api-key"))
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := strings.Replace(string(files[""]), "// mine", "q: 3, // ours", 1)
	back, err := mustParse(t, elsewhere).Restore(changes)
	if err != nil || len(back.Kept) != 0 || string(back.Files[""]) != "{\n  p: { url: 'https://real', key: 'real' }, q: 3, // ours\n}\n" {
		t.Errorf("an edit elsewhere: %q %v %v", back.Files[""], back.Kept, err)
	}
	at := strings.Replace(string(files[""]), "http://door", "https://third", 1)
	back, err = mustParse(t, at).Restore(changes)
	if err != nil || len(back.Kept) != 1 || JoinPath(back.Kept[0].Path) != "p.url" ||
		string(back.Files[""]) != "{\n  p: { url: 'https://third', key: 'real' }, // mine\n}\n" {
		t.Errorf("an edit at our path: %q %+v %v", back.Files[""], back.Kept, err)
	}
	// OpenClaw writes the file anew as JSON.
	rewritten := `{"p":{"url":"http://door","key":"placeholder","auth":"api-key"},"meta":{"lastTouchedVersion":"2026.9.6"}}`
	back, err = mustParse(t, rewritten).Restore(changes)
	if err != nil || len(back.Kept) != 0 || string(back.Files[""]) != `{"p":{"url":'https://real',"key":'real'},"meta":{"lastTouchedVersion":"2026.9.6"}}` {
		t.Errorf("a rewritten file: %q %v %v", back.Files[""], back.Kept, err)
	}
}

func TestDiffShowsNoSecret(t *testing.T) {
	const key = "sk-proj-0123456789abcdefghij"
	old := "{\n  // old: " + key + "\n  gateway: { auth: { mode: 'token', token: '" + key + "' } },\n  models: { providers: { p: {\n    baseUrl: 'https://api.example.test/v1',\n    apiKey: '" + key + "',\n    headers: { 'X-Thing': 'abc' },\n  } } },\n  env: { vars: { SOME: 'word' } },\n}\n"
	c := mustParse(t, old)
	text, err := c.Edit(set("models.providers.p.baseUrl", "http://127.0.0.1:1/p"), set("models.providers.p.apiKey", "sk-placeholder"))
	if err != nil {
		t.Fatal(err)
	}
	got := Diff("openclaw.json", []byte(old), text)
	for _, secret := range []string{key, "sk-placeholder", "'abc'", "'word'"} {
		if strings.Contains(got, secret) {
			t.Errorf("the diff shows %s:\n%s", secret, got)
		}
	}
	for _, line := range []string{"-    baseUrl: 'https://api.example.test/v1',", "+    baseUrl: 'http://127.0.0.1:1/p',", `-    apiKey: "(secret 1)",`, `+    apiKey: "(secret`} {
		if !strings.Contains(got, line) {
			t.Errorf("the diff lacks %q:\n%s", line, got)
		}
	}
	if got := Diff("openclaw.json", []byte(key), []byte("x")); strings.Contains(got, key) {
		t.Errorf("a text that does not parse is shown: %s", got)
	}
}

func FuzzEditAndRestore(f *testing.F) {
	for _, text := range texts {
		for i := range edits {
			f.Add([]byte(text), i, "x")
		}
	}
	f.Add([]byte(everything), 0, "it's")
	f.Fuzz(func(t *testing.T, text []byte, which int, value string) {
		c, err := ParseConfig(text)
		if err != nil {
			return
		}
		list := slices.Clone(edits[((which%len(edits))+len(edits))%len(edits)])
		list = append(list, set("a.b", value))
		files, changes, err := c.EditFiles(list...)
		if err != nil {
			return
		}
		if len(files) == 0 {
			return
		}
		edited, err := ParseConfig(files[""])
		if err != nil {
			t.Fatalf("the edited text does not parse: %v", err)
		}
		back, err := edited.Restore(changes)
		if err != nil {
			t.Fatalf("%q edited to %q: %v", text, files[""], err)
		}
		if got := back.Files[""]; !bytes.Equal(got, text) {
			t.Fatalf("%q edited to %q came back as %q (kept %+v)", text, files[""], got, slices.Collect(maps.Keys(back.Files)))
		}
	})
}

func FuzzParseConfig(f *testing.F) {
	for _, text := range texts {
		f.Add([]byte(text))
	}
	f.Add([]byte(everything))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := ParseConfig(text)
		if err != nil {
			return
		}
		// Every value's offsets must hold the text it was read from.
		var check func(n *node)
		check = func(n *node) {
			if n.start < 0 || n.end > len(text) || n.start >= n.end {
				t.Fatalf("offsets %d:%d in %q", n.start, n.end, text)
			}
			if n.kind == scalarKind && !same(n, text[n.start:n.end]) {
				t.Fatalf("%q at %d:%d reads as another value", text[n.start:n.end], n.start, n.end)
			}
			for _, m := range n.members {
				check(m.value)
			}
			for _, x := range n.items {
				check(x)
			}
		}
		check(c.root)
		Diff("x", text, []byte("{}"))
	})
}
