package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/aftershockhq/aftershock/gate"
)

// A row is a build, what is to become of it, and why.
type row struct {
	controller controller
	name       string
	experiment string // by which it is tested
	defect     bool   // it listens late, and has no readiness probe
	kill       bool   // the gate, while the fault is in place
	verdict    gate.State
	ends       end
}

func (r row) id() string { return r.controller.name() + "/" + r.name }

func rows() (list []row) {
	for _, c := range []controller{flagger{}, rollouts{}} {
		list = append(list,
			row{controller: c, name: "good", experiment: killed, verdict: gate.Held, ends: promoted},
			row{controller: c, name: "bad", experiment: killed, defect: true, verdict: gate.Broken, ends: rolledBack},
			row{controller: c, name: "gate-killed", experiment: slow, kill: true, verdict: gate.Held, ends: promoted},
			row{controller: c, name: "starved", experiment: starved, verdict: gate.Unknown, ends: waits},
		)
	}
	return list
}

// An end is how a rollout ended.
type end string

const (
	promoted   end = "promoted"
	rolledBack end = "rolled back"
	waits      end = "waits"
	underWay   end = "is under way"
)

// A result is what came of a row.
type result struct {
	took     time.Duration
	answer   gate.Answer
	ended    end
	status   string   // of the controller's object
	events   []string // of the controller
	runs     []span   // of the fault, by the records
	customer string   // what the pods that customers meet run
	left     []string
	problem  error
}

// A span is how long a fault was in place.
type span struct{ from, to time.Time }

func (s span) String() string {
	return s.from.UTC().Format("15:04:05.0") + " to " + s.to.UTC().Format("15:04:05.0")
}

// wrong is what is wrong with a result.
func (got result) wrong(r row) (list []string) {
	wrong := func(format string, args ...any) { list = append(list, fmt.Sprintf(format, args...)) }
	if got.problem != nil {
		wrong("%s", got.problem)
	}
	if got.answer.State != r.verdict {
		wrong("the gate said %s, want %s", got.answer.State, r.verdict)
	}
	if got.ended != r.ends {
		wrong("the rollout %s, want %s", got.ended, r.ends)
	}
	if is, want := got.customer == r.name, r.ends == promoted; is != want {
		wrong("customers meet the build %s", got.customer)
	}
	if len(got.events) == 0 {
		wrong("the controller wrote no event")
	}
	for _, what := range got.left {
		wrong("left: %s", what)
	}
	if overlap(got.runs) {
		wrong("two faults were in place at once")
	}
	switch n := len(got.runs); {
	case r.experiment == starved && n > 0:
		wrong("the fault was injected %d times, want never", n)
	case r.experiment != starved && !r.kill && n != 1:
		wrong("the fault was injected %d times, want once", n)
	case r.kill && n != 2:
		wrong("the fault was injected %d times, want once before the kill and once after it", n)
	}
	return list
}

// write prints it.
func (got result) write(w io.Writer, r row) {
	fmt.Fprintf(w, "\n%s: %s, %s, after %.0f s\n", r.id(), got.answer.State, got.ended, got.took.Seconds())
	fmt.Fprintf(w, "  gate:      %s\n  rollout:   %s\n  customers: meet the build %s\n", got.answer.Why, got.status, got.customer)
	for _, s := range got.runs {
		fmt.Fprintf(w, "  fault:     %s\n", s)
	}
	for _, e := range got.events {
		fmt.Fprintf(w, "  event:     %s\n", e)
	}
	if len(got.left) == 0 {
		fmt.Fprintln(w, "  left:      nothing")
	}
	for _, wrong := range got.wrong(r) {
		fmt.Fprintf(w, "  WRONG:     %s\n", strings.TrimSpace(wrong))
	}
}

// overlap reports whether two faults were in place at once.
func overlap(runs []span) bool {
	for i, a := range runs {
		if slices.ContainsFunc(runs[i+1:], func(b span) bool { return a.from.Before(b.to) && b.from.Before(a.to) }) {
			return true
		}
	}
	return false
}
