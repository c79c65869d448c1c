#!/bin/sh
# Before the files go. dpkg says "remove" or "upgrade", rpm says how many
# versions stay.
set -e
case $1 in remove | 0) ;; *) exit 0 ;; esac
seawall remove --yes || {
	echo "Seawall stays installed: OpenClaw would be left without its keys or its model. Run 'seawall remove' and see what it says; docs: without-seawall." >&2
	exit 1
}
