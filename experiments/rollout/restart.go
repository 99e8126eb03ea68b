package rollout

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/kube"
)

// restartedAt is the annotation of the pod template that "kubectl rollout
// restart" sets.
const restartedAt = "kubectl.kubernetes.io/restartedAt"

// A Restart replaces every pod of a workload, as "kubectl rollout restart"
// does. It is over when the rollout is complete and the old pods are gone.
// There is nothing to undo; the annotation of the pod template, which is
// kubectl's, stays. It implements [experiments.Fault] and must not be used
// concurrently.
type Restart struct {
	Workload

	old map[string]*aging // by UID; nil: not requested yet
}

var (
	_ experiments.Targeter  = (*Restart)(nil)
	_ experiments.Previewer = (*Restart)(nil)
	_ experiments.Bounded   = (*Restart)(nil)
)

// aging is a pod to be replaced, and when it was last seen.
type aging struct {
	corev1.Pod
	seen time.Duration
	gone bool
}

// String is "restart deployment checkout in shop".
func (r *Restart) String() string { return "restart " + r.Workload.String() }

// Preview describes an Inject as of now and changes nothing. The error is the
// one that Inject would return: the API server validates the change in a dry
// run.
func (r *Restart) Preview(ctx context.Context, _ string) (experiments.Preview, error) {
	s, pods, err := r.choose(ctx)
	if err == nil {
		err = r.patch(ctx, s, touch, client.DryRunAll)
	}
	if err != nil {
		return experiments.Preview{}, fmt.Errorf("%s: %w", r, err)
	}
	preview := experiments.Preview{Object: s.Object, Candidates: faults.Targets(pods), Requested: len(pods), Effects: goes()}
	preview.Away, preview.AwayBy = away(s)
	return preview, nil
}

func goes() []record.Effect { return []record.Effect{{Event: record.EventGone}} }

// touch changes the pod template.
func touch(s kube.State) {
	// To the nanosecond, so that two restarts within a second differ.
	metav1.SetMetaDataAnnotation(&s.Template.ObjectMeta, restartedAt, time.Now().UTC().Format(time.RFC3339Nano))
}

// Targets are the pods that the restart replaces.
func (r *Restart) Targets(ctx context.Context) ([]record.Target, error) {
	_, pods, err := r.choose(ctx)
	return faults.Targets(pods), err
}

// Inject changes the pod template and returns once the workload's controller
// has seen the change; if it does not, that is the failure reason. The span in
// which the fault took effect is that of the request. The error is for requests
// that the API refused; it wraps [faults.ErrRefused] where the guard did.
func (r *Restart) Inject(ctx context.Context, rec *record.Recorder) (record.Injection, error) {
	r.old = nil
	clock := rec.Clock()
	in := record.Injection{Fault: r.String(), Effects: goes(), ChangesPods: true, Rolls: true, Span: steadystate.Instant(clock.Now())}
	var changed int64
	err := unlessChanged(func() error {
		s, pods, err := r.choose(ctx)
		if err != nil {
			return err
		}
		in.Targets, in.From = faults.Targets(pods), clock.Now()
		if err := faults.WriteDown(rec, record.Event{Span: steadystate.Instant(in.From), Kind: EventChanging, Subject: r.Subject(), UID: string(s.Object.GetUID())}); err != nil {
			return err
		}
		if err := r.patch(ctx, s, touch); err != nil {
			return err
		}
		r.old = map[string]*aging{}
		for _, pod := range pods {
			r.old[string(pod.UID)] = &aging{Pod: pod, seen: in.From}
		}
		changed = s.Object.GetGeneration()
		return nil
	})
	in.To = clock.Now()
	if err != nil {
		return in, fmt.Errorf("%s: %w", r, err)
	}
	_, missing, err := r.await(ctx, clock, func() (string, error) {
		s, err := r.read(ctx)
		if err != nil {
			return "", err
		}
		if s.Observed < changed {
			return fmt.Sprintf("its controller has seen generation %d of %d", s.Observed, changed), nil
		}
		return "", nil
	})
	if err != nil {
		return in, fmt.Errorf("%s: %w", r, err)
	}
	if missing != "" {
		in.FailureReason = "the rollout did not begin: " + missing
	}
	return in, nil
}

// Recover waits until the rollout has ended, and returns the span in which it
// did. A rollout that does not end in time is not an error, since there is
// nothing to undo: the record names the rest, and remaining pods are missing
// from its proof.
func (r *Restart) Recover(ctx context.Context, rec *record.Recorder) (steadystate.Span, error) {
	clock := rec.Clock()
	if r.old == nil {
		return steadystate.Instant(clock.Now()), nil
	}
	span, missing, _ := r.await(ctx, clock, func() (string, error) {
		left, err := r.age(ctx, rec)
		if err != nil {
			return "", err
		}
		s, err := r.read(ctx)
		if err != nil {
			return "", err
		}
		if why := s.Unsettled(); why != "" {
			return why, nil
		}
		if left > 0 {
			return fmt.Sprintf("%d of %d pods from before are still there", left, len(r.old)), nil
		}
		return "", nil
	})
	if missing != "" {
		rec.Note("%s: the rollout had not ended at %s: %s; nothing undoes a restart", r, steadystate.Instant(span.To), missing)
	} else {
		rec.Event(record.Event{Span: span, Kind: EventRolledOut, Subject: r.Subject()})
	}
	r.old = nil
	return span, nil
}

// age records which of the old pods are gone by now, and returns how many are
// left.
func (r *Restart) age(ctx context.Context, rec *record.Recorder) (left int, err error) {
	for uid, a := range r.old {
		if a.gone {
			continue
		}
		at := rec.Clock().Now()
		var pod corev1.Pod
		err := r.Cluster.Client.Get(ctx, client.ObjectKeyFromObject(&a.Pod), &pod)
		switch {
		case apierrors.IsNotFound(err), err == nil && string(pod.UID) != uid:
			a.gone = true
			rec.Event(record.Event{
				Span: steadystate.Span{From: a.seen, To: rec.Clock().Now()}, Kind: record.EventGone,
				Subject: faults.Subject(&a.Pod), UID: uid,
			})
		case err != nil:
			return 0, fmt.Errorf("read pod %s: %w", a.Name, kube.Explain(err, "the right to get pods"))
		default:
			a.seen = at
			left++
		}
	}
	return left, nil
}
