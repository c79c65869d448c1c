package model

import (
	"errors"

	"github.com/openseawall/seawall/internal/guard/wire"
)

// whole is the error of a rewriter, unless it tells of an answer that ended with
// a notice: that is a whole one.
func whole(err error) error {
	if ended := (*wire.Ended)(nil); errors.As(err, &ended) {
		return nil
	}
	return err
}
