package effect

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/openseawall/seawall/internal/lazyregexp"
)

// recorder collects the effects of one action.
type recorder struct {
	e      Effects
	kinds  map[Kind]bool
	schema Schema // how the judged tool was offered
	steps  int    // commands that may still be evaluated
	code   int    // bytes of inline code that may still be searched

	// What only Decisive tells.
	deletes  []string // paths, as written
	installs []string // packages that a package manager is told to get
	remotes  []string // of git, by their names
	scripts  []string // files that are run
	pipe     string   // the pipeline that is being judged
	vague    bool     // an address or path that matters is not known
}

func newRecorder() *recorder { return &recorder{steps: maxSteps, code: maxCode} }

func (r *recorder) kind(ks ...Kind) {
	if r.kinds == nil {
		r.kinds = map[Kind]bool{}
	}
	for _, k := range ks {
		r.kinds[k] = true
	}
}

// danger notes d with the piece of the action that shows it; the first piece
// is kept.
func (r *recorder) danger(d Danger, piece string) {
	if r.e.Evidence == nil {
		r.e.Evidence = map[Danger]string{}
	}
	if _, known := r.e.Evidence[d]; !known {
		r.e.Evidence[d] = evidence(r.inPipe(piece))
	}
}

// within notes the pipeline that is judged; the outermost is kept.
func (r *recorder) within(pipe string) (left func()) {
	if r.pipe != "" {
		return func() {}
	}
	r.pipe = pipe
	return func() { r.pipe = "" }
}

// inPipe is the pipeline that a command is a part of, which says what the command
// alone does not: curl … | sh.
func (r *recorder) inPipe(piece string) string {
	if len(r.pipe) <= maxEvidence && strings.Contains(r.pipe, strings.TrimSpace(piece)) {
		return r.pipe
	}
	return piece
}

// unseen says that code is run of which nobody can say what it does.
func (r *recorder) unseen() { r.e.Opaque, r.e.Unseen = true, true }

// weighty are the kinds that a person is asked about, the worst first.
var weighty = []Kind{Guard, Destroy, Widen, Spend, Send}

// showing notes, once the piece of a command was judged, which kinds it brought: it
// is what a person has to see of it.
func (r *recorder) showing(piece string) (judged func()) {
	before := [...]bool{r.kinds[Guard], r.kinds[Destroy], r.kinds[Widen], r.kinds[Spend], r.kinds[Send]}
	unseen := r.e.Unseen
	return func() {
		for i, k := range weighty {
			if r.kinds[k] && !before[i] {
				r.shows(k, piece)
			}
		}
		if r.e.Unseen && !unseen {
			r.shows(Execute, piece)
		}
	}
}

// shows keeps the first piece that shows a kind.
func (r *recorder) shows(k Kind, piece string) {
	if r.e.Shows == nil {
		r.e.Shows = map[Kind]string{}
	}
	if _, known := r.e.Shows[k]; !known {
		r.e.Shows[k] = evidence(r.inPipe(piece))
	}
}

func (r *recorder) opaque() { r.e.Opaque = true }

// unreadable says that a part was not looked at; the first reason is kept.
func (r *recorder) unreadable(why string) {
	r.e.Opaque = true
	if r.e.ParseError == "" {
		r.e.ParseError = why
	}
}

// step counts one evaluated command and says whether it may be.
func (r *recorder) step() bool {
	if r.steps <= 0 {
		r.unreadable("the command is too large to follow")
		return false
	}
	r.steps--
	return true
}

// cost counts bytes that are copied, so that a script cannot make itself grow
// without end.
func (r *recorder) cost(bytes int) bool {
	r.steps -= bytes / 512
	return r.steps > 0
}

func (r *recorder) add(list *[]string, s string) {
	if s == "" || slices.Contains(*list, s) {
		return
	}
	if len(*list) >= maxList {
		r.unreadable("the action names too many things to follow")
		return
	}
	*list = append(*list, s)
}

func (r *recorder) command(name string) { r.add(&r.e.Commands, readable(name)) }

func (r *recorder) reads(path string) {
	r.kind(Read)
	r.add(&r.e.Reads, readable(path))
}

func (r *recorder) writes(path string) {
	r.kind(Write)
	r.add(&r.e.Writes, readable(path))
}

// sends notes an address that is contacted: a URL, host/path or host:port.
// It returns the host, or "" where it cannot be known. Contact with this very
// machine is not a Send.
func (r *recorder) sends(address string) string {
	host := hostOf(address)
	r.vague = r.vague || host == "" || strings.Contains(address, hole)
	if ownGateway.MatchString(address) && loopback(host) {
		r.kind(Guard)
		r.danger(DisableGuard, address)
	}
	if !loopback(host) {
		r.kind(Send)
	}
	if host != "" {
		r.add(&r.e.Hosts, host)
	}
	if strings.Contains(address, "://") {
		r.add(&r.e.URLs, readable(address))
	}
	return host
}

func (r *recorder) effects() Effects {
	e := r.e
	for k := range r.kinds {
		e.Kinds = append(e.Kinds, k)
	}
	slices.Sort(e.Kinds)
	for d := range e.Evidence {
		e.Dangers = append(e.Dangers, d)
	}
	slices.Sort(e.Dangers)
	return e
}

// ownGateway are OpenClaw's own doors on this machine, by which a tool can be
// called past every guard (gateway/tools-invoke-http-api in OpenClaw's docs).
var ownGateway = lazyregexp.New(`:18789/(tools|hooks|v1|api|rpc)\b`)

// hostOf reads the host of a URL, user@host:path, host:port or host, in lower
// case and without port; "" when part of it is unknown.
func hostOf(address string) string {
	a := address
	if i := strings.Index(a, "://"); i >= 0 {
		if u, err := url.Parse(a); err == nil && u.Hostname() != "" && !strings.Contains(u.Hostname(), hole) {
			return strings.ToLower(u.Hostname())
		}
		a = a[i+3:]
	}
	if i := strings.IndexAny(a, "/?#"); i >= 0 {
		a = a[:i]
	}
	if i := strings.LastIndexByte(a, '@'); i >= 0 {
		a = a[i+1:]
	}
	if strings.HasPrefix(a, "[") {
		a, _, _ = strings.Cut(a[1:], "]")
	} else if strings.Count(a, ":") == 1 {
		a, _, _ = strings.Cut(a, ":")
	}
	if a == "" || strings.ContainsAny(a, hole+" \t\n\"'<>(){}$,;") {
		return ""
	}
	return strings.ToLower(a)
}

// loopback says that a host is this very machine.
func loopback(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && (ip.IsLoopback() || ip.Is4() && ip.As4() == [4]byte{})
}

// metadata says that a host hands out a cloud machine's credentials (AWS,
// GCP, Azure, Alibaba).
func metadata(host string) bool {
	switch host {
	case "169.254.169.254", "fd00:ec2::254", "metadata.google.internal", "metadata", "100.100.100.200", "169.254.170.2":
		return true
	}
	return false
}
