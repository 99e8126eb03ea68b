package kube

import (
	"fmt"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// NewClient makes a client that knows the kinds of the scheme. It copies the
// configuration and removes two settings: the client's own rate limit, because a
// request that waits in the client is dated too late (the API server protects
// itself), and the timeout, because it would end every watch. Contexts bound the
// requests.
func NewClient(config *rest.Config, scheme *runtime.Scheme) (client.WithWatch, error) {
	config = rest.CopyConfig(config)
	config.QPS = -1
	config.Timeout = 0
	c, err := client.NewWithWatch(config, client.Options{Scheme: scheme})
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", config.Host, err)
	}
	return c, nil
}
