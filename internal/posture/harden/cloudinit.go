package harden

import (
	"encoding/hex"
	"fmt"
	"net/url"
	"path"
	"strings"

	"go.yaml.in/yaml/v3"
)

// UserData are the wishes for a machine that does not exist yet.
type UserData struct {
	Program string // URL (https) or path in the image of the seawall program
	SHA256  string // of it, in hex
	Profile string // a shipped profile's name
	// ProfileText is the profile's YAML where it is none of the shipped ones.
	ProfileText string
	Flags       []string // further ones of harden: --close …, --only …
}

// profilePath is where a profile of the operator's stands on the new machine.
const profilePath = "/etc/seawall/profile.yaml"

// The scripts get what the operator named as arguments, never as text of theirs.
const (
	fetch   = `t=$(mktemp) && { curl -fsSL --proto =https --retry 5 -o "$t" -- "$1" || wget -q -O "$t" -- "$1"; } && echo "$2  $t" | sha256sum -c --status - && install -m 0755 "$t" /usr/local/bin/seawall && rm -f "$t" && shift 2 && exec /usr/local/bin/seawall "$@"`
	install = `echo "$2  $1" | sha256sum -c --status - && install -m 0755 "$1" /usr/local/bin/seawall && shift 2 && exec /usr/local/bin/seawall "$@"`
)

// CloudInit returns user-data (#cloud-config) that puts the program onto a
// machine at its first boot, whole or not at all, and hardens it. cloud-init runs
// it after the keys of the image's user are in place, and keeps what it prints in
// /var/log/cloud-init-output.log.
func CloudInit(u UserData) (string, error) {
	if b, err := hex.DecodeString(u.SHA256); err != nil || len(b) != 32 {
		return "", fmt.Errorf("--sha256 has to be the program's SHA-256, 64 hex digits: sha256sum seawall prints it")
	}
	script := install
	if !path.IsAbs(u.Program) {
		at, err := url.Parse(u.Program)
		if err != nil || at.Scheme != "https" || at.Host == "" || at.User != nil {
			return "", fmt.Errorf("--cloud-init takes an https:// URL without a password, or a whole path in the image")
		}
		script = fetch
	}
	profile := u.Profile
	config := struct {
		WriteFiles []map[string]string `yaml:"write_files,omitempty"`
		RunCmd     [][]string          `yaml:"runcmd"`
	}{}
	if u.ProfileText != "" {
		profile = profilePath
		config.WriteFiles = []map[string]string{{"path": profilePath, "permissions": "0644", "owner": "root:root", "content": u.ProfileText}}
	}
	config.RunCmd = [][]string{append([]string{"sh", "-c", script, "sh", u.Program, strings.ToLower(u.SHA256),
		"harden", "--apply", "--yes", "--first-boot", "--profile", profile}, u.Flags...)}
	text, err := yaml.Marshal(config)
	if err != nil {
		return "", fmt.Errorf("writing the user-data: %w", err)
	}
	return "#cloud-config\n# seawall harden at the first boot. `seawall harden rollback` takes it back.\n" + string(text), nil
}
