package detect

import "strings"

// assigned finds values that stand behind the name of a secret, in any
// language that writes = or : between the two: api_key = "…", "token": "…",
// --password=…, DB_PASSWD: …. The value has to look as if drawn at random.
func assigned(text string) []Finding {
	var all []Finding
	reach := 0   // how far values were read
	reached := 0 // and found to be secrets
	equals, colon := place(text, '=', 0), place(text, ':', 0)
	for i := min(equals, colon); i < len(text); i = min(equals, colon) {
		if i == equals {
			equals = place(text, '=', i+1)
		} else {
			colon = place(text, ':', i+1)
		}
		if i < reached || i+1 < len(text) && (text[i+1] == '=' || text[i+1] == ':') {
			continue
		}
		start, end := value(text, i+1, reach)
		reach = max(reach, end)
		if end-start < 12 {
			continue
		}
		if name := nameBefore(text, i); secretName(name) && secretValue(text[start:end], name) {
			all = append(all, Finding{Kind: Secret, Rule: "assigned-secret", Title: "the value of " + kindOf(name), Start: start, End: end, Verdict: Suspicious})
			reached = end
		}
	}
	return all
}

var (
	valueText = letters("a-zA-Z0-9+/=_.~!@#%^&*-")
	nameText  = letters("a-zA-Z0-9_.-")
)

// place is the next c at or after i, or the end of text.
func place(text string, c byte, i int) int {
	if n := strings.IndexByte(text[i:], c); n >= 0 {
		return i + n
	}
	return len(text)
}

// mostValue is how much of a value is read, in bytes.
const mostValue = 256

// value is what is assigned by the sign before i: past the rest of := and =>,
// blanks and a quotation mark. Up to reach the text is known to be one value.
func value(text string, i, reach int) (start, end int) {
	limit := min(len(text), i+6)
	for i < limit && strings.IndexByte("=>: \t\"'`\\", text[i]) >= 0 {
		i++
	}
	start = i
	i = max(i, min(reach, start+mostValue))
	for i < len(text) && i-start < mostValue && valueText[text[i]] {
		i++
	}
	return start, i
}

// nameBefore is the name that stands before the sign at i, in lower case, without its
// quotation marks.
func nameBefore(text string, i int) string {
	for n := 0; n < 4 && i > 0 && strings.IndexByte(" \t\"'`\\?:]", text[i-1]) >= 0; n++ {
		i--
	}
	start := i
	for start > 0 && i-start < 64 && nameText[text[start-1]] {
		start--
	}
	return strings.ToLower(text[start:i])
}

var joined = strings.NewReplacer("-", "", "_", "", ".", "")

// secretName reports whether a name, in lower case, is one that a secret gets.
func secretName(name string) bool {
	name = joined.Replace(name)
	for _, end := range []string{"secret", "token", "password", "passwd", "passphrase", "pwd", "credential", "credentials", "apikey", "accesskey", "secretkey", "privatekey", "authkey", "signingkey", "encryptionkey", "masterkey", "accountkey", "licensekey", "clientsecret", "authtoken", "key", "pass", "auth", "accessid"} {
		if !strings.HasSuffix(name, end) {
			continue
		}
		for _, public := range []string{"publickey", "pubkey", "primarykey", "foreignkey", "cachekey", "sortkey", "partitionkey", "hotkey", "monkey", "sitekey", "nexttoken", "pagetoken", "pagekey", "continuationtoken", "maxtoken", "stoptoken", "compass", "bypass", "idempotencykey", "s3key", "objectkey", "routingkey"} {
			if strings.HasSuffix(name, public) {
				return false
			}
		}
		return true
	}
	return false
}

// secretValue reports whether a value looks drawn at random, as keys are, or
// mixed, as good passwords are.
func secretValue(v, name string) bool {
	if placeholder(v) || wordy(v) || strings.Contains(v, "://") || strings.Count(v, ".") > 4 || strings.HasPrefix(v, "/") || strings.HasPrefix(v, "./") || strings.HasPrefix(v, "-") {
		return false
	}
	if strings.Contains(name, "pass") || strings.Contains(name, "pwd") {
		return digits(v) > 0 && entropy(v) > 3
	}
	return len(v) >= 16 && digits(v) >= 3 && entropy(v) >= 3 && !spoken(v)
}

// spoken reports whether a value is made of names: process.env.KEY_2,
// get_token_v2, 2024-01-02T03:04.
func spoken(v string) bool {
	parts := strings.FieldsFunc(v, func(r rune) bool { return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9') })
	named := 0
	for _, p := range parts {
		if d := digits(p); d == 0 || d == len(p) || d <= 2 && wordy(strings.TrimRight(p, "0123456789")) {
			named += len(p)
		}
	}
	return len(parts) > 1 && named*4 > len(v)*3
}

// kindOf names a secret for a person by the name it has.
func kindOf(name string) string {
	switch {
	case strings.Contains(name, "pass"), strings.Contains(name, "pwd"):
		return "a password"
	case strings.Contains(name, "token"):
		return "a token"
	case strings.Contains(name, "key"):
		return "a key"
	}
	return "a secret"
}
