// Package recordtest writes records as text, for tests of what is made of one: a
// verdict, a report, the finding of an evaluator, a waterfall.
//
//	plan := &record.Plan{Name: "kill one", Settle: 5 * time.Second, Checks: checks, Faults: []record.Scheduled{{Fault: "kill"}}}
//	list := recordtest.Entries(plan, `
//		0         phase   settle
//		0         see     replicas    ++++++++++--++++++++
//		10        phase   inject
//		10..10.1  inject  kill        a      effect=gone
//		10..10.1  gone    pod/shop/a  a
//		10.1      phase   watch
//		20        end`)
//	result, err := judge.Judge(recordtest.All(list), nil)
//
// The timelines are those of package steadystatetest.
package recordtest

import (
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/steadystatetest"
)

// All are the entries as [record.Read] yields them.
func All(list []record.Entry) iter.Seq2[record.Entry, error] {
	return func(yield func(record.Entry, error) bool) {
		for _, e := range list {
			if !yield(e, nil) {
				return
			}
		}
	}
}

// Entries reads the entries of a record, with a header and the plan before them
// unless that is nil. Each line begins with an instant or a span in seconds:
//
//	0         phase      settle                             the beginning of a phase
//	0         see        SIGNAL       +++--?++  every=0.5    observations, from then on; every second by default
//	2..2.01   answer     a                                  a good answer by a, - without a name
//	2..2.01   fail       a                                  a bad one
//	2..2.5    inject     FAULT        a,b  effect=gone       an injection into a and b; a:uid if the UID is not the name
//	9         undo       FAULT                              its removal
//	2         gone       pod/shop/a   uid  owner=ReplicaSet/rs   an event, of one of the kinds of package record
//	2         event      KIND  SUBJECT  uid  name=value       an event of a kind of your own
//	60        end                                           the end of a run that completed, or the reason
//
// An entry is recorded at the end of its span. "_" is a space. The faults are
// numbered as they come first, or by index=1; an injection may be oneshot=true
// and have a shortfall, an undo an error. It panics on anything else.
func Entries(plan *record.Plan, text string) []record.Entry {
	var list []record.Entry
	if plan != nil {
		list = append(list, record.Entry{Header: &record.Header{Format: record.Format, Version: record.Version, Run: "test"}}, record.Entry{Plan: plan})
	}
	var faults []string
	for line := range strings.Lines(text) {
		if words := strings.Fields(line); len(words) > 0 {
			list = append(list, entry(words, &faults))
		}
	}
	return list
}

// names are those that a line other than an event may have a value of.
var names = map[string][]string{
	"phase": nil, "end": nil, "answer": nil, "fail": nil,
	"see": {"every"}, "inject": {"effect", "index", "oneshot", "shortfall"}, "undo": {"error", "index"},
}

// events are the kinds of package record.
var events = []string{
	record.EventExists, record.EventCreated, record.EventUnschedulable, record.EventScheduled, record.EventStopped, record.EventWaiting, record.EventNotReady,
	record.EventFailed, record.EventRestarted, record.EventStarted, record.EventReady, record.EventTerminating, record.EventGone,
	record.EventAdded, record.EventRemoved, record.EventScaled, record.EventGap, record.EventChanged, record.EventFollowed,
	record.EventNotFollowed, record.EventEvicted, record.EventEndedEarly, record.EventUnproven, record.EventNotHit, record.EventAlsoHit, record.EventUnsurveyed,
	record.EventKubernetes,
}

// entry reads a line. It adds a fault that is not known yet to the faults.
func entry(words []string, faults *[]string) record.Entry {
	span, attrs := Span(words[0]), map[string]string{}
	var args []string
	for _, w := range words[1:] {
		if name, value, ok := strings.Cut(w, "="); ok {
			attrs[name] = value
		} else {
			args = append(args, strings.ReplaceAll(w, "_", " "))
		}
	}
	given := len(args)
	args = append(args, "", "", "", "")
	kind, name, rest := args[0], args[1], args[2]
	if kind == "" {
		panic(fmt.Sprintf("recordtest: %q says nothing", strings.Join(words, " ")))
	}
	if known, ok := names[kind]; ok {
		for a := range attrs {
			if !slices.Contains(known, a) {
				panic(fmt.Sprintf("recordtest: %q has no %s=; want one of %q", kind, a, known))
			}
		}
	}
	most := 3
	if kind == "event" {
		most++
	}
	if given > most {
		panic(fmt.Sprintf("recordtest: %q has more words than %q takes", strings.Join(words, " "), kind))
	}
	e := record.Entry{At: span.To}
	switch kind {
	case "phase":
		e.Phase = name
	case "end":
		e.End = &record.End{Reason: record.Completed}
		if name != "" {
			e.End.Reason = name
		}
	case "see":
		every := time.Second
		if text := attrs["every"]; text != "" {
			every = Span(text).To
		}
		e.Observations = &record.Observations{Signal: name, List: steadystatetest.Observations(rest, every, span.Width())}
		for i := range e.Observations.List {
			o := &e.Observations.List[i]
			o.From, o.To = o.From+span.From, o.To+span.From
			e.At = o.To
		}
	case "answer", "fail":
		outcome := record.Outcome{Code: 200, Backend: strings.Trim(name, "-"), Attempts: 1}
		if kind == "fail" {
			outcome.Code = 503
		}
		e.Requests = &record.Requests{Signal: record.TrafficSignal, List: []record.Request{{Planned: span.From, Sent: span.From, Answered: span.To, Outcome: outcome}}}
	case "inject", "undo":
		if !slices.Contains(*faults, name) {
			*faults = append(*faults, name)
		}
		index := slices.Index(*faults, name)
		if n, err := strconv.Atoi(attrs["index"]); err == nil {
			index = n
		}
		if kind == "undo" {
			e.Removal = &record.Removal{Index: index, Fault: name, Span: span, Error: attrs["error"]}
			break
		}
		e.Injection = &record.Injection{Index: index, Fault: name, Span: span, FailureReason: attrs["shortfall"], OneShot: attrs["oneshot"] == "true"}
		for target := range strings.SplitSeq(rest, ",") {
			name, uid, differs := strings.Cut(target, ":")
			if !differs {
				uid = name
			}
			e.Injection.Targets = append(e.Injection.Targets, record.Target{Name: name, UID: uid})
		}
		if effect := attrs["effect"]; effect != "" {
			e.Injection.Effects = []record.Effect{{Event: strings.ReplaceAll(effect, "_", " ")}}
		}
	case "event":
		if rest == "" {
			panic(fmt.Sprintf("recordtest: %q needs a kind and a subject", strings.Join(words[1:], " ")))
		}
		e.Event = &record.Event{Span: span, Kind: name, Subject: rest, UID: args[3], Attrs: attrs}
	default:
		if !slices.Contains(events, kind) {
			panic(fmt.Sprintf("recordtest: %q is not a kind of line or event; one of your own is \"event %s ...\"", kind, words[1]))
		}
		e.Event = &record.Event{Span: span, Kind: kind, Subject: name, UID: rest, Attrs: attrs}
	}
	return e
}

// Span reads an instant, "2", or a span, "2..2.5", in seconds. It panics on
// anything else.
func Span(text string) steadystate.Span {
	from, to, two := strings.Cut(text, "..")
	if !two {
		to = from
	}
	parse := func(number string) time.Duration {
		d, err := time.ParseDuration(number + "s")
		if err != nil {
			panic(fmt.Sprintf("recordtest: %q is not an instant or span in seconds: %v", text, err))
		}
		return d
	}
	return steadystate.Span{From: parse(from), To: parse(to)}
}
