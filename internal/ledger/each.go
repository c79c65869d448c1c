package ledger

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"github.com/openseawall/seawall/internal/state"
)

// Each hands on the rows of the record in a state directory that pass a filter, in
// their order and no more than most of them: cut tells that there were more. Where
// there is no record there are none.
func Each(ctx context.Context, dir *state.Dir, f Filter, most int, do func(Row)) (cut bool, err error) {
	if _, err := os.Stat(dir.Path(state.Ledger)); errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	record, err := OpenReader(dir)
	if err != nil {
		return false, err
	}
	defer record.Close()
	n := 0
	for row, err := range record.Rows(ctx, f) {
		if err != nil {
			return false, err
		}
		if n++; n > most {
			return true, nil
		}
		do(row)
	}
	return false, nil
}
