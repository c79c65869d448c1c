package detect

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/google/osv-scalibr/veles"
	"github.com/google/osv-scalibr/veles/secrets/anthropicapikey"
	"github.com/google/osv-scalibr/veles/secrets/digitaloceanapikey"
	"github.com/google/osv-scalibr/veles/secrets/gcpapikey"
	"github.com/google/osv-scalibr/veles/secrets/gitlabpat"
	"github.com/google/osv-scalibr/veles/secrets/grokxaiapikey"
	"github.com/google/osv-scalibr/veles/secrets/huggingfaceapikey"
	"github.com/google/osv-scalibr/veles/secrets/npmjsaccesstoken"
	"github.com/google/osv-scalibr/veles/secrets/openai"
	"github.com/google/osv-scalibr/veles/secrets/openrouter"
	"github.com/google/osv-scalibr/veles/secrets/perplexityapikey"
	"github.com/google/osv-scalibr/veles/secrets/privatekey"
	"github.com/google/osv-scalibr/veles/secrets/pypiapitoken"
	"github.com/google/osv-scalibr/veles/secrets/sendgrid"
	"github.com/google/osv-scalibr/veles/secrets/slacktoken"
	"github.com/google/osv-scalibr/veles/secrets/stripeapikeys"
)

// newKey is a private key of this moment.
func newKey(t *testing.T) string {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})))
}

// TestNoLessThanVeles holds the vendors' shapes to the detectors of
// osv-scalibr: what one of them finds in a text, Secrets covers.
func TestNoLessThanVeles(t *testing.T) {
	const body = azAZ09 + "_-"
	for name, c := range map[string]struct {
		d    veles.Detector
		text string
	}{
		"anthropic":    {anthropicapikey.NewDetector(), "sk-" + "ant-admin01-" + drawn(1, body, 93) + "AA"},
		"digitalocean": {digitaloceanapikey.NewDetector(), "do" + "p_v1_" + drawn(2, hex16, 64)},
		"google":       {gcpapikey.NewDetector(), "AI" + "zaSyB" + drawn(3, body, 32)},
		"gitlab":       {gitlabpat.NewDetector(), "gl" + "pat-" + drawn(4, azAZ09, 20)},
		"xai":          {grokxaiapikey.NewAPIKeyDetector(), "xa" + "i-" + drawn(5, azAZ09, 80)},
		"xai manager":  {grokxaiapikey.NewManagementKeyDetector(), "xa" + "i-token-" + drawn(6, azAZ09, 80)},
		"huggingface":  {huggingfaceapikey.NewDetector(), "h" + "f_" + drawn(7, azAZ09[:52], 34)},
		"npm":          {npmjsaccesstoken.NewDetector(), "np" + "m_" + drawn(8, azAZ09, 36)},
		"openai":       {openai.NewDetector(), "sk-" + drawn(9, azAZ09, 20) + "T3Blbk" + "FJ" + drawn(10, azAZ09, 20)},
		"openai proj":  {openai.NewDetector(), "sk-" + "proj-" + drawn(11, body, 74) + "T3Blbk" + "FJ" + drawn(12, body, 74)},
		"openrouter":   {openrouter.NewDetector(), "sk-" + "or-v1-" + drawn(13, hex16, 64)},
		"perplexity":   {perplexityapikey.NewDetector(), "pp" + "lx-" + drawn(14, azAZ09, 48)},
		"private key":  {privatekey.NewDetector(), newKey(t)},
		"pypi":         {pypiapitoken.NewDetector(), "py" + "pi-AgEIcHlwaS5vcmc" + drawn(17, body, 90)},
		"sendgrid":     {sendgrid.NewDetector(), "S" + "G." + drawn(18, azAZ09, 22) + "." + drawn(19, azAZ09, 43)},
		"slack app":    {slacktoken.NewAppLevelTokenDetector(), "xa" + "pp-1-" + drawn(20, azAZ09, 11) + "-" + drawn(21, "123456789", 13) + "-" + drawn(22, hex16, 64)},
		"slack config": {slacktoken.NewAppConfigAccessTokenDetector(), "xo" + "xe.xo" + "xp-1-" + drawn(23, azAZ09, 166)},
		"stripe":       {stripeapikeys.NewSecretKeyDetector(), "sk_" + "live_" + drawn(24, azAZ09, 40)},
		"stripe hook":  {stripeapikeys.NewWebhookSecretDetector(), "wh" + "sec_" + drawn(25, azAZ09, 32)},
	} {
		text := "the key: " + c.text + " , keep it"
		theirs, _ := c.d.Detect([]byte(text))
		if len(theirs) == 0 {
			t.Errorf("%s: veles finds nothing: the key is not of the right form", name)
		}
		if left := Redact(text, Secrets(text), nil); strings.Contains(left, c.text[len(c.text)-12:]) {
			t.Errorf("%s: veles finds it, Secrets does not", name)
		}
	}
}
