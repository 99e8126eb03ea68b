package reports_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/reports"
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
		{"a property in JUnit", junit.String(), `<property name="hit.kill b" value="` + line + `">`},
		{"the output in JUnit", junit.String(), "kill b: hit " + line},
	} {
		if !strings.Contains(row.got, row.want) {
			t.Errorf("%s does not say %q:\n%s", row.name, row.want, row.got)
		}
	}
	var got struct {
		Results []struct {
			Injections []struct {
				Hit []struct{ From, To, Hit, Of int64 }
			}
		}
	}
	if err := json.Unmarshal(document.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	hit := got.Results[0].Injections[0].Hit
	if len(hit) != 2 || hit[1].Hit != 1 || hit[1].Of != 4 || hit[1].From != int64(3*s) || hit[1].To != int64(4*s) {
		t.Errorf("JSON says %+v, want 1 of 4 from 3 s to 4 s in the end", hit)
	}
}

// Two faults of one text are told apart by their place in the plan: a property
// of JUnit whose name comes twice is read as one.
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
		`<property name="hit.kill b #0" value="1 of 3 pods">`,
		`<property name="hit.kill b #1" value="1 of 3 pods">`,
		"; kill b #0: hit 1 of 3 pods; kill b #1: hit 1 of 3 pods",
	} {
		if !strings.Contains(junit.String(), want) {
			t.Errorf("JUnit does not say %q:\n%s", want, junit.String())
		}
	}
}
