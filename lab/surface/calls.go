package surface

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/openseawall/seawall/lab/openclaw"
)

// texts are some of which OpenClaw may make calls, parted by lines of ----.
//
//go:embed texts.txt
var texts string

// parser is the function that makes calls of a text.
const parser = "parseStandalonePlainTextToolCallBlocks"

// calls asks OpenClaw's own code what it makes of the texts.
func calls(ctx context.Context, i *openclaw.Installed) (map[string]string, error) {
	module, name, err := exported(i.Package(), parser)
	if err != nil {
		return nil, err
	}
	all := strings.Split(strings.TrimSuffix(texts, "\n"), "\n----\n")
	question, err := json.Marshal(all)
	if err != nil {
		return nil, err
	}
	script := fmt.Sprintf(`
import(%q).then(m => {
  const texts = JSON.parse(require("fs").readFileSync(0, "utf8"));
  const said = texts.map(text => (m[%q](text) ?? []).map(c => c.name + " " + JSON.stringify(c.arguments)).join("; "));
  process.stdout.write(JSON.stringify(said), () => process.exit(0));
});`, module, name)
	cmd := exec.CommandContext(ctx, filepath.Join(i.Dir, "node_modules/.bin/node"), "-e", script)
	cmd.Stdin = bytes.NewReader(question)
	var problems bytes.Buffer
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("asking OpenClaw what it makes of texts: %w: %s", err, problems.Bytes())
	}
	var said []string
	if err := json.Unmarshal(out, &said); err != nil || len(said) != len(all) {
		return nil, errors.Join(errors.New("OpenClaw did not answer what it makes of texts"), err)
	}
	made := map[string]string{}
	for n, text := range all {
		made[text] = said[n]
	}
	return made, nil
}

// exported finds the module of a package that defines a function and the name
// under which it exports it: files and exports are named by hashes.
func exported(dir, function string) (module, name string, err error) {
	modules, err := filepath.Glob(filepath.Join(dir, "dist/*.mjs"))
	if err != nil {
		return "", "", err
	}
	slices.Sort(modules)
	as := regexp.MustCompile(`\b` + function + ` as (\w+)`)
	for _, m := range modules {
		text, err := os.ReadFile(m)
		if err != nil {
			return "", "", err
		}
		if !bytes.Contains(text, []byte("\nfunction "+function+"(")) {
			continue
		}
		if found := as.FindSubmatch(text); found != nil {
			return m, string(found[1]), nil
		}
	}
	return "", "", fmt.Errorf("this OpenClaw exports no %s: it makes calls of texts in another way", function)
}
