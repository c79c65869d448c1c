package why

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/openseawall/seawall/internal/detect"
	"github.com/openseawall/seawall/internal/guard/operator"
	"github.com/openseawall/seawall/internal/ledger"
	"github.com/openseawall/seawall/internal/state"
)

// Cases is the folder of a state directory that keeps what detectors found by
// mistake, for a report.
const Cases = "cases"

// maxCases is how many are kept; beyond it the oldest goes.
const maxCases = 200

// Case is what a detector found by mistake, without secrets.
type Case struct {
	Version string     `json:"version"` // of Seawall
	Given   time.Time  `json:"given"`
	Rules   []string   `json:"rules"`
	Row     ledger.Row `json:"row"`
}

// Wrongs are the contents of a row in which a detector may be wrong: what it
// found in this text alone. A secret of this machine is one.
func Wrongs(r ledger.Row) (all []operator.Content) {
	if r.Seen == nil {
		return nil
	}
	for _, s := range r.Seen.Signals {
		c := operator.Content{Rule: s.Rule, Sum: r.Action}
		if s.Kind == string(detect.Secret) {
			c.Sum = s.Sum
		}
		if !s.Seam && c.Sum != "" && s.Rule != detect.KnownSecret && !slices.Contains(all, c) {
			all = append(all, c)
		}
	}
	return all
}

// Silence has the detectors never find again what they found in a row's content,
// and keeps the case. It returns the rules and the path of the case.
func Silence(dir *state.Dir, r ledger.Row, version string, now time.Time) (rules []string, path string, err error) {
	wrongs := Wrongs(r)
	if len(wrongs) == 0 {
		return nil, "", fmt.Errorf("#%d: %s", r.ID, notWrong(r))
	}
	var all []operator.Wrong
	for _, c := range wrongs {
		all = append(all, operator.Wrong{ID: r.ID, Given: now.UTC(), Content: c})
		if !slices.Contains(rules, c.Rule) {
			rules = append(rules, c.Rule)
		}
	}
	if err := operator.Silence(dir, all...); err != nil {
		return nil, "", err
	}
	path, err = keep(dir, Case{Version: version, Given: now.UTC(), Rules: rules, Row: r})
	return rules, path, err
}

// notWrong says why there is nothing to silence.
func notWrong(r ledger.Row) string {
	known := func(s ledger.Signal) bool { return s.Rule == detect.KnownSecret }
	seam := func(s ledger.Signal) bool { return s.Seam }
	switch {
	case r.Seen == nil && r.Kind != ledger.Event:
		return "the record does not hold what was found in it: it was written by an older Seawall, or nothing was"
	case r.Seen != nil && slices.ContainsFunc(r.Seen.Signals, known):
		return "what was found is a secret that Seawall holds for this machine; that is no mistake: seawall disconnect gives keys back"
	case r.Seen != nil && slices.ContainsFunc(r.Seen.Signals, seam):
		return "a part of what was found stands in another text, so there is no one content to name; seawall pass lets it through once"
	case r.Act == "call":
		return fmt.Sprintf("no detector found anything in it: it was decided by what the call does. seawall why %d --allow is for that", r.ID)
	}
	return "no detector found anything in it"
}

// keep writes a case down.
func keep(dir *state.Dir, c Case) (path string, err error) {
	cases, err := dir.Folder(Cases)
	if err != nil {
		return "", err
	}
	defer cases.Close()
	names, err := cases.Names()
	if err != nil {
		return "", err
	}
	number := func(name string) int {
		n, err := strconv.Atoi(strings.TrimSuffix(name, ".json"))
		if err != nil {
			return -1
		}
		return n
	}
	slices.SortFunc(names, func(a, b string) int { return number(a) - number(b) })
	for ; len(names) >= maxCases; names = names[1:] {
		if err := cases.Remove(names[0]); err != nil {
			return "", err
		}
	}
	content, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return "", err
	}
	name := fmt.Sprintf("%d.json", c.Row.ID)
	return cases.Path(name), cases.Write(name, append(content, '\n'))
}
