package stop

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/aftershockhq/aftershock/steadystate/setting"
)

// A Window is a time in which no run begins and nothing is injected: from one
// moment to another, or again and again.
type Window struct {
	// From is when the window begins, with the offset of its time zone. Example:
	// 2026-12-20T00:00:00+01:00.
	From string `yaml:"from"`
	// To is when it ends; with from. Example: 2027-01-04T08:00:00+01:00.
	To string `yaml:"to"`
	// Schedule is when a window begins again and again, in place of from and to: the
	// five fields of cron, as of a CronJob of Kubernetes. Example: "0 18 * * FRI".
	Schedule string `yaml:"schedule"`
	// For is how long each window is by the clock on the wall, so that one of a
	// weekend ends at the same hour when the clocks change; with schedule. Example:
	// 62h.
	For time.Duration `yaml:"for"`
	// Calendar is an iCalendar file, in place of from, to and schedule: each of its
	// events is such a time, such as public holidays, whether it repeats or not.
	// Example: holidays.ics.
	Calendar string `yaml:"calendar"`
	// Timezone is that of the schedule, and of the days and times of the calendar that
	// have none of their own. Default: UTC. Example: Europe/Berlin.
	Timezone string `yaml:"timezone"`
	// Reason is for people. Example: release freeze.
	Reason string `yaml:"reason"`
}

// Validate reports mistakes, each as a [setting.Error].
func (w Window) Validate() error {
	_, err := w.compile()
	return err
}

// String is "0 18 * * FRI for 62h0m0s, Europe/Berlin (release freeze)".
func (w Window) String() string {
	text := w.From + " to " + w.To
	switch {
	case w.Calendar != "":
		text = "of " + line(w.Calendar)
	case w.Schedule != "":
		text = fmt.Sprintf("%q for %s, %s", w.Schedule, w.For, cmp.Or(w.Timezone, "UTC"))
	}
	if w.Reason != "" {
		text += " (" + line(w.Reason) + ")"
	}
	return text
}

// A compiled window is a [Window] as it is computed with.
type compiled struct {
	Window
	one      *period
	schedule cron.Schedule // of wall clocks, as if they were UTC
	events   []event       // of the calendar
	zone     *time.Location
}

// A period is from its beginning, inclusive, to its end.
type period struct {
	from, to time.Time
	what     string // the calendar's event
}

func (w Window) compile() (c compiled, err error) {
	c.Window, c.zone = w, time.UTC
	var errs []error
	bad := func(field, format string, args ...any) { errs = append(errs, setting.Errorf(field, format, args...)) }
	zone := func() {
		if c.zone, err = Zone(w.Timezone); err != nil {
			bad("timezone", "%s", err)
		}
	}
	switch {
	case w.Calendar != "" && (w.From != "" || w.To != "" || w.Schedule != "" || w.For != 0):
		bad("", "has a calendar and from, to, schedule or for; keep one of the two")
	case w.Calendar != "":
		if zone(); len(errs) == 0 {
			if c.events, err = readCalendar(w.Calendar, c.zone); err != nil {
				bad("calendar", "%s", err)
			}
		}
	case w.Schedule == "" && (w.From == "" || w.To == ""):
		bad("", "want from and to, schedule and for, or calendar")
	case w.Schedule != "" && (w.From != "" || w.To != ""):
		bad("", "has from or to and a schedule; keep one of the two")
	case w.Schedule == "":
		one := period{}
		for _, of := range []struct {
			field, text string
			time        *time.Time
		}{{"from", w.From, &one.from}, {"to", w.To, &one.to}} {
			if *of.time, err = time.Parse(time.RFC3339, of.text); err != nil {
				bad(of.field, "%q is not a time with its offset, as in 2026-12-20T18:00:00+01:00", of.text)
			}
		}
		if len(errs) == 0 && !one.from.Before(one.to) {
			bad("to", "%s is not after from, %s", w.To, w.From)
		}
		for field, said := range map[string]bool{"for": w.For != 0, "timezone": w.Timezone != ""} {
			if said {
				bad(field, "needs a schedule, and this window has none")
			}
		}
		c.one, c.zone = &one, one.to.Location()
	default:
		schedule, err := parseSchedule(w.Schedule)
		if err != nil {
			bad("schedule", "%s", err)
		}
		c.schedule = schedule
		if w.For <= 0 {
			bad("for", "is missing: how long each window is, as in 62h")
		} else if w.For > foreseen {
			bad("for", "%s: want at most a year", strings.TrimSuffix(w.For.String(), "0m0s"))
		}
		zone()
	}
	return c, errors.Join(errs...)
}

// aDay is more than a clock is ever set by.
const aDay = 25 * time.Hour

// after are the periods that are not over at a time, in the order of their
// beginnings.
//
// Cron leaves out what begins in an hour that is left out because the clocks are set
// forward. Such a period begins an hour early here: a freeze is never left out.
func (c compiled) after(now time.Time) iter.Seq[period] {
	return func(yield func(period) bool) {
		if c.one != nil {
			if now.Before(c.one.to) {
				yield(*c.one)
			}
			return
		}
		if c.events != nil {
			for _, p := range between(c.events, now, now.Add(2*foreseen)) {
				if !yield(p) {
					return
				}
			}
			return
		}
		_, offset := now.In(c.zone).Zone()
		wall := now.UTC().Add(time.Duration(offset) * time.Second)
		for begin := c.schedule.Next(wall.Add(-c.For - aDay)); !begin.IsZero(); begin = c.schedule.Next(begin) {
			from, _ := readings(begin, c.zone)
			_, to := readings(begin.Add(c.For), c.zone)
			if now.Before(to) && !yield(period{from: from, to: to}) {
				return
			}
		}
	}
}

// readings are the first and the last moment at which the clock on the wall shows
// a time. If it never does, because it is set forward, they are by the offset
// before and after that.
func readings(wall time.Time, zone *time.Location) (first, last time.Time) {
	var shown, all []time.Time
	for _, near := range []time.Time{wall.Add(-aDay), wall.Add(aDay)} {
		_, offset := near.In(zone).Zone()
		at := wall.Add(-time.Duration(offset) * time.Second)
		all = append(all, at)
		if _, is := at.In(zone).Zone(); is == offset {
			shown = append(shown, at)
		}
	}
	if len(shown) == 0 {
		shown = all
	}
	return slices.MinFunc(shown, time.Time.Compare), slices.MaxFunc(shown, time.Time.Compare)
}

// next is the first beginning of a period after a time that is in none; zero: there
// is none.
func (c compiled) next(now time.Time) time.Time {
	for p := range c.after(now) {
		return p.from
	}
	return time.Time{}
}

// end is when periods without a pause in between are over, but no later than limit.
func (c compiled) end(now, limit time.Time) time.Time {
	end := now
	for p := range c.after(now) {
		if p.from.After(end) || end.After(limit) {
			break
		}
		if p.to.After(end) {
			end = p.to
		}
	}
	return end
}
