package bench

import (
	"context"
	"time"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/load"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// A Blind is an experiment that does not know what is done to the service: it
// drives a load and records the outcome. It is plain data, so that a separate
// process can carry it out, see [StartDriver].
type Blind struct {
	Name string `json:"name"`
	// URL is the target of the load, Rate its requests per second; both are
	// required.
	URL  string `json:"url"`
	Rate int    `json:"rate"`
	// Timeout is how long the load waits for an answer. Default: the load's.
	Timeout time.Duration `json:"timeout,omitempty"`
	// Check defines a good request; its signal is the traffic.
	Check steadystate.Check `json:"check"`
	// Settle is how long the service must be good before the plant, and again for
	// an outage to be over; Watch is how long to observe afterwards. Defaults:
	// the experiment's.
	Settle time.Duration `json:"settle,omitempty"`
	Watch  time.Duration `json:"watch,omitempty"`
}

// Experiment is the experiment. Once the service is steady, plant disturbs it
// without the experiment's knowledge, and returns when the disturbance is over.
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

// secret is a fault whose record says only that it was somewhere between the
// beginning of the injection and its end.
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
