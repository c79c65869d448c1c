package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"maps"
	"math/big"
	"slices"
	"sync"

	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/openclaw"
	"github.com/openseawall/seawall/internal/posture"
	"github.com/openseawall/seawall/internal/posture/controls"
	"github.com/openseawall/seawall/internal/posture/texts"
)

// fakeKey has the shape of a key and was never one. It is made here, so that no
// file of the repository looks as if it held a secret.
func fakeKey() string {
	sum := sha256.Sum256([]byte("not a key"))
	return "ghp_" + new(big.Int).SetBytes(sum[:]).Text(62)[:36]
}

// Seawall audits the mutated machine and returns the controls that speak and
// did not before.
func (m Mutation) Seawall(ctx context.Context, root string) ([]string, error) {
	recorded, err := base(root, m.Base)
	if err != nil {
		return nil, err
	}
	overlay, err := m.Overlay(recorded)
	if err != nil {
		return nil, err
	}
	before, err := silent(ctx, root, m.Base)
	if err != nil {
		return nil, err
	}
	after, err := failures(ctx, recorded, overlay)
	if err != nil {
		return nil, err
	}
	for id := range before {
		delete(after, id)
	}
	return slices.Sorted(maps.Keys(after)), nil
}

var (
	beforeOnce sync.Mutex
	beforeOf   = map[string]map[string]bool{}
)

// silent are the controls that speak about a machine before it is weakened: none,
// as the tests hold it. It is read once.
func silent(ctx context.Context, root, name string) (map[string]bool, error) {
	beforeOnce.Lock()
	defer beforeOnce.Unlock()
	if failed, ok := beforeOf[name]; ok {
		return failed, nil
	}
	recorded, err := base(root, name)
	if err != nil {
		return nil, err
	}
	beforeOf[name], err = failures(ctx, recorded)
	return beforeOf[name], err
}

// failures are the controls that speak about a recorded machine.
func failures(ctx context.Context, archives ...[]byte) (map[string]bool, error) {
	for i := range archives {
		archives[i] = bytes.ReplaceAll(archives[i], []byte("@FAKE_KEY@"), []byte(fakeKey()))
	}
	h, err := host.Parse(archives...)
	if err != nil {
		return nil, err
	}
	f := &posture.Facts{Facts: host.Read(ctx, h)}
	f.OpenClaw = openclaw.Discover(ctx, h, f.Facts, texts.Options()...)
	failed := map[string]bool{}
	for _, r := range posture.Run(ctx, f, controls.All).Results {
		if r.Outcome == posture.Failed {
			failed[r.ID] = true
		}
	}
	return failed, nil
}
