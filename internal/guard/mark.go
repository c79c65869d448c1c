package guard

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"path"
	"regexp"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/openseawall/seawall/internal/detect"
)

// mark is what stands in a text where a secret was. The same secret has the
// same mark in every turn, so that a provider's prompt cache holds; the key
// makes it say nothing about the secret.
func (g *Guard) mark(f detect.Finding, secret string) string {
	h := hmac.New(sha256.New, g.markKey)
	h.Write([]byte(secret))
	return "[secret " + f.Rule + " " + hex.EncodeToString(h.Sum(nil)[:4]) + "]"
}

// marks finds what mark makes, and the rule in it.
var marks = regexp.MustCompile(`\[secret ([a-z0-9-]+) [0-9a-f]{8}\]`)

// marked returns the rules of the marks that stand in a text.
func marked(text string) (rules []string) {
	for _, m := range marks.FindAllStringSubmatch(text, -1) {
		rules = append(rules, m[1])
	}
	return rules
}

// Restore puts secrets back where their marks stand in the JSON arguments of a
// call: what the model was not shown, it can still keep. It returns "" when
// there is nothing to put back, or the arguments are no JSON.
func Restore(args string, secrets map[string]string) string {
	if len(secrets) == 0 || !strings.Contains(args, "[secret ") {
		return ""
	}
	restored, err := refill(args, secrets)
	if err != nil || restored == args {
		return ""
	}
	return restored
}

// encoded are the arguments that OpenClaw also takes as JSON text: a secret in
// them is quoted twice.
var encoded = map[string]bool{"args": true, "edits": true}

// refill replaces the marks in the strings of a JSON text; all else stays as it
// is written.
func refill(text string, secrets map[string]string) (string, error) {
	var out strings.Builder
	d := jsontext.NewDecoder(strings.NewReader(text))
	last := 0
	for {
		switch d.PeekKind() {
		case '"':
		default:
			if _, err := d.ReadToken(); errors.Is(err, io.EOF) {
				return out.String() + text[last:], nil
			} else if err != nil {
				return "", err
			}
			continue
		}
		kind, n := d.StackIndex(d.StackDepth())
		name := kind == '{' && n%2 == 0
		raw, err := d.ReadValue()
		if err != nil {
			return "", err
		}
		if name || !strings.Contains(string(raw), "[secret ") {
			continue
		}
		plain, err := jsontext.AppendUnquote(nil, raw)
		if err != nil {
			return "", err
		}
		filled := fill(string(plain), secrets)
		if kind == '{' && encoded[d.StackPointer().LastToken()] {
			if inner, err := refill(string(plain), secrets); err == nil {
				filled = inner
			}
		}
		quoted, err := jsontext.AppendQuote(nil, filled)
		if err != nil {
			return "", err
		}
		end := int(d.InputOffset())
		out.WriteString(text[last : end-len(raw)])
		out.Write(quoted)
		last = end
	}
}

// fill replaces the marks that are known in one text, each once: a secret is
// never looked at for others.
func fill(text string, secrets map[string]string) string {
	return marks.ReplaceAllStringFunc(text, func(mark string) string {
		if secret, ok := secrets[mark]; ok {
			return secret
		}
		return mark
	})
}

// within reports whether all of some paths, as a call names them, are in a
// folder. OpenClaw resolves relative ones against it.
func within(folder string, paths []string) bool {
	for _, p := range paths {
		if strings.HasPrefix(p, "~") || strings.ContainsAny(p, "$*?\x00") {
			return false
		}
		if rel, ok := strings.CutPrefix(path.Clean(p), path.Clean(folder)+"/"); ok && path.IsAbs(folder) {
			p = rel
		}
		if p = path.Clean(p); path.IsAbs(p) || p == ".." || strings.HasPrefix(p, "../") {
			return false
		}
	}
	return len(paths) > 0
}
