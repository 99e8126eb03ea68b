package chaosmesh

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// A surveyor looks, while a fault is in some pods, for evidence against the
// proof of its effect: faults of other clients in the same pods, and new pods
// that the fault is not in. It also records failed looks.
type surveyor struct {
	cluster *Cluster
	rec     *record.Recorder
	pods    faults.Pods
	since   time.Duration      // when the fault was requested
	hit     map[string]string  // UIDs of the pods that it is in, by namespace/pod
	known   map[types.UID]bool // UIDs of those that ran before
	oneShot bool               // the fault was over at once: a single look is enough
	follows bool               // the follower handles new pods
	told    map[string]bool    // already recorded
	looked  time.Duration      // when the last look began
	blind   *blindness         // nil: the last look saw everything
	cancel  context.CancelFunc
	wg      sync.WaitGroup
}

// A blindness is the time since which looks are incomplete, and why.
type blindness struct {
	since time.Duration // the last look that did
	why   string
}

const (
	// surveyEvery is how often the surveyor looks for other faults, and the
	// timeout of a look. A shorter fault between two looks goes unseen.
	surveyEvery = 5 * time.Second
	// askAgain is the retry interval of a failed list within a look.
	askAgain = time.Second
)

// survey starts a surveyor; its stop ends it. It never delays the injection,
// which holds the fault in place meanwhile.
func (f *Fault) survey(ctx context.Context, rec *record.Recorder, i *injecting) *surveyor {
	s := &surveyor{
		cluster: f.cluster, rec: rec, pods: f.plan.pods, since: i.from, looked: i.from, oneShot: oneShot(i.object), follows: f.plan.follow,
		hit: map[string]string{}, known: map[types.UID]bool{}, told: map[string]bool{},
	}
	for _, id := range i.progress.injected {
		s.hit[id] = i.uid(id)
	}
	for _, pod := range i.before {
		s.known[pod.UID] = true
	}
	ctx, s.cancel = context.WithCancel(ctx)
	start(&s.wg, func() error {
		for {
			began := s.rec.Clock().Now()
			answers := s.ask(ctx)
			if ctx.Err() != nil {
				return nil // the last look sees what this one would have
			}
			s.take(began, answers)
			if s.oneShot || experiments.Wait(ctx, surveyEvery) != nil {
				return nil
			}
		}
	}, s.failed)
	return s
}

// stop looks for the last time, while the fault is undone. By now the fault may have
// followed into further pods; one that comes meanwhile may be told of as a pod that the
// fault is not in. It returns within surveyEvery.
func (s *surveyor) stop(ctx context.Context, followed map[types.UID]bool) {
	if !s.oneShot {
		s.cancel()
	}
	s.wg.Wait()
	s.cancel()
	if !s.oneShot {
		start(&s.wg, func() error { s.last(ctx, followed); return nil }, s.failed)
		s.wg.Wait()
	}
	s.sees(s.rec.Clock().Now())
}

// last lists all kinds at once, so that no list waits for another.
func (s *surveyor) last(ctx context.Context, followed map[types.UID]bool) {
	began := s.rec.Clock().Now()
	var wg sync.WaitGroup
	var pods []corev1.Pod
	var err error
	start(&wg, func() error {
		ctx, cancel := context.WithTimeout(ctx, surveyEvery)
		defer cancel()
		return faults.Retry(ctx, askAgain, func() (err error) {
			pods, err = s.pods.List(ctx, s.cluster.Client)
			return err
		})
	}, func(failed error) { err = failed })
	answers := s.ask(ctx)
	wg.Wait()
	s.newcomers(pods, err, followed)
	s.take(began, answers)
}

// An answer is the objects of one kind, or the error of the list.
type answer struct {
	objects []client.Object
	narrow  bool // only the pods' namespace: the account may not see others
	err     error
}

// ask lists the objects of every kind.
func (s *surveyor) ask(ctx context.Context) map[string]answer {
	ctx, cancel := context.WithTimeout(ctx, surveyEvery)
	defer cancel()
	var mu sync.Mutex
	answers := map[string]answer{}
	put := func(kind string, a answer) {
		mu.Lock()
		defer mu.Unlock()
		answers[kind] = a
	}
	var wg sync.WaitGroup
	for name, kind := range v1alpha1.AllKinds() {
		start(&wg, func() error {
			put(name, s.list(ctx, kind))
			return nil
		}, func(err error) { put(name, answer{err: err}) })
	}
	wg.Wait()
	return answers
}

func (s *surveyor) list(ctx context.Context, kind *v1alpha1.ChaosKind) (a answer) {
	try := func(options ...client.ListOption) error {
		return faults.Retry(ctx, askAgain, func() (err error) {
			a.objects, err = listKind(ctx, s.cluster.Client, kind, options...)
			return err
		})
	}
	a.err = try()
	if apierrors.IsForbidden(a.err) {
		a.narrow, a.err = true, try(client.InNamespace(s.pods.Namespace))
	}
	return a
}

// take records the findings of a look, and its failures.
func (s *surveyor) take(began time.Duration, answers map[string]answer) {
	var nowhere, narrow, failed []string
	var err error // the first
	for _, kind := range slices.Sorted(maps.Keys(answers)) {
		a := answers[kind]
		switch {
		case meta.IsNoMatchError(a.err): // not installed, so there is none
		case apierrors.IsForbidden(a.err):
			nowhere = append(nowhere, kind)
		case a.err != nil:
			failed, err = append(failed, kind), cmp.Or(err, a.err)
		case a.narrow:
			narrow = append(narrow, kind)
		}
		for _, object := range a.objects {
			s.other(kind, object)
		}
	}
	if len(nowhere) > 0 {
		s.forbidden("the account may not list " + brief(nowhere))
	}
	if len(narrow) > 0 {
		s.forbidden(fmt.Sprintf("the account may not list %s outside namespace %s", brief(narrow), s.pods.Namespace))
	}
	if err != nil {
		s.blinded(fmt.Sprintf("list %s: %v", brief(failed), explain(err, failed[0])))
	} else {
		s.sees(s.rec.Clock().Now())
	}
	s.looked = began
}

func brief(kinds []string) string {
	if more := len(kinds) - 1; more > 0 {
		return fmt.Sprintf("%s and %d more kinds", kinds[0], more)
	}
	return kinds[0]
}

// forbidden records missing rights once, for one of the pods: they are missing
// in every run.
func (s *surveyor) forbidden(why string) {
	s.tell(why, func() {
		first := slices.Sorted(maps.Keys(s.hit))[0]
		s.unseen(record.EventUnsurveyed, first, steadystate.Span{From: s.since, To: s.rec.Clock().Now()}, why)
	})
}

// failed handles a failure of the look itself.
func (s *surveyor) failed(err error) { s.blinded("look for faults of others: " + err.Error()) }

// blinded notes an incomplete look. The missed faults may have been there since
// the previous look.
func (s *surveyor) blinded(why string) {
	if s.blind == nil {
		s.blind = &blindness{s.looked, why}
	}
}

// sees records the time of incomplete looks, if any, until now.
func (s *surveyor) sees(now time.Duration) {
	if s.blind != nil {
		s.blindFor(steadystate.Span{From: s.blind.since, To: now}, "whether another fault was in it: "+s.blind.why)
		s.blind = nil
	}
}

func (s *surveyor) blindFor(span steadystate.Span, why string) {
	for _, id := range slices.Sorted(maps.Keys(s.hit)) {
		s.unseen(record.EventGap, id, span, why)
	}
}

func (s *surveyor) unseen(kind, id string, span steadystate.Span, why string) {
	s.rec.Event(record.Event{
		Span: span, Kind: kind, Subject: "pod/" + id, UID: s.hit[id],
		Attrs: map[string]string{record.AttrReason: why},
	})
}

// other records the pods that are hit by an object of another run, or of none.
func (s *surveyor) other(kind string, object client.Object) {
	inner, acts := object.(v1alpha1.InnerObject)
	run, ours := runOf(object)
	if !acts || inner.IsOneShot() || (ours && run == s.rec.Run()) {
		return
	}
	by := kind + "/" + object.GetNamespace() + "/" + object.GetName()
	if ours {
		by += " of run " + run
	}
	for _, r := range inner.GetStatus().Experiment.Records {
		parts := strings.SplitN(r.Id, "/", 3)
		if r.Phase != v1alpha1.Injected || len(parts) < 2 {
			continue
		}
		id := parts[0] + "/" + parts[1]
		uid, hit := s.hit[id]
		if !hit {
			continue
		}
		s.tell(id+" "+by, func() {
			s.rec.Event(record.Event{
				Span: steadystate.Instant(s.rec.Clock().Now()), Kind: record.EventAlsoHit, Subject: "pod/" + id, UID: uid,
				Attrs: map[string]string{record.AttrBy: by},
			})
		})
	}
}

// newcomers records the new pods that the fault is not in.
func (s *surveyor) newcomers(pods []corev1.Pod, err error, followed map[types.UID]bool) {
	if err != nil {
		if !s.follows {
			s.blindFor(steadystate.Span{From: s.since, To: s.rec.Clock().Now()}, "whether further pods came: "+err.Error())
		}
		return
	}
	for _, pod := range faults.Running(pods) {
		if s.known[pod.UID] || followed[pod.UID] {
			continue
		}
		s.rec.Event(record.Event{
			Span: steadystate.Span{From: s.since, To: s.rec.Clock().Now()}, Kind: record.EventNotHit,
			Subject: faults.Subject(&pod), UID: string(pod.UID),
		})
	}
}

// tell calls how once for each what.
func (s *surveyor) tell(what string, how func()) {
	if !s.told[what] {
		s.told[what] = true
		how()
	}
}
