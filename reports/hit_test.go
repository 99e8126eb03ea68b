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
