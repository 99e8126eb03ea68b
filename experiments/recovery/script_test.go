package recovery_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/experiments/recovery"
	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// script is a record as text, an entry in each line that begins with an
// instant or a span in seconds:
//
//	2        gone       pod/shop/a   uid  owner=ReplicaSet/rs    an event
//	2..2.5   inject     NAME         uid  effect=gone            an injection
//	9        undo       NAME                                     its removal
//	2..2.01  answer     a                                        a good answer by a, - by nobody
//	2..2.01  fail       a                                        a bad one
//	60       end                                                 the record's end
//
// In kinds "_" is a space. The faults of a plan are numbered as their names come
// first; of two of one name index=1 is the second's number.
func script(t testing.TB, text string) []record.Entry {
	t.Helper()
	var list []record.Entry
	indices := map[string]int{}
	index := func(name, number string) int {
		if n, err := strconv.Atoi(number); err == nil {
			return n
		}
		if _, seen := indices[name]; !seen {
			indices[name] = len(indices)
		}
		return indices[name]
	}
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		span := span(t, words[0])
		words = append(words, "", "", "")
		attrs := map[string]string{}
		for _, w := range words {
			if name, value, ok := strings.Cut(w, "="); ok {
				attrs[name] = value
			}
		}
		uid := words[3]
		if strings.Contains(uid, "=") {
			uid = ""
		}
		e := record.Entry{At: span.To}
		switch kind := strings.ReplaceAll(words[1], "_", " "); kind {
		case "end":
			e.End = &record.End{Reason: record.Completed}
		case "inject":
			e.Injection = &record.Injection{Index: index(words[2], attrs["index"]), Fault: words[2], Span: span, FailureReason: attrs["shortfall"]}
			for uid := range strings.SplitSeq(uid, ",") {
				e.Injection.Targets = append(e.Injection.Targets, record.Target{Name: uid, UID: uid})
			}
			if effect := attrs["effect"]; effect != "" {
				e.Injection.Effects = []record.Effect{{Event: strings.ReplaceAll(effect, "_", " ")}}
			}
		case "undo":
			e.Removal = &record.Removal{Index: index(words[2], attrs["index"]), Fault: words[2], Span: span, Error: attrs["error"]}
		case "answer", "fail":
			outcome := record.Outcome{Code: 200, Backend: strings.Trim(words[2], "-"), Attempts: 1}
			if kind == "fail" {
				outcome.Code = 503
			}
			e.Requests = &record.Requests{Signal: "requests", List: []record.Request{{Planned: span.From, Sent: span.From, Answered: span.To, Outcome: outcome}}}
		default:
			e.Event = &record.Event{Span: span, Kind: kind, Subject: words[2], UID: uid, Attrs: attrs}
		}
		list = append(list, e)
	}
	return list
}

func span(t testing.TB, text string) steadystate.Span {
	t.Helper()
	from, to, two := strings.Cut(text, "..")
	if !two {
		to = from
	}
	parse := func(text string) time.Duration {
		d, err := time.ParseDuration(text + "s")
		if err != nil {
			t.Fatalf("instant %q: %v", text, err)
		}
		return d
	}
	return steadystate.Span{From: parse(from), To: parse(to)}
}

func read(t testing.TB, entries []record.Entry, checks ...judge.CheckResult) []recovery.Waterfall {
	t.Helper()
	var h recovery.History
	for _, e := range entries {
		h.Take(e)
	}
	return h.Waterfalls(checks)
}

// outage is a check with one outage.
func outage(t testing.TB, start, end string, open ...bool) judge.CheckResult {
	t.Helper()
	c := healthy()
	c.Outages = []steadystate.Outage{{Start: span(t, start), End: span(t, end), Open: len(open) > 0}}
	return c
}

// healthy is a check without an outage.
func healthy() judge.CheckResult {
	c := judge.CheckResult{Check: "shop answers"}
	c.Tolerance = steadystate.Within(time.Second)
	c.Good = 100
	return c
}

// lines is a waterfall in short: for each stage when it was reached, what it
// took since which other, and the note.
func lines(w recovery.Waterfall) string {
	var out strings.Builder
	fmt.Fprintln(&out, w.Title())
	for _, s := range w.Steps {
		fmt.Fprintf(&out, "%s:", s.Stage)
		if s.Reached != nil {
			fmt.Fprintf(&out, " at %s", s.Reached)
		}
		if s.Took != nil {
			fmt.Fprintf(&out, " took %s since %s", lengths(*s.Took), s.Since)
		}
		if s.Open {
			fmt.Fprint(&out, " open")
		}
		if s.Note != "" {
			fmt.Fprintf(&out, " (%s)", s.Note)
		}
		fmt.Fprintln(&out)
	}
	step, undecided := w.Costliest()
	if undecided == "" {
		undecided = step.Stage
	}
	fmt.Fprintf(&out, "costliest: %s\n", undecided)
	if w.Note != "" {
		fmt.Fprintf(&out, "note: %s\n", w.Note)
	}
	return out.String()
}

func lengths(b steadystate.Bounds[time.Duration]) string {
	low, high := steadystate.FormatSeconds(b.Low.Seconds()), steadystate.FormatSeconds(b.High.Seconds())
	if low == high {
		return low
	}
	return low + " to " + high
}
