// Package inside runs a test a second time in another place: in a network
// namespace, and with folders of the machine replaced. What the inner run asks
// the machine is answered by what the test put there.
//
//	func TestAudit(t *testing.T) {
//		if !inside.Inner() {
//			… start servers …
//			inside.Run(t, net, map[string]string{"/etc/ssh": dir})
//			return
//		}
//		… ask the machine …
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
func Run(t *testing.T, n *netns.Namespace, over map[string]string, env ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+regexp.QuoteMeta(t.Name())+"$", "-test.v", "-test.count=1")
	cmd.Env = append(append(os.Environ(), inner+"=1"), env...)
	out, err := Output(n, over, cmd)
	t.Logf("inside:\n%s", out)
	if err != nil || !bytes.Contains(out, []byte("--- PASS: "+t.Name())) {
		t.Errorf("inside, the test did not pass: %v", err)
	}
}

// Output runs a command inside, with each key of over replaced by the file or
// folder that is its value, and returns what it printed.
func Output(n *netns.Namespace, over map[string]string, cmd *exec.Cmd) ([]byte, error) {
	cmd = Over(over, cmd)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := n.Run(cmd)
	return out.Bytes(), err
}

// replace mounts pairs of arguments over each other up to a "--", then becomes
// the command behind it.
const replace = `while [ "$1" != -- ]; do mount --bind "$1" "$2" || exit 125; shift 2; done; shift; exec "$@"`

// Over makes a command run in a mount namespace of its own, in which each key
// of over is replaced by the file or folder that is its value. Needs root.
func Over(over map[string]string, cmd *exec.Cmd) *exec.Cmd {
	args := []string{"unshare", "--mount", "--propagation", "private", "--", "sh", "-c", replace, "sh"}
	for place, with := range over {
		args = append(args, with, place)
	}
	args = append(append(args, "--"), cmd.Path)
	moved := exec.Command(args[0], append(args[1:], cmd.Args[1:]...)...)
	moved.Env, moved.Dir, moved.Stdin = cmd.Env, cmd.Dir, cmd.Stdin
	return moved
}
