package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// stand reads how the record stands, after making sure that rows, tree and
// signed head end at the same row.
func (r *Reader) stand(ctx context.Context, q queryer) (*standing, error) {
	var last, at int64
	err := q.QueryRowContext(ctx, "SELECT id, time FROM rows ORDER BY id DESC LIMIT 1").Scan(&last, &at)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, err
	}
	s := &standing{}
	if last > 0 {
		s.last = time.UnixMilli(at)
	}
	err = q.QueryRowContext(ctx, "SELECT checkpoint, bodies FROM head WHERE one = 1").Scan(&s.head, &s.bodies)
	switch {
	case errors.Is(err, sql.ErrNoRows) && last > 0:
		return nil, errors.New("its signed checkpoint was removed")
	case errors.Is(err, sql.ErrNoRows):
		s.tree = &grown{}
		return s, nil
	case err != nil:
		return nil, err
	}
	head, err := openCheckpoint(s.head, r.verifier)
	if err != nil {
		return nil, err
	}
	if head.N != last {
		return nil, fmt.Errorf("its signed checkpoint counts %d rows, but the last row is %d", head.N, last)
	}
	if s.tree, err = load(ctx, q, head.N); err != nil {
		return nil, err
	}
	if s.tree.tree() != head {
		return nil, errors.New("its tree does not fit the signed checkpoint")
	}
	return s, nil
}
