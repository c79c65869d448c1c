package detect

import (
	"math"
	"strings"
)

// stands are words that stand where a secret would be, in lower case.
var stands = []string{
	"example", "your", "xxx", "placeholder", "redacted", "changeme", "change-me", "change_me",
	"insert", "replace", "dummy", "sample", "goes-here", "goes_here", "-here", "_here",
	"abcdefgh", "123456789012", "0123456789", "00000000", "deadbeef", "...", "****",
}

// placeholder reports whether s merely shows what a secret looks like:
// "sk-xxxx", "your-api-key", AKIAIOSFODNN7EXAMPLE.
func placeholder(s string) bool {
	if len(s) > 512 {
		return false
	}
	low := strings.ToLower(s)
	if strings.HasSuffix(low, "here") {
		return true
	}
	for _, w := range stands {
		if strings.Contains(low, w) {
			return true
		}
	}
	return false
}

// bland reports whether s is too regular to have been drawn at random: few
// different bytes, or words that a person made up.
func bland(s string) bool {
	if len(s) > 256 {
		s = s[:256]
	}
	limit := 2.9
	if len(s) < 24 {
		limit = 2.5
	}
	return entropy(s) < limit || wordy(s)
}

// entropy is Shannon's, in bits a byte.
func entropy(s string) float64 {
	var count [256]int
	for i := 0; i < len(s); i++ {
		count[s[i]]++
	}
	sum := 0.0
	for _, c := range count {
		if c > 0 {
			p := float64(c) / float64(len(s))
			sum -= p * math.Log2(p)
		}
	}
	return sum
}

// wordy reports whether s is made of words: no digit, one case, or parts
// that a hyphen, underscore or dot joins and that are mostly letters.
func wordy(s string) bool {
	digits, upper, lower, turns := 0, 0, 0, 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			digits++
		case c >= 'A' && c <= 'Z':
			upper++
			if i > 0 && s[i-1] >= 'a' && s[i-1] <= 'z' {
				turns++
			}
		case c >= 'a' && c <= 'z':
			lower++
		}
	}
	if digits > 0 {
		return false
	}
	return upper == 0 || lower == 0 || turns*5 < len(s) && upper <= turns+1
}
