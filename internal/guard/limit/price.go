package limit

import "math"

// Price is that of a model, in US dollars for a million tokens, as OpenClaw's
// config has it (models.providers.*.models[].cost).
type Price struct {
	Input      float64 `json:"input"`
	Output     float64 `json:"output"`
	CacheRead  float64 `json:"cacheRead"`
	CacheWrite float64 `json:"cacheWrite"`
}

// Free reports whether nothing costs anything. OpenClaw's own setup writes that for
// models of which it does not know the price.
func (p Price) Free() bool { return p == Price{} }

// of is what an answer cost, in millionths of a dollar: as many as a token at one
// dollar for a million costs.
func (p Price) of(u Use) int64 {
	sum := p.Input*float64(u.Input) + p.Output*float64(u.Output) + p.CacheRead*float64(u.CacheRead) + p.CacheWrite*float64(u.CacheWrite)
	return int64(math.Ceil(max(0, min(sum, most))))
}

// Use is what one answer of a model used.
type Use struct {
	Model                                string // "openai/gpt-5"
	Input, Output, CacheRead, CacheWrite int64  // tokens
	Guessed                              bool   // the provider did not say how many
	Price                                *Price // nil is not known
}
