//go:build lab

package host

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A stranger's link does not make root read someone else's file.
func TestLabStrangersLink(t *testing.T) {
	dir := t.TempDir()
	secret, link := filepath.Join(dir, "secret"), filepath.Join(dir, "authorized_keys")
	if err := os.WriteFile(secret, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(secret, link); err != nil {
		t.Fatal(err)
	}
	if err := os.Lchown(link, 65534, 65534); err != nil {
		t.Fatal(err)
	}
	if _, err := Live().ReadFile(t.Context(), link); err == nil || !strings.Contains(err.Error(), "link of uid 65534") {
		t.Errorf("the link was followed: %v", err)
	}
	if err := os.Chown(secret, 65534, 65534); err != nil {
		t.Fatal(err)
	}
	if b, err := Live().ReadFile(t.Context(), link); err != nil || string(b) != "x" {
		t.Errorf("a link to the owner's own file: %q, %v", b, err)
	}
}
