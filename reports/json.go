package reports

import (
	"io"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/steadystate"
)

// A Document is what JSON writes.
type Document struct {
	// Format is "aftershock/results", Version 1.
	Format  string               `json:"format"`
	Version int                  `json:"version"`
	Verdict steadystate.Verdict  `json:"verdict"` // the worst
	Results []experiments.Result `json:"results"`
	// Recoveries are the waterfalls of the results, by their Run.
	Recoveries Recoveries `json:"recoveries,omitempty"`
}

// JSON writes results for programs, as one [Document]. Times are nanoseconds.
func JSON(w io.Writer, results ...experiments.Result) error {
	return Recoveries(nil).JSON(w, results...)
}

func document(results ...experiments.Result) Document {
	d := Document{Format: "aftershock/results", Version: 1, Results: results}
	var verdicts []steadystate.Verdict
	for _, r := range results {
		verdicts = append(verdicts, r.Verdict)
	}
	d.Verdict = steadystate.Worst(verdicts...)
	return d
}
