package operator

import (
	"os"
	"slices"
	"testing"
	"time"

	"github.com/openseawall/seawall/internal/effect"
	"github.com/openseawall/seawall/internal/state"
)

func TestSettled(t *testing.T) {
	dir, err := state.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	d := Open(dir, time.Now)
	if d.Settled("zorp") != nil {
		t.Error("settled before anybody did")
	}
	for _, want := range [][]effect.Kind{{effect.Read}, {effect.Send, effect.Spend}, nil} {
		if err := SettleTool(dir, "zorp", want...); err != nil {
			t.Fatal(err)
		}
		if got := d.Settled("zorp"); !slices.Equal(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
	}
	if err := SettleTool(dir, "zorp", effect.Read); err != nil {
		t.Fatal(err)
	}
	if all, err := AllSettled(dir); err != nil || len(all) != 1 || d.Settled("other") != nil {
		t.Errorf("%v, %v", all, err)
	}
	for _, damaged := range []string{`{"zorp":`, `{"zorp":["guard"]}`, `{"zorp":["nothing"]}`} {
		if err := dir.Write(ToolsFile, []byte(damaged)); err != nil {
			t.Fatal(err)
		}
		if d.Settled("zorp") != nil {
			t.Errorf("%s settles something", damaged)
		}
		if err := SettleTool(dir, "x", effect.Read); err == nil {
			t.Errorf("%s was written over", damaged)
		}
	}
	if err := os.Remove(dir.Path(ToolsFile)); err != nil || d.Settled("zorp") != nil {
		t.Errorf("settled without a file: %v", err)
	}
}
