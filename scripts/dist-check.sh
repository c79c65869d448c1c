#!/usr/bin/env bash
# Builds the last commit twice, in two folders, the second from nothing that was
# compiled before, and compares every byte that would be released.
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
for build in one another/place; do
	git clone -q --no-hardlinks . "$work/$build/seawall"
	[ $build = one ] || export BUILDCACHE=$work/cache
	"$work/$build/seawall/scripts/dist.sh" >/dev/null
done
if ! diff -r "$work/one/seawall/dist" "$work/another/place/seawall/dist"; then
	echo "The same commit gave different bytes." >&2
	exit 1
fi
cat "$work/one/seawall/dist/SHA256SUMS"
echo "The same bytes twice."
