package stop

import (
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/aftershockhq/aftershock/steadystate/setting"
)

// A Schedule is a recurring start: a cron expression of five fields, read as Kubernetes
// reads that of a CronJob.
type Schedule struct {
	schedule *cron.SpecSchedule
	zone     *time.Location
}

// ParseSchedule reads a cron expression and its time zone; an empty zone is UTC. An
// invalid zone is a [setting.Error] for the field timezone.
func ParseSchedule(text, timezone string) (s Schedule, err error) {
	if s.schedule, err = parseSchedule(text); err != nil {
		return s, err
	}
	if s.zone, err = Zone(timezone); err != nil {
		return s, setting.Errorf("timezone", "%s", err)
	}
	s.schedule.Location = s.zone
	return s, nil
}

// Zone returns a time zone by its IANA name; an empty name is UTC. It refuses Local,
// which differs between machines.
func Zone(name string) (*time.Location, error) {
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		return time.UTC, fmt.Errorf("%q is not known; write UTC or a name of the IANA database, as in Europe/Berlin", name)
	}
	return zone, nil
}

// Next returns the first start after a time, in the schedule's zone, or the zero time
// if there is none. When the clocks go forward, a start in the skipped hour is
// skipped; when they go back, a start in the repeated hour occurs twice.
func (s Schedule) Next(after time.Time) time.Time { return s.schedule.Next(after.In(s.zone)) }

// LeftOut returns the starts between two times that are skipped because the clocks go
// forward, as local times: "2026-03-29 02:30".
func (s Schedule) LeftOut(from, to time.Time) (walls []string) {
	of := *s.schedule
	of.Location = time.UTC // of wall clocks, as if they were UTC
	wall := func(t time.Time) time.Time {
		_, offset := t.In(s.zone).Zone()
		return t.UTC().Add(time.Duration(offset) * time.Second)
	}
	for at := of.Next(wall(from)); !at.IsZero() && at.Before(wall(to)); at = of.Next(at) {
		const layout = "2006-01-02 15:04"
		if first, _ := readings(at, s.zone); first.In(s.zone).Format(layout) != at.Format(layout) {
			walls = append(walls, at.Format(layout))
		}
	}
	return walls
}

// Readings returns the first and the last instant at which clocks in a zone show the
// date and time of wall. If they never do, because they go forward, the results use the
// offsets before and after the change.
func Readings(wall time.Time, zone *time.Location) (first, last time.Time) {
	return readings(time.Date(wall.Year(), wall.Month(), wall.Day(), wall.Hour(), wall.Minute(), wall.Second(), wall.Nanosecond(), time.UTC), zone)
}

// parseSchedule reads the five fields of cron.
func parseSchedule(text string) (*cron.SpecSchedule, error) {
	if strings.Contains(text, "TZ=") { // in which robfig/cron can panic (#554)
		return nil, fmt.Errorf("%q names a time zone; write it as timezone", text)
	}
	s, err := cron.ParseStandard(text)
	if err != nil {
		return nil, fmt.Errorf("%q is not a schedule, as in \"0 18 * * FRI\": %w", text, err)
	}
	spec, ok := s.(*cron.SpecSchedule)
	if !ok {
		return nil, fmt.Errorf("%q counts from no particular time; write the five fields of cron, as in \"0 18 * * FRI\"", text)
	}
	if spec.Next(time.Unix(0, 0).UTC()).IsZero() {
		return nil, fmt.Errorf("%q never begins", text)
	}
	return spec, nil
}
