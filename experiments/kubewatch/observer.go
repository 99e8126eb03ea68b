package kubewatch

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/kube"
)

// An Observer records events of one workload. It implements
// [experiments.Observer].
type Observer struct {
	Client    client.WithWatch
	Namespace string
	// Selector selects the workload's pods and replica sets; it must not be
	// empty.
	Selector *metav1.LabelSelector
	// Services are the names of the services whose endpoints are followed.
	// Default: none.
	Services []string
	// Autoscalers are the names of the followed horizontal autoscalers. Name
	// their scale targets among the Workloads: they are part of the response to a
	// load.
	Autoscalers []string
	// Workloads of the namespace whose sizes are followed.
	Workloads []kube.Workload
	// VerticalAutoscalers are the names of the followed vertical autoscalers, if
	// the cluster has their API.
	VerticalAutoscalers []string
	// Nodes follows the cluster's nodes, if the account may see them. Default: those on
	// which the workload's pods run.
	Nodes bool
	// Except are the reporting controllers whose Kubernetes Events are not recorded.
	// Default: all are.
	Except []string
	// Every is the poll interval of each kind. Default 1 s.
	Every time.Duration
}

var _ experiments.Observer = Observer{}

// A happening is an event between two states of an object.
type happening struct {
	kind    string
	subject string
	uid     string
	attrs   map[string]string
}

// A between returns the events between two states of an object. One is nil for an
// object that is new or gone; first: it was there when the watch began.
type between func(before, after client.Object, first bool) []happening

// A subject is a followed kind of object.
type subject struct {
	name    string
	list    client.ObjectList
	options []client.ListOption
	between between
	// optional: a missing right is a note, not an error, and a kind unknown to
	// the cluster is not even a note.
	optional bool
}

// subjects are the followed kinds of object.
func (o Observer) subjects() ([]subject, error) {
	selector, err := metav1.LabelSelectorAsSelector(o.Selector)
	if err != nil {
		return nil, fmt.Errorf("watch Kubernetes: selector: %w", err)
	}
	if o.Client == nil || o.Namespace == "" || o.Selector == nil || selector.Empty() {
		return nil, errors.New("watch Kubernetes: needs a client, a namespace and a selector")
	}
	workload := []client.ListOption{client.InNamespace(o.Namespace), client.MatchingLabelsSelector{Selector: selector}}
	var on hosts
	subjects := []subject{
		{name: "pods", list: &corev1.PodList{}, options: workload, between: on.pods(events(named("pod"), podEvents))},
		{name: "replicasets", list: &appsv1.ReplicaSetList{}, options: workload, between: events(named("replicaset"), replicaSetEvents)},
	}
	if len(o.Services) > 0 {
		of, err := labels.NewRequirement(discoveryv1.LabelServiceName, selection.In, o.Services)
		if err != nil {
			return nil, fmt.Errorf("watch endpoints of %s: %w", strings.Join(o.Services, ", "), err)
		}
		services := []client.ListOption{
			client.InNamespace(o.Namespace),
			client.MatchingLabelsSelector{Selector: labels.NewSelector().Add(*of)},
		}
		subjects = append(subjects, subject{name: "endpointslices", list: &discoveryv1.EndpointSliceList{}, options: services, between: endpointEvents})
	}
	byName := func(s subject, names ...string) {
		for _, name := range names {
			s.options = []client.ListOption{client.InNamespace(o.Namespace), client.MatchingFields{"metadata.name": name}}
			subjects = append(subjects, s)
		}
	}
	byName(subject{name: "horizontalpodautoscalers", list: &autoscalingv2.HorizontalPodAutoscalerList{}, between: events(named("hpa"), autoscalerEvents)}, o.Autoscalers...)
	for _, w := range o.Workloads {
		if err := w.Valid(); err != nil {
			return nil, fmt.Errorf("watch Kubernetes: %w", err)
		}
		byName(subject{name: w.Resource(), list: w.NewList(), between: events(workloadSubject, workloadEvents)}, w.Name)
	}
	byName(subject{name: "verticalpodautoscalers", list: vertical(), between: events(named("vpa"), verticalEvents), optional: true}, o.VerticalAutoscalers...)
	nodes := subject{name: "nodes", list: &corev1.NodeList{}, between: events(named("node"), nodeEvents), optional: true}
	if !o.Nodes {
		nodes.between = on.nodes(nodes.between)
	}
	return append(subjects, nodes), nil
}

// Observe records events until ctx ends. It continues while the API server is
// unreachable, and records the gap; the error is for permanent failures: a
// missing right.
func (o Observer) Observe(ctx context.Context, rec *record.Recorder) error {
	subjects, err := o.subjects()
	if err != nil {
		return err
	}
	// The first failure stops the others.
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var wg sync.WaitGroup
	errs := make([]error, len(subjects))
	published := published{Observer: o, rec: rec, subjects: map[string]string{}, counts: map[types.UID]int{}, recorded: map[string]time.Duration{}, alike: map[string]int{}}
	wg.Go(func() { published.follow(ctx) })
	for i, s := range subjects {
		wg.Go(func() {
			err := o.follow(ctx, rec, s, published.know)
			if err != nil && s.optional {
				if !meta.IsNoMatchError(err) { // otherwise the cluster has no such kind
					rec.Note("%v", err)
				}
				return
			}
			errs[i] = err
			stop()
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// follow records what happens to a kind of object, and tells seen of it.
func (o Observer) follow(ctx context.Context, rec *record.Recorder, s subject, seen func(happening)) error {
	gap := gap{rec: rec, subject: "watch/" + o.Namespace + "/" + s.name}
	err := kube.Watch{Client: o.Client, List: s.list, Options: s.options, Every: o.Every}.Follow(ctx, rec.Clock(), kube.View{
		Changed: func(c kube.Change) {
			for _, h := range s.between(c.Old, c.New, c.First) {
				rec.Event(record.Event{Span: c.Span, Kind: h.kind, Subject: h.subject, UID: h.uid, Attrs: h.attrs})
				seen(h)
				if why := h.attrs[record.AttrReason]; s.name == "nodes" && why != "" {
					rec.Note("%s is %s: %s", h.subject, h.kind, why)
				}
			}
		},
		Read: func(span steadystate.Span, _ []client.Object) { gap.over(span) },
		Gap:  gap.failed,
	})
	gap.end()
	if err != nil {
		return fmt.Errorf("watch %s in %s: %w", s.name, o.Namespace, err)
	}
	return nil
}

// events adapts a function of two states of an object to any two objects, and
// names their subject. An object that is gone has no other event. Of a new object
// arrival is the kind of its event; it is empty where there was an earlier state.
func events[T client.Object](subject func(client.Object) string, between func(before, after T, arrival string) []happening) between {
	return func(before, after client.Object, first bool) []happening {
		was, known := before.(T)
		is, there := after.(T)
		arrival := ""
		switch {
		case !there:
			return []happening{{kind: record.EventGone, subject: subject(before), uid: string(before.GetUID())}}
		case known:
		case first:
			arrival = record.EventExists
		default:
			arrival = record.EventCreated
		}
		list := between(was, is, arrival)
		for i := range list {
			list[i].subject, list[i].uid = subject(after), string(after.GetUID())
		}
		return list
	}
}

// named is the subject KIND/NAMESPACE/NAME, without a namespace where there is
// none.
func named(kind string) func(client.Object) string {
	return func(o client.Object) string { return path.Join(kind, o.GetNamespace(), o.GetName()) }
}
