package stop

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// calendar writes events into a file and returns a window of it.
func calendar(t *testing.T, timezone string, events ...string) Window {
	t.Helper()
	var text strings.Builder
	text.WriteString("BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:test\n")
	for _, e := range events {
		text.WriteString("BEGIN:VEVENT\nUID:1\nDTSTAMP:20260101T000000Z\n" + e + "\nEND:VEVENT\n")
	}
	text.WriteString("END:VCALENDAR\n")
	path := filepath.Join(t.TempDir(), "holidays.ics")
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(text.String(), "\n", "\r\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	return Window{Calendar: path, Timezone: timezone}
}

func TestTheEventsOfACalendar(t *testing.T) {
	const christmas = "DTSTART;VALUE=DATE:20201225\nDTEND;VALUE=DATE:20201227\nRRULE:FREQ=YEARLY\nSUMMARY:Christmas\nTRANSP:TRANSPARENT"
	for _, row := range []struct {
		sentence, timezone, event string
		in, out                   []string
	}{
		{"a day is by the zone of the window", "Europe/Berlin", "DTSTART;VALUE=DATE:20261225\nSUMMARY:Christmas", []string{"2026-12-24T23:00:00Z", "2026-12-25T22:59:59Z"}, []string{"2026-12-24T22:59:59Z", "2026-12-25T23:00:00Z"}},
		{"and in UTC by default", "", "DTSTART;VALUE=DATE:20261225", []string{"2026-12-25T00:00:00Z", "2026-12-25T23:59:59Z"}, []string{"2026-12-24T23:59:59Z", "2026-12-26T00:00:00Z"}},
		{"yearly days, marked as free", "Europe/Berlin", christmas, []string{"2026-12-25T12:00:00Z", "2026-12-26T22:59:59Z", "2027-12-25T12:00:00Z"}, []string{"2026-12-26T23:00:00Z", "2026-06-25T12:00:00Z"}},
		{"a leap day returns in leap years", "UTC", "DTSTART;VALUE=DATE:20240229\nRRULE:FREQ=YEARLY", []string{"2024-02-29T12:00:00Z", "2028-02-29T12:00:00Z"}, []string{"2026-02-28T12:00:00Z", "2026-03-01T12:00:00Z", "2028-03-01T00:00:00Z"}},
		{"a day of 23 hours", "Europe/Berlin", "DTSTART;VALUE=DATE:20260329", []string{"2026-03-28T23:00:00Z", "2026-03-29T21:59:59Z"}, []string{"2026-03-28T22:59:59Z", "2026-03-29T22:00:00Z"}},
		{"a day of 25 hours", "Europe/Berlin", "DTSTART;VALUE=DATE:20261025", []string{"2026-10-24T22:00:00Z", "2026-10-25T22:59:59Z"}, []string{"2026-10-24T21:59:59Z", "2026-10-25T23:00:00Z"}},
		{"an event with a zone of its own", "Asia/Tokyo", "DTSTART;TZID=Europe/Berlin:20260701T090000\nDURATION:PT2H", []string{"2026-07-01T07:00:00Z", "2026-07-01T08:59:59Z"}, []string{"2026-07-01T06:59:59Z", "2026-07-01T09:00:00Z"}},
		{"a weekly one stays at its hour when the clocks change", "UTC", "DTSTART;TZID=Europe/Berlin:20260323T090000\nDURATION:PT1H\nRRULE:FREQ=WEEKLY", []string{"2026-03-23T08:00:00Z", "2026-03-30T07:00:00Z"}, []string{"2026-03-30T08:00:00Z"}},
		{"one occurrence that is left out, of two in a list", "UTC", "DTSTART:20260105T090000Z\nDTEND:20260105T100000Z\nRRULE:FREQ=WEEKLY;COUNT=4\nEXDATE:20260112T090000Z,20260119T090000Z", []string{"2026-01-05T09:30:00Z", "2026-01-26T09:30:00Z"}, []string{"2026-01-12T09:30:00Z", "2026-01-19T09:30:00Z", "2026-02-02T09:30:00Z"}},
		{"extra days, without a rule", "UTC", "DTSTART;VALUE=DATE:20260105\nRDATE;VALUE=DATE:20260107,20260109", []string{"2026-01-05T12:00:00Z", "2026-01-07T12:00:00Z", "2026-01-09T12:00:00Z"}, []string{"2026-01-06T12:00:00Z", "2026-01-10T00:00:00Z"}},
		{"a rule that ends", "UTC", "DTSTART;VALUE=DATE:20260105\nRRULE:FREQ=DAILY;UNTIL=20260107", []string{"2026-01-07T12:00:00Z"}, []string{"2026-01-08T12:00:00Z"}},
	} {
		f := Freeze{Windows: []Window{calendar(t, row.timezone, row.event)}}
		for want, times := range map[bool][]string{true: row.in, false: row.out} {
			for _, text := range times {
				if why, err := f.Window(at(t, text)); err != nil || (why != "") != want {
					t.Errorf("%s: %s: %q, %v; want in: %t", row.sentence, text, why, err, want)
				}
			}
		}
	}
	both := calendar(t, "UTC", "STATUS:CANCELLED\nDTSTART;VALUE=DATE:20260601\nSUMMARY:Off", christmas)
	both.Reason = "nobody is here"
	f := Freeze{Windows: []Window{both}}
	if why, err := f.Window(at(t, "2026-06-01T12:00:00Z")); err != nil || why != "" {
		t.Errorf("a cancelled event: %q, %v; want none", why, err)
	}
	if why, err := f.Window(at(t, "2026-12-25T12:00:00Z")); err != nil || !strings.HasSuffix(why, "holidays.ics (nobody is here): Christmas, until Sun 2026-12-27 00:00 UTC") {
		t.Errorf("%q, %v: want the event's name, and the end", why, err)
	}
}

func TestACalendarThatIsNone(t *testing.T) {
	for _, row := range []struct {
		Window
		want string
	}{
		{Window{Calendar: "nowhere.ics"}, "calendar: open nowhere.ics: no such file"},
		{Window{Calendar: "calendar_test.go"}, "calendar_test.go is not an iCalendar file (RFC 5545)"},
		{calendar(t, ""), "has no event"},
		{calendar(t, "Mars"), `timezone: "Mars" is not known`},
		{Window{Calendar: "a.ics", Schedule: "0 0 * * *", For: time.Hour}, "has a calendar and from, to, schedule or for"},
		{calendar(t, "", "SUMMARY:Off"), "Off: has no DTSTART"},
		{calendar(t, "", "DTSTART:20260102T000000Z\nDTEND:20260101T000000Z"), "event 1: does not end after it begins"},
		{calendar(t, "", "DTSTART;VALUE=DATE:20260101\nDTEND;VALUE=DATE:20280101"), "want at most a year"},
		{calendar(t, "", "DTSTART;TZID=W. Europe Standard Time:20260102T000000\nDURATION:PT1H"), "W. Europe Standard Time"},
		{calendar(t, "", "DTSTART:20260102T000000Z\nDURATION:PT1H\nRRULE:FREQ=SECONDLY"), "is more often than each hour"},
		{calendar(t, "", "DTSTART:20260102T000000Z\nDURATION:PT1H\nRRULE:FREQ=NEVER"), "event 1"},
		{calendar(t, "", "DTSTART:20260102T000000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY\nEXDATE:soon"), "EXDATE"},
	} {
		if err := row.Validate(); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%+v: %v, want %q", row.Window, err, row.want)
		}
	}
}

// A schedule begins when a CronJob of Kubernetes does.
func TestTheBeginningsOfASchedule(t *testing.T) {
	for _, row := range []struct {
		sentence, schedule, timezone, after string
		want                                []string
		leftOut                             string
	}{
		{"each weekday in winter and in summer", "0 10 * * MON-FRI", "Europe/Berlin", "2026-03-27T09:00:00Z", []string{"2026-03-30T08:00:00Z", "2026-03-31T08:00:00Z"}, ""},
		{"an hour that is left out", "30 2 * * *", "Europe/Berlin", "2026-03-28T00:00:00Z", []string{"2026-03-28T01:30:00Z", "2026-03-30T00:30:00Z"}, "2026-03-29 02:30"},
		{"an hour that is there twice", "30 2 * * *", "Europe/Berlin", "2026-10-25T00:00:00Z", []string{"2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", "2026-10-26T01:30:00Z"}, ""},
		{"a leap day", "0 0 29 2 *", "", "2026-01-01T00:00:00Z", []string{"2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"}, ""},
		{"a zone of half an hour", "0 9 * * *", "Asia/Kolkata", "2026-01-01T00:00:00Z", []string{"2026-01-01T03:30:00Z"}, ""},
	} {
		s, err := ParseSchedule(row.schedule, row.timezone)
		if err != nil {
			t.Fatal(err)
		}
		next, first := at(t, row.after), at(t, row.after)
		for _, want := range row.want {
			if next = s.Next(next); !next.Equal(at(t, want)) {
				t.Errorf("%s: %s, want %s", row.sentence, next, want)
			}
		}
		if got := strings.Join(s.LeftOut(first, next), ", "); got != row.leftOut {
			t.Errorf("%s: left out %q, want %q", row.sentence, got, row.leftOut)
		}
	}
	for _, row := range [][3]string{{"TZ=UTC 0 0 * * *", "", "write it as timezone"}, {"@every 5m", "", "counts from no particular time"}, {"0 0 * *", "", "is not a schedule"}, {"0 0 * * *", "Local", "timezone: "}} {
		if _, err := ParseSchedule(row[0], row[1]); err == nil || !strings.Contains(err.Error(), row[2]) {
			t.Errorf("%q: %v, want %q", row[0], err, row[2])
		}
	}
}
