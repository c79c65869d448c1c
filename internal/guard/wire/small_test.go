package wire

import (
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// Small is what a small model answered.
type Small struct {
	Name   string
	API    API
	Answer []byte
}

// Smalls are the answers of testdata/small, one file a family of models.
func Smalls(t testing.TB) (all []Small) {
	files, err := filepath.Glob("testdata/small/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no answers in testdata/small: %v", err)
	}
	for _, f := range files {
		ar, err := txtar.ParseFile(f)
		if err != nil {
			t.Fatal(err)
		}
		family := strings.TrimSuffix(filepath.Base(f), ".txtar")
		kind, _, _ := strings.Cut(family, "-")
		api := map[string]API{"responses": Responses, "anthropic": Anthropic}[kind]
		if api == "" {
			api = Chat
		}
		for _, a := range ar.Files {
			all = append(all, Small{family + "/" + a.Name, api, a.Data})
		}
	}
	return all
}
