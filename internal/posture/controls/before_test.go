package controls

import (
	"slices"
	"testing"

	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/openclaw"
	"github.com/openseawall/seawall/internal/posture"
)

// TestBefore: a web server in a container's network is not before a gateway that
// is on loopback.
func TestBefore(t *testing.T) {
	for name, c := range map[string]struct {
		netns, gateway string
		want           []string
	}{
		"beside the gateway":        {"1", "1", []string{"httpd"}},
		"in a container":            {"2", "1", nil},
		"its network is not known":  {"", "1", []string{"httpd"}},
		"the gateway does not run":  {"2", "none", []string{"httpd"}},
		"the gateway's is unknown":  {"2", "", []string{"httpd"}},
		"both are in one container": {"3", "3", []string{"httpd"}},
	} {
		in := openclaw.Install{Process: &host.Process{NetNS: c.gateway}}
		if c.gateway == "none" {
			in.Process = nil
		}
		f := &posture.Facts{Facts: &host.Facts{
			Proxy:     host.Is(host.ReverseProxy{Names: []string{"httpd"}}),
			Processes: host.Is([]host.Process{{Name: "httpd", NetNS: c.netns}}),
		}, OpenClaw: host.Is([]openclaw.Install{in})}
		config, err := openclaw.ParseConfig([]byte("{}"))
		if err != nil {
			t.Fatal(err)
		}
		if got := before(f, settings{config, in}); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v", name, got)
		}
	}
}
