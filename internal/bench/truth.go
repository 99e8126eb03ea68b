package bench

import (
	"slices"
	"time"

	"github.com/aftershockhq/aftershock/experiments/local"
)

// An End is the way in which a process ended.
type End string

// The ways in which a process ends; one that runs has none.
const (
	Killed  End = "killed"  // by a fault of this bench, with kill -9
	Stopped End = "stopped" // by Stop
	Crashed End = "crashed" // in any other way
)

// A Process is one life of a service: what is known of it from the kernel,
// from itself and from the balancer.
type Process struct {
	Service string
	PID     int
	Address string // host:port
	// Listening is when connections to it began to be accepted.
	Listening local.Moment
	// Ready is when it was ready to serve: from Listening's earliest instant
	// to the first answer that the bench had from it.
	Ready local.Moment
	// Gone is when it ended; zero while it runs. Of a kill, it begins before the
	// signal is sent and ends when the process is reaped; of a crash, it begins
	// with the last sign of life.
	Gone local.Moment
	End  End
	// Rotation is when the balancer gave it connections.
	Rotation []Turn
	// Connections is the number it was given; Refused of them could not be passed
	// on: each is a client's connection that was reset.
	Connections, Refused int
	// Seen are the requests it saw, by vegeta attack, in order of name.
	Seen []Seen
}

// A Turn is a time in which the balancer gave a backend connections. Both
// instants are exact; Out is zero while it lasts.
type Turn struct{ In, Out time.Time }

// Seen is a process's view of one vegeta attack.
type Seen struct {
	Attack   string
	Requests int
	// Last is the highest request number it saw, counted from 0, whether or
	// not it was answered.
	Last uint64
}

// Truth is the ground truth of the bench.
type Truth struct {
	// Processes are all that ever served, in the order in which they came up.
	Processes []Process
	// Unrouted is the number of connections that the balancer reset because no
	// service was in the rotation.
	Unrouted int
}

// An Absence is a time in which a service had no process.
type Absence struct {
	Service string
	PID     int // of the process that went
	End     End
	Gone    local.Moment
	// Back is when the next one was ready, and NextPID is that one; both are zero
	// while there is none.
	Back    local.Moment
	NextPID int
}

// Absences are the times in which services had no process, in the order of
// their beginnings. The end of the bench itself does not count.
func (t Truth) Absences() []Absence {
	var absences []Absence
	for i, p := range t.Processes {
		if p.Gone.IsZero() || p.End == Stopped {
			continue
		}
		a := Absence{Service: p.Service, PID: p.PID, End: p.End, Gone: p.Gone}
		for _, next := range t.Processes[i+1:] {
			if next.Service == p.Service {
				a.Back, a.NextPID = next.Ready, next.PID
				break
			}
		}
		absences = append(absences, a)
	}
	slices.SortStableFunc(absences, func(a, b Absence) int { return a.Gone.From.Compare(b.Gone.From) })
	return absences
}
