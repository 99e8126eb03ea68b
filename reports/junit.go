package reports

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// The elements of JUnit XML. What one dialect does not have is left out of it.
type (
	junitSuites struct {
		XMLName xml.Name     `xml:"testsuites"`
		Totals  []xml.Attr   `xml:",any,attr"`
		Suites  []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name       string           `xml:"name,attr"`
		Tests      int              `xml:"tests,attr"`
		Failures   int              `xml:"failures,attr"`
		Errors     int              `xml:"errors,attr"`
		Time       string           `xml:"time,attr"`
		Skipped    string           `xml:"skipped,attr,omitempty"` // 0: a skip is green
		Timestamp  string           `xml:"timestamp,attr"`
		Hostname   string           `xml:"hostname,attr"`
		Package    string           `xml:"package,attr,omitempty"`
		ID         string           `xml:"id,attr,omitempty"`
		Properties *junitProperties `xml:"properties"`
		Cases      []junitCase      `xml:"testcase"`
		Out        string           `xml:"system-out"`
		Err        *string          `xml:"system-err"`
	}
	junitCase struct {
		Class      string           `xml:"classname,attr"`
		Name       string           `xml:"name,attr"`
		File       string           `xml:"file,attr,omitempty"`
		Line       int              `xml:"line,attr,omitempty"`
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

// JUnit writes reports as JUnit XML: a test suite for each run, with a test case for each
// limit and each proof, one for the completion of the run and one for the undoing of its
// faults. The cases are those of the plan, whatever happened, and keep their names when a
// limit changes. Several runs of one experiment are numbered as trials: "trial 2: ...".
//
// A broken limit is a failure of the type broken; a run that an abort condition ended is
// one of the type aborted. Everything else that is not held is an error: of the type
// unknown, of the reason of the run's end (interrupted, stopped, failed), or "left behind".
// A limit that was held in a run without all proofs is an error, too. No case is ever
// skipped, because a skip is green. The message begins with the verdict and is also the
// first line of the content, because some viewers show only one of them.
//
// A case has the bounds of what was seen as properties, with the unit in the name, and the
// file and line of its limit. Not all readers accept these; see [StrictJUnit].
func JUnit(w io.Writer, list ...Report) error {
	all := junitSuites{Suites: junitSuitesOf(list)}
	tests, failures, errors, length := 0, 0, 0, time.Duration(0)
	for i, s := range all.Suites {
		tests += s.Tests
		failures += s.Failures
		errors += s.Errors
		length += list[i].Length
	}
	for _, total := range []junitProperty{
		{"name", "aftershock"},
		{"tests", strconv.Itoa(tests)},
		{"failures", strconv.Itoa(failures)},
		{"errors", strconv.Itoa(errors)},
		{"time", seconds(length)},
	} {
		all.Totals = append(all.Totals, xml.Attr{Name: xml.Name{Local: total.Name}, Value: total.Value})
	}
	return all.write(w)
}

// StrictJUnit writes reports as [JUnit] does, in the dialect of Ant's schema and of
// Jenkins' xunit plugin: test cases have no properties, no output, no file and no line.
// Their numbers are properties of the suite, named check/NAME/NUMBER.
func StrictJUnit(w io.Writer, list ...Report) error {
	all := junitSuites{Suites: junitSuitesOf(list)}
	for i := range all.Suites {
		s := &all.Suites[i]
		s.ID, s.Err, s.Skipped = strconv.Itoa(i), new(""), "" // not in all versions of Ant's schema
		s.Package = s.Cases[0].Class
		for j := range s.Cases {
			c := &s.Cases[j]
			if c.Properties != nil {
				for _, p := range c.Properties.List {
					s.property("check/"+c.Name+"/"+p.Name, p.Value)
				}
			}
			c.Properties, c.Out, c.File, c.Line = nil, "", "", 0
		}
	}
	return all.write(w)
}

func (all junitSuites) write(w io.Writer) error {
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

func junitSuitesOf(list []Report) []junitSuite {
	suites := []junitSuite{}
	for i, number := range trials(list) {
		suites = append(suites, suite(list[i], number))
	}
	return suites
}

// trials number the runs of one experiment from 1; an experiment with one run has none,
// which is 0.
func trials(list []Report) (numbers []int) {
	of, at := map[string]int{}, map[string]int{}
	key := func(r Report) string { return r.class() + " " + r.Experiment }
	for _, r := range list {
		of[key(r)]++
	}
	for _, r := range list {
		at[key(r)]++
		number := at[key(r)]
		if of[key(r)] == 1 {
			number = 0
		}
		numbers = append(numbers, number)
	}
	return numbers
}

// class is aftershock.NAMESPACE.SERVICE, as far as the record has them: viewers
// group by it, and dots are levels.
func (r Report) class() string {
	parts := []string{"aftershock"}
	for _, part := range []string{r.Namespace, r.Service} {
		if part != "" {
			parts = append(parts, strings.NewReplacer(".", "_", " ", "_").Replace(part))
		}
	}
	return strings.Join(parts, ".")
}

func suite(r Report, number int) junitSuite {
	trial := ""
	if number > 0 {
		trial = fmt.Sprintf("trial %d: ", number) // not of how many: with that a case would lose its history
	}
	s := junitSuite{
		Name:       trial + r.Experiment,
		Time:       seconds(r.Length),
		Timestamp:  r.Started.UTC().Format("2006-01-02T15:04:05"),
		Hostname:   "localhost",
		Skipped:    "0",
		Properties: &junitProperties{},
		Out:        oneLine(numbers(r)),
	}
	if _, host, ok := strings.Cut(r.Environment["from"], "@"); ok && host != "" {
		s.Hostname = host
	}
	for _, p := range []junitProperty{
		{"title", r.Title},
		{"run", r.Run},
		{"verdict", r.Verdict.String()},
		{"exit.code", strconv.Itoa(ExitCode(r))},
		{"end", r.End.Reason},
		{"load", r.Load},
		{"source", r.Source},
		{"hash", r.Hash},
		{"tool.version", r.toolVersion()},
		{"also", r.also()},
	} {
		if p.Value != "" {
			s.property(p.Name, p.Value)
		}
	}
	if r.Baseline != nil {
		s.property("baseline", r.Baseline.String())
	}
	for _, name := range keys(r.Environment) {
		s.property("environment."+name, r.Environment[name])
	}

	prefix := trial + strings.TrimPrefix(r.Experiment, r.Service+"/") + ": "
	add := func(name, source string, p problem, out string, ofLimit bool, properties ...junitProperty) {
		c := junitCase{Class: r.class(), Name: prefix + name, Time: "0", Out: oneLine(out)}
		if len(r.Phases) == 0 && p.kind == "" {
			p = r.completed() // nothing is green of what never began, not even that every fault is gone
		}
		if at := place(cmp.Or(source, r.Source)); at != nil {
			c.File, c.Line = at.File, at.Line
		}
		if len(properties) > 0 {
			c.Properties = &junitProperties{properties}
		}
		if len(s.Cases) == 0 {
			c.Time = s.Time // so that times add up
		}
		if r.Page != "" && (len(s.Cases) == 0 || ofLimit || p.kind != "") {
			c.Out = strings.TrimSpace(c.Out + "\n[[ATTACHMENT|" + r.Page + "]]")
		}
		s.add(c, p)
	}
	add("run: completed", "", r.completed(), fmt.Sprintf("%s, %s, exit code %d", r.End.Reason, r.Verdict, ExitCode(r)), false)
	add("run: undone", "", r.undone(), cmp.Or(r.inPlace(), r.Undone()), false)
	for _, p := range r.Proofs {
		if p.Name == judge.ProofUndone {
			continue
		}
		name := "proof: " + p.Name
		if p.Signal != "" && p.Signal != record.TrafficSignal {
			name += " of " + p.Signal
		}
		add(name, "", r.proof(p), p.Text, false)
	}
	names := r.names()
	for i, f := range r.Findings {
		if f.OfRun {
			continue // it is among the cases of the run
		}
		add(names[i], f.Source, r.limit(i), reading(f), true, limitProperties(f)...)
	}
	return s
}

func (s *junitSuite) property(name, value string) {
	s.Properties.List = append(s.Properties.List, junitProperty{name, value})
}

// A problem is why a test case is not green; the zero value: it is.
type problem struct {
	failure bool     // it is the service's, not the run's
	kind    string   // the type
	text    string   // what it is, in a sentence
	more    []string // lines
}

// headline is the text with its kind first.
func (p problem) headline() string { return strings.ToUpper(p.kind) + ": " + p.text }

func (s *junitSuite) add(c junitCase, p problem) {
	s.Tests++
	if p.kind != "" {
		message := p.headline()
		of := &junitProblem{Message: short(message, 300), Type: p.kind, Text: strings.Join(append([]string{message}, p.more...), "\n")}
		if p.failure {
			c.Failure = of
			s.Failures++
		} else {
			c.Error = of
			s.Errors++
		}
	}
	s.Cases = append(s.Cases, c)
}

// completed: the run came to its end. One that its own condition aborted, or that a
// person or a failure ended, has a type of its own; of one that could not be tested or observed, all is unknown.
func (r Report) completed() problem {
	detail := cmp.Or(r.End.Detail, "the run did not come to its end")
	for _, f := range r.Findings {
		if f.OfRun && f.Limit == judge.NotAborted {
			p := problem{failure: true, kind: record.Aborted, text: f.Text}
			if r.End.Reason != record.Aborted && r.End.Reason != record.Completed {
				p.text += "; " + r.End.Reason + ": " + detail
			}
			return p
		}
	}
	switch r.End.Reason {
	case record.Completed:
		return problem{}
	case record.Interrupted, record.Stopped, record.Refused, record.Failed:
		return problem{kind: r.End.Reason, text: detail}
	}
	return problem{kind: steadystate.Unknown.String(), text: r.End.Reason + ": " + detail}
}

// undone: every fault is gone. Of a fault that may still be in place it does not matter
// whether undoing it failed, or the record does not show it.
func (r Report) undone() problem {
	if left := r.inPlace(); left != "" {
		p := problem{kind: "left behind", text: left}
		if sweep := r.sweep(); sweep != "" {
			p.more = append(p.more, "look: "+sweep+" undoes it")
		}
		return p
	}
	if slices.ContainsFunc(r.Proofs, func(p judge.Proof) bool { return p.Name == judge.ProofUndone }) {
		return problem{}
	}
	return problem{kind: steadystate.Unknown.String(), text: "the record does not show that every fault is gone"}
}

// inPlace is what may still be in place, as such; empty: nothing.
func (r Report) inPlace() string {
	const may = "may still be in place: "
	left := r.InPlace()
	if left != "" && !strings.HasPrefix(left, may) {
		left = may + left
	}
	return left
}

// plainWord is what a shell needs no quotes for.
var plainWord = regexp.MustCompile(`^[A-Za-z0-9_./@%+=:,-]+$`)

// sweep is the command that undoes what a run left behind, with the file of the
// experiment; empty: it is of none.
func (r Report) sweep() string {
	at := place(r.Source)
	if at == nil {
		return ""
	}
	file := at.File
	if !plainWord.MatchString(file) {
		file = "'" + strings.ReplaceAll(file, "'", `'\''`) + "'"
	}
	return "aftershock sweep -f " + file
}

// proof is what is missing for a proof. A fault that the service's own
// configuration refuses is a finding about the service.
func (r Report) proof(p judge.Proof) problem {
	if p.Name == judge.ProofInjected {
		for _, f := range r.Findings {
			if f.OfRun && f.Limit != judge.NotAborted {
				return problem{failure: f.Verdict == steadystate.Broken, kind: f.Verdict.String(), text: fmt.Sprintf("%s: wanted %s: %s", f.Check, f.Limit, f.Text)}
			}
		}
	}
	if p.Verdict == steadystate.Held {
		return problem{}
	}
	return problem{kind: steadystate.Unknown.String(), text: "no proof: " + p.Text}
}

// limit is what is wrong with the limit of a finding: also that it is held in a run that
// does not prove it. Advice for other limits is none for this one.
func (r Report) limit(finding int) problem {
	f := r.Findings[finding]
	p := problem{failure: f.Verdict == steadystate.Broken, kind: f.Verdict.String(), text: reading(f)}
	if f.Verdict == steadystate.Held {
		if r.Proven() {
			return problem{}
		}
		p.kind, p.text = steadystate.Unknown.String(), "within the limit, but not proven: "+p.text
		p.more = append(p.more, each(r.Caveats, func(c string) string { return "why: " + c })...)
	}
	if f.Undecided != "" {
		p.more = append(p.more, "why: "+f.Undecided)
	}
	o, of := r.explained(f)
	p.more = append(p.more, sentences(of)...)
	if o != nil {
		p.more = append(p.more, "what: "+r.clock(o.Start.Middle())+" to "+r.clock(o.End.Middle())+" UTC, "+depth(*o))
	}
	for _, a := range r.Advice {
		if slices.Contains(a.Findings, finding) {
			text := a.String()
			if a.Fits != "" && a.Fits != of.Why {
				text += "; " + a.Fits
			}
			p.more = append(p.more, strings.ToLower(a.Name())+": "+text)
		}
	}
	if f.Where != "" {
		p.more = append(p.more, "look: "+f.Where)
	}
	return p
}

// reading is what was seen and wanted, in one line.
func reading(f judge.Finding) string {
	if f.Wanted == nil {
		return f.Limit + ": " + f.Text
	}
	return fmt.Sprintf("%s %s, wanted %s", f.Subject, f.Text, strings.TrimPrefix(f.Limit, f.Wanted.Quantity+" "))
}

func limitProperties(f judge.Finding) (list []junitProperty) {
	if f.Wanted == nil {
		return nil
	}
	unit := units[f.Wanted.Dimension]
	list = append(list, junitProperty{"limit." + unit, number(f.Wanted.Value)})
	if f.Seen != nil {
		list = append(list, junitProperty{"seen.low." + unit, number(f.Seen.Low)})
		if !f.Open {
			list = append(list, junitProperty{"seen.high." + unit, number(f.Seen.High)})
		}
	}
	return list
}

// names are those of the findings: the check and the limit without its bound, which
// stay when the bound is changed. Where two of a check would be alike, they have the
// operator or, with one operator, the whole limit.
func (r Report) names() []string {
	names := make([]string, len(r.Findings))
	for _, name := range []func(judge.Finding) string{
		func(f judge.Finding) string { return f.Check + ": " + cmp.Or(f.Subject, f.Limit) },
		func(f judge.Finding) string {
			if f.Wanted == nil {
				return f.Check + ": " + f.Limit
			}
			return f.Check + ": " + f.Subject + " " + f.Wanted.Operator
		},
		func(f judge.Finding) string { return f.Check + ": " + f.Limit },
	} {
		before := slices.Clone(names)
		for i, f := range r.Findings {
			alike := 0
			for _, other := range before {
				if other == before[i] {
					alike++
				}
			}
			if alike > 1 || names[i] == "" {
				names[i] = name(f)
			}
		}
	}
	return names
}

// oneLine is a text on one line of at most 1,000 characters, which is what Jenkins
// keeps.
func oneLine(text string) string { return short(strings.Join(strings.Fields(text), " "), 1000) }

func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

func seconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', 3, 64) }
