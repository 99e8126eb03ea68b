package workers

import (
	"context"
	"errors"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

// ErrFromHere is wrapped by the error of a preflight in which only the requests failed:
// workers may know names, and reach addresses, that this machine does not.
var ErrFromHere = errors.New("tried from this machine, which may differ from the workers")

// Preflight is [Job.DryRun], and then [load.HTTP.Preflight] from this machine.
func (j Job) Preflight(ctx context.Context, ours func(backend string) bool) (string, error) {
	found, err := j.DryRun(ctx)
	if err != nil {
		return "", err
	}
	if _, err := j.Load.Preflight(ctx, ours); err != nil {
		return "", fmt.Errorf("%s; %w: %w", found, ErrFromHere, err)
	}
	return found + "; it answers this machine", nil
}

// DryRun checks that the cluster would accept the Job. It changes nothing: the
// Job is created in a dry run, which the cluster's own admission judges.
func (j Job) DryRun(ctx context.Context) (string, error) {
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
