package controls

import (
	"fmt"
	"strings"

	"github.com/openseawall/seawall/internal/openclaw"
	"github.com/openseawall/seawall/internal/posture"
)

// gatewayRoutes: the ways by which OpenClaw reaches a model.
var gatewayRoutes = []posture.Control{{
	ID: "gateway-past-the-door", Title: "OpenClaw can reach a model past Seawall's door", Family: posture.Gateway, Severity: posture.High,
	Why:    "What the model answers there is judged by nobody, and its key is the agent's. A route need not be in the config: a key in the environment or in an auth profile makes one, and one message switches to it.",
	Advice: "Run seawall connect: it sends through the door what can go, and says for the others which setting keeps them from it",
	Source: "tried on 2026.9.6; " + docs + "concepts/model-providers; " + docs + "help/environment",
	Needs:  []posture.Need{agentConfig},
	Check: func(f *posture.Facts) (found []posture.Finding) {
		for _, in := range f.OpenClaw.Value {
			if in.Config == nil {
				continue
			}
			past, all := in.Unrouted()
			if all {
				found = append(found, posture.On(in.ConfigPath, "no model call passes the door: %s", routeNames(past)))
				continue
			}
			for _, r := range past {
				found = append(found, posture.On(in.ConfigPath, "%s (%s)%s", routeName(r), r.UsedBy[0], hindrance(r)))
			}
		}
		return found
	},
}}

func routeName(r openclaw.Route) string {
	if r.Model != "" {
		return r.ID + "/" + r.Model
	}
	return r.ID
}

func routeNames(routes []openclaw.Route) string {
	var names []string
	for _, r := range routes {
		names = append(names, routeName(r))
	}
	return strings.Join(names, ", ")
}

// hindrance says what would bring a route behind the door, where connect cannot.
func hindrance(r openclaw.Route) string {
	if r.Status == openclaw.Routable || r.Reason == "" {
		return ""
	}
	return fmt.Sprintf(": %s; %s", r.Status, r.Reason)
}
