package suites

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/autoscaling"
	"github.com/aftershockhq/aftershock/experiments/chaosmesh"
	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/experiments/kubewatch"
	"github.com/aftershockhq/aftershock/experiments/load"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate/kube"
)

// AutoscalerExpectation is the name of what is expected of the autoscaler, for
// limits in the configuration and in "aftershock judge".
const AutoscalerExpectation = "autoscaler"

// How long a load or a stress that an autoscaler must answer is on, and for how
// long it is watched afterwards: by the defaults of Kubernetes a size that is
// not needed stays for five minutes.
const (
	scalingHold  = 2 * time.Minute
	scalingWatch = 7 * time.Minute
)

// restingID is the id of the experiment with two surges.
const restingID = "autoscaling/rest"

// betweenSurges is how long the load falls between two surges: long enough for one look
// of an autoscaler, too short for a reason to take pods away.
const betweenSurges = 12 * time.Second

// scaling is the suite of what an autoscaler does about a load, and what of it
// the service's users feel.
var scaling = []standard{
	{
		id: "autoscaling/surge", name: "the load of %s surges", hold: scalingHold, watch: scalingWatch, autoscaler: true,
		more: func(t *Target, e *experiments.Experiment) { t.surge(e) },
	},
	{
		id: "autoscaling/cpu-all", name: "all pods of an autoscaled %s are short of CPU", hold: scalingHold, watch: scalingWatch,
		autoscaler: true, signals: []string{SignalCPU},
		held: func(t *Target, follow bool) chaosmesh.Spec {
			return t.cpuStress(faults.All, follow)
		},
	},
	{
		id: "autoscaling/kill", name: "a pod of %s dies while it scales out", hold: scalingHold, watch: scalingWatch, autoscaler: true,
		more: func(t *Target, e *experiments.Experiment) {
			e.Faults = []experiments.Scheduled{
				{Name: "surge", Fault: t.surge(e)},
				{
					Name: "kill", Fault: t.Chaos.Fault(chaosmesh.PodKill{Pods: t.pods(), Count: faults.One}),
					When: kubewatch.ScalingOut{Namespace: t.Service.Namespace, Autoscaler: t.Autoscaler.Name}, Within: scalingTimeout,
				},
			}
		},
	},
	{
		id: restingID, name: "the load of %s rests between two surges", hold: scalingHold, watch: scalingWatch, autoscaler: true,
		more: func(t *Target, e *experiments.Experiment) {
			surge := t.surge(e)
			e.Hold /= 2 // the other half is that of the first surge
			e.Faults = []experiments.Scheduled{{Fault: &twice{Surge: surge, first: e.Hold, rest: betweenSurges}}}
		},
	},
}

// surge makes a surge of the experiment's load its fault, which it returns.
func (t *Target) surge(e *experiments.Experiment) *load.Surge {
	traffic, surge := t.Load, &load.Surge{Factor: t.Autoscaler.Surge}
	traffic.Surge = surge
	e.Load, e.Faults = traffic, []experiments.Scheduled{{Fault: surge}}
	return surge
}

// expectation is what is expected of the autoscaler, with a second reading of
// its metric where there is one.
func (t *Target) expectation(limits []string) record.Expectation {
	x := autoscaling.Expect(AutoscalerExpectation, t.Service.Namespace, t.Autoscaler.Name, limits...)
	if t.Autoscaler.reading != nil {
		x.Signal = SignalKubelets
	}
	return x
}

// twice is a surge that comes twice, with a rest between.
type twice struct {
	*load.Surge
	first, rest time.Duration
}

// String says what the fault does.
func (s *twice) String() string {
	return fmt.Sprintf("%s, for %s and again after a rest of %s", s.Surge, s.first, s.rest)
}

// Inject returns when the load surges for the second time. The injection is
// that of the first.
func (s *twice) Inject(ctx context.Context, rec *record.Recorder) (record.Injection, error) {
	injection, err := s.Surge.Inject(ctx, rec)
	if err != nil || injection.FailureReason != "" {
		return injection, err
	}
	if err := experiments.Wait(ctx, s.first); err != nil {
		return injection, err
	}
	if _, err := s.Recover(ctx, rec); err != nil {
		return injection, err
	}
	if err := experiments.Wait(ctx, s.rest); err != nil {
		return injection, err
	}
	again, err := s.Surge.Inject(ctx, rec)
	injection.FailureReason = again.FailureReason
	return injection, err
}

// scaledOut is a surge that counts as injected once the service has scaled out
// for it, so that what is held is what it does then. Where it does not scale, or
// not in time, it is held all the same: that is for what is expected of the
// autoscaler to find.
type scaledOut struct {
	*load.Surge
	target *Target
	rest   time.Duration // how long the new size must last
}

// String says what the fault does.
func (s *scaledOut) String() string { return s.Surge.String() + ", held once the service has scaled" }

// Inject begins the surge, and waits.
func (s *scaledOut) Inject(ctx context.Context, rec *record.Recorder) (record.Injection, error) {
	injection, err := s.Surge.Inject(ctx, rec)
	if err != nil || injection.FailureReason != "" {
		return injection, err
	}
	return injection, s.target.scaled(ctx, rec, s.rest)
}

const (
	// scalingTimeout is how long an autoscaler may take to want more pods, and
	// they to be there.
	scalingTimeout = 2 * time.Minute
	// scaledRest is how long a size must last to count as the one that the
	// service has scaled to: by the defaults of Kubernetes a metric is measured
	// every 15 s, and an autoscaler looks as often.
	scaledRest = 30 * time.Second
)

// scale looks at the service's workload until it is as wanted, or for
// [scalingTimeout]: in time says which. It returns how many pods were wanted at
// the first look. A look that fails is made again; the last one's error counts
// if none succeeds.
func (t *Target) scale(ctx context.Context, rec *record.Recorder, until func(before int32, s kube.State) bool) (before int32, inTime bool, err error) {
	end := rec.Clock().Now() + scalingTimeout
	for looked := false; ; {
		s, err := t.Service.Read(ctx, t.Client)
		switch {
		case err == nil:
			if !looked {
				before, looked = s.Desired, true
			}
			if until(before, s) {
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
		if err := experiments.Wait(ctx, replicasEvery/4); err != nil {
			return before, false, err
		}
	}
}

// scaled waits until the service has more pods than at the first look, all of
// them ready, and has kept that size for the rest.
func (t *Target) scaled(ctx context.Context, rec *record.Recorder, rest time.Duration) error {
	const never = time.Duration(math.MaxInt64)
	clock, since, size, most, unsettled := rec.Clock(), never, int32(0), int32(0), ""
	before, inTime, err := t.scale(ctx, rec, func(before int32, s kube.State) bool {
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
	name := t.Service.Name
	switch {
	case err != nil:
		return err
	case inTime:
		rec.Note("%s has scaled from %d to %d pods", name, before, size)
	case most <= before:
		rec.Note("%s has not scaled: no more than %d pods were wanted for %s", name, before, scalingTimeout)
	default:
		rec.Note("%s has not kept a greater size than %d pods for %s within %s: up to %d were wanted, %d in the end%s", name, before, rest, scalingTimeout, most, size, strings.TrimSuffix("; "+unsettled, "; "))
	}
	return nil
}
