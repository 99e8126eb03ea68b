package reports

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/steadystate"
)

var (
	seenFigure = regexp.MustCompile(`^[^ ,]+( to [^ ,]+)?`)
	nothing    = regexp.MustCompile(` \(no outage seen; resolution [^)]*\)`)
	endCount   = regexp.MustCompile(`^(\d+) good, (\d+) bad, (\d+) unknown in the last .*$`)
	counted    = regexp.MustCompile(` of ([\d,]+) observations?`)
	countedOf  = regexp.MustCompile(`^ of ([\d,]+)`)
)

// NoOutage ends what was seen of a limit without an outage.
const NoOutage = ", no outage seen"

// Seen is what was seen of a limit's quantity, with as many digits as its error
// lets one know.
func Seen(f judge.Finding) string {
	text := inLine(f.Text)
	if m := endCount.FindStringSubmatch(text); m != nil {
		good, _ := strconv.Atoi(m[1])
		bad, _ := strconv.Atoi(m[2])
		text = fmt.Sprintf("%d of %d good", good, good+bad)
		if m[3] != "0" {
			text += ", " + m[3] + " unknown"
		}
		return text
	}
	text = nothing.ReplaceAllString(text, NoOutage)
	text = strings.Replace(text, " and not over when the record ended", ", not over", 1)
	text = counted.ReplaceAllString(text, " of $1")
	if f.Wanted == nil || f.Seen == nil {
		return text
	}
	l, err := steadystate.ParseLimit(f.Limit)
	fits := func(b steadystate.Bounds[float64]) bool {
		return err != nil || f.Verdict == steadystate.Unknown || l.Tolerance.Judge(b) == f.Verdict
	}
	seen := between(f.Wanted.Dimension, *f.Seen, fits)
	rest := seenFigure.ReplaceAllString(text, "")
	if of := countedOf.FindStringSubmatch(rest); of != nil && err == nil && l.OfCounts() && f.Wanted.Dimension == "share" && f.Seen.Low == f.Seen.High {
		all, _ := strconv.Atoi(strings.ReplaceAll(of[1], ",", ""))
		n := f.Seen.Low * float64(all)
		switch {
		case n == 0:
			return "0" + rest
		case math.Abs(n-math.Round(n)) < 1e-6: // none is unknown
			return grouped(int(math.Round(n))) + of[0] + " (" + seen + ")" + strings.TrimPrefix(rest, of[0])
		}
	}
	return seen + rest
}

// grouped writes a count for people: 1,203.
func grouped(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// between writes bounds with the digits that they have in common and about one
// more, rounded outwards, so that they still contain what was seen, and such that
// fits holds of them; nil: of any.
func between(dimension string, b steadystate.Bounds[float64], fits func(steadystate.Bounds[float64]) bool) string {
	factor, unit := 1.0, ""
	switch dimension {
	case "time":
		switch high := math.Abs(b.High); {
		case b == steadystate.Bounds[float64]{}:
			return "0s"
		case high < 1e-3:
			factor, unit = 1e6, "us"
		case high < 1:
			factor, unit = 1e3, "ms"
		default:
			unit = "s"
		}
	case "share":
		factor, unit = 100, "%"
	case "rate":
		unit = "/s"
	case "multiple":
		unit = "x"
	}
	if math.IsInf(b.Low, 0) || math.IsInf(b.High, 0) {
		return fmt.Sprintf("%.3g%s to %.3g%s", factor*b.Low, unit, factor*b.High, unit)
	}
	low, high := factor*b.Low, factor*b.High
	const most = 6
	if low == high {
		for digits := 3; ; digits++ {
			text := plain(low, digits)
			v, _ := strconv.ParseFloat(text, 64)
			if digits == 3+most || fits == nil || fits(steadystate.Exactly(v/factor)) {
				return text + unit
			}
		}
	}
	for digits := 0; ; digits++ {
		scale := math.Pow10(digits)
		down, up := math.Floor(low*scale+1e-9)/scale, math.Ceil(high*scale-1e-9)/scale
		fine := 1/scale <= (high-low)/20 || 1/scale <= high/100 || down == low && up == high
		if digits == most || fine && (fits == nil || fits(steadystate.Bounds[float64]{Low: down / factor, High: up / factor})) {
			a, z := strconv.FormatFloat(down, 'f', digits, 64), strconv.FormatFloat(up, 'f', digits, 64)
			if down == 0 {
				a = "0"
			}
			if a == z {
				return a + unit
			}
			return a + unit + " to " + z + unit
		}
	}
}

// plain writes a number with so many significant digits, and all of an integer's.
func plain(v float64, digits int) string {
	if v == math.Trunc(v) && math.Abs(v) < 1e9 {
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return strconv.FormatFloat(v, 'g', digits, 64)
}

// rounded writes a length of time with about three digits.
func rounded(d time.Duration) string {
	switch abs := d.Abs(); {
	case abs >= 100*time.Second:
		d = d.Round(time.Second)
	case abs >= time.Second:
		d = d.Round(100 * time.Millisecond)
	case abs >= time.Millisecond:
		d = d.Round(time.Millisecond)
	}
	return steadystate.FormatSeconds(d.Seconds())
}

// inLine is a text in one line.
func inLine(text string) string { return strings.Join(strings.Fields(text), " ") }
