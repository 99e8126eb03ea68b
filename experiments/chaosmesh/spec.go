package chaosmesh

import (
	"time"

	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/record"
)

// A Spec describes a fault of Chaos Mesh as data. The structs of this package are specs:
// [PodKill], [NetworkDelay] and so on, each for one fault, and [Object] for every other
// fault of Chaos Mesh. [Cluster.Fault] makes a fault of it.
//
// The fields Pods, Count, To, Containers, Signal and Effects have the same name and type in
// each struct that has them: package config finds them by name.
type Spec interface {
	// Validate names the invalid fields and their valid values, without a cluster. Its
	// error wraps [faults.ErrRefused].
	Validate() error
	// plan is the plan of a valid Spec.
	plan() plan
}

// A plan is the difference between faults. The rest, an object's whole life
// cycle, is common to all and in [Fault].
type plan struct {
	// does is the fault's [record.Injection.Kind]; ends are its Peers.
	does string
	ends []string
	// action is Chaos Mesh's name of the fault; objects are named after it.
	action string
	// verb describes the fault's action on pods, for people.
	verb string
	// kind is the kind of its object.
	kind string

	pods   faults.Pods
	count  faults.Count
	follow bool
	// peers are further pods that the object names.
	peers []peer

	// object is the Chaos Mesh object, without defaults. The error says why it
	// makes no sense on these pods.
	object func(s placement) (client.Object, error)
	// delay is the time from the object's creation to its first action. Nil:
	// none.
	delay func(now time.Time) time.Duration

	// declared are the effects that the user declares; none: those of the fault.
	declared []record.Effect
	effects  effects
	sight    sight
}

// effects must be seen for a verdict to be believed. Without effects unprovable
// says why and what to do.
type effects func(pods []corev1.Pod) (effects []record.Effect, unprovable string, err error)

// A sight is the visible effect on the objects of the victims. The zero value:
// none.
type sight struct {
	// shows is the kind of event that a sight of a victim, or its deletion,
	// proves: the fault has taken effect on it. Empty: nothing is proven.
	shows func(before, pod *corev1.Pod, deleted bool) string
	// within are the containers that it proves the effect for; none: the pod.
	within []string
	// proof is the minimum wait for it, once Chaos Mesh reports the injection.
	proof time.Duration
	// early: Chaos Mesh reports the injection before the fault is there, so that
	// only the victims can date it.
	early bool
}

// wait is the timeout for the victims to show it.
func (s sight) wait(p Timeouts) time.Duration {
	if s.shows == nil {
		return 0
	}
	return max(p.Proof, s.proof)
}

// A placement is where and for how long an object acts.
type placement struct {
	meta     metav1.ObjectMeta
	selector v1alpha1.PodSelector
	lifetime time.Duration
	// pods run and match.
	pods []corev1.Pod
}

// duration is the lifetime as Chaos Mesh takes it.
func (s placement) duration() *string {
	text := s.lifetime.String()
	return &text
}

// A peer is a set of pods that an object names, mostly besides its targets.
type peer struct {
	faults.Pods
	// touched: the fault also acts on them.
	touched bool
	// count of them; a count above the number of matching pods is refused.
	count faults.Count
	// hit: they are targets like the others.
	hit bool
}

// typeMeta is that of a kind of Chaos Mesh.
func typeMeta(kind string) metav1.TypeMeta {
	return metav1.TypeMeta{APIVersion: v1alpha1.SchemeGroupVersion.String(), Kind: kind}
}

// at is the path of a field, as written in a file.
func at(name string) *field.Path { return field.NewPath(name) }

// wrong joins the errors of fields; nil if there are none.
func wrong(lists ...field.ErrorList) error {
	var all field.ErrorList
	for _, list := range lists {
		all = append(all, list...)
	}
	if len(all) == 0 {
		return nil
	}
	return faults.Refuse("%w", all.ToAggregate())
}

// wrongHit reports mistakes in the selection of pods, their count and the
// effects. A file has the count in its field pods.
func wrongHit(pods faults.Pods, count faults.Count, effects []record.Effect) field.ErrorList {
	errs := append(wrongPods("selector", pods), wrongEffects(effects)...)
	if err := count.Validate(); err != nil {
		errs = append(errs, field.Invalid(at("pods"), string(count), err.Error()))
	}
	return errs
}

func wrongPods(name string, pods faults.Pods) field.ErrorList {
	if err := pods.Validate(); err != nil {
		return field.ErrorList{field.Invalid(at(name), pods.String(), err.Error())}
	}
	return nil
}

// wrongContainers are those without a name.
func wrongContainers(names []string) (errs field.ErrorList) {
	for i, name := range names {
		if name == "" {
			errs = append(errs, field.Required(at("containers").Index(i), "a container's name"))
		}
	}
	return errs
}

// wrongEffects are those that are seen of nothing, or in whatever happens.
func wrongEffects(effects []record.Effect) (errs field.ErrorList) {
	for i, e := range effects {
		path := at("effects").Index(i)
		switch {
		case e.Times != 0:
			errs = append(errs, field.Forbidden(path.Child("times"), "it is the effect of a load's fault"))
		case e.Event == "" && e.Signal == "":
			errs = append(errs, field.Required(path, "an event, or a signal with its rise or atMost"))
		case e.Event != "" && e.Signal != "":
			errs = append(errs, field.Forbidden(path.Child("signal"), "it is the event that is looked for; make two effects of it"))
		case e.Event != "":
		case e.AtMost != nil && e.Rise != 0:
			errs = append(errs, field.Forbidden(path.Child("atMost"), "it is by rise that the effect is seen; set one of the two"))
		case e.AtMost == nil && !(e.Rise > 0):
			errs = append(errs, field.Invalid(path.Child("rise"), e.Rise, "must be above zero, in the signal's unit; or say atMost"))
		case !(e.Quantile >= 0 && e.Quantile <= 1):
			errs = append(errs, field.Invalid(path.Child("quantile"), e.Quantile, "must be from 0 to 1"))
		}
	}
	return errs
}

// wrongSignal: what effects say is all that is looked for.
func wrongSignal(signal string, effects []record.Effect) field.ErrorList {
	if signal != "" && len(effects) > 0 {
		return field.ErrorList{field.Forbidden(at("signal"), "effects name their own signals; set one of the two")}
	}
	return nil
}
