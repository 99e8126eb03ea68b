package stop

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-ical"
	"github.com/teambition/rrule-go"
)

// An event of a calendar: a period, or one again and again.
type event struct {
	what  string
	first period
	again *rrule.Set // its beginnings; nil: there is the first only
	days  int        // how many days long it is by the calendar; 0: not of whole days
}

// readCalendar reads the events of an iCalendar file (RFC 5545). Each is a time of
// the calendar, whatever it says of being busy: public holidays are often marked as
// free. A cancelled one is not. One occurrence of a series that was moved is there
// besides the one that the series has: it is a freeze too many rather than one too
// few.
func readCalendar(path string, zone *time.Location) ([]event, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close() //nolint:errcheck // only read
	var events []event
	for calendars := ical.NewDecoder(file); ; {
		calendar, err := calendars.Decode()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, fmt.Errorf("%s is not an iCalendar file (RFC 5545): %w", path, err)
		}
		for i, e := range calendar.Events() {
			name := fmt.Sprintf("event %d", i+1)
			if what, err := e.Props.Text(ical.PropSummary); err == nil && what != "" {
				name = line(what)
			}
			if status, _ := e.Status(); status == ical.EventCancelled {
				continue
			}
			one, err := readEvent(e, zone)
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %w", path, name, err)
			}
			one.what = name
			events = append(events, one)
		}
	}
	if len(events) == 0 {
		return nil, fmt.Errorf("%s has no event", path)
	}
	return events, nil
}

func readEvent(of ical.Event, zone *time.Location) (e event, err error) {
	start := of.Props.Get(ical.PropDateTimeStart)
	if start == nil {
		return e, errors.New("has no DTSTART")
	}
	if e.first.from, err = start.DateTime(zone); err != nil {
		return e, err
	}
	if e.first.to, err = of.DateTimeEnd(zone); err != nil {
		return e, err
	}
	if start.ValueType() == ical.ValueDate || len(start.Value) == len("20261225") {
		// A day may have 23 or 25 hours.
		e.days = max(1, int((e.first.to.Sub(e.first.from)+12*time.Hour)/(24*time.Hour)))
		e.first.to = e.first.from.AddDate(0, 0, e.days)
	}
	switch length := e.first.to.Sub(e.first.from); {
	case length <= 0:
		return e, errors.New("does not end after it begins")
	case length > foreseen:
		return e, fmt.Errorf("is %d days long; want at most a year", length/(24*time.Hour))
	}
	return e, e.recur(of, zone)
}

// recur reads when an event is again.
func (e *event) recur(of ical.Event, zone *time.Location) error {
	rule, err := of.Props.RecurrenceRule()
	if err != nil {
		return err
	}
	if rule == nil && len(of.Props[ical.PropRecurrenceDates]) == 0 {
		return nil
	}
	e.again = &rrule.Set{}
	if rule != nil {
		if rule.Freq > rrule.HOURLY {
			return fmt.Errorf("is more often than each hour: %s", of.Props.Get(ical.PropRecurrenceRule).Value)
		}
		rule.Dtstart = e.first.from
		r, err := rrule.NewRRule(*rule)
		if err != nil {
			return err
		}
		e.again.RRule(r)
	}
	e.again.DTStart(e.first.from)
	e.again.RDate(e.first.from) // as it is one of them
	for name, add := range map[string]func(time.Time){ical.PropRecurrenceDates: e.again.RDate, ical.PropExceptionDates: e.again.ExDate} {
		for _, list := range of.Props[name] {
			for text := range strings.SplitSeq(list.Value, ",") {
				one := list
				one.Value = text
				at, err := one.DateTime(zone)
				if err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
				add(at)
			}
		}
	}
	return nil
}

// between are the periods of events that are not over at a time and begin before
// another, in the order of their beginnings.
func between(events []event, now, limit time.Time) (list []period) {
	for _, e := range events {
		begins := []time.Time{e.first.from}
		length := e.first.to.Sub(e.first.from)
		if e.again != nil {
			begins = e.again.Between(now.Add(-length-aDay), limit, true)
		}
		for _, from := range begins {
			p := period{from, from.Add(length), e.what}
			if e.days > 0 {
				p.to = from.AddDate(0, 0, e.days)
			}
			if now.Before(p.to) && p.from.Before(limit) {
				list = append(list, p)
			}
		}
	}
	slices.SortStableFunc(list, func(a, b period) int { return a.from.Compare(b.from) })
	return list
}
