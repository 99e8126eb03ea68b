package reports_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/experiments/autoscaling"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/record/recordtest"
	"github.com/aftershockhq/aftershock/reports"
	"github.com/aftershockhq/aftershock/runs"
	"github.com/aftershockhq/aftershock/steadystate"
)

// scaling is a record in which an autoscaler follows the fault, 2 -> 4, and is
// not back at 2 when the record ends.
func scaling() []record.Entry {
	list := entries("downtime <= 4s")
	list[1].Plan.Expectations = []record.Expectation{autoscaling.Expect("shop scales", "shop", "shop", "decision <= 5s", "back <= 1m")}
	event := func(at time.Duration, kind, subject string, attrs map[string]string) {
		list = slices.Insert(list, len(list)-1, record.Entry{At: at, Event: &record.Event{
			Span: steadystate.Span{From: at - s/10, To: at}, Kind: kind, Subject: subject, UID: subject, Attrs: attrs,
		}})
	}
	hpa := func(at time.Duration, kind string, cpu, current, desired int, scaled, spec string) {
		attrs := map[string]string{record.AttrStatus: fmt.Sprintf(`{"currentReplicas":%d,"desiredReplicas":%d,"lastScaleTime":%s,`+
			`"currentMetrics":[{"type":"Resource","resource":{"name":"cpu","current":{"averageUtilization":%d}}}]}`, current, desired, scaled, cpu)}
		if spec != "" {
			attrs[record.AttrSpec] = spec
		}
		event(at, kind, "hpa/shop/shop", attrs)
	}
	pods := func(at time.Duration, kind, wanted, ready string) {
		event(at, kind, "deployment/shop/shop", map[string]string{record.AttrDesired: wanted, record.AttrExisting: wanted, record.AttrReady: ready})
	}
	hpa(s/5, record.EventExists, 40, 2, 2, "null", `{"scaleTargetRef":{"kind":"Deployment","name":"shop"},"minReplicas":2,"maxReplicas":8,`+
		`"metrics":[{"type":"Resource","resource":{"name":"cpu","target":{"type":"Utilization","averageUtilization":50}}}]}`)
	pods(s/5, record.EventExists, "2", "2")
	pods(3*s-s/20, record.EventChanged, "4", "2")
	hpa(3*s, record.EventChanged, 95, 2, 4, `"2026-03-02T10:15:03Z"`, "")
	pods(3*s+s/2, record.EventChanged, "4", "4")
	return list
}

func TestAnAutoscalerIsInEveryFormat(t *testing.T) {
	report := judgedOf(t, scaling())
	var text, junit, doc, page bytes.Buffer
	for _, err := range []error{reports.Texts(&text, report), reports.JUnit(&junit, report), reports.JSON(&doc, report), reports.HTML(&page, report)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	golden(t, "autoscaling.txt", text.Bytes())
	for _, want := range []string{"autoscaling of shop/shop, 2 -&gt; 4 replicas", `<td class="n">decision</td>`, "at least 4s"} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("no %q in the page", want)
		}
	}

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
		"autoscaling.shop/shop.sizes":                 "2 -> 4",
		"autoscaling.shop/shop.lag.high.seconds":      "0.95",
		"autoscaling.shop/shop.decision.high.seconds": "0.1",
		"autoscaling.shop/shop.back.low.seconds":      "4",
		"autoscaling.shop/shop.back.open":             "true",
		"autoscaling.shop/shop.relieved.low.seconds":  "0.5", // at least, while the fault was on
	} {
		if figures[name] != want {
			t.Errorf("property %s is %q, want %q", name, figures[name], want)
		}
	}

	var read reports.Document
	if err := json.Unmarshal(doc.Bytes(), &read); err != nil {
		t.Fatal(err)
	}
	list := read.Results[0].Scalings
	if len(list) != 1 || list[0].String() != report.Scalings[0].String() {
		t.Errorf("read back:\n%v\nwant:\n%v", list, report.Scalings[0])
	}
}

func TestAnExpectationIsJudgedAgainWithOtherLimits(t *testing.T) {
	report, err := runs.Judge(recordtest.All(scaling()), map[string][]string{"shop scales": {"replicas >= 5"}}, autoscaling.Evaluator{})
	if err != nil {
		t.Fatal(err)
	}
	if want := "shop scales: wanted replicas >= 5, seen 4 ready"; report.Verdict != steadystate.Broken || !strings.Contains(report.Reason, want) {
		t.Errorf("%s: %s, want broken: %s", report.Verdict, report.Reason, want)
	}
}
