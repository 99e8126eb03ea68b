package suites

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/steadystate/kube"
)

// Read reads from the cluster what the file does not say of the service: the
// labels of its pods, the container that serves, and the Service in front of
// them. Experiments are made of it, so it comes before them. The cluster's
// identity is looked at first. The error has everything that the file must say
// because the cluster leaves a choice.
func (t *Target) Read(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := t.identify(ctx); err != nil {
		return err
	}
	state, err := t.Service.Read(ctx, t.Client)
	switch {
	case errors.Is(err, kube.ErrNoWorkload):
		return t.lines.at("service.workload", fmt.Errorf("%w%s", err, t.others(ctx)))
	case apierrors.IsForbidden(err), apierrors.IsUnauthorized(err):
		return t.lines.at("service.workload", err)
	case err != nil:
		return t.lines.at("service.workload", fmt.Errorf("%w: %w", ErrUnavailable, err))
	}
	t.Service.held = state.Held
	var read []string
	if t.Service.Selector == nil {
		t.Service.Selector = state.Selector
		read = append(read, "selector "+metav1.FormatLabelSelector(state.Selector))
	}
	container, err := t.container(state)
	if err == nil && t.Service.Container == "" {
		t.Service.Container = container
		read = append(read, "container "+container)
	}
	if t.Service.Service == "" {
		name, errService := t.service(ctx, state)
		err = errors.Join(err, errService)
		t.Service.Service = name
		if name != "" {
			read = append(read, "Service "+name)
		} else {
			read = append(read, "no Service selects its pods, so that no endpoints are followed")
		}
	}
	if err != nil {
		return err
	}
	t.read = strings.Join(read, ", ")
	// The queries that the file leaves to their defaults name the container. They
	// are no other than those that the file's own were checked with.
	never := func(string, error) {}
	if t.Prometheus != nil {
		t.PodSignals = t.signals(never)
	}
	if t.Capacity.sources != nil {
		t.Capacity.sources = t.sources(never)
	}
	return nil
}

// others are the workloads of the namespace, as a choice.
func (t *Target) others(ctx context.Context) string {
	states, _ := kube.Workloads(ctx, t.Client, t.Service.Namespace) // those that may be seen
	var names []string
	for _, s := range states {
		names = append(names, s.Text())
	}
	if len(names) == 0 {
		return "; check the name and the namespace"
	}
	return "; workloads there: " + strings.Join(names, ", ")
}

// container is the one that serves: the one that the file names, or the only
// one.
func (t *Target) container(state kube.State) (string, error) {
	var names []string
	for _, c := range state.Template.Spec.Containers {
		names = append(names, c.Name)
	}
	name := t.Service.Container
	switch {
	case name != "" && !slices.Contains(names, name):
		return "", t.lines.at("service.container", fmt.Errorf("no container %q in %s; containers: %s", name, state.Workload, strings.Join(names, ", ")))
	case name == "" && len(names) != 1:
		return "", t.lines.at("service", fmt.Errorf("%s has %d containers: say in service.container which of them serves: %s", state.Workload, len(names), strings.Join(names, ", ")))
	case name == "":
		name = names[0]
	}
	return name, nil
}

// service is the name of the only Service that selects the workload's pods;
// empty: none does.
func (t *Target) service(ctx context.Context, state kube.State) (string, error) {
	var list corev1.ServiceList
	if err := t.Client.List(ctx, &list, client.InNamespace(state.Namespace)); err != nil {
		return "", t.lines.at("service", fmt.Errorf("list the Services of %s: %w; give the account the right to list services, or name the service's in service.service", state.Namespace, err))
	}
	var names []string
	for _, s := range list.Items {
		// Without a selector its endpoints are managed elsewhere.
		if s.Spec.Type != corev1.ServiceTypeExternalName && len(s.Spec.Selector) > 0 &&
			labels.SelectorFromSet(s.Spec.Selector).Matches(labels.Set(state.Template.Labels)) {
			names = append(names, s.Name)
		}
	}
	switch len(names) {
	case 0:
		return "", nil
	case 1:
		return names[0], nil
	}
	return "", t.lines.at("service", fmt.Errorf("%d Services select the pods of %s: say in service.service which one's endpoints are meant: %s", len(names), state.Workload, strings.Join(names, ", ")))
}

// owned refuses a selector that reaches beyond the workload, since the pods of
// another one would be hit in its name, and one that selects none of its pods.
func (t *Target) owned(ctx context.Context) (string, error) {
	state, err := t.Service.Read(ctx, t.Client)
	if err != nil {
		return "", err
	}
	selector, err := metav1.LabelSelectorAsSelector(t.Service.Selector)
	if err != nil {
		return "", fmt.Errorf("selector of %s: %w", state.Workload, err)
	}
	var matching corev1.PodList
	if err := t.Client.List(ctx, &matching, client.InNamespace(t.Service.Namespace), client.MatchingLabelsSelector{Selector: selector}); err != nil {
		return "", err
	}
	pods, err := state.Pods(ctx, t.Client)
	if err != nil {
		return "", err
	}
	own := map[types.UID]bool{}
	for _, pod := range pods {
		own[pod.UID] = true
	}
	for _, pod := range matching.Items {
		if !own[pod.UID] {
			return "", fmt.Errorf("refused: the selector %s matches pod %s, which %s does not control; narrow it with service.selector", selector, pod.Name, state.Workload)
		}
	}
	if len(matching.Items) == 0 {
		return "", fmt.Errorf("the selector %s matches none of the %d pods of %s, which have the labels %s", selector, len(pods), state.Workload, labels.Set(state.Template.Labels))
	}
	return fmt.Sprintf("%d of the %d pods of %s match the selector %s", len(matching.Items), len(pods), state.Workload, selector), nil
}
