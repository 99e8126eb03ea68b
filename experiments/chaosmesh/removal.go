package chaosmesh

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/kube"
)

// pollEvery is the poll interval of a removal.
const pollEvery = 50 * time.Millisecond

// retryEvery is the least time between two attempts to watch, and to write pods down: an
// account may lack the right to.
const retryEvery = time.Second

// readTimeout is the longest time that the delete waits for a read, and for a watch: a
// client tries a throttled request again, for many times as long.
const readTimeout = 500 * time.Millisecond

// A removal removes one object, and is done once the object and its children
// are gone.
type removal struct {
	client   client.Client
	timeouts Timeouts
	clock    steadystate.Clock
	note     func(format string, args ...any)
	event    func(record.Event)
	doubts   faults.Doubts // nil: none are kept
	// placed is what is known of the object since its creation; nil: nothing, a
	// search found it.
	placed *placed
}

// unsure: the creation request had no answer and may still be on its way.
func (r removal) unsure() bool { return r.placed != nil && r.placed.unsure }

// run removes obj; it uses name, namespace and type. found is false if there
// was none; a remedy that leaves the fault's effect in place is an error
// although the object is gone.
func (r removal) run(ctx context.Context, obj client.Object) (found bool, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, r.timeouts.Remove, fmt.Errorf("it is still there after %s", r.timeouts.Remove))
	defer cancel()
	g := &going{removal: r, object: obj, name: subject(r.client.Scheme(), obj), from: r.clock.Now(), unwatch: func() {}}
	defer func() { g.unwatch() }()
	if _, acts := obj.(v1alpha1.InnerObject); !acts {
		// The names of its schedules, before they go with it.
		first, cancel := context.WithTimeout(ctx, readTimeout)
		_, err := g.offspring(first)
		cancel()
		g.unnamed = err != nil
	}
	found, err = g.run(ctx)
	if g.recovered && !g.replaced {
		g.clear(ctx)
	}
	if err != nil {
		return found, err
	}
	if err = g.children(ctx); !found || g.replaced {
		err = errors.Join(g.taken(ctx), err)
	}
	return found, err
}

// going is a removal in progress.
type going struct {
	removal
	object client.Object
	name   string
	from   time.Duration

	seen      <-chan kube.Arrival // nil: it is not watched
	tried     time.Time           // when it was last asked to be watched
	unwatch   func()
	read      bool  // before it was deleted, or it is too late to
	unread    error // why it was not
	deleted   bool
	lost      bool // a request to delete it had no answer, and may have been carried out
	gone      bool // the watch reported it
	recovered bool // its records reported it
	replaced  bool // another client had deleted it and created it again
	hurt      []string
	schedules []string // names of its schedules
	unnamed   bool     // they may have others
}

// watch follows the object from the state that was last read, so that its final
// status is seen. An API server that was away ends a watch: each look begins one
// again. Without a watch the last read counts.
func (g *going) watch(ctx context.Context) {
	c, ok := g.client.(client.WithWatch)
	inner, acts := g.object.(v1alpha1.InnerObject)
	if g.seen != nil || time.Since(g.tried) < retryEvery || !ok || !acts || inner.IsOneShot() {
		return
	}
	list, err := listOf(kindOf(g.client.Scheme(), g.object))
	if err != nil {
		return
	}
	options := client.ListOptions{Namespace: g.object.GetNamespace(), Raw: &metav1.ListOptions{ResourceVersion: g.object.GetResourceVersion()}}
	if run := g.object.GetLabels()[faults.RunLabel]; run != "" {
		client.MatchingLabels{faults.RunLabel: run}.ApplyToList(&options)
	}
	g.tried = time.Now()
	ctx, cancel := context.WithCancel(ctx)
	late := time.AfterFunc(readTimeout, cancel)
	seen, end, err := kube.Arrivals(ctx, c, g.clock, list, &options)
	if late.Stop(); err != nil {
		cancel()
		return
	}
	g.unwatch()
	g.seen, g.unwatch = seen, func() { end(); cancel() }
}

func (g *going) run(ctx context.Context) (found bool, err error) {
	begin := time.Now()
	asked := begin // since when Chaos Mesh can have known of the deletion
	var noticed, unwritten time.Time
	var trouble error // the last transient error
	var last *remedy
	left := remedies(g.object)
	all := len(left)
	due := func() bool {
		// What was not noticed may be in pods, whatever its last status says.
		if !left[0].undoes && g.holds() && (noticed.IsZero() || len(g.hurt) > 0 && time.Since(noticed) < g.timeouts.GiveUp) {
			return false
		}
		return time.Since(asked) >= g.timeouts.Nudge*time.Duration(1+all-len(left))
	}
	for {
		err := g.step(ctx)
		// One that is gone once it was asked to be deleted was deleted, also if the
		// answer to that was lost.
		found = found || g.deleted || g.lost && !g.unsure() && apierrors.IsNotFound(err)
		switch {
		case apierrors.IsNotFound(err), meta.IsNoMatchError(err):
			if g.unsure() && !found && time.Since(begin) < faults.LateCreate {
				break
			}
			if g.unsure() && !found {
				return false, fmt.Errorf("%w; run sweep", faults.NeverSeen(g.name))
			}
			if !found {
				return false, nil
			}
			g.tried = time.Time{}
			g.watch(ctx)
			g.hear(ctx)
			if g.recovered || oneShot(g.object) {
				return found, nil
			}
			if last != nil && !last.undoes {
				return found, g.unproven(ctx, g.hurt, "Chaos Mesh never said that it undid the fault, and the object went only when we %s; check the pods it was on, or restart them", last.what)
			}
			if len(g.hurt) > 0 {
				return found, g.unproven(ctx, g.hurt, "it was deleted before Chaos Mesh said that it undid the fault on %s; check these pods, or restart them", strings.Join(g.hurt, ", "))
			}
			return found, nil
		case faults.Permanent(err):
			return found, fmt.Errorf("remove %s: %w", g.name, explain(err, kindOf(g.client.Scheme(), g.object)))
		case err != nil:
			trouble, asked = err, time.Now()
			if !noticed.IsZero() {
				noticed = asked // Chaos Mesh may be cut off as well, and see nothing for a while
			}
		default:
			inPods := len(g.hurt) > 0
			if g.look(g.object); inPods && len(g.hurt) == 0 {
				asked = time.Now() // the rest is quick
			}
			if noticed.IsZero() && stopped(g.object) {
				noticed = time.Now()
			}
			if len(left) > 0 && due() && time.Since(unwritten) >= retryEvery {
				if err := g.doubt(ctx, left[0]); err != nil {
					trouble, unwritten = err, time.Now()
					break
				}
				last, left = &left[0], left[1:]
				g.note("%s was deleted %s ago and is still there (finalizers %s)%s: %s", g.name, time.Since(begin).Round(time.Second), strings.Join(g.object.GetFinalizers(), ", "), because(g.object), last.what)
				if err := last.try(ctx, g.client, g.object); client.IgnoreNotFound(err) != nil {
					trouble = err
				}
			}
		}
		if g.rest(ctx) != nil {
			err := fmt.Errorf("remove %s: %w; finalizers: %s%s; run sweep once Chaos Mesh's controller is back", g.name, context.Cause(ctx), strings.Join(g.object.GetFinalizers(), ", "), because(g.object))
			if trouble != nil {
				err = fmt.Errorf("%w; last trouble: %w", err, trouble)
			}
			return found, err
		}
	}
}

// taken: the object was already gone before its removal, though another one may
// have had its name. The other client may have deleted it without waiting for Chaos
// Mesh to undo the fault.
func (g *going) taken(ctx context.Context) error {
	if g.placed == nil || oneShot(g.object) {
		return nil
	}
	if g.placed.recovered && g.placed.acted {
		if g.placed.early {
			return nil // it is recorded
		}
		g.ended(g.placed.over)
		return nil
	}
	where := strings.Join(g.placed.pods, ", ")
	if where == "" {
		where = "those that it selects"
	} else if g.placed.acted && g.outlived(ctx) {
		if !g.placed.early {
			g.ended("its object and its pods were deleted")
		}
		return nil
	}
	pods := g.placed.pods
	if len(pods) == 0 { // it may have chosen any
		pods = slices.Sorted(maps.Keys(g.placed.before))
	}
	return g.unproven(ctx, pods, "it was deleted during the hold, so when the fault ended, or whether it did, is unknown; check these pods, or restart them: %s", where)
}

// doubt writes down the pods in which the fault may stay by a remedy: after that nothing
// but this program knows of them, and it may be killed.
func (g *going) doubt(ctx context.Context, by remedy) error {
	if g.doubts == nil || by.undoes || !g.holds() {
		return nil
	}
	return g.doubts.Doubt(ctx, g.name, unprovenIn(ctx, g.client, g.hurt, nil).Pods...)
}

// clear takes them out again, once Chaos Mesh has said that it undid the fault.
func (g *going) clear(ctx context.Context) {
	if g.doubts == nil {
		return
	}
	if err := g.doubts.Clear(context.WithoutCancel(ctx), g.name); err != nil {
		g.note("Chaos Mesh undid %s, and its ledger says that it may not have: %v", g.name, err)
	}
}

// unproven is the error of an object that is gone, while its effect may be in the pods. The
// time for the removal may be over by then.
func (g *going) unproven(ctx context.Context, pods []string, format string, args ...any) error {
	ctx = context.WithoutCancel(ctx)
	look, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	u := unprovenIn(look, g.client, pods, fmt.Errorf("remove %s: %s", g.name, fmt.Sprintf(format, args...)))
	u.Fault = g.name
	if g.doubts != nil {
		if err := g.doubts.Doubt(ctx, g.name, u.Pods...); err != nil { // the events and the error say it again
			g.note("%v", err)
		}
	}
	for _, p := range u.Pods {
		if g.event != nil {
			g.event(record.Event{
				Span: steadystate.Span{From: g.from, To: g.clock.Now()}, Kind: record.EventUnproven,
				Subject: "pod/" + p.String(), UID: string(p.UID), Attrs: map[string]string{record.AttrBy: g.name},
			})
		}
	}
	return u
}

// unprovenIn is the error with those of the pods, as namespace/name, that still exist.
func unprovenIn(ctx context.Context, c client.Reader, ids []string, err error) *faults.Unproven {
	u := &faults.Unproven{Err: err}
	names := byNamespace(ids)
	for _, namespace := range slices.Sorted(maps.Keys(names)) {
		of := names[namespace]
		pods, unread := faults.Pods{Namespace: namespace, Names: of}.List(ctx, c)
		for _, pod := range pods {
			u.Pods = append(u.Pods, faults.PodIDOf(&pod))
		}
		if unread == nil {
			continue
		}
		for _, name := range of {
			u.Pods = append(u.Pods, faults.PodID{ObjectKey: client.ObjectKey{Namespace: namespace, Name: name}, UID: faults.AnyUID})
		}
	}
	return u
}

// outlived reports whether all pods that the fault was in are gone, and it with them:
// their namespace was deleted, say. It waits for those that are terminating. A fault
// that is narrowed to peers is in their pods, too. A name that ends with a number may be
// that of a StatefulSet's pod, which comes again, with the rules of its PodNetworkChaos.
// Of a kind that is not listed, JVMChaos too, Chaos Mesh itself must say that it is gone.
func (g *going) outlived(ctx context.Context) bool {
	switch object := g.placed.object.(type) {
	case *v1alpha1.NetworkChaos:
		if object.Spec.Target != nil {
			return false
		}
	case *v1alpha1.StressChaos, *v1alpha1.IOChaos, *v1alpha1.TimeChaos:
	default:
		return false
	}
	for _, id := range g.placed.pods {
		_, name, _ := strings.Cut(id, "/")
		if _, err := strconv.Atoi(name[strings.LastIndexByte(name, '-')+1:]); err == nil {
			return false
		}
	}
	for {
		terminating := false
		for namespace, of := range byNamespace(g.placed.pods) {
			pods, err := faults.Pods{Namespace: namespace, Names: of}.List(ctx, g.client)
			if err != nil || slices.ContainsFunc(pods, func(pod corev1.Pod) bool { return pod.DeletionTimestamp == nil }) {
				return false
			}
			terminating = terminating || len(pods) > 0
		}
		if !terminating {
			return true
		}
		if experiments.Wait(ctx, time.Second) != nil {
			return false
		}
	}
}

// step deletes the object, once, and reads it; it reads a held one before, too. A
// read or a watch that has no answer does not keep the fault in place.
func (g *going) step(ctx context.Context) error {
	if !g.read {
		first, cancel := context.WithTimeout(ctx, readTimeout)
		g.unread = g.early(first)
		cancel()
		g.read = g.unread == nil
	}
	g.watch(ctx)
	if !g.deleted {
		if err := g.delete(ctx); err != nil {
			return err
		}
	}
	return g.client.Get(ctx, client.ObjectKeyFromObject(g.object), g.object)
}

// delete asks for the object to be deleted, and notes whether that may have been done.
func (g *going) delete(ctx context.Context) error {
	options := []client.DeleteOption{client.PropagationPolicy(metav1.DeletePropagationBackground)}
	if g.placed != nil && g.placed.uid != "" && !g.replaced {
		options = append(options, client.Preconditions{UID: &g.placed.uid})
	}
	err := g.client.Delete(ctx, g.object, options...)
	if apierrors.IsConflict(err) && len(options) > 1 {
		// No read has seen it. The other one goes, too: it has the name and maybe the labels.
		g.replaced, g.unread = true, nil
		if g.placed.acted && !g.lost {
			g.ended(cmp.Or(g.placed.over, recreated(g.name)))
		}
		return g.delete(ctx)
	}
	g.deleted = err == nil
	g.lost = g.lost || err != nil && !faults.Rejected(err) && !utilnet.IsConnectionRefused(err)
	if g.deleted || g.lost {
		if g.unread != nil {
			g.unseen(g.unread)
		}
		g.read, g.unread = true, nil // a read would see the deletion
	}
	return err
}

// unseen records that the fault may have ended before it was undone, since it was last
// seen to act.
func (g *going) unseen(why error) {
	span := steadystate.Span{From: min(g.from, g.placed.seen), To: g.clock.Now()}
	for _, id := range g.placed.pods {
		e := record.Event{Span: span, Kind: record.EventGap, Subject: "pod/" + id, Attrs: map[string]string{record.AttrReason: fmt.Sprintf("whether the fault was still in it: %s: %v", g.name, why)}}
		if pod := g.placed.before[id]; pod != nil {
			e.UID = string(pod.UID)
		}
		g.event(e)
	}
}

// early records that the fault ended before it was to be undone. The time is
// only known by when it was last seen to act.
func (g *going) early(ctx context.Context) error {
	if g.placed == nil || g.event == nil || oneShot(g.object) {
		return nil
	}
	why, err := g.over(ctx)
	g.replaced = err == nil && g.placed.replaced(g.object)
	why = cmp.Or(g.placed.over, why)
	switch {
	case err != nil && !faults.Permanent(err):
		return err
	case err != nil || why == "" || !g.placed.acted:
		return nil // deleting it comes first
	}
	g.ended(why)
	return nil
}

// ended records that the fault was over since it was last seen to act.
func (g *going) ended(why string) {
	g.placed.early = true
	g.from = min(g.from, g.placed.seen)
	g.event(record.Event{
		Span:    steadystate.Span{From: g.from, To: g.clock.Now()},
		Kind:    record.EventEndedEarly,
		Subject: g.name,
		UID:     string(g.object.GetUID()),
		Attrs:   map[string]string{record.AttrReason: strings.TrimSuffix(why, ",")},
	})
}

// over reads the object, and says why its fault has ended, if it has. A
// workflow of one-shot faults cannot end early.
func (g *going) over(ctx context.Context) (why string, err error) {
	if err := g.client.Get(ctx, client.ObjectKeyFromObject(g.object), g.object); err != nil {
		return "", err
	}
	if why = g.placed.away(g.object, g.name); why != "" {
		return why, nil
	}
	switch object := g.object.(type) {
	case v1alpha1.InnerObject:
		if stopped(object) {
			why = "Chaos Mesh had stopped it when it was to be undone: its lifetime was over, or it was paused or deleted; let it live longer than it is held, see Guard.Lifetime"
		}
	case *v1alpha1.Workflow:
		if !embeds(object, held) {
			return "", nil
		}
		children, err := childrenOf(ctx, g.client, object)
		if err != nil {
			return "", err
		}
		if !slices.ContainsFunc(children, inPlace) {
			why = "none of its faults was in place when it was to be undone; hold it for a shorter time, or let its last fault last longer"
		}
	}
	return why, nil
}

// inPlace reports whether an object holds a fault in pods now.
func inPlace(object client.Object) bool {
	inner, ok := object.(v1alpha1.InnerObject)
	return ok && !inner.IsOneShot() && !stopped(object) && read(inner).done()
}

// rest waits until the next look is useful.
func (g *going) rest(ctx context.Context) error {
	timer := time.NewTimer(pollEvery)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case a, ok := <-g.seen:
			if g.take(a, ok); g.gone {
				return nil
			}
		case <-timer.C:
			return nil
		}
	}
}

// lastWords is how long the watch may lag behind what was read.
const lastWords = time.Second

// hear waits for the final status of an object that is gone.
func (g *going) hear(ctx context.Context) {
	timer := time.NewTimer(lastWords)
	defer timer.Stop()
	for !g.recovered && !g.gone && g.seen != nil {
		select {
		case <-ctx.Done():
			return
		case a, ok := <-g.seen:
			g.take(a, ok)
		case <-timer.C:
			return
		}
	}
}

func (g *going) take(a kube.Arrival, ok bool) {
	object, is := a.Object.(client.Object)
	switch {
	case !ok || a.Type == watch.Error:
		g.seen = nil
	case is && object.GetName() == g.object.GetName():
		g.gone = a.Type == watch.Deleted
		g.look(object)
	}
}

// look reads the records of a state of the object.
func (g *going) look(object client.Object) {
	inner, ok := object.(v1alpha1.InnerObject)
	if !ok || g.recovered || inner.IsOneShot() {
		return
	}
	g.hurt = hurt(inner)
	if g.recovered = recovered(inner); g.recovered && g.event != nil {
		g.event(record.Event{
			Span:    steadystate.Span{From: g.from, To: g.clock.Now()},
			Kind:    EventRecovered,
			Subject: g.name,
			UID:     string(object.GetUID()),
		})
	}
}

// because is why the object stays, in Chaos Mesh's words.
func because(object client.Object) string {
	inner, ok := object.(v1alpha1.InnerObject)
	if !ok {
		return ""
	}
	for _, record := range inner.GetStatus().Experiment.Records {
		if record.Phase == v1alpha1.NotInjected {
			continue
		}
		for _, e := range slices.Backward(record.Events) {
			if e.Type == v1alpha1.TypeFailed {
				return fmt.Sprintf("; Chaos Mesh says of %s (%s): %s", record.Id, record.Phase, e.Message)
			}
		}
	}
	return ""
}

// stopped reports whether Chaos Mesh wants the fault to be undone.
func stopped(object client.Object) bool {
	inner, ok := object.(v1alpha1.InnerObject)
	return ok && inner.GetStatus().Experiment.DesiredPhase == v1alpha1.StoppedPhase
}

// holds reports whether the object is a fault that is held in pods.
func (g *going) holds() bool {
	_, acts := g.object.(v1alpha1.InnerObject)
	return acts && !oneShot(g.object)
}

// oneShot reports whether the fault is over at once, so that there is nothing
// to undo.
func oneShot(obj client.Object) bool {
	inner, ok := obj.(v1alpha1.InnerObject)
	return ok && inner.IsOneShot()
}
