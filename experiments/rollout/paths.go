package rollout

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/steadystate/kube/argo"
)

// paths is a JSON patch (RFC 6902) from one state of a Rollout to another: of its labels
// and annotations, the images of its containers and the time of its restart, which is
// all that faults change. It applies to the version of the first state only.
type paths struct{ before *argo.Rollout }

var _ client.Patch = paths{}

// An operation is one of a JSON patch.
type operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value,omitempty"`
}

// Type is that of JSON patches.
func (paths) Type() types.PatchType { return types.JSONPatchType }

// Data is the patch to the object.
func (p paths) Data(object client.Object) ([]byte, error) {
	after, ok := object.(*argo.Rollout)
	if !ok {
		return nil, fmt.Errorf("patch a Rollout: got %T", object)
	}
	before := p.before
	// The API server refuses the result if its version is not the stored one.
	list := []operation{{"replace", "/metadata/resourceVersion", before.ResourceVersion}}
	list = append(list, entries("/metadata/labels", before.Labels, after.Labels)...)
	list = append(list, entries("/metadata/annotations", before.Annotations, after.Annotations)...)
	for i, c := range after.Spec.Template.Spec.Containers {
		if was := before.Spec.Template.Spec.Containers[i].Image; c.Image != was {
			list = append(list, operation{"add", fmt.Sprintf("/spec/template/spec/containers/%d/image", i), c.Image})
		}
	}
	switch at, was := after.Spec.RestartAt, before.Spec.RestartAt; {
	case at.Equal(was):
	case at == nil:
		list = append(list, operation{Op: "remove", Path: "/spec/restartAt"})
	default:
		list = append(list, operation{"add", "/spec/restartAt", at})
	}
	return json.Marshal(list)
}

// entries are the operations that change a map of strings.
func entries(path string, before, after map[string]string) (list []operation) {
	if len(before) == 0 && len(after) > 0 {
		return []operation{{"add", path, after}}
	}
	escape := strings.NewReplacer("~", "~0", "/", "~1")
	for _, key := range slices.Sorted(maps.Keys(before)) {
		if _, stays := after[key]; !stays {
			list = append(list, operation{Op: "remove", Path: path + "/" + escape.Replace(key)})
		}
	}
	for _, key := range slices.Sorted(maps.Keys(after)) {
		if was, there := before[key]; !there || was != after[key] {
			list = append(list, operation{"add", path + "/" + escape.Replace(key), after[key]})
		}
	}
	return list
}
