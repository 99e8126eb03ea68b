package gamedays

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/aftershockhq/aftershock/config"
	"github.com/aftershockhq/aftershock/experiments/stop"
	"github.com/aftershockhq/aftershock/steadystate"
)

// A Day is a game day of a configuration file.
type Day struct {
	config.GameDay
	Name  string
	Steps []Step

	// Freeze is the file's freeze with the windows of the day added. It applies to the runs
	// of the day's experiments.
	Freeze *config.Freeze

	windows stop.Freeze // those of Freeze
	file    *config.Plan
}

// A Step of a day is a list of experiments, or a pause.
type Step struct {
	config.DayStep
	Experiments []config.Planned // run one after the other; empty: a pause
}

// Of returns the game day with this name. The error lists the names that the file has.
func Of(plan *config.Plan, name string) (*Day, error) {
	g, err := plan.GameDay(name)
	if err != nil {
		return nil, err
	}
	freeze := config.Freeze{Running: config.RunningFinish}
	if plan.Freeze != nil {
		freeze = *plan.Freeze
	}
	freeze.Windows = slices.Concat(g.Windows, freeze.Windows)
	d := &Day{GameDay: g, Name: name, Freeze: &freeze, windows: stop.Freeze{Windows: freeze.Windows}, file: plan}
	for _, s := range g.Steps {
		step := Step{DayStep: s}
		if s.Run != "" {
			step.Experiments = plan.Chosen(s.Run)
		}
		d.Steps = append(d.Steps, step)
	}
	return d, nil
}

// Window describes the window that a time is in, and its end; empty if there is none.
func (d *Day) Window(at time.Time) (why string, err error) { return d.windows.Window(at) }

// Shortest returns how long the day takes at least, without its pauses.
func (d *Day) Shortest() (sum time.Duration) {
	for _, s := range d.Steps {
		sum += s.shortest()
	}
	return sum
}

func (s Step) shortest() (sum time.Duration) {
	for _, e := range s.Experiments {
		sum += shortest(e)
	}
	return sum
}

// shortest is how long an experiment takes at least.
func shortest(e config.Planned) time.Duration {
	hold := e.Times.Hold
	for _, f := range e.Faults {
		hold = max(hold, f.At+f.For)
	}
	return e.Times.Settle + hold + e.Times.Watch
}

// A Start is a time at which a day is planned to begin.
type Start struct {
	At      time.Time // in the day's zone
	Blocked string    // the window that prevents the start; empty: none
	// Meets is a window that begins before the day can be over. No experiment begins that
	// would still run in it.
	Meets string
	// LeftOut lists the starts between the previous one and this one that do not exist,
	// because the change to summer time skips them.
	LeftOut []string
	// ClocksChange says that the clocks change on that day.
	ClocksChange bool
}

// Starts returns the next n starts after a time. A day that begins once has one, or none
// if that time is over; a day without a schedule has one, at the given time.
func (d *Day) Starts(after time.Time, n int) (list []Start, err error) {
	at, again, err := d.Begins()
	if err != nil {
		return nil, err
	}
	zone := d.Zone()
	add := func(at time.Time, leftOut []string) error {
		s := Start{At: at.In(zone), LeftOut: leftOut}
		midnight := time.Date(s.At.Year(), s.At.Month(), s.At.Day(), 0, 0, 0, 0, zone)
		_, before := midnight.Zone()
		_, later := midnight.AddDate(0, 0, 1).Zone()
		s.ClocksChange = before != later
		if s.Blocked, err = d.Window(at); err == nil && s.Blocked == "" {
			s.Meets, err = d.windows.Within(at, at.Add(d.Shortest()))
		}
		list = append(list, s)
		return err
	}
	switch {
	case again != nil:
		for last := after; len(list) < n; last = list[len(list)-1].At {
			next := again.Next(last)
			if next.IsZero() {
				break
			}
			if err := add(next, again.LeftOut(last, next)); err != nil {
				return nil, err
			}
		}
	case at == nil:
		err = add(after, nil)
	case at.After(after):
		err = add(*at, nil)
	}
	return list, err
}

// Print writes what the day consists of, how long it takes, and its next n starts after a
// time, in its zone and in UTC, each with what prevents it. It contacts no cluster, and so
// knows nothing of stops.
func (d *Day) Print(w io.Writer, after time.Time, n int) error {
	starts, err := d.Starts(after, n)
	if err != nil {
		return err
	}
	var out strings.Builder
	fmt.Fprintf(&out, "game day %s: %s\n", d.Name, d.Why)
	fmt.Fprintf(&out, "  owner    %s\n", d.Owner)
	count, pauses := 0, 0
	for _, s := range d.Steps {
		count += len(s.Experiments)
		if s.Pause != "" {
			pauses++
		}
	}
	fmt.Fprintf(&out, "  takes    %s and more: %s", steadystate.FormatDuration(d.Shortest()), counted(count, "experiment"))
	if pauses > 0 {
		fmt.Fprintf(&out, ", and %s for as long as people need", counted(pauses, "pause"))
	}
	out.WriteString("\n")
	if d.AtMost > 0 {
		fmt.Fprintf(&out, "  at most  %s: nothing begins that would end later\n", steadystate.FormatDuration(d.AtMost))
		if d.AtMost < d.Shortest() {
			out.WriteString("           which is too short for all of its steps\n")
		}
	}
	fmt.Fprintf(&out, "  then     broken: %s; unknown: %s\n", d.Broken, d.Unknown)
	for i, s := range d.Steps {
		fmt.Fprintf(&out, "  %d. %s\n", i+1, d.stepText(s))
		for _, e := range s.Experiments {
			if s.Run != e.ID() {
				fmt.Fprintf(&out, "       %s\n", e.ID())
			}
		}
	}
	d.printStarts(&out, starts, after)
	_, err = io.WriteString(w, out.String())
	return err
}

func (d *Day) stepText(s Step) string {
	if s.Pause != "" {
		return "pause: " + s.Pause
	}
	text := fmt.Sprintf("run %s, %s and more", s.Run, steadystate.FormatDuration(s.shortest()))
	if s.Broken != d.Broken {
		text += "; broken: " + s.Broken
	}
	if s.Expect != "" {
		text += "; expect: " + s.Expect
	}
	return text
}

func (d *Day) printStarts(out io.Writer, starts []Start, after time.Time) {
	at, again, _ := d.Begins() // was read
	switch {
	case again == nil && at == nil:
		fmt.Fprintf(out, "  starts whenever it is run; now:\n")
	case len(starts) == 0:
		fmt.Fprintf(out, "  starts no more: %s is over\n", d.Start)
	default:
		fmt.Fprintf(out, "  starts %q, the next:\n", d.Start)
	}
	for _, s := range starts {
		for _, wall := range s.LeftOut {
			fmt.Fprintf(out, "    %s %s is left out: the clocks are set forward\n", wall, d.Zone())
		}
		fmt.Fprintf(out, "    %s = %s", stop.Clock(s.At), s.At.UTC().Format("Mon 2006-01-02 15:04 UTC"))
		if s.ClocksChange {
			fmt.Fprint(out, "  the clocks change on this day")
		}
		fmt.Fprintln(out)
		switch {
		case s.Blocked != "":
			fmt.Fprintf(out, "      does not begin: %s\n", s.Blocked)
		case s.Meets != "":
			fmt.Fprintf(out, "      begins, and is not over before %s\n", s.Meets)
		}
	}
}

// counted is a number of things.
func counted(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return fmt.Sprintf("%d %s", n, thing)
}
