package debian

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/openseawall/seawall/lab/cache"
)

// archive fetches what the image lacks for packages, and makes a repository of
// it. $1 is the image's tar, $2 the folder; the rest are the packages.
const archive = `
tar=$1 dir=$2; shift 2
mkdir -p "$dir/partial"
tar -xOf "$tar" ./var/lib/dpkg/status > "$dir/status"
apt-get -y -q --download-only --no-install-recommends -o Dir::State::status="$dir/status" \
	-o Dir::Cache::archives="$dir" -o Debug::NoLocking=1 install "$@"
cd "$dir"
for deb in *.deb; do
	dpkg-deb -f "$deb"
	printf 'Filename: ./%s\nSize: %s\nSHA256: %s\n\n' "$deb" "$(stat -c %s "$deb")" "$(sha256sum "$deb" | cut -d' ' -f1)"
done > Packages
printf 'Date: %s\nSHA256:\n %s %s Packages\n' "$(date -Ru)" "$(sha256sum Packages | cut -d' ' -f1)" "$(stat -c %s Packages)" > Release
`

// Archive is a folder with packages of Debian's and all that the machine lacks
// for them, fetched once. A machine that has it mounted at [ArchivePlace] and
// called [Machine.UseArchive] installs from it, and from nowhere else.
func Archive(t testing.TB, packages ...string) string {
	t.Helper()
	tar, err := bootstrap(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	recipe := sha256.Sum256(fmt.Appendf(nil, "%s %q", tar, packages))
	dir, err := cache.Entry(t.Context(), "archive-"+hex.EncodeToString(recipe[:6]), func(dir string) error {
		return fetch(t.Context(), tar, dir, packages)
	})
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func fetch(ctx context.Context, tar, dir string, packages []string) error {
	cmd := exec.CommandContext(ctx, "sh", append([]string{"-ec", archive, "sh", tar, dir}, packages...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("fetching %s: %w: %s", strings.Join(packages, " "), err, out)
	}
	return nil
}

// ArchivePlace is where the machine has the archive.
const ArchivePlace = "/srv/archive"

// UseArchive makes the archive the machine's only source of packages.
func (m *Machine) UseArchive(t testing.TB) {
	t.Helper()
	m.Shell(t, `rm -f /etc/apt/sources.list.d/*
echo 'deb [trusted=yes] file:`+ArchivePlace+` ./' > /etc/apt/sources.list
apt-get -q update`)
}
