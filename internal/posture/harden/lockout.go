package harden

import (
	"context"
	"fmt"
	"net/netip"
	"path"
	"slices"
	"strings"

	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/posture"
	"github.com/openseawall/seawall/internal/posture/change"
)

// withoutLockout leaves out the wishes that would lock the operator out, and says
// why. sshd itself is asked what it would do with what the plan leaves.
func withoutLockout(ctx context.Context, m change.Machine, facts *posture.Facts, p *change.Plan, wishes []change.Wish) ([]change.Wish, []change.Refused) {
	who := candidates(facts)
	if len(who) == 0 || !slices.ContainsFunc(p.Steps, (*change.Step).SSHD) {
		return wishes, nil
	}
	why := func(p *change.Plan) string { return lockedOut(ctx, m, facts, p, who) }
	reason := why(p)
	if reason == "" || why(&change.Plan{}) != "" { // nobody gets in today either
		return wishes, nil
	}
	without := func(left ...string) []change.Wish {
		return slices.DeleteFunc(slices.Clone(wishes), func(w change.Wish) bool { return slices.Contains(left, w.Control) })
	}
	var all []string
	for _, w := range wishes {
		if !slices.ContainsFunc(change.Make(ctx, m, []change.Wish{w}).Steps, (*change.Step).SSHD) {
			continue
		}
		if rest := without(w.Control); why(change.Make(ctx, m, rest)) == "" {
			return rest, []change.Refused{{Control: w.Control, Why: reason}}
		}
		all = append(all, w.Control)
	}
	// No single one is to blame, so none of them is in the plan.
	var refused []change.Refused
	for _, id := range all {
		refused = append(refused, change.Refused{Control: id, Why: reason})
	}
	return without(all...), refused
}

// candidates are those of whom one has to get in: the operator, where he came by
// SSH; else anyone with a key.
func candidates(facts *posture.Facts) (who []string) {
	login := facts.Aim.Login
	if login != "" {
		return []string{login}
	}
	for _, k := range facts.AuthorizedKey.Value {
		if !slices.Contains(who, k.User) {
			who = append(who, k.User)
		}
	}
	return who
}

// lockedOut says why none of them would get in, or "".
func lockedOut(ctx context.Context, m change.Machine, facts *posture.Facts, p *change.Plan, who []string) (why string) {
	for _, name := range who {
		from := "192.0.2.1"
		if facts.Aim.From.IsValid() {
			from = facts.Aim.From.Addr().Unmap().String()
		}
		out, err := p.SSHD(ctx, m, "-T", "-C", fmt.Sprintf("user=%s,host=%s,addr=%[2]s", name, from))
		if err != nil {
			return "" // it could not be asked, and Check says what it thinks of the files
		}
		if why = refusedBy(options(out), facts, name, from); why == "" {
			return ""
		}
	}
	return why
}

// options reads what sshd -T prints.
func options(out []byte) map[string][]string {
	o := map[string][]string{}
	for line := range strings.Lines(string(out)) {
		k, v, _ := strings.Cut(strings.TrimSpace(line), " ")
		o[k] = append(o[k], v)
	}
	return o
}

// refusedBy says why sshd would not let a user in (sshd_config(5)), or "".
func refusedBy(o map[string][]string, facts *posture.Facts, name, from string) string {
	first := func(k string) string {
		if v := o[k]; len(v) > 0 {
			return v[0]
		}
		return ""
	}
	i := slices.IndexFunc(facts.Users.Value, func(u host.User) bool { return u.Name == name })
	var groups []string
	password := ""
	root := name == "root"
	if i >= 0 {
		groups, password = facts.Users.Value[i].Groups, facts.Users.Value[i].Password
		root = facts.Users.Value[i].UID == 0
	}
	key := slices.ContainsFunc(facts.AuthorizedKey.Value, func(k host.AuthorizedKey) bool { return k.User == name })
	switch {
	case len(o["allowusers"]) > 0 && !named(o["allowusers"], name, from):
		return fmt.Sprintf("AllowUsers would leave out %s, who applies this: you could not log in again", name)
	case named(o["denyusers"], name, from):
		return fmt.Sprintf("DenyUsers would hold %s, who applies this: you could not log in again", name)
	case len(o["allowgroups"]) > 0 && !slices.ContainsFunc(groups, func(g string) bool { return named(o["allowgroups"], g, "") }):
		return fmt.Sprintf("AllowGroups would leave out all groups of %s, who applies this: you could not log in again", name)
	case root && first("permitrootlogin") == "no":
		return "root could not log in any more, and that is who applies this: give another account a key and sudo first"
	}
	passwords := first("passwordauthentication") == "yes" || first("kbdinteractiveauthentication") == "yes"
	if root && first("permitrootlogin") != "yes" {
		passwords = false
	}
	byPassword := passwords && password != "locked"
	byKey := first("pubkeyauthentication") != "no" && key
	if !byKey && !byPassword {
		return fmt.Sprintf("%s has no key that would be taken, and passwords would be closed: nobody could log in again; add a key with ssh-copy-id first", name)
	}
	return ""
}

// named reports whether patterns ("alice", "bob@192.0.2.*", "!eve") hold a name.
func named(lists []string, name, from string) bool {
	hit := false
	for _, list := range lists {
		for pattern := range strings.FieldsSeq(list) {
			pattern, not := strings.CutPrefix(pattern, "!")
			user, at, _ := strings.Cut(pattern, "@")
			if ok, _ := path.Match(user, name); !ok || at != "" && !addressFits(at, from) {
				continue
			}
			if not {
				return false
			}
			hit = true
		}
	}
	return hit
}

// addressFits reports whether a pattern of hosts, or a prefix, holds an address.
func addressFits(pattern, from string) bool {
	if p, err := netip.ParsePrefix(pattern); err == nil {
		a, err := netip.ParseAddr(from)
		return err == nil && p.Contains(a)
	}
	ok, _ := path.Match(pattern, from)
	return ok
}
