package rollout_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/rollout"
	"github.com/aftershockhq/aftershock/record"
)

func TestARestartReplacesEveryPodAndIsOverWhenTheRolloutIs(t *testing.T) {
	var s *shop
	r := play(t, func(t *testing.T) (experiments.Fault, func()) {
		s = newShop(t)
		return &rollout.Restart{Workload: s.workload()}, nil
	})
	if r.inject != nil || r.undo != nil || r.injection.FailureReason != "" {
		t.Fatal(r.inject, r.undo, r.injection.FailureReason)
	}
	if len(r.injection.Targets) != 2 || r.injection.Targets[0].UID != "a-uid" || r.injection.Targets[1].UID != "b-uid" {
		t.Errorf("targets %v, want the pods of the deployment that were there, and of no other", r.injection.Targets)
	}
	if len(r.injection.Effects) != 1 || r.injection.Effects[0].Event != record.EventGone || r.injection.Kind != record.KindRestart {
		t.Errorf("%q with effects %v, want a restart, and that they are gone", r.injection.Kind, r.injection.Effects)
	}
	if r.injection.To != 0 || r.injection.OneShot {
		t.Errorf("took effect in %s, one shot %t; want the request, and that it lasts", r.injection.Span, r.injection.OneShot)
	}
	if want := "changing, gone, gone, rolled out"; r.kinds() != want {
		t.Errorf("events %s, want %s", r.kinds(), want)
	}
	if s.image() != good || s.get().Spec.Template.Annotations["kubectl.kubernetes.io/restartedAt"] == "" || s.patches != 1 {
		t.Errorf("deployment %+v after %d patches, want it restarted once, and nothing else", s.get().Spec.Template, s.patches)
	}
}

func TestTheEndOfARestartIsDated(t *testing.T) {
	r := play(t, func(t *testing.T) (experiments.Fault, func()) {
		s := newShop(t)
		// It takes twenty seconds more until the controller begins.
		s.stuck = true
		return &rollout.Restart{Workload: s.workload()}, func() { time.AfterFunc(15*time.Second, s.reconcile) }
	})
	// The controller never saw it in a minute, and then did.
	if !strings.Contains(r.injection.FailureReason, "the rollout did not begin: its controller has seen generation 1 of 2") {
		t.Errorf("failure reason %q", r.injection.FailureReason)
	}
	// 60 s of waiting, 15 s and 1 s + 5 s until it is over.
	if r.removed.From < 79*time.Second || r.removed.To > 81*time.Second || r.removed.Width() > time.Second {
		t.Errorf("ended in %s, want about 80 s", r.removed)
	}
}

func TestARestartThatDoesNotEndIsInTheRecordAndNoError(t *testing.T) {
	r := play(t, func(t *testing.T) (experiments.Fault, func()) {
		s := newShop(t)
		s.slow = true
		return &rollout.Restart{Workload: s.workload()}, nil
	})
	if r.undo != nil || !strings.Contains(r.notes, "restart deployment checkout in shop: the rollout had not ended at 71.") || !strings.Contains(r.notes, "a rollout is under way, 2 of 3 pods are up to date; nothing undoes a restart") {
		t.Errorf("error %v, notes %q", r.undo, r.notes)
	}
	if want := "changing, gone"; r.kinds() != want {
		t.Errorf("events %s, want %s: pod b is still there", r.kinds(), want)
	}
}
