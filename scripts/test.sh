#!/usr/bin/env bash
# Runs go test with the arguments given; the last line is "N passed, N failed".
# A test that was skipped counts as failed: one that cannot have what it needs
# has shown nothing.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p .cache

count='failed=$((TESTS_FAILED + TESTS_ERRORS + TESTS_SKIPPED))
[ "$TESTS_SKIPPED" = 0 ] || echo "$TESTS_SKIPPED skipped"
echo "$((TESTS_TOTAL - TESTS_FAILED - TESTS_SKIPPED)) passed, $failed failed" >.cache/count
echo $failed >.cache/failed'
rm -f .cache/count .cache/failed
status=0
go tool gotestsum --format pkgname --format-icons text --jsonfile .cache/test.json \
	--post-run-command "sh -c '$count'" -- -timeout 20m "$@" || status=$?
if [ ! -e .cache/count ]; then
	echo "The tests did not run."
	exit 1
fi
[ "$(cat .cache/failed)" = 0 ] || status=1
if [ $status != 0 ] && [ "$(cat .cache/failed)" = 0 ]; then
	echo "go test itself failed"
fi
cat .cache/count
exit $status
