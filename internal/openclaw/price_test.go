package openclaw

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

func TestPrices(t *testing.T) {
	c, err := ParseConfig([]byte(`{models: {providers: {
		openai: {models: [{id: "gpt", cost: {input: 1.25, output: 10, cacheRead: 0.125, cacheWrite: 0}}, {id: "none"}, {id: "wrong", cost: "much"}, {cost: {input: 1}}]},
		empty: {}, list: {models: "x"},
	}}}`))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "models.json")
	if err := os.WriteFile(file, []byte(`{"providers":{"openai":{"models":[{"id":"gpt","cost":{"input":9}},{"id":"other","cost":{"input":2,"output":-3}}]}}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	want := map[string]Price{"openai/gpt": {1.25, 10, 0.125, 0}, "openai/other": {Input: 2}}
	if got := Prices(c, file, filepath.Join(filepath.Dir(file), "missing.json")); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
	if got := Prices(nil); len(got) != 0 {
		t.Errorf("no config has %+v", got)
	}
}
