#!/usr/bin/env bash
# Makes all that is released, into dist/: static programs, packages, SBOMs and
# their sums. The same commit gives the same bytes, wherever it is built.
set -euo pipefail
cd "$(dirname "$0")/.."

NFPM=github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.45.2
CYCLONEDX=github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0

described=$(git describe --tags --always --dirty)
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
DIST=dist
export SOURCE_DATE_EPOCH DIST TZ=UTC LC_ALL=C
# Packages want a number: before the first tag, the commit's day is its.
case $described in
v[0-9]*) VERSION=${described#v} ;;
*) VERSION=0.0.0~$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y%m%d%H%M).${described//-/.} ;;
esac
export VERSION

rm -rf $DIST
mkdir -p $DIST/man $DIST/completions
umask 022

for ARCH in amd64 arm64; do
	echo "seawall-linux-$ARCH"
	GOOS=linux GOARCH=$ARCH CGO_ENABLED=0 go build -trimpath -buildvcs=false \
		-ldflags "-s -w -buildid= -X main.linked=$described" -o "$DIST/seawall-linux-$ARCH" ./cmd/seawall
done

here=$DIST/seawall-linux-$(go env GOHOSTARCH)
"$here" man $DIST/man
gzip -n -9 $DIST/man/*.1
"$here" completion bash >$DIST/completions/seawall.bash
"$here" completion zsh >$DIST/completions/_seawall
"$here" completion fish >$DIST/completions/seawall.fish

# What nfpm finds on the disk gets the commit's time.
find $DIST packaging LICENSE -type f -newermt @0 -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +

for ARCH in amd64 arm64; do
	export ARCH
	for packager in deb rpm; do
		go run $NFPM package --config packaging/nfpm.yaml --packager $packager --target $DIST/
	done
	go run $CYCLONEDX bin -json -std -noserial -notimestamp -version "$described" \
		-output "$DIST/seawall-linux-$ARCH.cdx.json" "$DIST/seawall-linux-$ARCH" 2>/dev/null
done

rm -rf $DIST/man $DIST/completions
(cd $DIST && sha256sum -- * >SHA256SUMS && cat SHA256SUMS)
