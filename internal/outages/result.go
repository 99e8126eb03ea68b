package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// A result is what came of a row, and is a line of the results.
type result struct {
	Row string `json:"row"`
	// From and To are when the outage took place, by the phases of the record, and
	// Began is the phase of the first.
	From, To, Began string
	Code            int    // that the run ended with
	Recorded        int    // that its record says
	Verdict         string // of the record
	Proven          bool   // by the judge
	Held, Proofs    int
	Says            string   // of the outage
	Met             int      `json:",omitempty"` // requests that met the outage in the gate
	Deletes         int      `json:",omitempty"` // those of them that delete a fault
	Left            []string // after the run
	Still           []string `json:",omitempty"` // after what is to remove that
	Gone            float64  `json:",omitempty"` // seconds until it had
	Printed         string
	Problem         string `json:",omitempty"`

	text string
}

// wrong is what is wrong with a result.
func (got result) wrong(r row) (list []string) {
	wrong := func(format string, args ...any) { list = append(list, fmt.Sprintf(format, args...)) }
	if got.Problem != "" {
		wrong("%s", got.Problem)
	}
	if !slices.Contains(r.ends, got.Code) {
		wrong("it ended with %d, want one of %v", got.Code, r.ends)
	}
	if !r.untouched {
		if got.Began != r.phase {
			wrong("the outage began in %s, and was to begin in %s", got.From, r.phase)
		}
		if got.Recorded != got.Code {
			wrong("it ended with %d, and its record says %d", got.Code, got.Recorded)
		}
		if got.Verdict == steadystate.Held.String() && (!got.Proven || got.Proofs == 0 || got.Held < got.Proofs) {
			wrong("held with %d of %d proofs", got.Held, got.Proofs)
		}
	}
	if r.through != "" && got.Met == 0 {
		wrong("no request to %s met the outage", r.through)
	}
	if r.through == apiServer && r.phase == record.PhaseRecover && got.Deletes == 0 {
		wrong("no delete of a fault met the outage")
	}
	if strings.Contains(got.Printed, "panic:") || strings.Contains(got.Printed, "goroutine ") {
		wrong("it crashed")
	}
	// A run that held with every proof had all that it needed. What a clock was is noted
	// in every run, and only that shows that it was stepped.
	if r.says != "" && got.Says == "" && (r.clock || got.Verdict != steadystate.Held.String()) {
		wrong("the report does not name the outage")
	}
	if r.remover == "" && len(got.Left) > 0 {
		wrong("left: %s", strings.Join(got.Left, "; "))
	}
	if len(got.Still) > 0 {
		wrong("left after %s: %s", r.remover, strings.Join(got.Still, "; "))
	}
	return list
}

// lines are those that are printed.
func (got result) lines(r row) string {
	left := "nothing"
	if len(got.Left) > 0 {
		left = fmt.Sprintf("%s; after %s: %d, %.0f s", strings.Join(got.Left, ", "), r.remover, len(got.Still), got.Gone)
	}
	lines := []string{fmt.Sprintf("%s: from %s to %s; exit %d, %s, %d of %d proofs held; left: %s\n  says: %s",
		got.Row, got.From, got.To, got.Code, got.Verdict, got.Held, got.Proofs, left, got.Says)}
	for _, what := range got.wrong(r) {
		lines = append(lines, "  WRONG: "+what)
	}
	return strings.Join(lines, "\n")
}

// table prints all rows. The last result of each counts.
func table(w io.Writer, all []row, done []result) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "\nOUTAGE\tFAULT\tFROM\tTO\tEXIT\tVERDICT\tPROOFS\tLEFT\t")
	var errs []error
	tried := 0
	for _, r := range all {
		i := len(done) - 1
		for ; i >= 0 && done[i].Row != r.id(); i-- {
		}
		if i < 0 {
			errs = append(errs, fmt.Errorf("%s: not tried", r.id()))
			continue
		}
		got, mark := done[i], ""
		tried++
		if list := got.wrong(r); len(list) > 0 {
			mark = "WRONG"
			errs = append(errs, fmt.Errorf("%s: %s", r.id(), strings.Join(list, "; ")))
		}
		left := "nothing"
		if len(got.Left) > 0 {
			left = fmt.Sprintf("%d; %d after %s", len(got.Left), len(got.Still), r.remover)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%d\t%s\t%d/%d\t%s\t%s\n", r.name, r.fault, got.From, got.To, got.Code, got.Verdict, got.Held, got.Proofs, left, mark)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(w, "%d of %d rows tried, %d wrong\n", tried, len(all), len(errs)-(len(all)-tried))
	return errors.Join(errs...)
}
