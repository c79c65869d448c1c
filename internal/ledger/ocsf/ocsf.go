// Package ocsf writes rows of the record as events of the Open Cybersecurity
// Schema Framework, version 1.5.0, for whoever collects logs of many programs.
//
//	a call, a request beside the conversation ──▶ API Activity [6003]
//	a text that was stopped or changed        ──▶ Detection Finding [2004]
//	what Seawall notes of itself              ──▶ Base Event [0]
//
// What was decided stands in the attributes of the profile Security Control, and
// the whole row, origins and answer included, under unmapped.seawall.
//
// See https://schema.ocsf.io/1.5.0/classes/api_activity and
// https://schema.ocsf.io/1.5.0/classes/detection_finding.
package ocsf

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/openseawall/seawall/internal/ledger"
)

// Version is that of the schema.
const Version = "1.5.0"

// The classes, and the category of each.
const (
	baseEvent        = 0
	apiActivity      = 6003
	detectionFinding = 2004
)

// other is the number of what the schema has none for.
const other = 99

// Event is one event; its fields have the schema's names.
type Event struct {
	Activity     int            `json:"activity_id"`
	ActivityName string         `json:"activity_name"`
	Category     int            `json:"category_uid"`
	Class        int            `json:"class_uid"`
	Type         int            `json:"type_uid"`
	Time         int64          `json:"time"` // Unix milliseconds
	Severity     int            `json:"severity_id"`
	Message      string         `json:"message,omitempty"`
	Status       int            `json:"status_id"`
	Detail       string         `json:"status_detail,omitempty"`
	Metadata     metadata       `json:"metadata"`
	Unmapped     map[string]any `json:"unmapped"`

	// Of the profile Security Control.
	Action      *int            `json:"action_id,omitempty"`
	Disposition *int            `json:"disposition_id,omitempty"`
	Disposed    string          `json:"disposition,omitempty"`
	Alert       bool            `json:"is_alert,omitempty"`
	Authorised  []authorization `json:"authorizations,omitempty"`

	// Of API Activity.
	Actor     *actor     `json:"actor,omitempty"`
	API       *api       `json:"api,omitempty"`
	Source    *endpoint  `json:"src_endpoint,omitempty"`
	Target    *endpoint  `json:"dst_endpoint,omitempty"`
	Resources []resource `json:"resources,omitempty"`

	// Of Detection Finding.
	Finding    *finding `json:"finding_info,omitempty"`
	Confidence *int     `json:"confidence_id,omitempty"`
}

type metadata struct {
	Version     string   `json:"version"`
	Product     product  `json:"product"`
	Profiles    []string `json:"profiles,omitempty"`
	UID         string   `json:"uid"`
	Sequence    int64    `json:"sequence"`
	Log         string   `json:"log_name"`
	Correlation string   `json:"correlation_uid,omitempty"`
}

type product struct {
	Name    string `json:"name"`
	Vendor  string `json:"vendor_name"`
	UID     string `json:"uid"`
	Version string `json:"version"`
}

type (
	named struct {
		Name string `json:"name,omitempty"`
		UID  string `json:"uid,omitempty"`
	}
	actor struct {
		App     string `json:"app_name"`
		User    *named `json:"user,omitempty"`
		Session *named `json:"session,omitempty"`
	}
	api struct {
		Operation string `json:"operation"`
		Service   named  `json:"service"`
		Request   named  `json:"request"`
	}
	endpoint struct {
		Host    string `json:"hostname,omitempty"`
		Name    string `json:"name,omitempty"`
		Service string `json:"svc_name,omitempty"`
	}
	resource struct {
		Name string `json:"name"`
		Type string `json:"type"`
	}
	authorization struct {
		Decision string `json:"decision"`
		Policy   policy `json:"policy"`
	}
	policy struct {
		Name    string `json:"name"`
		Desc    string `json:"desc,omitempty"`
		Version string `json:"version,omitempty"`
	}
	finding struct {
		UID      string    `json:"uid"`
		Title    string    `json:"title"`
		Desc     string    `json:"desc,omitempty"`
		Types    []string  `json:"types,omitempty"`
		Analytic *analytic `json:"analytic,omitempty"`
	}
	analytic struct {
		Type int    `json:"type_id"` // 1: a rule
		UID  string `json:"uid"`
		Name string `json:"name"`
	}
)

// Of returns the event of a row, as a reader gives rows in brief: the row of a
// decision, or of what is none. message is it in one line, and seawall the
// version that writes it.
func Of(r ledger.Row, message, seawall string) Event {
	e := Event{
		Time: r.Time.UnixMilli(), Severity: 1, Message: message, Detail: r.Why, Class: baseEvent,
		Activity: other, ActivityName: cmp.Or(r.Act, r.Kind),
		Metadata: metadata{
			Version: Version, UID: strconv.FormatInt(r.ID, 10), Sequence: r.ID, Log: "ledger", Correlation: r.Trace,
			Product: product{Name: "Seawall", Vendor: "openseawall", UID: "seawall", Version: seawall},
		},
		Unmapped: map[string]any{"seawall": r},
	}
	switch {
	case r.Kind == ledger.Event:
	case r.Act == "read" || r.Act == "reply":
		e.detected(r)
	default:
		e.called(r)
	}
	if e.Class != baseEvent {
		e.decided(r)
	}
	e.Category = e.Class / 1000
	e.Type = e.Class*100 + e.Activity
	return e
}

// decided says what was decided, and by whom.
func (e *Event) decided(r ledger.Row) {
	e.Metadata.Profiles = []string{"security_control"}
	o := outcomes[r.Decision]
	if r.Approval != nil && r.Decision == "allow" {
		o.disposition, o.called = 8, "Approved"
	}
	e.Action, e.Disposition, e.Disposed, e.Severity = &o.action, &o.disposition, o.called, o.severity
	e.Alert = r.Decision == "deny"
	for _, name := range r.Policy {
		e.Authorised = append(e.Authorised, authorization{r.Decision, policy{Name: name, Version: r.Version}})
	}
	if a := r.Approval; a != nil {
		e.Authorised = append(e.Authorised, authorization{a.Answer, policy{Name: cmp.Or(a.By, "operator"), Desc: a.Via + ", " + a.Scope}})
	}
}

// outcome is a decision in the schema's numbers: action 1 allowed, 2 denied;
// disposition 1 allowed, 2 blocked; severity 1 informational to 4 high.
type outcome struct {
	action, disposition int
	called              string
	severity            int
}

// outcomes are those of decisions; "" is none, and then nothing was handed on.
var outcomes = map[string]outcome{
	"allow":  {1, 1, "Allowed", 1},
	"redact": {1, other, "Redacted", 2},
	"ask":    {2, 2, "Blocked", 3},
	"deny":   {2, 2, "Blocked", 4},
	"":       {2, 2, "Blocked", 3},
}

// called is a call of a tool, or a request beside the conversation.
func (e *Event) called(r ledger.Row) {
	e.Class = apiActivity
	e.Actor = &actor{App: cmp.Or(r.Agent, "openclaw")}
	if r.Speaker != "" || r.Sender != "" {
		e.Actor.User = &named{Name: cmp.Or(r.Speaker, "unknown"), UID: r.Sender}
	}
	if r.Session != "" {
		e.Actor.Session = &named{UID: r.Session}
	}
	e.API = &api{Operation: cmp.Or(r.Tool, r.Detail, "unknown"), Service: named{Name: cmp.Or(r.Route, "openclaw")}, Request: named{UID: strconv.FormatInt(cmp.Or(r.Asked, r.ID), 10)}}
	e.Source = &endpoint{Name: cmp.Or(r.Agent, "openclaw"), Service: r.Door}
	switch { // 1 success, 2 failure, 0 unknown
	case r.Decision != "allow" && r.Decision != "redact":
		e.Status = 2
	case r.Outcome == "":
		e.Status = 1
	}
	if r.Effects != nil {
		e.affected(r.Effects)
	}
}

// affected says what a call does, to what.
func (e *Event) affected(f *ledger.Effects) {
	does := func(kind string) bool { return slices.Contains(f.Kinds, kind) }
	switch { // of the schema's four the gravest
	case does("destroy"):
		e.Activity, e.ActivityName = 4, "Delete"
	case does("write"), does("widen"), does("guard"):
		e.Activity, e.ActivityName = 3, "Update"
	case does("execute"), does("send"), does("spend"):
	case does("read"):
		e.Activity, e.ActivityName = 2, "Read"
	}
	if len(f.Hosts) > 0 {
		e.Target = &endpoint{Host: f.Hosts[0]}
	}
	for _, list := range []struct {
		of    string
		names []string
	}{{"file", f.Reads}, {"file", f.Writes}, {"host", f.Hosts}, {"url", f.URLs}, {"recipient", f.To}, {"command", f.Commands}} {
		for _, name := range list.names {
			e.Resources = append(e.Resources, resource{name, list.of})
		}
	}
}

// detected is a text that was stopped or changed, or in which something was
// found.
func (e *Event) detected(r ledger.Row) {
	e.Class, e.Activity, e.ActivityName = detectionFinding, 1, "Create"
	e.Status = 1 // new
	e.Finding = &finding{UID: e.Metadata.UID, Title: cmp.Or(r.Why, r.Detail, "a text was judged"), Desc: r.Detail}
	if r.Seen == nil || len(r.Seen.Signals) == 0 {
		return
	}
	first := r.Seen.Signals[0]
	e.Finding.Title = first.Title
	e.Finding.Analytic = &analytic{1, first.Rule, first.Title}
	confidence := map[string]int{"suspicious": 2, "malicious": 3}[first.Verdict] // medium, high
	e.Confidence = &confidence
	for _, s := range r.Seen.Signals {
		if !slices.Contains(e.Finding.Types, s.Kind) {
			e.Finding.Types = append(e.Finding.Types, s.Kind)
		}
	}
}
