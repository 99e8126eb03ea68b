package shop

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

func deployed(t *testing.T, d Defect) (*appsv1.Deployment, map[string]string) {
	t.Helper()
	for _, o := range Manifests(d, "/lab/truth") {
		if dep, ok := o.(*appsv1.Deployment); ok {
			env := map[string]string{}
			for _, e := range dep.Spec.Template.Spec.Containers[0].Env {
				env[e.Name] = e.Value
			}
			return dep, env
		}
	}
	t.Fatal("no deployment")
	return nil, nil
}

func TestEachDefectIsWrongInOneWay(t *testing.T) {
	for _, c := range []struct {
		defect   Defect
		replicas int32
		probed   bool
		delay    string
		graceful string
	}{
		{None, 3, true, "2s", "true"},
		{NoReadiness, 3, false, "8s", "true"},
		{OneReplica, 1, true, "2s", "true"},
		{NoGracefulShutdown, 3, true, "2s", "false"},
	} {
		t.Run(string(c.defect), func(t *testing.T) {
			d, env := deployed(t, c.defect)
			container := d.Spec.Template.Spec.Containers[0]
			if *d.Spec.Replicas != c.replicas {
				t.Errorf("%d replicas, want %d", *d.Spec.Replicas, c.replicas)
			}
			if (container.ReadinessProbe != nil) != c.probed {
				t.Errorf("readiness probe: %v", container.ReadinessProbe)
			}
			if env["START_DELAY"] != c.delay || env["GRACEFUL"] != c.graceful {
				t.Errorf("START_DELAY=%s GRACEFUL=%s, want %s %s", env["START_DELAY"], env["GRACEFUL"], c.delay, c.graceful)
			}
			if got := d.Annotations[DefectAnnotation]; got != string(c.defect) {
				t.Errorf("annotated %q", got)
			}
			if container.LivenessProbe == nil || container.Lifecycle != nil {
				t.Error("every defect keeps its liveness probe and has no hook")
			}
			for _, r := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
				if container.Resources.Requests[r] == container.Resources.Limits[r] {
					t.Errorf("%s: request and limit are not both set, or equal", r)
				}
			}
		})
	}
}

func TestParseDefect(t *testing.T) {
	for _, d := range Defects() {
		if got, err := ParseDefect(string(d)); got != d || err != nil {
			t.Errorf("%s: %v, %v", d, got, err)
		}
	}
	_, err := ParseDefect("slow")
	want := `no defect is called "slow": choose one of none, no-readiness, one-replica, no-graceful-shutdown`
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
