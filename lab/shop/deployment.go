package shop

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// deployment is a healthy one of the program. Prometheus knows by its annotations where its pods show their metrics.
func deployment(app, truth string) *appsv1.Deployment {
	return &appsv1.Deployment{
		TypeMeta:   metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"},
		ObjectMeta: meta(app),
		Spec: appsv1.DeploymentSpec{
			Selector: &metav1.LabelSelector{MatchLabels: labels(app)},
			// One new pod at a time, and no old one goes before it is ready: a version that cannot start takes nothing away.
			Strategy: appsv1.DeploymentStrategy{
				Type: appsv1.RollingUpdateDeploymentStrategyType,
				RollingUpdate: &appsv1.RollingUpdateDeployment{
					MaxUnavailable: new(intstr.FromInt32(0)), MaxSurge: new(intstr.FromInt32(1)),
				},
			},
			// The slowest pod takes eight seconds: one that needs so long will not come.
			ProgressDeadlineSeconds: new(int32(20)),
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels(app), Annotations: map[string]string{
					"prometheus.io/scrape": "true", "prometheus.io/port": fmt.Sprint(Port), "prometheus.io/path": "/metrics",
				}},
				Spec: corev1.PodSpec{
					TerminationGracePeriodSeconds: new(int64(20)),
					EnableServiceLinks:            new(false),
					AutomountServiceAccountToken:  new(false),
					TopologySpreadConstraints: []corev1.TopologySpreadConstraint{{
						MaxSkew: 1, TopologyKey: corev1.LabelTopologyZone, WhenUnsatisfiable: corev1.ScheduleAnyway,
						LabelSelector: &metav1.LabelSelector{MatchLabels: labels(app)},
					}},
					Containers: []corev1.Container{container(app)},
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

func container(app string) corev1.Container {
	return corev1.Container{
		Name:            app,
		Image:           Image,
		ImagePullPolicy: corev1.PullNever,
		Ports:           []corev1.ContainerPort{{Name: "http", ContainerPort: Port, Protocol: corev1.ProtocolTCP}},
		Env: []corev1.EnvVar{
			{Name: "POD_NAME", ValueFrom: &corev1.EnvVarSource{
				FieldRef: &corev1.ObjectFieldSelector{APIVersion: "v1", FieldPath: "metadata.name"},
			}},
			{Name: "LISTEN", Value: fmt.Sprintf(":%d", Port)},
			{Name: "TRUTH", Value: "/truth"},
			{Name: "WORK", Value: checkoutWork.String()},
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
			// Checkout needs 70m a pod for 100 requests a second, 105m once one of three is gone, and 210m alone; one busy worker
			// beside it leaves it half of the limit. Stress of all three takes 0.9 of the machine's two cores: the 1.5 of half a core
			// each leave too little to drive the load, measure and undo. The program needs less than 30 Mi, so 70 % of the memory
			// may be taken besides.
			Limits: corev1.ResourceList{
				corev1.ResourceCPU:    resource.MustParse("300m"),
				corev1.ResourceMemory: resource.MustParse("256Mi"),
			},
		},
		// A network that is slower by 250 ms in each direction makes a probe take 0.5 s to 1 s: that is no illness.
		ReadinessProbe: probe("/readyz", corev1.Probe{PeriodSeconds: 1, TimeoutSeconds: 2, FailureThreshold: 2}),
		// Late enough that a slow start is not taken for a hang.
		LivenessProbe: probe("/healthz", corev1.Probe{
			InitialDelaySeconds: 15, PeriodSeconds: 5, TimeoutSeconds: 3, FailureThreshold: 3,
		}),
		VolumeMounts: []corev1.VolumeMount{{Name: "truth", MountPath: "/truth"}},
	}
}

func probe(path string, p corev1.Probe) *corev1.Probe {
	p.ProbeHandler = corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: path, Port: intstr.FromString("http")}}
	return &p
}
