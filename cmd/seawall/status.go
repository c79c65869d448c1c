package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/openseawall/seawall/internal/guard/boundary"
	"github.com/openseawall/seawall/internal/guard/connect"
	"github.com/openseawall/seawall/internal/guard/door/hook"
	"github.com/openseawall/seawall/internal/guard/door/model"
	"github.com/openseawall/seawall/internal/guard/limit"
	"github.com/openseawall/seawall/internal/guard/operator"
	"github.com/openseawall/seawall/internal/guard/proof"
	"github.com/openseawall/seawall/internal/ledger"
	"github.com/openseawall/seawall/internal/openclaw"
	"github.com/openseawall/seawall/internal/plain"
	"github.com/openseawall/seawall/internal/posture"
	"github.com/openseawall/seawall/internal/posture/survey"
	"github.com/openseawall/seawall/internal/service"
	"github.com/openseawall/seawall/internal/state"
)

// statusReport is what `seawall status --json` prints.
type statusReport struct {
	service.Standing
	Boundary string            `json:"boundary"`
	Attempts *boundary.Report  `json:"attempts"` // to reach Seawall as the agent
	Running  *service.Instance `json:"running"`
	Audited  time.Time         `json:"audited,omitzero"`
	Counts   posture.Counts    `json:"findings"`
	Routes   []routeStatus     `json:"routes"`
	Problems []proof.Problem   `json:"problems"`
	Watched  []proof.Agent     `json:"watched"`
	Looked   time.Time         `json:"last_look,omitzero"` // of the watch
	Plugins  []hook.Plugin     `json:"plugins"`
	Past     []hook.Past       `json:"past_the_door"`
	Tested   []string          `json:"tested_openclaw"`
	Last     []ledger.Row      `json:"last_denials"`
	Wrong    []operator.Wrong  `json:"wrong,omitempty"` // what detectors find by mistake, by the operator's word
	Record   *ledger.Space     `json:"record,omitempty"`
	Failing  string            `json:"checkpoints_failing,omitempty"` // why they do not leave the machine
	Mode     string            `json:"mode"`                          // "enforce", "observe"
	Limits   []string          `json:"limits_near,omitempty"`         // of which nearly all is used

	watched service.Watched
}

// routeStatus is one way to a model.
type routeStatus struct {
	Provider string    `json:"provider"`
	Agent    string    `json:"agent"` // path of openclaw.json
	Upstream string    `json:"upstream"`
	Standing string    `json:"standing"`           // "through the door", …
	Key      string    `json:"key"`                // "held by Seawall", "held by Seawall, and still in 2 places", "held by the agent", "none"
	Setting  string    `json:"setting,omitempty"`  // what changes that
	Used     bool      `json:"used"`               // OpenClaw would use it
	Proven   time.Time `json:"proven,omitzero"`    // by a canary
	Unproven string    `json:"unproven,omitempty"` // why it is not proven now
}

func newStatus() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Say whether the agent is protected, on one screen",
		Long: `Status begins with one of these:

  Protected                  OpenClaw's model calls pass Seawall, which is out of the
                             agent's reach, and it is watched that they do
  Watching, not protecting   one of the two is not so; the line below it says how
                             to change that
  Stopped                    OpenClaw is connected and the door is closed
  Nothing to protect here    there is no OpenClaw

Exit status: 0 protected or nothing to protect, 1 otherwise, 2 when it could not
be read.`,
		Args:    cobra.NoArgs,
		PreRunE: asOwner,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := readStatus(cmd)
			if err != nil {
				return err
			}
			if asJSON {
				err = writeJSON(cmd.OutOrStdout(), s)
			} else {
				printStatus(plain.Writer(cmd.OutOrStdout()), s)
			}
			if err == nil && !s.Good {
				return errNo
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func readStatus(cmd *cobra.Command) (statusReport, error) {
	dir, err := state.Existing(stateDir)
	if errors.Is(err, fs.ErrNotExist) {
		return statusReport{Standing: service.Stand(nil, 0, false), Boundary: posture.BoundaryUnknown, Routes: []routeStatus{},
			Problems: []proof.Problem{}, Watched: []proof.Agent{}, Plugins: []hook.Plugin{}, Past: []hook.Past{}, Tested: openclaw.Versions, Last: []ledger.Row{}}, nil
	}
	if err != nil {
		return statusReport{}, err
	}
	defer dir.Close()
	s := statusReport{Boundary: posture.BoundaryUnknown, Routes: []routeStatus{}, Problems: []proof.Problem{}, Watched: []proof.Agent{}, Tested: openclaw.Versions}
	if s.Running, err = service.Find(dir); err != nil {
		return s, err
	}
	routes, err := model.LoadRoutes(dir)
	if err != nil {
		return s, err
	}
	now := time.Now()
	if s.watched, err = service.ReadWatched(dir, now); err != nil {
		return s, err
	}
	if s.Mode = "enforce"; s.watched.Observing != nil {
		s.Mode = "observe"
	}
	for _, r := range limit.Stand(dir, now).Near() {
		s.Limits = append(s.Limits, r.Near())
	}
	s.Attempts = s.watched.Boundary
	s.Past, s.Plugins = s.watched.Past, s.watched.Plugins
	if r := s.watched.Report; r != nil {
		s.Watched, s.Looked = r.Agents, r.Time
	}
	s.Routes = routesNow(routes, s.Watched)
	a, err := survey.Last(dir)
	if err != nil {
		return s, err
	}
	if a != nil {
		s.Boundary, s.Audited, s.Counts = a.Boundary, a.Time, a.Counts
	}
	s.Standing = s.watched.Stand(a, len(routes), s.Running != nil, now)
	if s.Running != nil && len(routes) > 0 {
		s.Problems = append(s.Problems, s.watched.Problems(now)...)
	}
	if _, err := os.Stat(dir.Path(state.Ledger)); errors.Is(err, fs.ErrNotExist) {
		s.Last = []ledger.Row{}
		return s, nil
	}
	space, err := ledger.Size(dir)
	if err != nil {
		return s, err
	}
	s.Record = &space
	if why, since := ledger.Failing(dir); why != "" && s.Running != nil {
		s.Failing = fmt.Sprintf("%s, since %s", why, since.Local().Format("2006-01-02 15:04"))
	}
	s.Wrong, _ = operator.AllWrong(dir) // of a damaged file nothing counts
	s.Last, err = lastDenials(cmd, dir)
	return s, err
}

// routesNow are the routes as the watch saw them, and those that it has not seen
// yet as connect wrote them.
func routesNow(routes []model.Route, watched []proof.Agent) []routeStatus {
	all := []routeStatus{}
	seen := func(config, provider string) bool {
		return slices.ContainsFunc(all, func(r routeStatus) bool { return r.Agent == config && r.Provider == provider })
	}
	for _, a := range watched {
		for _, row := range a.Rows {
			all = append(all, routeStatus{Provider: row.Route, Agent: row.Config, Upstream: row.Upstream,
				Standing: row.Standing, Key: row.Key, Setting: row.Setting, Used: len(row.UsedBy) > 0})
		}
	}
	for _, r := range routes {
		if seen(r.Agent, r.Provider) {
			continue
		}
		key := "held by Seawall"
		if r.Key == "" {
			key = "held by the agent"
		}
		all = append(all, routeStatus{Provider: r.Provider, Agent: r.Agent, Upstream: withoutPassword(r.Upstream), Standing: connect.Through, Key: key})
	}
	for i := range all {
		all[i].Proven, all[i].Unproven = provenRoute(all[i], routes, watched)
	}
	return all
}

// provenRoute is when the canary of a route last came to the door, of several
// agents' the one that proves least.
func provenRoute(s routeStatus, routes []model.Route, watched []proof.Agent) (last time.Time, why string) {
	for _, a := range watched {
		for _, p := range a.Proofs {
			mine := slices.ContainsFunc(routes, func(r model.Route) bool { return r.ID == p.Route && r.Agent == s.Agent && r.Provider == s.Provider })
			if mine && (last.IsZero() || p.Why != "" || p.Last.Before(last)) {
				last, why = p.Last, cmp.Or(p.Why, why)
			}
		}
	}
	return last, why
}

// withoutPassword is an address as it may be shown.
func withoutPassword(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "an address that cannot be read"
	}
	return u.Redacted()
}

// lastDenials returns the newest rows that stopped something.
func lastDenials(cmd *cobra.Command, dir *state.Dir) ([]ledger.Row, error) {
	record, err := ledger.OpenReader(dir)
	if err != nil {
		return nil, err
	}
	defer record.Close()
	rows := []ledger.Row{}
	for row, err := range record.Rows(cmd.Context(), ledger.Filter{Decision: "deny", Last: 5}) {
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func printStatus(w io.Writer, s statusReport) {
	fmt.Fprintf(w, "%s.\n%s\n\n", capital(s.Label), s.Sentence)
	if s.Running != nil {
		fmt.Fprintf(w, "door      %s, open since %s\n", s.Running.Door, s.Running.Started.Local().Format("2006-01-02 15:04"))
	} else {
		fmt.Fprintln(w, "door      closed")
	}
	if o := s.watched.Observing; o != nil {
		fmt.Fprintf(w, "mode      OBSERVING UNTIL %s: what would ask runs and is only recorded (seawall observe report, seawall enforce)\n", o.Day())
	}
	for _, near := range s.Limits {
		fmt.Fprintln(w, "limit    ", near, "seawall limits")
	}
	for _, r := range s.Routes {
		if r.Standing == connect.Through || r.Used {
			fmt.Fprintln(w, "route    ", r)
		}
	}
	printWatched(w, s)
	if !s.Audited.IsZero() {
		fmt.Fprintf(w, "audit     %s: %d critical, %d high, %d medium; boundary: %s\n",
			s.Audited.Local().Format("2006-01-02 15:04"), s.Counts.Critical, s.Counts.High, s.Counts.Medium, s.Boundary)
	}
	if r := s.Record; r != nil {
		fmt.Fprintf(w, "record    %d rows, %.1f MB, about %.1f MB a day\n", r.Rows, float64(r.Bytes)/1e6, float64(r.PerDay)/1e6)
		if warning := r.Warning(); warning != "" {
			fmt.Fprintln(w, "problem  ", warning)
		}
	}
	if s.Failing != "" {
		fmt.Fprintln(w, "problem  ", s.Failing+". To change that: seawall doctor")
	}
	if len(s.Routes) > 0 {
		fmt.Fprintln(w, "boundary ", s.watched.Boundary)
	}
	for _, r := range s.Last {
		fmt.Fprintf(w, "denied    #%d %s %s\n", r.ID, r.Time.Local().Format("01-02 15:04"), denial(r))
	}
}

// denial tells in one line what was stopped, what was found in it, and how to let
// it through once where that can be.
func denial(r ledger.Row) string {
	what := strings.TrimSpace(r.Act + " " + r.Tool)
	if r.Act != "read" {
		return printable(what + ": " + r.Why)
	}
	return printable(fmt.Sprintf("%s, %s: %s; once: seawall pass %d", what, r.Detail, r.Why, r.ID))
}

// String is a route in one line.
func (r routeStatus) String() string {
	s := r.Provider + " → " + cmp.Or(r.Upstream, "an address that is not known")
	if r.Standing != connect.Through {
		return s + ": " + r.Standing
	}
	s += ", key " + r.Key
	switch {
	case r.Unproven != "":
		s += ", not proven: " + r.Unproven
	case !r.Proven.IsZero():
		s += ", proven " + r.Proven.Local().Format("15:04")
	}
	return s
}

// printWatched says whether the door is in the path, and how that is known.
func printWatched(w io.Writer, s statusReport) {
	for _, p := range s.Problems[min(1, len(s.Problems)):] { // the first stands on top
		fmt.Fprintln(w, "problem  ", p)
	}
	for _, p := range s.Past {
		fmt.Fprintf(w, "past      %s, last %s, agent %s\n", p, p.Last.Local().Format("2006-01-02 15:04"), p.Config)
	}
	if s.Running == nil {
		return
	}
	for _, a := range s.Watched {
		fmt.Fprintln(w, "proof    ", s.watched.Proven(a))
		if places := service.Elsewhere(a); places != "" {
			fmt.Fprintf(w, "past Seawall: %s (channels, pages, programs)\n", places)
		}
		if said := service.Release(a); said != "" {
			fmt.Fprintln(w, "openclaw ", said)
		}
	}
}

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
