package policy

import (
	_ "embed"
	"sync"

	"github.com/cedar-policy/cedar-go/x/exp/schema"
	"github.com/cedar-policy/cedar-go/x/exp/schema/validate"
)

//go:embed schema.cedarschema
var schemaSource []byte

//go:embed default.cedar
var defaultSource []byte

// Default returns the policy that Seawall ships, as a Cedar document.
func Default() []byte { return append([]byte(nil), defaultSource...) }

// Schema returns the Cedar schema that every policy must fit, in Cedar's
// human-readable syntax.
func Schema() []byte { return append([]byte(nil), schemaSource...) }

// validator is the strict validator over the embedded schema. The schema is
// part of the program: one that does not parse cannot be shipped.
var validator = sync.OnceValue(func() *validate.Validator {
	var s schema.Schema
	if err := s.UnmarshalCedar(schemaSource); err != nil {
		panic("policy: embedded schema does not parse: " + err.Error())
	}
	resolved, err := s.Resolve()
	if err != nil {
		panic("policy: embedded schema does not resolve: " + err.Error())
	}
	return validate.New(resolved)
})
