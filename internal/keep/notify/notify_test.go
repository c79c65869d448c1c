package notify_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/openseawall/seawall/internal/keep/notify"
	"github.com/openseawall/seawall/internal/state"
)

// place takes messages as a service does, and answers as it is told to.
type place struct {
	mu   sync.Mutex
	got  []string
	code int
}

func (p *place) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	p.mu.Lock()
	defer p.mu.Unlock()
	p.got = append(p.got, r.Method+" "+r.URL.Path+" "+r.Header.Get("Title")+": "+string(body))
	w.WriteHeader(p.code)
	_, _ = io.WriteString(w, "{}")
}

func (p *place) all() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.got, "\n")
}

const topic = "a-topic-nobody-guesses"

func start(t *testing.T, code int) (dir *state.Dir, p *place, address, root string) {
	t.Helper()
	dir, err := state.Open(filepath.Join(t.TempDir(), "state"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dir.Close() })
	p = &place{code: code}
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	return dir, p, strings.Replace(server.URL, "http://", "ntfy://", 1) + "/" + topic + "?scheme=http", server.URL
}

func TestSend(t *testing.T) {
	dir, p, address, root := start(t, http.StatusOK)
	if taken, err := notify.Send(t.Context(), dir, notify.Message{Title: "nobody hears"}); taken != 0 || err != nil {
		t.Fatalf("without a destination: %v, %v", taken, err)
	}
	if _, err := notify.Add(dir, address, time.Now()); err != nil {
		t.Fatal(err)
	}
	key := "sk-ant-api03-" + strings.Repeat("aZ3k9Qw7Lm2X", 8) + "-AAAAAAAA"
	taken, err := notify.Send(t.Context(), dir, notify.Message{Title: "Seawall on vm", Text: "port 3000 open\x1b[2J\nkey " + key})
	if taken != 1 || err != nil {
		t.Fatalf("%v, %v", taken, err)
	}
	if got := p.all(); !strings.Contains(got, "port 3000 open") || strings.Contains(got, "aZ3k9Qw7") || strings.ContainsRune(got, 0x1b) {
		t.Errorf("what arrived: %q", got)
	}
	if err := notify.SetPulse(dir, root+"/pulse"); err != nil {
		t.Fatal(err)
	}
	if err := notify.Beat(t.Context(), dir); err != nil || !strings.Contains(p.all(), "GET /pulse") {
		t.Errorf("the pulse: %v, %q", err, p.all())
	}
}

// TestErrorsNameNoAddress has a service refuse, one that is not there, and an
// address that is none.
func TestErrorsNameNoAddress(t *testing.T) {
	dir, _, address, root := start(t, http.StatusForbidden)
	for _, add := range []string{address, "ntfy://127.0.0.1:1/" + topic + "?scheme=http"} {
		if _, err := notify.Add(dir, add, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	_, err := notify.Send(t.Context(), dir, notify.Message{Title: "x"})
	if err == nil || strings.Contains(err.Error(), topic) || !strings.Contains(err.Error(), "destination 1 (ntfy)") || !strings.Contains(err.Error(), "destination 2 (ntfy)") {
		t.Errorf("Send: %v", err)
	}
	for _, bad := range []string{"", "nosuchservice://" + topic, "telegram://" + topic + "@telegram", "://" + topic, "smtp://me:" + topic + "@%zz/", strings.Repeat("a", 5000)} {
		if _, err := notify.Add(dir, bad, time.Now()); err == nil || strings.Contains(err.Error(), topic) {
			t.Errorf("Add(%.40q): %v", bad, err)
		}
	}
	if err := notify.SetPulse(dir, root+"/"+topic); err != nil {
		t.Fatal(err)
	}
	if err := notify.Beat(t.Context(), dir); err == nil || strings.Contains(err.Error(), topic) {
		t.Errorf("Beat: %v", err)
	}
	if err := notify.SetPulse(dir, "file:///etc/passwd"); err == nil {
		t.Error("a file is asked for as a pulse")
	}
}

func TestDestinations(t *testing.T) {
	dir, _, address, _ := start(t, http.StatusOK)
	for _, more := range []string{"", "&x=1"} {
		if _, err := notify.Add(dir, strings.Replace(address, topic, topic+more, 1), time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := notify.Add(dir, address, time.Now()); err == nil || !strings.Contains(err.Error(), "as destination 1") {
		t.Errorf("the same again: %v", err)
	}
	if err := notify.Remove(dir, 1); err != nil {
		t.Fatal(err)
	}
	if err := notify.Remove(dir, 1); err == nil {
		t.Error("a destination was removed twice")
	}
	list, pulse, err := notify.List(dir)
	if err != nil || pulse || len(list) != 1 || list[0].Number != 2 || list[0].Service() != "ntfy" {
		t.Errorf("%+v, %v, %v", list, pulse, err)
	}
	if info, err := os.Stat(dir.Path(state.Notify)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file of the addresses: %v, %v", info, err)
	}
	if err := os.WriteFile(dir.Path(state.Notify), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := notify.Send(t.Context(), dir, notify.Message{Title: "x"}); err == nil || !strings.Contains(err.Error(), "nobody is told anything") {
		t.Errorf("a damaged file: %v", err)
	}
}
