package kube_test

import (
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/kube"
)

func TestARolloutIsCompleteWhenNothingOldIsLeftAndEverythingNewIsReady(t *testing.T) {
	for _, row := range []struct {
		name   string
		change func(*appsv1.Deployment)
		value  float64
		bucket steadystate.Bucket
		good   bool
	}{
		{"complete", func(*appsv1.Deployment) {}, 1, steadystate.Bucket{}, true},
		{"of a single one by default", func(d *appsv1.Deployment) { *d = *checkout(1); d.Spec.Replicas = nil }, 1, steadystate.Bucket{}, true},
		{"a change that its controller has not seen", func(d *appsv1.Deployment) { d.Generation = 3 }, 0, steadystate.Bucket{}, false},
		{"none of the new ones is there", func(d *appsv1.Deployment) { d.Status.UpdatedReplicas = 0 }, 0, steadystate.Bucket{}, false},
		{
			"one new one, which may be one of the three that are ready",
			func(d *appsv1.Deployment) { d.Status.Replicas, d.Status.UpdatedReplicas = 4, 1 },
			0,
			steadystate.Bucket{Low: 0, High: 0.25},
			false,
		},
		{
			"all new ones are ready and an old one is left",
			func(d *appsv1.Deployment) { d.Status.Replicas, d.Status.ReadyReplicas = 4, 4 },
			0.75,
			steadystate.Bucket{},
			false,
		},
		{"all are new and one is not ready", func(d *appsv1.Deployment) { d.Status.ReadyReplicas = 2 }, 2. / 3, steadystate.Bucket{}, false},
		{"scaled down, one too many still there, all of one revision", func(d *appsv1.Deployment) { d.Spec.Replicas = ptr.To[int32](2) }, 1, steadystate.Bucket{}, true},
		{"scaled up, one still to come", func(d *appsv1.Deployment) { d.Spec.Replicas = ptr.To[int32](4) }, 0.75, steadystate.Bucket{}, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := newClient(t, interceptor.Funcs{}, checkout(3, row.change))
			o := watchSource(t, kube.Rollout(c, service), func(clock steadystate.Clock) { until(clock, 2500*time.Millisecond) })
			if o.err != nil || len(o.list) != 3 {
				t.Fatalf("%v, %d observations; want one a second", o.err, len(o.list))
			}
			got := o.list[0]
			if got.Value != row.value || got.Bucket != row.bucket {
				t.Errorf("value %g in %s, want %g in %s", got.Value, got.Bucket, row.value, row.bucket)
			}
			if got.Good(allReady) != row.good || got.Bad(allReady) == row.good {
				t.Errorf("good %t, bad %t of \">= 1\"; want it decided, good %t", got.Good(allReady), got.Bad(allReady), row.good)
			}
		})
	}
}

func TestTheTimeToRollBackIsAnOutageOfTheRollout(t *testing.T) {
	c := newClient(t, interceptor.Funcs{}, checkout(3))
	set := func(change func(*appsv1.Deployment)) {
		d := checkout(0)
		if err := c.Get(t.Context(), client.ObjectKeyFromObject(d), d); err != nil {
			t.Fatal(err)
		}
		// Once: what is watched between two updates is neither the one state nor the other.
		generation := d.Generation
		change(d)
		var err error
		if d.Generation != generation {
			err = c.Update(t.Context(), d)
		} else {
			err = c.Status().Update(t.Context(), d)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	o := watchSource(t, kube.Rollout(c, service), func(clock steadystate.Clock) {
		until(clock, 5300*time.Millisecond)
		set(func(d *appsv1.Deployment) { d.Generation = 3 })
		until(clock, 5400*time.Millisecond)
		set(func(d *appsv1.Deployment) {
			d.Status.ObservedGeneration, d.Status.Replicas, d.Status.UpdatedReplicas = 3, 4, 1
		})
		until(clock, 9700*time.Millisecond)
		set(func(d *appsv1.Deployment) { d.Status.Replicas, d.Status.UpdatedReplicas = 3, 3 })
		until(clock, 15*time.Second)
	})
	got := outages(o, 15*time.Second)
	if o.err != nil || len(got) != 1 || !got[0].Length().Holds(4400*time.Millisecond) || got[0].Length().High > 6*time.Second {
		t.Errorf("%v, outages %+v; want one that may be 4.4 s", o.err, got)
	}
}

func TestARolloutOfNoDeploymentIsAnError(t *testing.T) {
	o := watchSource(t, kube.Rollout(newClient(t, interceptor.Funcs{}), service), func(clock steadystate.Clock) { until(clock, time.Minute) })
	wantError(t, o.err, "observe rollout of deployment checkout in shop: there is no such deployment; check the name and the namespace")
}
