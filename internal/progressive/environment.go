package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/config"
	"github.com/aftershockhq/aftershock/internal/residue"
	"github.com/aftershockhq/aftershock/internal/trial"
	"github.com/aftershockhq/aftershock/steadystate/kube"
	"github.com/aftershockhq/aftershock/suites"
)

const (
	// namespace has the copy of checkout; the shop's own is left alone.
	namespace = "delivery"
	service   = "checkout"
	// preview is the Service of the build that is tested, and its port on the nodes.
	preview     = "preview"
	previewPort = 30082
	// withdrawn is another one of it, at the next port, which goes when a test has begun.
	withdrawn = "withdrawn"
	node      = "198.18.0.11"
	// address is the host's in the lab's network, where the controllers find the gate.
	address   = "198.18.0.1:8449"
	tokenFile = "token"
)

// The experiments of the builds.
const (
	killed  = "checkout/killed"   // finds what listens late and has no readiness probe
	slow    = "checkout/slow"     // its fault lasts
	starved = "unreached/starved" // its load no longer reaches the build once it has begun
)

// An environment is the namespace in which a controller releases builds.
type environment struct {
	controller
	client  client.Client
	out     string
	file    string // the gates' configuration
	token   string
	cluster residue.Cluster
	applied time.Time // when the last build was
}

// configuration is that of the gates.
var configuration = fmt.Sprintf(`
apiVersion: aftershock/v1
allow: {namespaces: [%[1]s]}
times: {settle: 5s, hold: 5s, watch: 15s, undo: 30s}
checks:
  answers:
    signal: requests
    good: value <= 1s
    allowed: 0.1%%
    limits: [downtime <= 2s, ttr <= 5s, errors <= 1%%, p95 <= 500ms]
  whole:
    signal: replicas
    good: value >= 100%%
    limits: [ttr <= 30s]
services:
  %[2]s:
    namespace: %[1]s
    workload: deployment/%[2]s
    selector: {app: %[2]s, stage: %[3]s}
    service: %[3]s
    load: {url: "http://%[4]s:%[5]d/checkout", rate: 50/s}
    checks: [answers, whole]
  unreached:
    namespace: %[1]s
    workload: deployment/%[2]s
    selector: {app: %[2]s, stage: %[3]s}
    service: %[3]s
    load: {url: "http://%[4]s:%[6]d/checkout", rate: 50/s}
    checks: [answers, whole]
experiments:
  killed: {from: pods/kill-one, service: %[2]s}
  starved: {from: pods/kill-one, service: unreached}
  slow:
    from: network/delay
    service: %[2]s
    times: {hold: 20s}
    limits: {answers: [ttr <= 60s, p95 <= 900ms]}
`, namespace, service, preview, node, previewPort, previewPort+1)

// clusterOnly leaves of the lab's configuration what is of its cluster.
const clusterOnly = "{prometheus: null, times: null, checks: null, services: null, experiments: null}"

// newEnvironment makes the namespace, with a first build of checkout. One that comes
// beside an error is to be cleared, too.
func newEnvironment(ctx context.Context, c controller, out string) (*environment, error) {
	env := &environment{controller: c, out: out, token: rand.Text()}
	if err := os.MkdirAll(env.out, 0o700); err != nil {
		return nil, err
	}
	if err := env.connect(ctx, configuration); err != nil {
		return nil, err
	}
	objects, err := env.objects(ctx)
	for _, o := range objects {
		if err == nil {
			err = env.client.Create(ctx, o)
		}
	}
	if err == nil {
		err = env.begin(ctx, env)
	}
	return env, err
}

// connect writes a configuration and the gates' token, connects to the lab's cluster, and
// clears the namespace.
func (env *environment) connect(ctx context.Context, configuration string) error {
	env.file = filepath.Join(env.out, "aftershock.yaml")
	if err := errors.Join(trial.Variant(trial.LabFile, env.file, clusterOnly, configuration), os.WriteFile(filepath.Join(env.out, tokenFile), []byte(env.token), 0o600)); err != nil {
		return err
	}
	plan, err := config.Read(env.file)
	if err != nil {
		return err
	}
	session, err := suites.Connect(plan)
	if err != nil {
		return err
	}
	env.client = session.Client
	env.cluster = residue.Cluster{Client: env.client, Namespaces: []string{namespace, "aftershock"}, Programs: []string{"checkout"}}
	return env.clear(ctx) // what one that was killed left
}

// objects are the namespace, the rights that the harness has in the shop, and a first
// build of checkout with a Service to test it by.
func (env *environment) objects(ctx context.Context) ([]client.Object, error) {
	const shop, harness = "shop", "aftershock"
	var role rbacv1.Role
	var binding rbacv1.RoleBinding
	var checkout appsv1.Deployment
	for name, object := range map[string]client.Object{harness: &role, service: &checkout} {
		if err := env.client.Get(ctx, client.ObjectKey{Namespace: shop, Name: name}, object); err != nil {
			return nil, err
		}
	}
	if err := env.client.Get(ctx, client.ObjectKey{Namespace: shop, Name: harness}, &binding); err != nil {
		return nil, err
	}
	if defect := checkout.Annotations["lab/defect"]; defect != "none" {
		return nil, fmt.Errorf("checkout has the defect %q: lab deploy --defect none", defect)
	}
	meta := func(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Namespace: namespace, Name: name} }
	role.ObjectMeta, binding.ObjectMeta, checkout.ObjectMeta = meta(harness), meta(harness), meta(service)
	checkout.Status = appsv1.DeploymentStatus{}
	template := &checkout.Spec.Template
	// The lab counts what its own checkout saw.
	template.Spec.Volumes = nil
	container := &template.Spec.Containers[0]
	container.VolumeMounts = nil
	container.Env = slices.DeleteFunc(container.Env, func(e corev1.EnvVar) bool { return e.Name == "TRUTH" })
	template.Labels[stageLabel] = preview
	built(&template.Spec, "first", false)
	reach := func(name string, port int32) *corev1.Service {
		return &corev1.Service{ObjectMeta: meta(name), Spec: corev1.ServiceSpec{
			Type: corev1.ServiceTypeNodePort, Selector: map[string]string{"app": service, stageLabel: preview},
			Ports: []corev1.ServicePort{{Name: "http", Port: 80, TargetPort: intstr.FromString("http"), NodePort: port}},
		}}
	}
	return []client.Object{
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}, &role, &binding,
		reach(preview, previewPort), reach(withdrawn, previewPort+1), &checkout,
	}, nil
}

const (
	// stageLabel tells the pods that are tested from those that customers meet.
	stageLabel = "stage"
	// buildVariable names the build in its container.
	buildVariable = "BUILD"
)

// built makes a template that of a build.
func built(spec *corev1.PodSpec, name string, defect bool) {
	container := &spec.Containers[0]
	set := func(name, value string) {
		container.Env = slices.DeleteFunc(container.Env, func(e corev1.EnvVar) bool { return e.Name == name })
		container.Env = append(container.Env, corev1.EnvVar{Name: name, Value: value})
	}
	set(buildVariable, name)
	set("START_DELAY", "2s")
	container.ReadinessProbe = &corev1.Probe{
		PeriodSeconds: 1, TimeoutSeconds: 2, FailureThreshold: 2,
		ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/readyz", Port: intstr.FromString("http")}},
	}
	if defect { // the lab's no-readiness
		set("START_DELAY", "8s")
		container.ReadinessProbe = nil
	}
}

// buildOf is the build of a template.
func buildOf(spec corev1.PodSpec) string {
	for _, e := range spec.Containers[0].Env {
		if e.Name == buildVariable {
			return e.Value
		}
	}
	return "unknown"
}

// apply gives the Deployment another build.
func (env *environment) apply(ctx context.Context, r row) error {
	var d appsv1.Deployment
	if err := env.client.Get(ctx, client.ObjectKey{Namespace: namespace, Name: service}, &d); err != nil {
		return err
	}
	before := d.DeepCopy()
	built(&d.Spec.Template.Spec, r.name, r.defect)
	env.applied = time.Now()
	return env.client.Patch(ctx, &d, client.MergeFrom(before))
}

// builds are those of the ready pods with the labels.
func (env *environment) builds(ctx context.Context, labels map[string]string) (string, error) {
	var pods corev1.PodList
	if err := env.client.List(ctx, &pods, client.InNamespace(namespace), client.MatchingLabels(labels)); err != nil {
		return "", err
	}
	var list []string
	for _, pod := range pods.Items {
		if pod.DeletionTimestamp == nil && kube.PodReady(&pod) {
			list = append(list, buildOf(pod.Spec))
		}
	}
	slices.Sort(list)
	return strings.Join(slices.Compact(list), " and "), nil
}

// read reads an object of a controller.
func (env *environment) read(ctx context.Context, apiVersion, kind, name string) (*unstructured.Unstructured, error) {
	u := &unstructured.Unstructured{}
	u.SetAPIVersion(apiVersion)
	u.SetKind(kind)
	return u, env.client.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, u)
}

// clear removes the namespace with all that is in it.
func (env *environment) clear(ctx context.Context) error {
	return trial.Vacate(ctx, env.client, namespace)
}
