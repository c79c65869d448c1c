package model

import (
	"net/http"
	"testing"

	"github.com/openseawall/seawall/internal/guard/wire"
	lab "github.com/openseawall/seawall/lab/model"
)

// oneCanary answers one message.
type oneCanary struct{}

func (oneCanary) Answer(_, said string) (string, bool) { return "proven", said == "the mark" }

// TestACanaryIsAnsweredByTheDoor: the model is not asked, nothing is recorded,
// and only the last words of a user count.
func TestACanaryIsAnsweredByTheDoor(t *testing.T) {
	inEach(t, func(t *testing.T, api wire.API, stream bool) {
		s, p := behind(t, options{}, lab.Reply(lab.Say("the model")))
		s.door.Canary = oneCanary{}
		a := s.ask(api, stream, user("hello"), user("the mark"))
		if h := hear(a.body); a.StatusCode != http.StatusOK || h.text != "proven" || len(h.calls) > 0 {
			t.Errorf("the canary was answered %d %s", a.StatusCode, a.body)
		}
		if rows := s.record.all(); p.asked() != nil || len(rows) != 0 {
			t.Errorf("the provider was asked %v, the record has %v", p.asked(), rows)
		}
		a = s.ask(api, stream, user("the mark"), assistant("proven"), user("hello"))
		if hear(a.body).text != "the model" || p.asked() == nil {
			t.Errorf("after it the door answers %s", a.body)
		}
	})
}
