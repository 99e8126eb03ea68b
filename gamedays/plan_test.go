package gamedays

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/config"
)

// file is a configuration with a game day of these fields.
func file(day string) string {
	return `apiVersion: aftershock/v1
cluster: {uid: 0b1c}
allow: {namespaces: [shop]}
freeze: {windows: [{schedule: "0 18 * * FRI", for: 62h, timezone: Europe/Berlin, reason: weekend}]}
times: {settle: 10s, hold: 20s, watch: 30s}
services:
  checkout: {namespace: shop, workload: deployment/checkout, load: {url: "http://127.0.0.1:8080/"}, suites: [pods/kill-one, pods/kill-third]}
gamedays:
  storm: {why: does it hold, owner: ann, ` + day + `}
`
}

const steps = `steps: [{pause: tell support}, {run: checkout/pods/kill-one, expect: a quiet pager, broken: go on}, {run: checkout}]`

// dayOf is the day of a file; holidays.ics is beside it.
func dayOf(t testing.TB, text string) *Day {
	t.Helper()
	dir := t.TempDir()
	holidays := "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:t\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20260101T000000Z\r\nDTSTART;VALUE=DATE:20261225\r\nSUMMARY:Christmas\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
	if err := os.WriteFile(filepath.Join(dir, "holidays.ics"), []byte(holidays), 0o600); err != nil {
		t.Fatal(err)
	}
	plan, err := config.Parse(filepath.Join(dir, "aftershock.yaml"), []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	day, err := Of(plan, "storm")
	if err != nil {
		t.Fatal(err)
	}
	return day
}

func moment(t testing.TB, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestTheNextStarts(t *testing.T) {
	const berlin = "timezone: Europe/Berlin, "
	for _, row := range []struct {
		sentence, day, after string
		want                 []string // what is in the lines of the starts, in order
	}{
		{"each Tuesday, in winter and in summer", `start: "0 10 * * TUE", ` + berlin, "2026-03-20T00:00:00Z", []string{
			"Tue 2026-03-24 10:00 CET = Tue 2026-03-24 09:00 UTC", "Tue 2026-03-31 10:00 CEST = Tue 2026-03-31 08:00 UTC",
		}},
		{"a window of the freeze, a holiday of the day, and a free day", `start: "0 10 * * *", windows: [{calendar: holidays.ics, timezone: Europe/Berlin}], ` + berlin, "2026-12-23T12:00:00Z", []string{
			"Thu 2026-12-24 10:00 CET = Thu 2026-12-24 09:00 UTC", "Fri 2026-12-25 10:00 CET = Fri 2026-12-25 09:00 UTC",
			"does not begin: window of", "holidays.ics: Christmas, until Mon 2026-12-28 08:00 CET",
			"Sat 2026-12-26 10:00 CET", "(weekend), until Mon 2026-12-28 08:00 CET", "Sun 2026-12-27", "weekend", "Mon 2026-12-28 10:00 CET",
		}},
		{"a start after which a window begins too soon", `start: "58 17 * * FRI", ` + berlin, "2026-06-01T00:00:00Z", []string{
			"Fri 2026-06-05 17:58 CEST", `begins, and is not over before window "0 18 * * FRI"`,
		}},
		{"an hour that is left out", `start: "30 2 * * *", ` + berlin, "2027-03-27T12:00:00Z", []string{
			"2027-03-28 02:30 Europe/Berlin is left out: the clocks are set forward", "Mon 2027-03-29 02:30 CEST",
		}},
		{"the day on which they are", `start: "30 12 * * *", ` + berlin, "2026-10-24T23:00:00Z", []string{"Sun 2026-10-25 12:30 CET = Sun 2026-10-25 11:30 UTC  the clocks change on this day"}},
		{"an hour that is there twice", `start: "30 2 * * *", ` + berlin, "2027-10-30T22:00:00Z", []string{"Sun 2027-10-31 02:30 CEST = Sun 2027-10-31 00:30 UTC", "Sun 2027-10-31 02:30 CET = Sun 2027-10-31 01:30 UTC"}},
		{"the other side of the date line", `start: "0 9 * * MON", timezone: Pacific/Auckland, `, "2026-06-01T00:00:00Z", []string{"Mon 2026-06-08 09:00 NZST = Sun 2026-06-07 21:00 UTC"}},
		{"leap days only", `start: "0 9 29 2 *", `, "2026-06-01T00:00:00Z", []string{"Tue 2028-02-29 09:00 UTC"}},
		{"once", `start: "2026-12-22T10:00:00+01:00", timezone: Asia/Tokyo, `, "2026-06-01T00:00:00Z", []string{"Tue 2026-12-22 18:00 JST = Tue 2026-12-22 09:00 UTC"}},
		{"once, and that is over", `start: "2026-12-22T10:00:00+01:00", `, "2026-12-22T09:00:00Z", []string{"starts no more: 2026-12-22T10:00:00+01:00 is over"}},
		{"whenever it is run, and now it is not", "", "2026-06-06T12:00:00Z", []string{"starts whenever it is run", "Sat 2026-06-06 12:00 UTC", "does not begin: window"}},
	} {
		var out strings.Builder
		if err := dayOf(t, file(row.day+steps)).Print(&out, moment(t, row.after), 5); err != nil {
			t.Errorf("%s: %v", row.sentence, err)
		}
		rest := out.String()
		for _, want := range row.want {
			_, after, found := strings.Cut(rest, want)
			if !found {
				t.Errorf("%s: no %q, or not in order, in\n%s", row.sentence, want, out.String())
				break
			}
			rest = after
		}
	}
}

func TestWhatADayIs(t *testing.T) {
	var out strings.Builder
	if err := dayOf(t, file("atMost: 2m, unknown: ask, "+steps)).Print(&out, moment(t, "2026-06-03T12:00:00Z"), 5); err != nil {
		t.Fatal(err)
	}
	const want = `game day storm: does it hold
  owner    ann
  takes    3m and more: 3 experiments, and 1 pause for as long as people need
  at most  2m: nothing begins that would end later
           which is too short for all of its steps
  then     broken: stop; unknown: ask
  1. pause: tell support
  2. run checkout/pods/kill-one, 1m and more; broken: go on; expect: a quiet pager
  3. run checkout, 2m and more
       checkout/pods/kill-one
       checkout/pods/kill-third
  starts whenever it is run; now:
    Wed 2026-06-03 12:00 UTC = Wed 2026-06-03 12:00 UTC
`
	if got := out.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestADayThatThereIsNot(t *testing.T) {
	plan := dayOf(t, file(steps)).file
	if _, err := Of(plan, "strom"); err == nil || !strings.Contains(err.Error(), `no game day "strom"; game days: storm; did you mean "storm"?`) {
		t.Errorf("%v: want the days that there are", err)
	}
}
