package doctor

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/openseawall/seawall/internal/guard/connect"
	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/install"
	"github.com/openseawall/seawall/internal/openclaw"
	"github.com/openseawall/seawall/internal/service"
)

// What runs, and for whom.

// account looks at what the account of the doors may do.
func account(ctx context.Context, p *Patient) (all []Finding) {
	out, err := p.Machine.Run(ctx, "id", "-nG", service.Account)
	if err != nil {
		return nil // there is none: service says where one is needed
	}
	groups := slices.DeleteFunc(strings.Fields(string(out)), func(g string) bool { return g == service.Account })
	for _, g := range groups {
		all = append(all, Finding{What: fmt.Sprintf("the account %s is in the group %s, which gives the doors more than they need", service.Account, g), Fix: fmt.Sprintf("gpasswd -d %s %s", service.Account, g)})
	}
	return all
}

// unit looks at the service's files.
func unit(ctx context.Context, p *Patient) (all []Finding) {
	edited, err := install.Edited(p.Machine, p.dir)
	if err != nil {
		return failed(err)
	}
	for _, path := range edited {
		all = append(all, Finding{What: path + " was edited by hand, so an update does not change it",
			Fix: fmt.Sprintf("move your changes into `systemctl edit %s`, delete the file, then: sudo seawall install", filepath.Base(path))})
	}
	lacking, err := install.Lacking(ctx, p.Machine, p.dir)
	if err != nil {
		return append(all, failed(err)...)
	}
	if len(lacking) > 0 {
		all = append(all, found("the service is not whole; still to be done: %s", strings.Join(lacking, "; "))...)
	}
	return all
}

func doors(ctx context.Context, p *Patient) []Finding {
	if p.running != nil {
		return p.answers(ctx)
	}
	connected, err := connect.Connected(p.dir)
	if err != nil || !p.service && len(connected) == 0 {
		return failed(err)
	}
	if other := p.listens(ctx, service.DoorAddress); other != "" {
		return []Finding{{What: fmt.Sprintf("the doors are closed, and another program (%s) listens on %s", other, service.DoorAddress), Fix: "end that program, then " + p.start()}}
	}
	what := "the doors are closed"
	if len(connected) > 0 {
		what = "OpenClaw is connected and the doors are closed, so the agent cannot reach its model"
	}
	// What the service says of the policy was said before.
	if why := p.why(ctx); why != "" && len(rules(ctx, p)) == 0 {
		what += ": " + why
	}
	return []Finding{{What: what, Fix: p.start()}}
}

// why is why the service does not run: somebody stopped it, or what it said last.
func (p *Patient) why(ctx context.Context) string {
	if !p.service {
		return ""
	}
	if out, err := p.Machine.Run(ctx, "systemctl", "show", "-p", "ActiveState", "--value", "seawall.service"); err == nil && strings.TrimSpace(string(out)) == "inactive" {
		return "somebody stopped the service"
	}
	if p.status.Said != "" {
		return p.status.Said
	}
	out, err := p.Machine.Run(ctx, "journalctl", "-u", "seawall.service", "-n", "1", "-o", "cat", "--no-pager")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}

// answers asks both doors for what is not there: the sentence about it is
// Seawall's.
func (p *Patient) answers(ctx context.Context) (all []Finding) {
	for _, door := range []struct{ what, address string }{{"the model door", p.running.Door}, {"the page", p.running.Page}} {
		said, err := get(ctx, "http://"+door.address+"/")
		switch {
		case err != nil:
			all = append(all, Finding{What: fmt.Sprintf("%s at %s does not answer, although process %d holds the state directory", door.what, door.address, p.running.PID), Fix: p.again()})
		case !strings.Contains(strings.ToLower(said), "seawall"):
			all = append(all, Finding{What: fmt.Sprintf("another program (%s) answers at %s, where %s should be", p.listens(ctx, door.address), door.address, door.what), Fix: "end that program, then " + p.again()})
		}
	}
	return all
}

// answerTimeout is how long a door may take to say that something is not there.
const answerTimeout = 3 * time.Second

func get(ctx context.Context, url string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	t := &http.Transport{Proxy: nil} // it is on this machine
	defer t.CloseIdleConnections()
	res, err := t.RoundTrip(r)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	said, err := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	return string(said), err
}

// listens names the program that listens on an address and is not one that holds
// it for Seawall; "" when there is none.
func (p *Patient) listens(ctx context.Context, address string) string {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return ""
	}
	out, err := p.Host.Run(ctx, "seawall:sockets")
	var sockets []host.Socket
	if err != nil || json.Unmarshal(out.Stdout, &sockets) != nil {
		return ""
	}
	for _, s := range sockets {
		here := s.Addr.Addr() == at.Addr() || s.Addr.Addr().IsUnspecified()
		if s.Proto != "tcp" || s.Addr.Port() != at.Port() || !here || s.Process == "systemd" || s.Process == "seawall" {
			continue
		}
		if s.PID == 0 {
			return fmt.Sprintf("of uid %d", s.UID)
		}
		return fmt.Sprintf("%s, process %d", s.Process, s.PID)
	}
	return ""
}

func release(_ context.Context, p *Patient) []Finding {
	if p.running == nil || p.running.Version == p.Version {
		return nil
	}
	fix := p.again()
	if p.service && !slices.Contains([]string{"/usr/bin", "/usr/local/bin"}, filepath.Dir(p.Program)) {
		fix = "sudo " + p.Program + " install"
	}
	return []Finding{{What: fmt.Sprintf("the doors are those of Seawall %s, and this program is %s", p.running.Version, p.Version), Fix: fix}}
}

// connection looks whether connect would do anything again: the config leads
// elsewhere, or the plugin is not as it was shipped.
func connection(ctx context.Context, p *Patient) (all []Finding) {
	connected, err := connect.Connected(p.dir)
	if err != nil || len(connected) == 0 {
		return failed(err)
	}
	facts := host.ReadRunning(ctx, p.Host)
	for _, config := range connected {
		named := map[string]string{"OPENCLAW_CONFIG_PATH": config, "OPENCLAW_STATE_DIR": filepath.Dir(config)}
		installs := openclaw.Discover(ctx, p.Host, facts, openclaw.Environment(func(name string) string { return named[name] }))
		i := slices.IndexFunc(installs.Value, func(in openclaw.Install) bool { return in.ConfigPath == config })
		if i < 0 || installs.Value[i].Config == nil {
			why := "it is gone"
			if i >= 0 {
				why = installs.Value[i].ConfigError
			}
			all = append(all, Finding{What: fmt.Sprintf("%s is connected and cannot be read: %s", config, why), Fix: "openclaw doctor, or seawall disconnect"})
			continue
		}
		all = append(all, p.drift(ctx, installs.Value[i])...)
	}
	return all
}

// drift is what connect would do again to one config.
func (p *Patient) drift(ctx context.Context, in openclaw.Install) []Finding {
	door := service.DoorAddress
	if p.running != nil {
		door = p.running.Door
	}
	plan, err := connect.Prepare(ctx, p.dir, in, door)
	switch {
	case err != nil:
		return failed(err)
	case plan.Empty():
		return nil
	case plan.Diff == "":
		return found("the plugin of %s is not as this Seawall ships it", in.ConfigPath)
	}
	return found("%s no longer leads to Seawall as it should: somebody changed it, or connecting was interrupted", in.ConfigPath)
}

func watch(_ context.Context, p *Patient) (all []Finding) {
	connected, err := connect.Connected(p.dir)
	if err != nil || p.running == nil || len(connected) == 0 {
		return failed(err)
	}
	seen, err := service.ReadWatched(p.dir, p.Now)
	if err != nil {
		return []Finding{{What: err.Error(), Fix: p.again()}}
	}
	for _, problem := range seen.Problems(p.Now) {
		all = append(all, Finding{What: problem.What, Fix: problem.Fix})
	}
	return all
}
