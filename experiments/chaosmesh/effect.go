package chaosmesh

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/aftershockhq/aftershock/record"
)

// always returns the same effects whatever the pods are.
func always(list ...record.Effect) effects {
	return func([]corev1.Pod) ([]record.Effect, string, error) { return list, "", nil }
}

// undeclared is for faults whose effect only the user knows.
func undeclared(effect string) effects {
	text := fmt.Sprintf("where %s shows is not known: name a signal of the targets in the fault's effects, else no verdict can be held", effect)
	return func([]corev1.Pod) ([]record.Effect, string, error) { return nil, text, nil }
}
