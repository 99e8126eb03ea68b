package suites

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/aftershockhq/aftershock/config"
	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/eviction"
	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/experiments/kubewatch"
	"github.com/aftershockhq/aftershock/experiments/load"
	"github.com/aftershockhq/aftershock/experiments/rollout"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate/kube"
)

// rolloutTime is how long a rollout may take until it counts as stuck.
const rolloutTime = 5 * time.Minute

// faults adds the experiment's faults. A surge becomes one of the load.
func (s *Session) faults(e *Experiment, traffic *load.HTTP) error {
	var errs []error
	for _, f := range e.Planned.Faults {
		fault, err := s.fault(e, f, traffic)
		if err != nil {
			errs = append(errs, f.Place.Error(fmt.Errorf("fault %q: %w", f.Name, err)))
			continue
		}
		scheduled := experiments.Scheduled{Name: f.Name, Fault: fault, At: f.At, For: f.For, Within: f.Within}
		if f.When.Autoscaler == config.ScalingOut {
			scheduled.When = kubewatch.ScalingOut{Namespace: e.service.Namespace, Autoscaler: e.service.Autoscaler.Name}
		}
		e.Faults = append(e.Faults, scheduled)
	}
	return errors.Join(errs...)
}

// fault is a fault of the plan on the service's pods.
func (s *Session) fault(e *Experiment, f config.PlannedFault, traffic *load.HTTP) (experiments.Fault, error) {
	pods := e.service.pods()
	var to faults.Pods
	if f.To != "" {
		to = s.services[f.To].pods()
	}
	if spec, ok := f.Aim(pods, to, e.service.container); ok {
		return s.Chaos.With(e.ledger.Writing(s.Client), e.ledger).Fault(spec), nil
	}
	cluster := s.guarded()
	cluster.Client = e.ledger.Writing(s.Client)
	workload := rollout.Workload{Workload: e.service.Workload, Cluster: cluster, Timeout: rolloutTime}
	switch spec := f.Spec.(type) {
	case config.Evict:
		return &eviction.Fault{Cluster: cluster, Pods: pods, Count: spec.Count}, nil
	case config.Drain:
		return eviction.Drain(cluster, pods), nil
	case config.Restart:
		return &rollout.Restart{Workload: workload, Swept: s.Plan.Cluster.Image != ""}, nil
	case config.BadImage:
		return &rollout.BadImage{Workload: workload, Container: e.service.container, Swept: s.Plan.Cluster.Image != ""}, nil
	case config.Surge:
		surge, err := surged(traffic, float64(spec.Factor))
		if err != nil || spec.Scaled == 0 {
			return surge, err
		}
		return &scaledOut{Surge: surge, session: s, service: e.service, rest: spec.Scaled}, nil
	}
	return nil, fmt.Errorf("no fault is made of %T", f.Spec)
}

// scaledOut is a surge that counts as injected once the service has scaled out
// for it, so that what is held is what it does then. Where it does not scale, or
// not in time, the surge is held all the same: what is expected of the autoscaler
// finds that.
type scaledOut struct {
	*load.Surge
	session *Session
	service *service
	rest    time.Duration // how long the new size must last
}

var _ experiments.Bounded = (*scaledOut)(nil)

// InjectTimeout is how long Inject waits for the service to scale.
func (s *scaledOut) InjectTimeout() time.Duration { return scalingTimeout + faults.Preparing }

// String says what the fault does.
func (s *scaledOut) String() string { return s.Surge.String() + ", held once the service has scaled" }

// Inject begins the surge, and waits.
func (s *scaledOut) Inject(ctx context.Context, rec *record.Recorder) (record.Injection, error) {
	injection, err := s.Surge.Inject(ctx, rec)
	if err != nil || injection.FailureReason != "" {
		return injection, err
	}
	return injection, s.session.scaled(ctx, rec, s.service.Workload, s.rest)
}

// scalingTimeout is how long an autoscaler may take to want more pods, and they
// to be there.
const scalingTimeout = 2 * time.Minute

// scale looks at a workload until it is as wanted, or for [scalingTimeout]: in
// time says which. It returns how many pods were wanted at the first look. A look
// that fails is made again; the last one's error counts if none succeeds.
func (s *Session) scale(ctx context.Context, rec *record.Recorder, w kube.Workload, until func(before int32, s kube.State) bool) (before int32, inTime bool, err error) {
	end := rec.Clock().Now() + scalingTimeout
	for looked := false; ; {
		state, err := w.Read(ctx, s.Client)
		switch {
		case err == nil:
			if !looked {
				before, looked = state.Desired, true
			}
			if until(before, state) {
				return before, true, nil
			}
		case errors.Is(err, kube.ErrNoWorkload), apierrors.IsForbidden(err), apierrors.IsUnauthorized(err):
			return before, false, err
		}
		if rec.Clock().Now() > end {
			if looked {
				err = nil
			}
			return before, false, err
		}
		if err := experiments.Wait(ctx, config.ReplicasEvery/4); err != nil {
			return before, false, err
		}
	}
}

// scaled waits until the workload has more pods than at the first look, all of
// them ready, and has kept that size for the rest.
func (s *Session) scaled(ctx context.Context, rec *record.Recorder, w kube.Workload, rest time.Duration) error {
	const never = time.Duration(math.MaxInt64)
	clock, since, size, most, unsettled := rec.Clock(), never, int32(0), int32(0), ""
	before, inTime, err := s.scale(ctx, rec, w, func(before int32, s kube.State) bool {
		n, now := s.Desired, clock.Now()
		unsettled, most = s.Unsettled(), max(most, n)
		// It has the size since the first look that saw it.
		if n != size || since == never {
			since, size = now, n
		}
		if n <= before || unsettled != "" {
			since = never
		}
		return now-since >= rest
	})
	switch {
	case err != nil:
		return err
	case inTime:
		rec.Note("%s has scaled from %d to %d pods", w.Name, before, size)
	case most <= before:
		rec.Note("%s has not scaled: no more than %d pods were wanted for %s", w.Name, before, scalingTimeout)
	default:
		rec.Note("%s has not kept a greater size than %d pods for %s within %s: up to %d were wanted, %d in the end%s", w.Name, before, rest, scalingTimeout, most, size, strings.TrimSuffix("; "+unsettled, "; "))
	}
	return nil
}
