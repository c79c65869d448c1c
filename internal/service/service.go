// Package service is what `seawall up` keeps running: policy, record, keys,
// the doors and the page, in one process. It reads posture from the last audit
// that stands in the state directory and changes nothing on the machine.
package service

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/openseawall/seawall/internal/console"
	"github.com/openseawall/seawall/internal/detect"
	"github.com/openseawall/seawall/internal/guard"
	"github.com/openseawall/seawall/internal/guard/approval"
	"github.com/openseawall/seawall/internal/guard/door/hook"
	"github.com/openseawall/seawall/internal/guard/door/model"
	"github.com/openseawall/seawall/internal/guard/limit"
	"github.com/openseawall/seawall/internal/guard/lineage"
	"github.com/openseawall/seawall/internal/guard/operator"
	"github.com/openseawall/seawall/internal/guard/policy"
	"github.com/openseawall/seawall/internal/guard/proof"
	"github.com/openseawall/seawall/internal/ledger"
	"github.com/openseawall/seawall/internal/state"
	"github.com/openseawall/seawall/internal/vault"
)

// The addresses where the door and the page are when nobody says otherwise.
const (
	DoorAddress = "127.0.0.1:4780"
	PageAddress = "127.0.0.1:4781"
)

// Service is one running Seawall.
type Service struct {
	dir     *state.Dir
	version string
	started time.Time
	policy  *policy.Store
	ledger  *ledger.Ledger
	routes  *model.Routes
	guard   *guard.Guard
	desk    *operator.Desk
	door    *model.Door
	hook    *hook.Door
	// trouble is what went wrong since the start and still is: keys or routes
	// that cannot be read.
	trouble atomic.Pointer[string]
	login   sync.Mutex // one redeems at a time
	// grace is how long an answer that has begun may still take at the end.
	grace time.Duration
	// looked is when the state was last looked at, in nanoseconds since 1970.
	looked atomic.Int64
	// complaints is where the operator reads what went wrong.
	complaints io.Writer
	mode       string // the last change of it that stands in the record
	unsaved    string // why what is used of the limits could not be written
	observed   observed
	unproven   atomic.Pointer[map[string]*guard.Unproven] // by the agents' configs
	report     atomic.Pointer[proof.Report]               // the last of the watch
}

// Open reads policy, keys and routes and opens the record. It is an error when
// any of them is not as it should be: a guard that cannot decide or remember
// does not start.
func Open(ctx context.Context, dir *state.Dir, version string) (*Service, error) {
	routes, err := model.OpenRoutes(dir)
	if err != nil {
		return nil, err
	}
	s, err := open(ctx, dir, version, routes)
	if err != nil {
		return nil, err
	}
	if s.hook, err = hook.New(s.guard, dir, time.Now); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if report, err := proof.Load(dir); err == nil {
		s.doubt(report)
	}
	s.guard.Unproven, s.hook.Loaded = s.Unproven, s.Loaded
	drills := proof.NewDrills(dir)
	s.door.Witness, s.door.Canary, s.door.Drill, s.hook.Drill = s.hook, proof.NewCanaries(dir), drills, drills
	return s, nil
}

// open is what every door stands on: policy, keys, record.
func open(ctx context.Context, dir *state.Dir, version string, routes *model.Routes) (*Service, error) {
	rules, err := policy.OpenStore(dir.Path(state.Policy))
	if err != nil {
		return nil, err
	}
	if err := dir.Private(state.Policy); err != nil {
		return nil, err
	}
	known, err := knownSecrets(dir)
	if err != nil {
		return nil, err
	}
	marks, err := markKey(dir)
	if err != nil {
		return nil, err
	}
	record, err := ledger.Open(ctx, dir)
	if err != nil {
		return nil, err
	}
	s := &Service{dir: dir, version: version, started: time.Now(), policy: rules, ledger: record, routes: routes, complaints: os.Stderr}
	if rules.Note != "" {
		fmt.Fprintln(s.complaints, "seawall:", rules.Note)
	}
	s.guard = guard.New(rules, record, known, marks)
	s.desk = operator.Open(dir, time.Now)
	s.guard.Operator, s.guard.Approvals = s.desk, approval.Open(dir, time.Now)
	s.guard.Observes, s.guard.Limits = s.desk.Observes, limit.Open(dir, time.Now)
	if s.guard.Lineage, err = lineage.Open(ctx, dir, time.Now); err != nil {
		return nil, errors.Join(err, record.Close())
	}
	s.vouch()
	s.door = model.New(s.guard, routes, nil)
	s.door.Price = s.Price
	return s, nil
}

// Close writes what waits into the record.
func (s *Service) Close() error {
	return errors.Join(s.guard.Limits.Save(), s.guard.Lineage.Close(), s.ledger.Close())
}

// Serve opens door and page on their listeners until the context ends.
func (s *Service) Serve(ctx context.Context, door, page net.Listener) error {
	if err := s.announce(door, page); err != nil {
		return err
	}
	defer s.retire()
	// What waits for a person would hold up the end.
	defer context.AfterFunc(ctx, s.guard.Approvals.Close)()
	s.ledger.Publish(s.dir)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		return newEbb(model.Server(s.hook.Beside(s.door))).serve(ctx, model.Bounded(door), s.grace)
	})
	group.Go(func() error { return serve(ctx, page, console.New(s).Serve) })
	group.Go(func() error { s.follow(ctx); return nil })
	group.Go(func() error { s.push(ctx); return nil })
	group.Go(func() error { s.tell(ctx); return nil })
	return group.Wait()
}

func serve(ctx context.Context, l net.Listener, run func(net.Listener) error) error {
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	if err := run(l); err != nil && ctx.Err() == nil {
		return fmt.Errorf("serving %s: %w", l.Addr(), err)
	}
	return nil
}

// follow takes over what is changed on the disk: policy, routes, keys.
func (s *Service) follow(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	var last look
	for {
		last = s.look(ctx, last)
		s.looked.Store(time.Now().UnixNano())
		s.sweep(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// look is what was seen at one moment: what is said is said once.
type look struct {
	files   string // stamp of routes and keys
	refused string // why the policy on the disk is not in force
	unkept  string // why the record cannot be kept
	record  string // what else is wrong with it
	wrong   silenced
	frozen  string // since when and by whom
	limits  string // as the operator has settled them
}

// look takes over what was changed on the disk since the last look, and says on
// standard error what went wrong.
func (s *Service) look(ctx context.Context, last look) look {
	now := look{files: s.stamp(), wrong: s.noteWrong(ctx, last.wrong), unkept: s.guard.Problem(), record: s.ledger.Trouble()}
	changed, err := s.policy.Reload()
	if err != nil {
		now.refused = err.Error()
	}
	switch {
	case now.refused != "" && now.refused != last.refused:
		s.event(ctx, now.refused)
		fmt.Fprintln(s.complaints, "seawall:", now.refused)
	case changed:
		s.event(ctx, "the policy was changed to version "+s.policy.Version())
	}
	switch {
	case now.unkept == last.unkept:
	case now.unkept == "":
		fmt.Fprintln(s.complaints, "seawall: the record is kept again")
	default:
		fmt.Fprintln(s.complaints, "seawall: the record cannot be kept, so what the agent wants is denied:", now.unkept)
	}
	now.frozen = s.frozen(ctx, last.frozen)
	s.answered(ctx)
	s.noteMode(ctx)
	now.limits = s.noteLimits(ctx, last.limits)
	if now.record != last.record && now.record != "" {
		fmt.Fprintln(s.complaints, "seawall:", now.record)
	}
	if now.files != last.files {
		s.reload()
	}
	return now
}

// reload takes over routes and keys.
func (s *Service) reload() {
	s.trouble.Store(nil)
	err := s.routes.Reload()
	if err == nil {
		var known *detect.Known
		if known, err = knownSecrets(s.dir); err == nil {
			s.guard.SetKnown(known)
			return
		}
	}
	problem := err.Error()
	s.trouble.Store(&problem)
	fmt.Fprintln(s.complaints, "seawall:", problem)
}

// stamp changes when routes or keys on the disk do.
func (s *Service) stamp() string {
	var stamp string
	for _, name := range []string{state.Routes, state.Keys} {
		if info, err := os.Stat(s.dir.Path(name)); err == nil {
			stamp += fmt.Sprint(info.ModTime().UnixNano(), info.Size(), " ")
		}
	}
	return stamp
}

func (s *Service) event(ctx context.Context, what string) {
	_, _ = s.ledger.Append(ctx, ledger.Row{Kind: "event", Why: what, Version: s.policy.Version()})
}

func knownSecrets(dir *state.Dir) (*detect.Known, error) {
	keys, err := vault.Open(dir)
	if err != nil {
		return nil, err
	}
	return detect.NewKnown(keys.Values()), nil
}

// markKey returns the key that makes the marks of secrets, and makes it at the
// first start.
func markKey(dir *state.Dir) ([]byte, error) {
	const name = "mark.key"
	key, err := dir.Read(name)
	if err == nil && len(key) == 32 || err != nil && !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	key = make([]byte, 32)
	_, _ = rand.Read(key)
	return key, dir.Write(name, key)
}

// Instance is a running Seawall, as it stands in the state directory.
type Instance struct {
	PID     int       `json:"pid"`
	Door    string    `json:"door"`
	Page    string    `json:"page"`
	Version string    `json:"version"`
	Started time.Time `json:"started"`
}

func (s *Service) announce(door, page net.Listener) error {
	content, err := json.Marshal(Instance{os.Getpid(), door.Addr().String(), page.Addr().String(), s.version, s.started})
	if err != nil {
		return err
	}
	return s.dir.Write(state.Running, content)
}

// retire takes the announcement back, unless it is another's by now.
func (s *Service) retire() {
	if i, err := announced(s.dir); err == nil && i.PID == os.Getpid() {
		_ = s.dir.Remove(state.Running)
	}
}

// Find returns the Seawall that runs on a state directory; nil when none does.
func Find(dir *state.Dir) (*Instance, error) {
	i, err := announced(dir)
	if errors.Is(err, fs.ErrNotExist) || !dir.Locked() {
		return nil, nil // killed, it left its announcement
	}
	return i, err
}

func announced(dir *state.Dir) (*Instance, error) {
	content, err := dir.Read(state.Running)
	if err != nil {
		return nil, err
	}
	var i Instance
	if err := json.Unmarshal(content, &i); err != nil || !onLoopback(i.Door) || !onLoopback(i.Page) {
		return nil, fmt.Errorf("%s is damaged: start `seawall up` again", dir.Path(state.Running))
	}
	return &i, nil
}

// onLoopback reports whether an address is one where Seawall's doors can be, or
// none. Root writes it into openclaw.json and into a line for a person to type.
func onLoopback(address string) bool {
	at, err := netip.ParseAddrPort(address)
	return address == "" || err == nil && at.Addr().IsLoopback()
}
