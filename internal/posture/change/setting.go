package change

import (
	"fmt"
	"regexp"
	"strings"
)

// header begins a drop-in of Seawall's that settings make.
const header = "Written by seawall harden. `seawall harden rollback` takes it back."

// comment begins a comment in each syntax.
var comment = map[Syntax]string{SSHD: "#", Space: "#", Equals: "#", INI: "#", Apt: "//"}

func (e Set) wish(d *draft, c Change) error {
	s, err := d.file(e.Path, c)
	if err != nil {
		return err
	}
	part := strings.ToLower(e.Section + "\x00" + e.Key)
	if err := s.claim(part, e.Value+fmt.Sprint(e.Unset)); err != nil {
		return err
	}
	text := string(s.After.Content)
	if !s.After.There {
		if e.Unset {
			return nil
		}
		text = comment[e.Syntax] + " " + header + "\n"
	}
	next, was, err := e.in(text)
	if err != nil {
		return fmt.Errorf("%s: %w", e.Path, err)
	}
	d.content(s, []byte(next), c)
	if was != "" && !own(e.Path) {
		s.Replaces = append(s.Replaces, was)
	}
	return nil
}

// setting is a line that sets a key: an uncommented one.
func (e Set) setting() *regexp.Regexp {
	key := regexp.QuoteMeta(e.Key)
	switch e.Syntax {
	case SSHD:
		return regexp.MustCompile(`(?i)^[ \t]*` + key + `(?:[ \t]+|[ \t]*=[ \t]*)(.*)$`)
	case Space:
		return regexp.MustCompile(`^[ \t]*` + key + `[ \t]+(.*)$`)
	case Apt:
		return regexp.MustCompile(`(?i)^[ \t]*` + key + `[ \t]+(.*)$`)
	default:
		return regexp.MustCompile(`^[ \t]*(?:-?export[ \t]+)?` + key + `[ \t]*=[ \t]*(.*)$`)
	}
}

// line writes the setting.
func (e Set) line(spaced bool) string {
	switch {
	case e.Syntax == Apt:
		return fmt.Sprintf("%s %s;", e.Key, strings.TrimSuffix(e.Value, ";"))
	case e.Syntax == SSHD || e.Syntax == Space:
		return e.Key + " " + e.Value
	case spaced:
		return e.Key + " = " + e.Value
	}
	return e.Key + "=" + e.Value
}

var (
	matchBlock = regexp.MustCompile(`(?i)^[ \t]*Match[ \t]`)
	section    = regexp.MustCompile(`^[ \t]*\[([^\]]*)\]`)
)

// in returns a text with the setting in it, and the line it takes the place of
// when that said something else. The lines that count are those of the file's
// global part, or of the section; where the key stands several times there, all
// of them get the value, so that it does not matter which one wins.
func (e Set) in(text string) (next, was string, err error) {
	if strings.ContainsAny(e.Key+e.Value+e.Section, "\n\r\x00") {
		return "", "", fmt.Errorf("the value of %s has a line break in it; please report it", e.Key)
	}
	lines := strings.SplitAfter(text, "\n")
	if lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	from, to, there := e.span(lines)
	pattern := e.setting()
	var out []string
	set := false
	for i, line := range lines {
		m := pattern.FindStringSubmatch(strings.TrimRight(line, "\r\n"))
		if i < from || i >= to || m == nil {
			out = append(out, line)
			continue
		}
		if e.Unset {
			was = strings.TrimSpace(line)
			continue
		}
		set = true
		if e.says(m[1]) {
			out = append(out, line)
			continue
		}
		was = strings.TrimSpace(line)
		spaced := strings.Contains(line, " = ") || strings.Contains(line, " =")
		out = append(out, line[:len(line)-len(strings.TrimLeft(line, " \t"))]+e.line(spaced)+ending(line))
	}
	if set || e.Unset {
		return strings.Join(out, ""), was, nil
	}
	return e.insert(lines, to, there), "", nil
}

// says reports whether a line's value is the wanted one, whatever comment or
// quotes stand around it.
func (e Set) says(value string) bool {
	value = strings.TrimSpace(value)
	if e.Syntax == Apt {
		return strings.TrimSuffix(value, ";") == strings.TrimSuffix(e.Value, ";")
	}
	if e.Syntax == SSHD {
		if cut, _, ok := strings.Cut(value, " #"); ok {
			value = strings.TrimSpace(cut)
		}
	}
	return value == e.Value
}

// span are the lines [from, to) in which the setting counts.
func (e Set) span(lines []string) (from, to int, there bool) {
	switch {
	case e.Syntax == SSHD:
		for i, line := range lines {
			if matchBlock.MatchString(line) {
				return 0, i, true
			}
		}
		return 0, len(lines), true
	case e.Syntax != INI:
		return 0, len(lines), true
	}
	from = -1
	for i, line := range lines {
		m := section.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		if from >= 0 {
			return from, i, true
		}
		if m[1] == e.Section {
			from = i + 1
		}
	}
	if from >= 0 {
		return from, len(lines), true
	}
	return len(lines), len(lines), false
}

// insert puts the setting at the end of its part, before the blank lines there.
func (e Set) insert(lines []string, to int, there bool) string {
	end := "\n"
	if len(lines) > 0 && strings.HasSuffix(lines[0], "\r\n") {
		end = "\r\n"
	}
	line := e.line(e.Syntax == INI && spacedINI(lines)) + end
	if !there {
		if len(lines) > 0 {
			lines = append(lines[:len(lines)-1:len(lines)-1], closed(lines[len(lines)-1], end))
		}
		head := "[" + e.Section + "]" + end
		if len(lines) > 1 {
			head = end + head
		}
		return strings.Join(lines, "") + head + line
	}
	at := to
	for at > 0 && strings.TrimSpace(lines[at-1]) == "" && to < len(lines) {
		at--
	}
	var out strings.Builder
	for i, l := range lines[:at] {
		if i == at-1 {
			l = closed(l, end)
		}
		out.WriteString(l)
	}
	out.WriteString(line)
	out.WriteString(strings.Join(lines[at:], ""))
	return out.String()
}

func spacedINI(lines []string) bool {
	for _, l := range lines {
		if strings.Contains(l, " = ") {
			return true
		}
	}
	return false
}

func ending(line string) string { return line[len(strings.TrimRight(line, "\r\n")):] }

// closed is a line that ends as one.
func closed(line, end string) string {
	if strings.HasSuffix(line, "\n") {
		return line
	}
	return line + end
}
