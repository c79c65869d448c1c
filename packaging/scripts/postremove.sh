#!/bin/sh
# After the files went. "purge" is dpkg's word for "and what it kept".
set -e
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
fi
if [ "$1" = purge ]; then
	rm -rf /var/lib/seawall /var/lib/seawall-plugin /var/lib/seawall-root
fi
