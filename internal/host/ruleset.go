package host

// ParseRuleset reads the chains of a ruleset as nft lists it: listing is that of
// `nft -j list ruleset`, texts of `nft -a list ruleset`.
func ParseRuleset(listing, texts []byte) ([]Chain, error) {
	chains, _, err := parseNFT(listing, ruleTexts(texts))
	return chains, err
}
