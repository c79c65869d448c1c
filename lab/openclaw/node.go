package openclaw

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"testing"
)

// Node runs a script with the lab's Node.js: its argument is the folder that
// holds OpenClaw's node_modules, question is JSON on its standard input and
// answer that of its standard output.
func Node(t testing.TB, script string, question, answer any) {
	t.Helper()
	NodeIn(t, Dir(t), script, question, answer)
}

// NodeIn is Node for the modules of another folder.
func NodeIn(t testing.TB, dir, script string, question, answer any) {
	t.Helper()
	in, err := json.Marshal(question)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), filepath.Join(Dir(t), "node_modules", ".bin", "node"), script, dir)
	cmd.Stdin = bytes.NewReader(in)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v: %s", script, err, errs.Bytes())
	}
	if err := json.Unmarshal(out, answer); err != nil {
		t.Fatalf("%s: %v: %s", script, err, errs.Bytes())
	}
}
