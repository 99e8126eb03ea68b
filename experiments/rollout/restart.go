package rollout

import (
	"cmp"
	"context"
	"errors"
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
	"github.com/aftershockhq/aftershock/steadystate/kube/argo"
)

// restartedAt is the annotation of the pod template that "kubectl rollout
// restart" sets.
const restartedAt = "kubectl.kubernetes.io/restartedAt"

// A Restart replaces every pod of a workload, as "kubectl rollout restart"
// does, or "kubectl argo rollouts restart" for a Rollout. It is over when the rollout
// is complete and the old pods are gone. There is nothing to undo then; the annotation
// of the pod template, which is kubectl's, stays, as does the time of a Rollout's
// restart. A Rollout's restart that is not over is ended: see the package's
// documentation. It implements [experiments.Fault] and must not be used concurrently.
type Restart struct {
	Workload
	// Swept: something in the cluster ends the restart of a Rollout if the run is
	// killed. Default: there is a warning before the run.
	Swept bool

	old       map[string]*aging // by UID; nil: not requested yet
	requested bool              // of a Rollout: the request may be in place
	unsure    bool              // whether it ever was is unknown: it had no answer
}

// goesOn is the warning shown before the restart of a Rollout.
const goesOn = "the cluster does not end this by itself: if the run is killed, the controller goes on with the restart until it is done, or \"aftershock sweep\" ends it"

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
func (r *Restart) Preview(ctx context.Context, run string) (experiments.Preview, error) {
	s, pods, err := r.choose(ctx)
	if err == nil {
		err = r.patch(ctx, s, touch(run, pods), client.DryRunAll)
	}
	if err != nil {
		return experiments.Preview{}, fmt.Errorf("%s: %w", r, err)
	}
	preview := experiments.Preview{Object: s.Object, Candidates: faults.Targets(pods), Requested: len(pods), Effects: goes()}
	preview.Away, preview.AwayBy = away(s, true)
	if _, requested := s.Object.(*argo.Rollout); requested && !r.Swept {
		preview.Warning = goesOn
	}
	return preview, nil
}

func goes() []record.Effect { return []record.Effect{{Event: record.EventGone}} }

// touch changes the pod template, or requests the restart of a Rollout.
func touch(run string, pods []corev1.Pod) func(kube.State) {
	return func(s kube.State) {
		if r, ok := s.Object.(*argo.Rollout); ok {
			newRequest(run, r, pods).put(r)
			return
		}
		// To the nanosecond, so that two restarts within a second differ.
		metav1.SetMetaDataAnnotation(&s.Template.ObjectMeta, restartedAt, time.Now().UTC().Format(time.RFC3339Nano))
	}
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
	if r.requested {
		return record.Injection{}, fmt.Errorf("%s: the restart is already requested: call Recover first", r)
	}
	r.old, r.unsure = nil, false
	clock := rec.Clock()
	in := record.Injection{Fault: r.String(), Kind: record.KindRestart, Effects: goes(), ChangesPods: true, Rolls: true, Span: steadystate.Instant(clock.Now())}
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
		err = r.patch(ctx, s, touch(rec.Run(), pods))
		if _, ok := s.Object.(*argo.Rollout); ok {
			r.unsure = err != nil && !faults.Rejected(err)
			r.requested = err == nil || r.unsure
		}
		if err != nil {
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
// from its proof. The restart of a Rollout is ended then, so that the controller
// replaces no further pod; the error says that this failed.
func (r *Restart) Recover(ctx context.Context, rec *record.Recorder) (steadystate.Span, error) {
	clock := rec.Clock()
	if r.old == nil {
		span := steadystate.Instant(clock.Now())
		_, err := r.end(ctx, rec)
		return span, err
	}
	waiting, cancel := r.leave(ctx)
	defer cancel()
	span, missing, _ := r.await(waiting, clock, func() (string, error) {
		left, err := r.age(waiting, rec)
		if err != nil {
			return "", err
		}
		s, err := r.read(waiting)
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
	undone := "nothing undoes a restart"
	if r.requested {
		pending, err := r.end(ctx, rec)
		if err != nil {
			return span, err
		}
		if undone = "no restart of this run is pending"; pending {
			undone = "it was ended, so that no further pod is restarted"
		}
	}
	if missing != "" {
		rec.Note("%s: the rollout had not ended at %s: %s; %s", r, steadystate.Instant(span.To), missing, undone)
	} else {
		rec.Event(record.Event{Span: span, Kind: EventRolledOut, Subject: r.Subject()})
	}
	r.old = nil
	return span, nil
}

// toEnd is how long before the undoing must be over a restart that is still pending is
// ended, at the latest.
const toEnd = 10 * time.Second

// leave is the context to wait in: it leaves time to end a pending restart.
func (r *Restart) leave(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, bounded := ctx.Deadline()
	if !bounded || !r.requested {
		return ctx, func() {}
	}
	return context.WithDeadline(ctx, deadline.Add(-min(toEnd, time.Until(deadline)/2)))
}

// end withdraws the request for a restart, if there may be one. Pending: the restart
// was not done, and is ended.
func (r *Restart) end(ctx context.Context, rec *record.Recorder) (pending bool, err error) {
	if !r.requested {
		return false, nil
	}
	if r.unsure {
		_, missing, err := r.await(ctx, rec.Clock(), func() (string, error) {
			return "", r.fence(ctx, rec.Run(), func(s kube.State) bool { return s.Object.GetLabels()[RestartLabel] != "" })
		})
		if missing != "" && !errors.Is(err, kube.ErrNoWorkload) {
			return false, fmt.Errorf("the request for the restart had no answer, and may still come: %s; run sweep", missing)
		}
	}
	_, missing, err := r.await(ctx, rec.Clock(), func() (string, error) {
		return "", unlessChanged(func() error {
			was, err := r.withdraw(ctx, rec.Run())
			pending = pending || was // an answer may have been lost
			return err
		})
	})
	switch {
	case errors.Is(err, kube.ErrNoWorkload):
	case err != nil || missing != "":
		return pending, fmt.Errorf("end the restart: %s; run sweep", cmp.Or(missing, fmt.Sprint(err)))
	}
	r.requested = false
	return pending, nil
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
