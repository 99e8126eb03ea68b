package reports

import (
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/steadystate"
)

// The elements of JUnit XML as Jenkins, GitLab and GitHub read it.
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Errors   int          `xml:"errors,attr"`
		Time     string       `xml:"time,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name       string          `xml:"name,attr"`
		Tests      int             `xml:"tests,attr"`
		Failures   int             `xml:"failures,attr"`
		Errors     int             `xml:"errors,attr"`
		Time       string          `xml:"time,attr"`
		Timestamp  string          `xml:"timestamp,attr"`
		Properties []junitProperty `xml:"properties>property,omitempty"`
		Cases      []junitCase     `xml:"testcase"`
		Out        string          `xml:"system-out,omitempty"`
	}
	junitCase struct {
		Class      string           `xml:"classname,attr"`
		Name       string           `xml:"name,attr"`
		Time       string           `xml:"time,attr"`
		Properties *junitProperties `xml:"properties"`
		Failure    *junitProblem    `xml:"failure"`
		Error      *junitProblem    `xml:"error"`
		Out        string           `xml:"system-out,omitempty"`
	}
	junitProperties struct {
		List []junitProperty `xml:"property"`
	}
	junitProperty struct {
		Name  string `xml:"name,attr"`
		Value string `xml:"value,attr"`
	}
	junitProblem struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr"`
		Text    string `xml:",chardata"`
	}
)

// JUnit writes reports as JUnit XML: a test suite for each experiment, with a
// test case for its verdict, for each limit and for each proof. Broken is a
// failure and unknown an error; neither is ever skipped, since a skip is
// green. The numbers are properties of the test cases, and once more in the
// output of the suite, for viewers that do not show properties.
//
// The values of a check in a phase are CHECK.phase.PHASE.p95.low and the like,
// in the unit of the signal, which is seconds for requests. Those of a load's
// requests are SIGNAL.phase.PHASE.sent, planned.rate, p95.low and the like, and
// SIGNAL.stage.STAGE for a load with stages. Those of a recovery are
// recovery.POD.STAGE.low.seconds and high.seconds, open if it was not over, and
// recovery.POD.costliest; those of an autoscaler are
// autoscaling.NAMESPACE/NAME.STAGE.low.seconds and so on, and its sizes.
// hit.FAULT is how many of the pods a fault was in over time; if several faults
// have one text, each name ends with its index in the plan, hit.FAULT #0.
// Unknown figures have no property.
func JUnit(w io.Writer, list ...Report) error {
	all := junitSuites{Name: "aftershock"}
	total := time.Duration(0)
	for _, r := range list {
		s := suite(r)
		all.Suites = append(all.Suites, s)
		all.Tests += s.Tests
		all.Failures += s.Failures
		all.Errors += s.Errors
		total += r.Length
	}
	all.Time = seconds(total)
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func suite(r Report) junitSuite {
	s := junitSuite{
		Name:      r.Experiment,
		Time:      seconds(r.Length),
		Timestamp: r.Started.UTC().Format("2006-01-02T15:04:05"),
		Out:       numbers(r),
	}
	property := func(name, value string) {
		s.Properties = append(s.Properties, junitProperty{name, value})
	}
	length := func(name string, b steadystate.Bounds[time.Duration]) {
		property(name+".low.seconds", number(b.Low.Seconds()))
		property(name+".high.seconds", number(b.High.Seconds()))
	}
	part := func(prefix string, p judge.TrafficSegment) {
		property(prefix+"sent", strconv.Itoa(p.Sent))
		property(prefix+"failed.first", strconv.Itoa(p.FailedFirst))
		property(prefix+"local", strconv.Itoa(p.Local))
		property(prefix+"planned.rate", number(p.Rate))
		property(prefix+"sent.rate", number(p.SentRate))
		if p.Latency == nil {
			return
		}
		for _, f := range figures(*p.Latency) {
			property(prefix+f.name+".low", number(f.Low))
			property(prefix+f.name+".high", number(f.High))
		}
	}
	if r.Title != "" {
		property("title", r.Title)
	}
	property("run", r.Run)
	property("verdict", r.Verdict.String())
	property("window", r.Window.String())
	property("load", r.Load)
	if r.Source != "" {
		property("source", r.Source)
	}
	if r.Hash != "" {
		property("hash", r.Hash)
	}
	if r.Baseline != nil {
		property("baseline", r.Baseline.String())
	}
	for _, name := range keys(r.Environment) {
		property("environment."+name, r.Environment[name])
	}
	for _, c := range r.Checks {
		prefix := c.Check + "."
		property(prefix+"uptime.low", number(c.Uptime.Low))
		property(prefix+"uptime.high", number(c.Uptime.High))
		length(prefix+"downtime", c.Downtime)
		property(prefix+"resolution.seconds", number(c.Resolution.Seconds()))
		property(prefix+"outages", strconv.Itoa(len(c.Outages)))
		if c.MTTR != nil {
			length(prefix+"mttr", *c.MTTR)
			property(prefix+"mttr.n", strconv.Itoa(len(c.Recoveries)))
			property(prefix+"mttr.unrecovered", strconv.Itoa(c.Unrecovered))
		}
		if ttd := detected(c); ttd != nil {
			length(prefix+"ttd", *ttd)
		}
		if left := afterRemoval(c); left != nil {
			length(prefix+"ttr.after.removal", *left)
		}
		for _, p := range c.Phases {
			prefix := prefix + "phase." + p.Phase + "."
			property(prefix+"n", strconv.Itoa(p.N))
			for _, f := range figures(p.Distribution) {
				property(prefix+f.name+".low", number(f.Low))
				property(prefix+f.name+".high", number(f.High))
			}
		}
	}
	for _, i := range r.Injections {
		if hit := i.HitText(); hit != "" {
			property("hit."+r.faultName(i), hit)
		}
	}
	for _, signal := range keys(r.Traffic) {
		t := r.Traffic[signal]
		property(signal+".sent", strconv.Itoa(t.Sent))
		property(signal+".failed.first", strconv.Itoa(t.FailedFirst))
		property(signal+".failed.finally", strconv.Itoa(t.FailedFinally))
		property(signal+".repeated", strconv.Itoa(t.Repeated))
		property(signal+".late", strconv.Itoa(t.Late))
		for _, p := range t.Phases {
			part(signal+".phase."+p.Name+".", p)
		}
		for _, p := range t.Stages {
			part(signal+".stage."+p.Name+".", p)
		}
	}
	steps := func(prefix string, b judge.Breakdown) {
		for _, s := range b.Steps {
			if s.Took == nil {
				continue
			}
			length(prefix+s.Stage, *s.Took)
			if s.Open {
				property(prefix+s.Stage+".open", "true")
			}
		}
	}
	for _, w := range r.Waterfalls {
		prefix := "recovery." + w.Victim.Name + "."
		steps(prefix, w.Breakdown)
		property(prefix+"costliest", costliest(w))
	}
	for _, d := range r.Scalings {
		prefix := "autoscaling." + strings.TrimPrefix(d.Autoscaler, "hpa/") + "."
		property(prefix+"sizes", d.Sizes)
		steps(prefix, d.Breakdown)
	}

	verdict := junitCase{Name: "verdict", Time: seconds(r.Length)}
	s.add(r, verdict, r.Verdict, r.Reason, numbers(r))
	for _, f := range r.Findings {
		c := junitCase{Name: f.Check + ": " + f.Limit, Time: "0"}
		c.Properties = &junitProperties{List: []junitProperty{{"limit", f.Limit}, {"seen", f.Text}}}
		if f.Seen != nil {
			c.Properties.List = append(c.Properties.List,
				junitProperty{"seen.low", number(f.Seen.Low)}, junitProperty{"seen.high", number(f.Seen.High)})
		}
		message := fmt.Sprintf("wanted %s, seen %s", f.Limit, f.Text)
		detail := message
		if f.Undecided != "" {
			message += ": " + f.Undecided
			detail += "\nwhy: " + f.Undecided
		}
		if f.Where != "" {
			detail += "\nlook: " + f.Where
		}
		s.add(r, c, f.Verdict, message, detail)
	}
	for _, p := range r.Proofs {
		s.add(r, junitCase{Name: "proof: " + p.Name, Time: "0", Out: p.Text}, p.Verdict, p.Text, p.Text)
	}
	return s
}

func (s *junitSuite) add(r Report, c junitCase, v steadystate.Verdict, message, detail string) {
	c.Class = "aftershock." + strings.ReplaceAll(r.Experiment, ".", "_")
	problem := &junitProblem{Message: message, Type: v.String(), Text: detail}
	switch v {
	case steadystate.Held:
	case steadystate.Broken:
		c.Failure = problem
		s.Failures++
	default:
		c.Error = problem
		s.Errors++
	}
	s.Tests++
	s.Cases = append(s.Cases, c)
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

func seconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', 3, 64) }
