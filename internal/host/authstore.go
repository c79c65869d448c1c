package host

import (
	"context"
	"database/sql"
	stdjson "encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"slices"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// AskProfiles is a question of the reader's own: with the path of one of
// OpenClaw's databases it answers []AuthProfile, without any secret.
const AskProfiles = "seawall:auth-profiles"

// AuthProfile is one login of OpenClaw's as its database holds it, without the
// login itself.
type AuthProfile struct {
	ID       string // "anthropic:manual"
	Type     string // api_key, token, oauth
	Provider string
	Expires  float64 `json:",omitempty"` // milliseconds since 1970; 0 never
	Ref      bool    `json:",omitempty"` // the secret is a SecretRef
	Inactive bool    `json:",omitempty"` // saved by a setup that nobody has activated

	// Secret is what is shown to the provider. It never leaves the process:
	// not in answers of [Host.Run], nor in JSON.
	Secret string `json:"-"`
}

// storeLimit bounds the text of one store.
const storeLimit = 4 << 20

// AuthStoreQueries are where OpenClaw keeps its logins: those of one agent in
// agents/ID/agent/openclaw-agent.sqlite, those of all in state/openclaw.sqlite
// (docs/auth-credential-semantics.md; seen in 2026.9.6).
var AuthStoreQueries = []string{
	`SELECT store_json FROM auth_profile_store WHERE store_key = 'primary' AND length(store_json) < ?`,
	`SELECT value_json FROM config_machine_state WHERE state_key = 'authProfiles.store' AND length(value_json) < ?`,
}

// ReadAuthStore reads the logins in one of OpenClaw's databases, with their
// secrets. It writes nothing, whether OpenClaw runs or not.
func ReadAuthStore(ctx context.Context, path string) ([]AuthProfile, error) {
	db, err := openStore(path)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	var list []AuthProfile
	for _, q := range AuthStoreQueries {
		var text string
		switch err := db.QueryRowContext(ctx, q, storeLimit).Scan(&text); {
		case errors.Is(err, sql.ErrNoRows), err != nil && missingTable(ctx, db):
			continue
		case err != nil:
			return nil, fmt.Errorf("reading OpenClaw's logins in %s: %w", path, err)
		}
		profiles, err := ParseAuthStore([]byte(text))
		if err != nil {
			return nil, fmt.Errorf("reading OpenClaw's logins in %s: %w", path, err)
		}
		list = append(list, profiles...)
	}
	return list, nil
}

// openStore opens one of OpenClaw's databases to read it, and only that.
func openStore(path string) (*sql.DB, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, explain("reading", path, err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("reading %s: it is not a regular file", path)
	}
	query := url.Values{"mode": {"ro"}, "_pragma": {"busy_timeout(2000)", "query_only(1)"}}
	// Without a journal beside it nobody writes, and none need be made to read.
	if wal, err := os.Lstat(path + "-wal"); errors.Is(err, os.ErrNotExist) || err == nil && wal.Size() == 0 {
		query.Set("immutable", "1")
	}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: path, RawQuery: query.Encode()}).String())
	if err != nil {
		return nil, explain("reading", path, err)
	}
	return db, nil
}

// missingTable tells a database that can be read and has no such table, as
// each of the two lacks the other's, from one that cannot be read.
func missingTable(ctx context.Context, db *sql.DB) bool {
	var n int
	return db.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_master`).Scan(&n) == nil
}

// ParseAuthStore reads a store as the databases, and auth-profiles.json before
// them, hold it: {profiles: {ID: {type, provider, key | token | access …}}}.
func ParseAuthStore(text []byte) ([]AuthProfile, error) {
	var store struct {
		Profiles map[string]struct {
			Type, Provider, Key, Token, Access string
			KeyRef, TokenRef, Setup            stdjson.RawMessage
			Expires                            any
		}
	}
	if err := stdjson.Unmarshal(text, &store); err != nil {
		return nil, errors.New("it is not JSON as OpenClaw writes it") // the decoder's words could quote a key
	}
	var list []AuthProfile
	for _, id := range slices.Sorted(maps.Keys(store.Profiles)) {
		p := store.Profiles[id]
		a := AuthProfile{ID: id, Type: p.Type, Provider: p.Provider, Inactive: len(p.Setup) > 0, Ref: len(p.KeyRef)+len(p.TokenRef) > 0}
		a.Expires, _ = p.Expires.(float64)
		switch p.Type {
		case "api_key":
			a.Secret = p.Key
		case "token":
			a.Secret = p.Token
		case "oauth":
			a.Secret = p.Access
		}
		list = append(list, a)
	}
	return list, nil
}
