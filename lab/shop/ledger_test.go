package shop

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"

	"github.com/aftershockhq/aftershock/lab/internal/place"
)

// ledgerObjects are those of the ledger, by kind.
type ledgerObjects struct {
	store    *appsv1.StatefulSet
	services map[string]*corev1.Service
	volumes  map[string]*corev1.PersistentVolume
	budget   *policyv1.PodDisruptionBudget
}

func ledgerOf(t *testing.T, d Defect) ledgerObjects {
	t.Helper()
	l := ledgerObjects{services: map[string]*corev1.Service{}, volumes: map[string]*corev1.PersistentVolume{}}
	for _, o := range Manifests(d, place.Inside) {
		switch o := o.(type) {
		case *appsv1.StatefulSet:
			l.store = o
		case *corev1.Service:
			l.services[o.Name] = o
		case *corev1.PersistentVolume:
			l.volumes[o.Name] = o
		case *policyv1.PodDisruptionBudget:
			if o.Name == Ledger {
				l.budget = o
			}
		}
	}
	if l.store == nil || l.budget == nil {
		t.Fatalf("no ledger, or no budget of it, with defect %s", d)
	}
	return l
}

func env(c corev1.Container) map[string]string {
	values := map[string]string{}
	for _, e := range c.Env {
		values[e.Name] = e.Value
	}
	return values
}

func TestOnlyOneDefectKeepsDataOffTheVolume(t *testing.T) {
	for _, defect := range Defects() {
		c := ledgerOf(t, defect).store.Spec.Template.Spec.Containers[0]
		on := len(c.VolumeMounts) == 1 && env(c)["DATA"] == c.VolumeMounts[0].MountPath
		if on == (defect == DataNotOnTheVolume) {
			t.Errorf("%s: data in %s, volumes at %+v", defect, env(c)["DATA"], c.VolumeMounts)
		}
		// What is expected of one store must not be missed in the other.
		if same := env(c)["STORE"] == env(ledgerOf(t, None).store.Spec.Template.Spec.Containers[0])["STORE"]; same != on {
			t.Errorf("%s: is taken for the healthy store: %v", defect, same)
		}
	}
}

func TestEachPodOfTheLedgerHasAVolume(t *testing.T) {
	l := ledgerOf(t, None)
	claim := l.store.Spec.VolumeClaimTemplates[0]
	if mounted := l.store.Spec.Template.Spec.Containers[0].VolumeMounts[0].Name; mounted != claim.Name {
		t.Errorf("%s is mounted and %s is claimed", mounted, claim.Name)
	}
	folders := map[string]bool{}
	for pod := range *l.store.Spec.Replicas {
		name := fmt.Sprintf("%s-%d", l.store.Name, pod)
		v := l.volumes[name]
		if v == nil {
			t.Errorf("no volume for %s", name)
			continue
		}
		if v.Spec.ClaimRef.Name != claim.Name+"-"+name || v.Spec.ClaimRef.Namespace != l.store.Namespace {
			t.Errorf("the volume of %s is for the claim %+v", name, v.Spec.ClaimRef)
		}
		if v.Spec.StorageClassName != *claim.Spec.StorageClassName || !slices.Equal(v.Spec.AccessModes, claim.Spec.AccessModes) ||
			v.Spec.Capacity.Storage().Cmp(*claim.Spec.Resources.Requests.Storage()) < 0 {
			t.Errorf("the volume of %s does not fit the claim: %+v", name, v.Spec)
		}
		// The lab's folder goes when the lab is taken down, and so must the data.
		if path := v.Spec.HostPath.Path; !strings.HasPrefix(path, string(place.Inside)+"/") || folders[path] {
			t.Errorf("the volume of %s lies in %s", name, path)
		}
		folders[v.Spec.HostPath.Path] = true
	}
}

func TestTheClientReachesEachPodOfTheLedger(t *testing.T) {
	l := ledgerOf(t, None)
	client, clientEnv := deployed(t, None, LedgerClient)
	if len(client.Spec.Template.Spec.Containers[0].Ports) != 0 {
		t.Error("Prometheus would look for metrics of the client")
	}
	if l.store.Spec.Selector.MatchLabels["app"] == client.Spec.Selector.MatchLabels["app"] {
		t.Error("the client is taken for a pod of the ledger")
	}
	stores := strings.Split(clientEnv["STORES"], ",")
	if len(stores) != int(*l.store.Spec.Replicas) {
		t.Fatalf("a load on %q", stores)
	}
	// Addresses in the first 256 of the range are not given away by chance.
	static := netip.MustParsePrefix("198.19.0.0/24")
	for pod, url := range stores {
		name := fmt.Sprintf("%s-%d", l.store.Name, pod)
		s := l.services[name]
		if s == nil || s.Spec.Selector[appsv1.StatefulSetPodNameLabel] != name || url != "http://"+s.Spec.ClusterIP {
			t.Fatalf("%s is to be %s: %+v", url, name, s)
		}
		if !static.Contains(netip.MustParseAddr(s.Spec.ClusterIP)) {
			t.Errorf("the address of %s, %s, may be given away by chance", name, s.Spec.ClusterIP)
		}
	}
}

func TestTheServicesOfTheLedger(t *testing.T) {
	l := ledgerOf(t, None)
	if s := l.services[l.store.Spec.ServiceName]; s == nil || s.Spec.ClusterIP != corev1.ClusterIPNone {
		t.Errorf("the StatefulSet's own is not headless: %+v", s)
	}
	if s := l.services[Ledger]; s.Spec.Ports[0].NodePort != LedgerNodePort || len(s.Spec.Selector) != 1 {
		t.Errorf("from the host: %+v", s.Spec)
	}
	if left := l.budget.Spec.MinAvailable.IntValue(); left != int(*l.store.Spec.Replicas)-1 {
		t.Errorf("an eviction leaves %d", left)
	}
}
