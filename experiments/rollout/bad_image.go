package rollout

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/kube"
	"github.com/aftershockhq/aftershock/steadystate/kube/argo"
)

// A BadImage rolls out an image that cannot be pulled, and rolls it back. It
// does not end by itself, see the package's documentation. It implements
// [experiments.Fault] and must not be used concurrently.
type BadImage struct {
	Workload
	// Container whose image it is. Default: the only one.
	Container string
	// Image that cannot be pulled. Default: the repository of the current one,
	// with the tag "aftershock-missing".
	Image string
	// Swept: something in the cluster undoes it if the run is killed. Default: there
	// is a warning before the run.
	Swept bool

	placed *note // may be in place; nil: no request was made
	unsure bool  // whether it was ever placed is unknown: the request had no answer
}

var (
	_ experiments.Previewer = (*BadImage)(nil)
	_ experiments.Bounded   = (*BadImage)(nil)
	_ experiments.Watcher   = (*BadImage)(nil)
)

// failing are the waiting reasons of a container whose image cannot be pulled.
var failing = []string{"ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName"}

// endless is the warning shown before the run.
const endless = "the cluster does not undo this by itself: if the run is killed, the bad image stays until \"aftershock sweep\""

// String is "roll out a bad image of deployment checkout in shop".
func (b *BadImage) String() string { return "roll out a bad image of " + b.Workload.String() }

// Preview describes an Inject as of now and changes nothing. The error is the
// one that Inject would return: the API server validates the change in a dry
// run.
func (b *BadImage) Preview(ctx context.Context, run string) (experiments.Preview, error) {
	s, pods, note, err := b.prepare(ctx, run)
	if err == nil {
		err = errors.Join(b.patch(ctx, s, note.put, client.DryRunAll), b.freeable(ctx, pods[0]))
	}
	if err != nil {
		return experiments.Preview{}, fmt.Errorf("%s: %w", b, err)
	}
	warning := endless
	if b.Swept {
		warning = ""
	}
	// The pod that will show the effect does not exist yet.
	effect := record.Effect{Event: record.EventWaiting, Container: note.Container}
	preview := experiments.Preview{Object: s.Object, Candidates: faults.Targets(pods), Requested: len(pods), Effects: []record.Effect{effect}, Warning: warning}
	preview.Away, preview.AwayBy = away(s, false)
	return preview, nil
}

// prepare chooses the container and the images.
func (b *BadImage) prepare(ctx context.Context, run string) (kube.State, []corev1.Pod, note, error) {
	fail := func(err error) (kube.State, []corev1.Pod, note, error) { return kube.State{}, nil, note{}, err }
	s, pods, err := b.choose(ctx)
	if err != nil {
		return fail(err)
	}
	if s.Lingers != "" {
		return fail(faults.Refuse("a bad image of %s would not be undone in time: %s", b.Workload, s.Lingers))
	}
	var names []string
	for _, c := range s.Template.Spec.Containers {
		names = append(names, c.Name)
	}
	name := b.Container
	if name == "" && len(names) == 1 {
		name = names[0]
	}
	c := container(&s.Template.Spec, name)
	if c == nil {
		return fail(faults.Refuse("no container %q in %s; name one of %s", name, b.Workload, strings.Join(names, ", ")))
	}
	n := note{Run: run, Container: name, Image: c.Image, Bad: cmp.Or(b.Image, unpullable(c.Image))}
	if n.Bad == n.Image {
		return fail(faults.Refuse("%s has the image %s already", b.Workload, n.Bad))
	}
	return s, pods, n, nil
}

// unpullable is the image's repository with a tag that does not exist.
func unpullable(image string) string {
	image, _, _ = strings.Cut(image, "@")
	if at := strings.LastIndex(image, ":"); at > strings.LastIndex(image, "/") { // no port
		image = image[:at]
	}
	return image + ":aftershock-missing"
}

// Inject sets the image and returns once a pod of the new revision was seen
// failing to pull it; if none does, that is the failure reason. The span in
// which the fault took effect is that of the request, since from then on the
// service may lose pods. The error is for requests that the API refused; it
// wraps [faults.ErrRefused] where the guard did.
func (b *BadImage) Inject(ctx context.Context, rec *record.Recorder) (record.Injection, error) {
	if b.placed != nil {
		return record.Injection{}, fmt.Errorf("%s: the bad image is already in place: call Recover first", b)
	}
	clock := rec.Clock()
	in := record.Injection{Fault: b.String(), Kind: record.KindBadImage, ChangesPods: true, Rolls: true, Span: steadystate.Instant(clock.Now())}
	var s kube.State
	err := unlessChanged(func() error {
		var pods []corev1.Pod
		var n note
		var err error
		if s, pods, n, err = b.prepare(ctx, rec.Run()); err != nil {
			return err
		}
		in.Targets, in.From = faults.Targets(pods), clock.Now()
		if err := faults.WriteDown(rec, record.Event{
			Span: steadystate.Instant(in.From), Kind: EventChanging, Subject: b.Subject(), UID: string(s.Object.GetUID()),
			Attrs: map[string]string{record.AttrContainer: n.Container, "image": n.Bad, "previous": n.Image},
		}); err != nil {
			return err
		}
		b.placed = &n
		err = b.patch(ctx, s, n.put)
		if b.unsure = err != nil && !faults.Rejected(err); err != nil && !b.unsure {
			b.placed = nil
		}
		return err
	})
	in.To = clock.Now()
	if err != nil {
		return in, fmt.Errorf("%s: %w", b, err)
	}
	_, missing, err := b.await(ctx, clock, func() (string, error) {
		pods, err := b.bearing(ctx, s, *b.placed)
		if err != nil {
			return "", err
		}
		missing := "there is none"
		for _, pod := range pods {
			why := waits(pod, b.placed.Container)
			if !slices.Contains(failing, why) {
				missing = fmt.Sprintf("%s is %s, %s", pod.Name, pod.Status.Phase, cmp.Or(why, "and its container does not wait"))
				continue
			}
			rec.Event(record.Event{
				Span: steadystate.Span{From: in.From, To: clock.Now()}, Kind: record.EventWaiting,
				Subject: faults.Subject(&pod), UID: string(pod.UID),
				Attrs: map[string]string{record.AttrContainer: b.placed.Container, record.AttrReason: why},
			})
			in.Effects = append(in.Effects, record.Effect{Event: record.EventWaiting, Container: b.placed.Container, On: new(faults.Target(&pod))})
		}
		if len(in.Effects) > 0 {
			return "", nil
		}
		return missing, nil
	})
	if err != nil {
		return in, fmt.Errorf("%s: %w", b, err)
	}
	if missing != "" {
		in.FailureReason = fmt.Sprintf("no pod was seen failing to pull the image %s: %s", b.placed.Bad, missing)
	}
	return in, nil
}

// waits is why a container of the pod waits; empty: it does not wait.
func waits(pod corev1.Pod, name string) string {
	for _, c := range pod.Status.ContainerStatuses {
		if c.Name == name && c.State.Waiting != nil {
			return c.State.Waiting.Reason
		}
	}
	return ""
}

// Watch returns once another client has changed the image, or the controller of a
// Rollout has given the update up, which ends its pods, if late or never with some
// settings. A look that fails is made again.
func (b *BadImage) Watch(ctx context.Context, _ *record.Recorder) (over string) {
	if b.placed == nil {
		return "" // it is undone already
	}
	n := *b.placed
	for experiments.Wait(ctx, time.Second) == nil {
		s, err := b.read(ctx)
		switch {
		case errors.Is(err, kube.ErrNoWorkload):
			return "another client deleted " + b.Workload.String()
		case err != nil:
			continue
		}
		if c := container(&s.Template.Spec, n.Container); c == nil || c.Image != n.Bad {
			return "another client changed the image"
		}
		if r, ok := s.Object.(*argo.Rollout); ok && r.Observed() >= r.Generation && r.Aborted() != "" {
			return "the update of " + b.Workload.String() + " was aborted (" + r.Aborted() + "), after which the bad pods may be gone"
		}
	}
	return ""
}

// Recover restores the previous image, and returns once the bad pods are gone
// and the rollout is complete. The span in which the fault went is that of the
// request: everything after it is the service's recovery, and the record has
// it. A rollout that is not complete in time is not an error either, but is in
// the record, as long as no bad pod is left.
//
// If another client has set another image meanwhile, that image stays, and the
// error names it.
func (b *BadImage) Recover(ctx context.Context, rec *record.Recorder) (steadystate.Span, error) {
	clock := rec.Clock()
	span := steadystate.Instant(clock.Now())
	if b.placed == nil {
		return span, nil
	}
	n := *b.placed
	if b.unsure {
		// The request may still be on its way. It is valid for one version of the
		// deployment only; the fence makes a new version, for which it comes too
		// late.
		_, missing, err := b.await(ctx, clock, func() (string, error) {
			return "", b.fence(ctx, n.Run, func(s kube.State) bool { return s.Object.GetAnnotations()[Annotation] != "" })
		})
		if missing != "" && !errors.Is(err, kube.ErrNoWorkload) {
			return span, fmt.Errorf("the request for image %s had no answer, and may still come: %s; run sweep", n.Bad, missing)
		}
	}
	asked := false // to restore it; an answer may have been lost
	var was string
	_, missing, err := b.await(ctx, clock, func() (string, error) {
		return "", unlessChanged(func() error {
			if !asked {
				span.From = clock.Now()
			}
			now, err := b.restore(ctx, n)
			if apierrors.IsConflict(err) {
				return err
			}
			if !asked {
				was = now
			}
			asked = asked || (now == n.Bad && (err == nil || !faults.Rejected(err)))
			return err
		})
	})
	span.To = clock.Now()
	switch {
	case errors.Is(err, kube.ErrNoWorkload):
		b.placed = nil
		rec.Note("%s: the workload was deleted, so that there is nothing to roll back", b)
		return span, nil
	case err != nil || missing != "":
		return span, fmt.Errorf("restore image %s of container %s: %s; run sweep", n.Image, n.Container, cmp.Or(missing, fmt.Sprint(err)))
	case was == n.Image && b.unsure:
		b.placed = nil // it was never in place
		return span, nil
	case was == n.Image:
		rec.Event(record.Event{
			Span: span, Kind: record.EventEndedEarly, Subject: b.Subject(),
			Attrs: map[string]string{record.AttrReason: "the image had already been restored before the undoing: by a person, or by a GitOps controller"},
		})
	case was != n.Bad:
		b.placed = nil
		err := fmt.Errorf("restore image %s of container %s: another client changed it to %s meanwhile, which was left unchanged; correct it if that is wrong", n.Image, n.Container, cmp.Or(was, "none: the container is gone"))
		if b.Sticks() {
			err = errors.Join(err, b.finish(ctx, rec, n)) // its own image does not come either
		}
		return span, err
	}
	if err := b.finish(ctx, rec, n); err != nil {
		return span, err
	}
	b.placed = nil
	return span, nil
}

// finish waits until the bad pods are gone and the rollout is complete, and
// removes the bad revision from the history.
func (b *BadImage) finish(ctx context.Context, rec *record.Recorder, n note) error {
	note := func(format string, args ...any) { rec.Note("%s: "+format, append([]any{b}, args...)...) }
	left, span, missing, err := b.clear(ctx, rec.Clock(), n, true, note)
	switch {
	case errors.Is(err, kube.ErrNoWorkload):
		note("the workload was deleted before the rollout back was complete")
		return nil
	case left != 0:
		return fmt.Errorf("wait for the pods with the image %s to go: %s; run sweep", n.Bad, cmp.Or(missing, fmt.Sprint(err)))
	case missing != "":
		note("no bad pod is left, and the rollout back was not complete at %s: %s", steadystate.Instant(span.To), missing)
	default:
		rec.Event(record.Event{Span: span, Kind: EventRolledBack, Subject: b.Subject()})
	}
	if err := b.forget(ctx, n); err != nil {
		note("the bad revision is still in the history, where \"kubectl rollout undo\" would find it: %v", err)
	}
	return nil
}
