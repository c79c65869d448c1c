package main

import (
	"fmt"
	"time"
)

// moment reads a time, or how long ago it was; "" is the zero time. A time of day
// is the last one that was.
func moment(s string, now time.Time) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if d, err := time.ParseDuration(s); err == nil {
		return now.Add(-d), nil
	}
	if t, ok := clock(s, now); ok {
		if t.After(now) {
			t = t.AddDate(0, 0, -1)
		}
		return t, nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04", time.DateOnly} {
		if t, err := time.ParseInLocation(layout, s, now.Location()); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is neither a time (14:00, 2026-11-24T14:00) nor a duration (90m)", s)
}

// period reads two moments. A time of day is that of the first, or the next one
// behind it.
func period(since, until string, now time.Time) (from, to time.Time, err error) {
	if from, err = moment(since, now); err != nil {
		return from, to, fmt.Errorf("--since: %w", err)
	}
	if t, ok := clock(until, from); ok && !from.IsZero() {
		if !t.After(from) {
			t = t.AddDate(0, 0, 1)
		}
		return from, t, nil
	}
	if to, err = moment(until, now); err != nil {
		return from, to, fmt.Errorf("--until: %w", err)
	}
	return from, to, nil
}

// clock is a time of day on a day.
func clock(s string, day time.Time) (time.Time, bool) {
	for _, layout := range []string{"15:04", time.TimeOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			y, m, d := day.Date()
			return time.Date(y, m, d, t.Hour(), t.Minute(), t.Second(), 0, day.Location()), true
		}
	}
	return time.Time{}, false
}
