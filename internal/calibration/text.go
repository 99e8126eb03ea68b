package calibration

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// Text writes the report for people.
func (r Report) Text(w io.Writer) error {
	fmt.Fprintf(w, "%s, %s, %d cores", r.Machine.System, r.Machine.Go, r.Machine.Cores)
	if r.Machine.Load != "" {
		fmt.Fprintf(w, ", load average %s", r.Machine.Load)
	}
	fmt.Fprintf(w, "\n%d trials of each kind at %d requests/s, seed %d, %d at once, %s\n\n",
		r.Trials, r.Rate, r.Seed, r.Parallel, r.Took.Round(time.Second))

	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "\t\t\t\tbounds hold\t\t\t\t\t\twidth\t\terror, p50/p95/max\t\t\t")
	fmt.Fprintln(table, "kind\tsettle\tn\tseen\tstart\tend\tlength\tall\tmissed\tinvented\tstart\tend\tstart\tend\tlength\tlate\t")
	for _, s := range r.Kinds {
		fmt.Fprintf(table, "%s\t%s\t%d\t%d/%d\t%d\t%d\t%d\t%d\t%d\t%d\t%s\t%s\t%s\t%s\t%s\t%d\t\n",
			s.Kind, s.Settle, s.N, s.Reported, s.Planted, s.Held.Start, s.Held.End, s.Held.Length, s.Held.All, s.Missed, s.Invented,
			ms(s.StartWidth), ms(s.EndWidth), s.StartError, s.EndError, s.LengthError, s.Late)
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	fmt.Fprintln(w, "\nWidths (median) and errors (of the middle of the bounds) are in milliseconds.")
	for _, s := range r.Kinds {
		if s.Unseeable > 0 {
			fmt.Fprintf(w, "%s: %d outages were shorter than the stated resolution (median %s ms) and not seen\n", s.Kind, s.Unseeable, ms(s.Resolution))
		}
		if s.Split > 0 {
			fmt.Fprintf(w, "%s: %d outages were reported as more than one\n", s.Kind, s.Split)
		}
		if s.LoadNotHeld > 0 {
			fmt.Fprintf(w, "%s: in %d trials the instrument said that its load was not as asked; they count anyway\n", s.Kind, s.LoadNotHeld)
		}
		if s.Disturbed > 0 {
			fmt.Fprintf(w, "%s: %d more trials are not compared, since this machine kept the planted service waiting for over %s ms, so the ground truth is unknown; by what was planted %d of them were wrong\n",
				s.Kind, s.Disturbed, ms(s.Tolerance/5), s.DisturbedWrong)
		}
		if s.N < s.Wanted {
			fmt.Fprintf(w, "%s: only %d of %d trials asked for could be compared\n", s.Kind, s.N, s.Wanted)
		}
		if s.NotRun > 0 {
			fmt.Fprintf(w, "%s: %d trials did not come to their end: %s\n", s.Kind, s.NotRun, r.notRun(s.Kind))
		}
	}
	fmt.Fprintf(w, "this machine kept the calibration waiting for at most (median/p95/max of the trials) %s ms\n", r.starved())
	if r.Interrupted {
		fmt.Fprintf(w, "stopped after %d of %d trials\n", len(r.List), r.Trials*len(r.Kinds))
	}
	_, err := fmt.Fprintf(w, "%s\n", r.conclusion())
	if err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// conclusion is the verdict in one sentence.
func (r Report) conclusion() string {
	var sum Summary
	for _, s := range r.Kinds {
		sum.N += s.N
		sum.NotRun += s.NotRun
		sum.Reported += s.Reported
		sum.Held.All += s.Held.All
		sum.Missed += s.Missed
		sum.Invented += s.Invented
	}
	return fmt.Sprintf("calibration %s: the bounds of %d of %d outages hold the truth; %d missed, %d invented in %d trials",
		r.Verdict, sum.Held.All, sum.Reported, sum.Missed, sum.Invented, sum.N)
}

func (r Report) starved() Spread {
	sample := make([]time.Duration, 0, len(r.List))
	for _, t := range r.List {
		sample = append(sample, t.Starved)
	}
	return spread(sample)
}

// notRun is why the first trial of the kind was not run.
func (r Report) notRun(k Kind) string {
	for _, t := range r.List {
		if t.Kind == k && t.NotRun != "" {
			return t.NotRun
		}
	}
	return ""
}

// String is the spread in milliseconds.
func (s Spread) String() string { return ms(s.P50) + "/" + ms(s.P95) + "/" + ms(s.Max) }

func ms(d time.Duration) string {
	return fmt.Sprintf("%.1f", float64(d)/float64(time.Millisecond))
}
