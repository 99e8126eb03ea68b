package steadystate

import (
	"errors"
	"fmt"
	"time"
)

// A Check says what counts as good on a signal, and the limits for how long
// and how often it may not be. It is plain data: it is part of the record, so
// a record can be judged again, also with other limits.
type Check struct {
	Name   string `json:"name"`
	Signal string `json:"signal"`
	// Good is the tolerance for one value; it must be set.
	Good Tolerance `json:"good"`
	// Allowed is the share of bad observations that is background: 0.001 for
	// traffic. More than chance makes of it is an outage, as is a cluster, however
	// small its share. Zero: every bad observation is an outage.
	Allowed float64 `json:"allowed,omitempty"`
	// Limits that must hold. None: no outage at all.
	Limits []Limit `json:"limits,omitempty"`
}

// Validate says what is wrong with the check.
func (c Check) Validate() error {
	var errs []error
	if c.Name == "" {
		errs = append(errs, errors.New("a check needs a name"))
	}
	if c.Signal == "" {
		errs = append(errs, fmt.Errorf("check %q: needs a signal", c.Name))
	}
	if !c.Good.IsSet() {
		errs = append(errs, fmt.Errorf("check %q: needs what counts as good, as in \"<= 2s\" or \">= 0.99\"", c.Name))
	}
	if c.Allowed < 0 || c.Allowed >= 1 {
		errs = append(errs, fmt.Errorf("check %q: the allowed share %g must be at least 0 and below 1", c.Name, c.Allowed))
	}
	return errors.Join(errs...)
}

// Rule is when an outage of the check is over, for a record with that settle
// time; byChance is that of [Rule].
func (c Check) Rule(settle time.Duration, byChance bool) Rule {
	return Rule{Settle: settle, Allowed: c.Allowed, ByChance: byChance}
}

// A Hypothesis is the claim that a service is in its steady state: every check
// is good, on signals that are observed while an experiment runs. Signals that
// the experiment's load yields ("requests") need no source here.
type Hypothesis struct {
	Signals []Signal
	Checks  []Check
}
