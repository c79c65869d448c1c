package limit

import (
	"math"

	"github.com/openseawall/seawall/internal/openclaw"
)

// Use is what one answer of a model used.
type Use struct {
	Model                                string          // "openai/gpt-5"
	Input, Output, CacheRead, CacheWrite int64           // tokens
	Guessed                              bool            // the provider did not say how many
	Price                                *openclaw.Price // nil is not known
}

// cost is what it cost, in millionths of a dollar: as many as a token at one dollar
// for a million costs.
func (u Use) cost() int64 {
	p := u.Price
	sum := p.Input*float64(u.Input) + p.Output*float64(u.Output) + p.CacheRead*float64(u.CacheRead) + p.CacheWrite*float64(u.CacheWrite)
	return int64(math.Ceil(max(0, min(sum, most))))
}
