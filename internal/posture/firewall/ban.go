package firewall

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/posture"
	"github.com/openseawall/seawall/internal/whole"
)

// fail2ban's files: Seawall's jail, and the addresses that were allowed later. It
// reads them in this order, and the last one wins.
const (
	JailPath      = "/etc/fail2ban/jail.d/seawall.local"
	jailAllowPath = "/etc/fail2ban/jail.d/seawall_allow.local"
)

// Ignored are the addresses that fail2ban must not ban, as ignoreip lists them:
// this machine, and its operators.
func Ignored(f *posture.Facts) string {
	words := []string{"127.0.0.1/8", "::1"}
	for _, p := range (machine{Facts: f}).operators() {
		words = append(words, written(p))
	}
	return strings.Join(words, " ")
}

// Ban is an address, or a network, that is kept from SSH.
type Ban struct {
	Address netip.Prefix `json:"address"`
	By      string       `json:"by"` // "firewall" or "fail2ban"
	Until   time.Time    `json:"until,omitzero"`
}

// Bans is who is banned, and who never is.
type Bans struct {
	Banned  []Ban          `json:"banned"`
	Allowed []netip.Prefix `json:"allowed"`
	// Missing are the parts that are not there: "Seawall's firewall is not
	// loaded (seawall harden)".
	Missing []string `json:"missing,omitempty"`
}

// Guard is what keeps addresses from SSH on this machine.
type Guard struct {
	Host host.Host
	Root string // "" is the machine's own root folder
	Now  func() time.Time
}

// set is one of the kernel's, in the table inet seawall.
type set struct {
	name string
	bits int // of the prefix that an element stands for
	four bool
}

var (
	banSets   = []set{{"banned4", 32, true}, {"banned_net4", 24, true}, {"banned6", 64, false}, {"banned_net6", 48, false}}
	paceSets  = []set{{"pace4", 32, true}, {"pace_net4", 24, true}, {"pace6", 64, false}, {"pace_net6", 48, false}}
	allowSets = []set{{"operators4", 32, true}, {"operators6", 128, false}}
)

// List asks the kernel and fail2ban.
func (g Guard) List(ctx context.Context) (b Bans, err error) {
	b = Bans{Banned: []Ban{}, Allowed: []netip.Prefix{}}
	for _, s := range banSets {
		found, missing, err := g.elements(ctx, s)
		if err != nil {
			return b, err
		}
		if missing {
			b.Missing = append(b.Missing, "Seawall's firewall is not loaded here (seawall harden)")
			break
		}
		b.Banned = append(b.Banned, found...)
	}
	for _, s := range allowSets {
		found, _, err := g.elements(ctx, s)
		if err != nil {
			return b, err
		}
		for _, e := range found {
			b.Allowed = append(b.Allowed, e.Address)
		}
	}
	jailed, missing, err := g.jailed(ctx)
	if missing != "" {
		b.Missing = append(b.Missing, missing)
	}
	b.Banned = append(b.Banned, jailed...)
	return b, err
}

// nft runs one command of nft's; missing tells that what it is about is not there.
func (g Guard) nft(ctx context.Context, args ...string) (out []byte, missing bool, err error) {
	o, err := g.Host.Run(ctx, "nft", args...)
	switch {
	case errors.Is(err, host.ErrAbsent):
		return nil, true, nil
	case err != nil:
		return nil, false, err
	case o.Exit == 0:
		return o.Stdout, false, nil
	case strings.Contains(string(o.Stderr), "No such file"):
		return nil, true, nil
	}
	said, _, _ := strings.Cut(strings.TrimSpace(string(o.Stderr)), "\n")
	return nil, false, fmt.Errorf("nft %s: %s", strings.Join(args, " "), said)
}

// elements lists a set: libnftables-json(5).
func (g Guard) elements(ctx context.Context, s set) (list []Ban, missing bool, err error) {
	out, missing, err := g.nft(ctx, "-j", "list", "set", "inet", "seawall", s.name)
	if err != nil || missing {
		return nil, missing, err
	}
	var answer struct {
		Items []struct {
			Set *struct {
				Elem []json.RawMessage `json:"elem"`
			} `json:"set"`
		} `json:"nftables"`
	}
	if err := json.Unmarshal(out, &answer); err != nil {
		return nil, false, fmt.Errorf("nft: the set %s is not the JSON it should be: %w", s.name, err)
	}
	for _, item := range answer.Items {
		if item.Set == nil {
			continue
		}
		for _, raw := range item.Set.Elem {
			if e, ok := g.element(raw, s.bits); ok {
				list = append(list, e)
			}
		}
	}
	return list, false, nil
}

// element reads an address, {"prefix": {…}} or {"elem": {"val": …, "expires": 3540}}.
func (g Guard) element(raw json.RawMessage, bits int) (Ban, bool) {
	var timed struct {
		Elem struct {
			Val     json.RawMessage `json:"val"`
			Expires int             `json:"expires"`
		} `json:"elem"`
		Prefix struct {
			Addr netip.Addr `json:"addr"`
			Len  int        `json:"len"`
		} `json:"prefix"`
	}
	var addr netip.Addr
	b := Ban{By: "firewall"}
	if json.Unmarshal(raw, &addr) != nil && json.Unmarshal(raw, &timed) == nil {
		addr = timed.Prefix.Addr
		if addr.IsValid() {
			bits = timed.Prefix.Len
		} else if json.Unmarshal(timed.Elem.Val, &addr) == nil {
			b.Until = g.Now().Add(time.Duration(timed.Elem.Expires) * time.Second).Truncate(time.Second)
		}
	}
	p, err := addr.Prefix(bits)
	b.Address = p
	return b, err == nil && addr.IsValid()
}

// jailed asks fail2ban's sshd jail: lines such as
// "198.51.100.7 \t2026-11-24 13:13:29 + 3600 = 2026-11-24 14:13:29".
func (g Guard) jailed(ctx context.Context) (list []Ban, missing string, err error) {
	o, err := g.Host.Run(ctx, "fail2ban-client", "get", "sshd", "banip", "--with-time")
	switch {
	case errors.Is(err, host.ErrAbsent):
		return nil, "fail2ban is not installed", nil
	case err != nil:
		return nil, "", err
	case o.Exit != 0:
		return nil, "fail2ban does not watch SSH here (fail2ban-client status sshd)", nil
	}
	for line := range strings.Lines(string(o.Stdout)) {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		p, err := parsePrefix(words[0])
		if err != nil {
			continue
		}
		b := Ban{Address: p, By: "fail2ban"}
		if _, end, ok := strings.Cut(line, " = "); ok {
			b.Until, _ = time.ParseInLocation(time.DateTime, strings.TrimSpace(end), time.UTC)
		}
		list = append(list, b)
	}
	return list, "", nil
}

func parsePrefix(s string) (netip.Prefix, error) {
	if p, err := netip.ParsePrefix(s); err == nil {
		return p.Masked(), nil
	}
	a, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("%q is no address: write 198.51.100.7, 2001:db8::7 or a network such as 198.51.100.0/24", s)
	}
	a = a.Unmap().WithZone("")
	return netip.PrefixFrom(a, a.BitLen()), nil
}

// Remove lifts all bans that keep an address, or a network, from SSH, and
// returns them. Its earlier tries are forgotten, too.
func (g Guard) Remove(ctx context.Context, who string) ([]Ban, error) {
	p, err := parsePrefix(who)
	if err != nil {
		return nil, err
	}
	now, err := g.List(ctx)
	if err != nil {
		return nil, err
	}
	removed := []Ban{}
	for _, b := range now.Banned {
		if !b.Address.Overlaps(p) {
			continue
		}
		if err := g.lift(ctx, b); err != nil {
			return removed, err
		}
		removed = append(removed, b)
	}
	return removed, g.forget(ctx, p)
}

func (g Guard) lift(ctx context.Context, b Ban) error {
	if b.By == "fail2ban" {
		return g.fail2ban(ctx, "set", "sshd", "unbanip", written(b.Address))
	}
	for _, s := range banSets {
		if s.four == b.Address.Addr().Is4() && s.bits == b.Address.Bits() {
			_, _, err := g.nft(ctx, "delete", "element", "inet", "seawall", s.name, "{ "+b.Address.Addr().String()+" }")
			return err
		}
	}
	return nil
}

// forget takes out what was counted of an address, so that it starts anew.
func (g Guard) forget(ctx context.Context, p netip.Prefix) error {
	for _, s := range paceSets {
		if s.four != p.Addr().Is4() || s.bits > p.Bits() {
			continue
		}
		of, err := p.Addr().Prefix(s.bits)
		if err != nil {
			return err
		}
		if _, _, err := g.nft(ctx, "delete", "element", "inet", "seawall", s.name, "{ "+of.Addr().String()+" }"); err != nil {
			return err
		}
	}
	return nil
}

func (g Guard) fail2ban(ctx context.Context, args ...string) error {
	o, err := g.Host.Run(ctx, "fail2ban-client", args...)
	if errors.Is(err, host.ErrAbsent) {
		return nil
	}
	if err == nil && o.Exit != 0 {
		said, _, _ := strings.Cut(strings.TrimSpace(string(o.Stderr)+string(o.Stdout)), "\n")
		err = fmt.Errorf("fail2ban-client %s: %s", strings.Join(args, " "), said)
	}
	return err
}

// Allow keeps an address, or a network, from ever being banned, now and after a
// restart, and lifts the bans that it has.
func (g Guard) Allow(ctx context.Context, who string) ([]Ban, error) {
	p, err := parsePrefix(who)
	if err != nil {
		return nil, err
	}
	if wide := map[bool]int{true: 8, false: 32}[p.Addr().Is4()]; p.Bits() < wide {
		return nil, fmt.Errorf("%s is too much of the Internet to be let in without a limit: name a network of at least /%d", p, wide)
	}
	if p.Addr().Is6() && p.IsSingleIP() { // a host changes its address within its /64
		p = netip.PrefixFrom(p.Addr(), 64).Masked()
	}
	name := allowSets[1].name
	if p.Addr().Is4() {
		name = allowSets[0].name
	}
	line := fmt.Sprintf("add element inet seawall %s { %s }", name, written(p))
	_, missing, err := g.nft(ctx, "add", "element", "inet", "seawall", name, "{ "+written(p)+" }")
	if err == nil && missing {
		err = errors.New("no firewall of Seawall's is loaded here: seawall harden")
	}
	if err != nil {
		return nil, err
	}
	if err := g.keep(AllowPath, func(lines []string) []string {
		if slices.Contains(lines, line) {
			return lines
		}
		return append(lines, line)
	}, 0o600); err != nil {
		return nil, err
	}
	if err := g.allowJail(ctx, p); err != nil {
		return nil, err
	}
	return g.Remove(ctx, written(p))
}

// allowJail tells fail2ban, now and for its next start.
func (g Guard) allowJail(ctx context.Context, p netip.Prefix) error {
	jail, err := os.ReadFile(filepath.Join(g.Root, JailPath))
	if errors.Is(err, os.ErrNotExist) {
		return nil // another jail than Seawall's is not Seawall's to edit
	}
	if err != nil {
		return err
	}
	ignored := ""
	for line := range strings.Lines(string(jail)) {
		if value, ok := strings.CutPrefix(line, "ignoreip = "); ok {
			ignored = strings.TrimSpace(value)
		}
	}
	err = g.keep(jailAllowPath, func(lines []string) []string {
		for _, line := range lines {
			if value, ok := strings.CutPrefix(line, "ignoreip = "); ok {
				ignored = value
			}
		}
		words := append(strings.Fields(ignored), written(p))
		slices.Sort(words)
		return []string{"[sshd]", "ignoreip = " + strings.Join(slices.Compact(words), " ")}
	}, 0o644)
	if err != nil {
		return err
	}
	if _, missing, err := g.jailed(ctx); err != nil || missing != "" {
		return err
	}
	return g.fail2ban(ctx, "set", "sshd", "addignoreip", written(p))
}

// keep edits a file of Seawall's own, line by line, and writes it whole.
func (g Guard) keep(name string, edit func([]string) []string, mode os.FileMode) error {
	dir := filepath.Join(g.Root, filepath.Dir(name))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	base := filepath.Base(name)
	old, err := root.ReadFile(base)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	lines := edit(strings.FieldsFunc(string(old), func(r rune) bool { return r == '\n' }))
	return whole.Write(root, base, "."+base, []byte(strings.Join(lines, "\n")+"\n"), mode, os.Getuid(), os.Getgid())
}
