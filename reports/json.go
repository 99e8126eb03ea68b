package reports

import (
	"encoding/json"
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
}

// JSON writes results for programs, as one [Document]. Times are nanoseconds.
func JSON(w io.Writer, results ...experiments.Result) error {
	d := Document{Format: "aftershock/results", Version: 1, Results: results}
	var verdicts []steadystate.Verdict
	for _, r := range results {
		verdicts = append(verdicts, r.Verdict)
	}
	d.Verdict = steadystate.Worst(verdicts...)
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(d)
}
