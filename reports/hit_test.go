package reports_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/reports"
	"github.com/aftershockhq/aftershock/reports/results"
	"github.com/aftershockhq/aftershock/steadystate"
)

// How many of the pods a fault was in over time is in every format.
func TestEveryFormatTellsTheShareThatWasHit(t *testing.T) {
	list := entries("downtime <= 4s")
	event := func(kind, pod string, at time.Duration) record.Entry {
		return record.Entry{At: 8 * s, Event: &record.Event{Span: steadystate.Instant(at), Kind: kind, Subject: "pod/shop/" + pod, UID: "uid-" + pod}}
	}
	list = slices.Insert(list, len(list)-1,
		event(record.EventExists, "a", 0), event(record.EventExists, "b", 0), event(record.EventExists, "c", 0),
		event(record.EventCreated, "d", 2500*time.Millisecond), event(record.EventReady, "d", 3*s))
	for _, e := range list {
		if e.Injection != nil {
			e.Injection.ChangesPods = false // it is held in the pods that it hit
		}
	}
	list = slices.DeleteFunc(list, func(e record.Entry) bool { return e.Event != nil && e.Event.Kind == record.EventGone })
	report := judgedOf(t, list)
	const line = "1 of 3 pods, from 3.000s 1 of 4"
	var text, page, junit, document bytes.Buffer
	for _, err := range []error{reports.Text(&text, report), reports.HTML(&page, report), reports.JUnit(&junit, report), reports.JSON(&document, report)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, row := range []struct{ name, got, want string }{
		{"text", text.String(), "\n    hit " + line + "\n"},
		{"HTML", page.String(), "<br>hit " + line + "</td>"},
		{"the output in JUnit", junit.String(), "kill b: hit " + line},
	} {
		if !strings.Contains(row.got, row.want) {
			t.Errorf("%s does not say %q:\n%s", row.name, row.want, row.got)
		}
	}
	got, err := results.Read(&document)
	if err != nil {
		t.Fatal(err)
	}
	shares := got.Results[0].Injections[0].Shares
	if want := (results.Share{Span: results.Span{FromSeconds: 3, ToSeconds: 4}, HitPods: 1, OfPods: 4}); len(shares) != 2 || shares[1] != want {
		t.Errorf("JSON says %+v, want %+v in the end", shares, want)
	}
}

// Two faults of one text are told apart by their place in the plan.
func TestTwoFaultsOfOneTextAreToldApart(t *testing.T) {
	list := entries("downtime <= 4s")
	for _, e := range list {
		if e.Plan != nil {
			e.Plan.Faults = []record.Scheduled{{Name: "first", Fault: "kill b"}, {Name: "again", Fault: "kill b"}}
		}
	}
	at := slices.IndexFunc(list, func(e record.Entry) bool { return e.Injection != nil })
	again := *list[at].Injection
	again.Index = 1
	list[at].Injection.Of, again.Of = 3, 3
	list = slices.Insert(list, at+1, record.Entry{At: list[at].At, Injection: &again})
	report := judgedOf(t, list)
	var junit bytes.Buffer
	if err := reports.JUnit(&junit, report); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"; kill b #0: hit 1 of 3 pods; kill b #1: hit 1 of 3 pods",
	} {
		if !strings.Contains(junit.String(), want) {
			t.Errorf("JUnit does not say %q:\n%s", want, junit.String())
		}
	}
}
