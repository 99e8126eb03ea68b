package rollout

import (
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/aftershockhq/aftershock/steadystate/kube"
)

// Annotation of a workload says that a run has set a bad image, and what the
// previous one was, as JSON: {"run", "container", "image", "bad"}. The
// workload's controller copies it to the bad revision in the history.
const Annotation = "aftershock.dev/bad-image"

// A note is the annotation's content.
type note struct {
	Run       string `json:"run"`
	Container string `json:"container"`
	Image     string `json:"image"` // the previous one
	Bad       string `json:"bad"`
}

func (n note) String() string {
	text, _ := json.Marshal(n) // strings always marshal
	return string(text)
}

// noteOf returns the note on a workload or a revision of it; nil: there is
// none.
func noteOf(annotations map[string]string) (*note, error) {
	text, there := annotations[Annotation]
	if !there {
		return nil, nil
	}
	var n note
	if err := json.Unmarshal([]byte(text), &n); err != nil || n.Container == "" || n.Image == "" || n.Bad == "" {
		return nil, fmt.Errorf("annotation %s is %q, which does not name the previous image: correct the image by hand, and remove the annotation", Annotation, text)
	}
	return &n, nil
}

// put sets the bad image, together with the information to undo it.
func (n note) put(s kube.State) {
	annotate(s.Object, Annotation, n.String())
	container(&s.Template.Spec, n.Container).Image = n.Bad
}

// bears reports whether a pod made by this spec has the bad image.
func (n note) bears(spec *corev1.PodSpec) bool {
	c := container(spec, n.Container)
	return c != nil && c.Image == n.Bad
}

// container returns the container with that name; nil: there is none.
func container(spec *corev1.PodSpec, name string) *corev1.Container {
	for i := range spec.Containers {
		if spec.Containers[i].Name == name {
			return &spec.Containers[i]
		}
	}
	return nil
}
