package shop

import (
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/aftershockhq/aftershock/lab/internal/place"
	"github.com/aftershockhq/aftershock/lab/internal/plan"
)

const (
	// Namespace is where the service runs.
	Namespace = "shop"
	// Service is the name of what customers meet, and the value of the label "app" of its pods.
	Service = "checkout"
	// Payments is the name of what checkout needs, and the value of the label "app" of its pods.
	Payments = "payments"
	// Image is made of the program in the folder checkout.
	Image = "docker.io/shop/checkout:lab"
	// Port is where each pod serves.
	Port = 8080
	// NodePort is where every node serves checkout.
	NodePort = 30080
	// PaymentsAddress is the ClusterIP of payments, out of the part of the range that is not given away by chance. The lab has
	// no DNS: checkout must know it.
	PaymentsAddress = "198.19.0.80"
	// checkoutWork and paymentsWork are the processor time of a request, on every machine the same: limits, requests and what an
	// autoscaler is made for follow from them.
	checkoutWork = 2100 * time.Microsecond
	paymentsWork = 700 * time.Microsecond
	// DefectAnnotation on the deployment of checkout names the defect it was deployed with.
	DefectAnnotation = "lab/defect"
)

// Base is the service as the host reaches it: through the first node.
func Base() string { return fmt.Sprintf("http://%s:%d", plan.NodeAddress(1), NodePort) }

// URL is its main route.
func URL() string { return Base() + "/checkout" }

// Echo is its WebSocket.
func Echo() string { return fmt.Sprintf("ws://%s:%d/echo", plan.NodeAddress(1), NodePort) }

// Manifests are the objects of the service, in the order they are applied. Run is the lab's folder as nodes see it: it holds the
// volumes, and the logs of requests that pods write.
func Manifests(defect Defect, run place.Run) []runtime.Object {
	truth := run.Truth()
	front := service(Service)
	front.Spec.Type = corev1.ServiceTypeNodePort
	front.Spec.Ports[0].NodePort = NodePort
	back := service(Payments)
	back.Spec.ClusterIP = PaymentsAddress
	objects := []runtime.Object{
		&corev1.Namespace{
			TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Namespace"},
			ObjectMeta: metav1.ObjectMeta{Name: Namespace},
		},
		back, disruptionBudget(Payments, 1), payments(truth),
		front, checkout(defect, truth),
	}
	if defect != NoBudget {
		objects = append(objects, disruptionBudget(Service, defect.available()))
	}
	objects = append(objects, account()...)
	if defect.Scales() {
		objects = append(objects, autoscaler(defect))
	}
	return append(objects, ledger(defect, run)...)
}

// Leftovers are objects that a deployment with another defect may have left and one with this defect must not begin with.
func Leftovers(defect Defect) []runtime.Object {
	list := []runtime.Object{greed()}
	if !defect.Scales() {
		list = append(list, autoscaler(Autoscaled))
	}
	if defect == NoBudget {
		list = append(list, disruptionBudget(Service, defect.available()))
	}
	return list
}

// AtOnce lets a deployment start all of its new pods at the same time and end the old ones when they are ready: to be in place
// it need not be gentle.
func AtOnce(objects []runtime.Object) []runtime.Object {
	for _, o := range objects {
		if d, ok := o.(*appsv1.Deployment); ok && d.Spec.Strategy.RollingUpdate != nil {
			d.Spec.Strategy.RollingUpdate.MaxSurge = new(intstr.FromString("100%"))
		}
	}
	return objects
}

// Late are objects that come when all pods are there.
func Late(defect Defect) []runtime.Object {
	if defect == NoRoom {
		return []runtime.Object{greed()}
	}
	return nil
}

// greed makes a new pod whose container says nothing of processor time request more than any node has.
func greed() *corev1.LimitRange {
	much := corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1000")}
	return &corev1.LimitRange{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "LimitRange"},
		ObjectMeta: meta(Service),
		Spec: corev1.LimitRangeSpec{Limits: []corev1.LimitRangeItem{{
			Type: corev1.LimitTypeContainer, Default: much, DefaultRequest: much,
		}}},
	}
}

func meta(app string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Name: app, Namespace: Namespace, Labels: labels(app)}
}

func labels(app string) map[string]string { return map[string]string{"app": app} }

func service(app string) *corev1.Service {
	return &corev1.Service{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Service"},
		ObjectMeta: meta(app),
		Spec: corev1.ServiceSpec{
			Selector: labels(app),
			Ports:    []corev1.ServicePort{{Name: "http", Port: 80, TargetPort: intstr.FromString("http"), Protocol: corev1.ProtocolTCP}},
		},
	}
}

func disruptionBudget(app string, available int32) *policyv1.PodDisruptionBudget {
	return &policyv1.PodDisruptionBudget{
		TypeMeta:   metav1.TypeMeta{APIVersion: "policy/v1", Kind: "PodDisruptionBudget"},
		ObjectMeta: meta(app),
		Spec: policyv1.PodDisruptionBudgetSpec{
			MinAvailable: new(intstr.FromInt32(available)),
			Selector:     &metav1.LabelSelector{MatchLabels: labels(app)},
		},
	}
}

// payments are always healthy: what is wrong, if anything, is how checkout uses them.
func payments(truth string) *appsv1.Deployment {
	d := deployment(Payments, truth)
	d.Spec.Replicas = new(int32(2))
	container := &d.Spec.Template.Spec.Containers[0]
	container.Args = []string{"payments"}
	setEnv(container, "WORK", paymentsWork.String())
	// Four times its share of 100 requests a second. A client that tries again and again would take from the machine what the
	// others need to see it.
	container.Resources.Limits[corev1.ResourceCPU] = resource.MustParse("150m")
	return d
}

// checkout is the healthy one with the defect laid over it.
func checkout(defect Defect, truth string) *appsv1.Deployment {
	d := deployment(Service, truth)
	d.Annotations = map[string]string{DefectAnnotation: string(defect)}
	if !defect.Scales() { // or the autoscaler's number would be overwritten
		d.Spec.Replicas = new(defect.Replicas())
	}
	switch defect {
	case Recreate:
		d.Spec.Strategy = appsv1.DeploymentStrategy{Type: appsv1.RecreateDeploymentStrategyType}
	case MaxUnavailableTooHigh:
		d.Spec.Strategy.RollingUpdate.MaxUnavailable = new(intstr.FromString("100%"))
	case GraceTooShort:
		d.Spec.Template.Spec.TerminationGracePeriodSeconds = new(int64(1))
	case OnOneNode:
		d.Spec.Template.Spec.NodeSelector = map[string]string{corev1.LabelHostname: plan.NodeName(1)}
	}
	container := &d.Spec.Template.Spec.Containers[0]
	setEnv(container, "PAYMENTS", "http://"+PaymentsAddress)
	defect.apply(container)
	return d
}
