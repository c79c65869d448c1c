package change

import (
	"strings"
	"testing"
)

func TestSet(t *testing.T) {
	for _, c := range []struct {
		name, text string
		set        Set
		want, was  string
	}{
		{"a new key", "# mine\nA yes\n", Set{Syntax: SSHD, Key: "B", Value: "no"}, "# mine\nA yes\nB no\n", ""},
		{"another value, with its indentation", "A yes\n  B  yes\nC no\n", Set{Syntax: SSHD, Key: "b", Value: "no"}, "A yes\n  b no\nC no\n", "B  yes"},
		{"what is right stays as written", "b   no # because\n", Set{Syntax: SSHD, Key: "B", Value: "no"}, "b   no # because\n", ""},
		{"a comment is no setting", "#B yes\n", Set{Syntax: SSHD, Key: "B", Value: "no"}, "#B yes\nB no\n", ""},
		{"a Match block is another place", "A yes\n\nMatch User x\n  B yes\n", Set{Syntax: SSHD, Key: "B", Value: "no"}, "A yes\nB no\n\nMatch User x\n  B yes\n", ""},
		{"no line break at the end", "A yes", Set{Syntax: SSHD, Key: "B", Value: "no"}, "A yes\nB no\n", ""},
		{"CRLF", "A yes\r\n", Set{Syntax: SSHD, Key: "A", Value: "no"}, "A no\r\n", "A yes"},
		{"login.defs", "PASS_MAX_DAYS\t99999\n", Set{Syntax: Space, Key: "PASS_MAX_DAYS", Value: "365"}, "PASS_MAX_DAYS 365\n", "PASS_MAX_DAYS\t99999"},
		{"sysctl", "# x\na.b=1\n", Set{Syntax: Equals, Key: "a.b", Value: "0"}, "# x\na.b=0\n", "a.b=1"},
		{"every line of a key", "a = 1\nb = 2\na = 3\n", Set{Syntax: Equals, Key: "a", Value: "0"}, "a = 0\nb = 2\na = 0\n", "a = 3"},
		{"a section", "[x]\na=1\n[y]\na=1\n", Set{Syntax: INI, Section: "y", Key: "a", Value: "2"}, "[x]\na=1\n[y]\na=2\n", "a=1"},
		{"the end of a section", "[x]\na = 1\n\n[y]\nb = 1\n", Set{Syntax: INI, Section: "x", Key: "c", Value: "2"}, "[x]\na = 1\nc = 2\n\n[y]\nb = 1\n", ""},
		{"a new section", "[x]\na = 1", Set{Syntax: INI, Section: "z", Key: "c", Value: "2"}, "[x]\na = 1\n\n[z]\nc = 2\n", ""},
		{"an empty file", "", Set{Syntax: INI, Section: "z", Key: "c", Value: "2"}, "[z]\nc=2\n", ""},
		{"apt", "APT::X \"1\";\n", Set{Syntax: Apt, Key: "APT::X", Value: `"0"`}, "APT::X \"0\";\n", "APT::X \"1\";"},
		{"apt as it is", "APT::X \"1\";\n", Set{Syntax: Apt, Key: "APT::X", Value: `"1"`}, "APT::X \"1\";\n", ""},
		{"out", "A yes\nB yes\n", Set{Syntax: SSHD, Key: "B", Unset: true}, "A yes\n", "B yes"},
	} {
		got, was, err := c.set.in(c.text)
		if err != nil || got != c.want || was != c.was {
			t.Errorf("%s: %v\ngot  %q, was %q\nwant %q, was %q", c.name, err, got, was, c.want, c.was)
		}
		if again, _, _ := c.set.in(got); again != got {
			t.Errorf("%s: a second time makes %q of %q", c.name, again, got)
		}
	}
	if _, _, err := (Set{Key: "A", Value: "yes\nPermitRootLogin yes"}).in(""); err == nil {
		t.Error("a value with a line break was taken")
	}
}

func TestTablesOf(t *testing.T) {
	got := strings.Join(tablesOf("#!/usr/sbin/nft -f\n# table ip no\ntable inet seawall\ndelete table inet seawall\ntable inet seawall { chain x { } }\ntable x-y {\n}\nadd table ip6 z\n"), ", ")
	if got != "inet seawall, ip x-y, ip6 z" {
		t.Error(got)
	}
}

func TestPorts(t *testing.T) {
	for text, want := range map[string]string{"3306": "3306/tcp", "51820/udp": "51820/udp", "0": "", "70000": "", "22/sctp": "", "x": ""} {
		p, err := ParsePort(text)
		if got := p.String(); (err != nil) != (want == "") || err == nil && got != want {
			t.Errorf("%s: %s %v", text, got, err)
		}
	}
}
