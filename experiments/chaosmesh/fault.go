package chaosmesh

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/kube"
)

// A Fault is a [Spec] in a cluster: Inject creates an object and waits until it has acted,
// Recover deletes it and waits until it is gone. It implements [experiments.Fault] and is
// not safe for concurrent use.
//
// A fault that follows also hits pods that appear while it is held. Chaos Mesh chooses its
// targets once, so the replacement of a target would otherwise be free of the fault. The
// number of pods hit stays as requested; a percentage is resolved against the pods that run
// at that time. Pods that ran before and were not chosen stay untouched. Each new pod gets
// an object of its own, which expires together with the first one. The record says
// "followed" or "not followed" for each pod. Following ends with Recover, or with the
// context of the injection.
type Fault struct {
	cluster *Cluster
	plan    plan
	wrong   error // invalid Spec

	follower *follower // while it follows
	surveyor *surveyor // until it is undone
	mu       sync.Mutex
	// placed are the objects that may exist because of Inject.
	placed []*placed
	// watched: Watch may note what it sees of them; Recover ends that.
	watched bool
}

var (
	_ experiments.Targeter  = (*Fault)(nil)
	_ experiments.Previewer = (*Fault)(nil)
	_ experiments.OneShot   = (*Fault)(nil)
	_ experiments.Bounded   = (*Fault)(nil)
	_ experiments.Watcher   = (*Fault)(nil)
	_ experiments.Validator = (*Fault)(nil)
)

// placed is an object that may exist.
type placed struct {
	object client.Object
	unsure bool                   // the creation request had no answer
	uid    types.UID              // another object may get its name; empty: unsure
	pods   []string               // its last known or intended targets, as namespace/pod
	before map[string]*corev1.Pod // those that ran before it was created
	// acted: Chaos Mesh reported that all is injected, last at seen.
	acted bool
	seen  time.Duration
	turns int  // of its records when they first said so
	early bool // it ended before it was to be undone
	// Seen while it was held: why it was over, and that Chaos Mesh said that it undid
	// the fault.
	over      string
	recovered bool
	missed    bool // a look did not find it
}

// Fault returns the fault that a [Spec] describes. [Fault.Validate] refuses one with an
// invalid spec, before anything is touched.
func (c *Cluster) Fault(s Spec) *Fault {
	f := &Fault{cluster: c, plan: s.plan()}
	if err := s.Validate(); err != nil {
		f.wrong = fmt.Errorf("%T: %w", s, err)
	}
	return f
}

// Validate names the invalid fields of the fault's [Spec].
func (f *Fault) Validate() error { return f.wrong }

// allowed reports an invalid Spec and refuses pods outside the guard, without
// asking the cluster.
func (f *Fault) allowed() error {
	if f.wrong != nil {
		return f.wrong
	}
	err := f.cluster.Guard.Allow(f.plan.pods)
	for _, p := range f.plan.peers {
		err = cmp.Or(err, f.cluster.Guard.Allow(p.Pods))
	}
	if err != nil {
		return fmt.Errorf("%s: %w", f, err)
	}
	return nil
}

// String returns "kill 1 of the pods app=checkout in shop".
func (f *Fault) String() string {
	text := fmt.Sprintf("%s %s of the %s", f.plan.verb, f.plan.count, f.plan.pods)
	if f.plan.follow {
		text += ", and of those that replace them"
	}
	return text
}

// OneShot reports whether the fault is over at once, as a kill is.
func (f *Fault) OneShot() bool { return f.wrong == nil && f.plan.oneShot() }

// InjectTimeout returns how long Inject takes at most if the API server answers.
func (f *Fault) InjectTimeout() time.Duration {
	timeouts := f.timeouts()
	return faults.Preparing + timeouts.Inject + f.plan.sight.wait(timeouts)
}

// timeouts are those of an injection that begins now.
func (f *Fault) timeouts() Timeouts {
	timeouts := f.cluster.timeouts.withDefaults()
	if f.plan.delay != nil {
		timeouts.Inject += f.plan.delay(time.Now())
	}
	return timeouts
}

// OneShot reports whether the fault of a [Spec] is over at once, as a kill is. The spec
// needs no pods.
func OneShot(s Spec) bool { return s.plan().oneShot() }

func (p plan) oneShot() bool {
	if p.object == nil {
		return false // an [Object] that cannot be read
	}
	object, err := p.object(placement{})
	return err == nil && oneShot(object)
}

// prepared is the input of an injection.
type prepared struct {
	experiments.Preview
	object   client.Object // the preview's, without its name
	pods     []corev1.Pod  // the candidates
	lifetime time.Duration
}

// Preview describes what Inject would do now for this run, and changes nothing. Its error
// is the one that Inject would return: the API server validates the object in a dry run, so
// missing rights, or a missing Chaos Mesh, show before anything is at stake.
func (f *Fault) Preview(ctx context.Context, run string) (experiments.Preview, error) {
	p, err := f.prepare(ctx, run)
	if err != nil {
		return experiments.Preview{}, err
	}
	trial, _ := p.object.DeepCopyObject().(client.Object)
	faults.SettleName(trial)
	if err := f.cluster.Client.Create(ctx, trial, client.DryRunAll); err != nil {
		return experiments.Preview{}, fmt.Errorf("try %s: %w", f, explain(err, f.plan.kind))
	}
	if err := f.pruned(ctx, p.object, trial); err != nil {
		return experiments.Preview{}, fmt.Errorf("try %s: %w", f, err)
	}
	p.Away, p.AwayBy = away(p.object, p.pods, p.Requested)
	return p.Preview, nil
}

// Targets returns the pods that Inject may hit now; Chaos Mesh chooses among them.
func (f *Fault) Targets(ctx context.Context) ([]record.Target, error) {
	if err := f.allowed(); err != nil {
		return nil, err
	}
	pods, _, err := f.candidates(ctx)
	return faults.Targets(pods), err
}

// prepare checks everything that can be checked without Chaos Mesh.
func (f *Fault) prepare(ctx context.Context, run string) (prepared, error) {
	if err := f.allowed(); err != nil {
		return prepared{}, err
	}
	p, err := f.check(ctx, run)
	switch {
	case errors.Is(err, faults.ErrRefused):
		return prepared{}, fmt.Errorf("%s: %w", f, err)
	case err != nil:
		return prepared{}, explain(err, "Pod")
	}
	return p, nil
}

func (f *Fault) check(ctx context.Context, run string) (prepared, error) {
	candidates, asked, err := f.candidates(ctx)
	if err != nil {
		return prepared{}, err
	}
	lifetime := max(time.Second, f.cluster.Guard.Expiry(ctx).Truncate(time.Second))
	object, err := f.object(ctx, placement{
		meta:     faults.NewMeta(f.plan.action, f.plan.pods.Namespace, run),
		selector: selector(f.plan.pods, asked),
		lifetime: lifetime,
		pods:     candidates,
	})
	if err != nil {
		return prepared{}, err
	}
	effects, unprovable := f.plan.declared, ""
	if len(effects) == 0 {
		effects, unprovable, err = f.plan.effects(candidates)
	}
	return prepared{
		Preview: experiments.Preview{
			Object:     object,
			Candidates: faults.Targets(candidates),
			Requested:  asked,
			Effects:    effects,
			Unprovable: unprovable,
		},
		object:   object,
		pods:     candidates,
		lifetime: lifetime,
	}, err
}

// candidates are the pods that may be hit now, and how many of the fault's own
// are requested.
func (f *Fault) candidates(ctx context.Context) (candidates []corev1.Pod, asked int, err error) {
	candidates, asked, err = f.cluster.Choose(ctx, f.plan.pods, f.plan.count)
	if err != nil {
		return nil, 0, err
	}
	for _, p := range f.plan.peers {
		more, err := f.peers(ctx, p)
		if err != nil {
			return nil, 0, err
		}
		if p.hit {
			candidates = append(candidates, more...)
		}
	}
	return candidates, asked, nil
}

// peers are the running pods of a peer, at least as many as requested.
func (f *Fault) peers(ctx context.Context, p peer) ([]corev1.Pod, error) {
	up, err := f.cluster.Select(ctx, p.Pods, p.touched)
	if err != nil {
		return nil, err
	}
	if _, err := p.count.Of(len(up)); err != nil {
		return nil, fmt.Errorf("%w (%s)", err, p.Pods)
	}
	return up, nil
}

// object is the object at a placement, complete and validated.
func (f *Fault) object(ctx context.Context, at placement) (client.Object, error) {
	object, err := f.plan.object(at)
	if err != nil {
		return nil, err
	}
	return object, complete(ctx, object)
}

// place notes that an object may exist from now on.
func (f *Fault) place(p *placed) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.placed = append(f.placed, p)
}

// unplace notes that an object certainly does not exist.
func (f *Fault) unplace(p *placed) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.placed = slices.DeleteFunc(f.placed, func(q *placed) bool { return p == q })
}

// Recover deletes the objects of Inject and returns once they are gone, with the span in
// which they went. If the fault ended by itself, the span begins when the object was last
// seen to act, and the record says "ended early". A held fault counts as gone once Chaos
// Mesh's records say that each target has recovered. If an object stays after its deletion,
// Recover tries remedies and records each: it touches the object, then tells Chaos Mesh to
// give it up, then removes its finalizers. An error means that something may still be in
// place, and says what to do.
func (f *Fault) Recover(ctx context.Context, rec *record.Recorder) (steadystate.Span, error) {
	f.mu.Lock()
	f.watched = false
	f.mu.Unlock()
	clock := rec.Clock()
	var followed map[types.UID]bool
	if f.follower != nil {
		f.follower.stop()
		followed, f.follower = f.follower.hit, nil
	}
	if s := f.surveyor; s != nil {
		f.surveyor = nil
		var survey sync.WaitGroup
		defer survey.Wait()
		// Beside the undoing: the fault is not held for the sake of evidence.
		start(&survey, func() error {
			s.stop(ctx, followed)
			return nil
		}, s.failed)
	}
	// None waits for another, so that all are asked to go at once.
	begun, gone := clock.Now(), make([]removed, len(f.placed))
	var wg sync.WaitGroup
	for i, p := range slices.Backward(f.placed) {
		wg.Go(func() { gone[i] = f.remove(ctx, rec, p, begun) })
	}
	wg.Wait()
	span := steadystate.Instant(begun)
	var errs []error
	var left []*placed
	for i, p := range f.placed {
		span.From, span.To = min(span.From, gone[i].From), max(span.To, gone[i].To)
		if gone[i].err != nil {
			errs, left = append(errs, gone[i].err), append(left, p)
		}
	}
	f.placed = left
	slices.Reverse(errs)
	return span, errors.Join(errs...)
}

// removed is when an object went.
type removed struct {
	steadystate.Span
	err error
}

// remove removes one object.
func (f *Fault) remove(ctx context.Context, rec *record.Recorder, p *placed, begun time.Duration) (r removed) {
	r.From = begun
	found := false
	r.err = experiments.CatchPanic(func() (err error) {
		found, err = removal{
			client:   f.cluster.Client,
			timeouts: f.cluster.timeouts,
			clock:    rec.Clock(),
			note:     rec.Note,
			event:    rec.Event,
			doubts:   f.cluster.Doubts,
			placed:   p,
		}.run(ctx, p.object)
		return err
	})
	r.To = rec.Clock().Now()
	if p.early {
		r.From = min(r.From, p.seen)
	}
	if r.err == nil && found {
		rec.Event(record.Event{
			Span:    r.Span,
			Kind:    EventRemoved,
			Subject: subject(f.cluster.Client.Scheme(), p.object),
			UID:     string(p.object.GetUID()),
		})
	}
	if r.err == nil && !oneShot(p.object) {
		f.cutOff(ctx, rec, p)
	}
	return r
}

// lookTimeout is how long the undoing waits for what it only notes.
const lookTimeout = 2 * time.Second

// cutOff notes what is not known of pods that are gone from the API while their
// node is not Ready: such a pod was deleted by force, and its processes, with the
// fault in them, may go on there.
func (f *Fault) cutOff(ctx context.Context, rec *record.Recorder, p *placed) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	gone := map[string][]string{} // by node
	for namespace, names := range byNamespace(p.pods) {
		now, err := faults.Pods{Namespace: namespace, Names: names}.List(ctx, f.cluster.Client)
		if err != nil {
			rec.Note("whether the pods that %s was in are still there is not known: %v", p.object.GetName(), err)
			continue
		}
		for _, name := range names {
			before := p.before[namespace+"/"+name]
			if before != nil && before.Spec.NodeName != "" && !slices.ContainsFunc(now, func(pod corev1.Pod) bool { return pod.UID == before.UID }) {
				gone[before.Spec.NodeName] = append(gone[before.Spec.NodeName], name)
			}
		}
	}
	for name, pods := range gone {
		var node corev1.Node
		err := f.cluster.Client.Get(ctx, client.ObjectKey{Name: name}, &node)
		switch {
		case apierrors.IsNotFound(err):
		case err != nil:
			rec.Note("gone: %s, on node %s; whether it is Ready, or processes may go on there, is not known: %v", strings.Join(pods, ", "), name, kube.Explain(err, "the right to get nodes"))
		case !kube.NodeReady(&node):
			rec.Note("gone: %s, on node %s, which is not Ready: whether processes go on there, with the fault in them, is not known until it is back or was shut down", strings.Join(pods, ", "), name)
		}
	}
}

// byNamespace are the names of pods, each once, of their ids or those of containers.
func byNamespace(ids []string) map[string][]string {
	names := map[string][]string{}
	for _, id := range ids {
		namespace, name, _ := strings.Cut(id, "/")
		name, _, _ = strings.Cut(name, "/")
		if !slices.Contains(names[namespace], name) {
			names[namespace] = append(names[namespace], name)
		}
	}
	return names
}

// Manifest returns the object that a fault with this lifetime would create, as far as that
// is known without its pods. It returns an error if it is not known: a share of a memory
// limit depends on the pod.
func Manifest(s Spec, lifetime time.Duration) (client.Object, error) {
	p := s.plan()
	chosen := selector(p.pods, 1)
	switch share, percent := strings.CutSuffix(string(p.count), "%"); {
	case p.count.IsAll():
		chosen.Mode = v1alpha1.AllMode
	case percent:
		chosen.Mode, chosen.Value = v1alpha1.FixedPercentMode, share
	case p.count != faults.One:
		chosen.Mode, chosen.Value = v1alpha1.FixedMode, share
	}
	object, err := p.object(placement{meta: faults.NewMeta(p.action, p.pods.Namespace, "run"), selector: chosen, lifetime: lifetime})
	if err != nil {
		return nil, err
	}
	return object, complete(context.Background(), object)
}
