// Package lazyregexp holds regular expressions that are compiled when they are
// first used. Packages effect, openclaw and what stands on them have some 200 of
// them, of which an idle guard needs none, a command-line tool few, and a call a
// handful; compiled at start-up they cost every process of seawall memory and
// milliseconds.
package lazyregexp

import (
	"os"
	"regexp"
	"strings"
	"sync"
)

// Regexp is a regular expression; its methods are those of [regexp.Regexp], and
// may be called by several goroutines at once.
type Regexp struct {
	compiled func() *regexp.Regexp
}

// inTest reports whether this is a test's binary, in which all expressions are
// compiled at once, so that one with a mistake in it fails every test.
var inTest = len(os.Args) > 0 && strings.HasSuffix(strings.TrimSuffix(os.Args[0], ".exe"), ".test")

// New returns the expression, which must be a valid one: its first use panics
// otherwise.
func New(expr string) *Regexp {
	re := &Regexp{sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) })}
	if inTest {
		re.compiled()
	}
	return re
}

func (re *Regexp) Match(b []byte) bool { return re.compiled().Match(b) }

func (re *Regexp) MatchString(s string) bool { return re.compiled().MatchString(s) }

func (re *Regexp) FindString(s string) string { return re.compiled().FindString(s) }

func (re *Regexp) FindStringIndex(s string) []int { return re.compiled().FindStringIndex(s) }

func (re *Regexp) FindStringSubmatch(s string) []string { return re.compiled().FindStringSubmatch(s) }

func (re *Regexp) FindStringSubmatchIndex(s string) []int {
	return re.compiled().FindStringSubmatchIndex(s)
}

func (re *Regexp) FindSubmatch(b []byte) [][]byte { return re.compiled().FindSubmatch(b) }

func (re *Regexp) FindAllIndex(b []byte, n int) [][]int { return re.compiled().FindAllIndex(b, n) }

func (re *Regexp) FindAllString(s string, n int) []string { return re.compiled().FindAllString(s, n) }

func (re *Regexp) FindAllStringIndex(s string, n int) [][]int {
	return re.compiled().FindAllStringIndex(s, n)
}

func (re *Regexp) FindAllStringSubmatch(s string, n int) [][]string {
	return re.compiled().FindAllStringSubmatch(s, n)
}

func (re *Regexp) ReplaceAllString(s, with string) string {
	return re.compiled().ReplaceAllString(s, with)
}

func (re *Regexp) ReplaceAllStringFunc(s string, with func(string) string) string {
	return re.compiled().ReplaceAllStringFunc(s, with)
}

func (re *Regexp) Split(s string, n int) []string { return re.compiled().Split(s, n) }
