package bench

import (
	"context"
	"time"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/load"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// A Blind is an experiment that is not told what is done to the service: it
// drives a load and records what became of it. It is plain data, so that it
// can be carried out in a process of its own, see [StartDriver].
type Blind struct {
	Name string `json:"name"`
	// URL is what the load requests, Rate times a second; both are required.
	URL  string `json:"url"`
	Rate int    `json:"rate"`
	// Timeout is how long the load waits for an answer. Default: the load's.
	Timeout time.Duration `json:"timeout,omitempty"`
	// Check says what is good of a request; its signal is the traffic.
	Check steadystate.Check `json:"check"`
	// Settle is how long the service must be good before anything is done to
	// it, and again for an outage to be over; Watch is how long to look on
	// afterwards. Defaults: the experiment's.
	Settle time.Duration `json:"settle,omitempty"`
	Watch  time.Duration `json:"watch,omitempty"`
}

// Experiment is the experiment. When the service is steady, plant does to it
// what the experiment is not told, and returns when that is over.
func (b Blind) Experiment(plant func(context.Context) error) experiments.Experiment {
	b.Check.Signal = record.TrafficSignal
	return experiments.Experiment{
		Name:       b.Name,
		Hypothesis: steadystate.Hypothesis{Checks: []steadystate.Check{b.Check}},
		Load:       load.HTTP{Shape: load.Constant(float64(b.Rate)), URL: b.URL, Timeout: b.Timeout},
		Faults:     []experiments.Scheduled{{Fault: secret(plant)}},
		Settle:     b.Settle,
		Watch:      b.Watch,
	}
}

// secret is a fault of which the record says only that it was somewhere
// between the beginning of the injection and its end.
type secret func(context.Context) error

func (secret) String() string { return "what is not told" }

func (s secret) Inject(ctx context.Context, rec *record.Recorder) (record.Injection, error) {
	from := rec.Clock().Now()
	err := s(ctx)
	return record.Injection{Span: steadystate.Span{From: from, To: rec.Clock().Now()}}, err
}

func (secret) Recover(_ context.Context, rec *record.Recorder) (steadystate.Span, error) {
	return steadystate.Instant(rec.Clock().Now()), nil
}
