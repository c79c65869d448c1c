package host

import "slices"

var proxyNames = []string{"nginx", "caddy", "traefik", "apache2", "haproxy", "httpd", "envoy"}

// renewers are the timers that renew certificates.
var renewers = []string{"certbot.timer", "snap.certbot.renew.timer", "acme.timer", "acme.sh.timer"}

// readProxy finds a web server that could stand before the gateway, on the
// machine or in a container, whose processes the machine shows as well.
func (r *reader) readProxy() Fact[ReverseProxy] {
	processes, sockets := r.processes(), r.sockets()
	if !processes.Ok() {
		return NotRead[ReverseProxy]("%s", processes.Reason)
	}
	var p ReverseProxy
	for _, proc := range processes.Value {
		if slices.Contains(proxyNames, proc.Name) && !slices.Contains(p.Names, proc.Name) {
			p.Names = append(p.Names, proc.Name)
		}
	}
	for _, s := range sockets.Value {
		p.TLS = p.TLS || s.Proto == "tcp" && s.Addr.Port() == 443 && s.Public()
	}
	if len(p.Names) == 0 && !p.TLS {
		if !sockets.Ok() {
			return NotRead[ReverseProxy]("%s", sockets.Reason)
		}
		return None[ReverseProxy]("no reverse proxy runs here")
	}
	p.Renew = r.renewer(p.Names)
	return Is(p)
}

// renewer tells how certificates are renewed: by the proxy itself, by a
// timer, or by certbot's cron job, which is there for systems without systemd.
func (r *reader) renewer(names []string) string {
	for _, own := range []string{"caddy", "traefik"} {
		if slices.Contains(names, own) {
			return own
		}
	}
	for _, timer := range renewers {
		if u, err := r.unit(timer); err == nil && u.Active == "active" {
			return timer
		}
	}
	if there, _ := r.exists("/etc/cron.d/certbot"); there && r.units().Status == Absent {
		return "/etc/cron.d/certbot"
	}
	return ""
}
