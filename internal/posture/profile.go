package posture

import (
	"bytes"
	"cmp"
	"embed"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

//go:embed profiles/*.yaml
var shipped embed.FS

// Profiles are the names of the shipped profiles; the first is the default.
var Profiles = []string{"vps", "private", "provider"}

// ShippedProfile returns a profile by its name.
func ShippedProfile(name string) (Profile, error) {
	if !slices.Contains(Profiles, name) {
		return Profile{}, fmt.Errorf("there is no profile %q: %s, or the path of a YAML file", name, strings.Join(Profiles, ", "))
	}
	text, err := shipped.ReadFile("profiles/" + name + ".yaml")
	if err != nil {
		return Profile{}, err
	}
	return parseProfile(text, "")
}

// ParseProfile reads a profile: a shipped one, named by "base" ("vps" without
// it), in which the keys that text has replace single settings.
func ParseProfile(text []byte) (Profile, error) { return parseProfile(text, Profiles[0]) }

func parseProfile(text []byte, base string) (Profile, error) {
	var head struct {
		Base string `yaml:"base"`
	}
	if err := yaml.Unmarshal(text, &head); err != nil {
		return Profile{}, profileError(err)
	}
	var file struct {
		Base    string `yaml:"base"`
		Profile `yaml:",inline"`
	}
	if base = cmp.Or(head.Base, base); base != "" {
		var err error
		if file.Profile, err = ShippedProfile(base); err != nil {
			return Profile{}, err
		}
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(&file); err != nil && !errors.Is(err, io.EOF) {
		return Profile{}, profileError(err)
	}
	return file.Profile, nil
}

// profileError says in a sentence what yaml said.
func profileError(err error) error {
	var wrong *yaml.TypeError
	if errors.As(err, &wrong) {
		return fmt.Errorf("the profile: %s", strings.Join(wrong.Errors, "; "))
	}
	return fmt.Errorf("the profile: %w", err)
}
