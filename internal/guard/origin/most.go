package origin

import (
	"slices"
	"strconv"
	"strings"
)

// superlatives say which of several is meant, by a field and whether the most of
// it or the least.
var superlatives = []struct {
	words map[string]bool
	keys  map[string]bool
	least bool
}{
	{set(`largest biggest größte größten grösste`), set(`size bytes length size_bytes`), false},
	{set(`smallest kleinste kleinsten`), set(`size bytes length size_bytes`), true},
	{set(`newest latest youngest neueste neuesten letzte`), set(`date created created_at modified last_modified updated updated_at timestamp time`), false},
	{set(`oldest earliest älteste ältesten`), set(`date created created_at modified last_modified updated updated_at timestamp time`), true},
	{set(`cheapest billigste günstigste`), set(`price cost amount rate`), true},
	{set(`priciest dearest teuerste`), set(`price cost amount rate`), false},
	{set(`best-rated highest-rated`), set(`rating stars score`), false},
}

// most reports whether an object is the one that the operator selects by a
// superlative ("the largest file") out of a list that was read whole. No text can
// steer that: it is counted here.
func (j *judgement) most(value string) bool {
	for _, m := range j.request.messages {
		for _, c := range m.clauses {
			if !j.asks(m, c) {
				continue
			}
			for i := c.begin; i < c.end; i++ {
				for _, s := range superlatives {
					if s.words[m.words[i].low] && j.extreme(value, s.keys, s.least) {
						return true
					}
				}
			}
		}
	}
	return false
}

// extreme reports whether the record of an id has the most of a field, alone, in
// the last list that has this field.
func (j *judgement) extreme(value string, keys map[string]bool, least bool) bool {
	for i := len(j.results) - 1; i >= 0; i-- {
		p := j.results[i].Part
		args := stringsOf(p.Args)
		if !j.mayPoint(p) || args == nil || slices.ContainsFunc(args, func(v string) bool { return !dates.MatchString(v) && !j.speaksLoosely(v) }) {
			continue
		}
		list := j.cache.records(p)
		best, at, again := "", -1, false
		for k, r := range list {
			for _, f := range r.fields {
				if !keys[f.key] {
					continue
				}
				switch {
				case at < 0 || more(f.value, best) != least && f.value != best:
					best, at, again = f.value, k, false
				case f.value == best && at != k:
					again = true
				}
			}
		}
		if at >= 0 {
			return !again && len(list) > 1 && list[at].id() == value
		}
	}
	return false
}

// more compares numbers as numbers and times, which are written alike, as texts.
func more(a, b string) bool {
	x, err := strconv.ParseFloat(a, 64)
	y, err2 := strconv.ParseFloat(b, 64)
	if err == nil && err2 == nil {
		return x > y
	}
	return strings.Compare(a, b) > 0
}
