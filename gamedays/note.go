package gamedays

import (
	"fmt"
	"strings"
	"time"

	"github.com/aftershockhq/aftershock/experiments/stop"
)

// Bounds returns the earliest and the latest time that a person may mean by a time in the
// day's zone. "10:42" is any instant of the latest such minute until now, "10:42:30" of
// that second; in an hour that the change of clocks repeats, it may be either. A time with
// an offset, such as 2026-12-01T10:42:00+01:00, is any instant of that second. An empty
// text is now. It returns an error for a time that is not one, is in the future, or precedes
// the day, whose log the entries are.
func Bounds(text string, entries []Entry, now time.Time) (from, to time.Time, err error) {
	begun, plan := entries[0].Time, entries[0].Plan
	zone, err := stop.Zone(plan.Timezone)
	if err != nil {
		return from, to, err
	}
	switch at, err := time.Parse(time.RFC3339, text); {
	case text == "":
		return now, now, nil
	case err == nil:
		from, to = at, at.Add(time.Second)
	default:
		if from, to, err = wall(text, now.In(zone), zone); err != nil {
			return from, to, err
		}
	}
	switch {
	case from.After(now):
		return from, to, fmt.Errorf("%s is not yet: it is %s", text, stop.Clock(now.In(zone)))
	case to.Before(begun):
		return from, to, fmt.Errorf("%s is before the game day began, %s", text, stop.Clock(begun.In(zone)))
	case to.After(now):
		to = now // it was before it was said
	}
	return from, to, nil
}

// wall is the last time until now at which a clock showed a time of day.
func wall(text string, now time.Time, zone *time.Location) (from, to time.Time, err error) {
	length, layout := time.Minute, "15:04"
	if strings.Count(text, ":") == 2 {
		length, layout = time.Second, "15:04:05"
	}
	clock, err := time.Parse(layout, text)
	if err != nil {
		return from, to, fmt.Errorf("%q is not a time: write it as 10:42 or 10:42:30 by the clock of %s, or with its date and offset, as in 2026-12-01T10:42:00+01:00", text, zone)
	}
	for day := now; ; day = day.AddDate(0, 0, -1) {
		first, last := stop.Readings(time.Date(day.Year(), day.Month(), day.Day(), clock.Hour(), clock.Minute(), clock.Second(), 0, time.UTC), zone)
		if last.After(now) {
			last = first // of an hour that is there twice the second is not yet
		}
		if !first.After(now) {
			return first, last.Add(length), nil
		}
	}
}

// Span formats bounds by the clock of the day's zone: "10:42:00 to 10:43:00" or, for one
// instant, "10:42:07".
func Span(entries []Entry, from, to time.Time) string {
	zone, err := stop.Zone(entries[0].Plan.Timezone)
	if err != nil {
		zone = time.UTC
	}
	return span(zone, from, to)
}

func span(zone *time.Location, from, to time.Time) string {
	const clock = "15:04:05"
	if to.Sub(from) < time.Second {
		return from.In(zone).Format(clock)
	}
	return from.In(zone).Format(clock) + " to " + to.In(zone).Format(clock)
}
