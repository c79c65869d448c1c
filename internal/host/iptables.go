package host

import (
	"strconv"
	"strings"

	"github.com/mattn/go-shellwords"
)

// iptablesHooks are the built-in chains and the priorities of their tables
// (include/uapi/linux/netfilter_ipv4.h).
var iptablesHooks = map[string]string{
	"INPUT": "input", "FORWARD": "forward", "OUTPUT": "output", "PREROUTING": "prerouting", "POSTROUTING": "postrouting",
}

var iptablesPriorities = map[string]int{"raw": -300, "mangle": -150, "filter": 0, "security": 50}

// parseSaved reads the output of iptables-save or ip6tables-save.
func parseSaved(b []byte, family string) []Chain {
	var chains []Chain
	index := map[string]int{}
	table := ""
	for _, line := range lines(b) {
		switch {
		case strings.HasPrefix(line, "*"):
			table = line[1:]
			clear(index)
		case strings.HasPrefix(line, ":"):
			f := strings.Fields(line[1:])
			if len(f) < 2 {
				continue
			}
			c := Chain{Family: family, Table: table, Name: f[0]}
			if f[1] != "-" {
				c.Hook, c.Policy = iptablesHooks[f[0]], strings.ToLower(f[1])
				c.Priority = iptablesPriority(table, c.Hook)
			}
			index[f[0]] = len(chains)
			chains = append(chains, c)
		case strings.HasPrefix(line, "-A "):
			name, rule := parseSavedRule(line)
			if i, ok := index[name]; ok {
				chains[i].Rules = append(chains[i].Rules, rule)
			}
		}
	}
	return chains
}

// iptablesPriority knows that nat rewrites destinations before and sources
// after filtering.
func iptablesPriority(table, hook string) int {
	if table == "nat" {
		if hook == "prerouting" || hook == "output" {
			return -100
		}
		return 100
	}
	return iptablesPriorities[table]
}

// ruleWords walks over the words of one rule.
type ruleWords struct {
	words []string
	rule  Rule
}

func (w *ruleWords) next() string {
	if len(w.words) == 0 {
		w.rule.Unparsed = true
		return ""
	}
	word := w.words[0]
	w.words = w.words[1:]
	return word
}

// parseSavedRule reads "-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT".
func parseSavedRule(line string) (chain string, rule Rule) {
	parser := shellwords.NewParser()
	words, err := parser.Parse(line)
	w := &ruleWords{words: words, rule: Rule{Text: line}}
	if err != nil || len(words) < 2 || parser.Position >= 0 {
		// Quoting it does not know: the rule counts, and says nothing.
		if f := strings.Fields(line); len(f) > 1 {
			chain = f[1]
		}
		w.rule.Unparsed = true
		w.rule.Verdict = savedVerdict(line)
		return chain, w.rule
	}
	w.words = words[1:]
	chain = w.next()
	for len(w.words) > 0 {
		w.option()
	}
	return chain, w.rule
}

// savedVerdict finds the verdict of a rule whose other words are not understood.
func savedVerdict(line string) string {
	_, target, _ := cutLast(line, " -j ")
	f := strings.Fields(target)
	if len(f) == 0 {
		return ""
	}
	return iptablesVerdict(f[0])
}

func iptablesVerdict(target string) string {
	switch target {
	case "ACCEPT", "DROP", "REJECT", "RETURN":
		return strings.ToLower(target)
	}
	if iptablesTargets[target] {
		return ""
	}
	return "jump " + target
}

// iptablesTargets are extensions that decide nothing (iptables-extensions(8)).
var iptablesTargets = map[string]bool{
	"LOG": true, "NFLOG": true, "MASQUERADE": true, "SNAT": true, "DNAT": true, "REDIRECT": true, "NETMAP": true,
	"MARK": true, "CONNMARK": true, "TCPMSS": true, "CT": true, "NOTRACK": true, "SET": true, "TPROXY": true,
	"CLASSIFY": true, "DSCP": true, "TOS": true, "TTL": true, "HL": true, "CHECKSUM": true, "AUDIT": true,
	"NFQUEUE": true, "TRACE": true, "ULOG": true, "RATEEST": true, "SECMARK": true, "CONNSECMARK": true,
}

// option reads one option with its values.
func (w *ruleWords) option() {
	r := &w.rule
	word := w.next()
	negated := word == "!"
	if negated {
		word = w.next()
	}
	mark := ""
	if negated {
		mark = "!"
	}
	switch word {
	case "-p":
		r.Proto = w.next()
		if r.Proto == "ipv6-icmp" {
			r.Proto = "icmpv6"
		}
		r.Unparsed = r.Unparsed || negated
	case "-i":
		r.InIface = mark + iptablesInterface(w.next())
	case "-o":
		r.OutIface = mark + iptablesInterface(w.next())
	case "-s", "-d":
		list, ok := parsePrefixText(w.next())
		if !ok || negated {
			r.Unparsed = true
		} else if word == "-s" {
			r.Src = list
		} else {
			r.Dst = list
		}
	case "--dport", "--dports", "--destination-ports":
		r.DPorts = w.ports(negated)
	case "--sport", "--sports", "--source-ports":
		r.SPorts = w.ports(negated)
	case "--ports":
		w.next()
		r.Unparsed = true
	case "-m":
		w.next() // its options say what it matches
	case "--ctstate", "--state":
		states := strings.Split(strings.ToLower(w.next()), ",")
		r.CTState = states
		r.Unparsed = r.Unparsed || negated
	case "--syn":
		r.SynOnly = !negated
		r.Unparsed = r.Unparsed || negated
	case "--tcp-flags":
		mask, set := w.next(), w.next()
		r.SynOnly = !negated && set == "SYN" && strings.Contains(mask, "SYN") && strings.Contains(mask, "ACK")
		r.Unparsed = r.Unparsed || !r.SynOnly
	case "--limit":
		r.Limit = iptablesLimit(w.next()) + r.Limit
	case "--limit-burst":
		r.Limit += " burst " + w.next()
	case "--comment":
		w.next()
	case "-j":
		r.Verdict = iptablesVerdict(w.next())
		w.words = nil // what follows belongs to the target
	case "-g":
		r.Verdict = "goto " + w.next()
	default:
		// A match not in the fields, with its values up to the next option.
		r.Unparsed = true
		for len(w.words) > 0 && !strings.HasPrefix(w.words[0], "-") && w.words[0] != "!" {
			w.next()
		}
	}
}

// iptablesInterface writes "br-+" as nft does: "br-*".
func iptablesInterface(name string) string {
	if prefix, ok := strings.CutSuffix(name, "+"); ok {
		return prefix + "*"
	}
	return name
}

// iptablesLimit writes "30/sec" as nft does: "30/second".
func iptablesLimit(s string) string {
	rate, per, _ := strings.Cut(s, "/")
	units := map[string]string{"sec": "second", "min": "minute"}
	if full, ok := units[per]; ok {
		per = full
	}
	return rate + "/" + per
}

func (w *ruleWords) ports(negated bool) []PortRange {
	list := []PortRange{}
	for _, part := range strings.Split(w.next(), ",") {
		from, to, isRange := strings.Cut(part, ":")
		if !isRange {
			to = from
		}
		a, errFrom := strconv.ParseUint(from, 10, 16)
		b, errTo := strconv.ParseUint(to, 10, 16)
		if errFrom != nil || errTo != nil {
			w.rule.Unparsed = true
			return list
		}
		list = append(list, PortRange{uint16(a), uint16(b)})
	}
	if negated {
		return complement(list)
	}
	return list
}
