package record

import (
	"errors"
	"fmt"
	"iter"

	"github.com/aftershockhq/aftershock/steadystate"
)

// Whole yields entries, and an error in place of the first that is invalid in
// the record of one run: a second header, plan or end, an entry after the end,
// a plan with nothing to judge, a span that ends before it begins. [Read]
// checks the same; Whole is for entries from elsewhere.
func Whole(entries iter.Seq2[Entry, error]) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		var whole sequence
		n := 0
		for e, err := range entries {
			n++
			if err == nil {
				if err = whole.take(e); err != nil {
					err = fmt.Errorf("record, entry %d: %w", n, err)
				}
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

// A sequence checks the entries of one record.
type sequence struct{ header, plan, end bool }

// take says why an entry is invalid after the earlier ones.
func (s *sequence) take(e Entry) error {
	switch {
	case s.end:
		return errors.New("an entry after the end: a record is of one run")
	case e.Header != nil && s.header:
		return errors.New("a second header: a record is of one run")
	case e.Plan != nil && s.plan:
		return errors.New("a second plan: a record is of one run")
	}
	if err := e.validate(); err != nil {
		return err
	}
	s.header, s.plan, s.end = s.header || e.Header != nil, s.plan || e.Plan != nil, e.End != nil
	return nil
}

// validate says why an entry is invalid by itself.
func (e Entry) validate() error {
	if n := e.contents(); n > 1 {
		return fmt.Errorf("an entry with %d contents: want one", n)
	}
	switch {
	case e.Plan != nil:
		return e.Plan.validate()
	case e.Observations != nil:
		for _, o := range e.Observations.List {
			if err := forward(o.Span, "an observation of "+e.Observations.Signal); err != nil {
				return err
			}
		}
	case e.Requests != nil:
		for _, q := range e.Requests.List {
			if err := q.validate(e.Requests.Signal); err != nil {
				return err
			}
		}
	case e.Event != nil:
		return forward(e.Event.Span, fmt.Sprintf("the event %s of %s", e.Event.Kind, e.Event.Subject))
	case e.Injection != nil:
		return forward(e.Injection.Span, "the injection of "+e.Injection.Fault)
	case e.Removal != nil:
		return forward(e.Removal.Span, "the removal of "+e.Removal.Fault)
	}
	return nil
}

// contents counts the fields that are set, besides the time.
func (e Entry) contents() int {
	n := 0
	for _, set := range []bool{
		e.Header != nil, e.Plan != nil, e.Environment != nil, e.Phase != "", e.Observations != nil, e.Requests != nil,
		e.Event != nil, e.Injection != nil, e.Removal != nil, e.Note != "", e.End != nil,
	} {
		if set {
			n++
		}
	}
	return n
}

func forward(s steadystate.Span, what string) error {
	if s.To < s.From {
		return fmt.Errorf("%s ends before it begins: %s to %s", what, s.From, s.To)
	}
	return nil
}

// validate says why a request is invalid by itself.
func (q Request) validate(signal string) error {
	if q.Answered < q.Sent || q.Stalled < 0 || q.Skew < 0 {
		return fmt.Errorf("request %d of %s is answered before it is sent, or has a stall or skew below zero: %s to %s, %s, %s",
			q.Seq, signal, q.Sent, q.Answered, q.Stalled, q.Skew)
	}
	return nil
}

// validate says why a plan cannot be judged.
func (p *Plan) validate() error {
	if len(p.Checks)+len(p.Expectations) == 0 {
		return errors.New("the plan has no checks and no expectations: there is nothing to judge")
	}
	names, signals := map[string]bool{}, map[string]Expectation{}
	twice := func(what, name string) error {
		if names[name] {
			return fmt.Errorf("the plan has %s %q twice", what, name)
		}
		names[name] = true
		return nil
	}
	for _, c := range p.Checks {
		if err := errors.Join(c.Validate(), twice("the check", c.Name)); err != nil {
			return err
		}
	}
	faults := map[string]bool{}
	for _, f := range p.Faults {
		if faults[f.Name] {
			return fmt.Errorf("the plan has two faults of the name %q", f.Name)
		}
		faults[f.Name] = true
	}
	for _, x := range p.Expectations {
		if err := twice("the expectation", x.Name); err != nil {
			return err
		}
		switch other, seen := signals[x.Subject]; {
		case x.Signal == "":
		case seen && other.Signal != x.Signal:
			return fmt.Errorf("the expectations %q and %q of %s go by different signals, %q and %q", other.Name, x.Name, x.Subject, other.Signal, x.Signal)
		default:
			signals[x.Subject] = x
		}
	}
	return nil
}
