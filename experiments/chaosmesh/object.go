package chaosmesh

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"
	"github.com/docker/go-units"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/record"
)

// Object is any fault of Chaos Mesh that hits pods, or a Workflow or a Schedule
// of such faults, as for kubectl apply. Unknown fields and violations of Chaos
// Mesh's own rules are errors that name the place. All guards hold as for every
// other fault, and
//
//   - the name becomes the prefix of a unique one; labels and annotations stay,
//     the run's are added;
//   - the duration is the guard's lifetime: the experiment decides how long a
//     fault stays;
//   - pods are selected by labels, label expressions or names, in one
//     namespace, so that they can be counted and checked before; a mode that
//     lets Chaos Mesh hit fewer pods than requested is refused;
//   - a Workflow is one fault, with one T0 and one T1: T0 is when the first of
//     its faults is in place, T1 when the last is gone with all that it made.
//     A Workflow that is over before it is undone ended early. Faults that need
//     their own T0 and T1 are separate faults of the experiment;
//   - a Schedule becomes a Workflow with that one schedule in it, which ends
//     by itself; Inject waits for its first round.
//
// Faults that cannot be undone or proven are refused: a kind that hits anything
// but pods, which no guard covers; a Task of a Workflow, which runs any program;
// and a Schedule of Workflows, which nothing would end if this program died.
type Object struct {
	// YAML is the object as text, or Typed as a value of Chaos Mesh's API.
	YAML  string
	Typed client.Object
	// Follow hits pods that appear while the fault is held, too; see [Fault].
	Follow bool
	// Effects are what must be seen. Default: for what this package has a fault
	// of its own for, that fault's effects. For anything else, and for memory stress
	// with a percentage or without a size, there is none, and without them no verdict
	// can be held.
	Effects []record.Effect
}

// Validate names the fields that are wrong, those of the object among them.
func (o Object) Validate() error {
	p, err := o.read()
	if err != nil {
		return err
	}
	// As far as it can be said without the pods.
	object, err := p.object(placement{meta: faults.NewMeta(p.action, p.pods.Namespace, "run"), selector: selector(p.pods, 1), lifetime: time.Minute})
	if err == nil {
		err = complete(context.Background(), object)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", o.field(), err)
	}
	if err := cmp.Or(p.pods.Validate(), p.count.Validate()); err != nil {
		return faults.Refuse("%s: %w", o.field(), err)
	}
	errs := wrongEffects(o.Effects)
	if o.Follow && !held(object) {
		errs = append(errs, field.Forbidden(at("follow"), "only a fault that is held, and hits pods itself, can follow; remove follow"))
	}
	return wrong(errs)
}

// Duration is how long the object itself says that its fault stays, which does not
// count. Zero: it says nothing, or is a Workflow or a Schedule.
func (o Object) Duration() time.Duration {
	scheme, err := Scheme()
	if err != nil {
		return 0
	}
	object, err := o.object(scheme)
	if err != nil {
		return 0 // which Validate reports
	}
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
	if err != nil {
		return 0
	}
	text, _, _ := unstructured.NestedString(fields, "spec", "duration")
	d, _ := time.ParseDuration(text)
	return d
}

// Signals are those in which its effects are looked for.
func (o Object) Signals() (names []string) {
	p, err := o.read()
	if err != nil {
		return nil
	}
	effects := p.declared
	if len(effects) == 0 {
		effects, _, _ = p.effects(nil) // the signals are the same whatever the pods are
	}
	for _, e := range effects {
		if e.Signal != "" {
			names = append(names, e.Signal)
		}
	}
	return names
}

func (o Object) plan() plan {
	p, err := o.read()
	if err != nil {
		return plan{verb: "put an object of Chaos Mesh's on"}
	}
	return p
}

// field is the one that has the object.
func (o Object) field() *field.Path {
	if o.Typed != nil {
		return at("typed")
	}
	return at("yaml")
}

// read is the plan, so far as it can be read.
func (o Object) read() (plan, error) {
	if (o.YAML == "") == (o.Typed == nil) {
		return plan{}, wrong(field.ErrorList{field.Required(at("yaml"), "say the object either in yaml or in typed")})
	}
	p, err := o.planned()
	if err != nil {
		return plan{}, fmt.Errorf("%s: %w", o.field(), err)
	}
	p.follow, p.declared = o.Follow, o.Effects
	return p, nil
}

func (o Object) planned() (plan, error) {
	scheme, err := Scheme()
	if err != nil {
		return plan{}, err
	}
	object, err := o.object(scheme)
	if err != nil {
		return plan{}, faults.Refuse("%w", err)
	}
	gvk, err := apiutil.GVKForObject(object, scheme)
	if err != nil {
		return plan{}, faults.Refuse("%w", err)
	}
	object.GetObjectKind().SetGroupVersionKind(gvk)
	source := strings.TrimSpace(gvk.Kind + " " + object.GetName())
	p, err := planOf(source, object)
	if err != nil {
		return plan{}, fmt.Errorf("%s: %w", source, err)
	}
	return p, nil
}

// object is a copy of it, or read from its text.
func (o Object) object(scheme *runtime.Scheme) (client.Object, error) {
	if o.Typed == nil {
		return decode(scheme, o.YAML)
	}
	copied, ok := o.Typed.DeepCopyObject().(client.Object)
	if !ok {
		return nil, fmt.Errorf("%T is not a client.Object", o.Typed)
	}
	return copied, nil
}

// decode reads the one object in text, strictly.
func decode(scheme *runtime.Scheme, text string) (client.Object, error) {
	var documents [][]byte
	for reader := yaml.NewYAMLReader(bufio.NewReader(strings.NewReader(text))); ; {
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
		return nil, fmt.Errorf("%d documents; want one for each fault", len(documents))
	}
	object, _, err := serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer().Decode(documents[0], nil, nil)
	var of metav1.TypeMeta
	if runtime.IsNotRegisteredError(err) && yaml.Unmarshal(documents[0], &of) == nil && of.GroupVersionKind().Group != v1alpha1.SchemeGroupVersion.Group {
		return nil, fmt.Errorf("%s of %s: this kind is not a fault of Chaos Mesh; kinds: %s", of.Kind, of.APIVersion, kinds())
	}
	if runtime.IsNotRegisteredError(err) && of.Kind != "" {
		return nil, fmt.Errorf("no kind %q in %s; kinds: %s", of.Kind, of.APIVersion, kinds())
	}
	if strict, ok := runtime.AsStrictDecodingError(err); ok && object != nil {
		var errs []error
		for _, err := range strict.Errors() {
			errs = append(errs, withFields(err, reflect.TypeOf(object)))
		}
		return nil, runtime.NewStrictDecodingError(errs)
	}
	if err != nil {
		return nil, err
	}
	found, ok := object.(client.Object)
	if !ok {
		return nil, fmt.Errorf("%T is not a client.Object", object)
	}
	return found, nil
}

// withFields adds to an error about an unknown field which ones there are.
func withFields(err error, of reflect.Type) error {
	path, unknown := strings.CutPrefix(err.Error(), "unknown field ")
	path, quoted := strconv.Unquote(path)
	if !unknown || quoted != nil {
		return err
	}
	steps := strings.Split(path, ".")
	for _, step := range steps[:len(steps)-1] {
		name, _, _ := strings.Cut(step, "[")
		if of = jsonFields(of)[name]; of == nil {
			return err
		}
	}
	if fields := slices.Sorted(maps.Keys(jsonFields(of))); len(fields) > 0 {
		return fmt.Errorf("%w; fields: %s", err, strings.Join(fields, ", "))
	}
	return err
}

// jsonFields are the types of the fields of a struct, or of the items of a list of them,
// by their names in JSON.
func jsonFields(of reflect.Type) map[string]reflect.Type {
	for of.Kind() == reflect.Pointer || of.Kind() == reflect.Slice {
		of = of.Elem()
	}
	if of.Kind() != reflect.Struct {
		return nil
	}
	fields := map[string]reflect.Type{}
	for f := range of.Fields() {
		switch name, options, _ := strings.Cut(f.Tag.Get("json"), ","); {
		case strings.Contains(options, "inline"):
			maps.Copy(fields, jsonFields(f.Type))
		case name != "" && name != "-":
			fields[name] = f.Type
		}
	}
	return fields
}

// planOf is the plan of an object, which it completes.
func planOf(source string, object client.Object) (plan, error) {
	if object.GetNamespace() == "" {
		return plan{}, faults.Refuse("no namespace; say which one the pods are in")
	}
	switch object := object.(type) {
	case *v1alpha1.Workflow:
		return planOfWorkflow(source, "", object)
	case *v1alpha1.Schedule:
		w, err := scheduled(object)
		if err != nil {
			return plan{}, err
		}
		return planOfWorkflow(source, object.Spec.Schedule, w)
	case v1alpha1.InnerObject:
		own, peers, err := selections(object)
		if err != nil {
			return plan{}, err
		}
		p := like(object)
		p.does, p.ends = faultOf(object)
		p.action, p.verb, p.kind = nameOf(object), "put "+source+" on", object.GetObjectKind().GroupVersionKind().Kind
		p.pods, p.count, p.peers = own.Pods, own.count, peers
		p.object = func(s placement) (client.Object, error) { return written(object, s) }
		return p, nil
	}
	return plan{}, faults.Refuse("this kind is not a fault of Chaos Mesh; kinds: %s", kinds())
}

// kinds lists the kinds of objects that may be faults: those that select pods, and those
// that have such faults in them.
func kinds() string {
	list := []string{v1alpha1.KindSchedule, v1alpha1.KindWorkflow}
	for kind, of := range v1alpha1.AllKinds() {
		object, ok := of.SpawnObject().(v1alpha1.InnerObjectWithSelector)
		if !ok {
			continue
		}
		// What a PodChaos selects depends on its action.
		if selectors := object.GetSelectorSpecs(); len(selectors) == 0 || podSelector(selectors["."]) != nil {
			list = append(list, kind)
		}
	}
	slices.Sort(list)
	return strings.Join(list, ", ")
}

// nameOf is what objects that are made of this one are named after. The rest of
// the name, and what Chaos Mesh adds to it, must fit.
func nameOf(object client.Object) string {
	name := object.GetName()
	if name == "" {
		name = strings.ToLower(object.GetObjectKind().GroupVersionKind().Kind)
	}
	return strings.TrimRight(name[:min(len(name), 30)], ".-")
}

// written is the object at a placement.
func written(spec v1alpha1.InnerObject, s placement) (client.Object, error) {
	kind := spec.GetObjectKind().GroupVersionKind().Kind
	copied, _ := spec.DeepCopyObject().(v1alpha1.InnerObjectWithSelector)
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
		return nil, fmt.Errorf("convert %s: %w", kind, err)
	}
	delete(fields, "status")
	if err := unstructured.SetNestedField(fields, *s.duration(), "spec", "duration"); err != nil {
		return nil, fmt.Errorf("convert %s: %w", kind, err)
	}
	object := v1alpha1.AllKinds()[kind].SpawnObject()
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(fields, object); err != nil {
		return nil, fmt.Errorf("convert %s: %w", kind, err)
	}
	m := with(s.meta, metav1.ObjectMeta{Labels: spec.GetLabels(), Annotations: spec.GetAnnotations()})
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

// faultOf is what [record.Injection] says of the fault of an object: its kind, and the other
// ends of it.
func faultOf(object v1alpha1.InnerObject) (kind string, ends []string) {
	switch object := object.(type) {
	case *v1alpha1.PodChaos:
		return map[v1alpha1.PodChaosAction]string{
			v1alpha1.PodKillAction:       record.KindPodKill,
			v1alpha1.PodFailureAction:    record.KindPodFailure,
			v1alpha1.ContainerKillAction: record.KindContainerKill,
		}[object.Spec.Action], nil
	case *v1alpha1.NetworkChaos:
		if to := object.Spec.Target; to != nil {
			if p, err := selection(object.Namespace, to); err == nil {
				ends = append(ends, p.String())
			}
		}
		return networkKinds[object.Spec.Action], append(ends, object.Spec.ExternalTargets...)
	case *v1alpha1.StressChaos:
		switch s := object.Spec.Stressors; {
		case s == nil || s.CPUStressor != nil && s.MemoryStressor != nil:
		case s.CPUStressor != nil:
			kind = record.KindStressCPU
		case s.MemoryStressor != nil:
			kind = record.KindStressMemory
		}
	}
	return kind, nil
}

// like is the plan of the fault of this package that shows itself as the object
// does, as far as there is one.
func like(object v1alpha1.InnerObject) plan {
	switch object := object.(type) {
	case *v1alpha1.PodChaos:
		switch object.Spec.Action {
		case v1alpha1.PodKillAction:
			return PodKill{}.plan()
		case v1alpha1.PodFailureAction:
			return PodFailure{}.plan()
		case v1alpha1.ContainerKillAction:
			return ContainerKill{Containers: object.Spec.ContainerNames}.plan()
		}
	case *v1alpha1.NetworkChaos:
		if delay := object.Spec.Delay; object.Spec.Action == v1alpha1.DelayAction && delay != nil {
			if latency, err := time.ParseDuration(delay.Latency); err == nil {
				return NetworkDelay{Latency: latency}.plan()
			}
		}
		if object.Spec.Action == v1alpha1.PartitionAction {
			return NetworkPartition{}.plan()
		}
	case *v1alpha1.StressChaos:
		switch s := object.Spec.Stressors; {
		case s == nil || s.CPUStressor != nil && s.MemoryStressor != nil:
		case s.CPUStressor != nil:
			stress := StressCPU{Containers: object.Spec.ContainerNames, Workers: s.CPUStressor.Workers}
			if s.CPUStressor.Load != nil {
				stress.Load = Share(*s.CPUStressor.Load) * Percent
			}
			return stress.plan()
		case s.MemoryStressor != nil:
			// In millions, as Chaos Mesh reads it. More workers have it together,
			// or each, which is no less. Of what a share would be is not known here.
			if size, err := units.FromHumanSize(s.MemoryStressor.Size); err == nil && size >= leastMemory {
				return StressMemory{Containers: object.Spec.ContainerNames, Size: *resource.NewQuantity(size, resource.DecimalSI)}.plan()
			}
		}
	}
	return plan{effects: undeclared("such a fault")}
}
