package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"syscall"
	"time"

	"github.com/openseawall/seawall/internal/detect"
	"github.com/openseawall/seawall/internal/guard"
	"github.com/openseawall/seawall/internal/guard/door/model"
	"github.com/openseawall/seawall/internal/guard/policy"
	"github.com/openseawall/seawall/internal/guard/wire"
	"github.com/openseawall/seawall/internal/ledger"
	"github.com/openseawall/seawall/internal/state"
	"github.com/openseawall/seawall/internal/vault"
)

const insideGroup = "Work of one request inside the door, without any network; beside it Go's own reverse proxy, which reads nothing"

// inside measures processor time and memory of a request by the door's handler
// alone, in this process, where they can be counted and profiled.
func (s *stage) inside(ctx context.Context, profile io.Writer) ([]result, error) {
	door, done, err := s.handler(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	var all []result
	for _, size := range sizes {
		var cold, growing [][]byte
		for i := range 24 {
			talk := newConversation(uint64(time.Now().UnixNano())+uint64(i), size.bytes)
			cold = append(cold, talk.body(false))
			for range size.turns {
				talk.grow()
				growing = append(growing, talk.body(false))
			}
		}
		plain := s.cost(plainProxy("127.0.0.1", canned{}), cold)
		all = append(all, s.cost(door, cold).results(plain, size.name+", never seen before")...)
		if size.turns == 0 {
			continue
		}
		if size.name == "60 kB" && profile != nil {
			if err := pprof.StartCPUProfile(profile); err != nil {
				return nil, err
			}
		}
		all = append(all, s.cost(door, growing).results(plain, size.name+", growing")...)
		if size.name == "60 kB" && profile != nil {
			pprof.StopCPUProfile()
		}
	}
	return all, nil
}

// cost is what requests took, each on average.
type cost struct {
	cpu, kb, allocs float64
	n               int
}

func (c cost) results(plain cost, what string) []result {
	return []result{
		{Group: insideGroup, What: what + ": processor", Unit: "ms", Beside: plain.cpu, Value: c.cpu, N: c.n},
		{Group: insideGroup, What: what + ": memory", Unit: "kB", Beside: plain.kb, Value: c.kb, N: c.n},
		{Group: insideGroup, What: what + ": allocations", Unit: "", Beside: plain.allocs, Value: c.allocs, N: c.n},
	}
}

func (s *stage) cost(h http.Handler, bodies [][]byte) cost {
	requests := s.requests(bodies)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	cpu := processor()
	for _, r := range requests {
		h.ServeHTTP(&discarded{header: http.Header{}}, r)
	}
	cpu = processor() - cpu
	runtime.ReadMemStats(&after)
	n := float64(len(bodies))
	return cost{ms(cpu) / n, float64(after.TotalAlloc-before.TotalAlloc) / n / 1e3, float64(after.Mallocs-before.Mallocs) / n, len(bodies)}
}

// requests are what a server would hand to the door.
func (s *stage) requests(bodies [][]byte) []*http.Request {
	all := make([]*http.Request, len(bodies))
	for i, body := range bodies {
		r, err := http.NewRequest(http.MethodPost, "http://127.0.0.1/"+routeID+"/v1/chat/completions", bytes.NewReader(body))
		if err != nil {
			panic(err)
		}
		r.RequestURI = r.URL.Path
		r.Header.Set("Authorization", "Bearer "+s.token)
		r.Header.Set("Content-Type", "application/json")
		all[i] = r
	}
	return all
}

// processor is the time that this process has used, garbage collection
// included.
func processor() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// discarded is a response nobody reads.
type discarded struct{ header http.Header }

func (d *discarded) Header() http.Header         { return d.header }
func (d *discarded) Write(b []byte) (int, error) { return len(b), nil }
func (d *discarded) WriteHeader(status int) {
	if status != http.StatusOK {
		panic(fmt.Sprintf("the door answered %d", status))
	}
}
func (d *discarded) Flush() {}

// canned is a provider without a network.
type canned struct{}

func (canned) RoundTrip(r *http.Request) (*http.Response, error) {
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return nil, err
	}
	r.Body.Close()
	return &http.Response{StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader(answers[answerText]))}, nil
}

// handler is the door with all that is behind it.
func (s *stage) handler(ctx context.Context) (http.Handler, func(), error) {
	dir, err := state.Open(filepath.Join(s.dir, "inside"))
	if err != nil {
		return nil, nil, err
	}
	keys, err := vault.Open(dir)
	if err != nil {
		return nil, nil, err
	}
	if err := keys.Set(map[string]string{routeID: "the-real-key-of-the-bench"}); err != nil {
		return nil, nil, err
	}
	route := model.Route{ID: routeID, Provider: routeID, API: wire.Chat, Upstream: "http://127.0.0.1/v1", Key: routeID, Token: s.token}
	if err := model.SaveRoutes(dir, []model.Route{route}); err != nil {
		return nil, nil, err
	}
	routes, err := model.OpenRoutes(dir)
	if err != nil {
		return nil, nil, err
	}
	rules, err := policy.Load(policy.Default())
	if err != nil {
		return nil, nil, err
	}
	record, err := ledger.Open(ctx, dir)
	if err != nil {
		return nil, nil, err
	}
	g := guard.New(rules, record, detect.NewKnown(keys.Values()), []byte("bench"))
	return model.New(g, routes, canned{}), func() { record.Close(); dir.Close() }, nil
}
