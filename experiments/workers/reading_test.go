package workers

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

const ms = time.Millisecond

// A clock that is ahead by something between 10 and 20 ms, and later by
// something between 14 and 30 ms, was ahead by something between 10 and 30 ms
// meanwhile, give or take the drift of half a microsecond for each millisecond
// from the reading.
func TestARequestIsMovedByWhatTheReadingsAroundItSay(t *testing.T) {
	const us = time.Microsecond
	at := func(now, low, high time.Duration) reading {
		return reading{moment: moment{Now: now}, ahead: steadystate.Bounds[time.Duration]{Low: low, High: high}}
	}
	request := record.Request{Planned: 1090 * ms, Sent: 1100 * ms, Answered: 1300 * ms}
	moved := func(by, skew time.Duration) []record.Request {
		return []record.Request{{Planned: request.Planned - by, Sent: request.Sent - by, Answered: request.Answered - by, Skew: skew}}
	}
	for _, row := range []struct {
		sentence string
		readings []reading
		want     []record.Request // merged at the last reading
		held     int
	}{
		{"before and after it", []reading{at(1000*ms, 10*ms, 20*ms), at(1500*ms, 14*ms, 30*ms)}, moved(20028*us, 10178*us), 0},
		{"none after it: it is held", []reading{at(1000*ms, 10*ms, 20*ms), at(1250*ms, 14*ms, 30*ms)}, nil, 1},
		{"one while it was under way counts too", []reading{at(1000*ms, 10*ms, 20*ms), at(1200*ms, 0, 20*ms), at(1300*ms, 10*ms, 20*ms)}, moved(10023*us, 10078*us), 0},
		{"one long before it does not", []reading{at(500*ms, -time.Hour, time.Hour), at(1000*ms, 10*ms, 20*ms), at(1500*ms, 10*ms, 20*ms)}, moved(15*ms, 5205*us), 0},
		{"the middle is rounded to what the record keeps, and the skew holds it all", []reading{at(1000*ms, 0, 3*us), at(1500*ms, 0, 3*us)}, moved(2*us, 207*us), 0},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			var m merging
			var got []record.Request
			for i, r := range row.readings {
				if i == len(row.readings)-1 {
					m.hold([]record.Request{request})
				}
				got = m.take(r)
			}
			if len(got) != len(row.want) || len(m.held) != row.held {
				t.Fatalf("merged %+v and held %d, want %+v and %d", got, len(m.held), row.want, row.held)
			}
			for i := range got {
				if got[i] != row.want[i] {
					t.Errorf("%+v, want %+v", got[i], row.want[i])
				}
			}
		})
	}
}

// Whatever a clock does, as long as it lies within each reading: the request's
// true instant is within its skew.
func TestAClockThatDriftsIsFollowed(t *testing.T) {
	ahead := func(at time.Duration) time.Duration { return time.Hour + at/100 } // of the record's time: 10 ms a second
	var m merging
	seq := uint64(0)
	for at := time.Duration(0); at < 20*time.Minute; at += 500 * ms {
		var truths []time.Duration
		for sent := at - 400*ms; sent < at-100*ms; sent += 100 * ms {
			m.hold([]record.Request{{Seq: seq, Planned: sent + ahead(sent), Sent: sent + ahead(sent), Answered: sent + 50*ms + ahead(sent+50*ms)}})
			truths, seq = append(truths, sent), seq+1
		}
		r := newReading(moment{Now: at + ahead(at)}, steadystate.Span{From: at - ms, To: at + 3*ms})
		for i, q := range m.take(r) {
			if off := (q.Sent - truths[i]).Abs(); at > 0 && off > q.Skew {
				t.Fatalf("request %d was sent at %s, and is said to have been at %s ±%s", q.Seq, truths[i], q.Sent, q.Skew)
			}
			if at > 0 && q.Skew > 10*ms {
				t.Fatalf("request %d has a skew of %s", q.Seq, q.Skew)
			}
		}
	}
	if len(m.held) > 0 || len(m.readings) > 2*keep {
		t.Errorf("%d requests are held and %d readings kept", len(m.held), len(m.readings))
	}
}

// R23: NTP makes the worker's clock 500 ppm too fast and then 500 ppm too slow
// between two readings, so that both show the same.
func TestAClockThatSwingsBetweenReadingsIsFollowed(t *testing.T) {
	const trials = 2000
	for _, test := range []struct {
		sentence string
		period   time.Duration // of the swing
		slope    float64       // gained all the time beside it
	}{
		{"a swing between each two readings", 500 * ms, 0},
		{"several between each two", 100 * ms, 0},
		{"one over several readings", 1700 * ms, 0},
		{"on a clock that runs one percent fast", 500 * ms, 0.01},
		{"on a clock that runs one percent slow", 500 * ms, -0.01},
	} {
		missed, widest := 0, time.Duration(0)
		for seed := range uint64(trials) {
			r := rand.New(rand.NewPCG(seed, 1))
			ahead := func(at time.Duration) time.Duration {
				x := at % test.period
				x = min(x, test.period-x)
				return time.Duration(float64(x)*500e-6 + float64(at)*test.slope)
			}
			var m merging
			var got []record.Request
			read := func(at time.Duration) {
				rtt := 20*time.Microsecond + time.Duration(r.Int64N(int64(20*time.Microsecond)))
				mid := at + time.Duration(r.Int64N(int64(rtt)))
				got = append(got, m.take(newReading(moment{Now: mid + ahead(mid)}, steadystate.Span{From: at, To: at + rtt}))...)
			}
			sent := time.Duration(r.Int64N(int64(500 * ms)))
			answered := sent + time.Duration(r.Int64N(int64(2*time.Second)))
			m.hold([]record.Request{{Planned: sent + ahead(sent), Sent: sent + ahead(sent), Answered: answered + ahead(answered)}})
			for at := time.Duration(0); len(got) == 0; at += 500 * ms {
				read(at)
			}
			if f := got[0].Flight(); f.From > sent || f.To < answered {
				missed++
			}
			// What the readings themselves differ by, and the drift on both sides.
			steady := time.Duration(math.Abs(test.slope) * float64(answered-sent+time.Second))
			widest = max(widest, got[0].Skew-steady)
		}
		if most := 500 * time.Microsecond; missed > 0 || widest > most {
			t.Errorf("%s: %d of %d flights do not hold the truth; skews of up to %s, want at most %s", test.sentence, missed, trials, widest, most)
		}
	}
}

func TestTheBestOfSeveralReadings(t *testing.T) {
	lost := errors.New("lost")
	for _, row := range []struct {
		sentence string
		widths   []time.Duration // of each answer; below zero: none comes
		enough   time.Duration
		want     time.Duration
		asked    int
		err      error
	}{
		{"the narrowest is kept", []time.Duration{5 * ms, 2 * ms, 9 * ms}, 0, 2 * ms, 3, nil},
		{"one that is good enough ends it", []time.Duration{5 * ms, 2 * ms, 1 * ms}, 3 * ms, 2 * ms, 2, nil},
		{"what there is counts, when the next is lost", []time.Duration{5 * ms, -1, 1 * ms}, 0, 5 * ms, 2, nil},
		{"none at all is an error", []time.Duration{-1}, 0, 0, 1, lost},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			asked := 0
			got, err := best(t.Context(), len(row.widths), row.enough, func(context.Context) (reading, error) {
				w := row.widths[asked]
				asked++
				if w < 0 {
					return reading{}, lost
				}
				return reading{ahead: steadystate.Bounds[time.Duration]{High: w}}, nil
			})
			if !errors.Is(err, row.err) || asked != row.asked || width(got.ahead) != row.want {
				t.Errorf("%s after %d, %v; want %s after %d, %v", width(got.ahead), asked, err, row.want, row.asked, row.err)
			}
		})
	}
}
