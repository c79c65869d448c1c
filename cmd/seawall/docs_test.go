package main

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
)

// TestLinks follows every relative link of the repository's pages: the file is
// there, and so is the heading behind the #.
func TestLinks(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^()\s]+)\)`)
	var followed int
	for _, path := range pages(t) {
		for _, m := range link.FindAllStringSubmatch(prose(t, path), -1) {
			file, heading, anchored := strings.Cut(m[1], "#")
			if strings.Contains(file, ":") {
				continue // another site
			}
			target := path
			if file != "" {
				target = filepath.Join(filepath.Dir(path), file)
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s: %s leads nowhere", path, m[1])
			} else if anchored && !headings(prose(t, target))[heading] {
				t.Errorf("%s: %s has no such heading", path, m[1])
			}
			followed++
		}
	}
	if followed < 100 {
		t.Errorf("only %d links were found", followed)
	}
}

// TestCommands looks whether the commands that the pages tell people to type
// are there.
func TestCommands(t *testing.T) {
	typed := regexp.MustCompile("(?m)(?:^ {4,}|`)(?:sudo )?seawall ([a-z][a-z-]+)(?: ([a-z]+))?")
	root := newRoot()
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	var found int
	for _, path := range pages(t) {
		for _, m := range typed.FindAllStringSubmatch(prose(t, path), -1) {
			cmd, _, err := root.Find(m[1:2])
			if err != nil || cmd == root {
				t.Errorf("%s: there is no seawall %s", path, m[1])
			} else if sub, _, err := root.Find(m[1:]); m[2] != "" && (err != nil || sub == cmd) && !cmd.Runnable() {
				t.Errorf("%s: there is no seawall %s %s", path, m[1], m[2])
			}
			found++
		}
	}
	if found < 100 {
		t.Errorf("only %d commands were found", found)
	}
}

// TestTranscript compares the scene of the demo in the first steps with what the
// demo prints.
func TestTranscript(t *testing.T) {
	var printed bytes.Buffer
	root := newRoot()
	root.SetOut(&printed)
	root.SetArgs([]string{"demo"})
	if err := root.ExecuteContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"../../docs/getting-started.md", "../../docs/de/erste-schritte.md"} {
		shown := regexp.MustCompile(`(?m)^    2\. The model.*\n(    .*\n)+`).FindString(prose(t, path))
		scene := strings.ReplaceAll(strings.TrimPrefix(shown, "    "), "\n    ", "\n")
		if shown == "" || !strings.Contains(printed.String(), scene) {
			t.Errorf("%s shows\n%s, the demo prints\n%s", path, scene, &printed)
		}
	}
}

// pages are the repository's Markdown files.
func pages(t *testing.T) (paths []string) {
	t.Helper()
	const root = "../.."
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch name := d.Name(); {
		case err != nil:
			return err
		case d.IsDir() && path != root && (strings.HasPrefix(name, ".") || name == "node_modules" || name == "testdata"):
			return filepath.SkipDir
		case !d.IsDir() && filepath.Ext(name) == ".md":
			paths = append(paths, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

// prose is a page without its fenced code.
func prose(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return regexp.MustCompile("(?ms)^ *```.*?^ *```").ReplaceAllString(string(text), "")
}

// headings are the anchors of a page, as GitHub makes them.
func headings(page string) map[string]bool {
	anchors := map[string]bool{}
	for _, h := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(page, -1) {
		anchors[strings.Map(func(r rune) rune {
			switch {
			case r == ' ' || r == '-':
				return '-'
			case unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_':
				return unicode.ToLower(r)
			}
			return -1
		}, h[1])] = true
	}
	return anchors
}
