package ledger

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// checkpoint signs the head of the tree in the form of C2SP tlog-checkpoint:
// origin, number of rows, root hash, each on a line.
func checkpoint(tree tlog.Tree, signer note.Signer) ([]byte, error) {
	text := fmt.Sprintf("%s\n%d\n%s\n", Origin, tree.N, base64.StdEncoding.EncodeToString(tree.Hash[:]))
	return note.Sign(&note.Note{Text: text}, signer)
}

// openCheckpoint checks the signature of a checkpoint and returns its tree.
func openCheckpoint(msg []byte, verifier note.Verifier) (tlog.Tree, error) {
	n, err := note.Open(msg, note.VerifierList(verifier))
	if err != nil {
		return tlog.Tree{}, fmt.Errorf("the checkpoint is not signed by this record's key: %w", err)
	}
	lines := strings.Split(n.Text, "\n")
	if len(lines) < 4 || lines[0] != Origin {
		return tlog.Tree{}, fmt.Errorf("the checkpoint is not one of a Seawall record")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 {
		return tlog.Tree{}, fmt.Errorf("the checkpoint has no size")
	}
	root, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		return tlog.Tree{}, fmt.Errorf("the checkpoint has no root hash")
	}
	return tlog.Tree{N: size, Hash: tlog.Hash(root)}, nil
}

// ReadCheckpoints returns the signed checkpoints in a file to which they were
// appended, in its order; "-" is standard input, and a text that is one stands
// for itself. What stands between them is left out.
func ReadCheckpoints(path string) ([][]byte, error) {
	if strings.Contains(path, Origin) {
		return splitCheckpoints([]byte(path)), nil
	}
	in := io.Reader(os.Stdin)
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, fmt.Errorf("reading checkpoints from %s: %w", path, cause(err))
		}
		defer f.Close()
		in = f
	}
	content, err := io.ReadAll(io.LimitReader(in, maxOutside+1))
	if err != nil {
		return nil, fmt.Errorf("reading checkpoints from %s: %w", path, cause(err))
	}
	if len(content) > maxOutside {
		return nil, fmt.Errorf("%s is larger than %d MB: give a part of it (tail -n 1000)", path, maxOutside>>20)
	}
	return splitCheckpoints(content), nil
}

// splitCheckpoints finds the notes in a text: from a line with the origin to
// the last signature behind it. A copy from a web page may have other line
// ends and indentation.
func splitCheckpoints(content []byte) [][]byte {
	var all [][]byte
	var lines []string
	end := func() {
		if len(lines) > 4 {
			all = append(all, []byte(strings.Join(lines, "\n")+"\n"))
		}
		lines = nil
	}
	for line := range bytes.Lines(content) {
		s := strings.TrimSpace(string(line))
		switch {
		case s == Origin:
			end()
			lines = []string{s}
		case lines == nil:
		case len(lines) < 4, strings.HasPrefix(s, "\u2014 "):
			lines = append(lines, s)
		default:
			end()
		}
	}
	end()
	return all
}
