#!/usr/bin/env bash
# Runs every fuzz target for the time given, one after the other, and says at
# the end how many there were and how long all took. What one finds is kept in
# the package's testdata/fuzz and is a test from then on: commit it.
set -euo pipefail
cd "$(dirname "$0")/.."

targets=() failed=()
while IFS=: read -r file line; do
	target=${line#func }
	targets+=("./$(dirname "$file") ${target%%(*}")
done < <(grep -r --include='*_test.go' '^func Fuzz' internal lab cmd | sort)

echo "${#targets[@]} targets, $1 each"
SECONDS=0
for each in "${targets[@]}"; do
	read -r package target <<<"$each"
	echo "$package $target"
	go test -run '^$' -fuzz "^$target\$" -fuzztime "$1" "$package" || failed+=("$each")
done
echo "${#targets[@]} targets in $((SECONDS / 60)) min $((SECONDS % 60)) s, ${#failed[@]} failed"
printf '%s\n' "${failed[@]+"${failed[@]}"}"
[ "${#failed[@]}" = 0 ]
