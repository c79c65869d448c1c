package main

import (
	"testing"
	"time"
)

func TestPeriod(t *testing.T) {
	now := time.Date(2026, 11, 24, 14, 30, 0, 0, time.FixedZone("CET", 3600))
	for _, tt := range []struct{ since, until, from, to string }{
		{"14:00", "15:00", "24 14:00:00", "24 15:00:00"},
		{"15:00", "16:30:10", "23 15:00:00", "23 16:30:10"},
		{"23:00", "01:00", "23 23:00:00", "24 01:00:00"},
		{"", "15:00", "", "23 15:00:00"},
		{"", "14:00", "", "24 14:00:00"},
		{"90m", "", "24 13:00:00", ""},
		{"2h", "13:00", "24 12:30:00", "24 13:00:00"},
		{"2026-11-20", "09:00", "20 00:00:00", "20 09:00:00"},
		{"2026-11-20 10:00", "2026-11-20T11:00", "20 10:00:00", "20 11:00:00"},
		{"2026-11-20 10:00:01", "1h", "20 10:00:01", "24 13:30:00"},
	} {
		from, to, err := period(tt.since, tt.until, now)
		said := func(t time.Time) string {
			if t.IsZero() {
				return ""
			}
			return t.Format("02 15:04:05")
		}
		if err != nil || said(from) != tt.from || said(to) != tt.to {
			t.Errorf("%s to %s: %s to %s, %v", tt.since, tt.until, said(from), said(to), err)
		}
	}
	for _, wrong := range [][2]string{{"25:00", ""}, {"", "yesterday"}, {"14", ""}} {
		if _, _, err := period(wrong[0], wrong[1], now); err == nil {
			t.Errorf("%q is taken", wrong)
		}
	}
}
