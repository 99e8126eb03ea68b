package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/aftershockhq/aftershock/experiments"
)

// row is what came of an experiment.
type row struct {
	experiment
	what     string
	verdict  string
	reason   string
	effect   string
	t0, t1   string
	ttr      string // of the first check
	left     string
	tries    int
	unknowns []string // why
}

// asWanted reports whether the verdict is the one wanted, of a fault that was
// seen and is gone: a service that breaks by itself shows nothing.
func (r row) asWanted() bool {
	return r.verdict == r.want && r.effect == "seen" && r.left == nothing
}

// nothing is what is to be left.
const nothing = "nothing"

func (r row) service() string { return cmp.Or(r.defect, "healthy") }

func (r *row) take(result experiments.Result) {
	r.verdict, r.reason = result.Verdict.String(), result.Reason
	r.effect, r.left = "?", "?"
	for _, p := range result.Proofs {
		switch seen := p.Verdict.String() == held; p.Name {
		case "effect":
			r.effect = map[bool]string{true: "seen", false: "not seen"}[seen]
		case "undone":
			r.left = map[bool]string{true: nothing, false: p.Text}[seen]
		}
	}
	r.t0, r.t1, r.ttr = "-", "-", "-"
	if len(result.Injections) > 0 {
		i := result.Injections[0]
		r.t0 = i.String()
		if i.Removed != nil {
			r.t1 = i.Removed.String()
		}
	}
	if len(result.Checks) > 0 && len(result.Checks[0].Recoveries) > 0 {
		recovery := result.Checks[0].Recoveries[0]
		r.ttr = fmt.Sprintf("%s..%s", recovery.TTR.Low.Round(time.Millisecond), recovery.TTR.High.Round(time.Millisecond))
		if recovery.Open {
			r.ttr = ">" + recovery.TTR.Low.Round(time.Millisecond).String()
		}
	}
}

// table prints the rows, and what was unknown at first.
func table(w io.Writer, rows []row) {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(cells ...string) { fmt.Fprintln(tw, strings.Join(cells, "\t")) }
	line("experiment", "service", "wanted", "verdict", "effect", "T0", "T1", "TTR", "left", "runs")
	for _, r := range rows {
		verdict := r.verdict
		if !r.asWanted() {
			verdict = strings.ToUpper(verdict)
		}
		line(r.what, r.service(), r.want, verdict, r.effect, r.t0, r.t1, r.ttr, r.left, fmt.Sprint(r.tries))
	}
	_ = tw.Flush() // the reader may have gone
	for _, r := range rows {
		for _, why := range r.unknowns {
			fmt.Fprintf(w, "unknown: %s on %s: %s\n", r.what, r.service(), why)
		}
	}
}
