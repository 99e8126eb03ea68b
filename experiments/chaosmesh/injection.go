package chaosmesh

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/steadystate"
)

// readEvery is how often the object is read beside the watch, which may end.
const readEvery = 250 * time.Millisecond

// Inject creates the object and returns when Chaos Mesh's records say that
// every pod asked for is injected, or when it is known that they will not: no
// pod was selected, an injection failed, fewer pods were selected than asked
// for, or the controller does not act. These are the injection's shortfall;
// the error is for what the API refused; it wraps [ErrRefused] where a guard
// did, and is a [NotInstalledError] where Chaos Mesh is missing.
//
// The span in which the fault took effect begins just before the request to
// create the object, and ends with the first proof: the first sight of a
// victim that shows the effect, else Chaos Mesh's records.
func (f *Fault) Inject(ctx context.Context, rec *experiments.Recorder) (experiments.Injection, error) {
	fail := func(err error) (experiments.Injection, error) {
		return experiments.Injection{}, explain(err, f.kindName())
	}
	// Refused before anything else is asked of the cluster.
	if err := f.cluster.guard.allow(f.pods); err != nil {
		return fail(fmt.Errorf("%s: %w", f, err))
	}
	c, clock := f.cluster.client, rec.Clock()
	// The watches stand before the pods are listed and the object is created,
	// so that nothing falls between.
	pods, stop, err := follow(ctx, c, clock, &corev1.PodList{}, client.InNamespace(f.pods.Namespace), client.MatchingLabels(f.pods.Selector))
	if err != nil {
		return fail(fmt.Errorf("watch %s: %w", f.pods, err))
	}
	defer stop()
	list, _ := f.kind.list().(client.ObjectList)
	objects, stop, err := follow(ctx, c, clock, list, client.InNamespace(f.pods.Namespace), client.MatchingLabels{RunLabel: rec.Run()})
	if err != nil {
		return fail(fmt.Errorf("watch Chaos Mesh objects in %s: %w", f.pods.Namespace, err))
	}
	defer stop()
	prepared, err := f.prepare(ctx, rec.Run())
	if err != nil {
		return fail(err)
	}
	object, _ := prepared.Object.(v1alpha1.InnerObject)
	settleName(object)

	i := &injecting{
		Fault:     f,
		rec:       rec,
		object:    object,
		name:      subject(c.Scheme(), object),
		asked:     prepared.Asked,
		uids:      map[string]string{},
		shown:     map[string]time.Duration{},
		noneSince: -1,
	}
	for _, target := range prepared.Candidates {
		i.uids[f.pods.Namespace+"/"+target.Name] = target.UID
	}
	if err := i.create(ctx); err != nil {
		return fail(err)
	}
	shortfall, err := i.wait(ctx, pods, objects)
	if err != nil {
		return fail(err)
	}
	return i.injection(ctx, shortfall), nil
}

// injecting is an injection under way.
type injecting struct {
	*Fault
	rec    *experiments.Recorder
	object v1alpha1.InnerObject
	name   string
	asked  int
	// uids are the pods that were there before, by namespace/pod. A pod that
	// comes later under an old name is another pod.
	uids map[string]string
	// shown is when a pod, by UID, was first seen to show the effect.
	shown map[string]time.Duration

	from      time.Duration // just before the request to create the object
	progress  progress
	noneSince time.Duration // since when Chaos Mesh says that it selected nothing; -1: it does not
	injected  time.Duration // when its records first said that all is injected
}

func (i *injecting) create(ctx context.Context) error {
	clock := i.rec.Clock()
	i.from = clock.Now()
	i.rec.Event(experiments.Event{Span: steadystate.Instant(i.from), Kind: EventCreating, Subject: i.name})
	if err := i.rec.Err(); err != nil {
		// What cannot be written down is not done.
		return err
	}
	err := i.cluster.client.Create(ctx, i.object)
	if err != nil && refused(err) {
		return fmt.Errorf("create %s: %w", i.name, err)
	}
	// From here on it may exist, whatever else happens.
	copied, _ := i.object.DeepCopyObject().(v1alpha1.InnerObject)
	i.placed = append(i.placed, placed{object: copied, unsure: err != nil})
	if err != nil {
		return fmt.Errorf("create %s: %w", i.name, err)
	}
	i.rec.Event(experiments.Event{
		Span:    steadystate.Span{From: i.from, To: clock.Now()},
		Kind:    EventCreated,
		Subject: i.name,
		UID:     string(i.object.GetUID()),
	})
	return nil
}

// wait follows the object and the pods until all is injected or there is a
// shortfall.
func (i *injecting) wait(ctx context.Context, pods, objects <-chan sighting) (shortfall string, err error) {
	patience := i.cluster.patience
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
			i.seePod(s)
		case s, ok := <-objects:
			if !ok {
				objects = nil
				continue
			}
			if object, ok := s.Object.(v1alpha1.InnerObject); ok && object.GetName() == i.object.GetName() {
				if s.Type == watch.Deleted {
					return "somebody else deleted " + i.name + " before it was seen to act", nil
				}
				i.seeObject(object, s.at)
			}
		case <-read.C:
			trouble = i.read(ctx)
			switch {
			case apierrors.IsNotFound(trouble):
				return "somebody else deleted " + i.name + " before it was seen to act", nil
			case trouble != nil && permanent(trouble):
				return "", fmt.Errorf("read %s: %w", i.name, trouble)
			}
		}
		now := clock.Now()
		switch {
		case i.progress.failed != "":
			return "Chaos Mesh could not inject " + i.progress.failed, nil
		case len(i.progress.selected) > 0 && len(i.progress.selected) < i.asked:
			return fmt.Sprintf("%d pods asked for, and Chaos Mesh selected only %s", i.asked, strings.Join(i.progress.selected, ", ")), nil
		case i.progress.done() && (i.proven() || now-i.injected >= patience.Proof):
			return i.already(), nil
		case i.noneSince >= 0 && now-i.noneSince >= patience.Select:
			return "Chaos Mesh selected no pod for " + i.name, nil
		case now-i.from >= patience.Inject && !i.progress.done():
			return i.overdue(patience.Inject, trouble), nil
		}
	}
}

// overdue says what is missing when the wait is over.
func (i *injecting) overdue(patience time.Duration, trouble error) string {
	var text string
	switch {
	case !i.progress.acted:
		text = fmt.Sprintf("Chaos Mesh's controller did not act on %s within %s: is chaos-controller-manager running?", i.name, patience)
	case len(i.progress.selected) == 0:
		text = fmt.Sprintf("Chaos Mesh's controller took up %s but selected no pod within %s", i.name, patience)
	default:
		missing := slices.DeleteFunc(slices.Clone(i.progress.selected), func(id string) bool {
			return slices.Contains(i.progress.injected, id)
		})
		text = fmt.Sprintf("Chaos Mesh did not inject %s within %s, and did not say why", strings.Join(missing, ", "), patience)
	}
	if trouble != nil {
		text += fmt.Sprintf(" (last reading failed: %v)", trouble)
	}
	return text
}

// already says whether a victim was on its way out before the fault: Chaos
// Mesh selects such pods too, and killing one takes nothing from the service.
func (i *injecting) already() string {
	for _, id := range i.progress.injected {
		if i.uids[id] == "" {
			return id + " was selected, which did not run or was on its way out before the fault, so nothing was taken from the service"
		}
	}
	return ""
}

func (i *injecting) read(ctx context.Context) error {
	object, _ := i.object.DeepCopyObject().(v1alpha1.InnerObject)
	if err := i.cluster.client.Get(ctx, client.ObjectKeyFromObject(i.object), object); err != nil {
		return err
	}
	i.seeObject(object, i.rec.Clock().Now())
	return nil
}

func (i *injecting) seeObject(object v1alpha1.InnerObject, at time.Duration) {
	before := i.progress
	i.progress = read(object)
	switch {
	case !i.progress.none:
		i.noneSince = -1
	case i.noneSince < 0:
		i.noneSince = at
	}
	if i.progress.done() && !before.done() {
		i.injected = at
		i.rec.Event(experiments.Event{
			Span:    steadystate.Span{From: i.from, To: at},
			Kind:    EventInjected,
			Subject: i.name,
			UID:     string(object.GetUID()),
			Attrs:   map[string]string{"pods": strings.Join(i.progress.injected, " ")},
		})
	}
}

// seePod notes the first sight of a pod that shows the effect.
func (i *injecting) seePod(s sighting) {
	pod, ok := s.Object.(*corev1.Pod)
	// What was seen before the request cannot be its doing.
	if !ok || s.at < i.from || i.uids[pod.Namespace+"/"+pod.Name] != string(pod.UID) || !i.kind.shows(pod, s.Type == watch.Deleted) {
		return
	}
	uid := string(pod.UID)
	if _, seen := i.shown[uid]; !seen {
		i.shown[uid] = s.at
	}
	kind := EventTerminating
	if s.Type == watch.Deleted {
		kind = experiments.EventGone
	}
	i.rec.Event(experiments.Event{
		Span:    steadystate.Span{From: i.from, To: s.at},
		Kind:    kind,
		Subject: "pod/" + pod.Namespace + "/" + pod.Name,
		UID:     uid,
		Attrs:   map[string]string{"by": i.name},
	})
}

// proven reports whether every victim was seen to show the effect.
func (i *injecting) proven() bool {
	return !slices.ContainsFunc(i.progress.injected, func(id string) bool {
		_, seen := i.shown[i.uids[id]]
		return !seen
	})
}

// injection is what is known in the end.
func (i *injecting) injection(ctx context.Context, shortfall string) experiments.Injection {
	in := experiments.Injection{
		Fault:     i.String(),
		Effects:   i.kind.effects(),
		Shortfall: shortfall,
		Span:      steadystate.Span{From: i.from, To: i.rec.Clock().Now()},
	}
	if i.progress.done() {
		in.To = i.injected
	}
	for _, id := range i.progress.injected {
		_, name, _ := strings.Cut(id, "/")
		in.Targets = append(in.Targets, experiments.Target{Name: name, UID: i.uids[id]})
		if at, seen := i.shown[i.uids[id]]; seen {
			in.To = min(in.To, at)
		}
	}
	if shortfall != "" {
		if words := i.words(ctx); words != "" {
			in.Shortfall += "; Chaos Mesh says: " + words
		}
	}
	return in
}

// words are Chaos Mesh's own, from the events of the object. Not being allowed
// to read them takes nothing from what is known already.
func (i *injecting) words(ctx context.Context) string {
	var list corev1.EventList
	err := i.cluster.client.List(ctx, &list, client.InNamespace(i.object.GetNamespace()), client.MatchingFields{"involvedObject.name": i.object.GetName()})
	if err != nil {
		if !errors.Is(err, context.Canceled) {
			i.rec.Note("events of %s: %v", i.name, err)
		}
		return ""
	}
	var words []string
	for _, event := range list.Items {
		if event.Reason == "Failed" && !slices.Contains(words, event.Message) {
			words = append(words, event.Message)
		}
	}
	return strings.Join(words, "; ")
}
