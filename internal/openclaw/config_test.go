package openclaw

import (
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
)

const everything = "\ufeff" + `// the gateway
{
  gateway: { mode: 'local', port: 0x4965, bind: "loopback", }, /* one
  more */
  "models": { providers: { "my.prov": { baseUrl: "http://\
127.0.0.1", n: [+1, -2.5e3, .5, 5., Infinity, -Infinity,], on: true, off: false, none: null } } },
  ünï: 'it\'s "é"', default: 1,
  dup: 1, dup: 2,
} // end`

func TestParse(t *testing.T) {
	c, err := ParseConfig([]byte(everything))
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]any{
		"gateway.mode":                      "local",
		"gateway.port":                      18789.0,
		`models.providers.my\.prov.baseUrl`: "http://127.0.0.1",
		`models.providers.my\.prov.n.1`:     -2500.0,
		`models.providers.my\.prov.n.3`:     5.0,
		`models.providers.my\.prov.n.5`:     math.Inf(-1),
		`models.providers.my\.prov.on`:      true,
		`models.providers.my\.prov.none`:    nil,
		"ünï":                               `it's "é"`,
		"default":                           1.0,
		"dup":                               2.0,
		"gateway":                           map[string]any{"mode": "local", "port": 18789.0, "bind": "loopback"},
	} {
		if got, ok := c.Get(path); !ok || !reflect.DeepEqual(got, want) {
			t.Errorf("%s = %#v, %v; want %#v", path, got, ok, want)
		}
	}
	for _, path := range []string{"gateway.nothing", "gateway.mode.deeper", `models.providers.my\.prov.n.9`, "models.providers.my.prov"} {
		if v, ok := c.Get(path); ok {
			t.Errorf("%s = %v, want nothing", path, v)
		}
	}
	if len(c.Duplicates) != 1 || c.Duplicates[0].Line != 8 || c.Duplicates[0].Path[0] != "dup" {
		t.Errorf("duplicates: %+v", c.Duplicates)
	}
	if p, ok := c.Place("models", "providers", "my.prov", "off"); !ok || p.Line != 6 {
		t.Errorf("place: %+v", p)
	}
	if got := c.Keys("gateway"); !reflect.DeepEqual(got, []string{"mode", "port", "bind"}) {
		t.Errorf("keys: %v", got)
	}
}

func TestParseRefuses(t *testing.T) {
	deep := strings.Repeat("[", 100_000)
	for name, test := range map[string]struct{ text, want string }{
		"empty":        {"", "line 1"},
		"no object":    {"[]", "line 1, column 1"},
		"call":         {"{a: f(1)}", "line 1, column 6"},
		"template":     {"{a: `x`}", "line 1, column 5"},
		"parentheses":  {"{a: (1)}", "line 1, column 5"},
		"escape":       {"{a: 1}), evil(", "line 1, column 7"},
		"bare word":    {"{a: yes}", "the bare word yes"},
		"sum":          {"{a: 1+1}", "line 1, column 5"},
		"object minus": {"{a: {} -1}", "line 1, column 5"},
		"octal":        {"{a: 010}", "column 5"},
		"binary":       {"{a: 0b1}", "column 5"},
		"bigint":       {"{a: 1n}", "column 5"},
		"underscore":   {"{a: 1_0}", "column 5"},
		"shorthand":    {"{a}", "key without a value"},
		"spread":       {"{...a}", "column 2"},
		"computed":     {`{["a"]: 1}`, "key"},
		"number key":   {"{1: 1}", "column 2"},
		"hole":         {"{a: [1,,2]}", "hole"},
		"regexp":       {"{a: /x/}", "column 5"},
		"no comma":     {"{a: 1 b: 2}", "without a comma"},
		"unclosed":     {"{\n a: {", "not JSON5"},
		"half string":  {"{\n a: 'x", "line 2, column 5"},
		"octal escape": {`{a: "\01"}`, "escape"},
		"code escape":  {`{a: "\u{41}"}`, "escape"},
		"not UTF-8":    {"{a: '\xff'}", "UTF-8"},
		"surrogate":    {`{a: "\ud800"}`, "surrogate"},
		"two":          {"{} {}", "line 1"},
		"comment":      {"{} /* x", "column 4"},
		"unary chain":  {"{a: " + strings.Repeat("- ", 100_000) + "1}", "column 5"},
		"typeof chain": {"{a: " + strings.Repeat("typeof ", 100_000) + "1}", "without a comma"},
		"deep":         {deep, "nested more than 200"},
		"deep objects": {strings.Repeat("{a:", 100_000), "nested more than 200"},
		"source map":   {"{} //# sourceMappingURL=/etc/passwd\n x", "line 2"},
	} {
		c, err := ParseConfig([]byte(test.text))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q (%v)", name, err, test.want, c)
		}
	}
	if _, err := ParseConfig(make([]byte, maxConfigBytes+1)); err == nil {
		t.Error("a file of more than 4 MiB was read")
	}
	if _, err := ParseConfig([]byte("{a: [" + strings.Repeat("1,", 300_000) + "]}")); err == nil || !strings.Contains(err.Error(), "more than 400000") {
		t.Errorf("a file of very many values: %v", err)
	}
	if c, err := ParseConfig([]byte("{" + strings.Repeat("a:1,", 50_000) + "}")); err != nil || len(c.Duplicates) != maxDuplicates {
		t.Errorf("a file of one key: %v", err)
	}
	var syntax *SyntaxError
	if _, err := ParseConfig([]byte("{\r\n  a: 1,\r\n  é: =\r\n}")); !errors.As(err, &syntax) || syntax.Line != 3 || syntax.Column != 6 {
		t.Errorf("place in a file with CRLF: %v", err)
	}
}

func TestNilConfigAnswersLikeAnEmptyOne(t *testing.T) {
	var c *Config
	if _, ok := c.Get("gateway"); ok || c.Keys("") != nil || c.Includes() != nil || c.Files() != nil {
		t.Error("a config that is not there answered")
	}
}

func TestEnvNames(t *testing.T) {
	if got := EnvNames("${A_1}/$${B}/${lower}/${C}"); !reflect.DeepEqual(got, []string{"A_1", "C"}) {
		t.Error(got)
	}
	if name, ok := EnvName("${KEY}"); !ok || name != "KEY" {
		t.Error(name, ok)
	}
	if _, ok := EnvName("x${KEY}"); ok {
		t.Error("a part was taken for the whole")
	}
}
