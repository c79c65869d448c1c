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
# The report has a line a test that ran again: "package.Test: 2 runs, 1 failures".
touch .cache/again
extra=$(awk '{ n += $2 - 1 } END { print n + 0 }' .cache/again)
mended=$(awk '$2 > $4 { print $1 }' .cache/again | tr -d :)
mended_runs=$(awk '$2 > $4 { n += $4 } END { print n + 0 }' .cache/again)
never=$(awk '$2 == $4 { n += $4 - 1 } END { print n + 0 }' .cache/again)
failed=$((TESTS_FAILED + TESTS_ERRORS + TESTS_SKIPPED - mended_runs - never))
[ "$TESTS_SKIPPED" = 0 ] || echo "$TESTS_SKIPPED skipped"
[ -z "$mended" ] || printf 'passed only when run again:\n%s\n' "$mended"
[ $failed = 0 ] || status=1
if [ $status != 0 ] && [ $failed = 0 ]; then
	echo "go test itself failed"
fi
echo "$((TESTS_TOTAL - extra - failed)) passed, $failed failed"
exit $status
