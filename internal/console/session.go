package console

import (
	"crypto/rand"
	"crypto/sha256"
	"net/http"
	"sync"
	"time"
)

// cookieName has the prefix under which a browser keeps a cookie to one host
// and path. __Host- needs TLS, which loopback has not.
const cookieName = "seawall"

// lifetime is how long a browser stays signed in.
const lifetime = 12 * time.Hour

// maxSessions bounds the browsers signed in at once; the oldest goes.
const maxSessions = 32

// sessions are the browsers that are signed in, by the hash of their cookie,
// so that looking one up tells nothing by its time.
type sessions struct {
	mu  sync.Mutex
	end map[[sha256.Size]byte]time.Time
}

func newSessions() *sessions { return &sessions{end: map[[sha256.Size]byte]time.Time{}} }

func (s *sessions) open() *http.Cookie {
	value := rand.Text() + rand.Text()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.prune()
	s.end[sha256.Sum256([]byte(value))] = time.Now().Add(lifetime)
	return &http.Cookie{
		Name: cookieName, Value: value, Path: "/", MaxAge: int(lifetime.Seconds()),
		HttpOnly: true, SameSite: http.SameSiteStrictMode,
	}
}

func (s *sessions) prune() {
	var oldest [sha256.Size]byte
	var first time.Time
	for key, end := range s.end {
		if end.Before(time.Now()) {
			delete(s.end, key)
		} else if first.IsZero() || end.Before(first) {
			oldest, first = key, end
		}
	}
	if len(s.end) >= maxSessions {
		delete(s.end, oldest)
	}
}

func (s *sessions) known(r *http.Request) bool {
	cookie, err := r.Cookie(cookieName)
	if err != nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.end[sha256.Sum256([]byte(cookie.Value))].After(time.Now())
}
