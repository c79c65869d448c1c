// Package report shows an audit: as text for a person, as JSON for a program,
// as SARIF for a code-scanning service. Each is a handler of one
// [posture.Audit]; none judges anything.
//
// What a machine says (file names, container names, process names) is hostile
// to a terminal: [Text] prints no control characters but its own.
package report

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/openseawall/seawall/internal/posture"
)

// JSON writes the audit as documented at [posture.Audit]. [posture.Decode]
// reads it back: it is also the form in which the last run is kept.
func JSON(w io.Writer, a *posture.Audit) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(a); err != nil {
		return fmt.Errorf("writing the audit as JSON: %w", err)
	}
	return nil
}
