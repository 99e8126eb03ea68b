package chaosmesh

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// A surveyor looks, while a fault is in some pods, for what takes from the proof
// of its effect: faults of others that are in them too, and pods that came
// later and that it is not in.
type surveyor struct {
	cluster *Cluster
	rec     *record.Recorder
	pods    Pods
	since   time.Duration      // when the fault was asked for
	hit     map[string]string  // UIDs of the pods that it is in, by namespace/pod
	known   map[types.UID]bool // UIDs of those that ran before
	told    map[string]bool    // what is recorded already
	cancel  context.CancelFunc
	wg      sync.WaitGroup
}

// surveyEvery is how often faults of others are looked for. One that is on for
// less, between two looks, goes unseen.
const surveyEvery = 5 * time.Second

// survey looks now and, of a fault that is held, until stop.
func (f *Fault) survey(ctx context.Context, rec *record.Recorder, i *injecting) {
	s := &surveyor{
		cluster: f.cluster, rec: rec, pods: f.pods, since: i.from,
		hit: map[string]string{}, known: map[types.UID]bool{}, told: map[string]bool{},
	}
	for _, id := range i.progress.injected {
		s.hit[id] = i.uid(id)
	}
	for _, pod := range i.before {
		s.known[pod.UID] = true
	}
	s.others(ctx)
	if oneShot(i.object) {
		return
	}
	ctx, s.cancel = context.WithCancel(ctx)
	s.wg.Go(func() {
		for experiments.Wait(ctx, surveyEvery) == nil {
			s.others(ctx)
		}
	})
	f.surveyor = s
}

// stop looks for the last time, before the fault is undone. It may be in further
// pods by now, which it followed.
func (s *surveyor) stop(ctx context.Context, followed map[types.UID]bool) {
	s.cancel()
	s.wg.Wait()
	// An API server that does not answer must not keep the fault in place.
	ctx, cancel := context.WithTimeout(ctx, surveyEvery)
	defer cancel()
	s.others(ctx)
	s.newcomers(ctx, followed)
}

// others records the faults of others that are in the pods. A kind that the
// account may not see is passed over.
func (s *surveyor) others(ctx context.Context) {
	kinds := v1alpha1.AllKinds()
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		objects, err := listKind(ctx, s.cluster.client, kinds[kind])
		if apierrors.IsForbidden(err) {
			objects, err = listKind(ctx, s.cluster.client, kinds[kind], client.InNamespace(s.pods.Namespace))
		}
		switch {
		case meta.IsNoMatchError(err), apierrors.IsForbidden(err), ctx.Err() != nil:
			continue
		case err != nil:
			s.tell(kind, func() { s.rec.Note("whether %s of others is in the %s: %v", kind, s.pods, err) })
			continue
		}
		for _, object := range objects {
			s.other(kind, object)
		}
	}
}

// other records the pods that an object of another run is in, or of none.
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

// newcomers records the pods that came since and that the fault is not in.
func (s *surveyor) newcomers(ctx context.Context, followed map[types.UID]bool) {
	pods, err := s.pods.list(ctx, s.cluster.client)
	if err != nil {
		s.rec.Note("whether pods joined the %s: %v", s.pods, err)
		return
	}
	for _, pod := range running(pods) {
		if s.known[pod.UID] || followed[pod.UID] {
			continue
		}
		s.rec.Event(record.Event{
			Span: steadystate.Span{From: s.since, To: s.rec.Clock().Now()}, Kind: record.EventNotHit,
			Subject: fmt.Sprintf("pod/%s/%s", pod.Namespace, pod.Name), UID: string(pod.UID),
		})
	}
}

// tell does it once.
func (s *surveyor) tell(what string, how func()) {
	if !s.told[what] {
		s.told[what] = true
		how()
	}
}

// changesPods reports whether what an object does takes pods away, which others
// replace.
func changesPods(object client.Object) bool {
	switch object := object.(type) {
	case *v1alpha1.PodChaos:
		return object.Spec.Action == v1alpha1.PodKillAction
	case *v1alpha1.Workflow:
		changes := false
		for i := range object.Spec.Templates {
			_ = embedded(object.Namespace, &object.Spec.Templates[i], func(inner v1alpha1.InnerObject) error {
				changes = changes || changesPods(inner)
				return nil
			})
		}
		return changes
	}
	return false
}

// endsOnRestart reports whether what an object does is done to the processes of
// a container, so that those that come later are free of it.
func endsOnRestart(object client.Object) bool {
	switch object.(type) {
	case *v1alpha1.StressChaos, *v1alpha1.IOChaos, *v1alpha1.TimeChaos, *v1alpha1.JVMChaos:
		return true
	}
	return false
}
