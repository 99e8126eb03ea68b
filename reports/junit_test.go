package reports_test

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aftershockhq/aftershock/experiments/cause"
	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/reports"
	"github.com/aftershockhq/aftershock/steadystate"
)

// What readers take of JUnit XML.
type (
	junitFile struct {
		Attrs  []xml.Attr `xml:",any,attr"`
		Suites []struct {
			Name     string `xml:"name,attr"`
			Tests    int    `xml:"tests,attr"`
			Failures int    `xml:"failures,attr"`
			Errors   int    `xml:"errors,attr"`
			Property []struct {
				Name  string `xml:"name,attr"`
				Value string `xml:"value,attr"`
			} `xml:"properties>property"`
			Cases []junitCase `xml:"testcase"`
			Out   string      `xml:"system-out"`
		} `xml:"testsuite"`
	}
	junitCase struct {
		Class   string        `xml:"classname,attr"`
		Name    string        `xml:"name,attr"`
		File    string        `xml:"file,attr"`
		Line    int           `xml:"line,attr"`
		Failure *junitProblem `xml:"failure"`
		Error   *junitProblem `xml:"error"`
		Skipped *struct{}     `xml:"skipped"`
		Out     string        `xml:"system-out"`
	}
	junitProblem struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr"`
		Text    string `xml:",chardata"`
	}
)

// problem is the failure or the error of a case; nil: it is green.
func (c junitCase) problem() *junitProblem {
	if c.Failure != nil {
		return c.Failure
	}
	return c.Error
}

func readJUnit(t *testing.T, write func(*bytes.Buffer) error) (file junitFile, text string) {
	t.Helper()
	var out bytes.Buffer
	if err := write(&out); err != nil {
		t.Fatal(err)
	}
	text = out.String()
	if err := xml.Unmarshal(out.Bytes(), &file); err != nil {
		t.Fatal(err)
	}
	return file, text
}

func junitOf(t *testing.T, list ...reports.Report) junitFile {
	t.Helper()
	file, _ := readJUnit(t, func(out *bytes.Buffer) error { return reports.JUnit(out, list...) })
	return file
}

// inShop is a report about a service of a configuration.
func inShop(r reports.Report) reports.Report {
	r.Experiment, r.Service, r.Namespace, r.Page = "checkout/pods/kill-one", "checkout", "bazaar", "runs/20260302T101500.000Z/report.html"
	for i := range r.Findings {
		r.Findings[i].Source = "shop.yaml:31"
	}
	return r
}

// ends are a run of each end, by the name of its experiment, and two of one
// experiment: broken first, then held.
func ends(t *testing.T) []reports.Report {
	of := func(name string, list []record.Entry) reports.Report {
		r := inShop(judgedOf(t, list))
		r.Experiment = "checkout/" + name
		return r
	}
	held := func() []record.Entry { return entries("downtime <= 4s", "ttr <= 4s") }
	interrupted, left, both := held(), held(), brokenRun(t)
	interrupted[len(interrupted)-1].End = &record.End{Reason: record.Interrupted, Detail: "signal: interrupt"}
	left[len(left)-2].Removal.Error = "the API did not answer"
	both[len(both)-1].End = &record.End{Reason: record.Interrupted, Detail: "signal: interrupt"}
	both[len(both)-2].Removal.Error = "the API did not answer"
	notBegun := append(held()[:2], record.Entry{End: &record.End{Reason: record.NotBegun, Detail: "the session ended with checkout/interrupted: interrupted: signal: interrupt"}})
	return []reports.Report{
		of("held", held()), of("broken", brokenRun(t)), of("unknown", held()[:60]), of("interrupted", interrupted), of("left-behind", left),
		of("broken-and-both", both), of("twice", brokenRun(t)), of("twice", held()),
		of("not-begun", notBegun),
	}
}

// These files are what "make readers" shows to other programs.
func TestJUnitOfEachEnd(t *testing.T) {
	list := ends(t)
	_, text := readJUnit(t, func(out *bytes.Buffer) error { return reports.JUnit(out, list...) })
	golden(t, "ends.xml", []byte(text))
	_, text = readJUnit(t, func(out *bytes.Buffer) error { return reports.StrictJUnit(out, list...) })
	golden(t, "ends-strict.xml", []byte(text))
}

// The attributes are the sums of the cases, in both dialects, and nothing is skipped.
func TestJUnitAddsUp(t *testing.T) {
	list := others(t)
	for name, write := range map[string]func(*bytes.Buffer) error{
		"default": func(out *bytes.Buffer) error { return reports.JUnit(out, list...) },
		"strict":  func(out *bytes.Buffer) error { return reports.StrictJUnit(out, list...) },
	} {
		file, text := readJUnit(t, write)
		tests, failures, errors := 0, 0, 0
		seen := map[string]bool{}
		for _, s := range file.Suites {
			f, e := 0, 0
			for _, c := range s.Cases {
				if c.Failure != nil {
					f++
				}
				if c.Error != nil {
					e++
				}
				if c.Failure != nil && c.Error != nil || c.Skipped != nil {
					t.Errorf("%s: %s has more than one outcome, or is skipped, which is green", name, c.Name)
				}
				if key := c.Class + " " + c.Name; seen[key] {
					t.Errorf("%s: two cases %s", name, key)
				} else {
					seen[key] = true
				}
			}
			if s.Tests != len(s.Cases) || s.Failures != f || s.Errors != e {
				t.Errorf("%s: %s says %d tests, %d failures, %d errors; there are %d, %d, %d", name, s.Name, s.Tests, s.Failures, s.Errors, len(s.Cases), f, e)
			}
			tests, failures, errors = tests+len(s.Cases), failures+f, errors+e
		}
		if want := fmt.Sprintf(`<testsuites name="aftershock" tests="%d" failures="%d" errors="%d"`, tests, failures, errors); name == "default" && !strings.Contains(text, want) {
			t.Errorf("no %s", want)
		}
		if name == "strict" && (len(file.Attrs) > 0 || strings.Contains(text, `line="`) || strings.Count(text, "<properties>") != len(file.Suites)) {
			t.Error("strict: what Ant's schema does not have is in it")
		}
	}
}

// broken is a run with a limit that is broken, beside one that is held.
func brokenRun(t *testing.T) []record.Entry { return entries("downtime <= 100ms", "ttr <= 4s") }

func TestWhatJUnitSaysOfARun(t *testing.T) {
	ended := func(list []record.Entry, reason, detail string) []record.Entry {
		list[len(list)-1].End = &record.End{Reason: reason, Detail: detail}
		return list
	}
	left := func(list []record.Entry) []record.Entry {
		list[len(list)-2].Removal.Error = "the API did not answer"
		return list
	}
	held := func() []record.Entry { return entries("downtime <= 4s", "ttr <= 4s") }
	notSteady := ended(slices.DeleteFunc(held(), func(e record.Entry) bool {
		return e.Injection != nil || e.Removal != nil || e.Event != nil || e.Phase != "" && e.Phase != record.PhaseSettle
	}), record.NotSteady, "answers: 40 of 80 bad")
	refused := held()
	for i, e := range refused {
		if e.Injection != nil {
			refused[i].Injection.FailureReason, refused[i].Injection.Refused = "PodDisruptionBudget shop allows no disruption", "can be drained"
		}
	}
	for _, row := range []struct {
		sentence string
		list     []record.Entry
		want     map[string]string // the beginning of the message of each that is red, by the end of its name
		types    map[string]string
		green    []string
	}{
		{"held is green", held(), map[string]string{}, nil, []string{"downtime", "ttr", "run: completed", "run: undone", "good at the end"}},
		{
			"broken, and what was held beside it is green",
			brokenRun(t),
			map[string]string{"answers: downtime": "BROKEN: downtime 395ms to 1.905s, wanted <= 100ms"},
			map[string]string{"answers: downtime": "failure broken"},
			[]string{"ttr", "run: completed"},
		},
		{
			"interrupted: no limit is green",
			ended(held(), record.Interrupted, "signal: interrupt"),
			map[string]string{"run: completed": "INTERRUPTED: signal: interrupt", "answers: downtime": "UNKNOWN: ", "answers: ttr": "UNKNOWN: ", "good at the end": "UNKNOWN: "},
			map[string]string{"run: completed": "error interrupted"},
			[]string{"run: undone", "proof: injected"},
		},
		{
			"broken and interrupted: both are told",
			ended(brokenRun(t), record.Interrupted, "signal: interrupt"),
			map[string]string{"run: completed": "INTERRUPTED: ", "answers: downtime": "BROKEN: ", "answers: ttr": "UNKNOWN: ", "good at the end": "UNKNOWN: "},
			nil, nil,
		},
		{
			"left behind: no limit is green",
			left(held()),
			map[string]string{
				"run: undone": "LEFT BEHIND: may still be in place: kill b: the API did not answer", "answers: downtime": "UNKNOWN: within the limit, but not proven: downtime 395ms to 1.905s, wanted <= 4s",
				"answers: ttr": "UNKNOWN: ", "good at the end": "UNKNOWN: ",
			},
			map[string]string{"run: undone": "error left behind"},
			[]string{"run: completed"},
		},
		{
			"aborted is a failure of the run, once",
			ended(held(), record.Aborted, "errors were above 20 %"),
			map[string]string{"run: completed": "ABORTED: errors were above 20 %", "answers: downtime": "UNKNOWN: ", "answers: ttr": "UNKNOWN: ", "good at the end": "UNKNOWN: "},
			map[string]string{"run: completed": "failure aborted"},
			nil,
		},
		{
			"aborted, and killed before it wrote its end: both are told",
			slices.Insert(held()[:len(held())-2], len(held())-2, record.Entry{At: 8 * s, Event: &record.Event{
				Kind: record.EventAborting, Subject: "abort/errors", Span: steadystate.Instant(7 * s), Attrs: map[string]string{record.AttrReason: "errors were above 20 %"},
			}}),
			map[string]string{
				"run: completed": "ABORTED: errors were above 20 %; the run was killed before its end; cut: ", "run: undone": "LEFT BEHIND: ",
				"answers: downtime": "UNKNOWN: ", "answers: ttr": "UNKNOWN: ", "good at the end": "UNKNOWN: ",
			},
			map[string]string{"run: completed": "failure aborted"},
			nil,
		},
		{
			"not steady: the limits are there all the same",
			notSteady,
			map[string]string{
				"run: completed": "UNKNOWN: not steady: answers", "answers: downtime": "UNKNOWN: downtime not judged, wanted <= 4s", "answers: ttr": "UNKNOWN: ", "good at the end": "UNKNOWN: ",
				"proof: injected": "UNKNOWN: no proof: ", "proof: covered": "UNKNOWN: ", "proof: observed": "UNKNOWN: ",
			},
			map[string]string{"answers: downtime": "error unknown", "run: completed": "error unknown"},
			nil,
		},
		{
			"not begun: nothing is green, not even that every fault is gone",
			append(held()[:2], record.Entry{End: &record.End{Reason: record.NotBegun, Detail: "the first was interrupted"}}),
			map[string]string{
				"run: completed": "UNKNOWN: not begun: the first was interrupted", "run: undone": "UNKNOWN: not begun: ", "proof: injected": "UNKNOWN: no proof: ", "proof: effect": "UNKNOWN: ",
				"proof: exposed": "UNKNOWN: ", "proof: steady": "UNKNOWN: ", "proof: load held": "UNKNOWN: ", "proof: observed": "UNKNOWN: ", "proof: covered": "UNKNOWN: ",
				"answers: downtime": "UNKNOWN: downtime not judged, wanted <= 4s", "answers: ttr": "UNKNOWN: ", "good at the end": "UNKNOWN: ",
			},
			map[string]string{"run: completed": "error unknown"},
			nil,
		},
		{
			"a fault that the configuration of the service refuses is broken, once",
			refused,
			map[string]string{
				"proof: injected":   "BROKEN: kill b: wanted can be drained: PodDisruptionBudget shop allows no disruption",
				"answers: downtime": "UNKNOWN: within", "answers: ttr": "UNKNOWN: ", "good at the end": "UNKNOWN: ",
			},
			map[string]string{"proof: injected": "failure broken"},
			nil,
		},
		{
			"cut: the record does not show that it is undone",
			held()[:len(held())-2],
			map[string]string{"run: completed": "UNKNOWN: cut: ", "run: undone": "LEFT BEHIND: may still be in place: kill b: ", "answers: downtime": "UNKNOWN: ", "answers: ttr": "UNKNOWN: ", "good at the end": "UNKNOWN: "},
			map[string]string{"run: undone": "error left behind"},
			nil,
		},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			suite := junitOf(t, judgedOf(t, row.list)).Suites[0]
			names := []string{}
			for _, c := range suite.Cases {
				names = append(names, c.Name)
				want, expected := "", false
				for end, message := range row.want {
					if strings.HasSuffix(c.Name, end) {
						want, expected = message, true
					}
				}
				p := c.problem()
				switch {
				case p == nil && expected:
					t.Errorf("%s is green, want %s", c.Name, want)
				case p != nil && !expected:
					if len(row.want) == 0 || !strings.HasPrefix(c.Name, "kill one of three: proof: ") {
						t.Errorf("%s is red: %s", c.Name, p.Message)
					}
				case p != nil && (!strings.HasPrefix(p.Message, want) || !strings.HasPrefix(p.Text, strings.TrimSuffix(p.Message, "…"))):
					t.Errorf("%s: message %q, want %q; content %q, want the message first", c.Name, p.Message, want, p.Text)
				}
				for end, of := range row.types {
					if strings.HasSuffix(c.Name, end) {
						got := "error "
						if c.Failure != nil {
							got = "failure "
						}
						if got += p.Type; got != of {
							t.Errorf("%s is %q, want %q", c.Name, got, of)
						}
					}
				}
				for _, end := range row.green {
					if strings.HasSuffix(c.Name, end) && p != nil {
						t.Errorf("%s is red: %s", c.Name, p.Message)
					}
				}
			}
			want := []string{}
			for _, c := range junitOf(t, judgedOf(t, held())).Suites[0].Cases {
				want = append(want, c.Name)
			}
			if !slices.Equal(names, want) {
				t.Errorf("cases\n%s\nwant those of the plan\n%s", strings.Join(names, "\n"), strings.Join(want, "\n"))
			}
		})
	}
}

// The set of cases is the plan's also where an autoscaler is expected.
func TestTheCasesOfAnAutoscalerArePlanned(t *testing.T) {
	names := func(list []record.Entry) (names []string) {
		for _, c := range junitOf(t, judgedOf(t, list)).Suites[0].Cases {
			names = append(names, c.Name)
		}
		return names
	}
	never := slices.DeleteFunc(scaling(), func(e record.Entry) bool {
		return e.Injection != nil || e.Removal != nil || e.Event != nil || e.Phase != "" && e.Phase != record.PhaseSettle
	})
	if got, want := names(never), names(scaling()); !slices.Equal(got, want) {
		t.Errorf("cases\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestTheNameOfACaseIsItsOwnAndStays(t *testing.T) {
	find := func(file junitFile, end string) junitCase {
		for _, c := range file.Suites[0].Cases {
			if strings.HasSuffix(c.Name, end) {
				return c
			}
		}
		t.Fatalf("no case %q", end)
		return junitCase{}
	}
	c := find(junitOf(t, inShop(judgedOf(t, entries("downtime <= 1s")))), "downtime")
	if c.Class != "aftershock.bazaar.checkout" || c.Name != "pods/kill-one: shop answers: downtime" || c.File != "shop.yaml" || c.Line != 31 {
		t.Errorf("%+v", c)
	}
	if !strings.HasSuffix(c.Out, "\n[[ATTACHMENT|runs/20260302T101500.000Z/report.html]]") {
		t.Errorf("output %q, want the page as an attachment", c.Out)
	}
	if other := find(junitOf(t, inShop(judgedOf(t, entries("downtime <= 2s")))), "downtime"); other.Name != c.Name {
		t.Errorf("with another limit it is %q", other.Name)
	}
	file := junitOf(t, judgedOf(t, entries("rate >= 1/s", "rate <= 20/s", "p95 <= 1s", "p95 <= 1s during hold", "p95 of good <= 1s", "ttr <= 4s after removal", "p50 <= 1.5x baseline")))
	for _, name := range []string{"rate >=", "rate <=", "p95", "p95 during hold", "p95 of good", "ttr after removal", "p50 baseline", "good at the end"} {
		find(file, "shop answers: "+name)
	}
	// Two runs of one experiment, and one of another.
	one, two, three := inShop(judged(t)[0]), inShop(judged(t)[1]), judged(t)[0]
	file = junitOf(t, one, two, three)
	for i, prefix := range []string{"trial 1: pods/kill-one: ", "trial 2: pods/kill-one: ", "kill one of three: "} {
		for _, c := range file.Suites[i].Cases {
			if !strings.HasPrefix(c.Name, prefix) {
				t.Errorf("%q, want it to begin with %q", c.Name, prefix)
			}
		}
	}
}

// A limit on a phase, or on a share, is explained by the outage that broke it, which is not
// always the longest.
func TestALimitIsExplainedByTheOutageThatBrokeIt(t *testing.T) {
	r := judgedOf(t, entries("p95 <= 1ms during hold", "downtime <= 100ms"))
	c := &r.Checks[0]
	hold := c.Outages[0]
	long := hold
	long.Start, long.End = steadystate.Instant(5*s), steadystate.Instant(8*s)
	c.Outages = append(c.Outages, long)
	r.Phases = slices.DeleteFunc(r.Phases, func(p judge.PhaseResult) bool { return p.Name != record.PhaseHold })
	r.Phases[0].Span = steadystate.Span{From: 2 * s, To: 4 * s}
	r.Causes = []cause.Cause{{Check: c.Check, Outage: 0, Why: "the first"}, {Check: c.Check, Outage: 1, Why: "the longest"}}
	r.Advice = []cause.Advice{{What: "mend it", Fits: "the longest", Findings: []int{0, 1}}}
	for end, want := range map[string]string{"p95 during hold": "why: the first", "downtime": "why: the longest"} {
		for _, c := range junitOf(t, r).Suites[0].Cases {
			if strings.HasSuffix(c.Name, "answers: "+end) && !strings.Contains(c.problem().Text, want) {
				t.Errorf("%s: want %q in\n%s", c.Name, want, c.problem().Text)
			}
			if strings.HasSuffix(c.Name, "answers: "+end) && strings.Contains(c.problem().Text, "\nmend: mend it; the longest\n") != (want == "why: the first") {
				t.Errorf("%s: want advice to say what it follows from if that is not told in\n%s", c.Name, c.problem().Text)
			}
		}
	}
}

// The command that undoes what is left names the file of the experiment.
func TestTheSweepOfWhatIsLeftNamesTheFile(t *testing.T) {
	list := brokenRun(t)
	list[len(list)-2].Removal.Error = "the API did not answer"
	for source, want := range map[string]string{"shop.yaml:41": "aftershock sweep -f shop.yaml", "our shop's.yaml:41": `aftershock sweep -f 'our shop'\''s.yaml'`, "": ""} {
		r := judgedOf(t, list)
		r.Source = source
		text := junitOf(t, r).Suites[0].Cases[1].problem().Text
		if _, got, _ := strings.Cut(text, "\nlook: "); strings.TrimSuffix(got, " undoes it") != want {
			t.Errorf("%q: want %q in\n%s", source, want, text)
		}
		var out bytes.Buffer
		if err := reports.Markdown(&out, r); err != nil {
			t.Fatal(err)
		}
		if want != "" && !strings.Contains(out.String(), "**A FAULT MAY STILL BE IN PLACE**: may still be in place: kill b: the API did not answer; `"+want+"` undoes it\n") {
			t.Errorf("no %q in\n%s", want, &out)
		}
	}
}

// What a limit breaks by is not mended by the advice for another.
func TestAdviceIsOnlyAtItsLimits(t *testing.T) {
	r := judgedOf(t, entries("downtime <= 100ms", "ttr <= 100ms", "rate <= 20/s"))
	r.Findings = append(r.Findings, judge.Finding{Check: "other", Limit: "long", Reading: steadystate.Reading{Text: "not judged"}})
	r.Advice = []cause.Advice{{What: "more of it", Findings: []int{0}}, {What: "is it there?", Question: true, Findings: []int{0, 1}}}
	for end, want := range map[string][2]bool{"answers: downtime": {true, true}, "answers: ttr": {false, true}, "other: long": {}} {
		for _, c := range junitOf(t, r).Suites[0].Cases {
			if !strings.HasSuffix(c.Name, end) {
				continue
			}
			text := c.problem().Text
			if got := [2]bool{strings.Contains(text, "\nmend: more of it"), strings.Contains(text, "\nask: is it there?")}; got != want {
				t.Errorf("%s has the recommendation and the question: %v, want %v, in\n%s", c.Name, got, want, text)
			}
		}
	}
}

// A viewer that shows two lines shows what was wanted and seen, and why.
func TestTheNumbersOfACase(t *testing.T) {
	_, text := readJUnit(t, func(out *bytes.Buffer) error { return reports.JUnit(out, others(t)...) })
	for _, want := range []string{
		`<property name="limit.seconds" value="0.1"></property>` + "\n        " + `<property name="seen.low.seconds" value="0.395"></property>` + "\n        " + `<property name="seen.high.seconds" value="1.905"></property>`,
		`<property name="limit.multiple" value="1.5">`, `<property name="limit.perSecond" value="1">`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s", want)
		}
	}
	for _, suite := range junitOf(t, ends(t)...).Suites {
		for _, c := range suite.Cases {
			limit := strings.Contains(c.Name, "shop answers: ")
			if page := strings.HasSuffix(c.Out, "[[ATTACHMENT|runs/20260302T101500.000Z/report.html]]"); (limit || c.problem() != nil) && !page {
				t.Errorf("%s, a limit or red, does not have the page: %q", c.Name, c.Out)
			}
			if strings.HasPrefix(c.Out, "[[") && !strings.HasSuffix(c.Name, "run: undone") {
				t.Errorf("%s has no line of what was seen: %q", c.Name, c.Out)
			}
		}
	}
	r := judged(t)[0]
	r.Checks = slices.Repeat(r.Checks, 20)
	if out := junitOf(t, r).Suites[0].Out; len([]rune(out)) != 1000 {
		t.Errorf("the line of the suite has %d characters, want those that Jenkins keeps", len([]rune(out)))
	}
	r = judged(t)[0]
	r.Findings = append(r.Findings, judge.Finding{Check: "c", Limit: "long", Reading: steadystate.Reading{Verdict: steadystate.Broken, Text: strings.Repeat("wörd ", 400)}})
	cases := junitOf(t, r).Suites[0].Cases
	c := cases[len(cases)-1]
	if n := len([]rune(c.Failure.Message)); n != 300 || !strings.HasPrefix(c.Failure.Text, strings.TrimSuffix(c.Failure.Message, "…")) || len([]rune(c.Out)) != 1000 || strings.Contains(c.Out, "\n") {
		t.Errorf("a message of %d characters, an output of %d", n, len([]rune(c.Out)))
	}
}
