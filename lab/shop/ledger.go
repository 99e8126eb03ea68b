package shop

import (
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/aftershockhq/aftershock/lab/internal/place"
)

const (
	// Ledger is the name of the store, a StatefulSet, and the value of the label "app" of its pods.
	Ledger = "ledger"
	// LedgerClient is the name of the Deployment that puts a constant load on the ledger.
	LedgerClient = "ledger-client"
	// LedgerImage is made of the program in the folder ledger.
	LedgerImage = "docker.io/shop/ledger:lab"
	// LedgerNodePort is where every node serves the ledger: any pod of it.
	LedgerNodePort = 30081
	// LedgerReplicas is how many pods the ledger has, each with a volume and entries of its own.
	LedgerReplicas = 3

	ledgerHeadless = "ledger-pods"
	// ledgerVolume is where the volume is mounted, ledgerAside a folder of the container itself.
	ledgerVolume = "/data"
	ledgerAside  = "/var/lib/ledger"
)

// ledgerAddress is the ClusterIP of one pod of the ledger. There is no DNS, which would give each its name: the client must know
// the addresses.
func ledgerAddress(pod int) string { return fmt.Sprintf("198.19.0.%d", 90+pod) }

// ledger are the objects of the store and of its client.
func ledger(defect Defect, run place.Run) []runtime.Object {
	headless := service(Ledger)
	headless.Name = ledgerHeadless
	headless.Spec.ClusterIP = corev1.ClusterIPNone
	every := service(Ledger)
	every.Spec.Type = corev1.ServiceTypeNodePort
	every.Spec.Ports[0].NodePort = LedgerNodePort
	objects := []runtime.Object{headless, every, disruptionBudget(Ledger, LedgerReplicas-1)}
	for pod := range LedgerReplicas {
		one := service(Ledger)
		one.Name = fmt.Sprintf("%s-%d", Ledger, pod)
		one.Spec.Selector[appsv1.StatefulSetPodNameLabel] = one.Name
		one.Spec.ClusterIP = ledgerAddress(pod)
		objects = append(objects, one, persistentVolume(one.Name, run))
	}
	return append(objects, ledgerStore(defect), ledgerClient())
}

// persistentVolume is the volume of one pod. There is no provisioner: it is made beforehand, for the claim that the StatefulSet
// will make. All nodes see the folder, so that a pod finds its data on any of them, as on a network disk; it goes with the lab.
func persistentVolume(pod string, run place.Run) *corev1.PersistentVolume {
	return &corev1.PersistentVolume{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "PersistentVolume"},
		ObjectMeta: metav1.ObjectMeta{Name: pod, Labels: labels(Ledger)},
		Spec: corev1.PersistentVolumeSpec{
			Capacity:                      corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("64Mi")},
			AccessModes:                   []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			PersistentVolumeReclaimPolicy: corev1.PersistentVolumeReclaimRetain,
			ClaimRef: &corev1.ObjectReference{
				APIVersion: "v1", Kind: "PersistentVolumeClaim", Namespace: Namespace, Name: "data-" + pod,
			},
			PersistentVolumeSource: corev1.PersistentVolumeSource{HostPath: &corev1.HostPathVolumeSource{
				Path: run.Volume(pod), Type: new(corev1.HostPathDirectoryOrCreate),
			}},
		},
	}
}

func ledgerStore(defect Defect) *appsv1.StatefulSet {
	c := ledgerContainer(Ledger)
	c.Ports = []corev1.ContainerPort{{Name: "http", ContainerPort: Port, Protocol: corev1.ProtocolTCP}}
	c.Env = []corev1.EnvVar{
		{Name: "POD_NAME", ValueFrom: &corev1.EnvVarSource{
			FieldRef: &corev1.ObjectFieldSelector{APIVersion: "v1", FieldPath: "metadata.name"},
		}},
		{Name: "LISTEN", Value: fmt.Sprintf(":%d", Port)},
		{Name: "DATA", Value: ledgerVolume},
		{Name: "DRAIN_DELAY", Value: "1s"},
		// The client expects nothing of a store that was deployed in the place of another.
		{Name: "STORE", Value: "on-the-volume"},
	}
	c.ReadinessProbe = probe("/readyz", corev1.Probe{PeriodSeconds: 1, TimeoutSeconds: 2, FailureThreshold: 2})
	c.LivenessProbe = probe("/healthz", corev1.Probe{InitialDelaySeconds: 15, PeriodSeconds: 5, TimeoutSeconds: 3, FailureThreshold: 3})
	c.VolumeMounts = []corev1.VolumeMount{{Name: "data", MountPath: ledgerVolume}}
	if defect == DataNotOnTheVolume {
		setEnv(&c, "DATA", ledgerAside)
		setEnv(&c, "STORE", string(defect))
	}
	return &appsv1.StatefulSet{
		TypeMeta:   metav1.TypeMeta{APIVersion: "apps/v1", Kind: "StatefulSet"},
		ObjectMeta: meta(Ledger),
		Spec: appsv1.StatefulSetSpec{
			Replicas:    new(int32(LedgerReplicas)),
			ServiceName: ledgerHeadless,
			Selector:    &metav1.LabelSelector{MatchLabels: labels(Ledger)},
			// Pods need nothing of each other: all start at once. They are still replaced one by one.
			PodManagementPolicy: appsv1.ParallelPodManagement,
			Template:            ledgerPod(Ledger, c),
			VolumeClaimTemplates: []corev1.PersistentVolumeClaim{{
				TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "PersistentVolumeClaim"},
				ObjectMeta: metav1.ObjectMeta{Name: "data", Labels: labels(Ledger)},
				Spec: corev1.PersistentVolumeClaimSpec{
					AccessModes:      []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
					StorageClassName: new(""), // none: only what is there already is bound
					Resources: corev1.VolumeResourceRequirements{
						Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("64Mi")},
					},
				},
			}},
		},
	}
}

// ledgerClient is one pod, so that one memory holds all that was acknowledged.
func ledgerClient() *appsv1.Deployment {
	var stores []string
	for pod := range LedgerReplicas {
		stores = append(stores, "http://"+ledgerAddress(pod))
	}
	c := ledgerContainer(LedgerClient)
	c.Args = []string{"client"}
	c.Env = []corev1.EnvVar{{Name: "STORES", Value: strings.Join(stores, ",")}, {Name: "RATE", Value: "20"}}
	return &appsv1.Deployment{
		TypeMeta:   metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"},
		ObjectMeta: meta(LedgerClient),
		Spec: appsv1.DeploymentSpec{
			Replicas: new(int32(1)),
			Selector: &metav1.LabelSelector{MatchLabels: labels(LedgerClient)},
			Strategy: appsv1.DeploymentStrategy{Type: appsv1.RecreateDeploymentStrategyType},
			Template: ledgerPod(LedgerClient, c),
		},
	}
}

// ledgerPod is a pod of either. Prometheus knows a port called http by itself.
func ledgerPod(app string, c corev1.Container) corev1.PodTemplateSpec {
	return corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: labels(app)},
		Spec: corev1.PodSpec{
			TerminationGracePeriodSeconds: new(int64(10)),
			EnableServiceLinks:            new(false),
			AutomountServiceAccountToken:  new(false),
			TopologySpreadConstraints: []corev1.TopologySpreadConstraint{{
				MaxSkew: 1, TopologyKey: corev1.LabelTopologyZone, WhenUnsatisfiable: corev1.ScheduleAnyway,
				LabelSelector: &metav1.LabelSelector{MatchLabels: labels(app)},
			}},
			Containers: []corev1.Container{c},
		},
	}
}

func ledgerContainer(app string) corev1.Container {
	return corev1.Container{
		Name:            app,
		Image:           LedgerImage,
		ImagePullPolicy: corev1.PullNever,
		Resources: corev1.ResourceRequirements{
			Requests: corev1.ResourceList{
				corev1.ResourceCPU:    resource.MustParse("10m"),
				corev1.ResourceMemory: resource.MustParse("16Mi"),
			},
			Limits: corev1.ResourceList{
				corev1.ResourceCPU:    resource.MustParse("200m"),
				corev1.ResourceMemory: resource.MustParse("64Mi"),
			},
		},
	}
}
