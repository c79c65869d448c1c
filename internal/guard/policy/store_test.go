package policy

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestStoreShipsThenKeepsTheOperators(t *testing.T) {
	path := filepath.Join(t.TempDir(), "policy.cedar")
	s, err := OpenStore(path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the shipped policy has mode %v (%v), want 0600", info.Mode(), err)
	}
	if s.Decide(call("download-execute")).Verdict != Deny {
		t.Error("the shipped policy does not decide")
	}
	const own = "permit (principal, action, resource);"
	write(t, path, own)
	if _, err := OpenStore(path); err != nil {
		t.Fatal(err)
	}
	if text, _ := os.ReadFile(path); string(text) != own {
		t.Error("opening overwrote the operator's policy")
	}
	left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".policy-*"))
	if len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestStoreReload(t *testing.T) {
	dir := t.TempDir()
	path, local := filepath.Join(dir, "policy.cedar"), filepath.Join(dir, "local.cedar")
	s, err := OpenStore(path)
	if err != nil {
		t.Fatal(err)
	}
	first := s.Version()
	if changed, err := s.Reload(); changed || err != nil {
		t.Errorf("nothing changed: %v, %v", changed, err)
	}

	write(t, local, `@name("mine") @reason("I said so") forbid (principal, action, resource == Tool::"exec");`)
	if changed, err := s.Reload(); !changed || err != nil {
		t.Fatalf("a good change: %v, %v", changed, err)
	}
	if d := s.Decide(call()); d.Verdict != Deny || d.Reasons[0] != (Reason{"mine", "I said so", ""}) {
		t.Errorf("the local rule does not decide: %+v", d)
	}
	second := s.Version()

	write(t, local, `@name("mine") forbid (principal, action, resource) when { context.nonsense };`)
	changed, err := s.Reload()
	if changed || err == nil || !strings.Contains(err.Error(), "local.cedar, line 1") || !strings.Contains(err.Error(), second) {
		t.Errorf("a bad change: %v, %v", changed, err)
	}
	if s.Version() != second || s.Decide(call()).Verdict != Deny || s.Problem() == "" {
		t.Error("the last good policy did not stay, loudly")
	}

	write(t, local, `@name("guard") forbid (principal, action, resource);`)
	if _, err := s.Reload(); err == nil || !strings.Contains(err.Error(), "used twice") {
		t.Errorf("a local rule took a shipped name: %v", err)
	}

	if err := os.Remove(local); err != nil {
		t.Fatal(err)
	}
	if changed, err := s.Reload(); !changed || err != nil || s.Version() != first || s.Problem() != "" {
		t.Errorf("back to the first: %v, %v, %s", changed, err, s.Version())
	}

	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Reload(); err == nil || s.Version() != first {
		t.Errorf("a removed file must not change the policy: %v", err)
	}
}

func TestStoreRefusesToStartBroken(t *testing.T) {
	path := filepath.Join(t.TempDir(), "policy.cedar")
	write(t, path, "forbid everything!")
	if _, err := OpenStore(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v, want one that names the file", err)
	}
}

func TestStoreConcurrent(t *testing.T) {
	path := filepath.Join(t.TempDir(), "policy.cedar")
	s, err := OpenStore(path)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 50 {
				if s.Decide(call("guard")).Err != nil {
					t.Error("a decision failed during a reload")
				}
			}
		})
		wg.Go(func() {
			if _, err := s.Reload(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}
