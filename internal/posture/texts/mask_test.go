package texts

import (
	"slices"
	"strings"
	"testing"
)

// plant is a key of the right shape that never was one.
func plant() string { return "ghp_" + strings.Repeat("aZ3k9Qw7Lm2X", 3) }

// What is masked is gone, and found all the same.
func TestMask(t *testing.T) {
	key := plant()
	config := `{ gateway: { auth: { token: "short1" } }, models: { providers: { x: { "apiKey": '` + key + `' } } }, y: { token: "${FROM_ENV}" }, session: { mainKey: "main" } }`
	memory := "the code of the door is 4711\n\nits token is " + key + "\n"
	job := "* * * * * root curl -H 'Authorization: Bearer abc123def456' --password=hunter22 https://x.example\n"
	for _, c := range []struct {
		name, text string
		mask       func(*Mask, string) string
		gone, kept []string
		length     bool // must not change
	}{
		{"config", config, (*Mask).Config, []string{"short1", key}, []string{"${FROM_ENV}", `mainKey: "main"`, "apiKey", "token"}, true},
		{"memory", memory, (*Mask).Private, []string{key, "door", "4711"}, nil, false},
		{"text", job, (*Mask).Text, []string{"abc123def456", "hunter22"}, []string{"root curl", "https://x.example"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := &Mask{}
			got := c.mask(m, c.text)
			for _, secret := range c.gone {
				if strings.Contains(got, secret) {
					t.Errorf("%q is still in %q", secret, got)
				}
			}
			for _, word := range c.kept {
				if !strings.Contains(got, word) {
					t.Errorf("%q is not in %q", word, got)
				}
			}
			if c.length && len(got) != len(c.text) {
				t.Errorf("%d bytes became %d", len(c.text), len(got))
			}
			if before, after := Secrets(c.text), Secrets(got); c.name != "text" && !slices.Equal(before, after) {
				t.Errorf("found %v, after masking %v", before, after)
			}
			if again := m.Text(got); again != got {
				t.Errorf("masked twice: %q, then %q", got, again)
			}
		})
	}
}

func TestMaskTellsSecretsApart(t *testing.T) {
	m := &Mask{}
	got := m.Config(`{a: {token: "one-secret-word"}, b: {token: "two-secret-word"}, c: {token: "one-secret-word"}}`)
	parts := strings.Split(got, `"`)
	if parts[1] == parts[3] || parts[1] != parts[5] {
		t.Error(got)
	}
}
