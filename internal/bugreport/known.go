package bugreport

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/dotenv"

	"github.com/openseawall/seawall/internal/detect"
	"github.com/openseawall/seawall/internal/guard/door/hook"
	"github.com/openseawall/seawall/internal/guard/door/model"
	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/openclaw"
	"github.com/openseawall/seawall/internal/posture"
	"github.com/openseawall/seawall/internal/state"
	"github.com/openseawall/seawall/internal/vault"
)

// secrets are the values that may be nowhere in a report.
type secrets map[string]bool

// shortest is the length below which a value is no secret but a word.
const shortest = 8

func (k secrets) add(values ...string) {
	for _, v := range values {
		if v = strings.TrimSpace(v); len(v) >= shortest && !strings.HasPrefix(v, "${") {
			k[v] = true
		}
	}
}

// taken is what stands for a known secret.
const taken = "<secret>"

// take takes the secrets out of a text, also as JSON, URLs and HTTP's Basic
// write them.
func (k secrets) take(text []byte) []byte {
	var forms []string
	for v := range k {
		quoted, _ := json.Marshal(v)
		forms = append(forms, v, strings.Trim(string(quoted), `"`), url.QueryEscape(v), url.PathEscape(v), base64.StdEncoding.EncodeToString([]byte(v)))
	}
	// The longest first: one may begin with another.
	slices.SortFunc(forms, func(a, b string) int { return len(b) - len(a) })
	for _, form := range slices.Compact(forms) {
		text = bytes.ReplaceAll(text, []byte(form), []byte(taken))
	}
	return text
}

// known gathers the secrets that Seawall holds and that OpenClaw has.
func known(ctx context.Context, s Subject, f *posture.Facts) secrets {
	k := secrets{}
	if s.Dir != nil {
		k.ofState(s.Dir)
	}
	for _, in := range f.OpenClaw.Value {
		k.ofOpenClaw(ctx, s.Host, in)
	}
	return k
}

func (k secrets) ofState(dir *state.Dir) {
	if keys, err := vault.Open(dir); err == nil {
		k.add(keys.Values()...)
	}
	if routes, err := model.LoadRoutes(dir); err == nil {
		for _, r := range routes {
			k.add(r.Token)
			k.ofURL(r.Upstream)
		}
	}
	if agents, err := hook.LoadAgents(dir); err == nil {
		for _, a := range agents {
			k.add(a.Token)
		}
	}
	// The keys that Seawall signs and marks with, and the journal of what it took
	// out of configs.
	for _, name := range []string{"ledger.key", "mark.key", "login"} {
		if content, err := dir.Read(name); err == nil {
			k.add(string(content))
		}
	}
	if content, _, err := dir.ReadJournal(state.Journal); err == nil {
		var journal any
		if json.Unmarshal(content, &journal) == nil {
			k.ofSettings("", journal)
		}
	}
}

// ofURL adds the password in an address.
func (k secrets) ofURL(address string) {
	if u, err := url.Parse(address); err == nil {
		if password, ok := u.User.Password(); ok {
			k.add(password)
		}
	}
}

// ofSettings adds every text below a key that names a credential, or that a
// detector knows.
func (k secrets) ofSettings(key string, value any) {
	switch value := value.(type) {
	case map[string]any:
		for name, v := range value {
			k.ofSettings(name, v)
		}
	case []any:
		for _, v := range value {
			k.ofSettings(key, v)
		}
	case string:
		k.ofURL(value)
		if host.LooksSecret(snake(key), value) {
			k.add(value)
		}
		for _, f := range detect.Secrets(value) {
			k.add(value[f.Start:f.End])
		}
	}
}

var hump = regexp.MustCompile(`([a-z0-9])([A-Z])`)

// snake makes the name of a setting one as variables have it: botToken is
// BOT_TOKEN.
func snake(name string) string {
	return strings.ToUpper(hump.ReplaceAllString(name, "${1}_$2"))
}

func (k secrets) ofOpenClaw(ctx context.Context, h host.Host, in openclaw.Install) {
	if in.Config != nil {
		if all, ok := in.Config.At(); ok {
			k.ofSettings("", all)
		}
		for _, r := range in.Routes() {
			openclaw.Reveal(ctx, h, in, &r)
			k.add(r.Key.Value)
			k.ofURL(r.BaseURL)
		}
	}
	files := slices.Clone(in.EnvironmentFiles)
	for _, f := range in.Files {
		if f.Kind == "env" {
			files = append(files, f.Path)
		}
	}
	for _, path := range files {
		text, err := h.ReadFile(ctx, path)
		if err != nil {
			continue
		}
		if env, err := dotenv.UnmarshalBytesWithLookup(text, func(string) (string, bool) { return "", false }); err == nil {
			for name, value := range env {
				k.ofSettings(name, value)
			}
		}
	}
	for _, c := range in.Credentials {
		if strings.HasSuffix(c.Place, ".sqlite") {
			profiles, _ := host.ReadAuthStore(ctx, c.Place)
			for _, p := range profiles {
				k.add(p.Secret)
			}
		}
	}
	if in.Process != nil {
		if text, err := h.ReadFile(ctx, fmt.Sprintf("/proc/%d/environ", in.Process.PID)); err == nil {
			for _, entry := range strings.Split(string(text), "\x00") {
				name, value, _ := strings.Cut(entry, "=")
				k.ofSettings(name, value)
			}
		}
	}
}
