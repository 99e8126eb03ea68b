package faults

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

// A Scope says whose objects are looked for.
type Scope struct {
	// Namespaces to look in; at least one.
	Namespaces []string
	// Run is the one run whose objects are meant. Default: those of all runs,
	// of one that is still under way too.
	Run string
}

// Validate refuses a scope without a namespace.
func (s Scope) Validate() error {
	if len(s.Namespaces) == 0 {
		return fmt.Errorf("sweep: %w: no namespace; say where to look", ErrRefused)
	}
	return nil
}

// Labels are those of the objects that are meant.
func (s Scope) Labels() client.MatchingLabels {
	ours := client.MatchingLabels{ManagedLabel: Managed}
	if s.Run != "" {
		ours[RunLabel] = s.Run
	}
	return ours
}

// A Leftover is an object that a run has left behind.
type Leftover struct {
	Kind, Namespace, Name string
	Run                   string // of the record
	Created               time.Time
	Finalizers            []string
	// Notes say what it took to remove it, if it did not go by itself.
	Notes []string
}

// NewLeftover is an object of that kind that the run has left behind.
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

// String is "PodChaos/shop/pod-kill-4f1c2a9d3b-x7k2p, left behind by run
// 4f1c2a9d3b".
func (l Leftover) String() string {
	return fmt.Sprintf("%s/%s/%s, left behind by run %s", l.Kind, l.Namespace, l.Name, cmp.Or(l.Run, "unknown"))
}

func (l Leftover) left() Leftover { return l }

// Found is what a search finds: a [Leftover], or a struct that embeds one, with
// what it takes to remove it.
type Found interface {
	fmt.Stringer
	left() Leftover
}

// Leftovers are those that were found.
func Leftovers[F Found](found []F) []Leftover {
	var list []Leftover
	for _, f := range found {
		list = append(list, f.left())
	}
	return list
}

// Named are the names of what was left behind, in one line.
func Named[F Found](left []F) string {
	var names []string
	for _, l := range left {
		names = append(names, l.String())
	}
	return strings.Join(names, "; ")
}

// Sweep removes what find finds, and proves with again that nothing is left. It
// goes on after a failure; the error then names all that may still be in place.
// What it removed is returned in any case.
func Sweep[F Found](find, again func() ([]F, error), remove func(*F) error) ([]Leftover, error) {
	found, err := find()
	errs := []error{err}
	var removed []F
	for i := range found {
		if err := remove(&found[i]); err != nil {
			errs = append(errs, err)
			continue
		}
		removed = append(removed, found[i])
	}
	left, err := again()
	if err != nil {
		errs = append(errs, fmt.Errorf("look again: %w", err))
	}
	if len(left) > 0 {
		errs = append(errs, fmt.Errorf("still in place: %s", Named(left)))
	}
	return Leftovers(removed), errors.Join(errs...)
}
