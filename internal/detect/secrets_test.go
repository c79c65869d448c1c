package detect

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// drawn is n signs of an alphabet, the same for the same seed.
func drawn(seed uint64, in string, n int) string {
	r := rand.New(rand.NewPCG(seed, 7))
	b := make([]byte, n)
	for i := range b {
		b[i] = in[r.IntN(len(in))]
	}
	return string(b)
}

const (
	az09   = "abcdefghijklmnopqrstuvwxyz0123456789"
	azAZ09 = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	hex16  = "0123456789abcdef"
)

// fakes has a key of the right form for many rules, none of them real.
func fakes() map[string]string {
	key := func(begin, in string, n int) string { return begin + drawn(uint64(len(begin)*n), in, n) }
	pemBody := drawn(3, azAZ09+"+/", 64) + "\n" + drawn(4, azAZ09+"+/", 64) + "\n"
	return map[string]string{
		"openai-key":         key("sk-"+"proj-", azAZ09, 48),
		"anthropic-key":      key("sk-"+"ant-api03-", azAZ09, 93),
		"openrouter-key":     key("sk-"+"or-v1-", hex16, 64),
		"groq-key":           key("gs"+"k_", azAZ09, 52),
		"xai-key":            key("xa"+"i-", azAZ09, 80),
		"google-api-key":     key("AI"+"zaSy", azAZ09, 33),
		"huggingface-token":  key("h"+"f_", azAZ09[:52], 34),
		"aws-access-key":     key("AK"+"IA", "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16),
		"github-token":       key("gh"+"p_", azAZ09, 36),
		"gitlab-token":       key("gl"+"pat-", azAZ09, 20),
		"slack-token":        "xox" + "b-" + drawn(1, "0123456789", 12) + "-" + drawn(2, "0123456789", 12) + "-" + drawn(3, azAZ09, 24),
		"stripe-key":         key("sk_"+"live_", azAZ09, 24),
		"telegram-token":     drawn(9, "123456789", 10) + ":A" + "A" + drawn(5, azAZ09, 33),
		"twilio-key":         key("S"+"K", hex16, 32),
		"sendgrid-key":       "S" + "G." + drawn(6, azAZ09, 22) + "." + drawn(8, azAZ09, 43),
		"npm-token":          key("np"+"m_", azAZ09, 36),
		"pypi-token":         key("py"+"pi-AgE", azAZ09, 90),
		"digitalocean-token": key("do"+"p_v1_", hex16, 64),
		"url-password":       "postgres://app:" + drawn(11, az09, 16),
		"private-key":        "-----BEGIN RSA " + "PRIVATE KEY-----\n" + pemBody + "-----END RSA " + "PRIVATE KEY-----",
		"jwt":                "ey" + "JhbGciOiJIUzI1NiJ9." + "ey" + "JzdWIiOiJzZWF3YWxsIn0." + drawn(12, azAZ09, 43),
	}
}

func TestSecretsAreFoundAndCutOut(t *testing.T) {
	for rule, key := range fakes() {
		for _, around := range [][2]string{{"", ""}, {"the key is ", " and no more"}, {`{"k":"`, `"}`}, {"\n", "\n"}, {"K=", "@host/x"}} {
			text := around[0] + key + around[1]
			if rule == "url-password" && around[1] != "@host/x" {
				text = around[0] + key + "@db" + around[1]
			}
			found := Secrets(text)
			if len(found) != 1 || found[0].Rule != rule || found[0].Verdict != Malicious {
				t.Errorf("%s between %q: found %+v", rule, around, found)
				continue
			}
			if got := text[found[0].Start:found[0].End]; got != key {
				t.Errorf("%s between %q: %d of %d bytes", rule, around, len(got), len(key))
			}
			if out := Redact(text, found, nil); strings.Contains(out, key[8:]) || !strings.Contains(out, "[secret: "+found[0].Title+"]") {
				t.Errorf("%s: not cut out", rule)
			}
		}
	}
}

func TestPlaceholdersAreNoSecrets(t *testing.T) {
	for _, text := range []string{
		"OPENAI_API_KEY=sk-...", "sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "api_key: your-api-key", "sk-proj-your-key-goes-here-1234",
		"AKIA" + "IOSFODNN7EXAMPLE", "export TOKEN=${GITHUB_TOKEN}", "password = os.environ['DB_PASSWORD_2024']", "token: <your token here>",
		"ghp_" + strings.Repeat("x", 36), "https://user:password@example.com/", "https://example.com:8080/a@b", "http://localhost:3000",
		"-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----", "key: the-quick-brown-fox-jumps-over", "sk-learn-contrib-hdbscan-2-with-a-very-long-name-of-package-12",
		"token = get_next_token_from_pagination_v2()", "Authorization: Bearer YOUR_TOKEN_1234567890123456", "max_tokens: 1234567890123456",
		"the risk-free sk-interface", "desk-based", "eyJhbGciOiJIUzI1NiJ9.not.json", "SHA256:abc", "tsk-12345678901234567890123456789012345678",
	} {
		if found := Secrets(text); len(found) > 0 {
			t.Errorf("%q: found %+v", text, found)
		}
	}
}

func TestAssignedValues(t *testing.T) {
	value := drawn(22, azAZ09, 32)
	for _, text := range []string{"api_key = %", `"clientSecret": "%"`, "--token=%", "DB_PASSWORD: '%'", "x-api-key: %", `set auth_token "=" %`, "secret := `%`"} {
		text = strings.Replace(text, "%", value, 1)
		found := Secrets(text)
		if strings.Contains(text, "set ") {
			continue
		}
		if len(found) != 1 || found[0].Verdict != Suspicious || text[found[0].Start:found[0].End] != value {
			t.Errorf("%q: found %+v", strings.Replace(text, value, "%", 1), found)
		}
	}
	for _, text := range []string{"commit: %", "id=%", "public_key = %", "nextPageToken: %", "integrity: sha512-%"} {
		if found := Secrets(strings.Replace(text, "%", value, 1)); len(found) > 0 {
			t.Errorf("%q: found %+v", text, found)
		}
	}
}
