package report

import (
	"strings"
	"unicode"

	"charm.land/lipgloss/v2"

	"github.com/openseawall/seawall/internal/posture"
)

// ink is how words are coloured. It uses only the terminal's own sixteen
// colours, which its owner chose to be readable on light or dark, and says
// nothing by colour alone. The zero ink is plain text.
type ink struct {
	strong, faint, title lipgloss.Style
	severity             [posture.Critical + 1]lipgloss.Style
	when                 map[posture.When]lipgloss.Style
	good                 lipgloss.Style
}

func plainInk() ink {
	none := lipgloss.NewStyle()
	i := ink{strong: none, faint: none, title: none, good: none}
	for s := range i.severity {
		i.severity[s] = none
	}
	return i
}

func colorInk() ink {
	of := func(c string) lipgloss.Style { return lipgloss.NewStyle().Foreground(lipgloss.Color(c)) }
	red, green, yellow, magenta, cyan := of("1"), of("2"), of("3"), of("5"), of("6")
	return ink{
		strong: lipgloss.NewStyle().Bold(true),
		faint:  lipgloss.NewStyle().Faint(true),
		title:  lipgloss.NewStyle().Bold(true).Underline(true),
		good:   green,
		severity: [...]lipgloss.Style{
			posture.Info: lipgloss.NewStyle().Faint(true), posture.Low: cyan, posture.Medium: yellow,
			posture.High: red, posture.Critical: red.Bold(true).Reverse(true),
		},
		when: map[posture.When]lipgloss.Style{
			posture.Freely: red.Bold(true), posture.Unsure: magenta, posture.Asks: cyan, posture.Never: green,
		},
	}
}

// of returns the style of a When; plain ink has none.
func (i ink) of(w posture.When) lipgloss.Style { return i.when[w] }

// clean takes out of a text from the machine what would move the cursor, set
// colours or turn the reading direction, and joins its lines.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r):
			return -1
		}
		return r
	}, s)
	return strings.TrimSpace(s)
}

// rows breaks a text into rows of at most width columns, between words: a
// command must not be broken at its hyphens. Only a word that is longer than a
// row is cut.
func rows(s string, width int) []string {
	width = max(width, 8)
	var out []string
	for _, word := range strings.Fields(s) {
		if last := len(out) - 1; last >= 0 && lipgloss.Width(out[last])+1+lipgloss.Width(word) <= width {
			out[last] += " " + word
			continue
		}
		if lipgloss.Width(word) <= width {
			out = append(out, word)
			continue
		}
		out = append(out, strings.Split(lipgloss.Wrap(word, width, ""), "\n")...)
	}
	return out
}

// cut keeps at most n rows and ends with "…" where something was left out.
func cut(s string, width, n int) []string {
	all := rows(s, width)
	if len(all) <= n {
		return all
	}
	all = rows(s, width-1)[:n]
	all[n-1] = strings.TrimRight(all[n-1], " ,;:") + "…"
	return all
}
