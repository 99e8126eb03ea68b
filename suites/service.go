package suites

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/config"
	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/steadystate/kube"
)

// A service is one of the plan, with what the cluster says of it.
type service struct {
	*config.Target
	selector  *metav1.LabelSelector
	container string // that serves
	front     string // the Service in front of the pods; empty: there is none
	held      string // why a new template does not reach every pod; see [kube.State]
	lingers   string // why the pods of an update that is taken back stay for a while; see [kube.State]
	found     string // what was read in place of the file
}

// pods are those of the service.
func (s *service) pods() faults.Pods { return faults.PodsOf(s.Namespace, s.selector) }

// subject is what queries about the service are about.
func (s *service) subject() config.Subject { return s.Subject(s.container) }

// at names the service's place and its field in front of an error.
func (s *service) at(field string, err error) error {
	return s.At(field).Error(fmt.Errorf("services[%s].%s: %w", s.Name, field, err))
}

// unable says why the cluster's workload cannot have the experiment; empty: it can.
func (s *service) unable(p config.Planned) string {
	for _, f := range p.Faults {
		switch t := f.Traits(); {
		case t.Rolls && s.held != "":
			return fmt.Sprintf("no rollout of %s reaches every pod: %s", s.Workload, s.held)
		case t.Stays && s.lingers != "":
			return fmt.Sprintf("a bad image of %s would not be undone in time: %s", s.Workload, s.lingers)
		}
	}
	return ""
}

// read reads from the cluster what the file does not say of a service: the labels
// of its pods, the container that serves, and the Service in front of them.
func (s *Session) read(ctx context.Context, t *config.Target) (*service, error) {
	read := &service{Target: t, container: t.Container, front: t.Service.Service}
	state, err := t.Workload.Read(ctx, s.Client)
	switch {
	case errors.Is(err, kube.ErrNoWorkload):
		return nil, read.at("workload", fmt.Errorf("%w%s", err, s.others(ctx, t.Namespace)))
	case err != nil:
		return nil, read.at("workload", later(err))
	}
	read.held, read.lingers = state.Held, state.Lingers
	var found []string
	if t.Selector != nil {
		read.selector = &metav1.LabelSelector{MatchLabels: t.Selector}
	} else {
		read.selector = state.Selector
		found = append(found, "selector "+metav1.FormatLabelSelector(state.Selector))
	}
	errContainer := read.chooseContainer(state)
	if errContainer == nil && t.Container == "" {
		found = append(found, "container "+read.container)
	}
	var errFront error
	if t.Service.Service == "" {
		errFront = s.chooseFront(ctx, read, state)
		if read.front != "" {
			found = append(found, "Service "+read.front)
		} else {
			found = append(found, "no Service selects its pods, so no endpoints are followed")
		}
	}
	read.found = strings.Join(found, ", ")
	return read, errors.Join(errContainer, errFront)
}

// others are the workloads of a namespace, as a choice.
func (s *Session) others(ctx context.Context, namespace string) string {
	states, _ := kube.Workloads(ctx, s.Client, namespace) // those that may be seen
	var names []string
	for _, state := range states {
		names = append(names, state.Text())
	}
	if len(names) == 0 {
		return "; check the name and the namespace"
	}
	return "; workloads there: " + strings.Join(names, ", ")
}

// chooseContainer sets the container that serves: the one that the file names, or
// the only one.
func (s *service) chooseContainer(state kube.State) error {
	var names []string
	for _, c := range state.Template.Spec.Containers {
		names = append(names, c.Name)
	}
	switch {
	case s.container != "" && !slices.Contains(names, s.container):
		return s.at("container", fmt.Errorf("no container %q in %s; containers: %s", s.container, state.Workload, strings.Join(names, ", ")))
	case s.container == "" && len(names) != 1:
		return s.at("container", fmt.Errorf("%s has %d containers: say which one serves: %s", state.Workload, len(names), strings.Join(names, ", ")))
	case s.container == "":
		s.container = names[0]
	}
	return nil
}

// chooseFront sets the Service that selects the workload's pods: the only one, or
// the one that has the workload's name.
func (s *Session) chooseFront(ctx context.Context, read *service, state kube.State) error {
	var list corev1.ServiceList
	if err := s.Client.List(ctx, &list, client.InNamespace(state.Namespace)); err != nil {
		return read.at("service", fmt.Errorf("list the Services of %s: %w; give the account the right to list services, or name the Service", state.Namespace, err))
	}
	fronts := state.Fronts(list.Items)
	switch {
	case len(fronts) == 1, len(fronts) > 1 && fronts[0].Name == state.Name:
		read.front = fronts[0].Name
	case len(fronts) > 1:
		var names []string
		for _, front := range fronts {
			names = append(names, front.Name)
		}
		return read.at("service", fmt.Errorf("%d Services select the pods of %s: name the one whose endpoints count: %s", len(names), state.Workload, strings.Join(names, ", ")))
	}
	return nil
}

// owned refuses a selector that reaches beyond the workload, since the pods of
// another one would be hit in its name, and one that selects none of its pods.
func (s *Session) owned(ctx context.Context, of *service) (found string, matching []corev1.Pod, err error) {
	state, err := of.Workload.Read(ctx, s.Client)
	switch {
	case errors.Is(err, kube.ErrNoWorkload):
		return "", nil, err
	case err != nil:
		return "", nil, later(err)
	}
	selector, err := metav1.LabelSelectorAsSelector(of.selector)
	if err != nil {
		return "", nil, fmt.Errorf("selector of %s: %w", state.Workload, err)
	}
	var list corev1.PodList
	if err := s.Client.List(ctx, &list, client.InNamespace(of.Namespace), client.MatchingLabelsSelector{Selector: selector}); err != nil {
		return "", nil, later(kube.Explain(err, "the right to list pods"))
	}
	pods, err := state.Pods(ctx, s.Client)
	if err != nil {
		return "", nil, later(err)
	}
	own := map[types.UID]bool{}
	for _, pod := range pods {
		own[pod.UID] = true
	}
	for _, pod := range list.Items {
		if !own[pod.UID] {
			return "", nil, fmt.Errorf("refused: the selector %s matches pod %s, which %s does not control; narrow it", selector, pod.Name, state.Workload)
		}
	}
	if len(list.Items) == 0 {
		return "", nil, fmt.Errorf("the selector %s matches none of the %d pods of %s, which have the labels %s", selector, len(pods), state.Workload, labels.Set(state.Template.Labels))
	}
	return fmt.Sprintf("%d of the %d pods of %s match the selector %s", len(list.Items), len(pods), state.Workload, selector), list.Items, nil
}
