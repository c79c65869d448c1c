//go:build lab

package openclaw

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	lab "github.com/openseawall/seawall/lab/openclaw"
)

// realOpenClaw runs a command of the lab's OpenClaw, with an empty home that holds one config.
func realOpenClaw(t *testing.T, config []byte, args ...string) string {
	t.Helper()
	dir := lab.Dir(t)
	home := t.TempDir()
	state := filepath.Join(home, ".openclaw")
	if err := os.MkdirAll(state, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(state, "openclaw.json"), config, 0o600); err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(dir, "node_modules/.bin")
	cmd := exec.Command(filepath.Join(bin, "node"), append([]string{filepath.Join(dir, "node_modules/openclaw/openclaw.mjs")}, args...)...)
	cmd.Env = []string{"HOME=" + home, "PATH=" + bin + ":/usr/bin:/bin", "NO_COLOR=1", "MINE_KEY=sk-mine-0123456789"}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("openclaw %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// valid is a config that OpenClaw accepts, in every key form that the door
// meets.
const valid = `// JSON5
{
  gateway: { mode: 'local', port: 18789, bind: 'loopback', auth: { mode: 'token', token: 'tok-0123456789abcdef0123456789abcdef' } },
  agents: { defaults: { model: { primary: 'lab/fake-1', fallbacks: ['anthropic/claude-opus-4-6', 'openai/gpt-6-astra'] } } },
  secrets: { providers: { keys: { source: 'file', path: '/nonexistent/llm.key', mode: 'singleValue' } } },
  models: { mode: 'merge', providers: {
    lab: { baseUrl: 'http://127.0.0.1:9999/v1', apiKey: 'sk-lab-0123456789abcdef', api: 'openai-completions', models: [
      { id: 'fake-1', name: 'Fake', reasoning: false, input: ['text'], cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 }, contextWindow: 128000, maxTokens: 4096 },
      { id: 'far', name: 'Far', baseUrl: 'http://127.0.0.1:9998/v1' },
    ] },
    resp: { baseUrl: 'http://127.0.0.1:9999/v1', apiKey: 'sk-resp-0123456789abcdef', api: 'openai-responses', models: [{ id: 'r', name: 'R' }] },
    mess: { baseUrl: 'http://127.0.0.1:9999', apiKey: '${MINE_KEY}', api: 'anthropic-messages', headers: { 'X-Org': 'o' }, models: [{ id: 'm', name: 'M' }] },
    ref: { baseUrl: 'http://127.0.0.1:9999/v1', apiKey: { source: 'env', provider: 'default', id: 'MINE_KEY' }, models: [{ id: 'q', name: 'Q' }] },
    bearer: { baseUrl: 'http://127.0.0.1:9999/v1', request: { auth: { mode: 'authorization-bearer', token: 't-0123456789abcdef' } }, models: [{ id: 'b', name: 'B' }] },
  } },
  update: { checkOnStart: false },
}
`

func TestOpenClawAcceptsConnectedConfigs(t *testing.T) {
	if out := realOpenClaw(t, []byte(valid), "config", "validate"); !strings.Contains(out, "Config valid") {
		t.Fatalf("the config before: %s", out)
	}
	c := mustParse(t, valid)
	everything := func(r Route) (string, string) {
		base, _ := door(r)
		return base, "sk-seawall-" + r.ID + "-0123456789abcdef" // whatever form the key had
	}
	for name, d := range map[string]Door{"readable keys": door, "all keys": everything} {
		done, err := c.Connect(d)
		if err != nil {
			t.Fatal(err)
		}
		if out := realOpenClaw(t, done.Files[""], "config", "validate"); !strings.Contains(out, "Config valid") {
			t.Errorf("%s: %s\n%s", name, out, Diff("openclaw.json", []byte(valid), done.Files[""]))
		}
	}
}

// A text that we take for a config and OpenClaw does not, or reads
// differently, would be edited wrongly. To refuse more than it does is safe.
func TestOpenClawReadsAsWeDo(t *testing.T) {
	dir := lab.Dir(t)
	script := `const j=require(process.argv[1]);let s=require('fs').readFileSync(0,'utf8');let v;try{try{v=JSON.parse(s)}catch{v=j.parse(s)};process.stdout.write('ok '+JSON.stringify(v))}catch(e){process.stdout.write('no')}`
	cases := append([]string{everythingASCII, "{a: 010}", "{a: 1n}", "{a:(1)}", "{a: +.5e1, b: 5., c: 0xfF, d: -0x1}", "{a: 1, a: 2}", `{"__proto__": 1}`,
		"{a: 'x\\\ny'}", "{a: '\\x41\\u0042\\0'}", "{a: '\\a\\'}", "{a\u00a0: 1}", "{$: 1, _b: 2}", "{\\u0061: 1}", "{a: .}", "{a: - 1}", "{a: '\u2028'}", "// only", "{a: 1}/**/", "{a: 1} //", "{,}", "[1,]", "{a: 0.}", "{a: 1e}", "{a:\u0085 1}"}, texts...)
	for _, text := range cases {
		cmd := exec.Command(filepath.Join(dir, "node_modules/.bin/node"), "-e", script, filepath.Join(dir, "node_modules/json5"))
		cmd.Stdin = strings.NewReader(text)
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		theirs, accepted := strings.CutPrefix(string(out), "ok ")
		c, err := ParseConfig([]byte(text))
		switch {
		case err == nil && !accepted:
			t.Errorf("we read %q and OpenClaw does not", text)
		case err == nil:
			whole, _ := c.Get("")
			want := mustParse(t, theirs)
			other, _ := want.Get("")
			if sprint(whole) != sprint(other) {
				t.Errorf("%q: we read %v, OpenClaw %v", text, whole, other)
			}
		case accepted && strings.HasPrefix(theirs, "{"):
			t.Logf("OpenClaw reads %q and we refuse it: %v", text, err)
		}
	}
}

const everythingASCII = "{ a: 'it\\'s', \"b\": [1, 2, ], /* c */ c: { d: true, e: null, }, }"
