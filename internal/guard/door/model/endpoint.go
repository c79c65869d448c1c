package model

import (
	"context"
	"fmt"
	"mime"
	"net/http"
	"strings"

	"github.com/openseawall/seawall/internal/guard"
	"github.com/openseawall/seawall/internal/guard/policy"
	"github.com/openseawall/seawall/internal/guard/wire"
)

// treatment is what the door does with a request and its answer.
type treatment int

const (
	barred  treatment = iota // with a sentence; nothing is asked of the provider
	judged                   // a turn: the request is read, the answer judged
	counted                  // a conversation that is read; what comes back is data, no turn
	scanned                  // texts without a conversation: secrets are cut out, recorded
	passed                   // no text of the agent, or only media: recorded
)

// endpoint is one part of a provider's API.
type endpoint struct {
	method string // "" is any
	path   string // below the base URL; {} stands for one element, a last … for all that follow
	does   treatment
	api    wire.API // of judged and counted
	why    string   // of barred: the rest of a sentence about it
}

// What is refused, and why.
const (
	stored   = "an answer that the provider kept would reach the agent without having been judged; ask without background and read the answer as it comes"
	batched  = "the answers of a batch would reach the agent later, without having been judged; send the requests one by one"
	files    = "what is in a file that the provider keeps cannot be looked at on its way; send the text in the conversation"
	elses    = "the provider would run calls that Seawall does not see; use /chat/completions, /responses or /messages"
	old      = "Seawall does not read the old text completions; use /chat/completions, /responses or /messages"
	live     = "Seawall does not read speech in real time; use /audio/transcriptions and /audio/speech"
	account  = "what belongs to the account is not an agent's to change"
	training = "the agent would train or grade a model with texts that Seawall does not see"
)

// endpoints are the parts of the three APIs that OpenClaw and the official SDKs
// call. What is not here is refused, too. Anthropic's client adds /v1 itself: a
// path is looked for with and without.
var endpoints = []endpoint{
	{http.MethodPost, "/chat/completions", judged, wire.Chat, ""},
	{http.MethodPost, "/responses", judged, wire.Responses, ""},
	{http.MethodPost, "/messages", judged, wire.Anthropic, ""},
	{http.MethodPost, "/messages/count_tokens", counted, wire.Anthropic, ""},
	{http.MethodPost, "/responses/input_tokens", counted, wire.Responses, ""},
	{http.MethodPost, "/responses/compact", counted, wire.Responses, ""},

	{http.MethodPost, "/embeddings", scanned, "", ""},
	{http.MethodPost, "/moderations", scanned, "", ""},
	{http.MethodPost, "/images/generations", scanned, "", ""},
	{http.MethodPost, "/audio/speech", scanned, "", ""},
	{http.MethodPost, "/videos", scanned, "", ""},
	{http.MethodPost, "/images/edits", scanned, "", ""},

	{http.MethodGet, "/models", passed, "", ""},
	{http.MethodGet, "/models/{}", passed, "", ""},
	{http.MethodPost, "/audio/transcriptions", passed, "", ""},
	{http.MethodPost, "/audio/translations", passed, "", ""},
	{http.MethodPost, "/images/variations", passed, "", ""},
	{http.MethodGet, "/videos/{}", passed, "", ""},
	{http.MethodGet, "/videos/{}/content", passed, "", ""},

	{"", "/responses/…", barred, "", stored},
	{"", "/chat/completions/…", barred, "", stored},
	{"", "/conversations…", barred, "", stored},
	{"", "/messages/batches…", barred, "", batched},
	{"", "/batches…", barred, "", batched},
	{"", "/files…", barred, "", files},
	{"", "/uploads…", barred, "", files},
	{"", "/vector_stores…", barred, "", files},
	{"", "/containers…", barred, "", files},
	{"", "/skills…", barred, "", files},
	{"", "/assistants…", barred, "", elses},
	{"", "/threads…", barred, "", elses},
	{"", "/completions", barred, "", old},
	{"", "/complete", barred, "", old},
	{"", "/realtime…", barred, "", live},
	{"", "/fine_tuning…", barred, "", training},
	{"", "/evals…", barred, "", training},
	{"", "/organization…", barred, "", account},
	{"", "/organizations…", barred, "", account},
	{http.MethodDelete, "/models/{}", barred, "", account},
}

// endpointOf returns what the door does with a request. path is escaped, below
// the base URL.
func endpointOf(method, path string) endpoint {
	path = strings.TrimSuffix(path, "/")
	for _, p := range []string{path, strings.TrimPrefix(path, "/v1")} {
		for _, e := range endpoints {
			if (e.method == "" || e.method == method) && matches(e.path, p) {
				return e
			}
		}
	}
	return endpoint{does: barred, why: "it is not a part of the provider's API that Seawall knows"}
}

// matches reports whether a path is that of a pattern. One that says the same
// in another way (an empty element, a dot, an escape) is none that is known.
func matches(pattern, path string) bool {
	if beginning, open := strings.CutSuffix(pattern, "…"); open {
		rest, ok := strings.CutPrefix(path, beginning)
		return ok && (rest == "" || rest[0] == '/' || strings.HasSuffix(beginning, "/"))
	}
	want, got := strings.Split(pattern, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return false
	}
	for i := range want {
		if want[i] != got[i] && (want[i] != "{}" || !isName(got[i])) {
			return false
		}
	}
	return true
}

// isName reports that an element of a path is a name and nothing else.
func isName(element string) bool {
	return element != "" && strings.Trim(element, ".") != "" && !strings.ContainsAny(element, "%;\\")
}

// serve does with a request what its endpoint says.
func (d *Door) serve(w http.ResponseWriter, r *http.Request, x *exchange) {
	x.counted = x.endpoint.does == counted || x.endpoint.does == scanned
	switch x.endpoint.does {
	case judged, counted:
		d.turn(w, r, x)
	case scanned:
		d.scan(w, r, x)
	case passed:
		if d.side(w, r, x, "") {
			d.pass(w, r, x)
		}
	}
}

// side records a request that carries no conversation, or refuses it.
func (d *Door) side(w http.ResponseWriter, r *http.Request, x *exchange, more string) bool {
	trace, _ := traceparent(r.Header.Get("Traceparent"))
	t := guard.Turn{Door: "model", Route: x.route.ID, Trace: trace}
	if r.Method != http.MethodGet && more == "" {
		more = ", media that was not looked into"
	}
	decision := d.guard.Side(r.Context(), t, r.Method+" "+shown(x.path)+more)
	switch {
	case decision.Verdict == policy.Allow:
		return true
	case decision.Unkept:
		unrecorded(w)
	default:
		refuse(w, http.StatusForbidden, decision.Why+"; `seawall thaw` ends it")
	}
	return false
}

func unrecorded(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "30")
	refuse(w, http.StatusServiceUnavailable, "the record cannot be kept, so nothing is passed on; `seawall status` says why")
}

// scan forwards a request with texts but no conversation, its secrets replaced
// by marks. Form data cannot be spliced: only media goes by it, and passes.
func (d *Door) scan(w http.ResponseWriter, r *http.Request, x *exchange) {
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind == "multipart/form-data" && uploads[x.path] {
		if d.side(w, r, x, "") {
			x.counted = false
			d.pass(w, r, x)
		}
		return
	}
	body, done, ok := d.take(w, r)
	if !ok {
		return
	}
	defer done()
	x.done = done
	var err error
	if x.request, err = wire.ParseInput(body); err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	if !d.side(w, r, x, fmt.Sprintf(", %d texts", len(x.request.Parts))) {
		return
	}
	trace, _ := traceparent(r.Header.Get("Traceparent"))
	replaced, sentence := d.cut(r.Context(), guard.Turn{Door: "model", Route: x.route.ID, Trace: trace}, x.request)
	switch {
	case sentence == unkept:
		unrecorded(w)
		return
	case sentence != "":
		refuse(w, http.StatusBadRequest, sentence)
		return
	}
	x.body = body
	if len(replaced) > 0 {
		x.body = x.request.Replace(replaced)
	}
	d.forward(w, r, x)
}

// uploads are the scanned endpoints that also take form data, with pictures.
var uploads = map[string]bool{"/images/edits": true, "/videos": true}

const unkept = "unkept"

// cut returns the texts to send instead of some parts, or why nothing may be
// sent.
func (d *Door) cut(ctx context.Context, t guard.Turn, q *wire.Request) (replaced map[int]string, sentence string) {
	replaced = map[int]string{}
	reader := d.guard.Reader()
	for i, p := range q.Parts {
		if p.Media || p.Text == "" {
			continue
		}
		text := guard.Text{Turn: t, Source: guard.Input, Text: p.Text}
		switch reading := reader.Read(ctx, text); {
		case reading.Verdict == policy.Allow:
		case reading.Unkept:
			return nil, unkept
		case p.Fixed:
			return nil, "a part of the request that cannot be changed was stopped, because " + reading.Why
		case reading.Verdict == policy.Redact:
			replaced[i] = reading.Redacted
		default:
			replaced[i] = d.guard.Removed(text, reading)
		}
	}
	return replaced, ""
}
