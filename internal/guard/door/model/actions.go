package model

import (
	"github.com/openseawall/seawall/internal/guard"
	"github.com/openseawall/seawall/internal/guard/wire"
)

func (t *turn) actions(c wire.Call) []guard.Action {
	return []guard.Action{{Turn: t.Turn, Tool: c.Name, Args: []byte(c.Args), Ambiguous: c.Unclear != ""}}
}
