package residue

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/aftershockhq/aftershock/experiments/chaosmesh"
	"github.com/aftershockhq/aftershock/steadystate/kube/argo"
)

func TestProcessesAreFoundByTheirNames(t *testing.T) {
	proc := t.TempDir()
	for pid, comm := range map[string]string{"1": "init", "17": "stress-ng-cpu", "18": "memstress", "19": "tc", "20": "tcsh", "21": "checkout", "self": "stress-ng"} {
		if err := os.Mkdir(filepath.Join(proc, pid), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(proc, pid, "comm"), []byte(comm+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got := running(proc, faultPrograms)
	slices.Sort(got)
	if want := []string{"memstress 18", "stress-ng-cpu 17", "tc 19"}; !slices.Equal(got, want) {
		t.Errorf("found %q, want %q", got, want)
	}
	if got := pids(proc, []string{"checkout", "ledger"}); !slices.Equal(got, []string{"21"}) {
		t.Errorf("numbers %q, want 21", got)
	}
}

func deployment(image string, annotations map[string]string) *appsv1.Deployment {
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "checkout", Annotations: annotations}}
	d.Spec.Template.Spec.Containers = []corev1.Container{{Name: "checkout", Image: image}}
	return d
}

func rollout(labels map[string]string) *argo.Rollout {
	r := &argo.Rollout{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "basket", Labels: labels}}
	r.Spec.Template.Spec.Containers = []corev1.Container{{Name: "app", Image: "basket:1"}}
	return r
}

func daemonSet(image string) *appsv1.DaemonSet {
	set := &appsv1.DaemonSet{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "agent"}}
	set.Spec.Template.Spec.Containers = []corev1.Container{{Name: "agent", Image: image}}
	return set
}

// Whatever a run may leave is found, and what is there anyway is not.
func TestWhatIsLeftIsFound(t *testing.T) {
	meta := func(namespace, name string) metav1.ObjectMeta {
		return metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: map[string]string{"app.kubernetes.io/managed-by": "aftershock"}}
	}
	usual := []client.Object{
		deployment("checkout:1", nil),
		&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "one"}},
		&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "kube-root-ca.crt"}},
		&v1alpha1.PodNetworkChaos{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "checkout-1"}}, // Chaos Mesh keeps them, empty
		&v1alpha1.StressChaos{ObjectMeta: meta("elsewhere", "another-team's")},
		daemonSet("agent:1"),
		rollout(nil),
	}
	for _, row := range []struct {
		sentence string
		change   func([]client.Object) []client.Object
		want     string
	}{
		{"nothing is left", func(all []client.Object) []client.Object { return all }, ""},
		{"a fault", func(all []client.Object) []client.Object {
			return append(all, &v1alpha1.StressChaos{ObjectMeta: meta("shop", "stress")})
		}, "StressChaos shop/stress"},
		{"rules", func(all []client.Object) []client.Object {
			return append(all, &v1alpha1.PodNetworkChaos{
				ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "checkout-2"},
				Spec:       v1alpha1.PodNetworkChaosSpec{IPSets: []v1alpha1.RawIPSet{{Name: "a"}}},
			})
		}, "rules of PodNetworkChaos shop/checkout-2"},
		{"a lock", func(all []client.Object) []client.Object {
			return append(all, &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: "aftershock", Name: "aftershock-shop-deployment-checkout"}})
		}, "Lease aftershock/aftershock-shop-deployment-checkout"},
		{"a ledger", func(all []client.Object) []client.Object {
			return append(all, &corev1.ConfigMap{ObjectMeta: meta("aftershock", "run-1")})
		}, "ConfigMap aftershock/run-1"},
		{"workers", func(all []client.Object) []client.Object {
			return append(all, &batchv1.Job{ObjectMeta: meta("aftershock", "load-1")})
		}, "Job aftershock/load-1"},
		{"a cordon", func(all []client.Object) []client.Object {
			all[1] = &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "one"}, Spec: corev1.NodeSpec{Unschedulable: true}}
			return all
		}, "cordoned node /one"},
		{"a bad image", func(all []client.Object) []client.Object {
			all[0] = deployment("checkout:none", nil)
			return all
		}, "deployment/shop/checkout has checkout:none in place of checkout:1"},
		{"a bad image of a DaemonSet", func(all []client.Object) []client.Object {
			all[len(all)-2] = daemonSet("agent:none")
			return all
		}, "daemonset/shop/agent has agent:none in place of agent:1"},
		{"a note on the workload", func(all []client.Object) []client.Object {
			all[0] = deployment("checkout:1", map[string]string{"aftershock.dev/bad-image": "{}"})
			return all
		}, "deployment/shop/checkout has aftershock.dev/bad-image, checkout:1 in place of checkout:1"},
		{"a Rollout that a run restarts", func(all []client.Object) []client.Object {
			all[len(all)-1] = rollout(map[string]string{"aftershock.dev/restart": "one.1"})
			return all
		}, "rollout/shop/basket has aftershock.dev/restart, basket:1 in place of basket:1"},
		{"a workload that is gone", func(all []client.Object) []client.Object { return all[1:] }, "deployment/shop/checkout has  in place of checkout:1"},
	} {
		scheme, err := chaosmesh.Scheme()
		if err != nil {
			t.Fatal(err)
		}
		c := Cluster{Client: fake.NewClientBuilder().WithScheme(scheme).WithObjects(usual...).Build(), Namespaces: []string{"shop", "aftershock"}}
		if err := c.Snapshot(t.Context()); err != nil {
			t.Fatal(err)
		}
		c.Client = fake.NewClientBuilder().WithScheme(scheme).WithObjects(row.change(slices.Clone(usual))...).Build()
		left, err := c.objects(t.Context(), true)
		if got := strings.Join(left, "; "); got != row.want || err != nil {
			t.Errorf("%s: %q, %v; want %q", row.sentence, got, err, row.want)
		}
	}
}

// What cannot be looked at is not gone.
func TestALookThatFailsIsNoneThatFindsNothing(t *testing.T) {
	scheme, err := chaosmesh.Scheme()
	if err != nil {
		t.Fatal(err)
	}
	c := Cluster{Namespaces: []string{"shop"}, Client: fake.NewClientBuilder().WithScheme(scheme).WithInterceptorFuncs(interceptor.Funcs{
		List: func(context.Context, client.WithWatch, client.ObjectList, ...client.ListOption) error {
			return context.DeadlineExceeded
		},
	}).Build()}
	if left := c.Left(t.Context(), 0, true); len(left) == 0 || !strings.Contains(strings.Join(left, "; "), "cannot look") {
		t.Errorf("left %q, want that it cannot look", left)
	}
}

// A look at networks proves something only if it had a network and the tools to look with.
func TestALookAtNoNetworkIsAnError(t *testing.T) {
	for _, row := range []struct {
		sentence  string
		processes []string
		tools     []string
		want      string // empty: it can look
	}{
		{"all is there", []string{"checkout", "ledger"}, []string{"tc", "iptables-save", "iptables-legacy-save"}, ""},
		{"no process of the services", []string{"init"}, []string{"tc", "iptables-save", "iptables-legacy-save"}, "no process checkout"},
		{"one service has none", []string{"checkout"}, []string{"tc", "iptables-save", "iptables-legacy-save"}, "no process ledger"},
		{"without tc", []string{"checkout", "ledger"}, []string{"iptables-save", "iptables-legacy-save"}, `"tc"`},
		{"without the tool that shows the lab's rules", []string{"checkout", "ledger"}, []string{"tc", "iptables-save"}, `"iptables-legacy-save"`},
	} {
		proc, bin := t.TempDir(), t.TempDir()
		for i, name := range row.processes {
			dir := filepath.Join(proc, strconv.Itoa(1+i))
			if err := os.Mkdir(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "comm"), []byte(name+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		for _, name := range append(row.tools, "nsenter") {
			if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"), 0o700); err != nil { //nolint:gosec // it is run
				t.Fatal(err)
			}
		}
		t.Setenv("PATH", bin)
		c := Cluster{Programs: []string{"checkout", "ledger"}}
		found, err := c.rules(t.Context(), proc)
		if len(found) > 0 || (err == nil) != (row.want == "") || (err != nil && !strings.Contains(err.Error(), row.want)) {
			t.Errorf("%s: found %q, %v; want %q", row.sentence, found, err, row.want)
		}
		if left := (Sight{Err: err}).left(); (len(left) == 0) != (row.want == "") {
			t.Errorf("%s: left %q", row.sentence, left)
		}
	}
}

// Rules count if a packet can come to them.
func TestOnlyRulesThatAPacketMeetsAreLeft(t *testing.T) {
	const orphaned = `*filter
:INPUT ACCEPT [2:104]
:FORWARD ACCEPT [0:0]
:CHAOS-INPUT - [0:0]
:INPUT/netwo_95 - [0:0]
-A INPUT -j CHAOS-INPUT
-A INPUT/netwo_95 -i eth0 -m set --match-set netwo_95 src,dst -j DROP
COMMIT
`
	inPlace := strings.Replace(orphaned, "COMMIT", "-A CHAOS-INPUT -j INPUT/netwo_95\nCOMMIT", 1)
	for _, row := range []struct{ sentence, out, want string }{
		{"none", "", ""},
		{"a chain that nothing leads to", orphaned, ""},
		{"a fault that is on", inPlace, "-A INPUT/netwo_95 -i eth0 -m set --match-set netwo_95 src,dst -j DROP"},
		{"in the second table", orphaned + "*mangle\n:POSTROUTING ACCEPT [0:0]\n-A POSTROUTING -p tcp -j MARK --set-mark 1\nCOMMIT\n", "-A POSTROUTING -p tcp -j MARK --set-mark 1"},
	} {
		if got := strings.Join(effective(row.out), "; "); got != row.want {
			t.Errorf("%s: %q, want %q", row.sentence, got, row.want)
		}
	}
	if got := queues("qdisc noqueue 0: dev lo root refcnt 2 \nqdisc netem 1: dev eth0 root refcnt 2 limit 1000 delay 100ms\n"); len(got) != 1 || !strings.Contains(got[0], "netem") {
		t.Errorf("queues %q, want the delay", got)
	}
}

// What is over by itself does nothing any more; what is paused, was never
// finished, or is still in a pod does, or may.
func TestAnObjectWhoseDurationHasPassedIsOver(t *testing.T) {
	of := func(o v1alpha1.InnerObject, desired v1alpha1.DesiredPhase, phases ...v1alpha1.Phase) client.Object {
		status := &o.GetStatus().Experiment
		status.DesiredPhase = desired
		for _, phase := range phases {
			status.Records = append(status.Records, &v1alpha1.Record{Phase: phase})
		}
		object, _ := o.(client.Object)
		return object
	}
	kill := func() *v1alpha1.PodChaos {
		return &v1alpha1.PodChaos{Spec: v1alpha1.PodChaosSpec{Action: v1alpha1.PodKillAction}}
	}
	for _, row := range []struct {
		sentence string
		object   client.Object
		want     bool
	}{
		{"it is over", of(&v1alpha1.NetworkChaos{}, v1alpha1.StoppedPhase, v1alpha1.NotInjected, v1alpha1.NotInjected), true},
		{"it is still in a pod", of(&v1alpha1.NetworkChaos{}, v1alpha1.StoppedPhase, v1alpha1.NotInjected, v1alpha1.Injected), false},
		{"it is to run", of(&v1alpha1.NetworkChaos{}, v1alpha1.RunningPhase, v1alpha1.NotInjected), false},
		{"nobody has looked at it", of(&v1alpha1.NetworkChaos{}, v1alpha1.StoppedPhase), false},
		{"it has killed", of(kill(), v1alpha1.RunningPhase, v1alpha1.Injected), true},
		{"it is to kill another", of(kill(), v1alpha1.RunningPhase, v1alpha1.Injected, v1alpha1.NotInjected), false},
		{"no fault", &corev1.ConfigMap{}, false},
	} {
		if got := over(row.object); got != row.want {
			t.Errorf("%s: %t", row.sentence, got)
		}
	}
}

// A Lease that its holder did not renew is over once its time has passed.
func TestALeaseIsOverOnceItHasExpired(t *testing.T) {
	for _, row := range []struct {
		sentence string
		renewed  time.Time
		want     bool
	}{
		{"just renewed", time.Now(), false},
		{"not renewed in time", time.Now().Add(-time.Minute), true},
	} {
		renewed, seconds := metav1.NewMicroTime(row.renewed), int32(30)
		lease := &coordinationv1.Lease{Spec: coordinationv1.LeaseSpec{RenewTime: &renewed, LeaseDurationSeconds: &seconds}}
		if got := expired(lease); got != row.want {
			t.Errorf("%s: %t", row.sentence, got)
		}
	}
	if expired(&coordinationv1.Lease{}) {
		t.Error("one that was never renewed does not expire")
	}
}
