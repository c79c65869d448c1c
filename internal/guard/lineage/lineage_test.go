package lineage

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/openseawall/seawall/internal/effect"
	"github.com/openseawall/seawall/internal/guard/origin"
	"github.com/openseawall/seawall/internal/state"
)

const workspace = "/home/claw/ws"

var web = []origin.Label{origin.Label(effect.FromWeb)}

func book(t *testing.T) (*Book, *state.Dir) {
	t.Helper()
	dir, err := state.Open(filepath.Join(t.TempDir(), "state"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dir.Close() })
	b, err := Open(t.Context(), dir, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b, dir
}

// wrote has a call of a turn written down.
func wrote(t *testing.T, b *Book, labels []origin.Label, tool, args string) {
	t.Helper()
	c := Call{Tool: tool, Args: []byte(args), Workspace: workspace, Effects: effect.Of(tool, []byte(args))}
	if err := b.Keep(t.Context(), c.Leaves(), b.Of(c, labels)); err != nil {
		t.Fatal(err)
	}
}

func TestWhereAPathIsReadAgain(t *testing.T) {
	for _, test := range []struct {
		name, tool, args string // of the write, with the web in its turn
		read             string
		want             bool
	}{
		{"the same path", "write", `{"path":"a.md","content":"x"}`, `{"path":"a.md"}`, true},
		{"absolute", "write", `{"path":"a.md","content":"x"}`, `{"path":"/home/claw/ws/a.md"}`, true},
		{"by the home", "write", `{"path":"~/ws/a.md","content":"x"}`, `{"path":"sub/../a.md"}`, true},
		{"another file", "write", `{"path":"a.md","content":"x"}`, `{"path":"b.md"}`, false},
		{"an edit", "edit", `{"path":"a.md","oldText":"a","newText":"b"}`, `{"path":"a.md"}`, true},
		{"a patch", "apply_patch", `{"input":"*** Begin Patch\n*** Add File: a.md\n+x\n*** End Patch"}`, `{"path":"a.md"}`, true},
		{"a redirection", "exec", `{"command":"echo x >> a.md"}`, `{"path":"a.md"}`, true},
		{"in another folder", "exec", `{"command":"cd sub && echo x > a.md"}`, `{"path":"sub/a.md"}`, true},
		{"a folder that is filled", "exec", `{"command":"cp -r /tmp/x sub"}`, `{"path":"sub/deep/a.md"}`, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			b, _ := book(t)
			wrote(t, b, web, test.tool, test.args)
			labels, vouched := b.Result("read", test.read, "y", workspace)
			if got := slices.Equal(labels, web); got != test.want || vouched {
				t.Errorf("%v %v", labels, vouched)
			}
		})
	}
}

// TestAFileIsCopiedWithItsOrigins, though the turn that copies it never read it.
func TestAFileIsCopiedWithItsOrigins(t *testing.T) {
	b, _ := book(t)
	wrote(t, b, web, "write", `{"path":"a.md","content":"x"}`)
	wrote(t, b, nil, "exec", `{"command":"cp a.md b.md"}`)
	if labels, _ := b.Result("read", `{"path":"b.md"}`, "x", workspace); !slices.Equal(labels, web) {
		t.Errorf("%v", labels)
	}
}

// TestOnlyTheVeryContentIsClean of what a turn without anything untrusted wrote.
func TestOnlyTheVeryContentIsClean(t *testing.T) {
	b, _ := book(t)
	wrote(t, b, nil, "write", `{"path":"a.md","content":"mine"}`)
	if labels, clean := b.Result("read", `{"path":"a.md"}`, "mine\n", workspace); !clean || len(labels) > 0 {
		t.Errorf("what was written: %v %v", labels, clean)
	}
	if _, clean := b.Result("read", `{"path":"a.md"}`, "mine, and more", workspace); clean {
		t.Error("another content is clean")
	}
	if _, clean := b.Result("read", `{"path":"b.md"}`, "mine", workspace); clean {
		t.Error("the same content elsewhere is clean")
	}
	wrote(t, b, web, "write", `{"path":"a.md","content":"theirs"}`)
	if labels, clean := b.Result("read", `{"path":"a.md"}`, "mine", workspace); !clean {
		t.Errorf("what was written before: %v", labels)
	}
	if labels, clean := b.Result("read", `{"path":"a.md"}`, "something", workspace); clean || !slices.Equal(labels, web) {
		t.Errorf("who knows what: %v %v", labels, clean)
	}
}

func TestJobsAndTasksKeepTheirOrigins(t *testing.T) {
	b, dir := book(t)
	wrote(t, b, web, "automations", `{"action":"add","job":{"name":"x","schedule":{"kind":"cron","expr":"0 8 * * *"},"payload":{"kind":"agentTurn","message":"Send it all."}}}`)
	wrote(t, b, nil, "sessions_spawn", `{"task":"Read the notes."}`)
	wrote(t, b, nil, "automations", `{"action":"add","job":{"payload":{"message":"Say hello."}}}`)
	b.Close()
	b, err := Open(t.Context(), dir, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if labels, ok := b.Said("Send it all.", "j1"); !ok || !slices.Equal(labels, web) {
		t.Errorf("a job: %v %v", labels, ok)
	}
	if labels, ok := b.Said("Read the notes.", ""); !ok || len(labels) > 0 {
		t.Errorf("a task: %v %v", labels, ok)
	}
	if _, ok := b.Said("Nobody said that.", ""); ok {
		t.Error("what nobody said is known")
	}
	wrote(t, b, web, "automations", `{"action":"update","jobId":"j2","patch":{"schedule":{"kind":"every"}}}`)
	if labels, _ := b.Said("Say hello.", "j2"); !slices.Equal(labels, web) {
		t.Errorf("a job that a page changed: %v", labels)
	}
}

// TestABookRemembersOverARestart a bounded number of contents.
func TestABookRemembersOverARestart(t *testing.T) {
	b, dir := book(t)
	for i := range 20 {
		wrote(t, b, web, "write", fmt.Sprintf(`{"path":"a.md","content":"%d"}`, i))
	}
	k, ok := b.At(FilePlace("a.md", workspace))
	if !ok || len(k.contents) != maxContents {
		t.Fatalf("%d contents", len(k.contents))
	}
	b.Close()
	if b, err := Look(t.Context(), dir); err != nil {
		t.Fatal(err)
	} else if k, ok := b.At(FilePlace("/home/claw/ws/a.md", "")); !ok || !slices.Equal(k.Labels, web) {
		t.Errorf("%+v %v", k, ok)
	}
}
