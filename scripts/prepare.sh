#!/usr/bin/env bash
# Installs what the tests need and is not there: Debian packages, and OpenClaw
# from npm into the lab's cache. Says so and asks first, unless CI is set.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ "$(id -u)" != 0 ]; then
	echo "The lab starts sshd, Docker and OpenClaw in network namespaces of its own and needs root:" >&2
	echo "  sudo make test        on a machine you can throw away" >&2
	echo "  make test-unit        here, without the lab" >&2
	exit 2
fi

# A program each package brings, so that one installed in another way counts.
needs=(
	gcc:gcc                    # the race detector
	/usr/include/stdlib.h:libc6-dev
	ip:iproute2
	npm:npm                    # brings the OpenClaw of the lab, and its Node.js
	sshd:openssh-server
	ssh:openssh-client
	dockerd:docker.io
	iptables:iptables
	nft:nftables
	fail2ban-server:fail2ban
	/bin/busybox:busybox-static
	mmdebstrap:mmdebstrap      # the Debian that the service is tried on
	chromium:chromium          # the console's pages
	/etc/ssl/certs/ca-certificates.crt:ca-certificates
)
missing=()
for need in "${needs[@]}"; do
	program=${need%%:*} package=${need#*:}
	command -v "$program" >/dev/null || [ -e "$program" ] || missing+=("$package")
done

cache=${SEAWALL_LAB_CACHE:-${XDG_CACHE_HOME:-/var/cache}/seawall-lab}
if [ -z "${CI:-}" ]; then
	echo "The tests use, and install where it is not there yet:"
	echo "  Debian packages   ${missing[*]:-all there}"
	echo "  from npm          OpenClaw and the release before it, about 1.6 GB, into $cache"
	echo "  from Debian       a minimal Debian 12 for a container, about 150 MB, there too"
	echo "  from Go's proxy   the modules in go.mod, and nfpm and cyclonedx-gomod"
	echo "They start servers in network namespaces of their own, and remove them."
	read -rp "Go on? [y/N] " answer || answer=
	case $answer in y | Y | yes) ;; *)
		echo "Nothing was installed. (CI=true make test does not ask.)"
		exit 2
		;;
	esac
fi

if [ ${#missing[@]} -gt 0 ]; then
	# What is installed is not started: the lab starts its own.
	policy=/usr/sbin/policy-rc.d
	if [ ! -e $policy ]; then
		printf '#!/bin/sh\nexit 101\n' >$policy
		chmod 755 $policy
		trap 'rm -f $policy' EXIT
	fi
	export DEBIAN_FRONTEND=noninteractive
	install=(apt-get install -y -qq --no-install-recommends -o Dpkg::Use-Pty=0 "${missing[@]}")
	echo "Installing ${missing[*]}"
	log=$(mktemp)
	# The lists may be absent, or older than the packages.
	"${install[@]}" >"$log" 2>&1 || { apt-get update -qq && "${install[@]}"; } >"$log" 2>&1 || {
		cat "$log" >&2
		echo "The packages could not be installed: ${missing[*]}" >&2
		exit 2
	}
	rm -f "$log"
fi

go run ./lab install >/dev/null
