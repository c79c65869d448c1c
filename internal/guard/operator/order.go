package operator

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/openseawall/seawall/internal/effect"
	"github.com/openseawall/seawall/internal/state"
)

// maxVouched is how many files and orders are kept, each.
const maxVouched = 4096

// Vouched is what the operator vouches for: contents of files, and scheduled jobs.
type Vouched struct {
	Files  map[string]VouchedContent `json:"files,omitempty"`  // by the file's path, with homes as "~"
	Orders map[string]*Order         `json:"orders,omitempty"` // by the job's id
}

// VouchedContent is a content of a file that decides like the operator's words, until
// it changes.
type VouchedContent struct {
	Sum   string    `json:"sum"` // see lineage.Sum
	Given time.Time `json:"given"`
	// Text is the content, without secrets, for the difference when it has changed; ""
	// when it is long.
	Text string `json:"text,omitempty"`
}

// Order is a standing order: a scheduled job whose runs, within what was shown, do
// not ask.
type Order struct {
	Name     string    `json:"name"`
	Sum      string    `json:"sum"`      // of its text, see lineage.Sum
	Schedule string    `json:"schedule"` // as OpenClaw has it, JSON
	Text     string    `json:"text"`     // without secrets
	Tools    []string  `json:"tools,omitempty"`
	To       []string  `json:"to,omitempty"` // recipients, hosts and addresses
	Given    time.Time `json:"given"`
}

// Covers reports whether a call is within the order: of a tool that it names, and all
// that it reaches is a destination that it names. What spends, destroys, widens access
// or touches the guard is within no order. A nil Order covers nothing.
func (o *Order) Covers(tool string, arguments []effect.Argument, kinds []effect.Kind) bool {
	if o == nil || !slices.Contains(o.Tools, tool) {
		return false
	}
	for _, k := range kinds {
		switch k {
		case effect.Spend, effect.Destroy, effect.Widen, effect.Guard:
			return false
		}
	}
	reaches := 0
	for _, a := range arguments {
		switch a.Kind {
		case effect.Recipient, effect.URL, effect.Host, effect.Remote:
			if reaches++; !slices.Contains(o.To, a.Value) {
				return false
			}
		case effect.Content, effect.Other, effect.Query, effect.Time:
		default:
			if a.Kind.Decides() {
				return false
			}
		}
	}
	return reaches > 0
}

// AllVouched is what the operator vouches for in a state directory; none is no error.
func AllVouched(dir *state.Dir) (Vouched, error) {
	var all Vouched
	_, err := dir.Load(state.Vouched, &all, "delete it, and vouch again")
	return all, err
}

// Vouch changes what the operator vouches for.
func Vouch(dir *state.Dir, change func(*Vouched)) error {
	return dir.Change(state.Vouched, func(old []byte) ([]byte, error) {
		all := Vouched{}
		if len(old) > 0 {
			if err := json.Unmarshal(old, &all); err != nil {
				return nil, fmt.Errorf("%s is damaged: delete it, and vouch again", dir.Path(state.Vouched))
			}
		}
		if all.Files == nil {
			all.Files = map[string]VouchedContent{}
		}
		if all.Orders == nil {
			all.Orders = map[string]*Order{}
		}
		if change(&all); len(all.Files) > maxVouched || len(all.Orders) > maxVouched {
			return nil, fmt.Errorf("more than %d files or orders are vouched for: take some back with seawall vouch --revoke", maxVouched)
		}
		return json.MarshalIndent(all, "", "  ")
	})
}

// Vouched is what the operator vouches for now. A file that cannot be read vouches
// for nothing. It is not changed, and the same as long as the file is.
func (d *Desk) Vouched() *Vouched {
	all, _ := d.vouched.Get(d.dir, state.Vouched, func() (*Vouched, error) {
		var all Vouched
		if content, err := d.dir.Read(state.Vouched); err == nil && json.Unmarshal(content, &all) != nil {
			all = Vouched{}
		}
		return &all, nil
	})
	if all == nil {
		return &Vouched{}
	}
	return all
}
