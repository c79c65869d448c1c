#!/usr/bin/env bash
# gofmt, vet and staticcheck, with and without the lab's tests.
set -euo pipefail
cd "$(dirname "$0")/.."

unformatted=$(gofmt -l cmd internal lab bench)
if [ -n "$unformatted" ]; then
	echo "gofmt would change: $unformatted" >&2
	exit 1
fi
go vet ./...
# The other machine that Seawall runs on.
GOARCH=arm64 CGO_ENABLED=0 go build -o /dev/null ./cmd/seawall
go vet -tags lab,proof ./...
go tool staticcheck -tags lab,proof ./...
