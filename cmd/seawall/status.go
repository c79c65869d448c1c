package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/openseawall/seawall/internal/guard/door/hook"
	"github.com/openseawall/seawall/internal/guard/door/model"
	"github.com/openseawall/seawall/internal/ledger"
	"github.com/openseawall/seawall/internal/posture"
	"github.com/openseawall/seawall/internal/posture/survey"
	"github.com/openseawall/seawall/internal/service"
	"github.com/openseawall/seawall/internal/state"
)

// statusReport is what `seawall status --json` prints.
type statusReport struct {
	service.Standing
	Boundary string            `json:"boundary"`
	Running  *service.Instance `json:"running"`
	Audited  time.Time         `json:"audited,omitzero"`
	Counts   posture.Counts    `json:"findings"`
	Routes   []routeStatus     `json:"routes"`
	Past     []hook.Past       `json:"past_the_door"`
	Last     []ledger.Row      `json:"last_denials"`
}

type routeStatus struct {
	Provider string `json:"provider"`
	Agent    string `json:"agent"`
	Upstream string `json:"upstream"`
	Key      string `json:"key"` // "held by Seawall" or "held by the agent"
}

func newStatus() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Say whether the agent is protected, on one screen",
		Long: `Status begins with one of these:

  Protected                  OpenClaw's model calls pass Seawall, which is out of the
                             agent's reach
  Watching, not protecting   one of the two is not so; the line below it says how
                             to change that
  Stopped                    OpenClaw is connected and the door is closed
  Nothing to protect here    there is no OpenClaw

Exit status: 0 protected or nothing to protect, 1 otherwise, 2 when it could not
be read.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := readStatus(cmd)
			if err != nil {
				return err
			}
			if asJSON {
				e := json.NewEncoder(cmd.OutOrStdout())
				e.SetIndent("", "  ")
				err = e.Encode(s)
			} else {
				printStatus(cmd.OutOrStdout(), s)
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
		return statusReport{Standing: service.Stand(nil, 0, false), Boundary: posture.BoundaryUnknown,
			Routes: []routeStatus{}, Last: []ledger.Row{}}, nil
	}
	if err != nil {
		return statusReport{}, err
	}
	defer dir.Close()
	s := statusReport{Boundary: posture.BoundaryUnknown, Routes: []routeStatus{}}
	if s.Running, err = service.Find(dir); err != nil {
		return s, err
	}
	routes, err := model.LoadRoutes(dir)
	if err != nil {
		return s, err
	}
	for _, r := range routes {
		key := "held by Seawall"
		if r.Key == "" {
			key = "held by the agent"
		}
		s.Routes = append(s.Routes, routeStatus{r.Provider, r.Agent, withoutPassword(r.Upstream), key})
	}
	a, err := survey.Last(dir)
	if err != nil {
		return s, err
	}
	if a != nil {
		s.Boundary, s.Audited, s.Counts = a.Boundary, a.Time, a.Counts
	}
	if s.Past, err = hook.LoadPast(dir); err != nil {
		return s, err
	}
	s.Past = hook.Current(s.Past, time.Now())
	s.Standing = service.Stand(a, len(routes), s.Running != nil).Past(s.Past)
	s.Last, err = lastDenials(cmd, dir)
	return s, err
}

// withoutPassword is an address as it may be shown.
func withoutPassword(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "an address that cannot be read"
	}
	return u.Redacted()
}

// lastDenials returns the newest rows that stopped something; a record that
// does not exist yet has none.
func lastDenials(cmd *cobra.Command, dir *state.Dir) ([]ledger.Row, error) {
	if _, err := os.Stat(dir.Path(state.Ledger)); errors.Is(err, fs.ErrNotExist) {
		return []ledger.Row{}, nil
	}
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
	for _, r := range s.Routes {
		fmt.Fprintf(w, "route     %s → %s, key %s\n", r.Provider, r.Upstream, r.Key)
	}
	for _, p := range s.Past {
		fmt.Fprintf(w, "past      %s, last %s, agent %s\n", p, p.Last.Local().Format("2006-01-02 15:04"), p.Config)
	}
	if !s.Audited.IsZero() {
		fmt.Fprintf(w, "audit     %s: %d critical, %d high, %d medium; boundary: %s\n",
			s.Audited.Local().Format("2006-01-02 15:04"), s.Counts.Critical, s.Counts.High, s.Counts.Medium, s.Boundary)
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

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
