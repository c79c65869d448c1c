#!/usr/bin/env bash
# Makes all that is released, into $DIST: static programs, packages, SBOMs and
# their sums, or those of $ARCHES and $PACKAGERS. The same commit gives the same
# bytes, wherever and by whomever it is built. What Seawall is compiled from may
# have a cache of its own, $BUILDCACHE.
set -euo pipefail
cd "$(dirname "$0")/.."

NFPM=github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.45.2
CYCLONEDX=github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0

described=$(git describe --tags --always --dirty)
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
DIST=${DIST:-dist}
ARCHES=${ARCHES:-amd64 arm64}
PACKAGERS=${PACKAGERS:-deb rpm}
export SOURCE_DATE_EPOCH DIST TZ=UTC LC_ALL=C
# Packages want a number: before the first tag, the commit's day is its.
case $described in
v[0-9]*) VERSION=${described#v} ;;
*) VERSION=0.0.0~$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y%m%d%H%M).${described//-/.} ;;
esac
export VERSION

umask 022
rm -rf "$DIST"
mkdir -p "$DIST/man" "$DIST/completions"

build() {
	GOCACHE=${BUILDCACHE:-$(go env GOCACHE)} GOOS=linux GOARCH=$1 CGO_ENABLED=0 go build -trimpath -buildvcs=false \
		-ldflags "-s -w -buildid= -X main.linked=$described" -o "$2" ./cmd/seawall
}

for ARCH in $ARCHES; do
	echo "seawall-linux-$ARCH"
	build "$ARCH" "$DIST/seawall-linux-$ARCH"
done

# The pages name the state directory of whoever writes them; root's is meant.
export XDG_STATE_HOME=/var/lib
here=$DIST/seawall-linux-$(go env GOHOSTARCH)
[ -e "$here" ] || { here=$DIST/here && build "$(go env GOHOSTARCH)" "$here"; }
"$here" man "$DIST/man"
gzip -n -9 "$DIST"/man/*.1
"$here" completion bash >"$DIST/completions/seawall.bash"
"$here" completion zsh >"$DIST/completions/_seawall"
"$here" completion fish >"$DIST/completions/seawall.fish"

for ARCH in $ARCHES; do
	export ARCH
	for packager in $PACKAGERS; do
		go run $NFPM package --config packaging/nfpm.yaml --packager "$packager" --target "$DIST/"
	done
	go run $CYCLONEDX bin -json -std -noserial -notimestamp -version "$described" \
		-output "$DIST/seawall-linux-$ARCH.cdx.json" "$DIST/seawall-linux-$ARCH" 2>/dev/null
done

rm -rf "$DIST/man" "$DIST/completions" "$DIST/here"
(cd "$DIST" && sha256sum -- * >SHA256SUMS && cat SHA256SUMS)
