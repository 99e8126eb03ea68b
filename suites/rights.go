package suites

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	eventsv1 "k8s.io/api/events/v1"

	"github.com/aftershockhq/aftershock/config"
	"github.com/aftershockhq/aftershock/experiments/stop"
	"github.com/aftershockhq/aftershock/suites/rights"
)

// Rights returns the rights that preflight, a run and a sweep of these experiments need,
// as package rehearsal finds them. It contacts no cluster, no Prometheus and no service. A
// right outside the namespaces of the file, or to see Kubernetes Events, or autoscalers that
// the file does not name, is optional if everything works without it.
//
// The error says what could not be rehearsed; the list may then be incomplete.
func Rights(ctx context.Context, plan *config.Plan, chosen []config.Planned) ([]rights.Rule, error) {
	all := &rehearsing{plan: plan, chosen: chosen}
	own := append(slices.Clone(plan.Allow.Namespaces), plan.Cluster.Namespace)
	for _, p := range plan.Planned { // a sweep looks for those of all
		if p.Workers != nil {
			own = append(own, p.Workers.Namespace)
		}
	}
	narrow := &rehearsing{plan: plan, chosen: chosen, refuse: func(r rights.Rule) bool {
		toSee := r.Group == eventsv1.GroupName && r.Verb != "create" || r.Group == autoscalingv2.GroupName && r.Name == ""
		return toSee || r.Resource != "namespaces" && (r.Namespace == "" || !slices.Contains(own, r.Namespace))
	}}
	still := &rehearsing{plan: plan, chosen: chosen, still: true} // and so its faults fail
	var wg sync.WaitGroup
	for _, r := range []*rehearsing{all, narrow, still} {
		wg.Go(func() { r.run(ctx) })
	}
	wg.Wait()
	list := slices.Concat(all.asked, narrow.asked, still.asked)
	for i, r := range list {
		list[i].Optional = narrow.refuse(r) && narrow.err == nil
	}
	return rights.Merge(list), errors.Join(all.err, ctx.Err())
}

// OperatorRights returns the rights needed to stop and resume the runs of the file, as
// package rehearsal finds them. It contacts no cluster.
func OperatorRights(ctx context.Context, plan *config.Plan) ([]rights.Rule, error) {
	s, stage, err := (&rehearsing{plan: plan}).connected(nil)
	if err != nil {
		return nil, err
	}
	all := stop.Scope{All: true}
	for range 2 { // the first one finds a ConfigMap, and the last resume leaves none
		_, errStop := s.Stop(ctx, all, "rehearsal", time.Time{})
		_, errRead := s.Stops(ctx)
		_, errResume := s.Resume(ctx, all)
		err = errors.Join(err, errStop, errRead, errResume)
	}
	return rights.Merge(stage.Asked()), err
}

// An account is what the session's account needs and what it lacks.
type account struct {
	needs, lacks []rights.Rule
	incomplete   error // why more may be needed
	unasked      error // why what it lacks is not known
}

func (s *Session) account(ctx context.Context, chosen []config.Planned) (a account) {
	a.needs, a.incomplete = Rights(ctx, s.Plan, chosen)
	a.lacks, a.unasked = rights.Missing(ctx, s.Client, a.needs)
	return a
}

// missing are the optional rights that it lacks, or the others.
func (a account) missing(optional bool) (list []rights.Rule) {
	for _, r := range a.lacks {
		if r.Optional == optional {
			list = append(list, r)
		}
	}
	return list
}

// err has a line for each rule to add.
func (a account) err(path string) error {
	place := config.Place{File: path, Line: 1}
	if a.unasked != nil {
		return place.Error(fmt.Errorf("rights: %w: %w", ErrUnavailable, a.unasked))
	}
	var errs []error
	for _, line := range rights.Lines(a.missing(false)) {
		errs = append(errs, place.Error(fmt.Errorf("rights: missing %s; add the rule, or all that are needed: aftershock rbac -f %s | kubectl apply -f -", line, path)))
	}
	return errors.Join(errs...)
}
