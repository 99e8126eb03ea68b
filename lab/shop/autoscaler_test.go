package shop

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/aftershockhq/aftershock/lab/internal/place"
)

func TestAutoscalers(t *testing.T) {
	want := map[Defect]string{
		Autoscaled:        "2 to 5, down after 35 s, an eviction leaves 1",
		NoRequests:        "2 to 5, down after 35 s, an eviction leaves 1",
		MaxTooLow:         "2 to 3, down after 35 s, an eviction leaves 1",
		ScaleDownTooEager: "2 to 5, down after 0 s, an eviction leaves 1",
	}
	for _, defect := range Defects() {
		t.Run(string(defect), func(t *testing.T) {
			got, left := "", 0
			for _, o := range Manifests(defect, place.Inside) {
				switch o := o.(type) {
				case *policyv1.PodDisruptionBudget:
					if o.Name == Service {
						left = o.Spec.MinAvailable.IntValue()
					}
				case *autoscalingv2.HorizontalPodAutoscaler:
					if o.Name != Service || o.Spec.ScaleTargetRef.Name != Service {
						t.Errorf("the autoscaler %s is of %+v", o.Name, o.Spec.ScaleTargetRef)
					}
					got = fmt.Sprintf("%d to %d, down after %d s, an eviction leaves %d", *o.Spec.MinReplicas, o.Spec.MaxReplicas,
						*o.Spec.Behavior.ScaleDown.StabilizationWindowSeconds, left)
					if *o.Spec.MinReplicas != defect.Replicas() {
						t.Errorf("it rests at %d replicas, not at %d", *o.Spec.MinReplicas, defect.Replicas())
					}
				}
			}
			if got != want[defect] {
				t.Errorf("%q, want %q", got, want[defect])
			}
			if defect.Scales() != (want[defect] != "") {
				t.Errorf("says of itself that an autoscaler decides: %v", defect.Scales())
			}
		})
	}
}

func TestLimitsLeaveWhatTheLoadNeeds(t *testing.T) {
	limitOf := func(d Defect) (c corev1.Container, limit float64) {
		c = container(Service)
		d.apply(&c)
		return c, c.Resources.Limits.Cpu().AsApproximateFloat64()
	}
	cost := checkoutWork.Seconds()
	_, limit := limitOf(None)
	_, scaled := limitOf(Autoscaled)
	slow, low := limitOf(CPULimitTooLow)
	work, err := time.ParseDuration(slow.Env[slices.IndexFunc(slow.Env, func(e corev1.EnvVar) bool { return e.Name == "WORK" })].Value)
	if err != nil {
		t.Fatal(err)
	}
	share := 100.0 / 3 * work.Seconds() // of 100 requests a second
	for says, is := range map[string]bool{
		"a pod that is alone has a quarter of its limit to spare":           100*cost < 0.75*limit,
		"one of two pods does with half of its limit, beside a busy worker": 50*cost < limit/2,
		"stress of all three pods leaves more than one of two cores":        3*limit < 1,
		"an autoscaled pod that is alone has a third to spare in a surge":   160*cost < 0.68*scaled,
		"cpu-limit-too-low is enough without stress, and half of it is not": low/2 < share && share < low,
	} {
		if !is {
			t.Errorf("not so: %s", says)
		}
	}
}

func TestTheSurgeIsWhatTheAutoscalerIsMadeFor(t *testing.T) {
	request := resource.MustParse(cpuRequest)
	target := request.AsApproximateFloat64() * cpuTarget / 100
	const tolerance = 1.1 // an autoscaler lets a tenth pass
	cost := checkoutWork.Seconds()
	if rest := 40 * cost / minReplicas / target; rest > 0.6 {
		t.Errorf("at rest %.0f %% of the target", 100*rest)
	}
	// What is measured differs by a tenth from one look to the next.
	for measured, want := range map[float64]float64{0.9: 4, 1: 4, 1.1: maxReplicas} {
		use := 160 * cost * measured / target
		// The formula of the Kubernetes page "Horizontal Pod Autoscaling": the tolerance only lets things be as they are.
		if pods := math.Ceil(use); pods != want {
			t.Errorf("a surge that takes %g of what it should needs %.0f pods, want %.0f", measured, pods, want)
		}
		low := autoscaler(MaxTooLow).Spec.MaxReplicas
		if share := use / float64(low); share < tolerance {
			t.Errorf("%d pods would do: %.0f %% of the target", low, 100*share)
		}
	}
}
