package controls

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/openseawall/seawall/internal/posture"
	"github.com/openseawall/seawall/internal/posture/change"
)

// Page is the documentation of one control, in Markdown, made from the control
// itself. Did are the changes that its fix made on the recorded machine that
// trips it.
func Page(c posture.Control, did []change.Change) string {
	var b strings.Builder
	p := func(format string, args ...any) { fmt.Fprintf(&b, format, args...) }
	p("# %s\n\n`%s`, severity %s, family %s\n\n%s\n", c.Title, c.ID, c.Severity, c.Family, c.Why)
	p("\n## How it is checked\n\nBy what this machine answers about: %s. Where that could not be read the answer is *unknown*, never a pass.\n", needs(c))
	p("\n## What to do\n\n%s.\n", strings.TrimSuffix(c.Advice, "."))
	if len(c.Settings) > 0 {
		p("\nSettings that cure it, each tried with `openclaw config validate`:\n\n")
		for _, path := range slices.Sorted(maps.Keys(c.Settings)) {
			p("- `%s`: `%s`\n", path, c.Settings[path])
		}
	}
	p("\n## What `seawall harden` changes\n\n")
	switch {
	case c.Fix == nil:
		p("Nothing: this is for a person. %s.\n", strings.TrimSuffix(c.Manual, "."))
	case c.Family == posture.Firewall:
		p("Seawall's own nftables table, made from what this machine does, and what loads it with the machine. The plan shows every rule, and who reached which port before and after.\n")
		p(back)
	default:
		p("On the recorded machine that the tests hold it against:\n\n")
		for _, d := range did {
			p("- %s (%s)\n", EditText(d.Edit), d.Risk)
		}
		p(back)
	}
	p("\n## Source\n\n%s\n", c.Source)
	if len(c.CheckIDs) > 0 {
		p("\n`openclaw security audit` calls it: `%s`\n", strings.Join(c.CheckIDs, "`, `"))
	}
	return b.String()
}

const back = "\n## How to take it back\n\n`seawall harden rollback` puts back the bytes, modes, owners and services of before. What somebody changed since stays, and is shown.\n"

func needs(c posture.Control) string {
	names := make([]string, len(c.Needs))
	for i, n := range c.Needs {
		names[i] = n.Name
	}
	return strings.Join(names, ", ")
}

// EditText says in a line what an edit does.
func EditText(e change.Edit) string {
	switch e := e.(type) {
	case change.File:
		return "writes `" + e.Path + "`"
	case change.Set:
		if e.Unset {
			return fmt.Sprintf("`%s`: takes `%s` out", e.Path, e.Key)
		}
		return fmt.Sprintf("`%s`: `%s` becomes `%s`", e.Path, e.Key, e.Value)
	case change.JSON:
		return fmt.Sprintf("`%s`: `%s` becomes `%s`", e.Path, strings.Join(e.Key, "."), asJSON(e.Value))
	case change.Text:
		return fmt.Sprintf("`%s`: some lines, comments stay", e.Path)
	case change.Perm:
		if e.Owner != nil {
			return fmt.Sprintf("`%s`: mode %04o, owner %d:%d", e.Path, e.Mode.Perm(), e.Owner.UID, e.Owner.GID)
		}
		return fmt.Sprintf("`%s`: mode %v", e.Path, e.Mode)
	case change.Remove:
		return "removes `" + e.Path + "`"
	case change.Package:
		return "installs " + strings.Join(e.Names, ", ")
	case change.Unit:
		verbs := make([]string, len(e.Do))
		for i, v := range e.Do {
			verbs[i] = string(v)
		}
		return fmt.Sprintf("`systemctl %s %s`", strings.Join(verbs, ", "), e.Name)
	case change.Sysctl:
		return fmt.Sprintf("sysctl `%s=%s`, now and at boot", e.Key, e.Value)
	case change.Ruleset:
		return "loads `" + e.Path + "`"
	case change.OpenClaw:
		if e.Unset {
			return fmt.Sprintf("OpenClaw's config: takes `%s` out", strings.Join(e.Path, "."))
		}
		return fmt.Sprintf("OpenClaw's config: `%s` becomes `%s`", strings.Join(e.Path, "."), asJSON(e.Value))
	case change.Account:
		return "locks the password of " + e.Name
	}
	return fmt.Sprintf("%T", e)
}

func asJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// familyNames say what each family is about, in English and German.
var familyNames = []struct {
	family posture.Family
	en, de string
}{
	{posture.Gateway, "The gateway: who reaches it, what the agent may do", "Das Gateway: wer es erreicht, was der Agent darf"},
	{posture.SSH, "SSH", "SSH"},
	{posture.Firewall, "The firewall", "Die Firewall"},
	{posture.Docker, "Docker and its containers", "Docker und seine Container"},
	{posture.Compose, "Compose files", "Compose-Dateien"},
	{posture.Secrets, "Secrets", "Geheimnisse"},
	{posture.Skills, "Skills and plugins", "Skills und Plugins"},
	{posture.Integrations, "What the agent is connected to", "Womit der Agent verbunden ist"},
	{posture.Tunnels, "Tunnels", "Tunnel"},
	{posture.State, "OpenClaw's files and account", "Dateien und Konto von OpenClaw"},
	{posture.System, "The system beneath", "Das System darunter"},
	{posture.Updates, "Updates", "Aktualisierungen"},
}

var severityInGerman = map[posture.Severity]string{
	posture.Critical: "kritisch", posture.High: "hoch", posture.Medium: "mittel", posture.Low: "niedrig", posture.Info: "Hinweis",
}

// Index lists the controls by family, with links to their pages.
func Index() string {
	return index(fmt.Sprintf("# The controls of `seawall audit`\n\n%d questions to a machine, %d of which `seawall harden` answers itself. Each page is made from the control.\n", len(All), machines()),
		"| control | severity | what is wrong | cured by |", "a machine", "a person", "", posture.Severity.String,
		func(en, _ string) string { return en })
}

// IndexGerman is the same in German; the pages themselves are in English.
func IndexGerman() string {
	return index(fmt.Sprintf("# Die Kontrollen von `seawall audit`\n\n%d Fragen an eine Maschine; %d davon beantwortet `seawall harden` selbst. Die Seiten dahinter sind auf Englisch und aus der Kontrolle selbst erzeugt.\n", len(All), machines()),
		"| Kontrolle | Schwere | was falsch ist | behebt |", "Seawall", "ein Mensch", "../controls/",
		func(s posture.Severity) string { return severityInGerman[s] }, func(_, de string) string { return de })
}

func machines() (n int) {
	for _, c := range All {
		if c.Fix != nil {
			n++
		}
	}
	return n
}

func index(head, columns, machine, person, dir string, severity func(posture.Severity) string, title func(en, de string) string) string {
	var b strings.Builder
	b.WriteString(head)
	for _, f := range familyNames {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n| --- | --- | --- | --- |\n", title(f.en, f.de), columns)
		for _, c := range All {
			if c.Family != f.family {
				continue
			}
			by := person
			if c.Fix != nil {
				by = machine
			}
			fmt.Fprintf(&b, "| [`%s`](%s%s.md) | %s | %s | %s |\n", c.ID, dir, c.ID, severity(c.Severity), c.Title, by)
		}
	}
	return b.String()
}

// Severities is the table in which the severity of every control is fixed.
func Severities() string {
	var b strings.Builder
	b.WriteString(`# Severities

What a finding weighs is decided here, before any machine is looked at, so that no control grows more or less important
because of what it finds. A single finding may weigh other than its control: the page of the control then says so by its
severity in the report (a group that may only read, a path that anyone may write).

- **critical**: whoever reaches it is root, the operator, or holds the keys, with one step.
- **high**: one mistake, or one sentence that the model obeys, away from that.
- **medium**: a wall that should be there is not; another still stands.
- **low**: makes something else worse, or the way back longer.
- **info**: to know, not to cure.

| control | severity |
| --- | --- |
`)
	for _, s := range []posture.Severity{posture.Critical, posture.High, posture.Medium, posture.Low, posture.Info} {
		for _, c := range All {
			if c.Severity == s {
				fmt.Fprintf(&b, "| `%s` | %s |\n", c.ID, s)
			}
		}
	}
	return b.String()
}
