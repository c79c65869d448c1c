package model

import (
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/openseawall/seawall/internal/guard/operator"
	"github.com/openseawall/seawall/internal/guard/wire"
	"github.com/openseawall/seawall/internal/state"
	lab "github.com/openseawall/seawall/lab/model"
)

// desk gives a stage an operator, in the state directory that is returned.
func (s *stage) desk() *state.Dir {
	s.t.Helper()
	dir, err := state.Open(filepath.Join(s.t.TempDir(), "operator"))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { dir.Close() })
	s.door.guard.Operator = operator.Open(dir, time.Now)
	return dir
}

func freeze(t *testing.T, dir *state.Dir) {
	t.Helper()
	if _, _, err := operator.Freeze(dir, "anna", time.Now()); err != nil {
		t.Fatal(err)
	}
}

func thaw(t *testing.T, dir *state.Dir) {
	t.Helper()
	if _, err := operator.Thaw(dir); err != nil {
		t.Fatal(err)
	}
}

// frozenRow wants that the last row stopped something because of the freeze.
func frozenRow(t *testing.T, s *stage, act string) {
	t.Helper()
	rows := s.record.all()
	if len(rows) == 0 {
		t.Fatal("the record has no row")
	}
	if r := rows[len(rows)-1]; r.Decision != "deny" || r.Act != act || strings.Join(r.Policy, " ") != "frozen" {
		t.Errorf("the last row is %+v", r)
	}
}

func TestAFrozenTurnIsAnsweredByTheDoor(t *testing.T) {
	inEach(t, func(t *testing.T, api wire.API, stream bool) {
		s, p := behind(t, options{}, lab.Reply(lab.Say("hi")), lab.Reply(lab.Say("thawed")))
		dir := s.desk()
		s.ask(api, stream, user("hello"))
		freeze(t, dir)
		before := len(p.model.Requests())
		a := s.ask(api, stream, user("hello"), assistant("hi"), user("go on"))
		notice := hear(a.body).text
		want := "Stopped: nothing was passed on to the model. Because: the agent is frozen. You can: run seawall thaw. (#1)"
		if a.StatusCode != http.StatusOK || notice != want || len(p.model.Requests()) != before {
			t.Errorf("%d %q; the provider was asked %d times more", a.StatusCode, a.body, len(p.model.Requests())-before)
		}
		frozenRow(t, s, "read")
		thaw(t, dir)
		if a := s.ask(api, stream, user("hello"), assistant("hi"), user("go on"), assistant(notice), user("and now?")); hear(a.body).text != "thawed" {
			t.Errorf("after the thaw: %d %s", a.StatusCode, a.body)
		}
	})
}

// TestAnAnswerThatStreamsIsCut, ends as its format wants it, and hands on no call
// that was not complete.
func TestAnAnswerThatStreamsIsCut(t *testing.T) {
	inEach(t, func(t *testing.T, api wire.API, stream bool) {
		for name, answer := range map[string]lab.Answer{
			"in a text":    {Blocks: []lab.Block{lab.Say(strings.Repeat("one two ", 50)).In(20)}, CutAfter: 12, Hang: true},
			"in a call":    {Blocks: []lab.Block{lab.Say("so").In(1), lab.Use("exec", `{"command":"echo 1"}`).In(20)}, CutAfter: 14, Hang: true},
			"of a thought": {Blocks: []lab.Block{lab.Say("never")}, Hang: true},
		} {
			s, p := behind(t, options{}, answer)
			dir := s.desk()
			go func() {
				for p.asked() == nil {
					time.Sleep(time.Millisecond)
				}
				if !stream || name != "in a text" {
					freeze(t, dir)
				}
			}()
			res, err := plain.Do(s.request(http.MethodPost, paths[api], conversation(api, stream, user("go"))))
			if err != nil {
				t.Fatal(err)
			}
			var body []byte
			for stream && name == "in a text" && !strings.Contains(string(body), "one") {
				piece := make([]byte, 512)
				n, err := res.Body.Read(piece)
				if err != nil {
					t.Fatal(err)
				}
				body = append(body, piece[:n]...)
			}
			freeze(t, dir)
			rest, err := io.ReadAll(res.Body)
			res.Body.Close()
			body = append(body, rest...)
			h := hear(string(body))
			if err != nil || len(h.calls) > 0 || !strings.Contains(h.text, "Stopped: the rest of this answer. Because: the agent is frozen. You can: run seawall thaw. (#") {
				t.Errorf("%s: %v, the agent heard %q of\n%s", name, err, h, body)
			}
			frozenRow(t, s, "reply")
		}
	})
}

func TestFrozenSideRoutesAreRefused(t *testing.T) {
	s, p := behind(t, options{})
	freeze(t, s.desk())
	for _, r := range []*http.Request{
		s.request(http.MethodGet, "/models", ""),
		s.request(http.MethodPost, "/embeddings", `{"input":"hello","model":"m"}`),
		s.request(http.MethodPost, "/messages/count_tokens", conversation(wire.Anthropic, false, user("hello"))),
	} {
		a := s.do(r)
		if a.StatusCode < 400 || !strings.Contains(a.body, "the agent is frozen") || !strings.Contains(a.body, "seawall thaw") {
			t.Errorf("%s: %d %s", r.URL.Path, a.StatusCode, a.body)
		}
	}
	if p.asked() != nil {
		t.Error("the provider was asked")
	}
}
