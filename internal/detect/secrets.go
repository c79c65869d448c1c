package detect

var known = newSet(vendors)

// Secrets finds credentials in a text, in either direction: what begins as a
// vendor's keys do is Malicious in the sense of Verdict, it may be cut out; a
// value that merely stands behind the name of a secret is Suspicious.
// Findings come in order and do not overlap.
func Secrets(text string) []Finding {
	found := known.find(text)
	return merge(found, assigned(text))
}

// find gives the findings of a whole text.
func (s *set) find(text string) []Finding {
	var all []Finding
	s.scan(text, 0, true, func(sh *shape, start, end int) {
		all = append(all, sh.finding(start, end))
	})
	return all
}

func (s *shape) finding(start, end int) Finding {
	return Finding{Kind: Secret, Rule: s.rule, Title: s.title, Start: start, End: end, Verdict: Malicious}
}

// merge joins two ordered lists; where they overlap the first one wins.
func merge(first, second []Finding) []Finding {
	if len(second) == 0 {
		return first
	}
	var all []Finding
	for _, f := range second {
		for len(first) > 0 && first[0].End <= f.Start {
			all, first = append(all, first[0]), first[1:]
		}
		if len(first) == 0 || f.End <= first[0].Start {
			all = append(all, f)
		}
	}
	return append(all, first...)
}
