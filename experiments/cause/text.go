package cause

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aftershockhq/aftershock/steadystate"
)

// namedBackends is how many backends a sentence names.
const namedBackends = 3

// who says which backends failed and how: "all 50 from b, which replaced a: 503".
func (in *Inquiry) who(o *outage, failures []Failure) string {
	type share struct {
		backend string
		n       int
		why     []string
	}
	var shares []share
	all := 0
	for _, f := range failures {
		i := slices.IndexFunc(shares, func(s share) bool { return s.backend == f.Backend })
		if i < 0 {
			i = len(shares)
			shares = append(shares, share{backend: f.Backend})
		}
		shares[i].n += f.Requests
		shares[i].why = append(shares[i].why, fmt.Sprintf("%d %s", f.Requests, f.Reason))
		all += f.Requests
	}
	slices.SortStableFunc(shares, func(a, b share) int { return cmp.Compare(b.n, a.n) })
	// One reason needs no number of its own.
	reasons := func(s share) string {
		if _, only, ok := strings.Cut(s.why[0], " "); ok && len(s.why) == 1 {
			return only
		}
		return strings.Join(s.why, ", ")
	}
	var parts []string
	for i, s := range shares {
		if i == namedBackends {
			rest := 0
			for _, s := range shares[i:] {
				rest += s.n
			}
			parts = append(parts, fmt.Sprintf("%d from %d more", rest, len(shares)-i))
			break
		}
		number := fmt.Sprint(s.n)
		switch {
		case i > 0:
		case len(shares) == 1 && s.n > 1:
			number = fmt.Sprintf("all %d", s.n)
		case s.n != all:
			number = fmt.Sprintf("%d of %d", s.n, all)
		}
		of := "from " + s.backend + in.role(o, s.backend)
		switch {
		case s.backend == "" && o.Bad == o.Total && len(shares) == 1:
			of = "answered by no backend"
		case s.backend == "":
			of = "name no backend"
		}
		parts = append(parts, fmt.Sprintf("%s %s: %s", number, of, reasons(s)))
	}
	return strings.Join(parts, "; ")
}

// role says what a backend is in the run, if that sets it apart; empty: nothing, or
// two pods had its name.
func (in *Inquiry) role(o *outage, backend string) string {
	for _, w := range in.waterfalls {
		if w.Replacement == nil || w.Replacement.Name == w.Victim.Name {
			continue
		}
		if w.Replacement.Name == backend {
			return ", which replaced " + w.Victim.Name
		}
	}
	for _, i := range in.result.Injections {
		if len(i.Targets) != 1 || i.Targets[0].Name != backend || i.From > o.To {
			continue
		}
		for _, w := range in.waterfalls {
			if w.Replacement != nil && w.Replacement.Name == backend {
				return ""
			}
		}
		return ", which the fault hit"
	}
	return ""
}

// when says what happened around the start.
func when(o *outage, c Cause) string {
	var parts []string
	if c.Before != nil {
		since := o.Start.Since(c.Before.Span)
		began := fmt.Sprintf("it began %s after %s", lengths(since), c.Before)
		if since.Low == 0 {
			apart := steadystate.FormatSeconds(up(max(since.High, c.Before.Since(o.Start).High)).Seconds())
			began = fmt.Sprintf("it began within %s of the instant at which %s", apart, c.Before)
		}
		parts = append(parts, began)
	}
	if c.Inside != nil {
		into := c.Inside.Since(o.Start)
		parts = append(parts, fmt.Sprintf("%s into it %s", lengths(into), c.Inside))
		if c.More > 0 {
			parts[len(parts)-1] += fmt.Sprintf(", and %d more", c.More)
		}
	}
	return strings.Join(parts, "; ")
}

// lengths are bounds of a time with the digits that one reads, rounded outwards.
func lengths(b steadystate.Bounds[time.Duration]) string {
	return steadystate.FormatLengths(steadystate.Bounds[time.Duration]{Low: b.Low.Truncate(digit(b.High)), High: up(b.High)})
}

// up rounds up.
func up(d time.Duration) time.Duration { return (d + digit(d) - 1).Truncate(digit(d)) }

// digit is what a time of that length is rounded to.
func digit(d time.Duration) time.Duration {
	if d < time.Second {
		return 10 * time.Millisecond
	}
	return 100 * time.Millisecond
}
