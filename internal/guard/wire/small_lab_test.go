//go:build lab

package wire_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/openseawall/seawall/internal/detect"
	"github.com/openseawall/seawall/internal/guard"
	door "github.com/openseawall/seawall/internal/guard/door/model"
	"github.com/openseawall/seawall/internal/guard/policy"
	"github.com/openseawall/seawall/internal/guard/wire"
	"github.com/openseawall/seawall/internal/ledger"
	"github.com/openseawall/seawall/internal/state"
	"github.com/openseawall/seawall/lab/openclaw"
)

// ran is what OpenClaw made of an answer.
type ran struct {
	Stop, Error, Text string
	Calls             []struct {
		Name string
		Args map[string]any
	}
}

func (r ran) String() string {
	b, _ := json.Marshal(r.Calls)
	if r.Error != "" {
		return r.Error
	}
	return string(b)
}

// TestSmallModels has OpenClaw's own code read what small models answer, once
// from the server and once through the door: the same calls run.
func TestSmallModels(t *testing.T) {
	all := wire.Smalls(t)
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		i, err := strconv.Atoi(strings.Split(r.URL.Path, "/")[1])
		if err != nil {
			t.Error(err)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = w.Write(all[i].Answer)
	}))
	defer provider.Close()
	var routes []door.Route
	for i, s := range all {
		up := fmt.Sprintf("%s/%d", provider.URL, i)
		if s.API != wire.Anthropic {
			up += "/v1"
		}
		routes = append(routes, door.Route{ID: fmt.Sprintf("small-%d", i), Provider: "lab", API: s.API, Upstream: up})
	}
	address := stand(t, routes)
	var cases []map[string]any
	tools := []string{"exec", "read", "write", "tool_call"}
	for i, r := range routes {
		for _, base := range []string{r.Upstream, r.BaseURL(address)} {
			cases = append(cases, map[string]any{"api": all[i].API, "base": base, "tools": tools})
		}
	}
	var results []ran
	openclaw.Node(t, "testdata/run.mjs", cases, &results)
	calls, more := 0, 0
	for i, s := range all {
		t.Run(s.Name, func(t *testing.T) {
			was, is := results[2*i], results[2*i+1]
			t.Logf("without %s %s, with %s %s, text %q", was.Stop, was, is.Stop, is, is.Text)
			calls += len(was.Calls)
			switch {
			case len(was.Calls) == 0:
				more += len(is.Calls) // written strictly, OpenClaw can read it
			case !reflect.DeepEqual(was.Calls, is.Calls):
				t.Errorf("without Seawall %s run, behind the door %s", was, is)
			}
		})
	}
	t.Logf("%d answers of small models: OpenClaw runs %d calls of them, and the same behind the door; %d more run there, since the door writes strictly what OpenClaw cannot read", len(all), calls, more)
}

// stand starts a door with the shipped policy and gives its address.
func stand(t *testing.T, routes []door.Route) string {
	dir, err := state.Open(filepath.Join(t.TempDir(), "state"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dir.Close() })
	if err := door.SaveRoutes(dir, routes); err != nil {
		t.Fatal(err)
	}
	table, err := door.OpenRoutes(dir)
	if err != nil {
		t.Fatal(err)
	}
	record, err := ledger.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = record.Close() })
	rules, err := policy.Load(policy.Default())
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(door.New(guard.New(rules, record, detect.NewKnown(nil), []byte("marks")), table, nil))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}
