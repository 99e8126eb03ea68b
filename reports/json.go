package reports

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/aftershockhq/aftershock/steadystate"
)

// ResultsFormat and ResultsVersion name the format of [JSON]. A version only ever
// gains fields.
const (
	ResultsFormat  = "aftershock/results"
	ResultsVersion = 1
)

// A Document is what JSON writes.
type Document struct {
	// Format is ResultsFormat, and Version is ResultsVersion.
	Format  string              `json:"format"`
	Version int                 `json:"version"`
	Verdict steadystate.Verdict `json:"verdict"` // the worst
	Results []Report            `json:"results"`
}

// JSON writes reports for programs, as one [Document]. Times are nanoseconds.
func JSON(w io.Writer, list ...Report) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	if err := e.Encode(Document{Format: ResultsFormat, Version: ResultsVersion, Verdict: Worst(list...), Results: list}); err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	return nil
}
