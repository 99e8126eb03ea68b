package suites

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aftershockhq/aftershock/config"
	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/experiments/lock"
	"github.com/aftershockhq/aftershock/steadystate/kube"
)

// ErrNotNow is wrapped by the error of a run that may not begin now although nothing is
// wrong with it: another run has the workload, for example.
var ErrNotNow = errors.New("refused for now")

// locked are the workloads that only one run at a time may have: those that
// experiments are about, and those that their faults touch besides. They are in one
// order, so that two runs that wait cannot wait for each other.
func locked(list ...Experiment) (workloads []kube.Workload) {
	for _, e := range list {
		workloads = slices.AppendSeq(workloads, maps.Values(e.hits()))
	}
	slices.SortFunc(workloads, func(a, b kube.Workload) int { return cmp.Compare(lock.Name(a), lock.Name(b)) })
	return slices.Compact(workloads)
}

// locksOf are the locks of an experiment.
func (s *Session) locksOf(e Experiment) (list []experiments.Safeguard) {
	for _, w := range locked(e) {
		list = append(list, &lock.Lock{
			Client:     s.Client,
			Namespace:  s.Plan.Cluster.Namespace,
			Workload:   w,
			Experiment: e.Name,
			Who:        Machine(),
			Longest:    e.Longest(),
			Wait:       s.Wait,
		})
	}
	return list
}

// alive are the runs that are, with their holders.
func alive(held []lock.Held) map[string]string {
	runs := map[string]string{}
	for _, h := range held {
		if h.Alive {
			runs[h.Run] = h.String()
		}
	}
	return runs
}

// told are what is left, with the holders of what is not left behind because its
// run is alive. Locks are looked at after the faults were found: a run has its lock
// before its first fault.
func (s *Session) told(ctx context.Context, left []faults.Leftover) ([]faults.Leftover, error) {
	if len(left) == 0 {
		return left, nil
	}
	held, err := lock.Look(ctx, s.Client, s.Plan.Cluster.Namespace, func([]lock.Held) {})
	runs := alive(held)
	for i := range left {
		left[i].Holder = runs[left[i].Run]
	}
	return left, err
}

// locks looks whether the locks and ledgers can be made, and who has the workloads now.
func (p *preflight) locks(ctx context.Context) {
	place, namespace := config.Place{File: p.Plan.Path, Line: 1}, p.Plan.Cluster.Namespace
	p.look("namespace "+namespace, place, func() (string, error) {
		asking, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		err := lock.Preflight(asking, p.Client, namespace)
		if err == nil {
			err = p.write(asking)
		}
		return "locks and ledgers can be made there", err
	})
	p.held(ctx)
}

// held looks who has the workloads now. If runs that are alive are to be waited
// for, it does that first: they disturb what else is looked at.
func (p *preflight) held(ctx context.Context) {
	place, namespace := config.Place{File: p.Plan.Path, Line: 1}, p.Plan.Cluster.Namespace
	p.look("locks", place, func() (string, error) {
		var free []string
		wanted := locked(p.list...)
		for _, w := range wanted {
			free = append(free, w.String())
		}
		observed, waiting := false, false
		for end := time.Now().Add(p.Wait); ; {
			held, err := lock.Look(ctx, p.Client, namespace, func(held []lock.Held) {
				if !observed {
					observed = true
					p.say(Note, "locks", fmt.Sprintf("observing for some seconds whether each run that has one is alive (%d)", len(held)))
				}
			})
			if err != nil {
				return "", later(err)
			}
			text, err := p.taken(wanted, held)
			switch {
			case err == nil && text != "":
				return "", note(text)
			case err == nil || !time.Now().Before(end):
				return "free: " + strings.Join(free, ", "), err
			}
			if !waiting {
				waiting = true
				p.say(Note, "locks", fmt.Sprintf("waiting for %s at most: %s", p.Wait, err))
			}
			if err := experiments.Wait(ctx, time.Second); err != nil {
				return "", err
			}
		}
	})
}

// soonFree is how long a run waits for the lock of one that is dead.
const soonFree = 15 * time.Second

// taken says which of the workloads other runs have. It is an error unless the lock
// is free by the time a run begins.
func (p *preflight) taken(wanted []kube.Workload, held []lock.Held) (text string, err error) {
	var texts []string
	var errs []error
	for _, h := range held {
		i := slices.IndexFunc(wanted, func(w kube.Workload) bool { return w.Subject() == h.Workload })
		switch {
		case i < 0:
		case h.Alive:
			errs = append(errs, fmt.Errorf("%w: %s is held by %s; wait for it, or run with --wait", ErrNotNow, wanted[i], h))
		case h.Left > soonFree:
			errs = append(errs, fmt.Errorf("%w: %s is held by %s; \"aftershock sweep -f %s\" removes what it left", ErrNotNow, wanted[i], h, p.Plan.Path))
		default:
			texts = append(texts, fmt.Sprintf("%s is held by %s", wanted[i], h))
		}
	}
	return strings.Join(texts, "; "), errors.Join(errs...)
}
