package reports_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/experiments/autoscaling"
	"github.com/aftershockhq/aftershock/judge"
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
	var text, doc, page bytes.Buffer
	for _, err := range []error{reports.Texts(&text, report), reports.JSON(&doc, report), reports.HTML(&page, report)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	golden(t, "autoscaling.txt", text.Bytes())
	for _, want := range []string{"autoscaling of shop/shop, 2 -&gt; 4 replicas", `<th scope="row">decision</th>`, "at least 4s"} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("no %q in the page", want)
		}
	}

	read, err := reports.ReadJSON(&doc)
	if err != nil {
		t.Fatal(err)
	}
	list := read[0].Scalings
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
	recorded, err := runs.Judge(recordtest.All(scaling()), nil, autoscaling.Evaluator{})
	if err != nil || len(recorded.Findings) < 3 {
		t.Fatalf("%d findings, %v; want several limits", len(recorded.Findings), err)
	}
	for _, f := range recorded.Findings {
		stays := func(other judge.Finding) bool { return other.Check == f.Check && other.Limit == f.Limit }
		if !strings.HasPrefix(f.Limit, "replicas >=") && !slices.ContainsFunc(report.Findings, stays) {
			t.Errorf("%s: %s is not judged, want it to stay", f.Check, f.Limit)
		}
	}
}
