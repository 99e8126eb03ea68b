package trial

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/steadystate/kube"
)

// Poll looks again and again, with a pause in between, until a look has no error. Once
// there is no more time it returns that of the last look that had its time.
func Poll(ctx context.Context, pause, patience time.Duration, look func(context.Context) error) (err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		now := look(ctx)
		if now == nil {
			return nil
		}
		if err == nil || ctx.Err() == nil {
			err = now
		}
		if experiments.Wait(ctx, pause) != nil {
			return err
		}
	}
}

// AtRest looks whether a workload is at rest.
func AtRest(c client.Reader, workload kube.Workload) func(context.Context) error {
	return func(ctx context.Context) error {
		state, err := workload.Read(ctx, c)
		if err != nil {
			return err
		}
		if why := state.Unsettled(); why != "" {
			return errors.New(why)
		}
		return nil
	}
}

// Vacate removes a namespace with all that is in it, and waits until it is gone.
func Vacate(ctx context.Context, c client.Client, namespace string) error {
	err := Poll(ctx, 500*time.Millisecond, 2*time.Minute, func(ctx context.Context) error {
		err := c.Delete(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}})
		if err == nil {
			return errors.New("it is still there")
		}
		return client.IgnoreNotFound(err)
	})
	if err != nil {
		return fmt.Errorf("the namespace %s does not go: %w", namespace, err)
	}
	return nil
}
