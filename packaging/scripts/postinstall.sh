#!/bin/sh
# After unpacking. A new installation changes nothing on the machine; an update
# starts the doors anew, while systemd holds their sockets.
set -e
[ -d /run/systemd/system ] || exit 0
systemctl daemon-reload
if systemctl is-active --quiet seawall.service; then
	systemctl restart seawall.service seawall-watch.service
elif ! systemctl is-enabled --quiet seawall.service 2>/dev/null; then
	echo "Seawall is unpacked. To make it a service: seawall install. To only look: seawall audit."
fi
