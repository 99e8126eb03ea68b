package reports

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/recovery"
)

// Recoveries are the waterfalls of results, by [experiments.Result.Run]. They
// are told beside the results: the functions of this package without them tell
// the results alone.
type Recoveries map[string][]recovery.Waterfall

// Text writes a result for people like [Text], with its waterfalls.
func (r Recoveries) Text(w io.Writer, result experiments.Result) error {
	if err := Text(w, result); err != nil {
		return err
	}
	return Waterfalls(w, r[result.Run]...)
}

// Texts writes the Text of each result and the [Summary] of all.
func (r Recoveries) Texts(w io.Writer, results ...experiments.Result) error {
	for _, result := range results {
		if err := r.Text(w, result); err != nil {
			return err
		}
		if _, err := io.WriteString(w, "\n"); err != nil {
			return err
		}
	}
	return Summary(w, results...)
}

// Waterfalls writes waterfalls for people, as sections of a Text.
func Waterfalls(w io.Writer, list ...recovery.Waterfall) error {
	var out bytes.Buffer
	for _, waterfall := range list {
		out.WriteString("\n")
		for line := range strings.Lines(waterfall.String()) {
			out.WriteString("  " + line)
		}
	}
	_, err := w.Write(out.Bytes())
	return err
}

// JUnit writes results like [JUnit], with the figures of their waterfalls as
// properties of their suites: recovery.POD.STAGE.low.seconds and
// high.seconds, open where it was not over, and recovery.POD.costliest. A stage
// whose cost is not known has none.
func (r Recoveries) JUnit(w io.Writer, results ...experiments.Result) error {
	all := junit(results...)
	for i, result := range results {
		s := &all.Suites[i]
		for _, waterfall := range r[result.Run] {
			s.Properties = append(s.Properties, properties(waterfall)...)
		}
	}
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

// properties are the figures of a waterfall.
func properties(w recovery.Waterfall) []junitProperty {
	prefix := "recovery." + w.Victim.Name + "."
	var list []junitProperty
	for _, s := range w.Steps {
		if s.Cost == nil {
			continue
		}
		stage := prefix + string(s.Stage) + "."
		list = append(list,
			junitProperty{stage + "low.seconds", number(s.Cost.Low.Seconds())},
			junitProperty{stage + "high.seconds", number(s.Cost.High.Seconds())})
		if s.Open {
			list = append(list, junitProperty{stage + "open", "true"})
		}
	}
	step, undecided := w.Costliest()
	if undecided == "" {
		undecided = string(step.Stage)
	}
	return append(list, junitProperty{prefix + "costliest", undecided})
}

// JSON writes results like [JSON], with their waterfalls.
func (r Recoveries) JSON(w io.Writer, results ...experiments.Result) error {
	d := document(results...)
	d.Recoveries = r
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	if err := e.Encode(d); err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	return nil
}
