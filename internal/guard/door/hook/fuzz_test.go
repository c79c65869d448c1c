package hook

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/openseawall/seawall/internal/detect"
	"github.com/openseawall/seawall/internal/guard"
	"github.com/openseawall/seawall/internal/guard/policy"
	"github.com/openseawall/seawall/internal/state"
)

// FuzzQuestion: whatever is asked gets an answer that the plugin can read, and
// no call runs that was not judged.
func FuzzQuestion(f *testing.F) {
	dir, err := state.Open(filepath.Join(f.TempDir(), "state"))
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { dir.Close() })
	agent := Agent{Config: mine, Token: NewToken()}
	if err := SaveAgents(dir, []Agent{agent}); err != nil {
		f.Fatal(err)
	}
	rules, err := policy.Load(policy.Default())
	if err != nil {
		f.Fatal(err)
	}
	rows := &record{}
	door, err := New(guard.New(rules, rows, detect.NewKnown(nil), []byte("marks")), dir, time.Now)
	if err != nil {
		f.Fatal(err)
	}
	for _, body := range []string{
		`{"trace":"` + run + `","tool":"exec","params":{"command":"ls"},"toolCallId":"c1"}`,
		`{"trace":"` + run + `","tool":"exec","params":{"code":"await x()"},"toolKind":"code_mode_exec"}`,
		`{"trace":"` + run + `","tool":"tool_call","params":{"id":"read","args":{"path":"a"}},"toolCallId":"code_mode:p:1"}`,
		`{"trace":"","tool":"","params":null}`, `{"params":{"a":1,"a":2}}`, `{"params":"` + "\xff" + `"}`, `[]`, `null`, ``, `{"trace":1}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		rows.mu.Lock()
		rows.rows = nil
		rows.mu.Unlock()
		for _, path := range []string{"/v1/tool-call", "/v1/run"} {
			r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1:4780"+Path+path, strings.NewReader(string(body)))
			r.RemoteAddr = "127.0.0.1:40000"
			r.Header.Set("Authorization", "Bearer "+agent.Token)
			w := httptest.NewRecorder()
			door.ServeHTTP(w, r)
			var a answer
			if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil {
				t.Fatalf("%q is answered %q: %v", body, w.Body, err)
			}
			if path == "/v1/tool-call" && a.Allow && (len(rows.rows) == 0 || rows.rows[len(rows.rows)-1].Decision != "allow") {
				t.Fatalf("%q ran unjudged", body)
			}
			if a.Allow == a.Block || a.Block && a.Reason == "" {
				t.Fatalf("%q is answered %+v", body, a)
			}
		}
	})
}
