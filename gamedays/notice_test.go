package gamedays

import (
	"errors"
	"slices"
	"testing"

	"github.com/aftershockhq/aftershock/gamedays/notify"
)

// What is told of each entry of a day, by the events that it is.
func TestWhatPeopleAreTold(t *testing.T) {
	outcome := func(verdict string) Entry {
		return Entry{Event: Outcome, Experiment: "a", Verdict: verdict, Text: "seen"}
	}
	left := outcome("unknown")
	left.LeftBehind = true
	const day = "game day storm (ann)"
	for _, row := range []struct {
		sentence string
		entries  []Entry
		want     []string // of each: its events, and the text
		always   bool     // the last
	}{
		{"it holds", []Entry{{Event: Begun}, {Event: Running}, outcome("held"), {Event: Ended, Text: "all steps were done"}}, []string{
			"", "", "outcome " + day + ": a was held: seen", "end " + day + " has ended, held: all steps were done",
		}, false},
		{"it breaks, once", []Entry{outcome("held"), outcome("broken"), outcome("broken"), outcome("unknown"), {Event: Ended, Text: "b"}}, []string{
			"outcome " + day + ": a was held: seen", "outcome verdict " + day + ": a was broken: seen; so far the day is broken",
			"outcome " + day + ": a was broken: seen", "outcome " + day + ": a was unknown: seen", "end " + day + " has ended, broken: b",
		}, false},
		{"from unknown to broken", []Entry{outcome("unknown"), outcome("broken")}, []string{
			"outcome verdict " + day + ": a was unknown: seen; so far the day is unknown", "outcome verdict " + day + ": a was broken: seen; so far the day is broken",
		}, false},
		{"a word that is no verdict is unknown", []Entry{outcome("green")}, []string{"outcome verdict " + day + ": a was green: seen; so far the day is unknown"}, false},
		{"what was not run is not held", []Entry{outcome("held"), {Event: Ended, Text: "b", NotRun: []string{"c"}}}, []string{
			"outcome " + day + ": a was held: seen", "end verdict " + day + " has ended, unknown: b",
		}, false},
		{"a person is asked, and notes are taken", []Entry{{Event: Asked, Text: "go on?"}, {Event: Answered}, {Event: Noted}}, []string{"pause " + day + " waits: go on?", "", ""}, false},
		{"a fault is left", []Entry{left}, []string{"outcome verdict " + day + ": a was unknown: seen; a fault of it may still be in place: remove it with aftershock sweep; so far the day is unknown"}, true},
	} {
		notices := Notices{Plan: &Plan{Name: "storm", Owner: "ann", Sweep: "aftershock sweep"}}
		var got []string
		always := false
		for _, e := range row.entries {
			notice, ok := notices.Of(e)
			text := ""
			for _, event := range notice.On {
				text += event + " "
			}
			if got = append(got, text+notice.Text); ok != (text != "") {
				t.Errorf("%s: %q, %v", row.sentence, text, ok)
			}
			if always = notice.Always; notice.Is([]string{"other"}) != always || ok && !notice.Is(notice.On[:1]) {
				t.Errorf("%s: %+v is told to the wrong", row.sentence, notice)
			}
		}
		if !slices.Equal(got, row.want) || always != row.always {
			t.Errorf("%s: got\n%q, %v\nwant\n%q, %v", row.sentence, got, always, row.want, row.always)
		}
	}
}

func TestADeliveryIsAnEntry(t *testing.T) {
	d := notify.Delivery{Channel: "team", Message: notify.Message{Text: "broken"}}
	if got := Notified(d).what(nil); got != "told team: broken" {
		t.Error(got)
	}
	d.Err = errors.New("no\nanswer")
	if got := Notified(d).what(nil); got != `could not notify team of "broken": no answer` {
		t.Error(got)
	}
}
