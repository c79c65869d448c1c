package guard

import (
	"context"

	"github.com/openseawall/seawall/internal/guard/policy"
	"github.com/openseawall/seawall/internal/ledger"
)

// Input is the source of a text that a provider works on and no model obeys:
// what is embedded, moderated, drawn or spoken. Secrets are looked for in it,
// orders are not.
const Input Source = "input"

// Side records a request that carries no conversation, such as for a list of
// models: what names it. No row, no request.
func (g *Guard) Side(ctx context.Context, t Turn, what string) Decision {
	d, halted := g.halt()
	if !halted {
		d = Decision{Verdict: policy.Allow, Why: "it carries no conversation"}
	}
	return g.keep(ctx, t, d, ledger.Row{Act: "side", Detail: g.clean(what)})
}
