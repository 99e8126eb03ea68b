package chaosmesh

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/kube"
)

// A follower injects a fault into pods that appear later. Only the goroutine of
// its watch changes its state.
type follower struct {
	*Fault
	rec  *record.Recorder
	run  string
	ends time.Time // of the first object, and so of all

	// spared are the pods that ran before and were not chosen.
	spared map[types.UID]bool
	// hit are the pods that the fault is in, or is on its way to.
	hit map[types.UID]bool
	// there are the existing pods, in any state.
	there map[types.UID]*corev1.Pod

	cancel context.CancelFunc
	wg     sync.WaitGroup
	ended  sync.Once // a failure ends it, and is recorded
}

// following is the initial state of a follower.
type following struct {
	run    string
	ends   time.Time
	before []corev1.Pod
	hit    []record.Target
}

// follow starts a follower; its stop ends it.
func (f *Fault) follow(ctx context.Context, rec *record.Recorder, begin following) *follower {
	ctx, cancel := context.WithCancel(ctx)
	w := &follower{
		Fault:  f,
		rec:    rec,
		run:    begin.run,
		ends:   begin.ends,
		spared: map[types.UID]bool{},
		hit:    map[types.UID]bool{},
		there:  map[types.UID]*corev1.Pod{},
		cancel: cancel,
	}
	for _, target := range begin.hit {
		w.hit[types.UID(target.UID)] = true
	}
	for _, pod := range begin.before {
		if !w.hit[pod.UID] {
			w.spared[pod.UID] = true
		}
	}
	w.start(func() error {
		return kube.Watch{Client: f.cluster.Client, List: &corev1.PodList{}, Options: f.plan.pods.Options()}.Follow(ctx, rec.Clock(), kube.View{
			Changed: func(c kube.Change) { w.changed(ctx, c) },
		})
	})
	return w
}

// start starts a goroutine that stop waits for. If following fails, the record
// says so, and nothing is left behind.
func (w *follower) start(do func() error) { start(&w.wg, do, w.failed) }

func (w *follower) failed(err error) {
	w.ended.Do(func() {
		w.rec.Event(record.Event{
			Span:    steadystate.Instant(w.rec.Clock().Now()),
			Kind:    record.EventNotFollowed,
			Subject: w.plan.pods.String(),
			Attrs:   map[string]string{record.AttrReason: "following ended: " + err.Error()},
		})
	})
	w.cancel()
}

// stop waits until no injection is in progress.
func (w *follower) stop() {
	w.cancel()
	w.wg.Wait()
}

// changed handles a change of one pod.
func (w *follower) changed(ctx context.Context, c kube.Change) {
	if pod, ok := c.New.(*corev1.Pod); ok {
		w.there[pod.UID] = pod
	} else {
		delete(w.there, c.Old.GetUID())
	}
	var up []*corev1.Pod
	alive := 0
	for uid, pod := range w.there {
		if faults.Runs(pod) && w.plan.pods.Match(pod) {
			up = append(up, pod)
			if w.hit[uid] {
				alive++
			}
		}
	}
	want := w.plan.count.Among(len(up))
	slices.SortFunc(up, func(a, b *corev1.Pod) int {
		return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), cmp.Compare(a.Name, b.Name))
	})
	for _, pod := range up {
		if alive < want && !w.hit[pod.UID] && !w.spared[pod.UID] {
			alive++
			w.hit[pod.UID] = true
			w.start(func() error { w.inject(ctx, *pod); return nil })
		}
	}
}

// inject puts the fault into one more pod, and records a failure to do so.
func (w *follower) inject(ctx context.Context, pod corev1.Pod) {
	by, span, err := w.reach(ctx, pod)
	event := record.Event{Span: span, Kind: record.EventFollowed, Subject: faults.Subject(&pod), UID: string(pod.UID), Attrs: map[string]string{}}
	if by != "" {
		event.Attrs[record.AttrBy] = by
	}
	if err != nil {
		if ctx.Err() != nil {
			return // the fault is being undone
		}
		event.Span, event.Kind = steadystate.Instant(w.rec.Clock().Now()), record.EventNotFollowed
		event.Attrs[record.AttrReason] = err.Error()
	}
	w.rec.Event(event)
}

// reach puts the fault into a pod by an object, and returns the object's name, if
// there may be one, and when the fault took effect.
func (w *follower) reach(ctx context.Context, pod corev1.Pod) (by string, span steadystate.Span, err error) {
	lifetime := time.Until(w.ends).Round(time.Second)
	if lifetime <= 0 {
		return "", span, errors.New("the fault's lifetime is over")
	}
	if err := w.cluster.Guard.Protect([]corev1.Pod{pod}); err != nil {
		return "", span, err
	}
	object, err := w.object(ctx, placement{
		meta:     faults.NewMeta(w.plan.action, pod.Namespace, w.run),
		selector: only(pod.Namespace, pod.Name),
		lifetime: lifetime,
		pods:     []corev1.Pod{pod},
	})
	if err != nil {
		return "", span, err
	}
	i := w.injecting(w.rec, object, 1, []corev1.Pod{pod})
	i.late = true
	if err := i.create(ctx); err != nil {
		return i.name, span, err
	}
	reason, err := i.wait(ctx, nil, nil)
	if err == nil && reason != "" {
		err = errors.New(reason)
	}
	return i.name, steadystate.Span{From: i.from, To: i.injected}, err
}
