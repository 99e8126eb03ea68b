package judge_test

import (
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// R13: an effect that is an event lies between T0 and the removal.
func TestAnEventIsAnEffectBetweenInjectionAndRemoval(t *testing.T) {
	gone := []record.Effect{{Event: record.EventGone}}
	restarted := []record.Effect{{Event: record.EventRestarted, Container: "shop"}}
	in := record.AttrContainer
	for _, row := range []struct {
		sentence string
		effects  []record.Effect
		held     bool
		removed  time.Duration // default 30 s
		events   []record.Event
		want     steadystate.Verdict
		text     string
	}{
		{"R13: a pod that goes in a scale-down 38 s after T0 was not killed", gone, false, 0, []record.Event{podEvent("gone", "a", 58*s, 59*s)}, steadystate.Unknown, "a (uid-a) gone at 58.000s..59.000s, which began with \"gone\" at 58.000s..59.000s, and not certainly while the fault was on, from 20.000s to 30.000s"},
		{"nor was one that is told to go then", gone, false, 0, []record.Event{podEvent("terminating", "a", 31*s, 32*s), podEvent("gone", "a", 58*s, 59*s)}, steadystate.Unknown, "which began with \"terminating\" at 31.000s"},
		{"a pod that goes at once was", gone, false, 0, []record.Event{podEvent("gone", "a", 19500*ms, 20500*ms)}, steadystate.Held, "a (uid-a) gone at 19.500s..20.500s"},
		{"so was one that was told to go, and had 30 s for it", gone, false, 0, []record.Event{podEvent("terminating", "a", 19900*ms, 20500*ms), podEvent("gone", "a", 50*s, 51*s)}, steadystate.Held, "gone at 50.000s"},
		{"an eviction is over when it is granted, and its pod goes later", gone, false, 20 * s, []record.Event{podEvent("evicted", "a", 20*s, 20100*ms), podEvent("gone", "a", 49*s, 50*s)}, steadystate.Held, "gone at 49.000s"},
		{"a pod that was on its way out before was not killed either", gone, false, 0, []record.Event{podEvent("terminating", "a", 15*s, 16*s), podEvent("gone", "a", 20100*ms, 21*s)}, steadystate.Unknown, "which began with \"terminating\" at 15.000s..16.000s"},
		{"what happened during a gap is unknown", gone, false, 0, []record.Event{podEvent("gone", "a", 12*s, 55*s)}, steadystate.Unknown, "not certainly while the fault was on"},
		{"what is over at once shows soon, however long the run goes on", gone, false, 68 * s, []record.Event{podEvent("terminating", "a", 60*s, 61*s), podEvent("gone", "a", 61*s, 62*s)}, steadystate.Unknown, "from 20.000s to 50.000s"},
		{"a drain takes as long as it takes", gone, true, 68 * s, []record.Event{podEvent("terminating", "a", 60*s, 61*s), podEvent("gone", "a", 61*s, 62*s)}, steadystate.Held, "gone at 61.000s"},
		{"the pod with its name later is another", gone, false, 0, []record.Event{{Span: steadystate.Instant(21 * s), Kind: "gone", Subject: "pod/shop/a", UID: "uid-of-the-next"}}, steadystate.Unknown, "a was never seen gone"},
		{"a container that was killed is started again when the kubelet likes", restarted, false, 0, []record.Event{podEvent("stopped", "a", 20*s, 21*s, in, "shop"), podEvent("restarted", "a", 45*s, 46*s, in, "shop")}, steadystate.Held, "restarted at 45.000s"},
		{"one that had crashed before was not killed", restarted, false, 0, []record.Event{podEvent("stopped", "a", 10*s, 11*s, in, "shop"), podEvent("restarted", "a", 21*s, 22*s, in, "shop")}, steadystate.Unknown, "which began with \"stopped\" at 10.000s"},
		{"one that had crashed before and was killed, was", restarted, false, 0, []record.Event{podEvent("stopped", "a", 5*s, 6*s, in, "shop"), podEvent("restarted", "a", 7*s, 8*s, in, "shop"), podEvent("stopped", "a", 20*s, 21*s, in, "shop"), podEvent("restarted", "a", 21*s, 22*s, in, "shop")}, steadystate.Held, "restarted at 21.000s"},
		{"a crash after the removal is none of it", restarted, false, 0, []record.Event{podEvent("stopped", "a", 35*s, 36*s, in, "shop"), podEvent("restarted", "a", 36*s, 37*s, in, "shop")}, steadystate.Unknown, "which began with \"stopped\" at 35.000s"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			removed := row.removed
			if removed == 0 {
				removed = 30 * s
			}
			r := scene{removed: removed, events: row.events, injection: record.Injection{Targets: hits("a"), Effects: row.effects, OneShot: !row.held, ChangesPods: row.effects[0].Event == record.EventGone}}.result(t)
			want(t, proof(t, r, "effect"), row.want, row.text)
		})
	}
}
