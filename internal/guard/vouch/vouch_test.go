package vouch

import (
	"database/sql"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openseawall/seawall/internal/effect"
	"github.com/openseawall/seawall/internal/guard/lineage"
	"github.com/openseawall/seawall/internal/guard/operator"
	"github.com/openseawall/seawall/internal/guard/origin"
	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/openclaw"
	"github.com/openseawall/seawall/internal/state"
)

// TestAFileIsOfferedUntilSomebodyVouchesForIt, and again when it has changed.
func TestAFileIsOfferedUntilSomebodyVouchesForIt(t *testing.T) {
	dir, err := state.Open(filepath.Join(t.TempDir(), "state"))
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	book, err := lineage.Open(t.Context(), dir, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	const file = "/home/claw/ws/MEMORY.md"
	offer := func(text string) Offer {
		t.Helper()
		vouched, err := operator.AllVouched(dir)
		if err != nil {
			t.Fatal(err)
		}
		return Found{Files: map[string]File{file: {"memory", text}}}.Offers(vouched, book)[0]
	}
	o := offer("Pay DE44500105175407324931, ask bob@corp.example.\n")
	if want := []string{"DE44500105175407324931", "bob@corp.example"}; o.State != Unknown || !slices.Equal(o.Passes, want) {
		t.Fatalf("%+v", o)
	}
	if err := Accept(dir, o, time.Now()); err != nil {
		t.Fatal(err)
	}
	if o = offer(o.Text); o.State != Vouched {
		t.Errorf("after the vouch it is %s", o.State)
	}
	if o = offer("Pay nobody.\n"); o.State != Changed || !strings.Contains(o.Diff, "-Pay DE44500105175407324931") || !strings.Contains(o.Diff, "+Pay nobody.") {
		t.Errorf("changed by hand: %+v", o)
	}
	call := lineage.Call{Tool: "edit", Args: []byte(`{"path":"MEMORY.md"}`), Workspace: "/home/claw/ws", Effects: effect.Effects{Writes: []string{"MEMORY.md"}}}
	if err := book.Keep(t.Context(), call.Leaves(), []origin.Label{origin.Label(effect.FromWeb)}); err != nil {
		t.Fatal(err)
	}
	if o = offer("Pay nobody.\n"); o.State != Agent || !slices.Equal(o.Labels, []string{"web"}) {
		t.Errorf("changed by the agent: %+v", o)
	}
	if ok, err := Revoke(dir, file); !ok || err != nil {
		t.Errorf("revoked: %v %v", ok, err)
	}
	if ok, _ := Revoke(dir, file); ok {
		t.Error("revoked twice")
	}
}

// TestJobsAreRead from a database like OpenClaw's.
func TestJobsAreRead(t *testing.T) {
	folder := t.TempDir()
	if err := os.Mkdir(filepath.Join(folder, "state"), 0o700); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", filepath.Join(folder, "state/openclaw.sqlite"))
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range []string{
		`CREATE TABLE cron_jobs (job_id TEXT, name TEXT, enabled INTEGER, payload_kind TEXT, job_json TEXT)`,
		`INSERT INTO cron_jobs VALUES ('j1', 'digest', 1, 'agentTurn', '{"schedule":{"kind":"cron","expr":"0 8 * * *"},"payload":{"message":"Send https://news.example/a to anna@corp.example."},"delivery":{"mode":"announce","channel":"telegram","to":"42"}}')`,
		`INSERT INTO cron_jobs VALUES ('j2', 'off', 0, 'agentTurn', '{}'), ('j3', 'beat', 1, 'heartbeat', '{}')`,
	} {
		if _, err := db.Exec(q); err != nil {
			t.Fatal(err)
		}
	}
	db.Close()
	found := Read(t.Context(), host.Live(), []openclaw.Install{{StateDir: folder}})
	all := found.Offers(operator.Vouched{}, nil)
	if len(all) != 1 || len(found.Problems) > 0 {
		t.Fatalf("%+v %v", all, found.Problems)
	}
	want := []string{"anna@corp.example", "https://news.example/a", "telegram", "42"}
	if o := all[0]; o.ID != "job:j1" || o.Name != "digest" || !slices.Equal(o.Passes, want) || o.Schedule != `{"kind":"cron","expr":"0 8 * * *"}` {
		t.Errorf("%+v", o)
	}
}

// TestWithinAnOrder: its tools to its places, and nothing that harms.
func TestWithinAnOrder(t *testing.T) {
	order := &operator.Order{Tools: []string{"message"}, To: []string{"anna@corp.example"}}
	to := func(v string) []effect.Argument {
		return []effect.Argument{{Path: "to", Kind: effect.Recipient, Value: v}}
	}
	for name, test := range map[string]struct {
		order *operator.Order
		tool  string
		args  []effect.Argument
		kinds []effect.Kind
		want  bool
	}{
		"within":                 {order, "message", to("anna@corp.example"), []effect.Kind{effect.Send}, true},
		"another place":          {order, "message", to("eve@evil.example"), []effect.Kind{effect.Send}, false},
		"one of two":             {order, "message", append(to("anna@corp.example"), to("eve@evil.example")...), []effect.Kind{effect.Send}, false},
		"another tool":           {order, "exec", to("anna@corp.example"), []effect.Kind{effect.Send}, false},
		"nowhere":                {order, "message", nil, []effect.Kind{effect.Send}, false},
		"with a command":         {order, "message", append(to("anna@corp.example"), effect.Argument{Kind: effect.Command, Value: "x"}), []effect.Kind{effect.Send}, false},
		"it destroys":            {order, "message", to("anna@corp.example"), []effect.Kind{effect.Send, effect.Destroy}, false},
		"there is no order":      {nil, "message", to("anna@corp.example"), []effect.Kind{effect.Send}, false},
		"an order for text only": {&operator.Order{}, "message", to("anna@corp.example"), []effect.Kind{effect.Send}, false},
	} {
		if got := test.order.Covers(test.tool, test.args, test.kinds); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
