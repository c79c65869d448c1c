package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"charm.land/lipgloss/v2"
	"charm.land/lipgloss/v2/table"

	"github.com/openseawall/seawall/internal/posture"
)

// Options say where a text report goes.
type Options struct {
	Width int  // columns of the terminal; 80 when 0
	Color bool // the caller knows whether this is a terminal and NO_COLOR is unset
	All   bool // every result with its reasons, not only what matters first
}

// pageRows is the height of a terminal nobody resized: a default report of 80
// columns fits, so that the verdict is still there when it ends.
const pageRows = 40

// minWidth is the narrowest page that is still laid out.
const minWidth = 32

// maxLines is how many lines of the blast radius a default report shows.
const maxLines = 8

// Text writes the report that a person reads.
func Text(w io.Writer, a *posture.Audit, o Options) error {
	p := &page{a: a, width: min(max(o.Width, 0), 100), ink: plainInk()}
	if p.width == 0 {
		p.width = 80
	}
	p.width = max(p.width, minWidth)
	if o.Color {
		p.ink = colorInk()
	}
	if o.All {
		p.everything()
	} else {
		p.summary()
	}
	if _, err := io.WriteString(w, strings.Join(p.out, "\n")+"\n"); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return nil
}

// Say writes the verdict alone.
func Say(w io.Writer, a *posture.Audit) error {
	_, err := fmt.Fprintln(w, clean(a.Verdict))
	return err
}

// page collects the rows of one report.
type page struct {
	a     *posture.Audit
	width int
	ink   ink
	out   []string
	more  int // lines of the blast radius that were left out
}

func (p *page) row(s string) { p.out = append(p.out, strings.TrimRight(s, " ")) }

func (p *page) gap() {
	if len(p.out) > 0 && p.out[len(p.out)-1] != "" {
		p.row("")
	}
}

// para writes a text in full, hanging under its first row.
func (p *page) para(indent, text string, style lipgloss.Style) {
	hang := strings.Repeat(" ", lipgloss.Width(indent))
	for i, r := range rows(clean(text), p.width-lipgloss.Width(indent)-1) {
		if i > 0 {
			indent = hang
		}
		p.row(indent + style.Render(r))
	}
}

// room is how much of everything a default report shows.
type room struct {
	lineRows, fixRows, changes, lines int
	dense                             bool // no empty row before the counts
}

// rooms are tried in turn until the report fits a page.
var rooms = []room{
	{3, 3, 3, maxLines, false}, {3, 2, 3, maxLines, false}, {2, 2, 3, maxLines, false}, {2, 2, 2, maxLines, true}, {2, 2, 1, maxLines, true}, {2, 1, 3, maxLines, false},
	{2, 1, 1, maxLines, true}, {2, 1, 1, 7, true}, {2, 1, 1, 6, true}, {2, 1, 1, 5, true},
}

func (p *page) summary() {
	for _, r := range rooms {
		p.out = nil
		p.head()
		p.blast(r)
		p.fixes(r)
		p.tail(r)
		if len(p.out) <= pageRows || p.narrow() {
			return
		}
	}
}

// narrow reports that there is no room for columns.
func (p *page) narrow() bool { return p.width < 72 }

// head names the machine and gives the verdict.
func (p *page) head() {
	when := p.a.Time.UTC().Format("2 Jan 2006 15:04")
	title := func(agent string) string {
		return strings.Join(slices.DeleteFunc([]string{clean(p.a.Host.Name), clean(shortOS(p.a.Host.OS)), clean(agent)},
			func(s string) bool { return s == "" }), " · ")
	}
	what := title(agentName(p.a.Agents))
	if len(p.a.Agents) == 1 && p.a.Agents[0].Container != "" && lipgloss.Width(what+when) > p.width-4 {
		what = title("OpenClaw " + p.a.Agents[0].Version + " in a container")
	}
	if pad := p.width - 2 - lipgloss.Width(what) - lipgloss.Width(when); pad > 0 {
		p.row(" " + p.ink.faint.Render(what+strings.Repeat(" ", pad)+when))
	} else {
		p.para(" ", what, p.ink.faint)
		p.para(" ", when, p.ink.faint)
	}
	p.gap()
	p.para(" ", p.a.Verdict, p.ink.strong)
	p.boundary()
	p.gap()
}

// boundary says what Seawall can promise here, where that is less than protection.
func (p *page) boundary() {
	switch p.a.Boundary {
	case posture.BoundaryNone:
		text := "Watching, not protecting"
		if why := p.boundaryWhy(); why != "" {
			text += ": " + why
		}
		p.para(" ", text+".", p.ink.severity[posture.High])
	case posture.BoundaryUnknown:
		text := "What keeps the agent from Seawall is not known"
		if why := p.boundaryWhy(); why != "" {
			text += ": " + why
		}
		for _, r := range cut(text+".", p.width-2, 2) {
			p.row(" " + p.ink.severity[posture.Medium].Render(r))
		}
	}
}

func (p *page) boundaryWhy() string {
	for _, r := range p.a.Results {
		if r.ID != posture.BoundaryControl.ID {
			continue
		}
		if len(r.Findings) > 0 {
			return clean(r.Findings[0].Detail)
		}
		if len(r.Reasons) > 0 {
			_, why, _ := strings.Cut(clean(r.Reasons[0]), ": ") // after the name of the need
			return why
		}
	}
	return ""
}

func shortOS(name string) string {
	name, _, _ = strings.Cut(name, " (")
	return strings.Replace(name, "GNU/Linux ", "", 1)
}

func agentName(agents []posture.OpenClaw) string {
	if len(agents) == 0 {
		return ""
	}
	a := agents[0]
	name := strings.TrimSpace("OpenClaw " + a.Version)
	switch {
	case len(agents) > 1:
		return fmt.Sprintf("%d × OpenClaw", len(agents))
	case a.Container != "":
		return name + " in " + a.Container
	case a.User != "":
		return name + " as " + a.User
	}
	return name
}

// Column widths of the blast radius: the first takes what these leave.
const whenColumn, undoColumn = 18, 17

func (p *page) blast(r room) {
	lines := merged(p.a.Blast)
	if len(lines) == 0 {
		return
	}
	lines = lines[:min(len(lines), r.lines)]
	if p.narrow() {
		p.stacked(lines)
	} else {
		p.columns(lines, r)
	}
	p.more = len(p.a.Blast) - len(lines)
	p.gap()
}

// merged makes one line of the lines of several agents about the same thing:
// the widest of them, with the names of all.
func merged(lines []posture.Line) []posture.Line {
	var out []posture.Line
	for _, l := range lines {
		i := slices.IndexFunc(out, func(x posture.Line) bool { return x.Kind == l.Kind && l.Agent != "" })
		if i < 0 {
			l.Objects = slices.Clone(l.Objects)
			out = append(out, l)
			continue
		}
		out[i].Agent = ""
		for _, o := range l.Objects {
			if !slices.Contains(out[i].Objects, o) {
				out[i].Objects = append(out[i].Objects, o)
			}
		}
	}
	return out
}

func (p *page) columns(lines []posture.Line, r room) {
	first := p.width - 1 - whenColumn - undoColumn
	t := table.New().Border(lipgloss.HiddenBorder()).BorderTop(false).BorderBottom(false).BorderLeft(false).BorderRight(false).
		BorderColumn(false).BorderRow(false).BorderHeader(false).
		StyleFunc(func(_, col int) lipgloss.Style {
			return lipgloss.NewStyle().Width([...]int{first + 1, whenColumn, undoColumn}[col])
		}).
		Headers(" "+p.ink.title.Render("IT CAN"), p.ink.title.Render("WHEN, AND WHO"), p.ink.title.Render("UNDONE BY"))
	for _, l := range lines {
		undo := cut(clean(l.Undo), undoColumn-1, r.lineRows)
		who := append([]string{p.ink.of(l.When).Render(string(l.When))}, cut(clean(l.Who), whenColumn-1, r.lineRows-1)...)
		t.Row(strings.Join(p.reachCell(l, first, r), "\n"), strings.Join(who, "\n"), p.ink.faint.Render(strings.Join(undo, "\n")))
	}
	for _, s := range strings.Split(strings.TrimRight(t.String(), "\n"), "\n") {
		p.row(s)
	}
}

// reachCell is the first column: what it reaches, and below it what narrows it.
func (p *page) reachCell(l posture.Line, width int, r room) []string {
	text := reachText(l, func(s string) bool { return len(rows(s, width-4)) < r.lineRows })
	var cell []string
	for i, s := range cut(text, width-4, r.lineRows-1) {
		cell = append(cell, [...]string{" ", "   "}[min(i, 1)]+p.ink.strong.Render(s))
	}
	for i, s := range cut(clean(l.Narrow), width-5, r.lineRows-len(cell)) {
		cell = append(cell, [...]string{"   → ", "     "}[min(i, 1)]+s)
	}
	return cell
}

// reachText names as many objects as fit and counts the rest.
func reachText(l posture.Line, fits func(string) bool) string {
	reach := clean(l.Reach)
	if l.Agent != "" {
		reach = clean(l.Agent) + ": " + reach
	}
	for n := len(l.Objects); n > 0; n-- {
		text := reach + " " + clean(strings.Join(l.Objects[:n], ", "))
		if left := len(l.Objects) - n; left > 0 {
			text += fmt.Sprintf(" +%d", left)
		}
		if fits(text) {
			return text
		}
	}
	if len(l.Objects) > 0 {
		return fmt.Sprintf("%s (%d)", strings.TrimSuffix(reach, ":"), len(l.Objects))
	}
	return reach
}

// stacked writes lines one under the other, in full.
func (p *page) stacked(lines []posture.Line) {
	p.row(" " + p.ink.title.Render("IT CAN"))
	for _, l := range lines {
		p.para(" ", reachText(l, func(string) bool { return true }), p.ink.strong)
		p.para("   "+p.ink.of(l.When).Render(string(l.When))+": ", l.Who, lipgloss.NewStyle())
		p.para("   undone by: ", l.Undo, p.ink.faint)
		p.para("   → ", l.Narrow, lipgloss.NewStyle())
	}
}

// fixes lists the five that take away most.
func (p *page) fixes(r room) {
	all := ranked(p.a)
	if len(all) == 0 {
		return
	}
	n := min(len(all), 5)
	title := "THE FIXES THAT TAKE AWAY MOST"
	if n == 1 {
		title = "THE FIX"
	}
	p.row(" " + p.ink.title.Render(title))
	for i, f := range all[:n] {
		label := fmt.Sprintf(" %d %-8s ", i+1, f.severity)
		for j, s := range f.rows(p.width-len(label)-1, r.fixRows) {
			if j > 0 {
				p.row(strings.Repeat(" ", len(label)) + s)
				continue
			}
			p.row(fmt.Sprintf(" %d %s ", i+1, p.ink.severity[f.severity].Render(fmt.Sprintf("%-8s", f.severity))) + s)
		}
	}
	if !r.dense {
		p.gap()
	}
}

// tail counts, and says what changed.
func (p *page) tail(r room) {
	p.para(" ", counts(p.a.Counts), p.ink.strong)
	p.changes(r.changes)
	switch {
	case p.more > 0:
		p.para(" ", fmt.Sprintf("%s, and all reasons and sources: seawall audit --all", count(p.more, "more line")), p.ink.faint)
	case len(p.a.Results) > 0:
		p.para(" ", "All of it, with reasons and sources: seawall audit --all", p.ink.faint)
	}
}

func counts(c posture.Counts) string {
	var out []string
	for _, n := range []struct {
		n    int
		name string
	}{
		{c.Critical, "critical"}, {c.High, "high"}, {c.Medium, "medium"}, {c.Low, "low"}, {c.Info, "for information"},
		{c.Accepted, "accepted"}, {c.Unknown, "not known"}, {c.Passed, "passed"},
	} {
		if n.n > 0 {
			out = append(out, fmt.Sprintf("%d %s", n.n, n.name))
		}
	}
	if len(out) == 0 {
		return "nothing was checked"
	}
	return strings.Join(out, " · ")
}

func (p *page) changes(n int) {
	if p.a.Since == nil {
		return
	}
	since := "Since " + day(*p.a.Since, p.a.Time)
	if len(p.a.Changes) == 0 {
		p.row(" " + since + ": nothing changed")
		return
	}
	shown := p.a.Changes[:min(n, len(p.a.Changes))]
	indent := " " + since + ": "
	if p.narrow() {
		p.row(" " + since + ":")
		indent = "  "
	}
	for i, c := range shown {
		if i > 0 {
			indent = strings.Repeat(" ", len(indent))
		}
		more := ""
		if left := len(p.a.Changes) - len(shown); left > 0 && i == len(shown)-1 {
			more = fmt.Sprintf(" (+%d)", left)
		}
		text := cut(clean(c), p.width-len(indent)-len(more)-1, 1)
		p.row(indent + strings.Join(text, "") + p.ink.faint.Render(more))
	}
}

// day names the last run as one would say it.
func day(then, now time.Time) string {
	then, now = then.UTC(), now.UTC()
	if then.Format(time.DateOnly) == now.Format(time.DateOnly) {
		return then.Format("15:04")
	}
	if age := now.Sub(then); age > 0 && age < 6*24*time.Hour {
		return then.Format("Monday 15:04")
	}
	return then.Format("2 Jan 2006")
}
