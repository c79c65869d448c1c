package host

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// short writes a rule as one line, for comparing.
func short(r Rule) string {
	var b strings.Builder
	add := func(name string, v any, there bool) {
		if there {
			fmt.Fprintf(&b, "%s=%v ", name, v)
		}
	}
	add("proto", r.Proto, r.Proto != "")
	add("sport", r.SPorts, r.SPorts != nil)
	add("dport", r.DPorts, r.DPorts != nil)
	add("in", r.InIface, r.InIface != "")
	add("out", r.OutIface, r.OutIface != "")
	add("src", r.Src, r.Src != nil)
	add("dst", r.Dst, r.Dst != nil)
	add("state", r.CTState, r.CTState != nil)
	add("limit", r.Limit, r.Limit != "")
	add("sender", r.Sender, r.Sender != "")
	add("before", r.Before, r.Before != nil)
	for mark, there := range map[string]bool{"syn ": r.SynOnly, "late ": r.Late, "dnat ": r.DNAT} {
		if there {
			b.WriteString(mark)
		}
	}
	b.WriteString("-> " + r.Verdict)
	if r.Unparsed {
		b.WriteString(" ?")
	}
	return b.String()
}

func compareRules(t *testing.T, rules []Rule, want []string) {
	t.Helper()
	for i := range max(len(rules), len(want)) {
		got, expected := "(none)", "(none)"
		if i < len(rules) {
			got = short(rules[i])
		}
		if i < len(want) {
			expected = want[i]
		}
		if got != expected {
			t.Errorf("rule %d is\n\t%s, want\n\t%s", i, got, expected)
		}
	}
}

func testdata(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestSeawallRules: what Seawall's own table says is understood.
func TestSeawallRules(t *testing.T) {
	chains, _, err := parseNFT([]byte(`{"nftables": [
		{"chain": {"family": "inet", "table": "seawall", "name": "input", "hook": "input", "prio": -10, "policy": "drop"}},
		{"rule": {"family": "inet", "table": "seawall", "chain": "input", "handle": 1, "expr": [
			{"match": {"op": "==", "left": {"&": [{"payload": {"protocol": "tcp", "field": "flags"}}, ["fin", "syn", "rst", "ack"]]}, "right": "ack"}},
			{"match": {"op": "==", "left": {"socket": {"key": "wildcard"}}, "right": 0}}, {"accept": null}]}},
		{"rule": {"family": "inet", "table": "seawall", "chain": "input", "handle": 2, "expr": [
			{"match": {"op": "in", "left": {"ct": {"key": "status"}}, "right": "dnat"}}, {"match": {"op": "==", "left": {"meta": {"key": "l4proto"}}, "right": "tcp"}},
			{"match": {"op": "==", "left": {"ct": {"key": "proto-dst", "dir": "original"}}, "right": 8080}}, {"accept": null}]}},
		{"rule": {"family": "inet", "table": "seawall", "chain": "input", "handle": 3, "expr": [
			{"match": {"op": "==", "left": {"meta": {"key": "skuid"}}, "right": 105}}, {"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": 25}}, {"accept": null}]}}]}`), nil)
	if err != nil {
		t.Fatal(err)
	}
	compareRules(t, chains[0].Rules, []string{
		"proto=tcp late -> accept ?",
		"proto=tcp before=[{8080 8080}] dnat -> accept",
		"proto=tcp dport=[{25 25}] sender=105 -> accept",
	})
}

func TestNFT(t *testing.T) {
	// rules.json and rules.txt are nft 1.0.6's answers about rules.nft.
	chains, opaque, err := parseNFT(testdata(t, "rules.json"), ruleTexts(testdata(t, "rules.txt")))
	if err != nil || len(opaque) != 0 || len(chains) != 2 {
		t.Fatalf("%d chains, opaque %v, %v", len(chains), opaque, err)
	}
	input := chains[1]
	if input.Hook != "input" || input.Policy != "drop" || input.Family != "inet" || input.Table != "t" {
		t.Errorf("the chain is %+v", input)
	}
	compareRules(t, input.Rules, []string{
		"proto=tcp dport=[{80 80} {443 443} {1000 2000}] src=[10.0.0.0/8] -> reject",
		"proto=tcp dport=[{53 53}] in=br-* -> jump other",
		"proto=tcp dport=[{53 53}] in=docker0 -> jump other",
		"proto=udp dport=[{53 53}] in=br-* -> jump other",
		"proto=udp dport=[{53 53}] in=docker0 -> jump other",
		"state=[invalid] -> drop",
		"state=[established] -> accept",
		"state=[related] -> accept",
		"proto=tcp dport=[{22 22}] -> accept",
		"proto=tcp dport=[{23 23}] -> drop",
		"proto=tcp src=[1.2.3.0/24 5.6.7.8/32] syn -> return",
		"proto=udp sport=[{1024 2000}] state=[established new] dnat -> accept",
		"in=!lo dst=[127.0.0.0/8] limit=over 3/minute burst 5 -> drop ?",
		"proto=tcp -> goto other ?",
		"proto=icmp -> accept",
		"proto=icmp -> accept ?",
		"proto=udp dport=[{0 545} {547 65535}] src=[fe80::/10] -> reject",
		"src=[198.51.100.0/24 203.0.113.9/32] -> drop",
		"proto=tcp dport=[{25 25}] -> drop ?",
		"-> accept ?",
		"proto=udp -> ",
	})
	if got := input.Rules[15].Text; got != `icmp type echo-request accept comment "hello # handle 3"` {
		t.Errorf("the text of a rule is %q", got)
	}
}

func TestIptablesSave(t *testing.T) {
	chains := parseSaved(testdata(t, "iptables.save"), "ip")
	input := chains[0]
	if input.Hook != "input" || input.Policy != "drop" || input.Table != "filter" || input.Priority != 0 {
		t.Errorf("the chain is %+v", input)
	}
	compareRules(t, input.Rules, []string{
		"state=[related established] -> accept",
		"proto=tcp dport=[{22 22}] -> accept",
		"proto=tcp dport=[{80 80} {443 443} {8000 8010}] -> accept",
		"proto=tcp limit=30/second burst 60 syn -> accept",
		"proto=udp dport=[{53 53}] in=eth0 -> reject ?",
		"proto=tcp dport=[{0 98} {100 65535}] in=!lo -> ",
		"-> accept ?",
		"proto=tcp -> goto f2b ?",
		"proto=icmp -> accept ?",
	})
	nat := chains[slices.IndexFunc(chains, func(c Chain) bool { return c.Table == "nat" })]
	if nat.Hook != "prerouting" || nat.Priority != -100 {
		t.Errorf("the chain is %+v", nat)
	}
	compareRules(t, nat.Rules, []string{"proto=tcp dport=[{80 80}] -> "})
}

// The tables of iptables-nft are opaque to nft where iptables has a match of
// its own; iptables-save explains them.
func TestOpaqueTablesComeFromIptables(t *testing.T) {
	archive := "-- self uid=0 time=2026-11-24T05:00:00Z --\n" +
		"-- run nft -j list ruleset --\n" + string(testdata(t, "iptables.json")) +
		"-- run nft -a list ruleset --\n" + string(testdata(t, "iptables-nft.txt")) +
		"-- absent file /proc/net/ip_tables_names --\n-- absent file /proc/net/ip6_tables_names --\n" +
		"-- absent run ip6tables-nft-save --\n"
	saved := "-- run iptables-nft-save --\n" + string(testdata(t, "iptables.save"))

	r := Read(t.Context(), parse(t, archive+saved)).Firewall
	if !r.Ok() || r.Value.Tool != "nft" {
		t.Fatalf("%+v", r)
	}
	i := slices.IndexFunc(r.Value.Chains, func(c Chain) bool { return c.Name == "INPUT" && c.Table == "filter" })
	compareRules(t, r.Value.Chains[i].Rules[:4], []string{
		"state=[related established] -> accept",
		"proto=tcp dport=[{22 22}] -> accept",
		"proto=tcp dport=[{80 80} {443 443} {8000 8010}] -> accept",
		"proto=tcp limit=30/second burst 60 syn -> accept",
	})

	r = Read(t.Context(), parse(t, archive, "-- absent run iptables-nft-save --\n-- absent run iptables-save --\n")).Firewall
	if !r.Ok() {
		t.Fatalf("%+v", r)
	}
	if first := r.Value.Chains[0].Rules[0]; !first.Unparsed || first.Verdict != "accept" {
		t.Errorf("without iptables-save the rule is %s, want it unparsed", short(first))
	}
}

func TestFirewallWithoutItsTools(t *testing.T) {
	const none = "-- self uid=0 time=2026-11-24T05:00:00Z --\n-- absent run nft --\n-- absent run iptables-save --\n-- absent run ip6tables-save --\n-- absent file /proc/net/ip_tables_names --\n-- absent file /proc/net/ip6_tables_names --\n"
	saved := "-- run iptables-save --\n" + string(testdata(t, "iptables.save"))
	for _, tc := range []struct {
		name, overlay, tool string
		status              Status
		chains              bool
	}{
		{"the kernel has no tables", "-- run seawall:tables --\n[]\n", "", Known, false},
		{"the kernel has tables nobody can show", "-- run seawall:tables --\n[\"inet x\"]\n", "", Unknown, false},
		{"the kernel does not say", "-- error run seawall:tables --\nneeds root\n", "", Unknown, false},
		{"iptables alone", saved, "iptables", Known, true},
		{"nft refuses", "-- run exit=1 nft -j list ruleset --\n-- stderr nft -j list ruleset --\nOperation not permitted (you must be root)\n", "", Unknown, false},
		{"nft says nonsense", "-- run nft -j list ruleset --\n{\"nftables\": 7}\n", "", Unknown, false},
		{"legacy tables beside an empty nft", "-- run nft -j list ruleset --\n{\"nftables\": []}\n-- file /proc/net/ip_tables_names --\nfilter\n-- run iptables-legacy-save --\n" + string(testdata(t, "iptables.save")), "iptables-legacy", Known, true},
		{"legacy tables nobody can show", "-- run nft -j list ruleset --\n{\"nftables\": []}\n-- file /proc/net/ip_tables_names --\nfilter\n-- absent run iptables-legacy-save --\n-- run iptables-save --\n# Generated by iptables-save v1.8.9 (nf_tables)\n", "", Unknown, false},
	} {
		f := Read(t.Context(), parse(t, none, tc.overlay)).Firewall
		if f.Status != tc.status || f.Value.Tool != tc.tool || (len(f.Value.Chains) > 0) != tc.chains {
			t.Errorf("%s: status %d, %q, tool %q, %d chains", tc.name, f.Status, f.Reason, f.Value.Tool, len(f.Value.Chains))
		}
		if f.Status == Unknown && f.Reason == "" {
			t.Errorf("%s: unknown without a reason", tc.name)
		}
	}
}

func FuzzFirewall(f *testing.F) {
	for _, name := range []string{"rules.json", "iptables.json", "iptables.save"} {
		b, _ := os.ReadFile("testdata/" + name)
		f.Add(b)
	}
	f.Add([]byte(`{"nftables":[{"chain":{"family":"ip","table":"t","name":"c"}},{"rule":{"family":"ip","table":"t","chain":"c","expr":[{"match":{"op":"==","left":{"payload":{"protocol":"ip","field":"saddr"}},"right":{"prefix":{"addr":"::","len":1e9}}}},{"vmap":{"key":{"ct":{"key":"state"}},"data":{"set":[[1],[[],{}]]}}}]}}]}`))
	f.Add([]byte("*filter\n:INPUT DROP\n-A INPUT -p\n-A INPUT --dport 70000:1,-j -j \"\n-A INPUT ! \n-A\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _, _ = parseNFT(b, ruleTexts(b))
		_ = parseSaved(b, "ip")
	})
}
