package readiness

import (
	"context"
	"errors"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aftershockhq/aftershock/lab/internal/cluster"
	"github.com/aftershockhq/aftershock/lab/shop"
)

// Ledger asks whether each pod of the ledger is ready and takes traffic from the ledger's client.
func Ledger(ctx context.Context, c *cluster.Client) error {
	s, err := c.Kube.AppsV1().StatefulSets(shop.Namespace).Get(ctx, shop.Ledger, metav1.GetOptions{})
	if err != nil {
		return err
	}
	if err := updated(s); err != nil {
		return fmt.Errorf("%s: %w", shop.Ledger, err)
	}
	if err := rolledOut(ctx, c, shop.LedgerClient); err != nil {
		return fmt.Errorf("%s: %w", shop.LedgerClient, err)
	}
	got, err := count(ctx, fmt.Sprintf(`sum by (pod) (rate(ops_total{job=%q,result="ok"}[5s])) > 0`, shop.Ledger))
	if err == nil && got != int(*s.Spec.Replicas) {
		err = fmt.Errorf("%d of %d pods of %s take traffic", got, *s.Spec.Replicas, shop.Ledger)
	}
	return err
}

// updated says why a StatefulSet is not yet what it should be.
func updated(set *appsv1.StatefulSet) error {
	s, want := set.Status, *set.Spec.Replicas
	if s.ObservedGeneration < set.Generation {
		return errors.New("the change has not been taken up")
	}
	// A set has the new revision as its current one only when every pod has.
	if s.Replicas != want || s.ReadyReplicas != want || s.CurrentRevision != s.UpdateRevision {
		return fmt.Errorf("of %d pods wanted, %d are there, %d new, %d ready", want, s.Replicas, s.UpdatedReplicas, s.ReadyReplicas)
	}
	return nil
}
