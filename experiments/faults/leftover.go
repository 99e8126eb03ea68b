package faults

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

// A Scope selects the objects to look for.
type Scope struct {
	// Namespaces lists the namespaces to look in, at least one.
	Namespaces []string
	// Of reports whether to select the objects of a run. Default: those of all runs,
	// including runs in progress.
	Of func(run string) bool
}

// Has reports whether the scope selects the objects of a run.
func (s Scope) Has(run string) bool { return s.Of == nil || s.Of(run) }

// Validate refuses a scope without a namespace.
func (s Scope) Validate() error {
	if len(s.Namespaces) == 0 {
		return fmt.Errorf("sweep: %w: no namespace; say where to look", ErrRefused)
	}
	return nil
}

// Labels returns the labels that the objects of all runs have.
func (s Scope) Labels() client.MatchingLabels { return client.MatchingLabels{ManagedLabel: Managed} }

// A Leftover is an object that a run has left behind.
type Leftover struct {
	Kind, Namespace, Name string
	Run                   string // of the record
	Created               time.Time
	Finalizers            []string
	// Holder names who holds the run, if the run is alive. Empty: it was left behind.
	Holder string
	// Notes describe the removal if the object did not go by itself.
	Notes []string
}

// NewLeftover returns the leftover for an object of this kind and run.
func NewLeftover(kind, run string, object client.Object) Leftover {
	return Leftover{
		Kind:       kind,
		Namespace:  object.GetNamespace(),
		Name:       object.GetName(),
		Run:        run,
		Created:    object.GetCreationTimestamp().Time,
		Finalizers: object.GetFinalizers(),
	}
}

// String returns "PodChaos/shop/pod-kill-4f1c2a9d3b-x7k2p, left behind by run
// 4f1c2a9d3b" or, for a run that is alive, the name and ", of " with the holder.
func (l Leftover) String() string {
	if l.Holder != "" {
		return fmt.Sprintf("%s/%s/%s, of %s", l.Kind, l.Namespace, l.Name, l.Holder)
	}
	return fmt.Sprintf("%s/%s/%s, left behind by run %s", l.Kind, l.Namespace, l.Name, cmp.Or(l.Run, "unknown"))
}

func (l Leftover) left() Leftover { return l }

// Found is the result of a search: a [Leftover], or a struct that embeds one,
// with the data needed to remove it.
type Found interface {
	fmt.Stringer
	left() Leftover
}

// Leftovers returns the leftovers of a search without the data to remove them.
func Leftovers[F Found](found []F) []Leftover {
	var list []Leftover
	for _, f := range found {
		list = append(list, f.left())
	}
	return list
}

// Named returns the names of the leftovers in one line.
func Named[F Found](left []F) string {
	var names []string
	for _, l := range left {
		names = append(names, l.String())
	}
	return strings.Join(names, "; ")
}

// Sweep removes what find finds, then calls find again to prove that nothing is left.
// The hidden error of find names what the account may not list; it is part of the error
// of Sweep, because something may remain there. Sweep continues after a failure; the
// error then names all objects that may still be in place. It always returns what it
// removed.
func Sweep[F Found](find func() (found []F, hidden, err error), remove func(*F) error) ([]Leftover, error) {
	found, _, err := find()
	errs := []error{err}
	var removed []F
	for i := range found {
		if err := remove(&found[i]); err != nil {
			errs = append(errs, err)
			continue
		}
		removed = append(removed, found[i])
	}
	left, hidden, err := find()
	if err = errors.Join(err, hidden); err != nil {
		errs = append(errs, fmt.Errorf("look again: %w", err))
	}
	if len(left) > 0 {
		errs = append(errs, fmt.Errorf("still in place: %s", Named(left)))
	}
	return Leftovers(removed), errors.Join(errs...)
}
