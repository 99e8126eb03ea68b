package shop

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/aftershockhq/aftershock/lab/internal/plan"
)

const (
	// Namespace is where the service runs.
	Namespace = "shop"
	// Service is its name, and the value of the label "app" of its pods.
	Service = "checkout"
	// Image is made of the program in the folder checkout.
	Image = "docker.io/shop/checkout:lab"
	// Port is where each pod serves.
	Port = 8080
	// NodePort is where every node serves.
	NodePort = 30080
	// DefectAnnotation on the deployment names the defect it was deployed with.
	DefectAnnotation = "lab/defect"
)

// Base is the service as the host reaches it: through the first node.
func Base() string { return fmt.Sprintf("http://%s:%d", plan.NodeAddress(1), NodePort) }

// URL is its main route.
func URL() string { return Base() + "/checkout" }

// Manifests are the objects of the service, in the order they are applied. Truth is the folder, on the node, that pods
// write their logs of requests to.
func Manifests(defect Defect, truth string) []runtime.Object {
	return []runtime.Object{
		&corev1.Namespace{
			TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Namespace"},
			ObjectMeta: metav1.ObjectMeta{Name: Namespace},
		},
		service(),
		disruptionBudget(),
		deployment(defect, truth),
	}
}

func meta() metav1.ObjectMeta {
	return metav1.ObjectMeta{Name: Service, Namespace: Namespace, Labels: labels()}
}

func labels() map[string]string { return map[string]string{"app": Service} }

func service() *corev1.Service {
	return &corev1.Service{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Service"},
		ObjectMeta: meta(),
		Spec: corev1.ServiceSpec{
			Type:     corev1.ServiceTypeNodePort,
			Selector: labels(),
			Ports: []corev1.ServicePort{{
				Name: "http", Port: 80, TargetPort: intstr.FromString("http"), NodePort: NodePort, Protocol: corev1.ProtocolTCP,
			}},
		},
	}
}

func disruptionBudget() *policyv1.PodDisruptionBudget {
	return &policyv1.PodDisruptionBudget{
		TypeMeta:   metav1.TypeMeta{APIVersion: "policy/v1", Kind: "PodDisruptionBudget"},
		ObjectMeta: meta(),
		Spec: policyv1.PodDisruptionBudgetSpec{
			MinAvailable: new(intstr.FromInt32(2)),
			Selector:     &metav1.LabelSelector{MatchLabels: labels()},
		},
	}
}

// deployment is the healthy one with the defect laid over it.
func deployment(defect Defect, truth string) *appsv1.Deployment {
	d := healthy(truth)
	d.Annotations = map[string]string{DefectAnnotation: string(defect)}
	d.Spec.Replicas = new(defect.Replicas())
	container := &d.Spec.Template.Spec.Containers[0]
	switch defect {
	case NoReadiness:
		container.ReadinessProbe = nil
		setEnv(container, "START_DELAY", "8s")
	case NoGracefulShutdown:
		setEnv(container, "GRACEFUL", "false")
	}
	return d
}

func setEnv(c *corev1.Container, name, value string) {
	for i := range c.Env {
		if c.Env[i].Name == name {
			c.Env[i].Value = value
			return
		}
	}
	c.Env = append(c.Env, corev1.EnvVar{Name: name, Value: value})
}

func healthy(truth string) *appsv1.Deployment {
	return &appsv1.Deployment{
		TypeMeta:   metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"},
		ObjectMeta: meta(),
		Spec: appsv1.DeploymentSpec{
			Selector: &metav1.LabelSelector{MatchLabels: labels()},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels()},
				Spec: corev1.PodSpec{
					TerminationGracePeriodSeconds: new(int64(20)),
					EnableServiceLinks:            new(false),
					AutomountServiceAccountToken:  new(false),
					TopologySpreadConstraints: []corev1.TopologySpreadConstraint{{
						MaxSkew: 1, TopologyKey: corev1.LabelTopologyZone, WhenUnsatisfiable: corev1.ScheduleAnyway,
						LabelSelector: &metav1.LabelSelector{MatchLabels: labels()},
					}},
					Containers: []corev1.Container{{
						Name:            Service,
						Image:           Image,
						ImagePullPolicy: corev1.PullNever,
						Ports:           []corev1.ContainerPort{{Name: "http", ContainerPort: Port, Protocol: corev1.ProtocolTCP}},
						Env: []corev1.EnvVar{
							{Name: "POD_NAME", ValueFrom: &corev1.EnvVarSource{
								FieldRef: &corev1.ObjectFieldSelector{APIVersion: "v1", FieldPath: "metadata.name"},
							}},
							{Name: "LISTEN", Value: fmt.Sprintf(":%d", Port)},
							{Name: "TRUTH", Value: "/truth"},
							{Name: "WORK", Value: "256"},
							// Long enough that a lost replica is missed, short enough that a rollout is not a wait.
							{Name: "START_DELAY", Value: "2s"},
							{Name: "DRAIN_DELAY", Value: "3s"},
							{Name: "GRACEFUL", Value: "true"},
						},
						Resources: corev1.ResourceRequirements{
							Requests: corev1.ResourceList{
								corev1.ResourceCPU:    resource.MustParse("50m"),
								corev1.ResourceMemory: resource.MustParse("32Mi"),
							},
							Limits: corev1.ResourceList{
								corev1.ResourceCPU:    resource.MustParse("500m"),
								corev1.ResourceMemory: resource.MustParse("128Mi"),
							},
						},
						ReadinessProbe: probe("/readyz", corev1.Probe{PeriodSeconds: 1, TimeoutSeconds: 1, FailureThreshold: 2}),
						// Late enough that a slow start is not taken for a hang.
						LivenessProbe: probe("/healthz", corev1.Probe{
							InitialDelaySeconds: 15, PeriodSeconds: 5, TimeoutSeconds: 2, FailureThreshold: 3,
						}),
						VolumeMounts: []corev1.VolumeMount{{Name: "truth", MountPath: "/truth"}},
					}},
					Volumes: []corev1.Volume{{
						Name: "truth",
						VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{
							Path: truth, Type: new(corev1.HostPathDirectoryOrCreate),
						}},
					}},
				},
			},
		},
	}
}

func probe(path string, p corev1.Probe) *corev1.Probe {
	p.ProbeHandler = corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: path, Port: intstr.FromString("http")}}
	return &p
}
