package steadystate

import (
	"errors"
	"fmt"
	"time"
)

// A Check says what counts as good on a signal, and limits how long and how
// often the signal may be bad. It is plain data and part of the record, so a
// record can be judged again with other limits.
type Check struct {
	Name   string `json:"name"`
	Signal string `json:"signal"`
	// Good is the tolerance for one value; required.
	Good Tolerance `json:"good"`
	// Allowed is the share of bad observations that counts as background: 0.001
	// for traffic. An outage is more bad observations than chance explains at
	// that share, or a cluster of them. Zero: every bad observation is an
	// outage.
	Allowed float64 `json:"allowed,omitempty"`
	// Limits must hold. None: no outage at all.
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

// Rule is the check's outage rule for a record with that settle time; byChance
// is [Rule]'s.
func (c Check) Rule(settle time.Duration, byChance bool) Rule {
	return Rule{Settle: settle, Allowed: c.Allowed, ByChance: byChance}
}

// A Hypothesis claims that a service is in its steady state: every check is
// good. Signals are observed while an experiment runs. Those that its load
// yields ("requests") need no source here.
type Hypothesis struct {
	Signals []Signal
	Checks  []Check
}
