package gamedays

import (
	"strings"
	"testing"
	"time"
)

func TestTheBoundsOfANote(t *testing.T) {
	for _, row := range []struct {
		sentence, zone, text, now string
		from, to, err             string
	}{
		{"now", "", "", "2026-06-03T12:00:07Z", "2026-06-03T12:00:07Z", "2026-06-03T12:00:07Z", ""},
		{"a minute", "Europe/Berlin", "12:42", "2026-06-03T12:00:07Z", "2026-06-03T10:42:00Z", "2026-06-03T10:43:00Z", ""},
		{"a second", "Europe/Berlin", "12:42:30", "2026-06-03T12:00:07Z", "2026-06-03T10:42:30Z", "2026-06-03T10:42:31Z", ""},
		{"this minute, which is not over", "", "12:00", "2026-06-03T12:00:07Z", "2026-06-03T12:00:00Z", "2026-06-03T12:00:07Z", ""},
		{"before midnight, said after it", "Europe/Berlin", "23:50", "2026-06-03T22:10:00Z", "2026-06-03T21:50:00Z", "2026-06-03T21:51:00Z", ""},
		{"with its offset", "Europe/Berlin", "2026-06-03T11:42:00+01:00", "2026-06-03T12:00:00Z", "2026-06-03T10:42:00Z", "2026-06-03T10:42:01Z", ""},
		{"an hour that is there twice", "Europe/Berlin", "02:30", "2026-10-25T02:00:00Z", "2026-10-25T00:30:00Z", "2026-10-25T01:31:00Z", ""},
		{"of which the second is not yet", "Europe/Berlin", "02:30", "2026-10-25T01:00:00Z", "2026-10-25T00:30:00Z", "2026-10-25T00:31:00Z", ""},
		{"an hour that is left out, by both offsets", "Europe/Berlin", "02:30", "2026-03-29T04:00:00Z", "2026-03-29T00:30:00Z", "2026-03-29T01:31:00Z", ""},
		{"not yet", "", "2026-06-03T12:30:00Z", "2026-06-03T12:00:00Z", "", "", "is not yet: it is Wed 2026-06-03 12:00 UTC"},
		{"a time of day that is not yet is yesterday's", "", "12:30", "2026-06-03T12:00:00Z", "", "", "12:30 is before the game day began, Wed 2026-06-03 09:00 UTC"},
		{"no time", "Europe/Berlin", "noon", "2026-06-03T12:00:00Z", "", "", `"noon" is not a time: write it as 10:42 or 10:42:30 by the clock of Europe/Berlin`},
		{"too late an hour", "", "24:00", "2026-06-03T12:00:00Z", "", "", "is not a time"},
	} {
		now := moment(t, row.now)
		begun := now.Add(-3 * time.Hour)
		from, to, err := Bounds(row.text, []Entry{{Time: begun, Plan: &Plan{Timezone: row.zone}}}, now)
		switch {
		case row.err != "":
			if err == nil || !strings.Contains(err.Error(), row.err) {
				t.Errorf("%s: %v, want %q", row.sentence, err, row.err)
			}
		case err != nil || !from.Equal(moment(t, row.from)) || !to.Equal(moment(t, row.to)):
			t.Errorf("%s: from %s to %s, %v; want from %s to %s", row.sentence, from.UTC(), to.UTC(), err, row.from, row.to)
		}
	}
}
