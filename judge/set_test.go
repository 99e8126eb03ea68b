package judge_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// A pod that joins while a fault is held is not hit, and one that leaves was.
// The proof then is not of what was meant, unless the experiment expects it.
func TestTheSetOfTargetsIsFollowed(t *testing.T) {
	delayed := func(pods string) func(string, time.Duration) time.Duration {
		return func(pod string, at time.Duration) time.Duration {
			return 20*ms + between(at, 20*s, 40*s, map[bool]time.Duration{true: 200 * ms}[strings.Contains(pods, pod)], 0)
		}
	}
	joins := func(pods string) []record.Event {
		var list []record.Event
		for i, pod := range pods {
			at := 25*s + time.Duration(i)*s
			list = append(list, podEvent(record.EventCreated, string(pod), at, at+100*ms), podEvent(record.EventReady, string(pod), at+3*s, at+3100*ms))
		}
		return list
	}
	leaves := func(pods string) []record.Event {
		var list []record.Event
		for i, pod := range pods {
			at := 30*s + time.Duration(i)*s
			list = append(list, podEvent(record.EventTerminating, string(pod), at, at+100*ms), podEvent(record.EventGone, string(pod), at+2*s, at+3*s))
		}
		return list
	}
	until := func(at time.Duration, inner func(string, time.Duration) time.Duration, pods string) func(string, time.Duration) time.Duration {
		return func(pod string, sent time.Duration) time.Duration {
			if strings.Contains(pods, pod) && sent > at {
				return 0
			}
			return inner(pod, sent)
		}
	}
	autoscaler := []record.Expectation{{Name: "b is sized", Kind: "size", Subject: "pod/b", Limits: []string{"0"}, ChangesPods: true}}
	other := []record.Expectation{{Name: "b is sized", Kind: "size", Subject: "pod/b", Limits: []string{"0"}}}
	for _, row := range []struct {
		sentence string
		scene    scene
		targets  string
		want     steadystate.Verdict
		text     string
		hit      string
	}{
		{"nothing changed", scene{events: exist("abc")}, "abc", steadystate.Held, "p50 of requests of a", "3 of 3 pods"},
		{"a fault in one pod is in one of three", scene{events: exist("abc")}, "a", steadystate.Held, "p50 of those not hit 20ms", "1 of 3 pods"},
		{"newcomer 4: a delay of all pods, and two more that were never delayed", scene{pods: "abcde", events: slices.Concat(exist("abc"), joins("de"))}, "abc", steadystate.Unknown, "the pods that it was in changed while it was held: d joined at 28.000s..28.100s and was not hit, e joined at 29.000s..29.100s and was not hit", "3 of 3 pods, from 28.100s 3 of 4, from 29.100s 3 of 5"},
		{"an autoscaler is expected to do that", scene{pods: "abcde", events: slices.Concat(exist("abc"), joins("de")), expectations: autoscaler}, "abc", steadystate.Held, "hit 3 of 3 pods, from 28.100s 3 of 4, from 29.100s 3 of 5", "3 of 3 pods, from 28.100s 3 of 4, from 29.100s 3 of 5"},
		{"another expectation is no excuse", scene{pods: "abcde", events: slices.Concat(exist("abc"), joins("de")), expectations: other}, "abc", steadystate.Unknown, "d joined at 28.000s", "3 of 3 pods, from 28.100s 3 of 4, from 29.100s 3 of 5"},
		{"newcomer 4: scaled from three to one", scene{events: slices.Concat(exist("abc"), leaves("bc")), took: until(30*s, delayed("abc"), "bc")}, "abc", steadystate.Unknown, "b left at 30.000s..30.100s, c left at 31.000s..31.100s", "3 of 3 pods, from 30.000s 2 of 2, from 31.000s 1 of 1"},
		{"an autoscaler may do that too, as long as one stays", scene{events: slices.Concat(exist("abc"), leaves("bc")), took: until(30*s, delayed("abc"), "bc"), expectations: autoscaler}, "abc", steadystate.Held, "220ms while it was on, until it left at 30.000s..30.100s", "3 of 3 pods, from 30.000s 2 of 2, from 31.000s 1 of 1"},
		{"and not all of them", scene{events: slices.Concat(exist("abc"), leaves("abc")), took: until(30*s, delayed("abc"), "abc"), expectations: autoscaler}, "abc", steadystate.Unknown, "no target stayed until the fault was gone", "3 of 3 pods, from 30.000s 2 of 2, from 31.000s 1 of 1, from 32.000s 0 of 0"},
		{"one that was hit and not delayed shows that it was not hit", scene{events: slices.Concat(exist("abc"), leaves("c")), took: until(30*s, delayed("ab"), "c"), expectations: autoscaler}, "abc", steadystate.Unknown, "c: p50 of requests of c", "3 of 3 pods, from 30.000s 2 of 2"},
		{"a pod that was not hit and leaves makes the share another too", scene{events: slices.Concat(exist("abc"), leaves("c"))}, "a", steadystate.Unknown, "c left at 30.000s", "1 of 3 pods, from 30.000s 1 of 2"},
		{"what comes and goes after the fault changes nothing", scene{events: append(exist("abc"), podEvent(record.EventCreated, "d", 41*s, 42*s), podEvent(record.EventTerminating, "a", 50*s, 51*s))}, "abc", steadystate.Held, "p50 of requests of a", "3 of 3 pods"},
		{"nor what went before it", scene{events: append(exist("abcd"), podEvent(record.EventTerminating, "d", 12*s, 13*s))}, "abc", steadystate.Held, "p50 of requests of a", "3 of 3 pods"},
		{"a pod that comes as the fault does may not have been hit", scene{pods: "abcd", events: append(exist("abc"), podEvent(record.EventCreated, "d", 15*s, 16*s), podEvent(record.EventReady, "d", 19900*ms, 20100*ms))}, "abc", steadystate.Unknown, "d joined at 19.900s", "3 of 3 pods, from 20.100s 3 of 4"},
		{"a pod that is only not ready for a while does not leave", scene{events: append(exist("abc"), podEvent(record.EventNotReady, "a", 25*s, 26*s), podEvent(record.EventReady, "a", 27*s, 28*s))}, "abc", steadystate.Held, "p50 of requests of a", "3 of 3 pods"},
		{"a fault that follows reaches those that join", scene{pods: "abcd", injection: record.Injection{Follows: true}, events: append(slices.Concat(exist("abc"), joins("d")), podEvent(record.EventFollowed, "d", 28500*ms, 29*s, record.AttrBy, "NetworkChaos/shop/x"))}, "abc", steadystate.Held, "hit 3 of 3 pods, from 28.100s 3 of 4, from 29.000s 4 of 4", "3 of 3 pods, from 28.100s 3 of 4, from 29.000s 4 of 4"},
		{"a container that is started again is free of a stress", scene{injection: record.Injection{EndsOnRestart: true}, events: append(exist("abc"), podEvent(record.EventRestarted, "a", 30*s, 31*s))}, "abc", steadystate.Unknown, "a was started again at 30.000s..31.000s, and was free of it", "3 of 3 pods, from 30.000s 2 of 3"},
		{"and not of a delay in the network of its pod", scene{events: append(exist("abc"), podEvent(record.EventRestarted, "a", 30*s, 31*s))}, "abc", steadystate.Held, "p50 of requests of a", "3 of 3 pods"},
		{"what the fault itself found when it was undone counts without a watch", scene{pods: "abcd", injection: record.Injection{Of: 3}, events: []record.Event{podEvent(record.EventNotHit, "d", 20*s, 40*s)}}, "abc", steadystate.Unknown, "d joined at 20.000s..40.000s and was not hit", "3 of 3 pods, from 40.000s 3 of 4"},
		{"a fault in processes is in no pods", scene{}, "abc", steadystate.Held, "p50 of requests of a", ""},
		{"two delays that are stacked: what was seen may be the other's", scene{events: append(exist("abc"), podEvent(record.EventAlsoHit, "b", 21*s, 21*s, record.AttrBy, "NetworkChaos/shop/network-delay-0123456789-abcde of run 0123456789"))}, "abc", steadystate.Unknown, "b was also hit by NetworkChaos/shop/network-delay-0123456789-abcde of run 0123456789, seen at 21.000s: what was seen may be its doing", "3 of 3 pods"},
		{"an autoscaler is no excuse for that", scene{expectations: autoscaler, events: append(exist("abc"), podEvent(record.EventAlsoHit, "b", 21*s, 21*s, record.AttrBy, "NetworkChaos/shop/x"))}, "abc", steadystate.Unknown, "b was also hit by NetworkChaos/shop/x", "3 of 3 pods"},
		{"another fault in a pod that was not a target is another's affair", scene{events: append(exist("abc"), podEvent(record.EventAlsoHit, "b", 21*s, 21*s, record.AttrBy, "NetworkChaos/shop/x"))}, "a", steadystate.Held, "p50 of requests of a", "1 of 3 pods"},
		{"it could not be seen for a time whether another fault was in one", scene{events: append(exist("abc"), podEvent(record.EventGap, "b", 25*s, 35*s, record.AttrReason, "whether another fault was in it: list IOChaos: no answer"))}, "abc", steadystate.Unknown, "of b it is not known at 25.000s..35.000s whether another fault was in it: list IOChaos: no answer", "3 of 3 pods"},
		{"that one was is more than that one may have been", scene{events: append(exist("abc"), podEvent(record.EventGap, "a", 25*s, 35*s, record.AttrReason, "whether another fault was in it: no answer"), podEvent(record.EventAlsoHit, "b", 21*s, 21*s, record.AttrBy, "NetworkChaos/shop/x"))}, "abc", steadystate.Unknown, "b was also hit by NetworkChaos/shop/x", "3 of 3 pods"},
		{"what could not be seen before the fault is of no matter", scene{events: append(exist("abc"), podEvent(record.EventGap, "b", 5*s, 15*s, record.AttrReason, "whether another fault was in it: no answer"))}, "abc", steadystate.Held, "p50 of requests of a", "3 of 3 pods"},
		{"nor is a watch with a gap", scene{events: append(exist("abc"), record.Event{Span: steadystate.Span{From: 25 * s, To: 35 * s}, Kind: record.EventGap, Subject: "watch/shop/pods"})}, "abc", steadystate.Held, "p50 of requests of a", "3 of 3 pods"},
		{"a right that is missing is told beside the verdict", scene{events: append(exist("abc"), podEvent(record.EventUnsurveyed, "a", 20*s, 21*s, record.AttrReason, "the account may not list IOChaos"), podEvent(record.EventUnsurveyed, "a", 20*s, 21*s, record.AttrReason, "the account may not list NetworkChaos outside namespace shop"))}, "abc", steadystate.Held, "p50 of requests of a", "3 of 3 pods; faults of others in them may have gone unseen: the account may not list IOChaos, the account may not list NetworkChaos outside namespace shop"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			sc := row.scene
			if sc.took == nil {
				sc.took = delayed(row.targets)
			}
			sc.injection.Targets, sc.injection.Effects = hits(row.targets), []record.Effect{{Signal: record.TrafficSignal, Rise: 0.16}}
			r := sc.result(t)
			want(t, proof(t, r, "effect"), row.want, row.text)
			if got := r.Injections[0].HitText(); got != row.hit {
				t.Errorf("hit %q, want %q", got, row.hit)
			}
		})
	}
}
