package chaosmesh

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/kube"
)

// readEvery is how often the object is read besides the watch, which may end.
const readEvery = 250 * time.Millisecond

// Inject creates the object and returns once Chaos Mesh's records say that every requested
// pod is injected, or once it is certain that they never will: no pod was selected, an
// injection failed, fewer pods were selected than requested, or the controller does not
// act. These are failure reasons of the injection, not errors. An error means that a
// request was refused: it wraps [faults.ErrRefused] if the guard refused it, and is a
// [NotInstalledError] if Chaos Mesh is missing.
//
// The span in which the fault took effect begins just before the request to create the
// object. It ends with the first proof: the first sight of a victim that shows the effect,
// else Chaos Mesh's records.
func (f *Fault) Inject(ctx context.Context, rec *record.Recorder) (record.Injection, error) {
	fail := func(err error) (record.Injection, error) {
		return record.Injection{}, explain(err, f.plan.kind)
	}
	// Refused before the cluster gets any request.
	if err := f.allowed(); err != nil {
		return fail(err)
	}
	c, clock := f.cluster.Client, rec.Clock()
	// The watches start before the pods are listed and the object is created, so
	// that no event is missed.
	pods, stop, err := kube.Arrivals(ctx, c, clock, &corev1.PodList{}, f.plan.pods.Options()...)
	if err != nil {
		return fail(fmt.Errorf("watch %s: %w", f.plan.pods, err))
	}
	defer stop()
	list, err := listOf(f.plan.kind)
	if err != nil {
		return fail(err)
	}
	objects, stop, err := kube.Arrivals(ctx, c, clock, list, client.InNamespace(f.plan.pods.Namespace), client.MatchingLabels{faults.RunLabel: rec.Run()})
	if err != nil {
		return fail(fmt.Errorf("watch Chaos Mesh objects in %s: %w", f.plan.pods.Namespace, err))
	}
	defer stop()
	p, err := f.prepare(ctx, rec.Run())
	if err != nil {
		return fail(err)
	}
	ends := time.Now().Add(p.lifetime)
	i := f.injecting(rec, p.object, p.Requested, p.pods)
	if err := i.create(ctx); err != nil {
		return fail(err)
	}
	reason, err := i.wait(ctx, pods, objects)
	if err != nil {
		return fail(err)
	}
	injection := i.injection(reason)
	injection.Effects, injection.Unprovable = p.Effects, p.Unprovable
	injection.Of, injection.ChangesPods, injection.Follows = len(p.Candidates), changesPods(p.object), f.plan.follow
	injection.EndsOnRestart = endsOnRestart(p.object)
	if injection.FailureReason == "" {
		f.surveyor = f.survey(ctx, rec, i)
	}
	if f.plan.follow && injection.FailureReason == "" {
		f.follower = f.follow(ctx, rec, following{run: rec.Run(), ends: ends, before: p.pods, hit: injection.Targets})
	}
	return injection, nil
}

// injecting begins an injection of an unnamed object into that many of the
// pods.
func (f *Fault) injecting(rec *record.Recorder, object client.Object, asked int, pods []corev1.Pod) *injecting {
	faults.SettleName(object)
	if _, acts := object.(v1alpha1.InnerObject); !acts {
		asked = 1 // it does not matter which of its parts comes first
	}
	i := &injecting{
		Fault:    f,
		rec:      rec,
		object:   object,
		name:     subject(f.cluster.Client.Scheme(), object),
		asked:    asked,
		before:   map[string]*corev1.Pod{},
		shown:    map[string]time.Duration{},
		timeouts: f.timeouts(),
	}
	for _, pod := range pods {
		i.before[pod.Namespace+"/"+pod.Name] = &pod
	}
	return i
}

// injecting is an injection in progress.
type injecting struct {
	*Fault
	rec    *record.Recorder
	object client.Object
	name   string
	asked  int
	// before has the earlier state of the pods, by namespace/pod. A later pod
	// with an old name is a different pod.
	before   map[string]*corev1.Pod
	timeouts Timeouts
	// late: into a pod that has just started. Chaos Mesh may fail at first and
	// retry, and proof from the pod is not awaited.
	late bool
	// placed is the object in the fault's list of objects that may exist.
	placed *placed
	// shown is when a pod, by UID, was first seen to show the effect.
	shown map[string]time.Duration

	from     time.Duration // just before the request to create the object
	progress progress
	injected time.Duration // when its records first said that all is injected
}

func (i *injecting) create(ctx context.Context) error {
	clock := i.rec.Clock()
	i.from = clock.Now()
	if err := faults.WriteDown(i.rec, record.Event{Span: steadystate.Instant(i.from), Kind: faults.EventCreating, Subject: i.name}); err != nil {
		return err
	}
	// From here on the object may exist, even after a panic.
	copied, _ := i.object.DeepCopyObject().(client.Object)
	i.placed = &placed{object: copied, unsure: true, before: i.before}
	i.place(i.placed)
	if err := i.cluster.Client.Create(ctx, i.object); err != nil {
		if faults.Rejected(err) {
			i.unplace(i.placed)
		}
		return fmt.Errorf("create %s: %w", i.name, err)
	}
	i.mu.Lock()
	i.placed.object, _ = i.object.DeepCopyObject().(client.Object)
	i.placed.unsure, i.placed.uid = false, i.object.GetUID()
	i.mu.Unlock()
	i.rec.Event(record.Event{
		Span:    steadystate.Span{From: i.from, To: clock.Now()},
		Kind:    EventCreated,
		Subject: i.name,
		UID:     string(i.object.GetUID()),
	})
	return nil
}

// wait follows the object and the pods until all is injected or there is a
// failure reason, which quotes Chaos Mesh.
func (i *injecting) wait(ctx context.Context, pods, objects <-chan kube.Arrival) (reason string, err error) {
	reason, err = i.await(ctx, pods, objects)
	if reason != "" {
		reason = i.quote(ctx, reason)
	}
	return reason, err
}

// await is wait without the quote. That nothing is selected is no failure before the timeout:
// the controller reports it for every new object until it has tried to inject what it
// selected, which may take long, and it tries again where it found nothing.
func (i *injecting) await(ctx context.Context, pods, objects <-chan kube.Arrival) (reason string, err error) {
	timeouts := i.timeouts
	clock := i.rec.Clock()
	read := time.NewTicker(readEvery)
	defer read.Stop()
	var trouble error // of the last read
	for {
		select {
		case <-ctx.Done():
			return "", fmt.Errorf("wait for %s: %w", i.name, context.Cause(ctx))
		case s, ok := <-pods:
			if !ok {
				pods = nil
				continue
			}
			if pod, ok := s.Object.(*corev1.Pod); ok {
				i.seePod(pod, s.Type == watch.Deleted, s.At())
			}
		case s, ok := <-objects:
			if !ok {
				objects = nil
				continue
			}
			if object, ok := s.Object.(v1alpha1.InnerObject); ok && object.GetName() == i.object.GetName() {
				if s.Type == watch.Deleted || i.placed.replaced(object) {
					return "another client deleted " + i.name + " before it was seen to act", nil
				}
				i.seeObject(object, s.At())
			}
		case <-read.C:
			trouble = i.read(ctx)
			switch {
			case apierrors.IsNotFound(trouble), errors.Is(trouble, errReplaced):
				return "another client deleted " + i.name + " before it was seen to act", nil
			case trouble != nil && faults.Permanent(trouble):
				return "", fmt.Errorf("read %s: %w", i.name, trouble)
			}
		}
		now := clock.Now()
		switch {
		case i.progress.failed != "" && !i.late:
			return "Chaos Mesh could not inject " + i.progress.failed, nil
		case len(i.progress.selected) > 0 && len(i.progress.selected) < i.asked:
			return fmt.Sprintf("%d pods asked for, and Chaos Mesh selected only %s", i.asked, strings.Join(i.progress.selected, ", ")), nil
		case i.progress.done() && (i.late || i.proven()):
			return i.already(), nil
		case i.progress.done() && now-i.injected >= i.plan.sight.wait(timeouts):
			return i.unproven(), nil
		case now-i.from >= timeouts.Inject && !i.progress.done():
			return i.overdue(timeouts.Inject, trouble), nil
		}
	}
}

// overdue says what was missing at the timeout.
func (i *injecting) overdue(timeout time.Duration, trouble error) string {
	var text string
	switch {
	case !i.progress.acted:
		text = fmt.Sprintf("Chaos Mesh's controller did not act on %s within %s: is chaos-controller-manager running?", i.name, timeout)
	case len(i.progress.selected) == 0:
		text = fmt.Sprintf("Chaos Mesh's controller took up %s but did not report within %s which pods it selected", i.name, timeout)
	case i.progress.failed != "":
		text = fmt.Sprintf("Chaos Mesh could not inject %s (for %s)", i.progress.failed, timeout)
	default:
		text = fmt.Sprintf("Chaos Mesh did not inject %s within %s, and did not say why", strings.Join(i.progress.pending, ", "), timeout)
	}
	if trouble != nil {
		text += fmt.Sprintf(" (last read failed: %v)", trouble)
	}
	return text
}

// already reports a victim that was terminating before the fault: Chaos Mesh
// selects such pods too, and killing one takes nothing from the service.
func (i *injecting) already() string {
	for _, id := range i.progress.injected {
		if i.uid(id) == "" {
			return id + " was selected, which did not run or was on its way out before the fault, so nothing was taken from the service"
		}
	}
	return ""
}

// unproven names the victims that did not show the effect.
func (i *injecting) unproven() string {
	if text := i.already(); text != "" || !i.plan.sight.early {
		return text
	}
	var silent []string
	for _, id := range i.progress.injected {
		if _, seen := i.shown[i.uid(id)]; !seen {
			silent = append(silent, id)
		}
	}
	return fmt.Sprintf("Chaos Mesh reports that it injected %s, which showed no effect within %s", strings.Join(silent, ", "), i.plan.sight.wait(i.timeouts))
}

func (i *injecting) uid(id string) string {
	if pod := i.before[id]; pod != nil {
		return string(pod.UID)
	}
	return ""
}

// errReplaced: another object has the name.
var errReplaced = errors.New("another client deleted it and created it again")

func (i *injecting) read(ctx context.Context) error {
	object, _ := i.object.DeepCopyObject().(client.Object)
	if err := i.cluster.Client.Get(ctx, client.ObjectKeyFromObject(i.object), object); err != nil {
		return err
	}
	if i.placed.replaced(object) {
		return errReplaced
	}
	if inner, acts := object.(v1alpha1.InnerObject); acts {
		i.seeObject(inner, i.rec.Clock().Now())
		return nil
	}
	p, err := made(ctx, i.cluster.Client, object)
	if err != nil {
		return err
	}
	i.see(p, object, i.rec.Clock().Now())
	return nil
}

func (i *injecting) seeObject(object v1alpha1.InnerObject, at time.Duration) {
	i.see(read(object), object, at)
}

func (i *injecting) see(p progress, object client.Object, at time.Duration) {
	before := i.progress
	i.progress = p
	i.mu.Lock()
	if len(p.selected) > 0 {
		i.placed.pods = p.selected
	}
	if inner, acts := object.(v1alpha1.InnerObject); acts && p.done() && !i.placed.acted {
		i.placed.turns = turns(inner)
	}
	if p.done() {
		i.placed.acted, i.placed.seen = true, at
	}
	i.mu.Unlock()
	if i.progress.done() && !before.done() {
		i.injected = at
		i.rec.Event(record.Event{
			Span:    steadystate.Span{From: i.from, To: at},
			Kind:    EventInjected,
			Subject: i.name,
			UID:     string(object.GetUID()),
			Attrs:   map[string]string{"pods": strings.Join(i.progress.injected, " ")},
		})
	}
}

// seePod notes the first sight of a pod that shows the effect.
func (i *injecting) seePod(pod *corev1.Pod, deleted bool, at time.Duration) {
	before := i.before[pod.Namespace+"/"+pod.Name]
	// An observation from before the request cannot be its effect.
	if at < i.from || before == nil || before.UID != pod.UID {
		return
	}
	if i.plan.sight.shows == nil {
		return
	}
	kind := i.plan.sight.shows(before, pod, deleted)
	if kind == "" {
		return
	}
	uid := string(pod.UID)
	if _, seen := i.shown[uid]; !seen {
		i.shown[uid] = at
	}
	seen := func(more map[string]string) {
		attrs := map[string]string{record.AttrBy: i.name}
		maps.Copy(attrs, more)
		i.rec.Event(record.Event{
			Span:    steadystate.Span{From: i.from, To: at},
			Kind:    kind,
			Subject: faults.Subject(pod),
			UID:     uid,
			Attrs:   attrs,
		})
	}
	containers := i.plan.sight.within
	for _, name := range containers {
		seen(map[string]string{record.AttrContainer: name})
	}
	if len(containers) == 0 {
		seen(nil)
	}
}

// proven reports whether every victim was seen to show the effect.
func (i *injecting) proven() bool {
	return !slices.ContainsFunc(i.progress.injected, func(id string) bool {
		_, seen := i.shown[i.uid(id)]
		return !seen
	})
}

// injection is the final result.
func (i *injecting) injection(reason string) record.Injection {
	in := record.Injection{
		Fault:         i.String(),
		Kind:          i.plan.does,
		Peers:         i.plan.ends,
		FailureReason: reason,
		OneShot:       oneShot(i.object),
		Span:          steadystate.Span{From: i.from, To: i.rec.Clock().Now()},
	}
	if i.progress.done() && !i.plan.sight.early {
		in.To = i.injected
	}
	for _, id := range i.progress.injected {
		_, name, _ := strings.Cut(id, "/")
		in.Targets = append(in.Targets, record.Target{Name: name, UID: i.uid(id)})
		if at, seen := i.shown[i.uid(id)]; seen {
			in.To = min(in.To, at)
		}
	}
	return in
}

// quote adds Chaos Mesh's own words on what failed, from the events of the object. Where they
// cannot be read the reason stays valid.
func (i *injecting) quote(ctx context.Context, reason string) string {
	var list corev1.EventList
	if err := i.cluster.Client.List(ctx, &list, client.InNamespace(i.object.GetNamespace()), client.MatchingFields{"involvedObject.name": i.object.GetName()}); err != nil {
		return fmt.Sprintf("%s (its events could not be read: %v)", reason, kube.Explain(err, "the right to list events"))
	}
	var words []string
	for _, event := range list.Items {
		if event.Reason == "Failed" && !slices.Contains(words, event.Message) {
			words = append(words, event.Message)
		}
	}
	if len(words) == 0 {
		return reason
	}
	return reason + "; Chaos Mesh says: " + strings.Join(words, "; ")
}
