package reports_test

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/reports"
	"github.com/aftershockhq/aftershock/steadystate"
)

// recovering is a record whose one victim b is a pod, is replaced by d, and d
// is not ready when the record ends.
func recovering() []record.Entry {
	list := entries("downtime <= 4s", "ttr <= 4s")
	event := func(at time.Duration, kind, subject, uid string) {
		list = slices.Insert(list, len(list)-1, record.Entry{At: at, Event: &record.Event{
			Span: steadystate.Span{From: at - s/10, To: at}, Kind: kind, Subject: subject, UID: uid,
			Attrs: map[string]string{record.AttrOwner: "ReplicaSet/shop"},
		}})
	}
	event(s/5, record.EventExists, "pod/b", "uid-b")
	event(2*s+s/5, record.EventTerminating, "pod/b", "uid-b")
	event(3*s, record.EventCreated, "pod/d", "uid-d")
	event(3*s+s/10, record.EventScheduled, "pod/d", "uid-d")
	event(5*s, record.EventStarted, "pod/d", "uid-d")
	return list
}

func TestARecoveryIsInEveryFormat(t *testing.T) {
	report := judgedOf(t, recovering())
	if len(report.Waterfalls) != 1 {
		t.Fatalf("%d waterfalls, want one", len(report.Waterfalls))
	}
	var text, doc bytes.Buffer
	for _, err := range []error{reports.Texts(&text, report), reports.JSON(&doc, report)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	golden(t, "recovery.txt", text.Bytes())

	read, err := reports.ReadJSON(&doc)
	if err != nil {
		t.Fatal(err)
	}
	list := read[0].Waterfalls
	if len(list) != 1 || list[0].String() != report.Waterfalls[0].String() {
		t.Errorf("read back:\n%v\nwant:\n%v", list, report.Waterfalls[0])
	}
}
