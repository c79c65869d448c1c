package model

import (
	"net/url"
	"strings"

	"github.com/openseawall/seawall/internal/guard/limit"
	"github.com/openseawall/seawall/internal/guard/wire"
	"github.com/openseawall/seawall/internal/loopback"
	"github.com/openseawall/seawall/internal/openclaw"
)

// bytesPerToken is about how many bytes of text are a token. It counts where a
// provider does not say how many there were: what is not said is not nothing.
const bytesPerToken = 4

// meter measures one turn.
type meter struct {
	door        *Door
	route       served
	asked, said int // bytes of the request, and of the answer's texts and calls
}

// Used implements wire.Meter.
func (t *turn) Used(u wire.Usage) {
	m := t.meter
	provider, _, _ := strings.Cut(m.route.Provider, "/")
	use := limit.Use{
		Model: shown(provider + "/" + t.request.Model),
		Input: u.Input, Output: u.Output, CacheRead: u.CacheRead, CacheWrite: u.CacheWrite,
	}
	if !u.Known || u == (wire.Usage{Known: true}) {
		use.Guessed = true
		use.Input, use.Output = int64(m.asked/bytesPerToken), int64(m.said/bytesPerToken)
	}
	if m.door.Price != nil {
		use.Price = m.door.Price(m.route.Agent, provider+"/"+t.request.Model)
	}
	// A price of zero is one on this machine; elsewhere it is what OpenClaw's setup
	// writes when it does not know.
	if use.Price != nil && use.Price.Free() && !m.route.here() {
		use.Price = nil
	}
	t.guard.Answered(t.Turn, use)
}

// here reports whether the provider is a program on this machine.
func (r Route) here() bool {
	u, err := url.Parse(r.Upstream)
	return err == nil && loopback.Host(u.Host)
}

// Pricer says what a model costs, by "provider/model" in the OpenClaw of a config;
// nil is not known. It is safe for concurrent use.
type Pricer func(config, model string) *openclaw.Price
