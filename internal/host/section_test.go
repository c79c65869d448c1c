package host

import (
	"io/fs"
	"strings"
	"testing"
)

func TestModes(t *testing.T) {
	for _, tc := range []struct {
		text   string
		mode   fs.FileMode
		target string
	}{
		{"0644", 0o644, ""},
		{"d0700", fs.ModeDir | 0o700, ""},
		{"d1777", fs.ModeDir | fs.ModeSticky | 0o777, ""},
		{"4755", fs.ModeSetuid | 0o755, ""},
		{"s0660", fs.ModeSocket | 0o660, ""},
		{"p0600", fs.ModeNamedPipe | 0o600, ""},
		{"c0666", fs.ModeDevice | fs.ModeCharDevice | 0o666, ""},
		{"b0660", fs.ModeDevice | 0o660, ""},
		{"l0777->/usr/lib/os release", fs.ModeSymlink | 0o777, "/usr/lib/os release"},
	} {
		mode, target, err := parseMode(tc.text)
		if err != nil || mode != tc.mode || target != tc.target {
			t.Errorf("%s was read as %v -> %q, %v", tc.text, mode, target, err)
		}
		if got := formatMode(FileInfo{Mode: tc.mode, Target: tc.target}); got != tc.text {
			t.Errorf("%v was written as %s, want %s", tc.mode, got, tc.text)
		}
		// As Go prints it, too.
		if mode, _, err := parseMode(tc.mode.String()); err != nil || mode != tc.mode {
			t.Errorf("%s was read as %v, %v", tc.mode, mode, err)
		}
	}
	for _, bad := range []string{"", "rw", "0888", "x0644", "77777", "Srw-rw-rw?"} {
		if _, _, err := parseMode(bad); err == nil {
			t.Errorf("mode %q was accepted", bad)
		}
	}
}

func TestWordsSurviveQuoting(t *testing.T) {
	words := []string{"dpkg-query", "-f", `${Package}\t${Version}\n`, "", "a b", "->", "tür", "x=\"y\"", "line\nbreak", "-- x --"}
	got, err := splitWords(joinWords(words))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Join(got, "|") != strings.Join(words, "|") {
		t.Errorf("got %q, want %q", got, words)
	}
}

func TestBadSectionsAreNamed(t *testing.T) {
	for _, name := range []string{
		"flie /etc/passwd", "file", "file etc/passwd", "file /x mode=9", "file /x owner=root", "file /x color=red",
		"file /x size=many", "run", "run exit=1", "run exit=x true", "run \"true", "self uid=me time=2026-11-24T05:00:00Z",
		"self uid=0 time=yesterday", "absent", "error", "dir /x mode=d0700",
	} {
		_, err := Parse([]byte("-- " + name + " --\nno entry\n"))
		if err == nil {
			t.Errorf("section %q was accepted", name)
		} else if !strings.Contains(err.Error(), "recorded host, section") {
			t.Errorf("section %q is not named in: %v", name, err)
		}
	}
}
