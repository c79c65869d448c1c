// Package openclaw holds the plugin that `seawall connect` installs into
// OpenClaw: plain JavaScript without dependencies, which runs as it stands here.
package openclaw

import "embed"

// ID is the plugin's name in openclaw.json, below plugins.entries.
const ID = "seawall-guard"

// Files are the files of the plugin's folder.
//
//go:embed package.json openclaw.plugin.json index.js
var Files embed.FS
