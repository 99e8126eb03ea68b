package chaosmesh

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/steadystate/kube"
)

// ErrRefused is wrapped by every error that says that a guard refused a fault.
// Nothing was created then.
var ErrRefused = errors.New("refused")

// A Guard says what faults may touch. The zero value allows nothing.
type Guard struct {
	// Cluster is the UID of the namespace kube-system of the cluster that is
	// meant (see kube.Identity). A fault is refused in any other one, whatever
	// the kubeconfig calls it.
	Cluster string
	// Namespaces that faults may touch, by their full names: there are no
	// wildcards.
	Namespaces []string
	// Protected pods are never hit: a selection that matches a pod with all
	// the labels of one of these is refused as a whole, because Chaos Mesh
	// chooses among what matches by chance.
	Protected []map[string]string
	// Lifetime is how long after its creation the cluster itself ends a fault
	// that was not removed. It must be longer than any hold. Default: until
	// the deadline of the context that the fault is injected with, which is
	// the run's, and a minute; without a deadline ten minutes.
	Lifetime time.Duration
}

// The lifetime of objects where the guard sets none.
const (
	lifetimeBeyond  = time.Minute
	lifetimeDefault = 10 * time.Minute
)

// Validate says what is wrong with the guard.
func (g Guard) Validate() error {
	if g.Cluster == "" {
		return fmt.Errorf("guard: %w: no cluster; say which one is meant by the UID of its namespace kube-system", ErrRefused)
	}
	if len(g.Namespaces) == 0 {
		return fmt.Errorf("guard: %w: no namespace is allowed; list those that faults may touch", ErrRefused)
	}
	var errs []error
	for _, namespace := range g.Namespaces {
		if wrong := validation.IsDNS1123Label(namespace); len(wrong) > 0 {
			errs = append(errs, fmt.Errorf("guard: %w: %q is no namespace, and there are no wildcards: list each one by its name", ErrRefused, namespace))
		}
	}
	for _, set := range g.Protected {
		if len(set) == 0 {
			errs = append(errs, fmt.Errorf("guard: %w: a protected set without labels would protect every pod; name the labels", ErrRefused))
		}
	}
	if g.Lifetime < 0 {
		errs = append(errs, fmt.Errorf("guard: %w: lifetime %s is below zero", ErrRefused, g.Lifetime))
	}
	return errors.Join(errs...)
}

// identify refuses another cluster than the one that is meant.
func (g Guard) identify(ctx context.Context, c client.Reader) error {
	uid, err := kube.Identity(ctx, c)
	if err != nil {
		return explain(err, "Namespace")
	}
	if uid != g.Cluster {
		return fmt.Errorf("%w: this is another cluster: the one that is meant has uid %s, and this one %s", ErrRefused, g.Cluster, uid)
	}
	return nil
}

// allow says whether the pods may be selected from at all.
func (g Guard) allow(pods Pods) error {
	switch {
	case pods.Namespace == "":
		return fmt.Errorf("%w: no namespace; say which one the pods are in", ErrRefused)
	case !slices.Contains(g.Namespaces, pods.Namespace):
		return fmt.Errorf("%w: namespace %q is not among those that faults may touch: %s", ErrRefused, pods.Namespace, strings.Join(g.Namespaces, ", "))
	case pods.empty() && len(pods.further) > 0:
		return fmt.Errorf("%w: selector %q would select every pod of namespace %q that has no labels, also of other services; say which labels the pods have", ErrRefused, pods.labels(), pods.Namespace)
	case pods.empty():
		return fmt.Errorf("%w: an empty selector would select every pod of namespace %q; say which labels the pods have", ErrRefused, pods.Namespace)
	}
	if _, err := labels.ValidatedSelectorFromSet(pods.Selector); err != nil {
		return fmt.Errorf("%w: selector: %w", ErrRefused, err)
	}
	return nil
}

// protect says whether any of the matching pods is protected.
func (g Guard) protect(pods []corev1.Pod) error {
	for _, pod := range pods {
		for _, set := range g.Protected {
			if labels.SelectorFromSet(set).Matches(labels.Set(pod.Labels)) {
				return fmt.Errorf("%w: pod %s matches the selector and is protected (%s); narrow the selector", ErrRefused, pod.Name, labels.FormatLabels(set))
			}
		}
	}
	return nil
}

// lifetime is the duration of an object that is created now.
func (g Guard) lifetime(ctx context.Context) time.Duration {
	if g.Lifetime > 0 {
		return g.Lifetime
	}
	if deadline, ok := ctx.Deadline(); ok {
		return max(0, time.Until(deadline)) + lifetimeBeyond
	}
	return lifetimeDefault
}
