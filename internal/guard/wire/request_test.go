package wire

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// request is one file of testdata/requests: a body, what is read in it, and
// what it is with part 0 and the last part replaced.
type request struct {
	name, file           string
	api                  API
	body, read, replaced string
	ar                   *txtar.Archive
}

func requests(t testing.TB) []request {
	files, err := filepath.Glob("testdata/requests/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no requests in testdata/requests: %v", err)
	}
	var all []request
	for _, f := range files {
		ar, err := txtar.ParseFile(f)
		if err != nil {
			t.Fatal(err)
		}
		r := request{name: strings.TrimSuffix(filepath.Base(f), ".txtar"), file: f, ar: ar}
		kind, _, _ := strings.Cut(r.name, "-")
		r.api = map[string]API{"chat": Chat, "responses": Responses, "anthropic": Anthropic}[kind]
		for _, a := range ar.Files {
			switch a.Name {
			case "body":
				r.body = string(a.Data)
			case "read":
				r.read = string(a.Data)
			case "replaced":
				r.replaced = string(a.Data)
			default:
				t.Fatalf("%s: unknown section %q", f, a.Name)
			}
		}
		all = append(all, r)
	}
	return all
}

// describe writes what was read in a request, a line a thing.
func describe(q *Request) string {
	var b strings.Builder
	fmt.Fprintf(&b, "model %s, stream %v", q.Model, q.Stream)
	if q.Previous != "" {
		fmt.Fprintf(&b, ", goes on from %s", q.Previous)
	}
	b.WriteString("\n")
	for _, p := range q.Parts {
		fmt.Fprintf(&b, "%d %s", p.Index, p.Role)
		if p.Call {
			fmt.Fprintf(&b, " calls")
		}
		if p.Tool != "" || p.CallID != "" {
			fmt.Fprintf(&b, " %s (%s)", p.Tool, p.CallID)
		}
		if p.Fixed {
			b.WriteString(" fixed")
		}
		if p.Media {
			b.WriteString(" media\n")
		} else {
			fmt.Fprintf(&b, " %q\n", p.Text)
		}
	}
	for _, o := range q.Tools {
		fmt.Fprintf(&b, "tool %s", o.Name)
		if o.Hosted != "" {
			fmt.Fprintf(&b, " hosted as %s", o.Hosted)
		}
		fmt.Fprintf(&b, " %q %s\n", o.Description, o.Schema)
	}
	return b.String()
}

func TestParseRequest(t *testing.T) {
	for _, r := range requests(t) {
		t.Run(r.name, func(t *testing.T) {
			q, err := ParseRequest(r.api, []byte(r.body))
			if err != nil {
				t.Fatal(err)
			}
			read := describe(q)
			replaced := string(q.Replace(map[int]string{0: "first \"replaced\"", len(q.Parts) - 1: "last\nreplaced"}))
			if *update {
				r.ar.Files = []txtar.File{{Name: "body", Data: []byte(r.body)}, {Name: "read", Data: []byte(read)}, {Name: "replaced", Data: []byte(replaced)}}
				save(t, r.file, r.ar)
				return
			}
			if read != r.read {
				t.Errorf("read:\n%s\nwant:\n%s", read, r.read)
			}
			if replaced != r.replaced {
				t.Errorf("replaced:\n%s\nwant:\n%s", replaced, r.replaced)
			}
		})
	}
}

func TestParseRequestRefuses(t *testing.T) {
	for _, c := range []struct{ name, body, says string }{
		{"not JSON", `{"model":'x'}`, "invalid character"},
		{"cut off", `{"model":"x","messages":[`, "unexpected EOF"},
		{"empty", ``, "EOF"},
		{"not an object", `[1]`, "not a JSON object"},
		{"twice the same name", `{"messages":[{"content":"a","content":"b"}]}`, "duplicate object member name"},
		{"twice the same name in a schema", `{"tools":[{"function":{"parameters":{"a":1,"a":2}}}]}`, "duplicate object member name"},
		{"twice the same name, escaped", `{"messages":[{"role":"user","r\u006fle":"system"}]}`, "duplicate object member name"},
		{"not UTF-8", "{\"model\":\"\xff\"}", "not valid UTF-8"},
		{"something behind", `{} {}`, "follows its end"},
		{"deep", strings.Repeat(`{"a":`, 600) + "1" + strings.Repeat("}", 600), "nested deeper than 512"},
		{"deep in a schema", `{"parameters":` + strings.Repeat(`[`, 100000) + strings.Repeat("]", 100000) + `}`, "exceeded max depth"},
		{"a little deep in a schema", `{"parameters":` + strings.Repeat(`[`, 600) + strings.Repeat("]", 600) + `}`, "nested deeper than 512"},
		{"many values", `{"messages":[` + strings.Repeat("0,", maxValues) + `0]}`, "holds more than"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ParseRequest(Chat, []byte(c.body))
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("error %v, want one that says %q", err, c.says)
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("not one sentence: %v", err)
			}
		})
	}
	if _, err := ParseRequest("gemini", []byte(`{}`)); err == nil {
		t.Error("an unknown format was read")
	}
}

func TestParseRequestWide(t *testing.T) {
	// Many brackets side by side are not deep.
	body := `{"model":"m","parameters":[` + strings.Repeat("[],", 2000) + `[]]}`
	if _, err := ParseRequest(Chat, []byte(body)); err != nil {
		t.Fatal(err)
	}
}
