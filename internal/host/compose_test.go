package host

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
)

func composed(t *testing.T, text string, extra ...string) ComposeFile {
	t.Helper()
	archive := "-- file /opt/a/compose.yaml mode=0644 owner=0:0 --\n" + text + "\n"
	r := &reader{options: withDefaults(nil), ctx: t.Context(), h: parse(t, archive, strings.Join(extra, ""))}
	c, err := r.composeFile("/opt/a/compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestComposeVariables(t *testing.T) {
	const file = `services:
  a:
    image: ${REGISTRY}/x:${TAG:-1}
    ports: ["${BIND:-127.0.0.1}:${PORT:-80}:80", "${OTHER}:81"]
    volumes: ["${DATA:?set it}:/data"]
    environment:
      A_KEY: ${A_KEY}
      B_KEY: ${B_KEY:-literal}
      C_KEY: $C_KEY
      D_KEY: literal
      E_KEY: ${E_KEY:?needed}
      PLAIN: x
`
	c := composed(t, file)
	if c.Error != "" || len(c.Services) != 1 {
		t.Fatalf("%+v", c)
	}
	s := c.Services[0]
	if s.Ports[0].HostIP != "127.0.0.1" || s.Ports[0].Published != "80" || s.Ports[1].Target != 81 {
		t.Errorf("ports are %+v", s.Ports)
	}
	if got := fmt.Sprint(s.SecretEnv); got != "[B_KEY D_KEY]" {
		t.Errorf("literal secrets are %s", got)
	}
	c = composed(t, file, "-- file /opt/a/.env --\nBIND=0.0.0.0\nOTHER=8081\nREGISTRY=r\nDATA=./d\n")
	s = c.Services[0]
	if s.Image != "r/x:1" || s.Ports[0].HostIP != "0.0.0.0" || s.Ports[1].Published != "8081" || s.Mounts[0].Source != "/opt/a/d" {
		t.Errorf("with .env it is %+v", s)
	}
}

func TestComposeHostile(t *testing.T) {
	secret := "sk-" + strings.Repeat("q", 30)
	for name, text := range map[string]string{
		"no YAML":      "services: [" + secret,
		"a list":       "- a\n- b",
		"odd types":    "services: {a: {image: [1], ports: {x: y}, environment: 7}}",
		"a cycle":      "x: &x [*x]\nservices: {a: {image: x}}",
		"a bomb":       "a: &a [1,1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\ng: [*f,*f,*f,*f,*f,*f,*f,*f,*f]\nservices: {a: {image: x}}",
		"unknown key":  "services: {a: {image: x, " + secret + ": 1}}",
		"not text":     "services: {a: {image: \xff}}",
		"bad variable": "services: {a: {image: '${" + secret + "'}}",
		"bad value":    "services: {a: {image: x, mem_limit: '" + secret + "'}}",
	} {
		c := composed(t, text)
		if strings.Contains(c.Error, secret) {
			t.Errorf("%s: the error tells the secret", name)
		}
		if c.Error == "" && name != "a bomb" && name != "a cycle" {
			t.Errorf("%s: no error, %+v", name, c.Services)
		}
		if strings.Contains(c.Error, "\n") {
			t.Errorf("%s: the error is more than a line: %q", name, c.Error)
		}
	}
	for _, quiet := range []string{"", "services: {}", "services: {a: {image: x, extends: {file: /etc/passwd, service: b}}}", "include: [/etc/passwd]\nservices: {a: {image: x, env_file: /etc/passwd, label_file: /etc/passwd}}"} {
		_ = composed(t, quiet) // nothing is read but the file itself: the recorded host has nothing else
	}
}

func FuzzCompose(f *testing.F) {
	f.Add([]byte("services: {a: {image: '${X:-y}', ports: ['80'], env_file: [.env]}}"))
	f.Fuzz(func(t *testing.T, b []byte) {
		_, err := loadCompose(context.Background(), "/opt/a/compose.yaml", b, map[string]string{"X": "1"})
		if err != nil && errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		_ = composeLiterals(b)
	})
}
