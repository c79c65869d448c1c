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
go vet -tags lab ./...
go tool staticcheck -tags lab ./...
