package openclaw

import (
	"net/url"
	"slices"
	"strings"

	"github.com/openseawall/seawall/internal/loopback"
)

// usualDoor is where the model door listens when nobody says otherwise.
const usualDoor = "127.0.0.1:4780"

// doors are the addresses at which the config itself says that a door of
// Seawall's is: where its plugin asks, and where a placeholder is shown.
func (c *Config) doors() []string {
	doors := []string{usualDoor}
	add := func(address string) {
		if u, err := url.Parse(address); err == nil && u.Host != "" && loopback.Host(u.Host) {
			doors = append(doors, u.Host)
		}
	}
	add(c.text([]string{"plugins", "entries", "seawall-guard", "config"}, "endpoint"))
	for _, id := range c.keys("models", "providers") {
		at := []string{"models", "providers", id}
		if strings.HasPrefix(c.key(at).Value, "sk-seawall-") {
			add(c.text(at, "baseUrl"))
		}
	}
	return doors
}

// Unrouted returns the routes that OpenClaw would use and that do not pass the
// door, as far as its own files say; all tells that none of them does.
func (in Install) Unrouted() (past []Route, all bool) {
	doors := in.Config.doors()
	all = true
	for _, r := range in.Routes() {
		u, err := url.Parse(r.BaseURL)
		switch behind := err == nil && r.Status == Routable && slices.Contains(doors, u.Host); {
		case behind:
			all = false
		case len(r.UsedBy) > 0:
			past = append(past, r)
		}
	}
	return past, all && len(past) > 0
}
