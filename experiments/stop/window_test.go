package stop

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aftershockhq/aftershock/record"
)

func at(t *testing.T, text string) time.Time {
	t.Helper()
	when, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return when
}

// Berlin sets its clocks forward on 2026-03-29 at 02:00 and back on 2026-10-25 at
// 03:00; São Paulo did so at midnight until 2019; Samoa left out 2011-12-30.
func TestWhenAWindowIs(t *testing.T) {
	berlin := func(schedule string, length time.Duration) Window {
		return Window{Schedule: schedule, For: length, Timezone: "Europe/Berlin"}
	}
	weekend := berlin("0 18 * * FRI", 62*time.Hour)
	for _, row := range []struct {
		sentence string
		Window
		first, last, over string // that are in, and the first after it; empty: none
		before            string // the last before it
	}{
		{"from and to", Window{From: "2026-12-20T00:00:00+01:00", To: "2027-01-04T08:00:00+01:00"}, "2026-12-20T00:00:00+01:00", "2027-01-04T06:59:59Z", "2027-01-04T07:00:00Z", "2026-12-19T22:59:59Z"},
		{"each day, in UTC by default", Window{Schedule: "30 22 * * *", For: 3 * time.Hour}, "2026-05-01T22:30:00Z", "2026-05-02T01:29:59Z", "2026-05-02T01:30:00Z", "2026-05-01T22:29:59Z"},
		{"a weekend", weekend, "2026-11-27T18:00:00+01:00", "2026-11-30T07:59:59+01:00", "2026-11-30T08:00:00+01:00", "2026-11-27T17:59:59+01:00"},
		{"a weekend that is an hour shorter ends at the same hour", weekend, "2026-03-27T18:00:00+01:00", "2026-03-30T07:59:59+02:00", "2026-03-30T08:00:00+02:00", "2026-03-27T17:59:59+01:00"},
		{"a weekend that is an hour longer ends at the same hour", weekend, "2026-10-23T18:00:00+02:00", "2026-10-26T07:59:59+01:00", "2026-10-26T08:00:00+01:00", "2026-10-23T17:59:59+02:00"},
		{"at an hour that is left out: not left out, and an hour early", berlin("30 2 * * *", 2*time.Hour), "2026-03-29T01:30:00+01:00", "2026-03-29T04:29:59+02:00", "2026-03-29T04:30:00+02:00", "2026-03-29T01:29:59+01:00"},
		{"wholly within an hour that is left out", berlin("15 2 * * *", 30*time.Minute), "2026-03-29T01:15:00+01:00", "2026-03-29T01:44:59Z", "2026-03-29T01:45:00Z", "2026-03-29T01:14:59+01:00"},
		{"at an hour that is there twice: from the first to the last", berlin("15 2 * * *", 30*time.Minute), "2026-10-25T02:15:00+02:00", "2026-10-25T02:44:59+01:00", "2026-10-25T02:45:00+01:00", "2026-10-25T02:14:59+02:00"},
		{"at a midnight that is left out", Window{Schedule: "0 0 * * *", For: time.Hour, Timezone: "America/Sao_Paulo"}, "2018-11-04T02:00:00Z", "2018-11-04T02:59:59Z", "2018-11-04T03:00:00Z", "2018-11-04T01:59:59Z"},
		{"over a day that is left out", Window{Schedule: "0 12 29 12 *", For: 48 * time.Hour, Timezone: "Pacific/Apia"}, "2011-12-29T22:00:00Z", "2011-12-30T21:59:59Z", "2011-12-30T22:00:00Z", "2011-12-29T21:59:59Z"},
		{"day of month or of week, as in Kubernetes", berlin("0 0 13 * FRI", time.Hour), "2026-11-13T00:00:00+01:00", "2026-11-13T00:59:59+01:00", "2026-11-13T01:00:00+01:00", "2026-11-12T23:59:59+01:00"},
		{"longer than the pause to the next", berlin("0 * * * *", 90*time.Minute), "2026-05-01T00:00:00Z", "2026-12-31T12:34:56Z", "", ""},
	} {
		w, err := row.compile()
		if err != nil {
			t.Errorf("%s: %v", row.sentence, err)
			continue
		}
		for _, when := range []struct {
			text string
			in   bool
		}{{row.before, false}, {row.first, true}, {row.last, true}, {row.over, false}} {
			if when.text != "" && in(w, at(t, when.text)) != when.in {
				t.Errorf("%s: %s: in %t", row.sentence, when.text, !when.in)
			}
		}
		if row.before == "" {
			continue
		}
		if got := w.next(at(t, row.before)); !got.Equal(at(t, row.first)) {
			t.Errorf("%s: begins %s, want %s", row.sentence, got, row.first)
		}
		if got := w.end(at(t, row.first), at(t, row.first).Add(foreseen)); !got.Equal(at(t, row.over)) {
			t.Errorf("%s: ends %s, want %s", row.sentence, got, row.over)
		}
	}
}

func TestAWindowThatIsNone(t *testing.T) {
	for _, row := range []struct {
		Window
		want string
	}{
		{Window{}, "want from and to, schedule and for, or calendar"},
		{Window{From: "2026-12-20T00:00:00Z"}, "want from and to, schedule and for, or calendar"},
		{Window{From: "2026-12-20", To: "2027-01-01T00:00:00Z"}, `from: "2026-12-20" is not a time with its offset, as in 2026-12-20T18:00:00+01:00`},
		{Window{From: "2026-12-20T00:00:00Z", To: "2026-12-20T01:00:00+01:00"}, "to: 2026-12-20T01:00:00+01:00 is not after from"},
		{Window{From: "2026-12-20T00:00:00Z", To: "2026-12-21T01:00:00Z", Timezone: "UTC"}, "timezone: needs a schedule"},
		{Window{From: "2026-12-20T00:00:00Z", To: "2026-12-21T01:00:00Z", For: time.Hour}, "for: needs a schedule"},
		{Window{From: "2026-12-20T00:00:00Z", Schedule: "0 0 * * *", For: time.Hour}, "keep one of the two"},
		{Window{Schedule: "0 0 * * *"}, "for: is missing"},
		{Window{Schedule: "0 0 * * *", For: 400 * 24 * time.Hour}, "want at most a year"},
		{Window{Schedule: "0 0 * *", For: time.Hour}, `schedule: "0 0 * *" is not a schedule`},
		{Window{Schedule: "0 0 30 2 *", For: time.Hour}, "never begins"},
		{Window{Schedule: "@every 1h", For: time.Hour}, "counts from no particular time"},
		{Window{Schedule: "TZ=Europe/Berlin", For: time.Hour}, "write it as timezone"},
		{Window{Schedule: "CRON_TZ=Europe/Berlin 0 0 * * *", For: time.Hour}, "write it as timezone"},
		{Window{Schedule: "0 0 * * *", For: time.Hour, Timezone: "Mars"}, `timezone: "Mars" is not known`},
		{Window{Schedule: "0 0 * * *", For: time.Hour, Timezone: "Local"}, `timezone: "Local" is not known`},
	} {
		if err := row.Validate(); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%+v: %v, want %q", row.Window, err, row.want)
		}
	}
}

// in reports whether a time is in a window: a period ends after it.
func in(w compiled, now time.Time) bool { return w.end(now, now).After(now) }

func FuzzASchedule(f *testing.F) {
	for _, text := range []string{"0 18 * * FRI", "TZ=", "CRON_TZ=X", "@daily", "*/0 * * * *", "1-0 * * * *", "60 * * * *"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		w := Window{Schedule: text, For: time.Hour, Timezone: "Europe/Berlin"}
		c, err := w.compile()
		if err != nil {
			return
		}
		now := time.Date(2026, 3, 29, 0, 30, 0, 0, time.UTC)
		if next := c.next(now); !next.IsZero() && !in(c, now) && !in(c, next) {
			t.Errorf("%q: the beginning %s is not in", text, next)
		}
	})
}

// In a bubble it is midnight UTC of 2000-01-01, a Saturday.
func TestAFreezeRefusesAndEnds(t *testing.T) {
	daily := Window{Schedule: "0 1 * * *", For: 2 * time.Hour, Reason: "backup"}
	follows := Window{From: "2000-01-01T03:00:00Z", To: "2000-01-01T04:00:00Z"}
	answers := func(what string, err error) func(context.Context) (string, error) {
		return func(context.Context) (string, error) { return what, err }
	}
	unknown := errors.New("prometheus does not answer")
	for _, row := range []struct {
		sentence            string
		freeze              Freeze
		begin, allow, watch string // the reason of the ending
		after               time.Duration
		says                string
	}{
		{"none", Freeze{}, "<nil>", "<nil>", "<nil>", 2 * time.Hour, ""},
		{"a window that begins later ends no run by default", Freeze{Windows: []Window{daily}}, "<nil>", "<nil>", "<nil>", 2 * time.Hour, ""},
		{"but may", Freeze{Windows: []Window{daily}, EndsRunning: true}, "<nil>", "<nil>", record.Stopped, time.Hour, `window "0 1 * * *" for 2h0m0s, UTC (backup), until Sat 2000-01-01 03:00 UTC`},
		{"windows that follow each other end together", Freeze{Windows: []Window{{From: "1999-12-31T00:00:00Z", To: "2000-01-01T01:00:00Z"}, follows, daily}}, record.Refused, record.Stopped, "<nil>", 2 * time.Hour, "until Sat 2000-01-01 04:00 UTC"},
		{"for ever", Freeze{Windows: []Window{{Schedule: "*/10 * * * *", For: time.Hour}}}, record.Refused, record.Stopped, "<nil>", 2 * time.Hour, "until more than a year from now"},
		{"no incident", Freeze{Incident: answers("", nil), EndsRunning: true}, "<nil>", "<nil>", "<nil>", 2 * time.Hour, ""},
		{"an incident", Freeze{Incident: answers("ALERTS{} 1", nil)}, record.Refused, record.Stopped, "<nil>", 2 * time.Hour, "incident, until it is over: ALERTS{} 1"},
		{"an incident ends what runs", Freeze{Incident: answers("ALERTS{} 1", nil), EndsRunning: true}, record.Refused, record.Stopped, record.Stopped, 0, "incident"},
		{"no answer", Freeze{Incident: answers("", unknown)}, record.Refused, record.Blind, "<nil>", 2 * time.Hour, "whether there is an incident is not known: prometheus does not answer"},
		{"no answer for some seconds", Freeze{Incident: answers("", unknown), EndsRunning: true}, record.Refused, record.Blind, record.Blind, blind, "prometheus does not answer"},
		{"a window that is none", Freeze{Windows: []Window{{Schedule: "x"}}}, record.Refused, record.Blind, "<nil>", 2 * time.Hour, "is not a schedule"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begin, allow := row.freeze.Begin(t.Context(), nil), row.freeze.Allow(t.Context(), 0)
				began := time.Now()
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Hour)
				defer cancel()
				watch := row.freeze.Watch(ctx)
				if ending(begin) != row.begin || ending(allow) != row.allow || ending(watch) != row.watch {
					t.Errorf("begin %v; allow %v; watch %v", begin, allow, watch)
				}
				if after := time.Since(began); after < row.after || after > row.after+every {
					t.Errorf("after %s", after)
				}
				if said := errors.Join(begin, watch); row.says != "" && !strings.Contains(said.Error(), row.says) {
					t.Errorf("says %v", said)
				}
				if err := row.freeze.End(t.Context()); err != nil {
					t.Error(err)
				}
			})
		})
	}
}
