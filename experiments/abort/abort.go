package abort

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// A Condition must be met while faults are in place.
type Condition struct {
	// Name identifies the condition in the record. Required.
	Name string
	// Signal is a signal of the experiment. Required.
	Signal string
	// Good is the tolerance that each observation must meet. Required.
	Good steadystate.Tolerance
	// For is how long all observations must be bad, from the end of the first to the
	// beginning of the last, before the run is aborted. Default: the first bad one aborts
	// it.
	For time.Duration
}

// String returns "errors: requests <= 1s for 5s".
func (c Condition) String() string {
	text := fmt.Sprintf("%s: %s %s", c.Name, c.Signal, c.Good)
	if c.For > 0 {
		text += fmt.Sprintf(" for %s", c.For)
	}
	return text
}

// Conditions is a safeguard of one experiment, which may run several times.
type Conditions struct {
	Unless []Condition
	// Blind is how long a condition may go without an observation that decides it before
	// the run ends as unknown. It must be longer than the time between two observations,
	// such as the scrape interval of a query. Default: 10 s.
	Blind time.Duration

	*state // of the run under way
}

var _ experiments.Safeguard = (*Conditions)(nil)

// state is what was seen in a run.
type state struct {
	rec   *record.Recorder
	begun time.Duration
	news  chan struct{} // something was seen

	mu       sync.Mutex
	inForce  bool // from the first injection until the faults are undone
	sights   []sight
	breached *breach // the first
}

// sight is what was seen of a condition.
type sight struct {
	seen     time.Duration            // when the last observation that decides it was recorded
	why      string                   // why the latest one does not
	bad      *steadystate.Observation // the first of the latest ones, if all are bad
	breached *breach                  // by the latest ones; nil: it is met
}

// breach is the observation that shows that a condition is not met.
type breach struct {
	Condition
	steadystate.Observation
}

// String says what was seen.
func (b breach) String() string {
	seen := fmt.Sprintf("seen %s", b.Observation)
	if b.For > 0 {
		seen += fmt.Sprintf(", and nothing better for %s", b.For)
	}
	return fmt.Sprintf("abort condition %q: %s must be %s, %s", b.Name, b.Signal, b.Condition.Good, seen)
}

func (c *Conditions) blind() time.Duration { return cmp.Or(c.Blind, 10*time.Second) }

// Validate reports what is missing.
func (c *Conditions) Validate() error {
	var errs []error
	names := map[string]bool{}
	for i, u := range c.Unless {
		switch {
		case u.Name == "":
			errs = append(errs, fmt.Errorf("abort condition %d needs a name", i+1))
		case names[u.Name]:
			errs = append(errs, fmt.Errorf("abort condition %q is there twice", u.Name))
		}
		names[u.Name] = true
		if u.Signal == "" || !u.Good.IsSet() || u.For < 0 {
			errs = append(errs, fmt.Errorf("abort condition %q needs a signal, what is good, and a time that is not below zero", u.Name))
		}
	}
	if c.Blind < 0 {
		errs = append(errs, fmt.Errorf("abort: blind %s is below zero", c.Blind))
	}
	return errors.Join(errs...)
}

// String names the conditions.
func (c *Conditions) String() string {
	var list []string
	for _, u := range c.Unless {
		list = append(list, u.String())
	}
	return "abort unless " + strings.Join(list, "; ")
}

// Begin starts to observe what is recorded.
func (c *Conditions) Begin(_ context.Context, rec *record.Recorder) error {
	if err := c.Validate(); err != nil {
		return err
	}
	s := &state{rec: rec, begun: rec.Clock().Now(), news: make(chan struct{}, 1), sights: make([]sight, len(c.Unless))}
	c.state = s
	rec.Tap(func(e record.Entry) { s.see(c.Unless, e) })
	return nil
}

// see takes an entry. It may not call the recorder.
func (s *state) see(conditions []Condition, e record.Entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case e.Phase == record.PhaseRecover:
		s.inForce = false
	case e.Observations != nil:
		for i, c := range conditions {
			if c.Signal == e.Observations.Signal {
				for _, o := range e.Observations.List {
					s.observe(i, c, o, e.At)
				}
			}
		}
	case e.Requests != nil:
		for i, c := range conditions {
			if c.Signal == e.Requests.Signal {
				for _, q := range e.Requests.List {
					s.observe(i, c, q.Observation(), e.At)
				}
			}
		}
	default:
		return
	}
	select {
	case s.news <- struct{}{}:
	default: // there are some already
	}
}

// observe takes an observation, recorded at an instant.
func (s *state) observe(i int, c Condition, o steadystate.Observation, at time.Duration) {
	t := &s.sights[i]
	if why := o.Undecided(c.Good); why != "" {
		t.why = why
		return
	}
	t.seen, t.why = at, ""
	if o.Good(c.Good) {
		// An answer that was late to be recorded says nothing of what came after it.
		if t.bad == nil || o.To >= t.bad.To {
			t.bad, t.breached = nil, nil
		}
		return
	}
	if t.bad == nil {
		t.bad = &o
	}
	if t.breached != nil || c.For > 0 && o.From-t.bad.To < c.For {
		return
	}
	t.breached = &breach{c, o}
	if s.inForce && s.breached == nil {
		s.breached = t.breached
	}
}

// Allow refuses an injection while a condition is not met or not observed. Before the
// first injection nothing was touched, so the run has broken nothing.
func (c *Conditions) Allow(context.Context, time.Duration) error {
	s := c.state
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.breached != nil {
		return aborted(*s.breached)
	}
	for _, t := range s.sights {
		if t.breached != nil {
			return experiments.Ending{Reason: record.Refused, Detail: t.breached.String() + ", before the fault was injected"}
		}
	}
	err := c.unseen(s.rec.Clock().Now())
	s.inForce = s.inForce || err == nil
	return err
}

func aborted(b breach) error {
	return experiments.Ending{Reason: record.Aborted, Detail: b.String()}
}

// unseen is the error of a condition that was not observed for too long.
func (c *Conditions) unseen(now time.Duration) error {
	for i, u := range c.Unless {
		t := c.sights[i]
		since := max(t.seen, c.begun)
		if now-since <= c.blind() {
			continue
		}
		text := fmt.Sprintf("abort condition %q: %s was not observed for %s", u.Name, u.Signal, steadystate.FormatSeconds((now - since).Seconds()))
		if t.why != "" {
			text += ": " + t.why
		}
		return experiments.Ending{Reason: record.Blind, Detail: text}
	}
	return nil
}

// lookEvery is how often blindness is looked for.
const lookEvery = 250 * time.Millisecond

// Watch returns an error once a condition is not met, or was not observed for too long,
// while faults are in place.
func (c *Conditions) Watch(ctx context.Context) error {
	s := c.state
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.news:
		case <-tick.C:
		}
		s.mu.Lock()
		found, err := s.breached, error(nil)
		if s.inForce && found == nil {
			err = c.unseen(s.rec.Clock().Now())
		}
		s.mu.Unlock()
		switch {
		case found != nil:
			s.rec.Event(record.Event{
				Span: found.Span, Kind: record.EventAborting, Subject: "abort/" + found.Name,
				Attrs: map[string]string{record.AttrReason: found.String()},
			})
			return aborted(*found)
		case err != nil:
			return err
		}
	}
}

// End does nothing: the run's record takes no more.
func (*Conditions) End(context.Context) error { return nil }
