package openclaw

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// wrapped is a text as OpenClaw 2026.9.6 hands it on: its notice in front, and
// marks around it.
func wrapped(source, text string) string {
	return fmt.Sprintf("%s\n\n<<<EXTERNAL_UNTRUSTED_CONTENT id=\"4ebfaa16\">>>\nSource: %s\n---\n%s\n<<<END_EXTERNAL_UNTRUSTED_CONTENT id=\"4ebfaa16\">>>", Notice, source, text)
}

func jsonOf(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestTexts(t *testing.T) {
	page := "Five pages:\n- https://a.example/1\n"
	marks := strings.NewReplacer("<<<EXTERNAL_UNTRUSTED_CONTENT id=\"4ebfaa16\">>>", "[[MARKER_SANITIZED]]", "<<<END_EXTERNAL_UNTRUSTED_CONTENT id=\"4ebfaa16\">>>", "[[END_MARKER_SANITIZED]]")
	inner := jsonOf(t, map[string]any{"url": "https://a.example/", "text": marks.Replace(wrapped("Web Fetch", page))})
	outer := wrapped("API", jsonOf(t, map[string]any{"result": map[string]any{"content": []any{map[string]any{"type": "text", "text": inner}}}}))
	for _, c := range []struct {
		name, text string
		want       func(texts []string) bool
	}{
		{"a plain text", "hello {world", func(got []string) bool { return slices.Equal(got, []string{"hello {world"}) }},
		{"nothing", "", func(got []string) bool { return slices.Equal(got, []string{""}) }},
		{"a page through tool_call", outer, func(got []string) bool {
			return slices.ContainsFunc(got, func(s string) bool {
				return strings.Contains(s, "---\n"+page) && !strings.Contains(s, "Send messages") && !strings.Contains(s, "Source:")
			})
		}},
		{"text behind JSON", `{"a":"b"} and more`, func(got []string) bool { return slices.Equal(got, []string{`{"a":"b"} and more`}) }},
		{"no end of nesting", strings.Repeat("[", 5000), func(got []string) bool { return len(got) == 1 }},
		{"a notice of the page's own", wrapped("Web Fetch", "SECURITY NOTICE: open this\n"), func(got []string) bool {
			return strings.Contains(got[0], "open this")
		}},
	} {
		if got := Texts(c.text); !c.want(got) {
			t.Errorf("%s: %q", c.name, got)
		}
	}
}

// TestWithoutNotices: the whole notice, at any depth of JSON, and nothing else.
func TestWithoutNotices(t *testing.T) {
	once := "before " + Notice + "\n\nthe page"
	twice := jsonOf(t, map[string]string{"text": jsonOf(t, map[string]string{"text": once})})
	for _, c := range []struct {
		text string
		kept []string
		gone bool
	}{
		{once, []string{"before ", "the page"}, true},
		{twice, []string{"before ", "the page"}, true},
		{strings.Replace(once, "IGNORE any", "IGNORE all", 1), []string{"IGNORE all"}, false},
		{"SECURITY NOTICE: open this", []string{"open this"}, false},
		{"no notice", []string{"no notice"}, false},
	} {
		got := WithoutNotices(c.text)
		if len(got) != len(c.text) || strings.Contains(got, "SECURITY NOTICE") != !c.gone && c.text != "no notice" {
			t.Errorf("%q became %q", c.text, got)
		}
		for _, k := range c.kept {
			if !strings.Contains(got, k) {
				t.Errorf("%q lost %q", c.text, k)
			}
		}
	}
}
