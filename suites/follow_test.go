package suites_test

import (
	"bytes"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/chaosmesh"
	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/suites"
)

// TestFollow kills a pod while the network is slow: its replacement must be
// slow too, within five seconds of its start, and nothing may be left.
//
//	go test ./suites -run TestFollow -v -args -config lab/aftershock.yaml
func TestFollow(t *testing.T) {
	target, e := onTheLab(t, "network/delay")
	pods := faults.PodsOf(target.Service.Namespace, target.Service.Selector)
	e.Name, e.Hold = "a pod dies on a slow network", 15*time.Second
	e.Faults = []experiments.Scheduled{
		{Name: "slow", Fault: target.Chaos.Fault(chaosmesh.NetworkDelay{Pods: pods, Latency: 200 * time.Millisecond, Follow: true})},
		{Name: "kill", Fault: target.Chaos.Fault(chaosmesh.PodKill{Pods: pods, Count: faults.One})},
	}
	var recorded bytes.Buffer
	if err := e.Run(t.Context(), record.NewRecorder(&recorded)); err != nil {
		t.Fatal(err)
	}
	entries := record.Read(bytes.NewReader(recorded.Bytes()))
	result, err := judge.Judge(entries, nil)
	if err != nil {
		t.Fatal(err)
	}
	started := map[string]steadystate.Span{} // by UID
	followed := 0
	for _, event := range result.Events {
		switch event.Kind {
		case record.EventStarted:
			started[event.UID] = event.Span
		case record.EventNotFollowed:
			t.Errorf("%s was not followed: %v", event.Subject, event.Attrs)
		case record.EventFollowed:
			followed++
			took := event.Since(started[event.UID])
			t.Logf("%s started at %s, followed at %s: after %s to %s", event.Subject, started[event.UID], event.Span, took.Low, took.High)
			if took.Low > 5*time.Second {
				t.Errorf("%s was followed after %v, want five seconds", event.Subject, took)
			}
			slow(t, entries, event, result)
		}
	}
	if followed != 1 {
		t.Errorf("%d pods were followed, want the one that replaces the one killed", followed)
	}
	left, err := chaosmesh.Find(t.Context(), target.Client, faults.Scope{Namespaces: target.Namespaces})
	if err != nil || len(left) != 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

// onTheLab connects to the cluster of the configuration, and is the standard
// experiment of an id there. Without a configuration the test is skipped.
func onTheLab(t *testing.T, id string) (*suites.Target, experiments.Experiment) {
	t.Helper()
	if *configFlag == "" || byGinkgo() {
		t.Skip("it needs a cluster: go test ./suites -run " + t.Name() + " -v -args -config lab/aftershock.yaml")
	}
	stood, err := whereTheUserStands(*configFlag)
	if err != nil {
		t.Fatal(err)
	}
	config, err := suites.Load(filepath.Join(stood, *configFlag))
	if err != nil {
		t.Fatal(err)
	}
	target, err := config.Connect()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(target.Close)
	if err := target.Read(t.Context()); err != nil {
		t.Fatal(err)
	}
	all := suites.All(target)
	i := slices.IndexFunc(all, func(e experiments.Experiment) bool { return suites.ID(e) == id })
	if i < 0 {
		t.Fatalf("no experiment %s: %v", id, target.LeftOut())
	}
	say := func(what, found string) { t.Logf("ok  %s: %s", what, found) }
	if err := target.Preflight(t.Context(), all[i:i+1], say); err != nil {
		t.Fatal(err)
	}
	return target, all[i]
}

// slow looks whether what the followed pod answered took as long as was asked.
func slow(t *testing.T, entries func(func(record.Entry, error) bool), followed record.Event, result judge.Result) {
	t.Helper()
	var during steadystate.Values
	for e, err := range entries {
		if err != nil {
			t.Fatal(err)
		}
		if e.Requests == nil {
			continue
		}
		for _, q := range e.Requests.List {
			if q.Backend != "" && strings.HasSuffix(followed.Subject, "/"+q.Backend) && q.Sent > followed.To && q.Answered < result.Injections[0].Removed.From {
				during.Add((q.Answered - q.Sent).Seconds())
			}
		}
	}
	if during.N() < 10 || during.Quantile(0.5).Low < 0.16 {
		t.Errorf("%d answers of %s while it was followed, median %v s; want at least 10 and 0.16 s", during.N(), followed.Subject, during.Quantile(0.5))
	}
	t.Logf("%d answers of %s while it was followed, median %.3f s", during.N(), followed.Subject, during.Quantile(0.5).Low)
}
