// Package sdk brings the official JavaScript SDKs of the wire formats, for
// tests that read an answer as the programs do that people write: openai and
// @anthropic-ai/sdk from npm, in the lab's cache, run by the lab's Node.js.
package sdk

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/openseawall/seawall/lab/cache"
	"github.com/openseawall/seawall/lab/openclaw"
)

// The versions that the lab installs.
const (
	OpenAI    = "openai@7.15.0"
	Anthropic = "@anthropic-ai/sdk@0.125.0"
)

// Install returns the folder that holds the SDKs in its node_modules: from the
// cache or, the first time, from npm, about 20 MB. Progress goes to log.
func Install(ctx context.Context, log io.Writer) (string, error) {
	return cache.Entry(ctx, "sdk-"+filepath.Base(OpenAI)+"-"+filepath.Base(Anthropic), func(dir string) error {
		claw, err := openclaw.Install(ctx, log)
		if err != nil {
			return err
		}
		fmt.Fprintf(log, "installing %s and %s into %s (once)\n", OpenAI, Anthropic, dir)
		manifest := `{"name":"seawall-lab-sdk","private":true}`
		if err := os.WriteFile(filepath.Join(dir, "package.json"), []byte(manifest), 0o644); err != nil {
			return err
		}
		bin := filepath.Join(claw.Dir, "node_modules", ".bin")
		cmd := exec.CommandContext(ctx, filepath.Join(bin, "npm"), "install", "--save-exact", "--no-audit", "--no-fund", "--loglevel=error", OpenAI, Anthropic)
		cmd.Dir, cmd.Stdout, cmd.Stderr = dir, log, log
		cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"))
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("npm install %s %s: %w", OpenAI, Anthropic, err)
		}
		return nil
	})
}

// Run gives a script question as JSON on its standard input and the folder of
// the SDKs as its argument, and reads answer from its standard output.
func Run(t testing.TB, script string, question, answer any) {
	t.Helper()
	dir, err := Install(t.Context(), t.Output())
	if err != nil {
		t.Fatal(err)
	}
	openclaw.NodeIn(t, dir, script, question, answer)
}
