//go:build lab

package wall

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/openseawall/seawall/internal/guard/connect"
	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/lab/model"
	"github.com/openseawall/seawall/lab/netns"
	"github.com/openseawall/seawall/lab/openclaw"
	"github.com/openseawall/seawall/lab/seawall"
)

const (
	profileKey = "sk-ant-api03-LabLabLabLabLabLabLabLab0001" // in an auth profile
	variable   = "xai-LabLabLabLabLabLabLabLabLabLab0002"    // in the environment
)

// TestKeysElsewhere: an OpenClaw whose config has no provider and no key. One
// key is in an auth profile, as OpenClaw's own command puts it there, one only
// in the environment. The providers answer at their own names, inside.
func TestKeysElsewhere(t *testing.T) {
	t.Parallel()
	w := &wall{t: t, net: netns.New(t), state: filepath.Join(reachable(t), "state")}
	hosts := []string{"api.anthropic.com", "api.x.ai"}
	authority := w.serveAt(t, "160.79.104.10", hosts)
	w.home = openclaw.New(t, openclaw.Options{NetNS: w.net, UID: agentID, GID: agentID,
		Env: []string{"XAI_API_KEY=" + variable, "NODE_EXTRA_CA_CERTS=" + authority},
		Config: map[string]any{"agents": map[string]any{"defaults": map[string]any{"model": map[string]any{
			"primary": "anthropic/claude-sonnet-4-6", "fallbacks": []any{"xai/grok-4.3"}}}}},
	})
	w.paste(t, "anthropic", profileKey)
	var err error
	if w.agent, err = w.home.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.agent.Stop() })
	w.before = w.config(t)
	routes := []struct{ model, key string }{{"anthropic/claude-sonnet-4-6", profileKey}, {"xai/grok-4.3", variable}}
	for _, r := range routes {
		w.turn(t, r.model, r.key)
	}

	up := seawall.Command(t, "up", "--yes", "--openclaw", w.home.Config, "--state", w.state)
	up.Env = append(os.Environ(), "SSL_CERT_FILE="+authority)
	w.up = seawall.Start(t, w.net, up, "Protected.")
	w.awaitReload(1)
	for _, r := range routes {
		before := w.lastRow()
		w.turn(t, r.model, r.key)
		if rows := w.rows(before); len(rows) == 0 {
			t.Errorf("a turn of %s did not pass the door", r.model)
		}
	}
	if out, code := w.run("connect", "--yes", "--remove-copies", "--openclaw", w.home.Config); code != 0 || !strings.Contains(out, "The placeholder stands in 1 of them now.") {
		t.Errorf("exit %d:\n%s", code, out)
	}
	for name, row := range w.table(t) {
		if row.Standing != connect.Through {
			t.Errorf("%s: %+v", name, row)
		}
	}
	if key := w.table(t)["anthropic"].Key; key != "held by Seawall" {
		t.Errorf("the key in the auth profile is %s", key)
	}
	if places := w.table(t)["xai"].Places; len(places) != 1 || !strings.Contains(places[0], "until OpenClaw is restarted") {
		t.Errorf("the key in the environment is still in %q", places)
	}
	if now := w.stored(t); now == profileKey || !strings.HasPrefix(now, "sk-seawall-") {
		t.Error("the auth profile still has the key")
	}
	for _, r := range routes {
		before := w.lastRow()
		w.turn(t, r.model, r.key)
		if rows := w.rows(before); len(rows) == 0 {
			t.Errorf("with the copies gone, a turn of %s did not pass the door", r.model)
		}
	}

	w.up.Stop()
	if after := w.config(t); !bytes.Equal(after, w.before) {
		t.Errorf("openclaw.json is not what it was:\n%s", after)
	}
	if w.stored(t) != profileKey {
		t.Error("the auth profile has not its key back")
	}
	w.awaitReload(2)
	for _, r := range routes {
		w.turn(t, r.model, r.key)
	}
}

// serveAt serves one model for some hosts under their own names, and returns
// the file of the authority that vouches for it.
func (w *wall) serveAt(t *testing.T, address string, hosts []string) (authority string) {
	t.Helper()
	dir := reachable(t)
	names := filepath.Join(dir, "hosts")
	authority = filepath.Join(dir, "authority.pem")
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	cert := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "lab"}, DNSNames: hosts, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, cert, cert, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	for path, text := range map[string][]byte{
		authority: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		names:     []byte("127.0.0.1 localhost\n" + address + " " + strings.Join(hosts, " ") + "\n"),
	} {
		if err := os.WriteFile(path, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.net.Bind(names, "/etc/hosts"); err != nil {
		t.Fatal(err)
	}
	if err := w.net.IP("addr", "add", address+"/32", "dev", "lo"); err != nil {
		t.Fatal(err)
	}
	l, err := w.net.Listen(address + ":443")
	if err != nil {
		t.Fatal(err)
	}
	w.model = model.Serve(tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}), "", nil)
	t.Cleanup(func() { _ = w.model.Close() })
	return authority
}

// paste gives OpenClaw a key by its own command, as a person does.
func (w *wall) paste(t *testing.T, provider, key string) {
	t.Helper()
	bin := filepath.Join(w.home.Installed.Dir, "node_modules", ".bin")
	cmd := exec.Command(filepath.Join(bin, "node"), filepath.Join(w.home.Package(), "openclaw.mjs"), "models", "auth", "paste-api-key", "--provider", provider)
	cmd.Dir, cmd.Stdin = w.home.Dir, strings.NewReader(key+"\n")
	cmd.Env = []string{"HOME=" + w.home.Dir, "PATH=" + bin + ":/usr/bin:/bin", "TMPDIR=" + filepath.Join(w.home.Dir, "tmp"), "OPENCLAW_NO_RESPAWN=1", "OPENCLAW_OFFLINE=1"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: agentID, Gid: agentID}}
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := w.net.Run(cmd); err != nil {
		t.Fatalf("openclaw models auth: %v\n%s", err, said.Bytes())
	}
}

// turn has one model run a command, and wants its provider to have seen a key.
func (w *wall) turn(t *testing.T, ref, key string) {
	t.Helper()
	w.model.Play(model.Steps(model.Reply(model.Use("exec", `{"command":"true"}`)), model.Reply(model.Say("Done."))))
	s, err := w.agent.Session(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	say(t, s, "do it")
	requests := w.model.Requests()
	if len(requests) == 0 {
		t.Fatalf("%s: its provider was not asked", ref)
	}
	for _, r := range requests {
		shown := r.Header.Get("X-Api-Key") + strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		if shown != key || !strings.HasSuffix(ref, "/"+r.Model) {
			t.Errorf("%s: its provider was asked for %s, and shown another key (%d characters)", ref, r.Model, len(shown))
		}
	}
}

// table is what seawall connect --json lists, by route.
func (w *wall) table(t *testing.T) map[string]connect.Row {
	t.Helper()
	out, code := w.run("connect", "--json", "--openclaw", w.home.Config)
	var rows []connect.Row
	if err := json.Unmarshal([]byte(out), &rows); err != nil || code != 0 {
		t.Fatalf("exit %d, %v:\n%s", code, err, out)
	}
	byName := map[string]connect.Row{}
	for _, r := range rows {
		byName[r.Route] = r
	}
	return byName
}

// stored is the key in the auth profile that OpenClaw made.
func (w *wall) stored(t *testing.T) string {
	t.Helper()
	profiles, err := host.ReadAuthStore(t.Context(), filepath.Join(w.home.State, "state/openclaw.sqlite"))
	if err != nil || len(profiles) != 1 {
		t.Fatal(fmt.Sprintf("%d profiles", len(profiles)), err)
	}
	return profiles[0].Secret
}
