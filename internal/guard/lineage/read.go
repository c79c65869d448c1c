package lineage

import (
	"crypto/sha256"
	"encoding/json"
	"path"
	"slices"
	"strings"

	"github.com/openseawall/seawall/internal/effect"
	"github.com/openseawall/seawall/internal/guard/origin"
	"github.com/openseawall/seawall/internal/lazyregexp"
	"github.com/openseawall/seawall/internal/openclaw"
)

// ever is the join of all that was written to a file, or to a folder above it.
func (b *Book) ever(p, workspace string) (labels []origin.Label, ok bool) {
	if b == nil {
		return nil, false
	}
	at := effect.Place(p, workspace)
	if at == "" {
		return nil, false
	}
	look := []Place{place("file", at), place("base", path.Base(at)), place("any", path.Dir(at))}
	root := effect.Place(workspace, "")
	for dir := path.Dir(at); strings.Count(dir, "/") > 1 && dir != root; dir = path.Dir(dir) {
		look = append(look, place("file", dir))
	}
	b.mu.RLock()
	defer b.mu.RUnlock()
	for _, l := range look {
		if k := b.places[l]; k != nil {
			labels, ok = join(labels, k.Labels), true
		}
	}
	return labels, ok
}

// Result is what a tool's result brings along from files that it read. vouched tells
// that it is the very content of one file, which the operator vouches for or a turn
// wrote in which there was nothing untrusted.
func (b *Book) Result(tool, args, text, workspace string) (labels []origin.Label, vouched bool) {
	if b == nil {
		return nil, false
	}
	paths := b.paths(tool, args, text)
	if len(paths) == 1 && (tool == "read" || tool == "memory_get") {
		at, sum := FilePlace(paths[0], workspace), Sum(text)
		if b.vouched(at, sum) {
			return nil, true
		}
		if known, ok := b.content(at, sum); ok {
			return known, len(known) == 0
		}
	}
	for _, p := range paths {
		if known, ok := b.ever(p, workspace); ok {
			labels = join(labels, known)
		}
	}
	return labels, false
}

func (b *Book) vouched(p Place, sum string) bool { return b.Vouched != nil && b.Vouched(p) == sum }

// own are the contents of a place that are the operator's: the one that he vouches
// for, and what turns wrote in which there was nothing untrusted.
func (b *Book) own(p Place) (sums []string) {
	if b.Vouched != nil {
		if sum := b.Vouched(p); sum != "" {
			sums = append(sums, sum)
		}
	}
	b.mu.RLock()
	defer b.mu.RUnlock()
	if k := b.places[p]; k != nil {
		for sum, labels := range k.contents {
			if len(labels) == 0 {
				sums = append(sums, sum)
			}
		}
	}
	return sums
}

// paths are the files that a call read.
func (b *Book) paths(tool, args, text string) []string {
	switch tool {
	case "memory_search":
		var found []string
		for _, m := range pathField.FindAllStringSubmatch(text, 64) {
			found = append(found, m[1])
		}
		return found
	case "read", "memory_get", "file_fetch":
		var a arguments
		if json.Unmarshal([]byte(args), &a) != nil {
			return nil
		}
		return []string{a.file()}
	case "exec":
		key := sha256.Sum256([]byte(args))
		if known, ok := b.reads.Get(key); ok {
			return known
		}
		reads := effect.Of(tool, []byte(args)).Reads
		b.reads.Add(key, reads)
		return reads
	}
	return nil
}

// pathField is where OpenClaw names the file of a memory that it found.
var pathField = lazyregexp.New(`"path"\s*:\s*"([^"\\]{1,1000})"`)

// Piece is a file of the workspace in the instructions, and what is known of it.
type Piece struct {
	Text string
	// Labels are of what was written there; none tells that nobody known wrote it.
	Labels []origin.Label
}

// maxEnds bounds where a file in the instructions may end.
const maxEnds = 64

// Context is what of OpenClaw's instructions is not its maker's: the files of the
// workspace but those that the operator vouches for, or that a turn wrote in which
// there was nothing untrusted. What a file says may look like the heading of the
// next, so what follows a bad one is as bad, unless it is vouched for.
func (b *Book) Context(instructions, workspace string) (pieces []Piece) {
	if b == nil {
		return nil
	}
	var before []origin.Label
	for _, f := range openclaw.ContextFiles(instructions) {
		at := FilePlace(f.Path, workspace)
		if b.whole(at, f.Text) {
			continue
		}
		labels, _ := b.ever(f.Path, workspace)
		before = join(before, labels)
		pieces = append(pieces, Piece{strings.Clone(f.Text), before})
	}
	return pieces
}

// whole reports whether a text begins with a content that is vouched for, or was
// written by a turn without anything untrusted, and that ends where a file may end.
func (b *Book) whole(at Place, text string) bool {
	own := b.own(at)
	if len(own) == 0 {
		return false
	}
	ends := []int{len(text)}
	for _, m := range fileEnd.FindAllStringIndex(text, maxEnds) {
		ends = append(ends, m[0])
	}
	return slices.ContainsFunc(ends, func(end int) bool {
		return slices.Contains(own, Sum(text[:end]))
	})
}

// fileEnd is what may stand behind the last file.
var fileEnd = lazyregexp.New(`\n(#{1,2} |<!--)`)

// Said is what is known of a text that comes as a user's, though the agent wrote it:
// the instructions of a job, the task of a sub-agent. ok is false where nobody did.
func (b *Book) Said(text string, job string) (labels []origin.Label, ok bool) {
	if b == nil {
		return nil, false
	}
	k, ok := b.At(textPlace(text))
	if !ok {
		return nil, false
	}
	labels = k.Labels
	if job != "" {
		if k, changed := b.At(JobPlace(job)); changed {
			labels = join(labels, k.Labels)
		}
	}
	return labels, true
}
