package operator

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/openseawall/seawall/internal/state"
)

// Language is one in which notices can be written, by its ISO 639-1 code.
type Language string

const (
	English Language = "en"
	German  Language = "de"
)

// languageFile holds the code of the operator's language.
const languageFile = "language"

// Parse returns the language that a code or a locale names: "de", "de_AT.UTF-8".
func Parse(s string) (Language, error) {
	code, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(s)), "_")
	code, _, _ = strings.Cut(code, "-")
	code, _, _ = strings.Cut(code, ".")
	if l := Language(code); l == English || l == German {
		return l, nil
	}
	return "", fmt.Errorf("%q is no language that notices are written in: en (English) or de (German)", s)
}

// Locale is the language of an environment, by POSIX's order: LC_ALL,
// LC_MESSAGES, LANG. What is none of ours is English.
func Locale(env func(string) string) Language {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if value := env(name); value != "" {
			l, err := Parse(value)
			if err != nil {
				return English
			}
			return l
		}
	}
	return English
}

// Settle writes the language of a state directory: the one that is asked for,
// or at the first time that of the operator's own environment.
func Settle(dir *state.Dir, asked string, env func(string) string) error {
	language := Locale(env)
	if asked != "" {
		var err error
		if language, err = Parse(asked); err != nil {
			return err
		}
	} else if _, err := dir.Read(languageFile); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return dir.Write(languageFile, []byte(language+"\n"))
}

// Language returns the one in force. A file that says nothing known is English.
func (d *Desk) Language() Language {
	content, err := d.dir.Read(languageFile)
	if err != nil {
		return English
	}
	l, err := Parse(string(content))
	if err != nil {
		return English
	}
	return l
}
