package shop

import (
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/aftershockhq/aftershock/lab/internal/place"
)

// deployed is the deployment of that name, and the environment of its container.
func deployed(t *testing.T, d Defect, name string) (*appsv1.Deployment, map[string]string) {
	t.Helper()
	for _, o := range Manifests(d, place.Inside) {
		if dep, ok := o.(*appsv1.Deployment); ok && dep.Name == name {
			env := map[string]string{}
			for _, e := range dep.Spec.Template.Spec.Containers[0].Env {
				env[e.Name] = e.Value
			}
			return dep, env
		}
	}
	t.Fatalf("no deployment %s", name)
	return nil, nil
}

// outline is what of a container a defect may change, in one line.
func outline(d *appsv1.Deployment, env map[string]string) string {
	c := d.Spec.Template.Spec.Containers[0]
	words := []string{"start " + env["START_DELAY"]}
	say := func(is bool, word string) {
		if is {
			words = append(words, word)
		}
	}
	say(d.Spec.Replicas == nil, "autoscaled")
	say(d.Spec.Replicas != nil && *d.Spec.Replicas != 3, "alone")
	say(c.ReadinessProbe == nil, "unready")
	say(env["GRACEFUL"] != "true", "abrupt")
	say(env["DRAIN_DELAY"] != "3s", "drain "+env["DRAIN_DELAY"])
	for _, name := range []string{"WARMUP", "LIVENESS_DELAY", "ANSWER_DELAY", "PAY_TRIES", "PAY_TRY_TIMEOUT", "PAY_TIMEOUT", "BREAKER", "LIVENESS_PAYMENTS", "LEAK"} {
		say(env[name] != "", name+"="+env[name])
	}
	say(env["WORK"] != checkoutWork.String() && env["WORK"] != paymentsWork.String(), "WORK="+env["WORK"])
	say(d.Spec.Strategy.Type != appsv1.RollingUpdateDeploymentStrategyType, "all at once")
	if s := d.Spec.Strategy.RollingUpdate; s != nil {
		say(s.MaxUnavailable.String() != "0", "unavailable "+s.MaxUnavailable.String())
	}
	say(c.LivenessProbe.FailureThreshold != 3, "hasty")
	say(c.LivenessProbe.TimeoutSeconds != 3, fmt.Sprintf("alive within %d s", c.LivenessProbe.TimeoutSeconds))
	say(*d.Spec.Template.Spec.TerminationGracePeriodSeconds != 20, fmt.Sprintf("grace %d s", *d.Spec.Template.Spec.TerminationGracePeriodSeconds))
	say(d.Spec.Template.Spec.NodeSelector != nil, "on "+d.Spec.Template.Spec.NodeSelector[corev1.LabelHostname])
	say(c.Resources.Requests.Cpu().MilliValue() != 50, "requests "+c.Resources.Requests.Cpu().String())
	usual := int64(300)
	if d.Name == Payments {
		usual = 150
	}
	say(c.Resources.Limits.Cpu().MilliValue() != usual, "limit "+c.Resources.Limits.Cpu().String())
	return strings.Join(words, " ")
}

func TestEachDefectIsWrongInOneWay(t *testing.T) {
	want := map[Defect]string{
		None:                  "start 2s",
		NoReadiness:           "start 8s unready",
		OneReplica:            "start 2s alone",
		NoGracefulShutdown:    "start 2s abrupt ANSWER_DELAY=250ms",
		NoRetry:               "start 2s PAY_TRIES=1",
		NoBreaker:             "start 2s PAY_TRY_TIMEOUT=350ms PAY_TIMEOUT=2s BREAKER=false",
		NoTimeout:             "start 2s PAY_TRY_TIMEOUT=0s PAY_TIMEOUT=0s",
		LivenessOnPayments:    "start 2s LIVENESS_PAYMENTS=true hasty",
		CPULimitTooLow:        "start 2s WORK=6ms",
		MemoryLeak:            "start 2s LEAK=80",
		SlowStart:             "start 5s",
		ReadinessTooEarly:     "start 2s WARMUP=5s",
		NoDrain:               "start 2s drain 0s",
		GraceTooShort:         "start 2s ANSWER_DELAY=1400ms grace 1 s",
		NoBudget:              "start 5s",
		MaxUnavailableTooHigh: "start 5s unavailable 100%",
		OnOneNode:             "start 2s on node1",
		NoRoom:                "start 2s requests 0 limit 0",
		LivenessOutOfTime:     "start 2s LIVENESS_DELAY=750ms hasty alive within 1 s",
		Recreate:              "start 2s all at once",
		Autoscaled:            "start 2s autoscaled requests 120m limit 500m",
		NoRequests:            "start 2s autoscaled requests 0 limit 0",
		MaxTooLow:             "start 2s autoscaled requests 120m limit 500m",
		ScaleDownTooEager:     "start 2s autoscaled requests 120m limit 500m",
		DataNotOnTheVolume:    "start 2s",
	}
	for _, defect := range Defects() {
		t.Run(string(defect), func(t *testing.T) {
			d, env := deployed(t, defect, Service)
			if got := outline(d, env); got != want[defect] {
				t.Errorf("%s, want %s", got, want[defect])
			}
			if !defect.Scales() && *d.Spec.Replicas != defect.Replicas() {
				t.Errorf("%d replicas, want %d", *d.Spec.Replicas, defect.Replicas())
			}
			if got := d.Annotations[DefectAnnotation]; got != string(defect) {
				t.Errorf("annotated %q", got)
			}
			if env["PAYMENTS"] != "http://"+PaymentsAddress {
				t.Errorf("payments are at %q", env["PAYMENTS"])
			}
			back, env := deployed(t, defect, Payments)
			if got := outline(back, env); got != "start 2s alone" || *back.Spec.Replicas != 2 {
				t.Errorf("payments are not healthy: %s", got)
			}
			for _, d := range []*appsv1.Deployment{d, back} {
				c := d.Spec.Template.Spec.Containers[0]
				if c.LivenessProbe == nil || c.Lifecycle != nil {
					t.Errorf("%s: every defect keeps its liveness probe and has no hook", d.Name)
				}
				for _, r := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
					if r == corev1.ResourceCPU && (defect == NoRequests || defect == NoRoom) && d.Name == Service {
						continue
					}
					request, limit := c.Resources.Requests[r], c.Resources.Limits[r]
					if request.IsZero() || limit.Cmp(request) <= 0 {
						t.Errorf("%s: %s: a request of %s and a limit of %s", d.Name, r, request.String(), limit.String())
					}
				}
			}
		})
	}
}

func TestPaymentsAreWhereCheckoutLooksForThem(t *testing.T) {
	services, budgets := map[string]*corev1.Service{}, map[string]int{}
	for _, o := range Manifests(None, place.Inside) {
		switch o := o.(type) {
		case *corev1.Service:
			services[o.Name] = o
		case *policyv1.PodDisruptionBudget:
			budgets[o.Name] = o.Spec.MinAvailable.IntValue()
		}
	}
	d, _ := deployed(t, None, Payments)
	back := services[Payments]
	if back.Spec.ClusterIP != PaymentsAddress || back.Spec.Selector["app"] != d.Spec.Template.Labels["app"] || back.Spec.Ports[0].Port != 80 {
		t.Errorf("%+v", back.Spec)
	}
	if args := d.Spec.Template.Spec.Containers[0].Args; len(args) != 1 || args[0] != "payments" {
		t.Errorf("started with %q", args)
	}
	if services[Service].Spec.Ports[0].NodePort != NodePort {
		t.Errorf("%+v", services[Service].Spec)
	}
	if budgets[Service] != 2 || budgets[Payments] != 1 {
		t.Errorf("available must be at least %v", budgets)
	}
}

func TestARolloutThatCannotStartTakesNothingAway(t *testing.T) {
	for _, name := range []string{Service, Payments} {
		d, _ := deployed(t, None, name)
		s := d.Spec.Strategy.RollingUpdate
		if s.MaxUnavailable.IntValue() != 0 || s.MaxSurge.IntValue() != 1 || *d.Spec.ProgressDeadlineSeconds != 20 {
			t.Errorf("%s: %+v", name, d.Spec.Strategy)
		}
		// There is no registry: an image that is not there must be an error at once, not a wait for one.
		if policy := d.Spec.Template.Spec.Containers[0].ImagePullPolicy; policy != corev1.PullNever {
			t.Errorf("%s: images are pulled: %s", name, policy)
		}
	}
}

func TestADeploymentNeedNotBeGentleToBeInPlace(t *testing.T) {
	for _, defect := range []Defect{None, MaxUnavailableTooHigh, Recreate} {
		want, _ := deployed(t, defect, Service)
		for _, o := range AtOnce(Manifests(defect, place.Inside)) {
			d, ok := o.(*appsv1.Deployment)
			if !ok || d.Name != Service {
				continue
			}
			if r := d.Spec.Strategy.RollingUpdate; r != nil {
				if r.MaxSurge.String() != "100%" {
					t.Errorf("%s: %s at a time", defect, r.MaxSurge)
				}
				r.MaxSurge = want.Spec.Strategy.RollingUpdate.MaxSurge
			}
			// Else all pods would start again when the deployment becomes what it is to be.
			if !reflect.DeepEqual(d, want) {
				t.Errorf("%s: %+v, want %+v", defect, d, want)
			}
		}
	}
}

// What the next deployment does not have, it must take away, and what must come late too.
func TestWhatAnotherDeploymentLeavesIsRemoved(t *testing.T) {
	names := func(objects []runtime.Object) (list []string) {
		for _, o := range objects {
			list = append(list, o.GetObjectKind().GroupVersionKind().Kind+" "+o.(metav1.Object).GetName())
		}
		slices.Sort(list)
		return list
	}
	every := map[string]bool{}
	for _, d := range Defects() {
		for _, name := range slices.Concat(names(Manifests(d, place.Inside)), names(Late(d))) {
			every[name] = true
		}
	}
	for _, d := range Defects() {
		first, late, gone := names(Manifests(d, place.Inside)), names(Late(d)), names(Leftovers(d))
		for name := range every {
			if slices.Contains(first, name) == slices.Contains(gone, name) {
				t.Errorf("%s: %s: in the manifests %v, removed %v", d, name, slices.Contains(first, name), slices.Contains(gone, name))
			}
		}
		if want := d == NoRoom; (len(late) > 0) != want {
			t.Errorf("%s: late: %v", d, late)
		}
		if _, env := deployed(t, d, Service); d.Slow() != (env["ANSWER_DELAY"] == "1400ms") {
			t.Errorf("%s: says of itself that it is slow: %v", d, d.Slow())
		}
	}
}

func TestParseDefect(t *testing.T) {
	for _, d := range Defects() {
		if got, err := ParseDefect(string(d)); got != d || err != nil {
			t.Errorf("%s: %v, %v", d, got, err)
		}
	}
	_, err := ParseDefect("slow")
	want := `no defect is called "slow": choose one of none, no-readiness, readiness-too-early, one-replica, no-graceful-shutdown, ` +
		`no-drain, grace-too-short, no-budget, max-unavailable-too-high, on-one-node, no-room, no-retry, no-breaker, no-timeout, ` +
		`liveness-on-payments, liveness-out-of-time, cpu-limit-too-low, memory-leak, slow-start, recreate, autoscaled, no-requests, ` +
		`max-too-low, scale-down-too-eager, data-not-on-the-volume`
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestEachDefectIsExplained(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range Defects() {
		if d.Wrong() == "" {
			t.Errorf("%s: nobody says what is wrong", d)
		}
		if d != None && !strings.Contains(string(readme), "| `"+string(d)+"` |") {
			t.Errorf("%s has no line in the table of README.md", d)
		}
	}
}
