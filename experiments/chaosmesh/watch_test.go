package chaosmesh_test

import (
	"context"

	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// endedWatch is a watch that ends at once, as one does behind a proxy that
// cuts connections.
func endedWatch(context.Context, client.WithWatch, client.ObjectList, ...client.ListOption) (watch.Interface, error) {
	w := watch.NewFake()
	w.Stop()
	return w, nil
}
