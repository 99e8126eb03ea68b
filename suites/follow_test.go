package suites_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/config"
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
	session, e := onTheLab(t, "checkout/network/delay")
	p := e.Planned
	p.Times.Hold = 15 * time.Second
	p.Faults = []config.PlannedFault{
		{Name: "slow", Fault: config.Fault{Spec: chaosmesh.NetworkDelay{Count: faults.All, Latency: 200 * time.Millisecond, Follow: true}}},
		{Name: "kill", Fault: config.Fault{Spec: chaosmesh.PodKill{Count: faults.One}}},
	}
	list, err := session.Experiments([]config.Planned{p})
	if err != nil {
		t.Fatal(err)
	}
	e = list[len(list)-1]
	e.Name = "a pod dies on a slow network"
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
	left, err := chaosmesh.Find(t.Context(), session.Client, faults.Scope{Namespaces: session.Plan.Allow.Namespaces})
	if err != nil || len(left) != 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

// onTheLab connects to the cluster of the configuration, and is the experiment of
// an id there. Without a configuration the test is skipped.
func onTheLab(t *testing.T, id string) (*suites.Session, suites.Experiment) {
	t.Helper()
	if *configFlag == "" || byGinkgo() {
		t.Skip("it needs a cluster: go test ./suites -run " + t.Name() + " -v -args -config lab/aftershock.yaml")
	}
	session, list, _ := fromFile(t, func(p config.Planned) bool { return p.ID() == id })
	if len(list) == 0 {
		t.Fatalf("no experiment %s: %v", id, session.Plan.Skipped)
	}
	say := func(mark suites.Mark, what, found string) { t.Logf("%s  %s: %s", mark, what, found) }
	if err := session.Preflight(t.Context(), list, say); err != nil {
		t.Fatal(err)
	}
	return session, list[len(list)-1] // after its control run, if it has one
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
