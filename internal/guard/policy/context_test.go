package policy

import (
	"reflect"
	"testing"

	"github.com/openseawall/seawall/internal/effect"
)

// TestAContextFromMemoryIsThatOfItsInput, whichever field makes it another.
func TestAContextFromMemoryIsThatOfItsInput(t *testing.T) {
	base := Input{Agent: "main", Act: Read, Source: "tool", Injection: "clean"}
	check := func(name string, in Input) {
		for range 2 {
			if got, want := in.context(), in.record(); !got.Equal(want) {
				t.Errorf("%s: the context is %v, want %v", name, got, want)
			}
		}
	}
	check("plain", base)
	v := reflect.ValueOf(&base).Elem()
	for i := range v.NumField() {
		in := base
		switch f := reflect.ValueOf(&in).Elem().Field(i); f.Kind() {
		case reflect.String:
			f.SetString("other")
		case reflect.Bool:
			f.SetBool(true)
		case reflect.Slice:
			f.Set(reflect.ValueOf([]string{"openai-key"}))
		case reflect.Struct:
			if f.Type() == reflect.TypeFor[Origin]() {
				f.Set(reflect.ValueOf(Origin{Decided: true}))
			} else {
				f.Set(reflect.ValueOf(effect.Effects{Opaque: true}))
			}
		default:
			t.Fatalf("a field %s of another kind: say here what it may be", v.Type().Field(i).Name)
		}
		check(v.Type().Field(i).Name, in)
		check("plain", base)
	}
}
