package detect

import (
	"strings"
	"testing"
)

// streamed puts a text through a Stream in pieces of n bytes.
func streamed(k *Known, text string, n int) string {
	s := NewStream(k, nil)
	var out strings.Builder
	for len(text) > 0 {
		n := min(n, len(text))
		out.WriteString(s.Write(text[:n]))
		text = text[n:]
	}
	return out.String() + s.Close()
}

// TestStreamContract holds every shape to what a Stream promises: wherever the
// text is cut, the same comes out, and nothing of the secret.
func TestStreamContract(t *testing.T) {
	known := NewKnown([]string{"hunter2-hunter2-hunter2", "a:AA-value"})
	keys := fakes()
	keys["known-secret"] = "hunter2-hunter2-hunter2"
	keys["known-secret, encoded"] = "aHVudGVyMi1odW50ZXIyLWh1bnRlcjI"
	keys["known-secret, percent"] = percent("hunter2-hunter2-hunter2")
	keys["url-password"] += "@db"
	for rule, key := range keys {
		for _, text := range []string{key, "Here: " + key + " — done.", "12345" + key, key + "\n" + key + "!", key[:len(key)-1] + "\x00", "-" + key + "=" + key} {
			whole := streamed(known, text, len(text))
			if want := Redact(text, known.all.find(text), nil); whole != want {
				t.Errorf("%s: a stream gives %q, the whole text %q", rule, whole, want)
			}
			for cut := range len(text) {
				s := NewStream(known, nil)
				if got := s.Write(text[:cut]) + s.Write(text[cut:]) + s.Close(); got != whole {
					t.Fatalf("%s cut at %d: %q, uncut %q", rule, cut, got, whole)
				}
			}
			for _, n := range []int{1, 2, 3, 7} {
				if got := streamed(known, text, n); got != whole {
					t.Fatalf("%s in pieces of %d: %q, uncut %q", rule, n, got, whole)
				}
			}
		}
		if text := "Here: " + key + " — done."; strings.Contains(streamed(known, text, 5), key) {
			t.Errorf("%s: still there", rule)
		}
	}
}

func TestStreamLetsPlainTextPass(t *testing.T) {
	s := NewStream(NewKnown([]string{"correct-horse"}), nil)
	for _, piece := range []string{"Hello, ", "this is plain. ", "No ", "secret here;\n", "日本語。"} {
		if got := s.Write(piece); got != piece {
			t.Errorf("%q waits: %q went on", piece, got)
		}
	}
	if s.Write("a "); s.Held() != 0 {
		t.Error("nothing has to wait here")
	}
	if s.Write("AK" + "IA"); s.Held() != 4 {
		t.Errorf("%d bytes wait, not the 4 that may begin a key", s.Held())
	}
}

// TestStreamIsBounded feeds secrets that never end.
func TestStreamIsBounded(t *testing.T) {
	for _, begin := range []string{"sk-" + "ant-api03-", "-----BEGIN " + "PRIVATE KEY-----\n", "ey" + "JhbGciOiJIUzI1NiJ9.", "xoxb-", "https://a:"} {
		text := begin + drawn(5, azAZ09, 20000) + " end " + begin
		want := Redact(text, known.find(text), nil)
		for _, n := range []int{1, 13, 4096, 5000} {
			s := NewStream(nil, nil)
			var out strings.Builder
			for rest := text; len(rest) > 0; {
				n := min(n, len(rest))
				out.WriteString(s.Write(rest[:n]))
				rest = rest[n:]
				if s.Held() > 4096 {
					t.Fatalf("%s: %d bytes wait", begin, s.Held())
				}
			}
			if got := out.String() + s.Close(); got != want {
				t.Fatalf("%s in pieces of %d: %d bytes come out, not %d: %.90q against %.90q", begin, n, len(got), len(want), got, want)
			}
		}
	}
}

func FuzzStream(f *testing.F) {
	for _, key := range fakes() {
		f.Add("a "+key+" b", uint16(5))
	}
	f.Add("-----BEGIN "+"PRIVATE KEY-----\nabc", uint16(1))
	known := NewKnown([]string{"hunter2-hunter2", ":AAAAAAAAA", "12345678:AA"})
	f.Fuzz(func(t *testing.T, text string, n uint16) {
		want := Redact(text, known.all.find(text), nil)
		if got := streamed(known, text, int(n)+1); got != want {
			t.Fatalf("in pieces of %d: %q, uncut %q", int(n)+1, got, want)
		}
	})
}

func FuzzSecrets(f *testing.F) {
	for _, key := range fakes() {
		f.Add("a " + key + " b")
	}
	f.Fuzz(func(t *testing.T, text string) {
		at := 0
		for _, found := range Secrets(text) {
			if found.Start < at || found.End <= found.Start || found.End > len(text) {
				t.Fatalf("a finding out of order: %+v", found)
			}
			at = found.End
		}
	})
}

func TestKnown(t *testing.T) {
	value := "pa55-of-this-machine/x"
	k := NewKnown([]string{value, "short"})
	for name, form := range map[string]string{
		"plain": value, "base64": "cGE1NS1vZi10aGlzLW1hY2hpbmUveA==", "base64 behind one byte": "eHBhNTUtb2YtdGhpcy1tYWNoaW5lL3g", "base64 behind two": "eHhwYTU1LW9mLXRoaXMtbWFjaGluZS94",
		"hex": "706135352d6f662d746869732d6d616368696e652f78", "percent": "pa55-of-this-machine%2Fx",
	} {
		if found := k.Find("<" + form + ">"); len(found) != 1 || found[0].Rule != "known-secret" {
			t.Errorf("%s: %+v", name, found)
		}
	}
	if k.Find("short") != nil || (*Known)(nil).Find(value) != nil || NewKnown(nil).Find(value) != nil {
		t.Error("found what is not looked for")
	}
}
