//go:build lab

package report

import (
	"bytes"
	"os"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/openseawall/seawall/lab/seawall"
)

func TestMain(m *testing.M) {
	code := m.Run()
	seawall.Clean()
	os.Exit(code)
}

// TestSARIFOfThisMachine holds what the command prints of whatever machine this
// is to the standard.
func TestSARIFOfThisMachine(t *testing.T) {
	cmd := seawall.Command(t, "audit", "--sarif", "--fail-on", "critical", "--state", t.TempDir())
	out, err := cmd.Output()
	if code := cmd.ProcessState.ExitCode(); code > 1 {
		t.Fatalf("exit %d: %v", code, err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(out))
	if err != nil {
		t.Fatal(err)
	}
	if err := sarifSchema(t).Validate(value); err != nil {
		t.Error(err)
	}
}
