package chaosmesh

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"strings"
	"time"

	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/record"
)

// FromYAML is any fault of Chaos Mesh's that hits pods, a Schedule or a
// Workflow of such, as one would apply it with kubectl. Unknown fields and
// whatever Chaos Mesh's own rules refuse are errors that say where. All guards
// hold as for every other fault, and
//
//   - the name becomes the beginning of a unique one; labels and annotations
//     stay, the run's are added;
//   - the duration is the guard's lifetime: how long a fault stays is the
//     experiment's affair;
//   - pods are selected by labels, label expressions or names, in one
//     namespace, so that they can be counted and checked before; a mode that
//     lets Chaos Mesh hit fewer than asked for is refused;
//   - a Schedule becomes a Workflow with that one schedule in it, which ends
//     by itself; Inject waits for its first round.
//
// For kinds of which nothing better is known, effects are said with
// [Fault.SeenAs].
func (c *Cluster) FromYAML(text []byte) (*Fault, error) {
	object, err := decode(c.Client.Scheme(), text)
	if err != nil {
		return nil, fmt.Errorf("read fault: %w", err)
	}
	source := strings.TrimSpace(object.GetObjectKind().GroupVersionKind().Kind + " " + object.GetName())
	f, err := c.fromObject(source, object)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", source, err)
	}
	return f, nil
}

// decode reads the one object in text, strictly.
func decode(scheme *runtime.Scheme, text []byte) (client.Object, error) {
	var documents [][]byte
	for reader := yaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text))); ; {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if len(bytes.TrimSpace(document)) > 0 {
			documents = append(documents, document)
		}
	}
	if len(documents) != 1 {
		return nil, fmt.Errorf("%d documents; each fault is one", len(documents))
	}
	object, _, err := serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer().Decode(documents[0], nil, nil)
	if err != nil {
		return nil, err
	}
	found, ok := object.(client.Object)
	if !ok {
		return nil, fmt.Errorf("%T is no object of a cluster", object)
	}
	return found, nil
}

func (c *Cluster) fromObject(source string, object client.Object) (*Fault, error) {
	if object.GetNamespace() == "" {
		return nil, faults.Refuse("no namespace; say which one the pods are in")
	}
	switch object := object.(type) {
	case *v1alpha1.Workflow:
		return c.workflowOf(source, "", object)
	case *v1alpha1.Schedule:
		w, err := scheduled(object)
		if err != nil {
			return nil, err
		}
		return c.workflowOf(source, object.Spec.Schedule, w)
	case v1alpha1.InnerObject:
		own, peers, err := selections(object)
		if err != nil {
			return nil, err
		}
		return c.fault(&written{visibility: c.like(object, own.Pods), source: source, spec: object, with: peers}, own.Pods, own.count), nil
	}
	return nil, faults.Refuse("this kind is no fault of Chaos Mesh's")
}

// written is the kind of a fault that was written as an object. In what can be
// seen of it it is like a kind that is known.
type written struct {
	visibility
	source string
	spec   v1alpha1.InnerObject
	with   []peer
}

func (k *written) action() string {
	name := k.spec.GetName()
	if name == "" {
		name = strings.ToLower(k.spec.GetObjectKind().GroupVersionKind().Kind)
	}
	// The rest of the name, and what Chaos Mesh adds to it, must fit.
	return strings.TrimRight(name[:min(len(name), 30)], ".-")
}

func (k *written) verb() string { return "put " + k.source + " on" }

func (k *written) empty() client.Object {
	kind := v1alpha1.AllKinds()[k.spec.GetObjectKind().GroupVersionKind().Kind]
	return kind.SpawnObject()
}

func (k *written) peers() []peer { return k.with }

func (k *written) object(s site) (client.Object, error) {
	copied, _ := k.spec.DeepCopyObject().(v1alpha1.InnerObjectWithSelector)
	for key, value := range copied.GetSelectorSpecs() {
		selector := podSelector(value)
		switch {
		case key == targetKey || selector == nil:
		case len(s.selector.Selector.Pods) > 0:
			*selector = s.selector
		default:
			selector.Mode, selector.Value = s.selector.Mode, s.selector.Value
		}
	}
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(copied)
	if err != nil {
		return nil, fmt.Errorf("convert %s: %w", k.source, err)
	}
	delete(fields, "status")
	if err := unstructured.SetNestedField(fields, *s.duration(), "spec", "duration"); err != nil {
		return nil, fmt.Errorf("convert %s: %w", k.source, err)
	}
	object := k.empty()
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(fields, object); err != nil {
		return nil, fmt.Errorf("convert %s: %w", k.source, err)
	}
	m := with(s.meta, metav1.ObjectMeta{Labels: k.spec.GetLabels(), Annotations: k.spec.GetAnnotations()})
	object.SetName("")
	object.SetGenerateName(m.GenerateName)
	object.SetNamespace(m.Namespace)
	object.SetLabels(m.Labels)
	object.SetAnnotations(m.Annotations)
	object.SetOwnerReferences(nil)
	object.SetFinalizers(nil)
	object.SetResourceVersion("")
	object.SetUID("")
	return object, nil
}

// with is our metadata with the labels and annotations of the user's.
func with(ours, theirs metav1.ObjectMeta) metav1.ObjectMeta {
	labels := maps.Clone(theirs.Labels)
	if labels == nil {
		labels = map[string]string{}
	}
	maps.Copy(labels, ours.Labels)
	ours.Labels, ours.Annotations = labels, maps.Clone(theirs.Annotations)
	return ours
}

// like is the kind of fault that an object is, as far as there is one.
func (c *Cluster) like(obj v1alpha1.InnerObject, pods faults.Pods) visibility {
	switch obj := obj.(type) {
	case *v1alpha1.PodChaos:
		switch obj.Spec.Action {
		case v1alpha1.PodKillAction:
			return podKill{}
		case v1alpha1.PodFailureAction:
			return podFailure{}
		case v1alpha1.ContainerKillAction:
			return containerKill{containers: obj.Spec.ContainerNames}
		}
	case *v1alpha1.NetworkChaos:
		if delay := obj.Spec.Delay; obj.Spec.Action == v1alpha1.DelayAction && delay != nil {
			if latency, err := time.ParseDuration(delay.Latency); err == nil {
				return c.NetworkDelay(pods, latency).kind
			}
		}
		if obj.Spec.Action == v1alpha1.PartitionAction {
			return c.NetworkPartition(pods).kind
		}
	case *v1alpha1.StressChaos:
		if s := obj.Spec.Stressors; s != nil && s.CPUStressor != nil && s.MemoryStressor == nil {
			stress := c.CPUStress(pods, s.CPUStressor.Workers).Containers(obj.Spec.ContainerNames...)
			if s.CPUStressor.Load != nil {
				stress = stress.Load(*s.CPUStressor.Load)
			}
			return stress.kind
		}
	}
	return unknown{}
}

// unknown is a kind of which nothing is known beyond Chaos Mesh's records.
type unknown struct{ plain }

func (unknown) effects(signal string, _ []corev1.Pod) ([]record.Effect, string, error) {
	return shapeless("such a fault", signal)
}
