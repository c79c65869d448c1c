package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/bits"

	"golang.org/x/mod/sumdb/tlog"
)

// Hashes are kept in tiles (https://research.swtch.com/tlog): one row of the
// database holds up to 256 of the same level. Tile n of level l holds the roots
// of the complete subtrees of 256^l rows from number 256·n on; those of level 0
// are the leaves.
const (
	tileHeight = 8
	tileWidth  = 1 << tileHeight
	tileLevels = 63/tileHeight + 1
	tileBytes  = tileWidth * tlog.HashSize
)

// tileID is where a tile stands in the database.
func tileID(level int, n int64) int64 { return int64(level)<<56 | n }

// frontier is a growing tree, kept as the hashes of its complete subtrees from
// the largest to the smallest.
type frontier struct {
	n      int64
	hashes []tlog.Hash
}

// add adds a leaf and returns the hashes that it completes, the leaf's first,
// each of a subtree twice as large as that of the one before. They are good
// until the next call.
func (f *frontier) add(leaf tlog.Hash, made []tlog.Hash) []tlog.Hash {
	made = append(made[:0], leaf)
	for range bits.TrailingZeros64(^uint64(f.n)) {
		last := len(f.hashes) - 1
		made = append(made, tlog.NodeHash(f.hashes[last], made[len(made)-1]))
		f.hashes = f.hashes[:last]
	}
	f.hashes = append(f.hashes, made[len(made)-1])
	f.n++
	return made
}

// root returns the hash of the whole tree (RFC 6962, 2.1); an empty one has
// that of nothing.
func (f *frontier) root() tlog.Hash {
	if f.n == 0 {
		return tlog.Hash{}
	}
	root := f.hashes[len(f.hashes)-1]
	for i := len(f.hashes) - 2; i >= 0; i-- {
		root = tlog.NodeHash(f.hashes[i], root)
	}
	return root
}

func (f *frontier) tree() tlog.Tree { return tlog.Tree{N: f.n, Hash: f.root()} }

// grown is a tree that rows are added to: its frontier, and of each level the
// tile that is not full yet.
type grown struct {
	frontier
	open  [tileLevels][]byte
	fresh map[int64][]byte // tiles that the database does not have like this
	made  []tlog.Hash
}

// add adds the leaf of a row.
func (g *grown) add(leaf tlog.Hash) {
	at := g.n
	g.made = g.frontier.add(leaf, g.made)
	if g.fresh == nil {
		g.fresh = map[int64][]byte{}
	}
	for i := 0; i < len(g.made); i += tileHeight {
		level := i / tileHeight
		n := at >> i // the hash's number in its level
		tile := append(g.open[level], g.made[i][:]...)
		g.fresh[tileID(level, n>>tileHeight)] = tile
		if g.open[level] = tile; len(tile) == tileBytes {
			g.open[level] = nil
		}
	}
}

// load reads the tree of n rows: a few tiles, however many rows there are.
func load(ctx context.Context, q queryer, n int64) (*grown, error) {
	g := &grown{frontier: frontier{n: n}}
	for level := tileLevels - 1; level >= 0; level-- {
		width := n >> (level * tileHeight)
		if width%tileWidth == 0 {
			continue
		}
		var tile []byte
		err := q.QueryRowContext(ctx, "SELECT hashes FROM tiles WHERE id = ?", tileID(level, width>>tileHeight)).Scan(&tile)
		width %= tileWidth
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return nil, err
		}
		if len(tile) < int(width)*tlog.HashSize {
			return nil, fmt.Errorf("hashes of its tree were removed")
		}
		tile = tile[: int(width)*tlog.HashSize : int(width)*tlog.HashSize]
		g.open[level] = tile
		g.hashes = append(g.hashes, complete(tile)...)
	}
	return g, nil
}

// complete returns the roots of the complete subtrees over the hashes of a
// tile, the largest first.
func complete(tile []byte) []tlog.Hash {
	var f frontier
	var made []tlog.Hash
	for ; len(tile) > 0; tile = tile[tlog.HashSize:] {
		made = f.add(tlog.Hash(tile[:tlog.HashSize]), made)
	}
	return f.hashes
}
