package config

import (
	"fmt"
	"strings"
	"time"

	"github.com/aftershockhq/aftershock/experiments/load"
	"github.com/aftershockhq/aftershock/experiments/workers"
	"github.com/aftershockhq/aftershock/steadystate"
)

// A Plan is what a file says, with every reference resolved: what is run, on
// which service.
type Plan struct {
	File
	Path     string
	SHA256   string    // of the file's bytes as they were read, in hexadecimal
	Services []*Target // those of the file, in its order
	Planned  []Planned // what runs, in this order
	Skipped  []Skipped // what of the catalogue a service asks for and cannot run, or that the file skips

	root cursor
}

// At is where the file has a field, as "cluster.uid", or the innermost around it
// that it has.
func (p *Plan) At(path string) Place {
	at := Place{File: p.Path, Line: 1}
	if p.root.value != nil {
		at.Line = max(1, p.root.within(path).line.Line)
	}
	return at
}

// Find is the service of a name; nil: there is none.
func (p *Plan) Find(service string) *Target {
	for _, s := range p.Services {
		if s.Name == service {
			return s
		}
	}
	return nil
}

// A Target is a service of the file, with defaults for what it leaves out.
type Target struct {
	Service
	Name  string
	Place Place // that names it
	// Signals are its signals of single pods, by name, with their defaults.
	Signals map[string]Query

	at cursor
}

// At is where the file has the first of these fields of the service that it has, or the
// service.
func (t *Target) At(fields ...string) Place {
	for _, name := range fields {
		if at := t.at.field(name); at.value != nil {
			return at.told()
		}
	}
	return t.Place
}

// A Planned is an experiment that runs.
type Planned struct {
	// Suite and Name are those of the catalogue; one of the file's own has no suite.
	Suite, Name string
	Title       string
	Target      *Target
	Place       Place // that names it
	Times       Times // none is zero but Undo and Deadline
	Checks      []PlannedCheck
	Expects     []Expectation
	Faults      []PlannedFault
	Abort       PlannedAbort
	Load        *load.HTTP    // nil: there is none
	LoadAt      Place         // of the address that it requests, in the experiment or in its service
	Workers     *workers.Pods // that drive it; nil: this machine does
	CABundle    []byte        // of the load, PEM
	// Places are where the limits of checks and expectations are written, by
	// [record.PlaceKey].
	Places map[string]Place
	Notes  []string // what was chosen in place of what the file says, and why
	// Hash is of what is done: load, faults, times and the checks' definitions. Not
	// of limits, URLs, images and versions.
	Hash string
}

// ID is SERVICE/SUITE/NAME, or SERVICE/NAME.
func (p Planned) ID() string { return strings.Join(p.Labels(), "/") }

// Labels are the service, the suite if there is one, and the name.
func (p Planned) Labels() []string {
	if p.Suite == "" {
		return []string{p.Target.Name, p.Name}
	}
	return []string{p.Target.Name, p.Suite, p.Name}
}

// A Place is a line of a file.
type Place struct {
	File string
	Line int
}

// String is "aftershock.yaml:12".
func (p Place) String() string { return fmt.Sprintf("%s:%d", p.File, p.Line) }

// Error puts the place in front of an error.
func (p Place) Error(err error) error { return fmt.Errorf("%s: %w", p, err) }

// A PlannedCheck is a check of an experiment with its limits merged. Its signal
// is that of the query, if it has one.
type PlannedCheck struct {
	steadystate.Check
	Query *Query // nil: it names a signal
	Place Place
}

// A PlannedAbort says when a run of an experiment has gone too far. Without
// conditions it never has.
type PlannedAbort struct {
	Blind  time.Duration // zero: the default
	Unless []PlannedCondition
}

// A PlannedCondition is a condition of a [PlannedAbort]. Its signal is that of the
// query, if it has one.
type PlannedCondition struct {
	Name, Signal string
	Good         steadystate.Tolerance
	For          time.Duration
	Query        *Query // nil: it names a signal
	Place        Place
}

// An Expectation is what is expected besides the checks.
type Expectation struct {
	Name   string // ExpectAutoscaler
	Limits []string
}

// ExpectAutoscaler is the name of what is expected of the service's autoscaler.
const ExpectAutoscaler = "autoscaler"

// A PlannedFault is a fault of an experiment.
type PlannedFault struct {
	Name string
	Fault
	Callee *Target `json:"-"` // that To names; nil: none
	Place  Place   `json:"-"` // in the user's file
}

// A Skipped is an experiment that does not run, and why.
type Skipped struct {
	ID  string
	Why string
}

// Signals of each service, which a check can name.
const (
	SignalReplicas = "replicas" // ready / desired pods
	SignalRollout  = "rollout"  // 1 when the newest revision is rolled out
)

// SignalTraffic is the signal of single pods of the rate of what a pod serves:
// [Service.Traffic].
const SignalTraffic = "traffic"

// ReplicasEvery is how often the replicas, and the rollout, are read.
const ReplicasEvery = time.Second
