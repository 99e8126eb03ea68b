package reports_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/recovery"
	"github.com/aftershockhq/aftershock/reports"
	"github.com/aftershockhq/aftershock/steadystate"
)

// recoveries are the waterfalls of the results' one victim: b is a pod, is
// replaced by d, and d is not ready when the record ends.
func recoveries(t *testing.T, result experiments.Result) reports.Recoveries {
	t.Helper()
	list := entries()
	event := func(at time.Duration, kind, subject, uid string) {
		list = append(list, experiments.Entry{At: at, Event: &experiments.Event{
			Span: steadystate.Span{From: at - s/10, To: at}, Kind: kind, Subject: subject, UID: uid,
			Attrs: map[string]string{experiments.AttrOwner: "ReplicaSet/shop"},
		}})
	}
	event(s/5, experiments.EventExists, "pod/b", "uid-b")
	event(2*s+s/5, experiments.EventTerminating, "pod/b", "uid-b")
	event(3*s, experiments.EventCreated, "pod/d", "uid-d")
	event(3*s+s/10, experiments.EventScheduled, "pod/d", "uid-d")
	event(5*s, experiments.EventStarted, "pod/d", "uid-d")
	waterfalls, err := recovery.Read(func(yield func(experiments.Entry, error) bool) {
		for _, e := range list {
			if !yield(e, nil) {
				return
			}
		}
	}, result.Checks)
	if err != nil || len(waterfalls) != 1 {
		t.Fatalf("%d waterfalls and error %v, want one", len(waterfalls), err)
	}
	return reports.Recoveries{result.Run: waterfalls}
}

func TestARecoveryIsInEveryFormat(t *testing.T) {
	result := results(t)[0]
	r := recoveries(t, result)

	var text, junit, doc bytes.Buffer
	for _, err := range []error{r.Texts(&text, result), r.JUnit(&junit, result), r.JSON(&doc, result)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	golden(t, "recovery.txt", text.Bytes())

	var suites struct {
		Property []struct {
			Name  string `xml:"name,attr"`
			Value string `xml:"value,attr"`
		} `xml:"testsuite>properties>property"`
	}
	if err := xml.Unmarshal(junit.Bytes(), &suites); err != nil {
		t.Fatal(err)
	}
	figures := map[string]string{}
	for _, p := range suites.Property {
		figures[p.Name] = p.Value
	}
	for name, want := range map[string]string{
		"verdict":                               "held",
		"recovery.b.scheduled.low.seconds":      "0",
		"recovery.b.scheduled.high.seconds":     "0.2",
		"recovery.b.ready.low.seconds":          "3",
		"recovery.b.ready.open":                 "true",
		"recovery.b.endpoint added.low.seconds": "", // not known, and so not there
		"recovery.b.costliest":                  "ready",
	} {
		if figures[name] != want {
			t.Errorf("property %s is %q, want %q", name, figures[name], want)
		}
	}

	var read reports.Document
	if err := json.Unmarshal(doc.Bytes(), &read); err != nil {
		t.Fatal(err)
	}
	list := read.Recoveries[result.Run]
	if len(list) != 1 || list[0].String() != r[result.Run][0].String() {
		t.Errorf("read back:\n%v\nwant:\n%v", list, r[result.Run])
	}
}

func TestWriteErrorsOfRecoveriesAreNotIgnored(t *testing.T) {
	result := results(t)[0]
	r := recoveries(t, result)
	for name, err := range map[string]error{
		"text": r.Text(full{}, result), "texts": r.Texts(full{}, result), "waterfalls": reports.Waterfalls(full{}, r[result.Run]...),
		"junit": r.JUnit(full{}, result), "json": r.JSON(full{}, result),
	} {
		if err == nil {
			t.Errorf("%s: the write error was ignored", name)
		}
	}
}
