package openclaw

import "strings"

// JobTexts are what may be the text of a scheduled job within the prompt of a run:
// OpenClaw writes "[cron:ID NAME] TEXT", a line with the time and its own advice. A
// name or a text may hold a bracket or such a line.
func JobTexts(id, prompt string) (texts []string) {
	begin := strings.Index(prompt, "[cron:"+id+" ")
	if begin < 0 {
		return nil
	}
	rest := prompt[begin:]
	const most = 8
	for range most {
		_, after, ok := strings.Cut(rest, "] ")
		if !ok {
			return texts
		}
		rest = after
		text, _, timed := cutLast(rest, "\nCurrent time:")
		if texts = append(texts, text); !timed {
			return texts
		}
	}
	return texts
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}
