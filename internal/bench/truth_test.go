package bench_test

import (
	"slices"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/experiments/local"
	"github.com/aftershockhq/aftershock/internal/bench"
	"github.com/aftershockhq/aftershock/steadystate"
)

func TestAbsences(t *testing.T) {
	origin := time.Now()
	at := func(s int) local.Moment {
		from := origin.Add(time.Duration(s) * time.Second)
		return local.Moment{From: from, To: from.Add(time.Millisecond)}
	}
	for _, test := range []struct {
		name      string
		processes []bench.Process
		want      []bench.Absence
	}{
		{"who runs is not absent", []bench.Process{{Service: "a", PID: 1, Ready: at(0)}}, nil},
		{
			"the end of the bench is no absence",
			[]bench.Process{{Service: "a", PID: 1, Ready: at(0), Gone: at(9), End: bench.Stopped}},
			nil,
		},
		{
			"a service is back with its own next process, not with another's",
			[]bench.Process{
				{Service: "a", PID: 1, Ready: at(0), Gone: at(2), End: bench.Killed},
				{Service: "b", PID: 2, Ready: at(3)},
				{Service: "a", PID: 3, Ready: at(4)},
			},
			[]bench.Absence{{Service: "a", PID: 1, End: bench.Killed, Gone: at(2), Back: at(4), NextPID: 3}},
		},
		{
			"absences are in the order in which they began, and one may last",
			[]bench.Process{
				{Service: "a", PID: 1, Ready: at(0), Gone: at(5), End: bench.Crashed},
				{Service: "b", PID: 2, Ready: at(0), Gone: at(2), End: bench.Killed},
			},
			[]bench.Absence{
				{Service: "b", PID: 2, End: bench.Killed, Gone: at(2)},
				{Service: "a", PID: 1, End: bench.Crashed, Gone: at(5)},
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := (bench.Truth{Processes: test.processes}).Absences(); !slices.Equal(got, test.want) {
				t.Errorf("got  %+v\nwant %+v", got, test.want)
			}
		})
	}
}

func TestMomentOnARecordsClock(t *testing.T) {
	clock := steadystate.StartClock()
	if !(local.Moment{}).IsZero() {
		t.Error("the zero moment has come")
	}
	m := local.Moment{From: clock.Start().Add(-time.Second), To: clock.Start().Add(time.Second)}
	if got, want := m.On(clock), (steadystate.Span{From: -time.Second, To: time.Second}); got != want || m.IsZero() {
		t.Errorf("got %v, want %v", got, want)
	}
}
