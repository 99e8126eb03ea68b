package suites

import (
	"context"
	"fmt"
	"os"
	"os/user"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate/kube"
)

// origin is what an audit asks of a record: who ran it, from where, by which file
// and by which program.
func (s *Session) origin(ctx context.Context) map[string]string {
	who, err := kube.Account(ctx, s.Client)
	if err != nil {
		who = fmt.Sprintf("unknown: %v", err) // an old cluster; no reason not to run
	}
	return map[string]string{
		"who":                who,
		"from":               Machine(),
		"file.sha256":        s.Plan.SHA256,
		"version.aftershock": record.Tool(),
	}
}

// Machine returns the local user and host, as in "ann@laptop".
func Machine() string {
	name, host := "unknown", "unknown"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	if h, err := os.Hostname(); err == nil {
		host = h
	}
	return name + "@" + host
}

// images records, as a part of the environment, what the containers of a service
// run when an experiment begins: the digests by which the nodes have the images. A
// tag, and what an earlier experiment of the session saw, may have moved.
type images struct {
	client client.Reader
	of     *service
}

// Observe records them once. That they are unknown is a note: they are no part of
// what is judged.
func (i images) Observe(ctx context.Context, rec *record.Recorder) error {
	found, err := i.read(ctx)
	switch {
	case ctx.Err() != nil:
	case err != nil:
		rec.Note("the images of %s are unknown: %v", i.of.Workload, err)
	case len(found) > 0:
		rec.Record(record.Entry{Environment: found})
	}
	return nil
}

func (i images) read(ctx context.Context) (map[string]string, error) {
	selector, err := metav1.LabelSelectorAsSelector(i.of.selector)
	if err != nil {
		return nil, err
	}
	var pods corev1.PodList
	if err := i.client.List(ctx, &pods, client.InNamespace(i.of.Namespace), client.MatchingLabelsSelector{Selector: selector}); err != nil {
		return nil, kube.Explain(err, "the right to list pods")
	}
	ids := map[string][]string{} // by container
	for _, pod := range pods.Items {
		for _, c := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
			if c.ImageID != "" && !slices.Contains(ids[c.Name], c.ImageID) {
				ids[c.Name] = append(ids[c.Name], c.ImageID)
			}
		}
	}
	found := map[string]string{}
	for name, list := range ids {
		slices.Sort(list)
		found["image."+name] = strings.Join(list, ", ")
	}
	return found, nil
}
