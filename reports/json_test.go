package reports_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/experiments/cause"
	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/reports"
	"github.com/aftershockhq/aftershock/reports/results"
	"github.com/aftershockhq/aftershock/steadystate"
)

func written(t *testing.T, list ...reports.Report) string {
	t.Helper()
	var out bytes.Buffer
	if err := reports.JSON(&out, list...); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestJSONHasTheWorstVerdictAndItsExitCode(t *testing.T) {
	text := written(t, judged(t)...)
	d, err := results.Read(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if d.Verdict != "broken" || d.ExitCode != 1 || len(d.Results) != 3 || d.Results[2].Verdict != "unknown" || d.Results[2].Run.ExitCode != 3 {
		t.Errorf("%s, exit code %d, of %d results", d.Verdict, d.ExitCode, len(d.Results))
	}
	for _, not := range []string{"Inf", "NaN", "null"} {
		if strings.Contains(text, not) {
			t.Errorf("JSON has %s", not)
		}
	}
}

// Who reads a document joins a limit with its outages, and a run with its case in JUnit.
func TestJSONRefersToOutagesAndTrials(t *testing.T) {
	phases := judgedOf(t, entries("downtime <= 4s", "errors <= 1% during inject", "rate <= 20/s"))
	phases.Phases[1].Span = steadystate.Span{To: s} // before the outage
	d := reports.Document(judged(t)[0], judged(t)[1], inShop(phases))
	for i, want := range []int{1, 2, 0} {
		if d.Results[i].Trial != want {
			t.Errorf("trial %d of %s, want %d", d.Results[i].Trial, d.Results[i].Experiment, want)
		}
	}
	got := map[string][]int{}
	for _, f := range d.Results[2].Findings {
		got[f.Limit.Text] = f.Outages
	}
	if want := map[string][]int{"downtime <= 4s": {0}, "errors <= 1% during inject": {}, "rate <= 20/s": {0}, "good at the end": {0}}; !reflect.DeepEqual(got, want) {
		t.Errorf("outages %v, want %v", got, want)
	}
}

// Where to look is said in words, and by the events themselves.
func TestWhereToLookRefersToEvents(t *testing.T) {
	r := judgedOf(t, entries("downtime <= 100ms"))
	d := reports.Document(r).Results[0]
	at := d.Findings[0].LookAt
	if at == nil || len(at.Events) != 1 || !strings.Contains(at.Text, d.Events[at.Events[0]].Subject+" gone") {
		t.Errorf("%+v, of %+v", at, d.Events)
	}
}

// What a program compares is no prose.
func TestAConditionIsNumbersInJSON(t *testing.T) {
	d := reports.Document(judged(t)[0])
	if got, want := d.Results[0].Checks[0].Good, (results.Good{Text: "<= 1s", Operator: "<=", Value: 1}); got != want || d.Results[0].Checks[0].Unit != "seconds" {
		t.Errorf("%+v in %s, want %+v", got, d.Results[0].Checks[0].Unit, want)
	}
}

// A number of an effect is one of something.
func TestTheUnitOfAnEffect(t *testing.T) {
	for _, row := range []struct {
		sentence, kind string
		effect         record.Effect
		want           string
	}{
		{"the latency of requests", record.KindNetworkDelay, record.Effect{Signal: "requests", Rise: 0.2}, "seconds"},
		{"the latency of another signal", record.KindNetworkDelay, record.Effect{Signal: "payments", Rise: 0.2}, "seconds"},
		{"CPU", record.KindStressCPU, record.Effect{Signal: "usage", Rise: 0.5, Ceiling: 1}, "cores"},
		{"memory", record.KindStressMemory, record.Effect{Signal: "memory", Rise: 1 << 20}, "bytes"},
		{"the signal of a check", "", record.Effect{Signal: "share", AtMost: new(0.)}, "share"},
		{"a signal of one's own", "", record.Effect{Signal: "disk", Rise: 0.08}, ""},
		{"a rate, which is multiplied", record.KindSurge, record.Effect{Signal: "requests", Times: 5}, ""},
		{"an event", "", record.Effect{Event: record.EventGone}, ""},
	} {
		r := reports.Report{Result: judge.Result{
			Checks:     []judge.CheckResult{{Check: "free", Signal: "share", Dimension: "share"}},
			Injections: []judge.InjectionResult{{Injection: record.Injection{Kind: row.kind, Effects: []record.Effect{row.effect}}}},
		}}
		if got := reports.Document(r).Results[0].Injections[0].Effects[0].Unit; got != row.want {
			t.Errorf("%s: %q, want %q", row.sentence, got, row.want)
		}
	}
}

// other are the reports of the tests, and some of what they do not have.
func others(t *testing.T) []reports.Report {
	open := entries("downtime <= 4s", "p95 <= 1s", "rate >= 1/s", "mean <= 1.5x baseline")
	for i, e := range open {
		if e.Requests != nil && e.At > 6*s {
			q := &open[i].Requests.List[0]
			q.Outcome = record.Outcome{Code: 503, Backend: "c", Attempts: 1}
		}
	}
	interrupted := entries("downtime <= 4s")
	interrupted[len(interrupted)-1].End = &record.End{Reason: record.Interrupted, Detail: "signal: interrupt"}
	left := entries("downtime <= 4s")
	left[len(left)-2].Removal.Error = "the API did not answer"
	never := entries("downtime <= 4s", "ttr <= 4s")[:20]
	notBegun := append(entries("downtime <= 4s")[:2], record.Entry{End: &record.End{Reason: record.NotBegun, Detail: "the session ended with the first"}})
	return append(judged(t), judgedOf(t, notBegun), judgedOf(t, recovering()), judgedOf(t, scaling()), judgedOf(t, open), judgedOf(t, interrupted), judgedOf(t, left), judgedOf(t, never))
}

// What is read from a document is shown as what was written.
func TestAReportReadFromJSONIsShownAsItWas(t *testing.T) {
	for _, want := range others(t) {
		list, err := reports.ReadJSON(strings.NewReader(written(t, want)))
		if err != nil {
			t.Fatal(err)
		}
		got := list[0]
		for _, f := range reports.Formats() {
			if f.Name == "html" {
				continue // without time series it has no chart
			}
			var a, b bytes.Buffer
			if err := errors.Join(f.Write(&a, want), f.Write(&b, got)); err != nil {
				t.Fatal(err)
			}
			if a.String() != b.String() {
				t.Errorf("%s of %s differs:\n%s", f.Name, want.Reason, difference(a.String(), b.String()))
			}
		}
	}
}

// difference is the first line in which texts differ.
func difference(a, b string) string {
	left, right := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(left), len(right)) {
		if left[i] != right[i] {
			return "want " + left[i] + "\ngot  " + right[i]
		}
	}
	return "one is longer"
}

// Every field of a report is in the document, and comes back as it was: a field that
// is new in the judge is one here too.
func TestEveryFieldOfAReportIsInJSON(t *testing.T) {
	var want reports.Report
	n := 0
	fill(t, reflect.ValueOf(&want).Elem(), "", &n)
	want.Environment["image.shop"] = "sha256:1, sha256:2"
	want.Scalings[0].Sizes = "2 -> 4 -> 2"
	for i := range want.Causes { // they are with the outages
		want.Causes[i].Check, want.Causes[i].Outage, want.Causes[i].Limit = want.Checks[0].Check, i, ""
	}
	broke := want.Causes[0] // and of a limit, with that
	broke.Check, broke.Outage, broke.Limit = want.Findings[0].Check, cause.NoOutage, want.Findings[0].Limit
	want.Findings[0].Verdict = steadystate.Broken
	want.Causes = append(want.Causes, broke)
	for i := range want.Checks[0].Phases {
		want.Checks[0].Phases[i].Phase = "hold"
	}
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got reports.Report
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	for signal, traffic := range want.Traffic { // which FailuresBy has too
		traffic.Failures = got.Traffic[signal].Failures
		want.Traffic[signal] = traffic
	}
	for _, differs := range differences(reflect.ValueOf(want), reflect.ValueOf(got), "Report") {
		t.Error("not in the document, or not read back: " + differs)
	}
	for _, image := range []string{`"container":"shop","digests":["sha256:1","sha256:2"]`} {
		if !strings.Contains(string(text), image) {
			t.Errorf("no %s in %s", image, text)
		}
	}
}

// fill gives every field a value of its own. An open end, which a document does not
// have, is left out.
func fill(t *testing.T, v reflect.Value, name string, n *int) {
	*n++
	switch p := v.Addr().Interface().(type) {
	case *time.Time:
		*p = time.Date(2026, 3, 2, 10, 15, *n, 0, time.UTC)
		return
	case *steadystate.Tolerance:
		*p = steadystate.MustParseTolerance("<= 2s")
		return
	case *steadystate.Verdict:
		*p = steadystate.Broken
		return
	case *time.Duration:
		*p = time.Duration(*n) * time.Millisecond
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		if name == "TimeSeries" {
			return
		}
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem(), name, n)
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() && f.Name != "TimeSeries" && f.Name != "Page" {
				fill(t, v.Field(i), f.Name, n)
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(t, v.Index(0), name, n)
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		value := reflect.New(v.Type().Elem()).Elem()
		fill(t, value, name, n)
		v.SetMapIndex(reflect.ValueOf("key").Convert(v.Type().Key()), value)
	case reflect.String:
		v.SetString(name + " text")
		switch name {
		case "Dimension":
			v.SetString("time")
		case "Source":
			v.SetString("shop.yaml:31")
		}
	case reflect.Bool:
		v.SetBool(name != "Open")
	case reflect.Int:
		v.SetInt(int64(*n))
	case reflect.Float64:
		v.SetFloat(float64(*n) / 8)
	default:
		t.Fatalf("%s: a %s", name, v.Kind())
	}
}

// differences are the exported fields in which values differ.
func differences(a, b reflect.Value, path string) (list []string) {
	if reflect.DeepEqual(a.Interface(), b.Interface()) {
		return nil
	}
	switch {
	case a.Kind() == reflect.Struct && a.Type() != reflect.TypeFor[time.Time]() && a.Type() != reflect.TypeFor[steadystate.Tolerance]():
		for i := range a.NumField() {
			if f := a.Type().Field(i); f.IsExported() {
				list = append(list, differences(a.Field(i), b.Field(i), path+"."+f.Name)...)
			}
		}
		return list
	case a.Kind() == reflect.Pointer && !a.IsNil() && !b.IsNil():
		return differences(a.Elem(), b.Elem(), path)
	case a.Kind() == reflect.Slice && a.Len() == b.Len():
		for i := range a.Len() {
			list = append(list, differences(a.Index(i), b.Index(i), path+"[]")...)
		}
		return list
	case a.Kind() == reflect.Map && a.Len() == b.Len():
		for _, key := range a.MapKeys() {
			if v := b.MapIndex(key); v.IsValid() {
				list = append(list, differences(a.MapIndex(key), v, path+"{}")...)
			}
		}
		return list
	}
	return []string{path}
}

func TestWhatIsNoDocumentIsRefused(t *testing.T) {
	good := written(t, judged(t)[0])
	for _, row := range []struct{ sentence, text, want string }{
		{"no JSON", "<html>", "read results: invalid character"},
		{"that of an earlier version", `{"results":[{"checks":[{"good":"<= 1s"}]}]}`, "read results: results.checks.good is string, and not as this version writes it: if an earlier one wrote it, judge its records again"},
		{"another format", strings.Replace(good, "aftershock/results", "other", 1), `want format "aftershock/results", version 1, not "other"`},
		{"another version", strings.Replace(good, `"version": 1`, `"version": 2`, 1), "version 2"},
		{"a verdict that there is not", strings.Replace(good, `"verdict": "held",`+"\n      \"reason\"", `"verdict": "green",`+"\n      \"reason\"", 1), `verdict "green"`},
		{"a tolerance that is none", strings.Replace(good, `"text": "\u003c= 1s"`, `"text": "much"`, 1), `tolerance "much"`},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			if row.text == good {
				t.Fatal("nothing was replaced")
			}
			if _, err := reports.ReadJSON(strings.NewReader(row.text)); err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("error %v, want %q", err, row.want)
			}
		})
	}
}
