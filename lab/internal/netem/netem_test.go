package netem

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

const ms = time.Millisecond

func TestParse(t *testing.T) {
	for _, c := range []struct {
		says, line string
		want       Netem
		wrong      string
	}{
		{"delay", "delay 200ms", Netem{Delay: 200 * ms}, ""},
		{"delay without a unit is in microseconds", "delay 1500", Netem{Delay: 1500 * time.Microsecond}, ""},
		{"delay in seconds, with a fraction", "delay 0.5s", Netem{Delay: 500 * ms}, ""},
		{"jitter", "delay 200ms 20ms", Netem{Delay: 200 * ms, Jitter: 20 * ms}, ""},
		{"correlated jitter", "delay 200ms 20ms 25.000000", Netem{Delay: 200 * ms, Jitter: 20 * ms, DelayCorrelation: 0.25}, ""},
		{"loss", "loss 30.000000", Netem{Loss: 0.3}, ""},
		{"loss as people write it", "loss random 30%", Netem{Loss: 0.3}, ""},
		{"correlated loss", "loss 30 50", Netem{Loss: 0.3, LossCorrelation: 0.5}, ""},
		{"all that there is", "delay 1s 5us limit 20 loss 100", Netem{Delay: time.Second, Jitter: 5 * time.Microsecond, Limit: 20, Loss: 1}, ""},
		{"nothing", "", Netem{}, ""},
		{"no time", "delay", Netem{}, "no time"},
		{"not a time", "delay soon", Netem{}, `"soon" is not a time`},
		{"too long", "delay 5000s", Netem{}, "is not a time of up to 1h11m34s"},
		{"a unit that tc does not know", "delay 1h", Netem{}, `"1h" is not a time`},
		{"more than all", "loss 101", Netem{}, `"101" is not a percentage`},
		{"no limit", "limit 0", Netem{}, "not a number above 0"},
	} {
		t.Run(c.says, func(t *testing.T) {
			got, err := Parse(strings.Fields(c.line))
			if c.wrong != "" {
				if err == nil || !strings.Contains(err.Error(), c.wrong) {
					t.Errorf("%v, want %q", err, c.wrong)
				}
				return
			}
			if err != nil || got != c.want {
				t.Errorf("%+v, %v, want %+v", got, err, c.want)
			}
		})
	}
	for _, line := range []string{
		"duplicate 10", "delay 10ms corrupt 10", "delay 10ms reorder 25", "rate 1mbit", "loss state 10", "delay 10ms 1ms distribution normal", "slot 1ms",
	} {
		_, err := Parse(strings.Fields(line))
		if !errors.Is(err, ErrNotEmulated) || !strings.Contains(err.Error(), "use those, or a kernel with sch_netem") {
			t.Errorf("%s: %v, want a refusal", line, err)
		}
	}
}

func random() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

func TestDelaysLieAroundTheMean(t *testing.T) {
	for _, c := range []struct {
		says string
		n    Netem
		low  time.Duration // the least delay must lie below, and above the least possible
		high time.Duration // the greatest must lie above, and below the greatest possible
	}{
		{"without jitter each is the mean", Netem{Delay: 200 * ms}, 200 * ms, 200 * ms},
		{"with jitter the whole range is used", Netem{Delay: 200 * ms, Jitter: 20 * ms}, 181 * ms, 219 * ms},
		{"with correlation too", Netem{Delay: 200 * ms, Jitter: 20 * ms, DelayCorrelation: 0.25}, 185 * ms, 215 * ms},
		{"none is negative", Netem{Delay: 5 * ms, Jitter: 20 * ms}, 0, 24 * ms},
	} {
		t.Run(c.says, func(t *testing.T) {
			d := newDraw(c.n, random())
			least, most, sum := time.Hour, time.Duration(0), time.Duration(0)
			const packets = 10_000
			for range packets {
				delay, lost := d.next()
				if lost {
					t.Fatal("a packet was lost")
				}
				least, most, sum = min(least, delay), max(most, delay), sum+delay
			}
			if least > c.low || least < max(0, c.n.Delay-c.n.Jitter) || most < c.high || most > c.n.Delay+c.n.Jitter {
				t.Errorf("from %s to %s", least, most)
			}
			if mean := sum / packets; c.n.Jitter < c.n.Delay && (mean-c.n.Delay).Abs() > ms {
				t.Errorf("mean %s", mean)
			}
		})
	}
}

func TestTheShareIsLost(t *testing.T) {
	for _, c := range []struct {
		says      string
		n         Netem
		low, high int // of 10000
	}{
		{"none", Netem{}, 0, 0},
		{"a third", Netem{Loss: 1.0 / 3}, 3200, 3470},
		{"all", Netem{Loss: 1}, 10_000, 10_000},
	} {
		t.Run(c.says, func(t *testing.T) {
			d := newDraw(c.n, random())
			lost := 0
			for range 10_000 {
				if _, gone := d.next(); gone {
					lost++
				}
			}
			if lost < c.low || lost > c.high {
				t.Errorf("%d lost", lost)
			}
		})
	}
}

func TestCorrelatedLossComesInBursts(t *testing.T) {
	changes := func(n Netem) int {
		d, before, count := newDraw(n, random()), false, 0
		for range 10_000 {
			if _, lost := d.next(); lost != before {
				before = lost
				count++
			}
		}
		return count
	}
	alone, together := changes(Netem{Loss: 0.5}), changes(Netem{Loss: 0.5, LossCorrelation: 0.8})
	if together*2 > alone {
		t.Errorf("%d changes with correlation, %d without", together, alone)
	}
}

func FuzzParse(f *testing.F) {
	for _, line := range []string{"delay 200ms 20ms 25", "loss random 30%", "limit 3", "delay", "loss .", "duplicate 1"} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		n, err := Parse(strings.Fields(line))
		if err != nil {
			return
		}
		if !(n.Loss >= 0 && n.Loss <= 1 && n.LossCorrelation >= 0 && n.LossCorrelation <= 1 && n.DelayCorrelation >= 0 && n.DelayCorrelation <= 1) ||
			n.Delay < 0 || n.Jitter < 0 || n.Limit < 0 {
			t.Errorf("%q is read as %+v", line, n)
		}
	})
}
