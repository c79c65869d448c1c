package guard

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"

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

// Restore puts secrets back where their marks stand in the JSON arguments of a
// call that writes a local file: what the model was not shown, it can still
// keep. It returns "" when there is nothing to put back.
func Restore(args string, secrets map[string]string) string {
	restored := args
	for mark, secret := range secrets {
		if strings.Contains(restored, mark) {
			quoted, err := json.Marshal(secret)
			if err != nil {
				return ""
			}
			restored = strings.ReplaceAll(restored, mark, string(quoted[1:len(quoted)-1]))
		}
	}
	if restored == args {
		return ""
	}
	return restored
}
