package host

import (
	stdjson "encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// ruleID names one rule of nf_tables.
type ruleID struct {
	family, table, chain string
	handle               int
}

// ruleTexts reads the text of every rule from `nft -a list ruleset`, where
// each ends with its handle.
func ruleTexts(listing []byte) map[ruleID]string {
	texts := map[ruleID]string{}
	var at ruleID
	for _, line := range lines(listing) {
		text, mark, ok := cutLast(line, " # handle ")
		f := strings.Fields(text)
		switch {
		case !ok || len(f) == 0:
		case f[0] == "table" && len(f) >= 3 && strings.HasSuffix(text, "{"):
			at.family, at.table = f[1], f[2]
		case f[0] == "chain" && len(f) >= 2 && strings.HasSuffix(text, "{"):
			at.chain = f[1]
		default:
			if n, err := strconv.Atoi(mark); err == nil {
				at.handle = n
				texts[at] = text
			}
		}
	}
	return texts
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// nftRuleset is the answer of `nft -j list ruleset`, as far as it is used:
// libnftables-json(5).
type nftRuleset struct {
	Items []struct {
		Chain *struct {
			Family, Table, Name, Hook, Policy string
			Prio                              int
		} `json:"chain"`
		Set  *nftSet `json:"set"`
		Map  *nftSet `json:"map"`
		Rule *struct {
			Family, Table, Chain string
			Handle               int
			Expr                 []map[string]any
		} `json:"rule"`
	} `json:"nftables"`
}

type nftSet struct {
	Family, Table, Name string
	Elem                []any
}

// parseNFT reads the chains of a ruleset. opaque names the tables ("ip
// filter") with rules that only iptables-save can show.
func parseNFT(b []byte, texts map[ruleID]string) (chains []Chain, opaque map[string]bool, err error) {
	var set nftRuleset
	if err := stdjson.Unmarshal(b, &set); err != nil {
		return nil, nil, fmt.Errorf("nft: its answer is not the JSON it should be: %w", err)
	}
	opaque = map[string]bool{}
	sets := map[string][]any{}
	index := map[string]int{}
	for _, item := range set.Items {
		for _, s := range []*nftSet{item.Set, item.Map} {
			if s != nil {
				sets[s.Family+" "+s.Table+" "+s.Name] = s.Elem
			}
		}
		if c := item.Chain; c != nil {
			index[c.Family+" "+c.Table+" "+c.Name] = len(chains)
			chains = append(chains, Chain{Family: c.Family, Table: c.Table, Name: c.Name, Hook: c.Hook, Priority: c.Prio, Policy: c.Policy})
		}
	}
	for _, item := range set.Items {
		rule := item.Rule
		if rule == nil {
			continue
		}
		i, ok := index[rule.Family+" "+rule.Table+" "+rule.Chain]
		if !ok {
			continue
		}
		p := nftRule{scope: rule.Family + " " + rule.Table + " ", sets: sets}
		p.rule.Text = texts[ruleID{rule.Family, rule.Table, rule.Chain, rule.Handle}]
		for _, e := range rule.Expr {
			p.statement(e)
		}
		if p.opaque {
			opaque[rule.Family+" "+rule.Table] = true
		}
		chains[i].Rules = append(chains[i].Rules, p.rules()...)
	}
	return chains, opaque, nil
}

// nftRule collects the statements of one rule. A set of protocols or
// interfaces, and each element of a verdict map, stands for a rule of its own.
type nftRule struct {
	scope  string // "inet seawall "
	sets   map[string][]any
	rule   Rule
	protos []string
	in     []string
	out    []string
	cases  []Rule // elements of a verdict map: a match and its verdict
	opaque bool
}

// expansion bounds the rules that one rule with sets may stand for.
const expansion = 64

func (p *nftRule) rules() []Rule {
	if len(p.protos)*max(1, len(p.in))*max(1, len(p.out))*max(1, len(p.cases)) > expansion {
		p.rule.Unparsed = true
		return []Rule{p.rule}
	}
	list := []Rule{p.rule}
	list = spread(list, p.protos, func(r *Rule, v string) { r.Proto = v })
	list = spread(list, p.in, func(r *Rule, v string) { r.InIface = v })
	list = spread(list, p.out, func(r *Rule, v string) { r.OutIface = v })
	return spread(list, p.cases, func(r *Rule, c Rule) {
		r.Verdict = c.Verdict
		if c.Proto != "" && r.Proto == "" {
			r.Proto = c.Proto
		}
		if c.DPorts != nil {
			r.DPorts = c.DPorts
		}
		if c.CTState != nil {
			r.CTState = c.CTState
		}
		if c.InIface != "" {
			r.InIface = c.InIface
		}
		r.Unparsed = r.Unparsed || c.Unparsed
	})
}

func spread[T any](list []Rule, values []T, set func(*Rule, T)) []Rule {
	if len(values) == 0 {
		return list
	}
	var out []Rule
	for _, r := range list {
		for _, v := range values {
			c := r
			set(&c, v)
			out = append(out, c)
		}
	}
	return out
}

// statement reads one statement of a rule.
func (p *nftRule) statement(e map[string]any) {
	for name, arg := range e {
		switch name {
		case "match":
			m, _ := arg.(map[string]any)
			p.match(m)
		case "accept", "drop", "return":
			p.rule.Verdict = name
		case "reject":
			p.rule.Verdict = "reject"
		case "jump", "goto":
			target, _ := arg.(map[string]any)
			p.rule.Verdict = name + " " + text(target["target"])
		case "limit":
			p.limit(arg)
		case "vmap":
			p.vmap(arg)
		case "counter", "log", "comment", "mangle", "ct helper", "notrack",
			"masquerade", "snat", "dnat", "redirect", "tproxy", "dup", "fwd", "flow":
			// They change or count a packet, and decide nothing a Rule can say.
		case "xt":
			p.opaque = true
			p.rule.Unparsed = true
			if x, _ := arg.(map[string]any); text(x["type"]) == "target" && text(x["name"]) == "REJECT" {
				p.rule.Verdict = "reject"
			}
		default:
			p.rule.Unparsed = true
		}
	}
}

// match reads {"op": "==", "left": …, "right": …}.
func (p *nftRule) match(m map[string]any) {
	op, left := text(m["op"]), m["left"]
	negated := op == "!="
	if op != "==" && op != "in" && !negated {
		p.rule.Unparsed = true
		return
	}
	if !p.field(nftField(left), p.values(m["right"]), negated) {
		p.rule.Unparsed = true
	}
}

// nftField names the left side of a match: "tcp dport", "meta iifname".
func nftField(left any) string {
	l, _ := left.(map[string]any)
	for kind, v := range l {
		switch kind {
		case "payload":
			f, _ := v.(map[string]any)
			return text(f["protocol"]) + " " + text(f["field"])
		case "meta", "ct":
			f, _ := v.(map[string]any)
			return strings.Join(strings.Fields(kind+" "+text(f["dir"])+" "+text(f["key"])), " ")
		case "&":
			f, _ := v.([]any)
			if len(f) == 2 && nftField(f[0]) == "tcp flags" && isSynMask(f[1]) {
				return "tcp flags/syn"
			}
		}
	}
	return ""
}

// isSynMask reports whether a mask takes in syn and ack, so that "== syn"
// means the first packet of a connection.
func isSynMask(v any) bool {
	flags := flat(v)
	return slices.Contains(flags, "syn") && slices.Contains(flags, "ack")
}

// flat lists the flags of ["syn","ack"], {"|": [...]} and nested ones.
func flat(v any) []string {
	var list []string
	switch v := v.(type) {
	case string:
		list = append(list, v)
	case []any:
		for _, e := range v {
			list = append(list, flat(e)...)
		}
	case map[string]any:
		for _, e := range v {
			list = append(list, flat(e)...)
		}
	}
	return list
}

// values resolves the right side of a match to a list: one value, a set, or a
// named set.
func (p *nftRule) values(right any) []any {
	switch v := right.(type) {
	case string:
		if name, ok := strings.CutPrefix(v, "@"); ok {
			return p.elements(p.sets[p.scope+name])
		}
	case []any:
		return v
	case map[string]any:
		if set, ok := v["set"].([]any); ok {
			return p.elements(set)
		}
	}
	return []any{right}
}

// elements unwraps {"elem": {"val": …}}, which carries timeouts and counters.
func (p *nftRule) elements(list []any) []any {
	out := make([]any, 0, len(list))
	for _, e := range list {
		if m, ok := e.(map[string]any); ok {
			if inner, ok := m["elem"].(map[string]any); ok {
				e = inner["val"]
			}
		}
		out = append(out, e)
	}
	return out
}

// field sets what a match says of one field, and reports whether a Rule can say it.
func (p *nftRule) field(name string, values []any, negated bool) bool {
	proto, field, _ := strings.Cut(name, " ")
	switch {
	case field == "dport" || field == "sport":
		ports, ok := portRanges(values)
		if negated {
			ports = complement(ports)
		}
		if proto != "th" {
			p.rule.Proto = proto
		}
		if field == "dport" {
			p.rule.DPorts = ports
		} else {
			p.rule.SPorts = ports
		}
		return ok
	case name == "meta iifname", name == "meta iif":
		return names(values, negated, &p.rule.InIface, &p.in)
	case name == "meta oifname", name == "meta oif":
		return names(values, negated, &p.rule.OutIface, &p.out)
	case name == "ip saddr", name == "ip6 saddr":
		p.rule.Src = nil // an address says more than its family
		return prefixes(values, negated, &p.rule.Src)
	case name == "ip daddr", name == "ip6 daddr":
		return prefixes(values, negated, &p.rule.Dst)
	case negated:
		return false
	case name == "meta l4proto", name == "ip protocol", name == "ip6 nexthdr":
		return names(values, false, &p.rule.Proto, &p.protos)
	case name == "ct state":
		for _, v := range values {
			p.rule.CTState = append(p.rule.CTState, text(v))
		}
		return true
	case name == "tcp flags/syn":
		p.rule.Proto = "tcp"
		p.rule.SynOnly = len(values) == 1 && text(values[0]) == "syn"
		p.rule.Late = len(values) > 0 && !slices.Contains(flat(values), "syn")
		return p.rule.SynOnly || p.rule.Late
	case name == "meta skuid":
		return names(values, false, &p.rule.Sender, &[]string{})
	case name == "ct status":
		p.rule.DNAT = len(values) == 1 && text(values[0]) == "dnat"
		return p.rule.DNAT
	case name == "ct original proto-dst":
		ports, ok := portRanges(values)
		p.rule.Before = ports
		return ok
	case name == "icmp type", name == "icmpv6 type":
		p.rule.Proto = proto
		return false
	case name == "meta nfproto":
		return p.nfproto(values)
	}
	if slices.Contains([]string{"tcp", "udp", "sctp", "icmp", "icmpv6"}, proto) {
		p.rule.Proto = proto
	}
	return false
}

// nfproto narrows a rule of an inet table to one family, which any source
// address of it says.
func (p *nftRule) nfproto(values []any) bool {
	all := map[string]string{"ipv4": "0.0.0.0/0", "ipv6": "::/0"}
	if len(values) != 1 || all[text(values[0])] == "" {
		return false
	}
	if p.rule.Src == nil {
		p.rule.Src = []netip.Prefix{netip.MustParsePrefix(all[text(values[0])])}
	}
	return true
}

// names sets one name, or lists several. Not being any of several cannot be said.
func names(values []any, negated bool, one *string, several *[]string) bool {
	switch {
	case len(values) == 1 && negated:
		*one = "!" + text(values[0])
	case len(values) == 1:
		*one = text(values[0])
	case negated || len(values) == 0:
		return false
	default:
		for _, v := range values {
			*several = append(*several, text(v))
		}
	}
	return true
}

func portRanges(values []any) ([]PortRange, bool) {
	list := []PortRange{}
	for _, v := range values {
		from, to := v, v
		if m, ok := v.(map[string]any); ok {
			pair, ok := m["range"].([]any)
			if !ok || len(pair) != 2 {
				return list, false
			}
			from, to = pair[0], pair[1]
		}
		a, okFrom := port(from)
		b, okTo := port(to)
		if !okFrom || !okTo {
			return list, false
		}
		list = append(list, PortRange{a, b})
	}
	return list, true
}

func port(v any) (uint16, bool) {
	n, ok := v.(float64)
	if !ok || n < 0 || n > 65535 {
		return 0, false
	}
	return uint16(n), true
}

// complement returns all ports outside of list.
func complement(list []PortRange) []PortRange {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b PortRange) int { return int(a.From) - int(b.From) })
	out := []PortRange{}
	next := 0
	for _, r := range list {
		if int(r.From) > next {
			out = append(out, PortRange{uint16(next), r.From - 1})
		}
		next = max(next, int(r.To)+1)
	}
	if next <= 65535 {
		out = append(out, PortRange{uint16(next), 65535})
	}
	return out
}

func prefixes(values []any, negated bool, into *[]netip.Prefix) bool {
	for _, v := range values {
		list, ok := prefix(v)
		if !ok {
			return false
		}
		*into = append(*into, list...)
	}
	if negated {
		*into = nil
	}
	return !negated
}

// prefix reads an address, {"prefix": {…}} or {"range": [from, to]}.
func prefix(v any) ([]netip.Prefix, bool) {
	if s, ok := v.(string); ok {
		return parsePrefixText(s)
	}
	m, _ := v.(map[string]any)
	if pre, ok := m["prefix"].(map[string]any); ok {
		addr, err := netip.ParseAddr(text(pre["addr"]))
		n, isNumber := pre["len"].(float64)
		if err != nil || !isNumber {
			return nil, false
		}
		return []netip.Prefix{netip.PrefixFrom(addr, int(n))}, true
	}
	return nil, false
}

func parsePrefixText(s string) ([]netip.Prefix, bool) {
	if p, err := netip.ParsePrefix(s); err == nil {
		return []netip.Prefix{p}, true
	}
	if a, err := netip.ParseAddr(s); err == nil {
		return []netip.Prefix{netip.PrefixFrom(a, a.BitLen())}, true
	}
	return nil, false
}

// limit reads {"rate": 30, "per": "second", "burst": 60, "inv": false}. A
// limit with inv matches what is over it, which no field says.
func (p *nftRule) limit(arg any) {
	m, _ := arg.(map[string]any)
	if m == nil {
		p.rule.Unparsed = true
		return
	}
	p.rule.Limit = text(m["rate"]) + "/" + text(m["per"])
	if burst := text(m["burst"]); burst != "" && burst != "0" {
		p.rule.Limit += " burst " + burst
	}
	if inv, _ := m["inv"].(bool); inv {
		p.rule.Limit = "over " + p.rule.Limit
		p.rule.Unparsed = true
	}
}

// vmap reads {"key": FIELD, "data": {"set": [[value, verdict], …]}}.
func (p *nftRule) vmap(arg any) {
	m, _ := arg.(map[string]any)
	field := nftField(m["key"])
	pairs := p.values(m["data"])
	if len(pairs) == 0 {
		p.rule.Unparsed = true
	}
	for _, pair := range pairs {
		kv, ok := pair.([]any)
		if !ok || len(kv) != 2 {
			p.rule.Unparsed = true
			continue
		}
		c := nftRule{scope: p.scope, sets: p.sets}
		if verdict, ok := kv[1].(map[string]any); ok {
			c.statement(verdict)
		}
		if !c.field(field, p.values(kv[0]), false) || len(c.in)+len(c.out)+len(c.protos) > 0 {
			c.rule.Unparsed = true
		}
		p.cases = append(p.cases, c.rule)
	}
}

// text is a string or number of JSON as text.
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return ""
}
