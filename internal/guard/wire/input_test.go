package wire

import (
	"strings"
	"testing"
)

func TestInputsAreRead(t *testing.T) {
	for body, want := range map[string]string{
		`{"model":"m","input":"one"}`:                                          "m|one",
		`{"input":["one","t\u0077o"],"encoding_format":"float"}`:               "one|two|float",
		`{"input":[{"type":"text","text":"one"},{"image_url":{"url":"two"}}]}`: "text|one|two",
		`{"image":"data:image/png;base64,AAAA","prompt":"one"}`:                "|one",
		`{"prompt":"data: nothing"}`:                                           "data: nothing",
		`{"input":"x","metadata":{"a":"one"}}`:                                 `x|{"a":"one"}`,
		`{"input":"x","metadata":{ }}`:                                         `x|{ }`,
		`{"n":1,"input":[],"x":null}`:                                          "",
	} {
		q, err := ParseInput([]byte(body))
		if err != nil {
			t.Errorf("%s: %v", body, err)
			continue
		}
		var texts []string
		for _, p := range q.Parts {
			texts = append(texts, p.Text)
		}
		if got := strings.Join(texts, "|"); got != want {
			t.Errorf("%s: %q, want %q", body, got, want)
		}
	}
}

func TestInputsAreReplaced(t *testing.T) {
	q, err := ParseInput([]byte(`{ "model":"m" , "input":["one", "two"], "dimensions":3}`))
	if err != nil {
		t.Fatal(err)
	}
	if got := string(q.Replace(map[int]string{2: `"`})); got != `{ "model":"m" , "input":["one", "\""], "dimensions":3}` {
		t.Errorf("it became %s", got)
	}
}

func TestInputsThatCannotBeRead(t *testing.T) {
	for body, says := range map[string]string{
		`{"input":[1,2]}`:                      "numbers of tokens",
		`{"input":[[1],[2]]}`:                  "numbers of tokens",
		`{"input":["a",1]}`:                    "numbers of tokens",
		`[]`:                                   "not a JSON object",
		`{"input":"a","input":"b"}`:            "JSON",
		`{"input":` + strings.Repeat("[", 1e5): "JSON",
	} {
		if _, err := ParseInput([]byte(body)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%.40s: %v", body, err)
		}
	}
}

func FuzzParseInput(f *testing.F) {
	f.Add([]byte(`{"model":"m","input":["one","two"],"metadata":{"a":"b"}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		q, err := ParseInput(body)
		if err != nil {
			return
		}
		texts := map[int]string{}
		for i, p := range q.Parts {
			if !p.Fixed && !p.Media {
				texts[i] = "gone"
			}
		}
		again, err := ParseInput(q.Replace(texts))
		if err != nil || len(again.Parts) != len(q.Parts) {
			t.Fatalf("%q became %q: %v", body, q.Replace(texts), err)
		}
		for i := range texts {
			if again.Parts[i].Text != "gone" {
				t.Fatalf("%q kept %q", body, again.Parts[i].Text)
			}
		}
	})
}
