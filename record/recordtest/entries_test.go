package recordtest_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/record/recordtest"
	"github.com/aftershockhq/aftershock/steadystate"
)

func TestEntries(t *testing.T) {
	const s, ms = time.Second, time.Millisecond
	span := steadystate.Span{From: 2 * s, To: 2500 * ms}
	for _, row := range []struct {
		line string
		want record.Entry
	}{
		{"0 phase settle", record.Entry{Phase: record.PhaseSettle}},
		{"2..2.5 not_ready process/shop 7 reason=SIGSTOP", record.Entry{At: span.To, Event: &record.Event{
			Span: span, Kind: record.EventNotReady, Subject: "process/shop", UID: "7", Attrs: map[string]string{record.AttrReason: "SIGSTOP"},
		}}},
		{"2..2.5 inject kill_a a,b:7 effect=not_ready", record.Entry{At: span.To, Injection: &record.Injection{
			Fault: "kill a", Span: span, Targets: []record.Target{{Name: "a", UID: "a"}, {Name: "b", UID: "7"}}, Effects: []record.Effect{{Event: record.EventNotReady}},
		}}},
		{"2..2.5 undo kill index=1 error=none", record.Entry{At: span.To, Removal: &record.Removal{Index: 1, Fault: "kill", Span: span, Error: "none"}}},
		{"2..2.5 fail a", record.Entry{At: span.To, Requests: &record.Requests{Signal: record.TrafficSignal, List: []record.Request{
			{Planned: 2 * s, Sent: 2 * s, Answered: 2500 * ms, Outcome: record.Outcome{Code: 503, Backend: "a", Attempts: 1}},
		}}}},
		{"2..2.5 see up +-? every=0.5", record.Entry{At: 3500 * ms, Observations: &record.Observations{Signal: "up", List: []steadystate.Observation{
			{Span: span, Value: 1},
			{Span: steadystate.Span{From: 2500 * ms, To: 3 * s}},
			{Span: steadystate.Span{From: 3 * s, To: 3500 * ms}, Unknown: "not seen"},
		}}}},
		{"2 event went_cold cache/shop 7 by=me", record.Entry{At: 2 * s, Event: &record.Event{
			Span: steadystate.Instant(2 * s), Kind: "went cold", Subject: "cache/shop", UID: "7", Attrs: map[string]string{record.AttrBy: "me"},
		}}},
		{"60 end not_steady", record.Entry{At: 60 * s, End: &record.End{Reason: record.NotSteady}}},
	} {
		if got := recordtest.Entries(nil, row.line); len(got) != 1 || !reflect.DeepEqual(got[0], row.want) {
			t.Errorf("%s\n%+v, want\n%+v", row.line, got, row.want)
		}
	}
	for line, want := range map[string]string{
		"soon end":                   `recordtest: "soon" is not an instant or span in seconds`,
		"7":                          `recordtest: "7" says nothing`,
		"2 gonne pod/a":              `recordtest: "gonne" is not a kind of line or event; one of your own is "event gonne ..."`,
		"2 anwser a":                 `recordtest: "anwser" is not a kind of line or event`,
		"2 inject kill a efect=gone": `recordtest: "inject" has no efect=; want one of ["effect" "index" "oneshot" "shortfall"]`,
		"2 inject kill a b":          `recordtest: "2 inject kill a b" has more words than "inject" takes`,
		"2 event":                    `recordtest: "event" needs a kind and a subject`,
		"2 event went_cold":          `recordtest: "event went_cold" needs a kind and a subject`,
		"0 see up +x":                `timeline "+x": character 1 is 'x'`,
	} {
		func() {
			defer func() {
				if got := fmt.Sprint(recover()); !strings.Contains(got, want) {
					t.Errorf("%s: %s, want %s", line, got, want)
				}
			}()
			recordtest.Entries(nil, line)
		}()
	}
}
