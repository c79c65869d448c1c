package detect

import (
	"encoding/base64"
	"strings"

	"github.com/google/osv-scalibr/veles/secrets/jwt"
)

// vendors are the credentials that can be told by how they begin. The forms are
// those that the vendors document and that veles and gitleaks know; a
// checksum is not asked for, because a key with one letter wrong still gives
// away the rest.
var vendors = []shape{
	{rule: "anthropic-key", title: "an Anthropic API key", begins: []string{"sk-ant-"}, in: dotted, least: 20},
	{rule: "openrouter-key", title: "an OpenRouter API key", begins: []string{"sk-or-v1-", "sk-or-v2-"}, in: dashed, least: 20},
	{rule: "openai-key", title: "an OpenAI API key", begins: []string{"sk-proj-", "sk-svcacct-", "sk-admin-", "sk-None-"}, in: dashed, least: 20},
	{rule: "langsmith-key", title: "a LangSmith API key", begins: []string{"lsv2_pt_", "lsv2_sk_"}, in: word, least: 32},
	{rule: "openai-key", title: "an OpenAI API key", begins: []string{"sk-"}, in: dashed, least: 32, alone: true, judge: plainKey},
	{rule: "groq-key", title: "a Groq API key", begins: []string{"gsk_"}, in: alnum, least: 40, alone: true},
	{rule: "xai-key", title: "an xAI API key", begins: []string{"xai-"}, in: dashed, least: 60, alone: true},
	{rule: "perplexity-key", title: "a Perplexity API key", begins: []string{"pplx-"}, in: alnum, least: 40, alone: true},
	{rule: "huggingface-token", title: "a Hugging Face token", begins: []string{"hf_"}, in: alnum, least: 34, exact: true, alone: true, judge: mixed},
	{rule: "huggingface-token", title: "a Hugging Face token", begins: []string{"api_org_"}, in: alnum, least: 34, exact: true, alone: true, judge: mixed},
	{rule: "replicate-token", title: "a Replicate token", begins: []string{"r8_"}, in: alnum, least: 37, exact: true, alone: true},
	{rule: "tavily-key", title: "a Tavily API key", begins: []string{"tvly-"}, in: dashed, least: 28, alone: true},
	{rule: "elevenlabs-key", title: "an ElevenLabs API key", begins: []string{"sk_"}, in: base16, least: 48, exact: true, alone: true},
	{rule: "cursor-key", title: "a Cursor API key", begins: []string{"key_"}, in: base16, least: 64, exact: true, alone: true},

	{rule: "aws-access-key", title: "an AWS access key id", begins: []string{"AKIA", "ASIA", "ABIA", "ACCA"}, in: upper, least: 16, exact: true, alone: true},
	{rule: "aws-bedrock-key", title: "an AWS Bedrock API key", begins: []string{"ABSKQmVkcm9ja0FQSUtleS", "bedrock-api-key-"}, in: base64Std, least: 20},
	{rule: "google-api-key", title: "a Google API key", begins: []string{"AIza"}, in: dashed, least: 35, exact: true, alone: true},
	{rule: "google-oauth-secret", title: "a Google OAuth secret", begins: []string{"GOCSPX-"}, in: dashed, least: 28, alone: true},
	{rule: "google-oauth-token", title: "a Google access token", begins: []string{"ya29."}, in: dotted, least: 40, alone: true},
	{rule: "azure-storage-key", title: "an Azure storage key", begins: []string{"AccountKey="}, in: base64Std, least: 80},
	{rule: "azure-client-secret", title: "an Azure client secret", begins: []string{"7Q~", "8Q~"}, in: letters("a-zA-Z0-9_.~-"), least: 31, back: 0, judge: azure},
	{rule: "alibaba-key", title: "an Alibaba Cloud key id", begins: []string{"LTAI"}, in: alnum, least: 16, alone: true},
	{rule: "digitalocean-token", title: "a DigitalOcean token", begins: []string{"dop_v1_", "doo_v1_", "dor_v1_"}, in: base16, least: 64},
	{rule: "cloudflare-key", title: "a Cloudflare origin key", begins: []string{"v1.0-"}, in: letters("a-f0-9-"), least: 140, alone: true},
	{rule: "heroku-key", title: "a Heroku key", begins: []string{"HRKU-"}, in: dashed, least: 50, alone: true},
	{rule: "fly-token", title: "a Fly.io token", begins: []string{"FlyV1 fm1r_", "FlyV1 fm1a_", "FlyV1 fm2_", "fm1r_", "fm1a_", "fm2_"}, in: letters("a-zA-Z0-9+/=,_-"), least: 60, alone: true},
	{rule: "vault-token", title: "a HashiCorp Vault token", begins: []string{"hvs.", "hvb.", "hvr."}, in: base64ish, least: 24, alone: true},
	{rule: "terraform-token", title: "a Terraform token", begins: []string{".atlasv1."}, in: base64ish, least: 60},
	{rule: "databricks-token", title: "a Databricks token", begins: []string{"dapi"}, in: letters("a-f0-9-"), least: 32, alone: true},
	{rule: "doppler-token", title: "a Doppler token", begins: []string{"dp.pt.", "dp.st.", "dp.sa."}, in: dotted, least: 40, alone: true},
	{rule: "planetscale-token", title: "a PlanetScale token", begins: []string{"pscale_pw_", "pscale_tkn_", "pscale_oauth_"}, in: dotted, least: 32},
	{rule: "scalingo-token", title: "a Scalingo token", begins: []string{"tk-us-"}, in: base64ish, least: 48, alone: true},
	{rule: "openshift-token", title: "an OpenShift token", begins: []string{"sha256~"}, in: dashed, least: 43},
	{rule: "kubernetes-age-key", title: "an age secret key", begins: []string{"AGE-SECRET-KEY-1"}, in: upper, least: 58, judge: whole},
	{rule: "1password-token", title: "a 1Password token", begins: []string{"ops_eyJ"}, in: base64ish, least: 100},
	{rule: "1password-key", title: "a 1Password secret key", begins: []string{"A3-"}, in: letters("A-Z0-9-"), least: 30, alone: true, judge: onePassword},
	{rule: "pulumi-token", title: "a Pulumi token", begins: []string{"pul-"}, in: base16, least: 40, exact: true, alone: true},
	{rule: "dynatrace-token", title: "a Dynatrace token", begins: []string{"dt0c01."}, in: dotted, least: 80},
	{rule: "harness-key", title: "a Harness key", begins: []string{"pat.", "sat."}, in: letters("a-zA-Z0-9_.-"), least: 60, alone: true},

	{rule: "github-token", title: "a GitHub token", begins: []string{"ghp_", "gho_", "ghu_", "ghs_", "ghr_"}, in: alnum, least: 36},
	{rule: "github-token", title: "a GitHub token", begins: []string{"github_pat_"}, in: word, least: 60},
	{rule: "gitlab-token", title: "a GitLab token", begins: []string{"glpat-", "gldt-", "glrt-", "glcbt-", "glptt-", "glft-", "glimt-", "glagent-", "gloas-", "glsoat-", "glffct-", "GR1348941"}, in: dotted, least: 20},
	{rule: "bitbucket-token", title: "an Atlassian token", begins: []string{"ATATT3", "ATCTT3", "ATBB"}, in: dotted, least: 32, alone: true},
	{rule: "npm-token", title: "an npm token", begins: []string{"npm_"}, in: alnum, least: 36, alone: true},
	{rule: "pypi-token", title: "a PyPI token", begins: []string{"pypi-AgE"}, in: dashed, least: 50},
	{rule: "rubygems-key", title: "a RubyGems key", begins: []string{"rubygems_"}, in: base16, least: 48},
	{rule: "clojars-token", title: "a Clojars token", begins: []string{"CLOJARS_"}, in: alnum, least: 60},
	{rule: "docker-token", title: "a Docker Hub token", begins: []string{"dckr_pat_", "dckr_oat_"}, in: dashed, least: 24},
	{rule: "artifactory-key", title: "an Artifactory key", begins: []string{"AKCp", "cmVmdGtu"}, in: alnum, least: 56, alone: true},
	{rule: "sonar-token", title: "a Sonar token", begins: []string{"sqa_", "sqp_", "squ_"}, in: alnum, least: 40, alone: true, judge: random},
	{rule: "sourcegraph-token", title: "a Sourcegraph token", begins: []string{"sgp_"}, in: word, least: 40, alone: true},
	{rule: "tailscale-key", title: "a Tailscale key", begins: []string{"tskey-"}, in: dashed, least: 20},
	{rule: "postman-key", title: "a Postman key", begins: []string{"PMAK-"}, in: letters("a-zA-Z0-9-"), least: 50},
	{rule: "linear-key", title: "a Linear key", begins: []string{"lin_api_"}, in: alnum, least: 40},
	{rule: "notion-token", title: "a Notion token", begins: []string{"ntn_"}, in: alnum, least: 43, alone: true},
	{rule: "airtable-token", title: "an Airtable token", begins: []string{"pat"}, in: letters("a-zA-Z0-9."), least: 79, exact: true, alone: true},
	{rule: "typeform-token", title: "a Typeform token", begins: []string{"tfp_"}, in: dotted, least: 40, alone: true},
	{rule: "frameio-token", title: "a Frame.io token", begins: []string{"fio-u-"}, in: dotted, least: 60, alone: true},
	{rule: "readme-token", title: "a ReadMe token", begins: []string{"rdme_"}, in: alnum, least: 60, alone: true},
	{rule: "prefect-key", title: "a Prefect key", begins: []string{"pnu_"}, in: alnum, least: 36, exact: true, alone: true},
	{rule: "infracost-key", title: "an Infracost key", begins: []string{"ico-"}, in: alnum, least: 32, exact: true, alone: true},
	{rule: "authress-key", title: "an Authress key", begins: []string{"sc_", "ext_", "scauth_", "authress_"}, in: letters("a-zA-Z0-9+/_.=-"), least: 40, alone: true, judge: authress},
	{rule: "defined-token", title: "a Defined Networking key", begins: []string{"dnkey-"}, in: dotted, least: 60, alone: true},
	{rule: "clickhouse-key", title: "a ClickHouse Cloud key", begins: []string{"4b1d"}, in: alnum, least: 38, exact: true, alone: true},

	{rule: "slack-token", title: "a Slack token", begins: []string{"xoxb-", "xoxp-", "xoxa-", "xoxs-", "xoxo-", "xoxr-", "xoxc-", "xoxd-", "xapp-", "xoxe-", "xoxe."}, in: letters("a-zA-Z0-9.-"), least: 18, alone: true},
	{rule: "slack-webhook", title: "a Slack webhook", begins: []string{"hooks.slack.com/"}, in: letters("a-zA-Z0-9+/_-"), least: 45},
	{rule: "teams-webhook", title: "a Teams webhook", begins: []string{"webhook.office.com/webhookb2/"}, in: letters("a-zA-Z0-9@/-"), least: 60},
	{rule: "discord-webhook", title: "a Discord webhook", begins: []string{"discord.com/api/webhooks/", "discordapp.com/api/webhooks/"}, in: letters("a-zA-Z0-9/_-"), least: 60},
	{rule: "discord-token", title: "a Discord bot token", begins: []string{"Bot M", "Bot N", "Bot O"}, in: letters("a-zA-Z0-9._-"), least: 56, alone: true, judge: threeParts},
	{rule: "telegram-token", title: "a Telegram bot token", begins: []string{":AA"}, in: dashed, least: 33, exact: true, back: 10, judge: telegram},
	{rule: "twilio-key", title: "a Twilio key", begins: hexed("SK"), in: base16, least: 31, exact: true, alone: true},
	{rule: "sendgrid-key", title: "a SendGrid key", begins: []string{"SG."}, in: dotted, least: 55, alone: true},
	{rule: "mailgun-key", title: "a Mailgun key", begins: []string{"key-", "pubkey-"}, in: base16, least: 32, exact: true, alone: true},
	{rule: "brevo-key", title: "a Brevo key", begins: []string{"xkeysib-"}, in: letters("a-zA-Z0-9-"), least: 60},
	{rule: "resend-key", title: "a Resend key", begins: []string{"re_"}, in: word, least: 32, exact: true, alone: true, judge: random},
	{rule: "facebook-token", title: "a Facebook token", begins: []string{"EAACEdEose0cBA", "EAAM", "EAAC"}, in: alnum, least: 90, alone: true},

	{rule: "stripe-key", title: "a Stripe key", begins: []string{"sk_live_", "rk_live_", "sk_test_", "rk_test_", "sk_prod_", "rk_prod_"}, in: alnum, least: 20, alone: true},
	{rule: "stripe-webhook", title: "a Stripe webhook secret", begins: []string{"whsec_"}, in: base64ish, least: 32},
	{rule: "square-token", title: "a Square token", begins: []string{"EAAA", "sq0atp-", "sq0csp-"}, in: base64ish, least: 22, alone: true, judge: random},
	{rule: "shopify-token", title: "a Shopify token", begins: []string{"shpat_", "shpca_", "shppa_", "shpss_"}, in: base16, least: 32},
	{rule: "shippo-token", title: "a Shippo token", begins: []string{"shippo_live_", "shippo_test_"}, in: base16, least: 40},
	{rule: "easypost-token", title: "an EasyPost token", begins: []string{"EZAK", "EZTK"}, in: alnum, least: 54, exact: true, alone: true},
	{rule: "duffel-token", title: "a Duffel token", begins: []string{"duffel_live_", "duffel_test_"}, in: dotted, least: 43},
	{rule: "flutterwave-key", title: "a Flutterwave key", begins: []string{"FLWSECK-", "FLWSECK_TEST-", "FLWPUBK_TEST-", "FLWPUBK-"}, in: letters("a-zA-Z0-9-"), least: 12},
	{rule: "plaid-token", title: "a Plaid token", begins: []string{"access-production-", "access-development-", "access-sandbox-"}, in: letters("a-f0-9-"), least: 36},

	{rule: "grafana-token", title: "a Grafana token", begins: []string{"glc_", "glsa_"}, in: base64ish, least: 32, alone: true},
	{rule: "newrelic-key", title: "a New Relic key", begins: []string{"NRAK-", "NRJS-", "NRII-", "NRRA-", "NRIQ-"}, in: letters("a-zA-Z0-9-"), least: 19, alone: true},
	{rule: "sentry-token", title: "a Sentry token", begins: []string{"sntrys_", "sntryu_"}, in: base64ish, least: 60},
	{rule: "yandex-key", title: "a Yandex key", begins: []string{"AQVN", "YCAJ", "YCKE"}, in: dashed, least: 34, alone: true},
	{rule: "settlemint-token", title: "a SettleMint token", begins: []string{"sm_aat_", "sm_pat_", "sm_sat_"}, in: alnum, least: 16},
	{rule: "octopus-key", title: "an Octopus Deploy key", begins: []string{"API-"}, in: upper, least: 26, exact: true, alone: true, judge: random},
	{rule: "intra42-secret", title: "an Intra 42 secret", begins: []string{"s-s4t2ud-", "s-s4t2af-"}, in: base16, least: 64},

	{rule: "jwt", title: "a signed token (JWT)", begins: []string{"eyJ"}, in: letters("a-zA-Z0-9_.-"), least: 30, alone: true, nests: true, judge: signed},
	{rule: "bearer-token", title: "a bearer token", begins: []string{"Bearer ", "bearer "}, in: letters("a-zA-Z0-9._~+/=-"), least: 20, alone: true, judge: random},
	{rule: "auth-token", title: "an access token", begins: []string{"Authorization: Token ", "authorization: Token ", "Authorization: token ", "authorization: token "}, in: letters("a-zA-Z0-9._~+/=-"), least: 20, judge: random},
	{rule: "basic-auth", title: "a user name and password", begins: []string{"Authorization: Basic ", "authorization: Basic ", "authorization: basic "}, in: base64Std, least: 8, judge: basic},
	{rule: "url-password", title: "a password in a URL", begins: []string{"https://", "http://", "postgres://", "postgresql://", "mysql://", "mongodb://", "mongodb+srv://", "redis://", "rediss://", "amqp://", "amqps://", "ftp://", "sftp://", "smtp://", "smtps://", "ssh://"}, in: letters("a-zA-Z0-9._~%!*+,;=:@-"), least: 8, alone: true, judge: userinfo},
	{rule: "private-key", title: "a private key", begins: []string{
		"-----BEGIN PRIVATE KEY", "-----BEGIN RSA PRIVATE KEY", "-----BEGIN EC PRIVATE KEY", "-----BEGIN DSA PRIVATE KEY", "-----BEGIN ED25519 PRIVATE KEY",
		"-----BEGIN OPENSSH PRIVATE KEY", "-----BEGIN ENCRYPTED PRIVATE KEY", "-----BEGIN PGP PRIVATE KEY BLOCK", "-----BEGIN SSH2 ENCRYPTED PRIVATE KEY",
	}, nests: true, run: pemBlock, least: 60, judge: keyBody},
}

var base64Std = letters("a-zA-Z0-9+/=")

// plainKey judges what begins with no more than "sk-": many things do.
func plainKey(s string, begin int) int {
	body := s[begin:min(len(s), begin+256)]
	if placeholder(body) || bland(body) || !mixedCase(body) && !strings.ContainsAny(body, "0123456789") || digits(body) < 2 {
		return 0
	}
	if strings.Count(body, "-") > len(body)/8 { // a slug
		return 0
	}
	return len(s)
}

// random takes only what looks drawn at random: letters and digits.
func random(s string, begin int) int {
	body := s[begin:min(len(s), begin+256)]
	if placeholder(body) || bland(body) || digits(body) < 2 || entropy(body) < 3 {
		return 0
	}
	return len(s)
}

// mixed takes only what has both cases of letters.
func mixed(s string, begin int) int {
	body := s[begin:]
	if placeholder(body) || entropy(body) < 3 || wordy(body) || !mixedCase(body) {
		return 0
	}
	return len(s)
}

// whole takes all that has the form.
func whole(s string, _ int) int { return len(s) }

// telegram asks for the bot's number before the colon.
func telegram(s string, begin int) int {
	if number := begin - len(":AA"); number < 8 || placeholder(s[begin:]) || bland(s[begin:]) {
		return 0
	}
	return len(s)
}

// azure client secrets have three bytes before the "8Q~"; those stay, they give
// nothing away.
func azure(s string, begin int) int {
	if n := begin + 31; len(s) >= n && len(s) <= n+4 && !bland(s[begin:]) {
		return len(s)
	}
	return 0
}

// onePassword has groups of 6, 6, 5, 5, 5, 5, or 6, 11, 5, 5, 5.
func onePassword(s string, begin int) int {
	if n := strings.Count(s, "-"); n != 5 && n != 6 || placeholder(s[begin:]) || entropy(s[begin:]) < 3 || digits(s[begin:]) == 0 {
		return 0
	}
	return len(s)
}

// threeParts is how Discord writes a bot's token: who, when, and a signature.
func threeParts(s string, begin int) int {
	if part := strings.Split(s[begin:], "."); len(part) != 3 || len(part[1]) < 6 || len(part[2]) < 27 {
		return 0
	}
	return random(s, begin)
}

// authress keys have four parts, the third an account.
func authress(s string, _ int) int {
	if part := strings.Split(s, "."); len(part) == 4 && strings.HasPrefix(part[2], "acc") {
		return len(s)
	}
	return 0
}

// signed reads a JWT as RFC 7519 says: two parts that are JSON, and a
// signature. Only when it is too long to have its end here is the first
// part enough.
func signed(s string, _ int) int {
	if len(s) >= most {
		if head, _, _ := strings.Cut(s, "."); len(head) > 16 && len(head) < most {
			return len(s)
		}
		return 0
	}
	if head, _, _ := strings.Cut(s, "."); !jsonBegins(head) {
		return 0
	}
	tokens, at := jwt.NewDetector().Detect([]byte(s))
	for i, t := range tokens {
		if at[i] == 0 {
			return len(t.(jwt.Token).Value)
		}
	}
	return 0
}

// jsonBegins reports whether s is base64url of an object.
func jsonBegins(s string) bool {
	b, err := base64.RawURLEncoding.DecodeString(s)
	return err == nil && len(b) > 8 && b[0] == '{' && b[len(b)-1] == '}'
}

// basic decodes user:password (RFC 7617).
func basic(s string, begin int) int {
	plain, err := base64std(s[begin:])
	user, password, ok := strings.Cut(plain, ":")
	if err != nil || !ok || user == "" || user[0] == '{' || len(password) < 4 || placeholder(plain) || commonPassword(password) {
		return 0
	}
	return len(s)
}

// userinfo finds user:password@ at the beginning of a URL (RFC 3986, 3.2.1).
func userinfo(s string, begin int) int {
	at := strings.LastIndexByte(s, '@')
	if at < begin {
		return 0
	}
	user, password, ok := strings.Cut(s[begin:at], ":")
	if !ok || len(password) < 6 || user == password || placeholder(s[begin:at]) || commonPassword(password) || strings.EqualFold(user, "user") && bland(password) {
		return 0
	}
	return at
}

// commonPassword are the words that examples write for one.
func commonPassword(s string) bool {
	switch strings.ToLower(s) {
	case "pass", "password", "passwd", "secret", "token", "test", "user", "pwd", "admin", "root", "postgres", "mysql", "guest", "pass123", "password123", "mypassword", "db_password":
		return true
	}
	return strings.Contains(s, "%s") || strings.Contains(s, "$")
}

// pemBlock goes to the end of the line that closes the key (RFC 7468), or as far as
// the text could be one.
func pemBlock(s string, i int) (int, bool) {
	for ; i < len(s); i++ {
		switch {
		case !pemText[s[i]]:
			return i, true
		case s[i] != '-':
		case strings.HasPrefix(s[i:], "-----BEGIN"):
			return i, true
		case strings.HasPrefix(s[i:], "-----END"):
			return pemEnd(s, i+len("-----END"))
		}
	}
	return i, false
}

// pemEnd goes past the label and its five dashes.
func pemEnd(s string, i int) (int, bool) {
	label := i
	for i < len(s) && i-label < 40 && s[i] != '-' && s[i] != '\n' {
		i++
	}
	dashes := i
	for i < len(s) && i-dashes < 5 && s[i] == '-' {
		i++
	}
	return i, i < len(s) || i-dashes == 5
}

var pemText = letters("a-zA-Z0-9+/=,:\\ \t\r\n-")

// keyBody takes a block that holds something: forty bytes of base64 or more.
func keyBody(s string, begin int) int {
	body := s[begin:]
	if cut := strings.Index(body, "-----"); cut >= 0 {
		body = body[cut+5:]
	}
	if cut := strings.Index(body, "-----END"); cut >= 0 {
		body = body[:cut]
	}
	if len(body) < 40 || entropy(body) < 3.5 || placeholder(body) {
		return 0
	}
	return len(s)
}

func base64std(s string) (string, error) {
	b, err := base64.StdEncoding.DecodeString(s)
	return string(b), err
}

// hexed is begin with each digit of base 16 behind it.
func hexed(begin string) []string {
	all := make([]string, 16)
	for i := range all {
		all[i] = begin + string("0123456789abcdef"[i])
	}
	return all
}

func digits(s string) int {
	n := 0
	for i := 0; i < len(s); i++ {
		if s[i] >= '0' && s[i] <= '9' {
			n++
		}
	}
	return n
}

func mixedCase(s string) bool {
	return strings.ToLower(s) != s && strings.ToUpper(s) != s
}
