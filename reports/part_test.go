package reports_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/reports"
)

// A load that goes through stages is told by them, beside the phases of the
// run, in every format but JUnit.
func TestTheStagesOfALoadAreTold(t *testing.T) {
	list := entries("downtime <= 4s")
	list[1].Plan.Stages = map[string][]record.Stage{"requests": {{Name: "1: 10/s", Rate: 10}, {Name: "2: 20/s", After: 5 * time.Second, Rate: 20}}}
	report := judgedOf(t, list)
	for name, row := range map[string]struct {
		write func(*bytes.Buffer) error
		want  []string
	}{
		"text": {func(out *bytes.Buffer) error { return reports.Text(out, report) }, []string{
			"traffic by phase\n    requests  settle", "traffic by stage\n    requests  1: 10/s", "2: 20/s", "planned at 10/s", "p95 5ms",
		}},
		"html": {func(out *bytes.Buffer) error { return reports.HTML(out, report) }, []string{
			"<th scope=\"row\">2: 20/s</th><td class=\"n\">30</td><td class=\"n\">10/s</td>",
		}},
		"json": {func(out *bytes.Buffer) error { return reports.JSON(out, report) }, []string{`"name": "2: 20/s"`, `"sentPerSecond": 10`}},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			if err := row.write(&out); err != nil {
				t.Fatal(err)
			}
			for _, want := range row.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("no %q in\n%s", want, out.String())
				}
			}
		})
	}
}

// A session names all of its workloads, and a run is about one of them.
func TestARunIsAboutItsWorkload(t *testing.T) {
	const session = "cluster lab (https://198.51.100.2:6443), deployment checkout in shop, statefulset ledger in shop"
	for workload, want := range map[string]string{
		"deployment/shop/checkout": "on cluster lab, deployment checkout in shop",
		"statefulset/shop/ledger":  "on cluster lab, statefulset ledger in shop",
		"deployment/shop/other":    "on cluster lab, deployment checkout in shop, statefulset ledger in shop",
		"":                         "on cluster lab, deployment checkout in shop, statefulset ledger in shop",
	} {
		r := reports.Report{}
		r.Environment = map[string]string{"where": session}
		if workload != "" {
			r.Workload = &record.Workload{Subject: workload}
		}
		if about := r.About(); !strings.HasSuffix(about, ", 0s "+want) {
			t.Errorf("%q: %q, want %q at its end", workload, about, want)
		}
	}
}
