package firewall

import (
	"strings"

	"github.com/openseawall/seawall/internal/posture"
)

// JailPath is Seawall's drop-in for fail2ban.
const JailPath = "/etc/fail2ban/jail.d/seawall.local"

// Ignored are the addresses that fail2ban must not ban, as ignoreip lists them:
// this machine, and its operators.
func Ignored(f *posture.Facts) string {
	words := []string{"127.0.0.1/8", "::1"}
	for _, p := range (machine{Facts: f}).operators() {
		words = append(words, written(p))
	}
	return strings.Join(words, " ")
}
