package host

import (
	"errors"
	"slices"
	"strings"
)

// readFirewall reads the live ruleset. nft shows all that the kernel's
// nf_tables hold, the tables of iptables-nft included; what it cannot show of
// those comes from iptables-save. Tables of the older ip_tables are read on
// top where the kernel has any.
func (r *reader) readFirewall() Fact[Firewall] {
	fw := Firewall{}
	nft, err := r.command("nft", "-j", "list", "ruleset")
	switch {
	case err == nil:
		fw.Tool = "nft"
		if fw.Chains, err = r.nftChains(nft); err != nil {
			return NotRead[Firewall]("%s", err)
		}
	case !errors.Is(err, ErrAbsent):
		return NotRead[Firewall]("%s", err)
	default:
		if fw.Chains, err = r.savedChains("iptables-save", "ip6tables-save"); err != nil {
			return r.noTool(err)
		}
		fw.Tool = "iptables"
	}
	legacy, err := r.legacyChains()
	if err != nil {
		return NotRead[Firewall]("%s", err)
	}
	if len(legacy) > 0 {
		if fw.Tool == "iptables" || len(fw.Chains) == 0 {
			fw.Tool = "iptables-legacy"
		}
		for _, c := range legacy {
			// iptables-save may have been the legacy one already.
			if !slices.ContainsFunc(fw.Chains, c.same) {
				fw.Chains = append(fw.Chains, c)
			}
		}
	}
	for _, c := range fw.Chains {
		fw.UFW = fw.UFW || strings.HasPrefix(c.Name, "ufw-") || strings.HasPrefix(c.Name, "ufw6-")
		fw.FirewallD = fw.FirewallD || c.Table == "firewalld"
	}
	return Is(fw)
}

// same reports whether two chains are the same one, read twice.
func (c Chain) same(d Chain) bool {
	return c.Family == d.Family && c.Table == d.Table && c.Name == d.Name && slices.EqualFunc(c.Rules, d.Rules, func(a, b Rule) bool { return a.Text == b.Text })
}

// noTool is the answer where neither nft nor iptables is installed: the kernel
// says whether there is anything they could have shown.
func (r *reader) noTool(err error) Fact[Firewall] {
	if !errors.Is(err, ErrAbsent) {
		return NotRead[Firewall]("%s", err)
	}
	tables := ask[[]string](r, askTables)
	switch {
	case !tables.Ok():
		return NotRead[Firewall]("neither nft nor iptables is installed, and the kernel does not say: %s", tables.Reason)
	case len(tables.Value) > 0:
		return NotRead[Firewall]("the kernel has rules (%s), and neither nft nor iptables is installed to show them", strings.Join(tables.Value, ", "))
	}
	return Is(Firewall{})
}

// nftChains reads nft's answer, and asks iptables-save where it must.
func (r *reader) nftChains(ruleset []byte) ([]Chain, error) {
	texts := map[ruleID]string{}
	if listing, err := r.command("nft", "-a", "list", "ruleset"); err == nil {
		texts = ruleTexts(listing)
	}
	chains, opaque, err := parseNFT(ruleset, texts)
	if err != nil || len(opaque) == 0 {
		return chains, err
	}
	saved, err := r.savedChains("iptables-nft-save", "ip6tables-nft-save")
	if errors.Is(err, ErrAbsent) {
		saved, err = r.savedChains("iptables-save", "ip6tables-save")
	}
	if err != nil {
		return chains, nil // the opaque rules stay unparsed, which is true
	}
	return replaceChains(chains, saved, opaque), nil
}

// replaceChains takes the chains of opaque tables ("ip filter") from saved.
func replaceChains(chains, saved []Chain, opaque map[string]bool) []Chain {
	for i, c := range chains {
		if !opaque[c.Family+" "+c.Table] {
			continue
		}
		for _, s := range saved {
			if s.Family == c.Family && s.Table == c.Table && s.Name == c.Name && len(s.Rules) > 0 {
				// nft knows hook and priority for certain.
				chains[i].Rules = s.Rules
			}
		}
	}
	return chains
}

func (r *reader) savedChains(ipv4, ipv6 string) ([]Chain, error) {
	var chains []Chain
	for _, tool := range []struct{ name, family string }{{ipv4, "ip"}, {ipv6, "ip6"}} {
		out, err := r.command(tool.name)
		if err != nil {
			if tool.family == "ip6" && (errors.Is(err, ErrAbsent) || !r.ipv6()) {
				continue
			}
			return nil, err
		}
		chains = append(chains, parseSaved(out, tool.family)...)
	}
	return chains, nil
}

// ipv6 reports whether the kernel speaks it, assuming so when nobody knows.
func (r *reader) ipv6() bool {
	there, err := r.exists("/proc/net/if_inet6")
	return there || err != nil
}

// legacyChains asks for the tables of the older ip_tables only where the
// kernel has them: the command would load the module otherwise.
func (r *reader) legacyChains() ([]Chain, error) {
	var chains []Chain
	for i, tool := range []struct{ name, fallback, family string }{
		{"iptables-legacy-save", "iptables-save", "ip"}, {"ip6tables-legacy-save", "ip6tables-save", "ip6"},
	} {
		names, err := r.h.ReadFile(r.ctx, legacyTables[i])
		if errors.Is(err, ErrAbsent) || err == nil && len(strings.Fields(string(names))) == 0 {
			continue
		}
		if err != nil {
			return nil, err
		}
		out, err := r.command(tool.name)
		if errors.Is(err, ErrAbsent) {
			out, err = r.command(tool.fallback)
			if err == nil && strings.Contains(firstLine(out), "nf_tables") {
				err = errors.New("the kernel has legacy iptables rules, and iptables-legacy is not installed to show them")
			}
		}
		if err != nil {
			return nil, err
		}
		chains = append(chains, parseSaved(out, tool.family)...)
	}
	return chains, nil
}
