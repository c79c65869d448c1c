#!/usr/bin/env bash
# Runs go test on the packages after --, with the flags before it; the last line
# is "N passed, N failed". A test that was skipped counts as failed: one that
# cannot have what it needs has shown nothing.
#
# The lab boots machines and agents beside each other on few cores. A test that
# fails is therefore run once more when all others have ended, if no more than a
# handful did; what passes only then is named above the last line, so that nobody
# takes it for sound. A data race is never tried again.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p .cache

flags=()
while [ "$1" != -- ]; do
	flags+=("$1")
	shift
done
shift

rm -f .cache/count .cache/again
status=0
go tool gotestsum --format pkgname --format-icons text --jsonfile .cache/test.json \
	--rerun-fails=1 --rerun-fails-max-failures 12 --rerun-fails-run-root-test --rerun-fails-abort-on-data-race \
	--rerun-fails-report .cache/again --post-run-command 'sh -c "env | grep ^TESTS_ >.cache/count"' \
	--packages "$*" -- -timeout 25m "${flags[@]}" || status=$?
if [ ! -e .cache/count ]; then
	echo "The tests did not run."
	exit 1
fi
# shellcheck source=/dev/null
source .cache/count
# How each test ended last: "pass", "fail" or "skip".
ended=$(sed -n 's/.*"Action":"\(pass\|fail\|skip\)",\("Package":.*"Test":.*\),"Elapsed".*/\1 \2/p' .cache/test.json |
	awk '{ how = $1; $1 = ""; last[$0] = how } END { for (t in last) print last[t] }')
count() { grep -c "^$1$" <<<"$ended" || true; }
failed=$(($(count fail) + $(count skip) + TESTS_ERRORS))
[ "$(count skip)" = 0 ] || echo "$(count skip) skipped"
# The report has a line a test that ran again: "package.Test: 2 runs, 1 failures".
if [ -s .cache/again ]; then
	awk '$2 > $4 { sub(/:$/, "", $1); print "passed only when run again: " $1 }' .cache/again
fi
[ $failed = 0 ] || status=1
if [ $status != 0 ] && [ $failed = 0 ]; then
	echo "go test itself failed"
fi
echo "$(count pass) passed, $failed failed"
exit $status
