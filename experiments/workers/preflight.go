package workers

import (
	"context"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Preflight checks that the cluster would accept the Job. It changes nothing: the
// Job is created in a dry run, which the cluster's own admission judges.
func (j Job) Preflight(ctx context.Context) (string, error) {
	j = j.withDefaults()
	if err := j.Validate(); err != nil {
		return "", err
	}
	job := j.object("preflight", defaultLifetime)
	if err := j.Client.Create(ctx, job, client.DryRunAll); err != nil {
		return "", fmt.Errorf("create Job/%s: %w", j.Namespace, explain(err))
	}
	return fmt.Sprintf("%d workers of image %s would share the load in namespace %s, each with %s of a processor and %s", j.Count, j.Image, j.Namespace, j.CPU.String(), j.Memory.String()), nil
}
