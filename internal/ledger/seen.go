package ledger

import (
	"maps"
	"slices"
)

// Effects is what a call would have done, as the policy saw it, without secrets.
type Effects struct {
	Kinds    []string          `json:"kinds,omitempty"`   // read, write, execute, send, spend, destroy, widen, guard
	Dangers  []string          `json:"dangers,omitempty"` // "credential-read"
	Evidence map[string]string `json:"evidence,omitempty"`
	Reads    []string          `json:"reads,omitempty"` // paths, as written
	Writes   []string          `json:"writes,omitempty"`
	Hosts    []string          `json:"hosts,omitempty"`
	URLs     []string          `json:"urls,omitempty"`
	Commands []string          `json:"commands,omitempty"`
	To       []string          `json:"to,omitempty"` // whom a message is for, as written
	Opaque   bool              `json:"opaque,omitempty"`
	Unseen   bool              `json:"unseen,omitempty"`
	Unparsed string            `json:"unparsed,omitempty"` // why a part could not be read
	// Partial tells that this is not all, or not as it was: a list was too long
	// for a row, or a secret was taken out.
	Partial bool `json:"partial,omitempty"`
}

// Seen is what the policy saw beside the effects, and where.
type Seen struct {
	Source       string      `json:"source,omitempty"`    // whose text it is
	Injection    string      `json:"injection,omitempty"` // suspicious, malicious
	Secrets      []string    `json:"secrets,omitempty"`   // rules
	Ambiguous    bool        `json:"ambiguous,omitempty"`
	Workspace    bool        `json:"workspace,omitempty"`
	Placeholders bool        `json:"placeholders,omitempty"`
	Approved     bool        `json:"approved,omitempty"`
	Unproven     bool        `json:"unproven,omitempty"` // of the OpenClaw that called
	Origin       *Provenance `json:"origin,omitempty"`   // of a call
	Confidential bool        `json:"confidential,omitempty"`
	OverLimit    string      `json:"over_limit,omitempty"` // the limit that was reached
	Signals      []Signal    `json:"signals,omitempty"`
}

// Provenance is where the values of a call came from, as the policy saw it.
type Provenance struct {
	Values      []string `json:"values,omitempty"`
	Decided     bool     `json:"decided,omitempty"`
	Quoted      bool     `json:"quoted,omitempty"`
	Private     []string `json:"private,omitempty"`
	Named       bool     `json:"named,omitempty"`
	Audience    string   `json:"audience,omitempty"`
	Asker       string   `json:"asker,omitempty"`
	Link        bool     `json:"link,omitempty"`
	Own         bool     `json:"own,omitempty"`
	Recoverable bool     `json:"recoverable,omitempty"`
}

// Signal is one thing that a detector found.
type Signal struct {
	Kind    string `json:"kind"` // injection, secret
	Rule    string `json:"rule"`
	Title   string `json:"title"`
	Verdict string `json:"verdict"`
	At      int    `json:"at"`             // byte of the text
	Place   string `json:"place"`          // what stands there, secrets cut out
	Sum     string `json:"sum,omitempty"`  // of a secret: what tells it from others, and nothing about it
	Seam    bool   `json:"seam,omitempty"` // a part of it stands in another text
}

// Approval is what a person answered to a question, and how.
type Approval struct {
	Question int64  `json:"question"` // the row of the decision that asked
	Answer   string `json:"answer"`   // allow, deny
	By       string `json:"by"`       // the account of who answered; "" is the operator, by whatever name
	Via      string `json:"via"`      // terminal, page, order, remembered
	Scope    string `json:"scope"`    // once, conversation, job, remembered
}

// What a row may hold of what was seen: entries of a list, bytes of an entry.
const (
	maxSeen    = 24
	maxEntry   = 200
	maxSignals = 8
	maxOrigins = 8 // of one argument
)

func (e *Effects) bounded() *Effects {
	if e == nil {
		return nil
	}
	b := *e
	for _, list := range []*[]string{&b.Kinds, &b.Dangers, &b.Reads, &b.Writes, &b.Hosts, &b.URLs, &b.Commands, &b.To} {
		var whole bool
		*list, whole = boundedList(*list)
		b.Partial = b.Partial || !whole
	}
	if len(e.Evidence) > 0 {
		b.Evidence = map[string]string{}
		for _, danger := range b.Dangers {
			if piece, ok := e.Evidence[danger]; ok {
				b.Evidence[danger] = cut(piece, maxEntry)
			}
		}
	}
	b.Unparsed = cut(b.Unparsed, maxEntry)
	return &b
}

func (s *Seen) bounded() *Seen {
	if s == nil {
		return nil
	}
	b := *s
	b.Secrets, _ = boundedList(b.Secrets)
	if s.Origin != nil {
		o := *s.Origin
		o.Values, _ = boundedList(o.Values)
		o.Private, _ = boundedList(o.Private)
		b.Origin = &o
	}
	b.Signals = slices.Clone(b.Signals[:min(len(b.Signals), maxSignals)])
	for i := range b.Signals {
		b.Signals[i].Place = cut(b.Signals[i].Place, maxEntry)
	}
	return &b
}

func (a *Approval) bounded() *Approval {
	if a == nil {
		return nil
	}
	b := *a
	for _, text := range []*string{&b.Answer, &b.By, &b.Via, &b.Scope} {
		*text = cut(*text, maxEntry)
	}
	return &b
}

// more is the argument under which a row tells that there were others.
const more = "…"

func boundedOrigins(all map[string][]string) map[string][]string {
	if all == nil {
		return nil
	}
	b := make(map[string][]string, min(len(all), maxSeen))
	for i, arg := range slices.Sorted(maps.Keys(all)) {
		if i == maxSeen {
			b[more] = nil
			break
		}
		b[cut(arg, maxEntry)], _ = boundedList(all[arg][:min(len(all[arg]), maxOrigins)])
	}
	return b
}

func boundedList(list []string) (kept []string, whole bool) {
	whole = len(list) <= maxSeen
	for _, s := range list[:min(len(list), maxSeen)] {
		c := cut(s, maxEntry)
		whole = whole && c == s
		kept = append(kept, c)
	}
	return kept, whole
}
