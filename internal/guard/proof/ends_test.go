package proof

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// procTree is a /proc that a test fills.
type procTree struct {
	t    *testing.T
	root string
}

func newProcTree(t *testing.T) procTree {
	p := procTree{t, t.TempDir()}
	p.link("self/ns/net", "net:[1]")
	return p
}

func (p procTree) write(name, text string) {
	p.t.Helper()
	path := filepath.Join(p.root, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

func (p procTree) link(name, target string) {
	p.t.Helper()
	path := filepath.Join(p.root, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		p.t.Fatal(err)
	}
	_ = os.Remove(path)
	if err := os.Symlink(target, path); err != nil {
		p.t.Fatal(err)
	}
}

// process adds a process with descriptors.
func (p procTree) process(pid, parent int, name string, fds ...string) {
	p.write(fmt.Sprintf("%d/stat", pid), fmt.Sprintf("%d (%s) S %d 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 %d 0", pid, name, parent, 1000+pid))
	p.write(fmt.Sprintf("%d/environ", pid), "HOME=/home/c\x00OPENCLAW_GATEWAY_TOKEN=secret\x00")
	p.link(fmt.Sprintf("%d/ns/net", pid), "net:[1]")
	for i, target := range fds {
		p.link(fmt.Sprintf("%d/fd/%d", pid, i+3), target)
	}
}

func (p procTree) all() map[int]process {
	p.t.Helper()
	all, err := processes(p.root, nil, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	return all
}

const tcpHeading = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"

// row is a row of /proc/net/tcp.
func row(local, remote string, state, inode int) string {
	hex := func(s string) string {
		a := netip.MustParseAddrPort(s)
		ip := a.Addr().As4()
		return fmt.Sprintf("%02X%02X%02X%02X:%04X", ip[3], ip[2], ip[1], ip[0], a.Port())
	}
	return fmt.Sprintf("   0: %s %s %02X 00000000:00000000 00:00000000 00000000  1000        0 %d 1 0 20 4 0 10 -1\n", hex(local), hex(remote), state, inode)
}

func config(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), ".openclaw", "openclaw.json")
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestWhereConnectionsEnd follows a gateway and its children through a day.
func TestWhereConnectionsEnd(t *testing.T) {
	p, path := newProcTree(t), config(t, "{}")
	state := filepath.Join(filepath.Dir(path), "state", "openclaw.sqlite")
	p.process(1, 0, "init")
	p.process(20, 1, "openclaw-gatewa", state, "socket:[100]", "socket:[101]", "socket:[102]", "socket:[999]")
	p.process(21, 20, "a (strange) on", "socket:[103]")
	p.process(22, 21, "curl", "socket:[104]")
	p.process(30, 1, "curl", "socket:[105]") // somebody else's
	p.write("20/net/tcp", tcpHeading+
		row("127.0.0.1:18789", "0.0.0.0:0", 10, 100)+
		row("127.0.0.1:50000", "127.0.0.1:4780", 1, 101)+
		row("127.0.0.1:18789", "127.0.0.1:50001", 1, 102)+
		row("10.0.0.1:50002", "149.154.167.220:443", 1, 103)+
		row("10.0.0.1:50003", "203.0.113.9:443", 2, 104)+
		row("10.0.0.1:50004", "203.0.113.9:443", 1, 105)+"nonsense\n")
	a := newAgent(path, nil)
	a.gateway = findGateway(p.root, path, p.all())
	if a.gateway == nil || a.gateway.pid != 20 || a.gateway.foreign != "" {
		t.Fatalf("the gateway is %+v", a.gateway)
	}
	door := netip.MustParseAddrPort("127.0.0.1:4780")
	asked := 0
	providers := func(names bool) map[netip.AddrPort]string {
		if !names {
			return nil
		}
		asked++
		return map[netip.AddrPort]string{netip.MustParseAddrPort("203.0.113.9:443"): "api.example"}
	}
	now := time.Unix(1_800_000_000, 0)
	look := func() { a.connected(p.root, p.all(), door, providers, now) }
	look()
	e := a.ends.Ends
	if e.Unread != "" || e.Door != 1 || e.Here != 0 || asked != 1 {
		t.Errorf("it saw %+v and asked %d times for names", e, asked)
	}
	if len(e.Provider) != 1 || e.Provider[0].Address != "203.0.113.9:443" || e.Provider[0].Name != "api.example" || e.Provider[0].Process != "curl" {
		t.Errorf("at providers: %+v", e.Provider)
	}
	if len(e.Outside) != 1 || e.Outside[0].Address != "149.154.167.220:443" {
		t.Errorf("elsewhere: %+v", e.Outside)
	}
	if at, err := a.gateway.address(mustParse(t, `{}`), a.ends.sockets); err != nil || at.String() != "127.0.0.1:18789" {
		t.Errorf("the gateway is at %v, %v", at, err)
	}

	// Between two looks a child begins a connection with the door, and another's
	// parent ends.
	if !a.ends.stirred(p.root) || a.ends.stirred(p.root) {
		t.Error("a glance does not see that nothing has changed")
	}
	p.link("21/fd/9", "socket:[106]")
	table, err := os.ReadFile(filepath.Join(p.root, "20/net/tcp"))
	if err != nil {
		t.Fatal(err)
	}
	p.write("20/net/tcp", string(table)+row("127.0.0.1:50009", "127.0.0.1:4780", 1, 106))
	a.glance(p.root, now)
	a.glance(p.root, now)
	if a.ends.Door != 2 {
		t.Errorf("a glance counts %d connections at the door", a.ends.Door)
	}
	if err := os.RemoveAll(filepath.Join(p.root, "21")); err != nil {
		t.Fatal(err)
	}
	p.process(22, 1, "curl", "socket:[104]")
	now = now.Add(time.Hour)
	look()
	if len(a.ends.Provider) != 1 || !a.ends.Provider[0].Last.Equal(now) || len(a.ends.Outside) != 0 {
		t.Errorf("a child whose parent ended is forgotten, or what has ended is not: %+v", a.ends.Ends)
	}

	// The gateway ends. What it did remains for a day.
	a.gateway = nil
	now = now.Add(remember - time.Minute)
	look()
	if len(a.ends.Provider) != 1 || a.ends.Unread != "the gateway is not running" {
		t.Errorf("after its end: %+v", a.ends.Ends)
	}
	now = now.Add(time.Hour)
	if look(); len(a.ends.Provider) != 0 {
		t.Errorf("it is never forgotten: %+v", a.ends.Provider)
	}
}

func TestWhoIsAGateway(t *testing.T) {
	path := config(t, "{}")
	state := filepath.Join(filepath.Dir(path), "state", "openclaw.sqlite")
	for name, c := range map[string]struct {
		fill func(procTree)
		want bool
	}{
		"nobody":          {func(p procTree) { p.process(20, 1, "node", state) }, false},
		"by its database": {func(p procTree) { p.process(20, 1, "openclaw-gatewa", state) }, true},
		"another's":       {func(p procTree) { p.process(20, 1, "openclaw-gatewa", "/home/d/.openclaw/state/openclaw.sqlite") }, false},
		"by its variable": {func(p procTree) {
			p.process(20, 1, "openclaw-gatewa")
			p.write("20/environ", "OPENCLAW_CONFIG_PATH="+path)
		}, true},
		"by another's variable": {func(p procTree) {
			p.process(20, 1, "openclaw-gatewa", state)
			p.write("20/environ", "OPENCLAW_CONFIG_PATH=/etc/passwd")
		}, false},
	} {
		p := newProcTree(t)
		c.fill(p)
		if g := findGateway(p.root, path, p.all()); (g != nil) != c.want {
			t.Errorf("%s: %+v", name, g)
		}
	}
	p := newProcTree(t)
	p.process(20, 1, "openclaw-gatewa", state)
	p.link("20/ns/net", "net:[2]")
	if g := findGateway(p.root, path, p.all()); g == nil || g.foreign == "" {
		t.Errorf("in another network: %+v", g)
	}
}

// TestKnownProcessesAreNotReadAgain, unless they are watched.
func TestKnownProcessesAreNotReadAgain(t *testing.T) {
	p := newProcTree(t)
	p.process(20, 1, "node")
	p.process(21, 20, "node")
	before := p.all()
	p.process(20, 1, "openclaw-gatewa")
	p.process(22, 1, "curl")
	for _, c := range []struct {
		watched []process
		name    string
	}{{nil, "node"}, {[]process{before[20]}, "openclaw-gatewa"}} {
		all, err := processes(p.root, before, c.watched)
		if err != nil || all[20].name != c.name || all[22].name != "curl" || len(all) != 3 {
			t.Errorf("%v, %v", all, err)
		}
	}
	for _, bad := range []string{"", "20", "20 (x", "20 (x) S 1", "a (x) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 5 0"} {
		if _, ok := parseStat([]byte(bad)); ok {
			t.Errorf("%q is a process", bad)
		}
	}
}

// TestNames: nobody learns of a provider that nobody went to, and a name that is
// no longer answered keeps its addresses.
func TestNames(t *testing.T) {
	asked, fails := []string{}, false
	u := &upstreams{map[string]named{}, func(_ context.Context, _, name string) ([]netip.Addr, error) {
		asked = append(asked, name)
		if fails {
			return nil, errors.New("no answer")
		}
		return []netip.Addr{netip.MustParseAddr("::ffff:203.0.113.9"), netip.MustParseAddr("2001:db8::9")}, nil
	}}
	bases := []string{"https://api.example/v1", "http://127.0.0.1:11434", "http://[::1]/v1", "https://user:p@api.example:8443", "", ":", "file:///x"}
	now := time.Unix(1_800_000_000, 0)
	at := func(names bool) string {
		t.Helper()
		var all []string
		for a := range u.addresses(t.Context(), bases, names, now) {
			all = append(all, a.String())
		}
		slices.Sort(all)
		return strings.Join(all, " ")
	}
	const literal, known = "127.0.0.1:11434 [::1]:80", "127.0.0.1:11434 203.0.113.9:443 203.0.113.9:8443 [2001:db8::9]:443 [2001:db8::9]:8443 [::1]:80"
	if got := at(false); got != literal || len(asked) != 0 {
		t.Errorf("without names: %s, asked %v", got, asked)
	}
	for range 2 {
		if got := at(true); got != known || len(asked) != 1 {
			t.Errorf("with names: %s, asked %v", got, asked)
		}
	}
	now, fails = now.Add(keepName), true
	if got := at(true); got != known || len(asked) != 2 {
		t.Errorf("without an answer: %s, asked %v", got, asked)
	}
}

func TestEndsAreBounded(t *testing.T) {
	var list []End
	for i := range 3 * maxEnds {
		list = noted(list, End{Address: strconv.Itoa(i), Last: time.Unix(int64(i), 0)})
	}
	list = noted(list, End{Address: "95", Last: time.Unix(1000, 0)})
	if len(list) != maxEnds || list[0].Address != "95" || list[1].Address != "94" {
		t.Errorf("%d ends, the first %v", len(list), list[:2])
	}
}
