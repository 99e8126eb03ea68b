package suites

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/aftershockhq/aftershock/experiments"
)

// sized is a deployment that wants so many pods, of which so many are ready.
func sized(want, ready int32) *appsv1.Deployment {
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "checkout"},
		Spec:       appsv1.DeploymentSpec{Replicas: new(want)},
		Status:     appsv1.DeploymentStatus{Replicas: want, UpdatedReplicas: want, ReadyReplicas: ready, AvailableReplicas: ready},
	}
}

func TestTheServiceHasScaledOnceItsNewSizeLasts(t *testing.T) {
	const rest = 20 * time.Second
	type change struct {
		at          time.Duration
		want, ready int32
	}
	for _, row := range []struct {
		sentence string
		changes  []change
		after    time.Duration // at most a look later
		note     string
	}{
		{"it scales in one step", []change{{15 * time.Second, 4, 4}}, 35 * time.Second, "4 pods are wanted, 2 were"},
		{"its new pods become ready late", []change{{15 * time.Second, 4, 2}, {30 * time.Second, 4, 4}}, 50 * time.Second, "4 pods are wanted, 2 were"},
		{"it scales in two steps, the second before the first has lasted", []change{{15 * time.Second, 3, 3}, {30 * time.Second, 5, 5}}, 50 * time.Second, "5 pods are wanted, 2 were"},
		{"it scales, and back at once", []change{{15 * time.Second, 3, 3}, {30 * time.Second, 2, 2}}, scalingTimeout, "no more than 2 pods were wanted for 2m0s"},
		{"it does not scale", nil, scalingTimeout, "no more than 2 pods were wanted for 2m0s"},
		{"its new pods never become ready", []change{{15 * time.Second, 4, 2}}, scalingTimeout, ""},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				target := &Target{}
				target.Service.Namespace, target.Service.Deployment = "shop", "checkout"
				target.Client = fake.NewClientBuilder().WithObjects(sized(2, 2)).Build()
				for _, c := range row.changes {
					time.AfterFunc(c.at, func() {
						d := sized(c.want, c.ready)
						if err := errors.Join(target.Client.Update(t.Context(), d.DeepCopy()), target.Client.Status().Update(t.Context(), d)); err != nil {
							t.Error(err)
						}
					})
				}
				var record bytes.Buffer
				rec := experiments.NewRecorder(&record)
				begin := time.Now()
				if err := target.scaled(t.Context(), rec, rest); err != nil {
					t.Fatal(err)
				}
				if took := time.Since(begin); took < row.after || took > row.after+replicasEvery {
					t.Errorf("it has scaled after %s, want %s", took, row.after)
				}
				rec.Flush()
				if noted := strings.Contains(record.String(), `"note"`); noted != (row.note != "") || !strings.Contains(record.String(), row.note) {
					t.Errorf("noted %q, want %q", record.String(), row.note)
				}
			})
		})
	}
}

func TestWhatAScaledServiceSustainsIsAskedOnceItHasScaled(t *testing.T) {
	e := build(t, scaled, "capacity/scaled")
	f, ok := e.Faults[0].(*scaledOut)
	if !ok || len(e.Faults) != 1 || f.rest != 30*time.Second {
		t.Fatalf("faults %v, want a surge that waits for twice the range of the rates", e.Faults)
	}
	if !strings.Contains(f.String(), "held once the service has scaled") {
		t.Error(f)
	}
}
