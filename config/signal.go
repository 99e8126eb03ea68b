package config

import (
	"slices"
	"time"

	"github.com/aftershockhq/aftershock/experiments/load"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// A signal is one that a check can name without a query, with all that tells it from
// others.
type signal struct {
	name string
	of   steadystate.Kind
	unit unit // of its values
	// by is what makes it: "a load". Empty: each service has it.
	by string
	// finest is the shortest outage that it can see of a service with this load, which
	// may be nil; ok is false if nothing makes it there. The record has the real figure.
	finest func(*Target, *load.HTTP) (finest time.Duration, ok bool)
}

// A unit is what the values of a signal are: "shares". The schema's text forms are named
// after it.
type unit string

// units have the dimension of a tolerance on such values, and what to write in place of
// another.
var units = map[unit]struct{ dimension, write string }{
	"durations": {"time", "are durations; write one with a unit, as in 500ms or 2s"},
	"shares":    {"share", "is a share; write one, as in 66% or 100%"},
}

// signals are those of loads and of the cluster, and then those of probes.
var signals = slices.Concat([]signal{
	{name: record.TrafficSignal, of: steadystate.Requests, unit: "durations", by: "a load", finest: func(_ *Target, l *load.HTTP) (time.Duration, bool) {
		if l == nil {
			return 0, false
		}
		return l.Resolution(0), true
	}},
	{name: load.ReusedSignal, of: steadystate.Requests, unit: "durations", by: "load.reuseRate", finest: func(_ *Target, l *load.HTTP) (time.Duration, bool) {
		if l == nil || l.ReuseRate == 0 {
			return 0, false
		}
		return load.HTTP{Shape: load.Constant(float64(l.ReuseRate))}.Resolution(0), true
	}},
	{name: SignalReplicas, of: steadystate.Polls, unit: "shares", finest: polled},
	{name: SignalRollout, of: steadystate.Polls, unit: "shares", finest: polled},
}, probed())

func polled(*Target, *load.HTTP) (time.Duration, bool) { return ReplicasEvery, true }

// probed are the signals of probes.
func probed() (list []signal) {
	for _, row := range probes {
		list = append(list, signal{name: row.signal, of: steadystate.Attempts, unit: "durations", by: "the probe " + row.signal, finest: func(t *Target, _ *load.HTTP) (time.Duration, bool) {
			if probe := row.of(&t.Service); probe != nil {
				return probe.Resolution(), true
			}
			return 0, false
		}})
	}
	return list
}

// signalOf is the signal of that name; ok is false if there is none.
func signalOf(name string) (s signal, ok bool) {
	if i := slices.IndexFunc(signals, func(s signal) bool { return s.name == name }); i >= 0 {
		return signals[i], true
	}
	return signal{}, false
}

// sourced are the names of the signals.
func sourced() (names []string) {
	for _, s := range signals {
		names = append(names, s.name)
	}
	return names
}
