package ledger

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/openseawall/seawall/internal/state"
)

// The key that signs checkpoints and the one that verifies them, in the forms
// of golang.org/x/mod/sumdb/note.
const (
	signingFile   = "ledger.key"
	verifyingFile = "ledger.pub"
)

// signingKey reads the signing key, and makes one when the directory has none.
func signingKey(dir *state.Dir) (note.Signer, error) {
	secret, err := dir.Read(signingFile)
	if errors.Is(err, fs.ErrNotExist) {
		if secret, err = makeKeys(dir); err != nil {
			return nil, err
		}
	} else if err != nil {
		return nil, err
	}
	signer, err := note.NewSigner(strings.TrimSpace(string(secret)))
	if err != nil {
		return nil, fmt.Errorf("the signing key %s is damaged: restore it from a backup, or move it and %s aside to start a new record", dir.Path(signingFile), state.Ledger)
	}
	return signer, nil
}

func makeKeys(dir *state.Dir) ([]byte, error) {
	signing, verifying, err := newKey()
	if err != nil {
		return nil, fmt.Errorf("making a signing key: %w", err)
	}
	// The public half first: a signing key without it could never be checked.
	if err := dir.Write(verifyingFile, []byte(verifying+"\n")); err != nil {
		return nil, err
	}
	if err := dir.Write(signingFile, []byte(signing+"\n")); err != nil {
		return nil, err
	}
	return []byte(signing), nil
}

func verifyingKey(dir *state.Dir) (note.Verifier, error) {
	public, err := dir.Read(verifyingFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no record in %s yet: `seawall up` starts one", dir)
	}
	if err != nil {
		return nil, err
	}
	verifier, err := note.NewVerifier(strings.TrimSpace(string(public)))
	if err != nil {
		return nil, fmt.Errorf("the key %s that checks the record is damaged: %w", dir.Path(verifyingFile), err)
	}
	return verifier, nil
}
