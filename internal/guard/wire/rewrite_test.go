package wire

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "write what comes out into testdata/answers, to be read by a person")

// script is a judge that follows a few lines:
//
//	deny NAME NOTICE   the calls of that name do not go on
//	args NAME ARGS     they go on with other arguments
//	redact OLD NEW     in texts
//	strict             calls whose arguments are not JSON do not go on
//
// and notes what it was asked.
type script struct {
	deny, args map[string]string
	old, new   string
	strict     bool
	held       map[int]string
	asked      strings.Builder
	texts      map[int]string
}

func newScript(text string) *script {
	s := &script{deny: map[string]string{}, args: map[string]string{}, held: map[int]string{}, texts: map[int]string{}}
	for line := range strings.Lines(text) {
		verb, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		name, value, _ := strings.Cut(rest, " ")
		switch verb {
		case "deny":
			s.deny[name] = value
		case "args":
			s.args[name] = value
		case "redact":
			s.old, s.new = name, value
		case "strict":
			s.strict = true
		}
	}
	return s
}

func (s *script) Call(_ context.Context, c Call) Verdict {
	fmt.Fprintf(&s.asked, "%s %q %s", c.ID, c.Name, c.Args)
	if c.Promoted {
		s.asked.WriteString(" in text")
	}
	if c.Choice != 0 {
		fmt.Fprintf(&s.asked, " choice %d", c.Choice)
	}
	if c.Unclear != "" {
		fmt.Fprintf(&s.asked, " unclear: %s", c.Unclear)
	}
	s.asked.WriteString("\n")
	if notice, ok := s.deny[c.Name]; ok {
		return Verdict{Notice: notice}
	}
	if s.strict && !json.Valid([]byte(c.Args)) {
		return Verdict{Notice: "Stopped: not JSON."}
	}
	return Verdict{Allow: true, Args: s.args[c.Name]}
}

// Text holds back what could become the beginning of old.
func (s *script) Text(block int, t string, final bool) string {
	s.texts[block] += t
	if s.old == "" {
		return t
	}
	t = s.held[block] + t
	t = strings.ReplaceAll(t, s.old, s.new)
	keep := 0
	for n := min(len(t), len(s.old)-1); n > 0 && !final; n-- {
		if strings.HasPrefix(s.old, t[len(t)-n:]) {
			keep = n
			break
		}
	}
	s.held[block] = t[len(t)-keep:]
	return t[:len(t)-keep]
}

// capture is one file of testdata/answers.
type capture struct {
	name                         string
	file                         string
	ar                           *txtar.Archive
	api                          API
	request, judge, answer, want string
	asked, failure, comment      string
}

func captures(t testing.TB) []capture {
	files, err := filepath.Glob("testdata/answers/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no captures in testdata/answers: %v", err)
	}
	var all []capture
	for _, f := range files {
		ar, err := txtar.ParseFile(f)
		if err != nil {
			t.Fatal(err)
		}
		c := capture{name: strings.TrimSuffix(filepath.Base(f), ".txtar"), file: f, ar: ar, comment: string(ar.Comment)}
		for _, a := range ar.Files {
			data := string(a.Data)
			switch a.Name {
			case "request":
				c.request = data
			case "judge":
				c.judge = data
			case "answer":
				c.answer = data
			case "want":
				c.want = data
			case "asked":
				c.asked = data
			case "ended":
				c.failure = strings.TrimSpace(data)
			default:
				t.Fatalf("%s: unknown section %q", f, a.Name)
			}
		}
		kind, _, _ := strings.Cut(c.name, "-")
		c.api = map[string]API{"chat": Chat, "responses": Responses, "anthropic": Anthropic}[kind]
		if c.request == "" {
			c.request = `{"model":"m","stream":true}`
		}
		all = append(all, c)
	}
	return all
}

func (c capture) contentType() string {
	if !strings.Contains(c.request, `"stream":true`) {
		return "application/json"
	}
	return "text/event-stream"
}

// run rewrites the answer read from src.
func (c capture) run(t testing.TB, src io.Reader) (out, asked, failure string) {
	q, err := ParseRequest(c.api, []byte(c.request))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	j := newScript(c.judge)
	err = q.Rewrite(context.Background(), &b, src, c.contentType(), j)
	var ended *Ended
	switch {
	case errors.As(err, &ended):
		failure = string(ended.Failure)
	case err != nil:
		t.Fatal(err)
	}
	out = b.String()
	if c.contentType() == "application/json" && !strings.HasSuffix(out, "\n") {
		out += "\n" // the end of a file
	}
	return out, j.asked.String(), failure
}

func TestRewrite(t *testing.T) {
	for _, c := range captures(t) {
		t.Run(c.name, func(t *testing.T) {
			out, asked, failure := c.run(t, strings.NewReader(c.answer))
			if *update {
				c.save(t, out, asked, failure)
				return
			}
			if c.want == "" {
				c.want = c.answer
			}
			if out != c.want {
				t.Errorf("came out:\n%s\nwant:\n%s", out, c.want)
			}
			if asked != c.asked {
				t.Errorf("the judge was asked:\n%s\nwant:\n%s", asked, c.asked)
			}
			if failure != c.failure {
				t.Errorf("ended %q, want %q", failure, c.failure)
			}
		})
	}
}

func (c capture) save(t *testing.T, out, asked, failure string) {
	var files []txtar.File
	for _, f := range c.ar.Files {
		if f.Name != "want" && f.Name != "asked" && f.Name != "ended" {
			files = append(files, f)
		}
	}
	if asked != "" {
		files = append(files, txtar.File{Name: "asked", Data: []byte(asked)})
	}
	if failure != "" {
		files = append(files, txtar.File{Name: "ended", Data: []byte(failure + "\n")})
	}
	if out != c.answer {
		files = append(files, txtar.File{Name: "want", Data: []byte(out)})
	}
	c.ar.Files = files
	save(t, c.file, c.ar)
}

func save(t *testing.T, file string, ar *txtar.Archive) {
	if err := os.WriteFile(file, txtar.Format(ar), 0o644); err != nil {
		t.Fatal(err)
	}
}

// Where a stream is cut on its way changes nothing of what comes out.
func TestRewriteCut(t *testing.T) {
	for _, c := range captures(t) {
		t.Run(c.name, func(t *testing.T) {
			want, asked, failure := c.run(t, strings.NewReader(c.answer))
			for i := range len(c.answer) + 1 {
				if len(c.answer) > 4000 && i%37 != 0 || raceDetector && i%11 != 0 {
					continue
				}
				src := io.MultiReader(strings.NewReader(c.answer[:i]), strings.NewReader(c.answer[i:]))
				out, a, f := c.run(t, src)
				if out != want || a != asked || f != failure {
					t.Fatalf("cut at %d, it comes out as:\n%s\nnot as:\n%s", i, out, want)
				}
			}
			out, _, _ := c.run(t, oneByte{strings.NewReader(c.answer)})
			if out != want {
				t.Fatalf("byte by byte it comes out as:\n%s", out)
			}
		})
	}
}

type oneByte struct{ r io.Reader }

func (o oneByte) Read(p []byte) (int, error) { return o.r.Read(p[:min(1, len(p))]) }
