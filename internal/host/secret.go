package host

import (
	"bytes"
	stdjson "encoding/json"
	"path/filepath"
	"strings"
)

// What stands for a value that never leaves the reader: one that looks like a
// credential, and any other that is not empty.
const (
	MaskedSecret = "<secret>"
	MaskedValue  = "<set>"
)

// LooksSecret judges an environment variable by its name alone: it is set, and
// its name ends like those of credentials do, as in OPENAI_API_KEY.
func LooksSecret(name, value string) bool {
	if value == "" || value == MaskedValue {
		return false
	}
	if value == MaskedSecret {
		return true
	}
	name = strings.ToUpper(name)
	for _, public := range []string{"PUBLIC_KEY", "PUBKEY", "_KEY_FILE", "_TOKEN_FILE", "_SECRET_FILE", "_PASSWORD_FILE"} {
		if strings.HasSuffix(name, public) {
			return false
		}
	}
	for _, end := range []string{"KEY", "KEYS", "TOKEN", "TOKENS", "SECRET", "SECRETS", "PASSWORD", "PASSWD", "PASSPHRASE", "CREDENTIALS", "CREDENTIAL", "_PASS", "_PAT", "_PWD", "_AUTH"} {
		if strings.HasSuffix(name, end) {
			return true
		}
	}
	return false
}

// judged answers for masked values what the reader decided when it still saw
// them, and asks secret for others.
func judged(secret func(name, value string) bool, name, value string) bool {
	switch value {
	case "", MaskedValue:
		return false
	case MaskedSecret:
		return true
	}
	return secret(name, value)
}

func masked(secret func(name, value string) bool, name, value string) string {
	switch {
	case value == "":
		return ""
	case judged(secret, name, value):
		return MaskedSecret
	}
	return MaskedValue
}

// maskEnv masks the values of NAME=value entries.
func maskEnv(env []string, secret func(name, value string) bool) []string {
	out := make([]string, 0, len(env))
	for _, e := range env {
		name, value, ok := strings.Cut(e, "=")
		if !ok {
			out = append(out, name)
			continue
		}
		out = append(out, name+"="+masked(secret, name, value))
	}
	return out
}

// splitEnv returns the names of NAME=value entries, and which of them hold a credential.
func splitEnv(env []string, secret func(name, value string) bool) (names, secrets []string) {
	for _, e := range env {
		name, value, _ := strings.Cut(e, "=")
		if name == "" {
			continue
		}
		names = append(names, name)
		if judged(secret, name, value) {
			secrets = append(secrets, name)
		}
	}
	return names, secrets
}

// maskEngine masks every "Env" list in an answer of the Docker Engine.
func maskEngine(body []byte, secret func(name, value string) bool) ([]byte, error) {
	if !bytes.Contains(body, []byte(`"Env"`)) {
		if !stdjson.Valid(body) {
			var any any
			return nil, stdjson.Unmarshal(body, &any)
		}
		return body, nil
	}
	dec := stdjson.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var doc any
	if err := dec.Decode(&doc); err != nil {
		return nil, err
	}
	maskEnvIn(doc, secret)
	var out bytes.Buffer
	enc := stdjson.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	err := enc.Encode(doc)
	return out.Bytes(), err
}

func maskEnvIn(node any, secret func(name, value string) bool) {
	switch node := node.(type) {
	case []any:
		for _, v := range node {
			maskEnvIn(v, secret)
		}
	case map[string]any:
		for key, v := range node {
			list, ok := v.([]any)
			if key != "Env" || !ok {
				maskEnvIn(v, secret)
				continue
			}
			for i, e := range list {
				if s, ok := e.(string); ok {
					list[i] = maskEnv([]string{s}, secret)[0]
				}
			}
		}
	}
}

// maskFile takes the hashes out of the shadow files.
func maskFile(path string, b []byte) []byte {
	switch filepath.Clean(path) {
	case "/etc/shadow", "/etc/gshadow", "/etc/shadow-", "/etc/gshadow-":
	default:
		return b
	}
	lines := strings.Split(string(b), "\n")
	for i, line := range lines {
		fields := strings.Split(line, ":")
		if len(fields) < 2 {
			continue
		}
		lock := ""
		hash := fields[1]
		for strings.HasPrefix(hash, "!") {
			lock, hash = lock+"!", hash[1:]
		}
		if hash != "" && hash != "*" {
			hash = MaskedValue
		}
		fields[1] = lock + hash
		lines[i] = strings.Join(fields, ":")
	}
	return []byte(strings.Join(lines, "\n"))
}
