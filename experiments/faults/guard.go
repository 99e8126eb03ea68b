package faults

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

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/steadystate/kube"
)

// A Guard says what faults may touch. The zero value allows nothing.
type Guard struct {
	// Cluster is the UID of the namespace kube-system of the intended cluster
	// (see kube.Identity). Faults in any other cluster are refused, whatever the
	// kubeconfig calls it.
	Cluster string
	// Namespaces lists the full names of the namespaces that faults may touch. There are
	// no wildcards.
	Namespaces []string
	// Protected lists sets of labels. A selection that matches a pod with all labels of a
	// set is refused as a whole, because the pods to hit are chosen at random.
	Protected []map[string]string
	// Lifetime is the time from its creation after which the cluster itself ends a fault
	// that was not removed. It must be longer than any hold. Default: until
	// [experiments.Grace] after the deadline of the injection's context, which is the
	// fault's planned end; without a deadline, ten minutes.
	Lifetime time.Duration
}

// lifetimeDefault is the lifetime of a fault without a guard's lifetime and
// without a deadline.
const lifetimeDefault = 10 * time.Minute

// Preparing is the part of an InjectTimeout for the requests that precede the first
// change.
const Preparing = 5 * time.Second

// Validate reports mistakes in the guard.
func (g Guard) Validate() error {
	if g.Cluster == "" {
		return fmt.Errorf("guard: %w: no cluster; identify it by the UID of its namespace kube-system", ErrRefused)
	}
	if len(g.Namespaces) == 0 {
		return fmt.Errorf("guard: %w: no namespace is allowed; list those that faults may touch", ErrRefused)
	}
	var errs []error
	for _, namespace := range g.Namespaces {
		if wrong := validation.IsDNS1123Label(namespace); len(wrong) > 0 {
			errs = append(errs, fmt.Errorf("guard: %w: %q is not a namespace; there are no wildcards, list each namespace by its name", ErrRefused, namespace))
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

// identify refuses any cluster but the intended one.
func (g Guard) identify(ctx context.Context, c client.Reader) error {
	uid, err := kube.Identity(ctx, c)
	if err != nil {
		return kube.Explain(err, "this right")
	}
	if uid != g.Cluster {
		return Refuse("this is another cluster: the one that is meant has uid %s, and this one %s", g.Cluster, uid)
	}
	return nil
}

// Allow refuses a selection of pods that the guard does not cover.
func (g Guard) Allow(pods Pods) error {
	if err := pods.Validate(); err != nil {
		return Refuse("%w", err)
	}
	if !slices.Contains(g.Namespaces, pods.Namespace) {
		return Refuse("namespace %q is not among those that faults may touch: %s", pods.Namespace, strings.Join(g.Namespaces, ", "))
	}
	return nil
}

// Protect refuses matching pods if any of them is protected.
func (g Guard) Protect(pods []corev1.Pod) error {
	for _, pod := range pods {
		for _, set := range g.Protected {
			if labels.SelectorFromSet(set).Matches(labels.Set(pod.Labels)) {
				return Refuse("pod %s matches the selector and is protected (%s); narrow the selector", pod.Name, labels.FormatLabels(set))
			}
		}
	}
	return nil
}

// Expiry returns the lifetime of a fault that is created now.
func (g Guard) Expiry(ctx context.Context) time.Duration {
	return Lifetime(ctx, g.Lifetime, lifetimeDefault)
}

// Lifetime returns how long an object that a run creates now may stay in the cluster
// unattended: set, if that is not zero; else until [experiments.Grace] after the deadline
// of ctx; without a deadline, otherwise.
func Lifetime(ctx context.Context, set, otherwise time.Duration) time.Duration {
	if set > 0 {
		return set
	}
	if deadline, ok := ctx.Deadline(); ok {
		return max(0, time.Until(deadline)) + experiments.Grace
	}
	return otherwise
}
