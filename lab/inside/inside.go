// Package inside runs a test a second time in another place: in a namespace
// where folders of the machine may be replaced. What the inner run asks the
// machine is answered by what the test put there.
//
//	func TestAudit(t *testing.T) {
//		if inside.Inner() {
//			… ask the machine …
//			return
//		}
//		n := netns.New(t)
//		… start servers, n.Bind(dir, "/etc/ssh") …
//		inside.Run(t, n)
//	}
package inside

import (
	"bytes"
	"os"
	"os/exec"
	"regexp"
	"testing"

	"github.com/openseawall/seawall/lab/netns"
)

// inner is set in the environment of the inner run.
const inner = "SEAWALL_LAB_INSIDE"

// Inner reports whether this is the inner run.
func Inner() bool { return os.Getenv(inner) != "" }

// Run runs the calling test again, inside, and fails when that fails or did not
// run. env is added to its environment.
func Run(t *testing.T, n *netns.Namespace, env ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+regexp.QuoteMeta(t.Name())+"$", "-test.v", "-test.count=1")
	cmd.Env = append(append(os.Environ(), inner+"=1"), env...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := n.Run(cmd)
	t.Logf("inside:\n%s", out.Bytes())
	if err != nil || !bytes.Contains(out.Bytes(), []byte("--- PASS: "+t.Name())) {
		t.Errorf("inside, the test did not pass: %v", err)
	}
}
