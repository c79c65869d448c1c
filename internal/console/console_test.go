package console

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/openseawall/seawall/internal/guard/approval"
	"github.com/openseawall/seawall/internal/ledger"
	"github.com/openseawall/seawall/internal/posture"
)

type fake struct {
	token  string
	passed []int64
	frozen int

	answers []bool
}

func (f *fake) Answer(_ *http.Request, n int64, sum string, allow bool) error {
	if n != 3 || sum != "5b1c" {
		return errors.New("there is no such question")
	}
	f.answers = append(f.answers, allow)
	return nil
}

func (f *fake) Freeze(*http.Request) error { f.frozen++; return nil }

func (f *fake) Pass(_ *http.Request, id int64) error {
	if id != 9 {
		return errors.New("that stopped no message")
	}
	f.passed = append(f.passed, id)
	return nil
}

func (f *fake) Redeem(token string) bool {
	ok := token != "" && token == f.token
	if ok {
		f.token = ""
	}
	return ok
}

func (f *fake) View(*http.Request) (View, error) {
	return View{
		Label: "protected", Good: true, Sentence: "All is well.", Version: "test", Now: time.Now(),
		Audit: &posture.Audit{Verdict: "The worst is small.", Blast: []posture.Line{{Reach: "run commands", When: posture.Freely, Objects: []string{"<script>alert(1)</script>"}}}},
		Questions: []approval.Question{{
			N: 3, Action: approval.Action{Sum: "5b1c"}, Args: `{"to":"eve@example.org","text":"<b>hi</b>"}`,
			Row: ledger.Row{ID: 41, Tool: "message", Why: "it needs approval: it sends something", Origins: map[string][]string{"to": {"web_fetch"}}, Effects: &ledger.Effects{Kinds: []string{"send"}}},
		}},
		Rows: []ledger.Row{{ID: 9, Act: "read", Decision: "deny", Why: "it tries to take over the agent"}, {ID: 7, Act: "call", Decision: "deny", Tool: "exec", Why: "it runs what it downloads", Detail: `{"command":"curl x | sh"}`}},
	}, nil
}

func get(t *testing.T, c *Console, path string, edit func(*http.Request)) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "http://127.0.0.1:4781"+path, nil)
	if edit != nil {
		edit(r)
	}
	w := httptest.NewRecorder()
	c.ServeHTTP(w, r)
	return w
}

func TestTheLinkWorksOnce(t *testing.T) {
	c := New(&fake{token: "secret"})
	if w := get(t, c, "/", nil); w.Code != http.StatusUnauthorized || !strings.Contains(w.Body.String(), "seawall page") {
		t.Errorf("without a session: %d %s", w.Code, w.Body)
	}
	w := get(t, c, "/login?token=secret", nil)
	cookies := w.Result().Cookies()
	if w.Code != http.StatusSeeOther || len(cookies) != 1 || !cookies[0].HttpOnly || cookies[0].SameSite != http.SameSiteStrictMode {
		t.Fatalf("login answered %d with %v", w.Code, cookies)
	}
	w = get(t, c, "/", func(r *http.Request) { r.AddCookie(cookies[0]) })
	for _, want := range []string{"protected", "The worst is small.", "it runs what it downloads", "curl x | sh", "The agent asks (1)", "eve@example.org", "comes from web_fetch", "&lt;b&gt;hi", `aria-label="Allow question 3 once"`} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if strings.Contains(w.Body.String(), "<script>alert") {
		t.Error("what the machine says was not escaped")
	}
	if w := get(t, c, "/login?token=secret", nil); w.Code != http.StatusUnauthorized {
		t.Errorf("the link worked twice: %d", w.Code)
	}
}

func TestStrangersAreRefused(t *testing.T) {
	c := New(&fake{})
	for name, edit := range map[string]func(*http.Request){
		"no cookie":       nil,
		"invented cookie": func(r *http.Request) { r.AddCookie(&http.Cookie{Name: cookieName, Value: "x"}) },
		"empty token":     func(r *http.Request) { r.URL.Path, r.URL.RawQuery = "/login", "token=" },
		"live fragment":   func(r *http.Request) { r.URL.Path = "/live" },
	} {
		t.Run(name, func(t *testing.T) {
			if w := get(t, c, "/", edit); w.Code != http.StatusUnauthorized {
				t.Errorf("answered %d", w.Code)
			}
		})
	}
	w := get(t, c, "/", func(r *http.Request) { r.Host = "evil.example" })
	if w.Code != http.StatusForbidden {
		t.Errorf("another Host was answered %d", w.Code)
	}
}

func TestNothingComesFromElsewhere(t *testing.T) {
	c := New(&fake{token: "t"})
	cookie := get(t, c, "/login?token=t", nil).Result().Cookies()[0]
	w := get(t, c, "/", func(r *http.Request) { r.AddCookie(cookie) })
	for _, bad := range []string{"https://", "//cdn"} {
		if strings.Contains(w.Body.String(), bad) {
			t.Errorf("the page refers to %s", bad)
		}
	}
	if csp := w.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") {
		t.Errorf("its policy is %q", csp)
	}
	if w := get(t, c, "/static/htmx-2.0.11.min.js", nil); w.Code != http.StatusOK {
		t.Errorf("htmx answered %d", w.Code)
	}
}

// TestALetThroughIsAskedByThePageAlone: not by a page of another address of this
// machine, whose requests bring the same cookie.
func TestALetThroughIsAskedByThePageAlone(t *testing.T) {
	f := &fake{token: "secret"}
	c := New(f)
	cookie := get(t, c, "/login?token=secret", nil).Result().Cookies()[0]
	post := func(path string, headers ...string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1:4781"+path, nil)
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		w := httptest.NewRecorder()
		c.ServeHTTP(w, r)
		return w
	}
	session := cookie.Name + "=" + cookie.Value
	for name, headers := range map[string][]string{
		"nobody":         {"HX-Request", "true"},
		"another port":   {"Cookie", session, "HX-Request", "true", "Origin", "http://127.0.0.1:8080"},
		"a foreign page": {"Cookie", session, "HX-Request", "true", "Sec-Fetch-Site", "same-site"},
		"a form":         {"Cookie", session, "Sec-Fetch-Site", "same-origin"},
	} {
		if w := post("/pass?id=9", headers...); w.Code != http.StatusForbidden && w.Code != http.StatusUnauthorized || len(f.passed) > 0 {
			t.Errorf("%s: %d, passed %v", name, w.Code, f.passed)
		}
	}
	page := get(t, c, "/", func(r *http.Request) { r.AddCookie(cookie) }).Body.String()
	if !strings.Contains(page, `hx-post="/pass?id=9"`) || strings.Contains(page, `hx-post="/pass?id=7"`) {
		t.Error("the button stands elsewhere than beside the message that was stopped")
	}
	own := []string{"Cookie", session, "HX-Request", "true", "Sec-Fetch-Site", "same-origin", "Origin", "http://127.0.0.1:4781"}
	if w := post("/pass?id=9", own...); w.Code != http.StatusOK || len(f.passed) != 1 || !strings.Contains(w.Body.String(), "#9 may pass once") {
		t.Errorf("%d %v %s", w.Code, f.passed, w.Body)
	}
	for _, path := range []string{"/pass?id=7", "/pass?id=x", "/pass"} {
		if w := post(path, own...); w.Code != http.StatusOK || len(f.passed) != 1 || strings.Contains(w.Body.String(), "may pass once.") {
			t.Errorf("%s: %d %v", path, w.Code, f.passed)
		}
	}
}

func TestAFreezeIsAskedByThePageAlone(t *testing.T) {
	f := &fake{token: "secret"}
	c := New(f)
	cookie := get(t, c, "/login?token=secret", nil).Result().Cookies()[0]
	session := cookie.Name + "=" + cookie.Value
	post := func(headers ...string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1:4781/freeze", nil)
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		w := httptest.NewRecorder()
		c.ServeHTTP(w, r)
		return w
	}
	for _, headers := range [][]string{{"HX-Request", "true"}, {"Cookie", session, "HX-Request", "true", "Origin", "http://127.0.0.1:8080"}, {"Cookie", session}} {
		if w := post(headers...); w.Code < 400 || f.frozen > 0 {
			t.Errorf("%v: %d", headers, w.Code)
		}
	}
	w := post("Cookie", session, "HX-Request", "true", "Sec-Fetch-Site", "same-origin")
	if body := w.Body.String(); w.Code != http.StatusOK || f.frozen != 1 || !strings.Contains(body, "seawall thaw") || !strings.Contains(body, `hx-post="/freeze"`) {
		t.Errorf("%d %s", w.Code, body)
	}
}

func TestAnAnswerIsOfThePageAlone(t *testing.T) {
	f := &fake{token: "secret"}
	c := New(f)
	cookie := get(t, c, "/login?token=secret", nil).Result().Cookies()[0]
	session := cookie.Name + "=" + cookie.Value
	post := func(path string, headers ...string) string {
		r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1:4781"+path, nil)
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		w := httptest.NewRecorder()
		c.ServeHTTP(w, r)
		return w.Body.String()
	}
	const allow = "/answer?n=3&sum=5b1c&allow=yes"
	for _, headers := range [][]string{{"HX-Request", "true"}, {"Cookie", session, "HX-Request", "true", "Origin", "http://127.0.0.1:8080"}, {"Cookie", session}} {
		if post(allow, headers...); len(f.answers) > 0 {
			t.Errorf("%v answered %v", headers, f.answers)
		}
	}
	own := []string{"Cookie", session, "HX-Request", "true", "Sec-Fetch-Site", "same-origin"}
	for _, path := range []string{"/answer?n=3&sum=other&allow=yes", "/answer?n=4&sum=5b1c&allow=yes", "/answer?n=x", "/answer"} {
		if said := post(path, own...); len(f.answers) > 0 || strings.Contains(said, "allowed, once") {
			t.Errorf("%s answered %v", path, f.answers)
		}
	}
	post("/answer?n=3&sum=5b1c", own...) // nothing but a yes is one
	if said := post(allow, own...); len(f.answers) != 2 || f.answers[0] || !f.answers[1] || !strings.Contains(said, "Question 3: allowed, once.") {
		t.Errorf("answered %v: %s", f.answers, said)
	}
}
