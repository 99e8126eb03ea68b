package autoscaling_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/aftershockhq/aftershock/experiments/autoscaling"
	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// trajectories are right and wrong ones. Every finding that does not hold is
// told by its beginning and by a part of what it says; of those that hold, the
// ones that matter.
var trajectories = []struct {
	sentence string
	script   string
	limits   []string
	want     []string // VERDICT LIMIT: a part | another part
}{
	{
		"a spike is followed up and down again",
		`spec     min=2 max=8 cpu=50% down.window=20
		 fault    . # # # # # . . . . . .
		 cpu      40 40 90 95 52 48 48 20 20 20 20 20
		 desired  2 2 4 4 4 4 4 4 4 2 2 2
		 ready    2 2 2 2 4 4 4 4 4 2 2 2`,
		[]string{"lag <= 10s", "decision <= 5s", "actuation <= 1s", "ready <= 15s", "ready <= 20s since fault", "relieved <= 10s", "back <= 20s", "replicas >= 4", "turns <= 1"},
		[]string{"held scales out: 2 -> 4 -> 2", "held no step down inside its stabilization window: 4 -> 2", "held replicas >= 4: 4 ready"},
	},
	{
		"a step up that takes too long to decide",
		`spec     min=2 max=8 cpu=50% up.tolerance=0.1
		 fault    . # # # # # # .
		 cpu      40 90 90 90 90 48 48 20
		 desired  2 2 2 2 4 4 4 2`,
		[]string{"decision <= 10s"},
		[]string{"broken decision <= 10s: 14"},
	},
	{
		"a metric that the new pods bring down, and before that pods that are not ready",
		`spec     min=2 max=8 cpu=50%
		 fault    . # # # # # # .
		 cpu      40 90 65 66 52 51 51 20
		 desired  2 4 4 4 4 4 4 2
		 ready    2 2 2 2 4 4 4 2`,
		[]string{"relieved <= 6s", "relieved <= 15s since fault", "relieved <= 25s since fault", "relieved <= 2s since fault"},
		[]string{
			"held relieved <= 6s: 0s to 5.6s", "unknown relieved <= 15s since fault: 7s to 22.5s", "broken relieved <= 2s since fault:",
		},
	},
	{
		"a decision within the error of its limit",
		`spec     min=2 max=8 cpu=50%
		 fault    . # # # # .
		 cpu      40 90 90 48 48 20
		 desired  2 2 4 4 4 2`,
		[]string{"decision <= 5s"},
		[]string{"unknown decision <= 5s: | lies within the error"},
	},
	{
		"max too low",
		`spec     min=2 max=4 cpu=50%
		 fault    . # # # # # # .
		 cpu      40 180 180 95 92 96 93 20
		 desired  2 4 4 4 4 4 4 2
		 ready    2 2 2 4 4 4 4 2
		 limited  . M M M M M M .`,
		nil,
		[]string{"broken not held back by its max: ScalingLimited True, TooManyReplicas: the desired replica count is more than | resource cpu 93% (target 50%)"},
	},
	{
		"amounts in other forms than their target's",
		`spec     min=2 max=4 external:queue=1.5k
		 fault    . # # # # # # .
		 external:queue 0.5k 6e3 6Ki 3000 3 3000001m 3M 600
		 desired  2 4 4 4 4 4 4 2
		 ready    2 2 2 4 4 4 4 2`,
		[]string{"lag <= 10s"},
		[]string{"broken not held back by its max: | external queue 3M (target 1500)"},
	},
	{
		"max too low, and the load is not relieved",
		`spec     min=2 max=4 cpu=50%
		 fault    . # # # # # # .
		 cpu      40 180 180 95 92 96 93 20
		 desired  2 4 4 4 4 4 4 2
		 limited  . M M M M M M .`,
		[]string{"relieved <= 20s"},
		[]string{"broken not held back by its max: TooManyReplicas", "broken relieved <= 20s: at least | not while the fault was on"},
	},
	{
		"a max that is low by intent",
		`spec     min=2 max=4 cpu=50%
		 fault    . # # # # # # .
		 cpu      40 180 180 95 92 96 93 20
		 desired  2 4 4 4 4 4 4 2
		 limited  . M M M M M M .`,
		[]string{"replicas <= 4"},
		[]string{"held not held back by its max: a limit says that this is as large as it may get"},
	},
	{
		"its max, and a recommendation from before that it holds on to",
		`spec     min=2 max=4 cpu=50%
		 fault    . # # # # # .
		 cpu      40 180 180 95 52 51 20
		 desired  2 4 4 4 4 4 2
		 ready    2 2 2 4 4 4 2
		 limited  . M M M M M .
		 able     . . . . D D .`,
		nil,
		[]string{"unknown not held back by its max: at its max of 4 | resource cpu 51% (target 50%): whether that is within the controller's tolerance"},
	},
	{
		"its max for a moment, until the new pods take their share",
		`spec     min=2 max=4 cpu=50%
		 fault    . # # # # # .
		 cpu      40 180 180 95 48 48 20
		 desired  2 4 4 4 4 4 2
		 ready    2 2 2 4 4 4 2
		 limited  . M M M . . .`,
		nil,
		[]string{"held not held back by its max: for a time only"},
	},
	{
		"its max, and its pods are not ready while the fault is on",
		`spec     min=2 max=4 cpu=50%
		 fault    . # # # # .
		 cpu      40 180 181 182 183 20
		 desired  2 4 4 4 4 2
		 ready    2 2 2 2 2 2
		 limited  . M M M M .`,
		nil,
		[]string{"unknown not held back by its max: | its pods were not all ready"},
	},
	{
		"its max, and nothing new is said once its pods are ready",
		`spec     min=2 max=4 external:queue=30
		 fault    . # # # # .
		 external:queue 20 90 90 90 90 10
		 desired  2 4 4 4 4 2
		 ready    2 2 2 4 4 2
		 limited  . M M M M .`,
		nil,
		[]string{"unknown not held back by its max: | said nothing new since"},
	},
	{
		"its max, and nothing new is said for long",
		`spec     min=2 max=4 external:queue=30
		 fault    . #*20 .
		 external:queue 20 90*20 10
		 desired  2 4*20 2
		 limited  . M*20 .`,
		nil,
		[]string{"broken not held back by its max: external queue 90 (target 30)"},
	},
	{
		"it was at its max before the fault",
		`spec     min=2 max=2 cpu=50%
		 fault    . # # # .
		 cpu      40 48 48 48 40
		 desired  2*5`,
		nil,
		[]string{"unknown scales out: it did not | at its max of 2 before the fault"},
	},
	{
		"a step down inside its window",
		`spec     min=2 max=8 cpu=50% down.window=60
		 fault    . # # # # # . .
		 cpu      40 90 48 45 20 45 40 40
		 desired  2 4 4 4 2 2 2 2`,
		nil,
		[]string{"broken no step down inside its stabilization window: 4 -> 2 at | after the step up to 4; its window is 60s"},
	},
	{
		"a step down inside its window, by the metric that was still above",
		`spec     min=2 max=8 cpu=50% down.window=30
		 fault    . # # # # # # # # . .
		 cpu      40 90 52 52 52 53 52 20 20 20 20
		 desired  2 4 4 4 4 4 4 4 2 2 2`,
		nil,
		[]string{"broken no step down inside its stabilization window: after resource cpu 52% (target 50%)"},
	},
	{
		"a step down to no fewer than were asked for inside the window is none",
		`spec     min=2 max=8 cpu=50% down.window=30 up.policies=Pods:4:5
		 fault    . #*8 . .
		 cpu      40 90 48 48 90 48 48 48 30 20 20
		 desired  2 4 4 4 6 6 6 6 6 6 4`,
		nil,
		[]string{"held no step down inside its stabilization window:", "unknown back at the old size: at 4 | watch for longer"},
	},
	{
		"a window that the spec does not say is not judged",
		`spec     min=2 max=8 cpu=50%
		 fault    . # # # # # .
		 cpu      40 90 48 45 20 20 20
		 desired  2 4 4 4 2 2 2`,
		nil,
		nil,
	},
	{
		"a step down at the end of its window, as far as can be told",
		`spec     min=2 max=8 cpu=50% down.window=15
		 fault    . # # # # # .
		 cpu      40 90 45 45 20 20 20
		 desired  2 4 4 4 2 2 2`,
		nil,
		[]string{"held no step down inside its stabilization window: 14.5s to 15.5s after the step up to 4"},
	},
	{
		"a step down of which it is not known whether it was inside the window",
		`spec     min=2 max=8 cpu=50% down.window=25
		 fault    . # # # # # # # .
		 cpu      40 90 48 45 45 45 20 20 20
		 desired  2 4 4 4 4 4 4 2 2
		 blind    . . . . b b b . .`,
		nil,
		[]string{
			"unknown no step down inside its stabilization window: its window is 25s", "unknown turns <= 1: | nothing was seen of it",
			"unknown within min and max: | nothing was seen", "unknown steps within its policies: | nothing was seen", "unknown back at the old size: | nothing was seen",
		},
	},
	{
		"it flaps",
		`spec     min=2 max=8 cpu=50%
		 fault    . # # # # # # .
		 cpu      40 90 20 90 20 90 20 20
		 desired  2 4 2 4 2 4 2 2`,
		nil,
		[]string{"broken turns <= 1: 5 in 6 steps, 2 -> 4 -> 2 -> 4 -> 2 -> 4 -> 2: it flaps"},
	},
	{
		"as many turns as the user allows",
		`spec     min=2 max=8 cpu=50%
		 fault    . # # # # .
		 cpu      40 90 20 90 20 20
		 desired  2 4 2 4 2 2`,
		[]string{"turns <= 3"},
		[]string{"held turns <= 3: 3 in 4 steps"},
	},
	{
		"two steps up are no turn",
		`spec     min=2 max=8 cpu=50%
		 fault    . # # # # # .
		 cpu      40 90 90 48 48 48 20
		 desired  2 4 6 6 6 6 2`,
		[]string{"replicas >= 6"},
		[]string{"held turns <= 1: 1 in 3 steps"},
	},
	{
		"a size above its max",
		`spec     min=2 max=4 cpu=50%
		 fault    . # # # .
		 cpu      40 90 48 48 20
		 desired  2 6 6 6 2`,
		nil,
		[]string{"broken within min and max: 6 at | a max of 4"},
	},
	{
		"a size below its min",
		`spec     min=2 max=4 cpu=50%
		 fault    . # # # . .
		 cpu      40 90 48 48 20 20
		 desired  2 4 4 4 1 2`,
		nil,
		[]string{"broken within min and max: 1 at | a min of 2", "broken turns <= 1: 2 -> 4 -> 1 -> 2"},
	},
	{
		"a new max that it comes down to at once",
		`spec     min=2 max=8 cpu=50% down.window=60
		 fault    . # # # # # .
		 cpu      40 90 48 48 48 48 48
		 max      8 8 8 4 4 4 4
		 desired  2 6 6 6 4 4 4`,
		nil,
		[]string{"held within min and max:", "unknown back at the old size: at 4"},
	},
	{
		"more pods than a policy allows in one step",
		`spec     min=2 max=20 cpu=50% up.policies=Pods:4:15
		 fault    . # # # .
		 cpu      40 300 48 48 20
		 desired  2 9 9 9 2`,
		nil,
		[]string{"broken steps within its policies: 2 -> 9 | allow 6"},
	},
	{
		"more pods than a policy allows in its period",
		`spec     min=2 max=20 cpu=50% up.policies=Pods:4:60
		 fault    . # # # # .
		 cpu      40 300 300 48 48 20
		 desired  2 6 10 10 10 2`,
		nil,
		[]string{"broken steps within its policies: 6 -> 10 | allow 6"},
	},
	{
		"as many as it allows, once the period is over",
		`spec     min=2 max=20 cpu=50% up.policies=Pods:4:10
		 fault    . # # # # # .
		 cpu      40 300 300 300 48 48 20
		 desired  2 6 6 10 10 10 2
		 limited  . U U . . . .`,
		nil,
		[]string{"held steps within its policies: 3 steps"},
	},
	{
		"a step of which it is not known whether the last one was in its period",
		`spec     min=2 max=20 cpu=50% up.policies=Pods:4:12 down.window=0
		 fault    . # # # # # # .
		 cpu      40 300 300 301 302 48 48 20
		 desired  2 4 6 6 8 8 8 2
		 blind    . b . . . . . .`,
		nil,
		[]string{
			"unknown steps within its policies: 6 -> 8 | allow 6 or 10, depending on which steps before lay in their periods", "unknown within min and max: | nothing was seen",
			"unknown turns <= 1: | nothing was seen", "unknown no step down inside its stabilization window: | nothing was seen", "unknown back at the old size: | nothing was seen",
		},
	},
	{
		"a share that a policy allows is rounded up",
		`spec     min=2 max=20 cpu=50% up.policies=Percent:10:15
		 fault    . # # # .
		 cpu      40 300 48 48 20
		 desired  2 3 3 3 2`,
		nil,
		nil,
	},
	{
		"a share that is too large",
		`spec     min=2 max=20 cpu=50% up.policies=Percent:50:15
		 fault    . # # # .
		 cpu      40 300 48 48 20
		 desired  2 4 4 4 2`,
		nil,
		[]string{"broken steps within its policies: 2 -> 4 | allow 3"},
	},
	{
		"of two policies the greater counts",
		`spec     min=2 max=20 cpu=50% up.policies=Pods:1:15,Percent:200:15
		 fault    . # # # .
		 cpu      40 300 48 48 20
		 desired  2 6 6 6 2`,
		nil,
		nil,
	},
	{
		"of two policies the smaller, if the spec says so",
		`spec     min=2 max=20 cpu=50% up.policies=Pods:1:15,Percent:200:15 up.select=Min
		 fault    . # # # .
		 cpu      40 300 48 48 20
		 desired  2 6 6 6 2`,
		nil,
		[]string{"broken steps within its policies: 2 -> 6 | allow 3"},
	},
	{
		"a step down where they are disabled",
		`spec     min=2 max=20 cpu=50% down.select=Disabled
		 fault    . # # # .
		 cpu      40 90 48 48 20
		 desired  2 4 4 4 2`,
		nil,
		[]string{"broken steps within its policies: 4 -> 2 | allow 4"},
	},
	{
		"a step down by more pods than its policy allows",
		`spec     min=2 max=20 cpu=50% down.window=0 down.policies=Pods:1:10 up.policies=Pods:10:15
		 fault    . # # # . .
		 cpu      40 90 45 45 20 20
		 desired  2 6 6 6 4 3`,
		nil,
		[]string{"broken steps within its policies: 6 -> 4 | allow 5", "unknown back at the old size: at 3"},
	},
	{
		"a step in the other direction gives room, in some versions of the controller",
		`spec     min=2 max=20 cpu=50% down.window=0 down.policies=Pods:1:60 up.policies=Pods:10:15
		 fault    . # # # . .
		 cpu      40 90 45 45 20 20
		 desired  2 6 6 6 4 4`,
		nil,
		[]string{"unknown steps within its policies: 6 -> 4 | allow 5 or 1", "unknown back at the old size: at 4"},
	},
	{
		"step by step down, as its policy says",
		`spec     min=2 max=20 cpu=50% down.window=0 down.policies=Percent:50:10
		 fault    . # # # . . . .
		 cpu      40 150 45 45 20 20 20 20
		 desired  2 6 6 6 3 3 2 2`,
		nil,
		nil,
	},
	{
		"without a behavior a step may double the size or bring it 4 more, each time it looks",
		`spec     min=2 max=40 cpu=50%
		 fault    . # # # # # .
		 cpu      40 400 400 400 48 48 20
		 desired  2 4 8 16 16 16 2`,
		nil,
		[]string{"held steps within its policies: 4 steps"},
	},
	{
		"but not more than that",
		`spec     min=2 max=40 cpu=50%
		 fault    . # # # .
		 cpu      40 400 48 48 20
		 desired  2 12 12 12 2`,
		nil,
		[]string{"broken steps within its policies: 2 -> 12 | allow 6"},
	},
	{
		"a step down while its metric is above the target",
		`spec     min=2 max=8 cpu=50%
		 fault    . # # # # # .
		 cpu      40 90 48 48 70 90 20
		 desired  2 4 4 4 3 3 2`,
		nil,
		[]string{"broken sizes as its metrics ask: 4 -> 3 | with resource cpu 70% (target 50%)", "held turns <= 1:"},
	},
	{
		"a step up while its metric is below the target",
		`spec     min=2 max=8 cpu=50% up.window=0
		 fault    . # # # .
		 cpu      40 40 40 40 20
		 desired  2 4 4 4 2`,
		nil,
		[]string{"broken sizes as its metrics ask: 2 -> 4 | resource cpu 40% (target 50%), none above its target"},
	},
	{
		"a step up within the tolerance that its spec says",
		`spec     min=2 max=8 cpu=50% up.tolerance=0.2
		 fault    . # # # .
		 cpu      40 58 40 40 20
		 desired  2 3 3 3 2`,
		nil,
		[]string{"broken sizes as its metrics ask: 2 -> 3 | resource cpu 58%"},
	},
	{
		"the greediest of two metrics counts",
		`spec     min=2 max=8 cpu=50% pods:sold=10
		 fault    . # # # .
		 cpu      40 40 40 40 20
		 pods:sold 5 20 9 9 4
		 desired  2 4 4 4 2`,
		[]string{"decision <= 1s"},
		[]string{"held sizes as its metrics ask: 2 steps"},
	},
	{
		"pods that there are not excuse a step against the metric: 1.4 x 2 pods is 3",
		`spec     min=2 max=8 cpu=50%
		 fault    . # # # # .
		 cpu      40 90 90 70 45 20
		 desired  2 4 4 3 3 2
		 ready    2 2 2 2 3 2
		 existing 2 2 2 2 3 2`,
		nil,
		[]string{"held sizes as its metrics ask:"},
	},
	{
		"but no smaller one: 1.8 x 2 pods is 4",
		`spec     min=2 max=8 cpu=50%
		 fault    . # # # # .
		 cpu      40 90 90 90 45 20
		 desired  2 4 4 3 3 2
		 ready    2 2 2 2 3 2
		 existing 2 2 2 2 3 2`,
		nil,
		[]string{"broken sizes as its metrics ask: 4 -> 3 | resource cpu 90% (target 50%), of which 2 of 2 pods are ready"},
	},
	{
		"pods that are not ready excuse none: with them at 0 % the size stays",
		`spec     min=2 max=8 cpu=50%
		 fault    . # # # # .
		 cpu      40 90 90 70 45 20
		 desired  2 4 4 3 3 2
		 ready    2 2 2 2 3 2`,
		nil,
		[]string{"broken sizes as its metrics ask: 4 -> 3 | resource cpu 70% (target 50%), of which 2 of 4 pods are ready"},
	},
	{
		"fewer pods than it wants, of which one is not ready: which the controller counted is not known",
		`spec     min=2 max=8 cpu=50%
		 fault    . # # # # .
		 cpu      40 90 90 70 45 20
		 desired  2 5 5 4 4 2
		 ready    2 1 1 1 3 2
		 existing 2 2 2 2 4 2`,
		nil,
		[]string{"unknown sizes as its metrics ask: a step that may be against them; 5 -> 4 | 1 of 2 pods are ready: which of them it counted, the API does not show"},
	},
	// R21: upstream's own rules for unready pods and missing metrics.
	{
		"R21a: a pod is not ready, so that the controller counts it as 0 % and rightly keeps the size",
		`spec     min=2 max=8 cpu=50%
		 fault    . # # # # # # .
		 cpu      40 90 90 90 90 90 90 20
		 desired  2 2 2 2 2 2 2 2
		 ready    2 1 1 1 1 1 1 2`,
		nil,
		[]string{"unknown scales out: it did not | resource cpu 90% (target 50%): 1 of 2 pods are ready, and with the others at 0 % that is not certainly too much"},
	},
	{
		"R21a: one of three, and with it at 0 % the metric is still far above",
		`spec     min=2 max=8 cpu=50%
		 fault    . # # # # # # .
		 cpu      40 150 150 150 150 150 150 20
		 desired  3*8
		 ready    3 2 2 2 2 2 2 3`,
		nil,
		[]string{"broken scales out: it stayed at 3, though resource cpu 150% (target 50%)"},
	},
	{
		"R21a: the pod is ready again while the metric is as before, for a moment",
		`spec     min=2 max=8 cpu=50%
		 fault    . # # # # # # .
		 cpu      40 90 90 90 90 90 90 20
		 desired  2 2 2 2 2 2 2 2
		 ready    2 1 1 1 2 2 2 2`,
		nil,
		[]string{"unknown scales out: it did not | said nothing new since: hold the fault for longer"},
	},
	{
		"R21a: the pod is ready again while the metric is as before, for more than a minute",
		`spec     min=2 max=8 cpu=50%
		 fault    . #*20 .
		 cpu      40 90*20 20
		 desired  2*22
		 ready    2 1 1 1 2*18`,
		nil,
		[]string{"broken scales out: it stayed at 2, though resource cpu 90% (target 50%)"},
	},
	{
		"R21a: one value for all the pods, times those that are ready",
		`spec     min=2 max=8 external:queue=30
		 fault    . # # # # # # .
		 external:queue 20 54 54 54 54 54 54 10
		 desired  4*8
		 ready    4 2 2 2 2 2 2 4`,
		nil,
		[]string{"unknown scales out: it did not | external queue 54 (target 30): 2 of 4 pods are ready"},
	},
	{
		"R21a: the scale target is not followed, so that how many were ready is not known",
		`spec     min=2 max=8 cpu=50%
		 fault    . # # # # # # .
		 cpu      40 90 90 90 90 90 90 20
		 desired  2*8
		 unfollowed`,
		nil,
		[]string{"unknown scales out: it did not | how many pods were ready was not followed"},
	},
	{
		"R21b: held back by its max for all but the last look of the fault",
		`spec     min=2 max=4 cpu=50%
		 fault    . #*23 .
		 cpu      40 180*2 95*20 49 20
		 desired  2 4*23 4
		 ready    2 2 4*22 4
		 limited  . M*22 . .`,
		[]string{"replicas >= 4"},
		[]string{"broken not held back by its max: for 104.5s to 105.6s of the 115s of the fault, at its max of 4", "unknown back at the old size: at 4"},
	},
	{
		"R21b: not for half of the fault, but for longer than a decision may take",
		`spec     min=2 max=4 cpu=50%
		 fault    . #*20 .
		 cpu      40 180*2 88*6 49*12 20
		 desired  2 4*20 2
		 ready    2 2 4*19 2
		 limited  . M*8 .*13`,
		[]string{"decision <= 20s"},
		[]string{"broken not held back by its max: for 34.5s to 35.6s of the 100s of the fault | resource cpu 88%"},
	},
	{
		"R21b: for a shorter time than that",
		`spec     min=2 max=4 cpu=50%
		 fault    . #*20 .
		 cpu      40 180*2 88*6 49*12 20
		 desired  2 4*20 2
		 ready    2 2 4*19 2
		 limited  . M*8 .*13`,
		[]string{"decision <= 45s"},
		[]string{"held not held back by its max: for a time only, for 34.5s to 35.6s of the 100s of the fault"},
	},
	{
		"R21b: again and again, together for more than half of the fault",
		`spec     min=2 max=4 cpu=50%
		 fault    . #*12 .
		 cpu      40 180 95 95 49 95 95 95 49 95 95 95 49 20
		 desired  2 4*12 2
		 limited  . M M M . M M M . M M M . .`,
		nil,
		[]string{"broken not held back by its max: for 43.5s to 46.5s of the 60s of the fault"},
	},
	{
		"for more than half of two faults together, between which it had time",
		`spec     min=2 max=4 cpu=50%
		 fault    . #*4 .*16 #*8 .
		 cpu      40 180 95*3 49*16 95*5 49*3 20
		 desired  2 4*28 2
		 limited  . M*4 .*16 M*5 .*4`,
		nil,
		[]string{"broken not held back by its max: for 42s to 43.5s of the 60s of the fault"},
	},
	{
		"and not in that time, when it had not seen yet that the first was over",
		`spec     min=2 max=4 cpu=50%
		 fault    . #*4 .*16 #*8 .
		 cpu      40 180 95*6 49*13 95 49*7 20
		 desired  2 4*28 2
		 limited  . M*7 .*13 M .*8`,
		nil,
		[]string{"held not held back by its max: for a time only"},
	},
	{
		"R21b: at its max for long, a little above its target, and it says that it wants no more",
		`spec     min=2 max=4 cpu=50%
		 fault    . #*12 .
		 cpu      40 180 53*10 49 20
		 desired  2 4*12 2
		 limited  . M .*10 . .`,
		nil,
		[]string{"held not held back by its max: for a time only"},
	},
	{
		"R21b: the same, and it does not say",
		`spec     min=2 max=4 cpu=50%
		 fault    . #*12 .
		 cpu      40 180 53*10 49 20
		 desired  2 4*12 2
		 limited  . M -*10 . .`,
		nil,
		[]string{"unknown not held back by its max: for a time | as far as can be told, and more than 30s are too many"},
	},
	{
		"R21b: at its max for long while nothing is seen of it",
		`spec     min=2 max=4 cpu=50%
		 fault    . #*12 .
		 cpu      40 180 95 95*8 49 49 20
		 desired  2 4*12 2
		 limited  . M M M*8 . . .
		 blind    . . . b*8 . . .`,
		nil,
		[]string{"unknown not held back by its max: as far as can be told"},
	},
	{
		"R21c: a step from 8 to 2 at 180 % while one of the 8 is being replaced",
		`spec     min=2 max=8 cpu=50%
		 fault    . # # # # # . . . .
		 cpu      40 90 90 90 90 90 90 20 20 20
		 desired  2 8 8 8 2 4 4 2 2 2
		 ready    2 4 7 7 2 4 4 2 2 2
		 wanted   2 8 8 8 2 4 4 2 2 2`,
		[]string{"turns <= 5"},
		[]string{
			"broken sizes as its metrics ask: 8 -> 2 at 19.500s..20.000s with resource cpu 90% (target 50%), of which 7 of 8 pods are ready",
			"broken steps within its policies: 2 -> 8",
		},
	},
	{
		"R21c: the same of a scale target that is not followed",
		`spec     min=2 max=8 cpu=50%
		 fault    . # # # # # . .
		 cpu      40 90 90 90 90 45 20 20
		 desired  2 4 4 4 3 3 2 2
		 unfollowed`,
		nil,
		[]string{"unknown sizes as its metrics ask: a step that may be against them; 4 -> 3 | how many pods were ready was not followed: which of them it counted, the API does not show"},
	},
	{
		"R21c: one value for all pods, of which few are ready: 1.8 x 2 is 4",
		`spec     min=2 max=8 external:queue=30
		 fault    . # # # # # . .
		 external:queue 20 90 54 54 54 20 20 20
		 desired  2 6 6 6 4 4 2 2
		 ready    2 2 2 2 2 4 2 2`,
		nil,
		[]string{"held sizes as its metrics ask:"},
	},
	{
		"R21c: one value for all pods, and a step to fewer than those that are ready ask for",
		`spec     min=2 max=8 external:queue=30
		 fault    . # # # # # . .
		 external:queue 20 90 54 54 54 20 20 20
		 desired  2 6 6 6 3 3 2 2
		 ready    2 2 4 4 4 3 2 2`,
		nil,
		[]string{"broken sizes as its metrics ask: 6 -> 3 | of which 4 of 6 pods are ready"},
	},
	{
		"R21: a step down while one of two metrics is lost, which no controller makes",
		`spec     min=2 max=8 cpu=50% external:queue=30
		 fault    . # # # # # . .
		 cpu      40 90 48 48 20 20 20 20
		 external:queue 20 20 20 - - - - -
		 desired  2 4 4 4 2 2 2 2
		 ready    2 4 4 4 2 2 2 2`,
		nil,
		[]string{"broken sizes as its metrics ask: 4 -> 2 | external queue is not known, without which it must not step down"},
	},
	{
		"R21: a step up while one of two metrics is lost, which the other one asks for",
		`spec     min=2 max=8 cpu=50% external:queue=30
		 fault    . # # # # # . .
		 cpu      40 90 48 48 20 20 20 20
		 external:queue 20 - - 20 20 20 20 20
		 desired  2 4 4 4 2 2 2 2`,
		nil,
		[]string{"held sizes as its metrics ask: 2 steps"},
	},
	{
		"R21: a step up while the metric that is left asks for none",
		`spec     min=2 max=8 cpu=50% external:queue=30 up.window=0
		 fault    . # # # # # . .
		 cpu      40 45 45 45 20 20 20 20
		 external:queue 20 - - 20 20 20 20 20
		 desired  2 4 4 4 2 2 2 2`,
		nil,
		[]string{"broken sizes as its metrics ask: 2 -> 4 | none above its target"},
	},
	{
		"R21: a step up below the target while old pods are there beside the new ones",
		`spec     min=2 max=8 cpu=50% up.window=0
		 fault    . # # # # # . .
		 cpu      40 45 45 45 20 20 20 20
		 desired  2 4 4 4 2 2 2 2
		 existing 4 4 4 4 2 2 2 2`,
		nil,
		[]string{"unknown sizes as its metrics ask: 2 -> 4 | and more than it wanted ask for more"},
	},
	{
		"R21: a step to fewer than before is not back at the old size",
		`spec     min=1 max=8 cpu=50%
		 fault    . # # # # . . . .
		 cpu      40 90 90 48 48 20 20 20 20
		 desired  2 4 4 4 4 1 1 1 1
		 ready    2 2 4 4 4 1 1 1 1`,
		nil,
		[]string{"unknown back at the old size: at 1 | at 1 when the record ended, and at 2 before the fault"},
	},
	{
		"R21: a step up that was under way before the fault is no answer to it",
		`spec     min=2 max=8 cpu=50%
		 fault    . . # # # # # .
		 cpu      90 90 48 49 49 49 49 20
		 desired  2 2 3 3 3 3 3 3
		 ready    2 2 3 3 3 3 3 3
		 blind    . b . . . . . .`,
		[]string{"decision <= 10s"},
		[]string{
			"unknown scales out: not for certain | 2 -> 3 at 0.500s..10.000s may have been decided before the fault", "unknown decision <= 10s: | before the fault",
			"unknown within min and max:", "unknown steps within its policies:", "unknown back at the old size:", "unknown turns <= 1:",
		},
	},
	{
		"R21: another step after that is one",
		`spec     min=2 max=8 cpu=50%
		 fault    . . # # # # # .
		 cpu      90 90 90 90 49 49 49 20
		 desired  2 2 3 5 5 5 5 5
		 blind    . b . . . . . .`,
		nil,
		[]string{
			"held scales out: 2 -> 3 -> 5, first at 14.500s..15.000s",
			"unknown within min and max:", "unknown steps within its policies:", "unknown back at the old size:", "unknown turns <= 1:",
		},
	},
	{
		"R21: scaled by hand, and not by the autoscaler",
		`spec     min=2 max=8 cpu=50%
		 fault    . # # # # # . .
		 cpu      40 90 90 40 40 40 20 20
		 desired  2 2 6 6 6 6 2 2
		 ready    2 2 6 6 6 6 2 2
		 hand     . . h . . . h .`,
		nil,
		[]string{
			"unknown scales out: it did not | that its metrics asked for more is not certain", "unknown sizes as its metrics ask: changed by another client | 6 -> 2",
			"unknown back at the old size: at 2, and not by itself",
		},
	},
	{
		"R21: scaled by hand while its metrics ask for more, before it can have decided",
		`spec     min=2 max=8 cpu=50%
		 fault    . #*12 . .
		 cpu      40 90*12 20 20
		 desired  2*9 3*6
		 hand     .*9 h .*5`,
		nil,
		[]string{
			"unknown scales out: it did not | its size was changed before it can be said to have decided: 2 -> 3 at", "unknown sizes as its metrics ask: changed by another client",
			"unknown back at the old size: at 3 | 2 -> 3 at",
		},
	},
	{
		"R21: its metric is above the target in one look, and in the next no more",
		`spec     min=2 max=8 cpu=50%
		 fault    . # # # # # . .
		 cpu      40 40 90 40 40 40 20 20
		 desired  2*8`,
		nil,
		[]string{"unknown scales out: it did not | resource cpu 90% (target 50%) at 9.500s..10.000s, and no more at 14.500s..15.000s: whether all its pods were measured"},
	},
	{
		"R21: it scales out when the fault is gone",
		`spec     min=2 max=8 cpu=50%
		 fault    . # # # # # # . . .
		 cpu      40 90 90 90 90 90 90 90 20 20
		 desired  2 2 2 2 2 2 2 4 2 2
		 ready    2 2 2 2 2 2 2 2 2 2`,
		nil,
		[]string{"broken scales out: it stayed at 2, though resource cpu 90% (target 50%)"},
	},
	{
		"R21: whether it scales out before the fault is gone is not seen",
		`spec     min=2 max=8 cpu=50%
		 fault    . # # # # # # . . .
		 cpu      40 90 90 90 90 90 90 90 20 20
		 desired  2 2 2 2 2 2 4 4 2 2
		 blind    . . . . . b b . . .`,
		nil,
		[]string{
			"unknown scales out: not for certain | may have been when the fault was over", "unknown within min and max:", "unknown steps within its policies:",
			"unknown back at the old size:", "unknown turns <= 1:",
		},
	},
	// R24: the metric that an autoscaler looks at cannot be trusted alone.
	{
		"R24: a surge for 60 s, and the autoscaler's own metric stays where it was",
		`spec     min=2 max=8 cpu=50%
		 fault    . #*12 .*8
		 cpu      11*21
		 reading  11 180*12 100 60 20 11*5
		 desired  2*21`,
		[]string{"decision <= 45s", "lag <= 45s", "decision <= 1m since fault", "decision <= 2m"},
		[]string{
			"broken scales out: it stayed at 2, though utilisation was at least 180% (target 50%) from 5.000s to 55.000s, while the autoscaler's own metric said resource cpu 11% (target 50%)",
			"broken decision <= 45s: at least 57.5s | utilisation was at least 180% | resource cpu 11%",
			"broken lag <= 45s: at least 60s | utilisation was at least 180% | resource cpu 11%",
			"unknown decision <= 1m since fault: at least 57.5s", "unknown decision <= 2m: at least 57.5s",
			"unknown sizes as its metrics ask: 0 steps, none against what it said that they are | resource cpu 11%",
			"unknown able to scale: by its own conditions | resource cpu 11%",
		},
	},
	{
		"R24: another metric is taken out of its spec during the fault, and CPU moves to its place",
		`spec     min=2 max=8 memory=50% cpu=50%
		 fault    . #*12 .*8
		 memory   40*21
		 cpu      11*21
		 reading  11 180*12 100 60 20 11*5
		 dropped  .*3 memory*18
		 desired  2*21`,
		[]string{"decision <= 45s"},
		[]string{
			"broken scales out: it stayed at 2, though utilisation was at least 180% (target 50%) from 5.000s to 55.000s, while the autoscaler's own metric said resource cpu 11% (target 50%)",
			"broken decision <= 45s: at least 57.5s", "unknown able to scale: by its own conditions",
			"unknown sizes as its metrics ask: 0 steps, none against what it said that they are",
		},
	},
	{
		"R24: CPU is taken out of its spec during the fault, and a metric above its target moves to its place",
		`spec     min=2 max=8 cpu=50% memory=50%
		 fault    . #*12 .*8
		 memory   60*21
		 cpu      11*21
		 reading  11 180*12 100 60 20 11*5
		 dropped  .*3 cpu*18
		 desired  2*21`,
		nil,
		[]string{
			"unknown sizes as its metrics ask: 0 steps, none against what it said that they are | from 5.000s to 55.000s, but its spec had no target of CPU any more at 14.500s..15.000s",
			"unknown able to scale: by its own conditions | no target of CPU any more",
			"unknown scales out: it did not; the fault was not seen to have an effect on its metrics",
		},
	},
	{
		"R24: its target is raised during the fault",
		`spec     min=2 max=8 cpu=50%
		 fault    . #*12 .*8
		 cpu      11*21
		 reading  11 180*12 100 60 20 11*5
		 target   .*3 200*18
		 desired  2*21`,
		[]string{"decision <= 45s"},
		[]string{
			"unknown scales out: it did not | not seen to have an effect", "unknown decision <= 45s: | waits for: lag",
			"unknown sizes as its metrics ask: 0 steps | its target of CPU was changed from 50% to 200% at 14.500s..15.000s",
			"unknown able to scale: by its own conditions | its target of CPU was changed from 50% to 200%",
		},
	},
	{
		"R24: its own metric follows too late, and so does the decision, which counts from when it should have been seen",
		`spec     min=2 max=8 cpu=50%
		 fault    . #*16 .
		 cpu      11*12 90 48*4 20
		 reading  11 180*12 48*4 20
		 desired  2*12 4*5 2`,
		[]string{"decision <= 45s", "lag <= 45s"},
		[]string{
			"broken decision <= 45s: 54.4s to 57.4s", "broken lag <= 45s:", "unknown sizes as its metrics ask: 2 steps", "unknown able to scale: by its own conditions",
		},
	},
	{
		"R24: its own metric follows within half a minute",
		`spec     min=2 max=8 cpu=50%
		 fault    . #*16 .
		 cpu      11*5 90 48*11 20
		 reading  11 180*5 48*11 20
		 desired  2*5 4*12 2`,
		[]string{"decision <= 45s", "lag <= 45s"},
		[]string{"held decision <= 45s: 0s", "held sizes as its metrics ask: 2 steps, none against them", "held able to scale: throughout"},
	},
	{
		"R24: the other reading is above the target too shortly to say anything",
		`spec     min=2 max=8 cpu=50%
		 fault    . #*12 .
		 cpu      11*14
		 reading  11 180*4 11*9
		 desired  2*14`,
		[]string{"decision <= 45s"},
		[]string{"unknown scales out: | not seen to have an effect on its metrics", "unknown decision <= 45s: | waits for: lag"},
	},
	{
		"R24: it is a little above the target, which two instruments may differ by",
		`spec     min=2 max=8 cpu=50%
		 fault    . #*12 .
		 cpu      48*14
		 reading  48 70*12 48
		 desired  2*14`,
		nil,
		[]string{"unknown scales out: | not seen to have an effect on its metrics"},
	},
	{
		"R24: its own metric is lost while the pods are short of CPU",
		`spec     min=2 max=8 cpu=50%
		 fault    . #*12 .
		 cpu      40 -*12 40
		 active   . F*12 .
		 reading  40 180*12 40
		 desired  2*14`,
		[]string{"decision <= 45s"},
		[]string{
			"broken scales out: it stayed at 2, though utilisation was at least 180% | resource cpu is not known", "broken decision <= 45s: at least 5",
			"unknown sizes as its metrics ask:", "unknown able to scale:",
		},
	},
	{
		"R24: what is unknown of the other reading for a moment does not matter",
		`spec     min=2 max=8 cpu=50%
		 fault    . #*12 .
		 cpu      11*14
		 reading  11 180*4 - 180*7 11
		 desired  2*14`,
		[]string{"decision <= 45s"},
		[]string{
			"broken scales out: it stayed at 2", "broken decision <= 45s: at least 5", "unknown sizes as its metrics ask:", "unknown able to scale:",
		},
	},
	{
		"R24: above the target once before a hole and once after it, which is not throughout",
		`spec     min=2 max=8 cpu=50%
		 fault    . #*16 .
		 cpu      11*18
		 reading  11*2 180 -*12 180*2 11
		 desired  2*18`,
		[]string{"decision <= 45s"},
		[]string{"unknown scales out: | not seen to have an effect on its metrics", "unknown decision <= 45s: | waits for: lag"},
	},
	{
		"R24: the same where nothing was asked meanwhile",
		`spec     min=2 max=8 cpu=50%
		 fault    . #*16 .
		 cpu      11*18
		 reading  11*2 180 .*12 180*2 11
		 desired  2*18`,
		[]string{"decision <= 45s"},
		[]string{"unknown scales out: | not seen to have an effect on its metrics", "unknown decision <= 45s: | waits for: lag"},
	},
	{
		"R24: too short before a hole and too short after it",
		`spec     min=2 max=8 cpu=50%
		 fault    . #*14 .
		 cpu      11*16
		 reading  11 180*6 -*2 180*6 11
		 desired  2*16`,
		[]string{"decision <= 45s"},
		[]string{"unknown scales out: | not seen to have an effect on its metrics", "unknown decision <= 45s: | waits for: lag"},
	},
	{
		"R24: long enough after a hole, from which it is late",
		`spec     min=2 max=8 cpu=50%
		 fault    . #*14 .
		 cpu      11*16
		 reading  11 180*2 -*3 180*9 11
		 desired  2*16`,
		[]string{"decision <= 35s", "decision <= 45s"},
		[]string{
			"broken scales out: it stayed at 2, though utilisation was at least 180% (target 50%) from 30.000s to 65.000s",
			"broken decision <= 35s: at least 42.5s", "unknown decision <= 45s: at least 42.5s", "unknown sizes as its metrics ask:", "unknown able to scale:",
		},
	},
	{
		"R24: it is at its max and cannot do more",
		`spec     min=2 max=2 cpu=50%
		 fault    . #*12 .
		 cpu      11*14
		 reading  11 180*12 11
		 desired  2*14`,
		nil,
		[]string{"unknown scales out: it did not | at its max of 2 before the fault"},
	},
	{
		"R24: it scales by another quantity, of which the pods' CPU says nothing",
		`spec     min=2 max=8 external:queue=30
		 fault    . #*12 .
		 external:queue 10*14
		 reading  11 180*12 11
		 desired  2*14`,
		nil,
		[]string{"unknown scales out: | not seen to have an effect on its metrics"},
	},
	{
		"pods' own metrics",
		`spec     min=2 max=8 pods:sold=10
		 fault    . # # # .
		 pods:sold 5 20 9500m 9 4
		 desired  2 4 4 4 2`,
		[]string{"relieved <= 6s"},
		[]string{"held relieved <= 6s:"},
	},
	{
		"an object's metric",
		`spec     min=2 max=8 object:sold=1k
		 fault    . # # # .
		 object:sold 500 2500 900 900 400
		 desired  2 5 5 5 2`,
		[]string{"replicas >= 5"},
		nil,
	},
	{
		"an external metric's average",
		`spec     min=2 max=8 external:queue=avg:30
		 fault    . # # # .
		 external:queue 20 60 30 29 10
		 desired  2 4 4 4 2`,
		[]string{"replicas >= 4"},
		nil,
	},
	{
		"a container's metric",
		`spec     min=2 max=8 container:app:cpu=50%
		 fault    . # # # .
		 container:app:cpu 40 90 48 48 20
		 desired  2 4 4 4 2`,
		nil,
		nil,
	},
	{
		"an amount of a resource",
		`spec     min=2 max=8 cpu=500m
		 fault    . # # # .
		 cpu      400m 1 480m 480m 100m
		 desired  2 4 4 4 2`,
		nil,
		nil,
	},
	{
		"a fault without an effect on the metric",
		`spec     min=2 max=8 cpu=50%
		 fault    . # # # .
		 cpu      40 44 45 43 40
		 desired  2*5`,
		[]string{"lag <= 5s", "decision <= 10s", "back <= 1m"},
		[]string{
			"unknown scales out: it did not | not seen to have an effect on its metrics", "unknown lag <= 5s: | no metric was seen above its target",
			"unknown decision <= 10s: | waits for: lag", "unknown back <= 1m: | it never left its size of 2",
		},
	},
	{
		"it sees the load and does nothing",
		`spec     min=2 max=8 cpu=50%
		 fault    . # # # # .
		 cpu      40 180 180 181 180 40
		 desired  2*6`,
		[]string{"decision <= 10s"},
		[]string{"broken scales out: it stayed at 2, though resource cpu 180% (target 50%)", "broken decision <= 10s: at least 17.5s"},
	},
	{
		"it does nothing, and whether the load is within its tolerance is not known",
		`spec     min=2 max=8 cpu=50%
		 fault    . # # # # .
		 cpu      40 60 61 60 60 40
		 limited  - - - - - -
		 desired  2*6`,
		nil,
		[]string{"unknown scales out: | the API does not show"},
	},
	{
		"by its own tolerance the load is beyond it",
		`spec     min=2 max=8 cpu=50% up.tolerance=0.1
		 fault    . # # # # .
		 cpu      40 60 61 60 60 40
		 desired  2*6`,
		nil,
		[]string{"broken scales out: it stayed at 2"},
	},
	{
		"its window for steps up was not over",
		`spec     min=2 max=8 cpu=50% up.window=60
		 fault    . # # # # .
		 cpu      40 180 180 181 180 40
		 able     . S S S S .
		 desired  2*6`,
		nil,
		[]string{"unknown scales out: | window of 60s for steps up was not over"},
	},
	{
		"scaling up is disabled",
		`spec     min=2 max=8 cpu=50% up.select=Disabled
		 fault    . # # # # .
		 cpu      40 180 180 181 180 40
		 desired  2*6`,
		nil,
		[]string{"broken scales out: | its spec disables scaling up"},
	},
	{
		"it is not able to scale",
		`spec     min=2 max=8 cpu=50%
		 fault    . # # # # .
		 cpu      40 180 180 181 180 40
		 able     . F F F F F
		 desired  2*6`,
		nil,
		[]string{"broken scales out: AbleToScale False, FailedUpdateScale", "broken able to scale: AbleToScale False, FailedUpdateScale: the HPA controller was unable"},
	},
	{
		"it was not able for a moment",
		`spec     min=2 max=8 cpu=50%
		 fault    . # # # # .
		 cpu      40 180 180 48 48 40
		 able     . F . . . .
		 desired  2 2 4 4 4 2`,
		nil,
		[]string{"held able to scale: in the end; before: AbleToScale False, FailedUpdateScale"},
	},
	{
		"its metric is missing",
		`spec     min=2 max=8 cpu=50%
		 fault    . # # # # .
		 cpu      40 - - - - -
		 active   . F F F F F
		 desired  2*6`,
		[]string{"lag <= 10s"},
		[]string{
			"unknown scales out: | ScalingActive False, FailedGetResourceMetric: no metrics returned", "unknown able to scale: | FailedGetResourceMetric",
			"unknown lag <= 10s: | FailedGetResourceMetric",
		},
	},
	{
		"its metric was never there",
		`spec     min=2 max=8 cpu=50%
		 fault    . # # # # .
		 cpu      - - - - - -
		 active   F F F F F F
		 desired  2*6`,
		nil,
		[]string{
			"unknown scales out: | ScalingActive False, FailedGetResourceMetric: no metrics returned",
			"broken able to scale: never since before the fault: ScalingActive False, FailedGetResourceMetric: no metrics returned",
		},
	},
	{
		"its metric was never there, so that it has never wanted a size",
		`spec     min=2 max=8 cpu=50%
		 fault    . # # # # .
		 cpu      - - - - - -
		 active   F F F F F F
		 desired  0*6
		 wanted   2*6`,
		nil,
		[]string{
			"unknown scales out: | ScalingActive False, FailedGetResourceMetric: no metrics returned",
			"broken able to scale: never since before the fault: ScalingActive False, FailedGetResourceMetric: no metrics returned",
		},
	},
	{
		"it scales to nothing, below its min",
		`spec     min=2 max=8 cpu=50%
		 fault    . # # # # . . .
		 cpu      40 90 90 45 45 20 20 20
		 desired  2 4 4 4 0 2 2 2`,
		nil,
		[]string{
			"broken within min and max: 0 at 19.500s..20.000s", "broken turns <= 1: 2 -> 4 -> 0 -> 2: it flaps",
		},
	},
	{
		"it comes to its first decision under the load",
		`spec     min=2 max=8 cpu=50%
		 fault    . # # # # # . . .
		 cpu      - 90 90 90 45 45 20 20 20
		 active   F . . . . . . . .
		 desired  0 4 4 4 4 4 2 2 2
		 wanted   2 4 4 4 4 4 2 2 2
		 ready    2 2 4 4 4 4 4 2 2`,
		nil,
		nil,
	},
	{
		"its metric was missing before it was seen above the target",
		`spec     min=2 max=8 cpu=50%
		 fault    . # # # # # .
		 cpu      40 - - 180 48 48 20
		 active   . F F . . . .
		 desired  2 2 2 4 4 4 2`,
		[]string{"lag <= 5s", "lag <= 15s"},
		[]string{"unknown lag <= 5s: 2s to 12.4s", "held able to scale: in the end"},
	},
	{
		"the metric was above its target before the fault",
		`spec     min=2 max=8 cpu=50%
		 fault    . # # # # .
		 cpu      90 91 90 48 48 20
		 desired  2 2 4 4 4 2`,
		[]string{"lag <= 10s"},
		[]string{"unknown lag <= 10s: | above the target before the fault"},
	},
	{
		"its pods are not ready when the record ends",
		`spec     min=2 max=8 cpu=50%
		 fault    . #*6
		 cpu      40 90 91 92 93 94 95
		 desired  2 4*6
		 ready    2 2*6`,
		[]string{"ready <= 10s", "ready <= 10m", "replicas >= 4"},
		[]string{
			"broken ready <= 10s: at least 30.1s", "unknown ready <= 10m: at least 30.1s | watch, for longer", "broken replicas >= 4: 2 ready",
			"unknown back at the old size: at 4",
		},
	},
	{
		"a size that was taken back before it was ready was never reached",
		`spec     min=2 max=8 cpu=50% down.window=0
		 fault    . # # # # # .
		 cpu      40 90 70 45 45 45 20
		 desired  2 6 6 3 3 3 2
		 ready    2 2 3 3 3 3 2`,
		[]string{"ready <= 5s", "ready <= 20s", "replicas >= 4"},
		[]string{"broken ready <= 5s: at least 9.5s, at most 3 of 6 were ready before fewer were wanted", "unknown ready <= 20s: at least", "broken replicas >= 4: 3 ready"},
	},
	{
		"a run that was cut may have come to more",
		`spec     min=2 max=8 cpu=50%
		 fault    . # # #
		 cpu      40 90 91 92
		 desired  2 4 4 4
		 ready    2 2 2 2
		 cut`,
		[]string{"replicas >= 4", "replicas == 4", "replicas == 1"},
		[]string{"unknown replicas >= 4: | could have made it more", "unknown replicas == 4: | could have made it more", "broken replicas == 1: 2 ready", "unknown turns <= 1: | could have made it more", "unknown back at the old size: at 4"},
	},
	{
		"it does not come back in time",
		`spec     min=2 max=8 cpu=50% down.window=300
		 fault    . # # . . . .
		 cpu      40 90 48 20 20 20 20
		 desired  2 4 4 4 4 4 4`,
		[]string{"back <= 10s"},
		[]string{"broken back <= 10s: at least 22.5s, at 4 when the record ended, and at 2 before the fault"},
	},
	{
		"it may come back in time",
		`spec     min=2 max=8 cpu=50% down.window=300
		 fault    . # # . . . .
		 cpu      40 90 48 20 20 20 20
		 desired  2 4 4 4 4 4 4`,
		[]string{"back <= 5m"},
		[]string{"unknown back <= 5m: at least 22.5s | watch, for longer"},
	},
	{
		"it comes back too eagerly for a limit that says so",
		`spec     min=2 max=8 cpu=50%
		 fault    . # # . . . .
		 cpu      40 90 48 20 20 20 20
		 desired  2 4 4 2 2 2 2`,
		[]string{"back >= 20s"},
		[]string{"broken back >= 20s: 1.9s to 2.4s"},
	},
	{
		"back and away again is not back",
		`spec     min=2 max=8 cpu=50%
		 fault    . # # . . . .
		 cpu      40 90 48 20 20 90 40
		 desired  2 4 4 2 2 4 4`,
		[]string{"back <= 10s", "turns <= 2"},
		[]string{"broken back <= 10s: at least"},
	},
	{
		"the scale target is not followed",
		`spec     min=2 max=8 cpu=50%
		 fault    . # # # .
		 cpu      40 90 48 48 20
		 desired  2 4 4 4 2
		 unfollowed`,
		[]string{"actuation <= 5s", "ready <= 1m", "replicas >= 4", "decision <= 5s"},
		[]string{
			"unknown actuation <= 5s: | deployment/shop/checkout was not followed", "unknown ready <= 1m: | was not followed",
			"unknown replicas >= 4: | was not followed",
		},
	},
	{
		"a size that another client changed",
		`spec     min=2 max=8 cpu=50% down.window=60
		 fault    . # # # # .
		 cpu      40 90 48 48 48 48
		 desired  2 4 4 2 2 2
		 hand     . . . h . .`,
		nil,
		[]string{
			"unknown sizes as its metrics ask: changed by another client | 4 -> 2", "held no step down inside its stabilization window:",
			"unknown back at the old size: at 2, and not by itself",
		},
	},
	{
		"a spike that it follows only after the fault",
		`spec     min=2 max=8 cpu=50%
		 fault    . # . . . .
		 cpu      40 90 90 90 48 20
		 desired  2 2 2 4 4 2`,
		[]string{"decision <= 1s"},
		[]string{"broken scales out: it stayed at 2", "broken decision <= 1s:"},
	},
	{
		"it is not to grow, and does not",
		`spec     min=2 max=8 cpu=50%
		 fault    . # # # .
		 cpu      40 44 45 43 40
		 desired  2*5`,
		[]string{"replicas <= 2"},
		[]string{"held replicas <= 2: 2 ready"},
	},
	{
		"it is not to grow, and does",
		`spec     min=2 max=8 cpu=50%
		 fault    . # # # .
		 cpu      40 90 48 48 20
		 desired  2 4 4 4 2`,
		[]string{"replicas <= 2"},
		[]string{"broken replicas <= 2: 4 ready"},
	},
	{
		"it is deleted",
		`spec     min=2 max=8 cpu=50%
		 fault    . # # # .
		 cpu      40 90 48 48 20
		 desired  2 4 4 4 4
		 gone     . . . . x`,
		[]string{"decision <= 10s"},
		append(unjudged("it was deleted"), "unknown decision <= 10s: | it was deleted"),
	},
	{
		"for a time nothing is seen of its scale target",
		`spec     min=2 max=8 cpu=50%
		 fault    . # # # # .
		 cpu      40 90 48 48 48 20
		 desired  2 4 4 4 4 2
		 dark     . . b b . .
		 ready    2 2 4 4 3 2`,
		[]string{"ready <= 10s", "replicas <= 3", "actuation <= 1s"},
		[]string{"unknown ready <= 10s: at least 0s, not seen, and for a time nothing could be", "unknown replicas <= 3: 3 ready | nothing was seen of deployment/shop/checkout"},
	},
	{
		"nothing is seen of it from the fault on",
		`spec     min=2 max=8 cpu=50%
		 fault    . # # # .
		 cpu      40 90 48 48 20
		 desired  2 4 4 4 2
		 blind    . b b b b`,
		[]string{"decision <= 10s"},
		[]string{
			"unknown scales out: not where it was seen | nothing was seen of it from", "unknown within min and max:", "unknown steps within its policies:",
			"unknown turns <= 1: | nothing was seen", "unknown decision <= 10s: | waits for: lag", "unknown back at the old size: | nothing was seen",
		},
	},
	{
		"a moment in which nothing was seen and nothing happened hides nothing",
		`spec     min=2 max=8 cpu=50% down.window=10
		 fault    . # # # # # . .
		 cpu      40 90 48 47 46 45 20 20
		 desired  2 4 4 4 4 4 2 2
		 blind    . . . b . . . .`,
		nil,
		nil,
	},
	{
		"no fault, and the load grows",
		`spec     min=2 max=8 cpu=50%
		 cpu      40 90 48 48 20
		 desired  2 4 4 4 2`,
		nil,
		unjudged("never came to the phase"),
	},
}

// unjudged are the findings of an autoscaler that was not watched, whatever its
// limits.
func unjudged(why string) (want []string) {
	for _, rule := range []string{
		"scales out", "within min and max", "steps within its policies", "no step down inside its stabilization window",
		"sizes as its metrics ask", "not held back by its max", "able to scale", "back at the old size", "turns <= 1",
	} {
		want = append(want, "unknown "+rule+": not judged | "+why)
	}
	return want
}

func TestTrajectories(t *testing.T) {
	for _, row := range trajectories {
		t.Run(row.sentence, func(t *testing.T) {
			list := findings(t, parse(t, row.script).result(t), row.limits...)
			told := []string{}
			for _, f := range list {
				told = append(told, line(f))
			}
			met := map[int]bool{}
			for _, want := range row.want {
				head, rest, _ := strings.Cut(want, ": ")
				i := slices.IndexFunc(told, func(l string) bool { return strings.HasPrefix(l, strings.TrimSuffix(head, ":")+": ") })
				if i < 0 {
					t.Errorf("no %q", head)
					continue
				}
				met[i] = true
				for part := range strings.SplitSeq(rest, "|") {
					if !strings.Contains(told[i], strings.TrimSpace(part)) {
						t.Errorf("no %q in %q", strings.TrimSpace(part), told[i])
					}
				}
			}
			for i, f := range list {
				if f.Verdict != steadystate.Held && !met[i] {
					t.Errorf("not expected: %s", told[i])
				}
			}
			if t.Failed() {
				t.Logf("findings:\n%s", strings.Join(told, "\n"))
			}
		})
	}
	if len(trajectories) < 40 {
		t.Errorf("%d trajectories, want at least 40", len(trajectories))
	}
}

func TestNodesThatComeAreToldBesideTheStages(t *testing.T) {
	r := parse(t, trajectories[0].script).result(t)
	r.Events = append(r.Events, []record.Event{
		{Kind: record.EventExists, Subject: "node/node1", Span: steadystate.Span{To: every}},
		{Kind: record.EventCreated, Subject: "node/node2", Span: steadystate.Instant(3 * every)},
		{Kind: record.EventChanged, Subject: "vpa/shop/checkout", Span: steadystate.Instant(4 * every)},
		{Kind: record.EventChanged, Subject: "vpa/other/checkout", Span: steadystate.Instant(4 * every)},
	}...)
	list := autoscaling.Decompose(r)
	if want := "node/node2 created at 15.000s, vpa/shop/checkout changed at 20.000s"; len(list) != 1 || list[0].Note != want {
		t.Fatalf("%v, want it to say %q", list, want)
	}
	if text := list[0].String(); !strings.Contains(text, "  note: node/node2") {
		t.Errorf("no nodes in\n%s", text)
	}
}

func TestAnInjectionThatFellShortIsNoFault(t *testing.T) {
	r := judge.Result{
		Injections: []judge.InjectionResult{{Injection: record.Injection{Fault: "a spike", FailureReason: "no pod was selected"}}},
		Events:     []record.Event{{Kind: record.EventExists, Subject: "hpa/shop/checkout"}},
	}
	if f := findings(t, r)[0]; f.Verdict != steadystate.Unknown || !strings.Contains(f.Undecided, "never came to the phase") {
		t.Errorf("%s, want that there was none", line(f))
	}
}

func TestWhatNoEventTellsIsUnknown(t *testing.T) {
	r := judge.Result{Phases: []judge.PhaseResult{{Name: record.PhaseInject}}}
	list := findings(t, r, "decision <= 10s")
	for _, f := range list {
		if f.Verdict != steadystate.Unknown || !strings.Contains(f.Undecided, "name it in the observer's Autoscalers") {
			t.Errorf("%s, want it unknown and what to do", line(f))
		}
	}
	if want := len(unjudged("")) + 1; len(list) != want {
		t.Errorf("%d findings, want %d: of each rule and of the limit", len(list), want)
	}
	r.Events = []record.Event{{Kind: record.EventExists, Subject: "hpa/shop/checkout", Attrs: map[string]string{record.AttrStatus: "{"}}}
	if f := findings(t, r)[0]; f.Verdict != steadystate.Unknown || !strings.Contains(f.Undecided, "read the status of hpa/shop/checkout") {
		t.Errorf("%s, want what cannot be read", line(f))
	}
	for _, amount := range []string{`"much"`, `""`, `"0x10"`, `"NaN"`, `{}`} {
		r.Events[0].Attrs = map[string]string{record.AttrSpec: `{"metrics":[{"type":"Pods","pods":{"metric":{"name":"sold"},"target":{"averageValue":` + amount + `}}}]}`}
		if f := findings(t, r)[0]; f.Verdict != steadystate.Unknown || !strings.Contains(f.Undecided, "read the spec of hpa/shop/checkout") {
			t.Errorf("%s, want that an amount of %s cannot be read", line(f), amount)
		}
	}
}

func TestWhatIsNoExpectation(t *testing.T) {
	for _, row := range []struct {
		subject, limit, want string
	}{
		{"hpa/shop/checkout", "decision <= 45s", ""},
		{"hpa/shop/checkout", "ready <= 90s since fault", ""},
		{"hpa/shop/checkout", "actuation <= 0", ""},
		{"hpa/shop/checkout", "turns == 1", ""},
		{"deployment/shop/checkout", "decision <= 45s", "want hpa/NAMESPACE/NAME"},
		{"hpa/shop", "decision <= 45s", "want hpa/NAMESPACE/NAME"},
		{"hpa/shop/checkout", "decision", "want QUANTITY OPERATOR VALUE"},
		{"hpa/shop/checkout", "downtime <= 2s", `no quantity "downtime"; quantities: lag, decision, actuation, ready, relieved, back, replicas, turns`},
		{"hpa/shop/checkout", "decision <= 4", `decision is a time, and "<= 4" is a number`},
		{"hpa/shop/checkout", "replicas >= 4s", `replicas is a number, and ">= 4s" is a time`},
		{"hpa/shop/checkout", "decision <= soon", "is not a number"},
		{"hpa/shop/checkout", "back <= 5m since fault", "back is not counted since the fault"},
		{"hpa/shop/checkout", "turns <= 1 since fault", "turns is not counted since the fault"},
	} {
		x := record.Expectation{Name: "x", Kind: autoscaling.Kind, Subject: row.subject, Limits: []string{row.limit}}
		err := autoscaling.Evaluator{}.Validate(x)
		if (err == nil) != (row.want == "") || (err != nil && !strings.Contains(err.Error(), row.want)) {
			t.Errorf("%s, %s: error %v, want %q", row.subject, row.limit, err, row.want)
		}
		if err == nil {
			l, err := autoscaling.ParseLimit(row.limit)
			if err != nil || l.String() != row.limit {
				t.Errorf("%q is read as %q, %v", row.limit, l, err)
			}
		}
	}
	bad := record.Expectation{Subject: "hpa/shop/checkout", Limits: []string{"soon"}}
	if f := (autoscaling.Evaluator{}).Evaluate(bad, judge.Result{}); len(f) != 1 || f[0].Verdict != steadystate.Unknown {
		t.Errorf("%+v, want that the limits cannot be read", f)
	}
}

// A StatefulSet that is scaled is judged as a Deployment is, what could not be
// seen of it too.
func TestTheKindOfWhatIsScaledIsOfNoAccount(t *testing.T) {
	for _, row := range trajectories {
		r := parse(t, row.script).result(t)
		var want []string
		for _, f := range findings(t, r, row.limits...) {
			want = append(want, line(f))
		}
		r.Events = slices.Clone(r.Events)
		for i, e := range r.Events {
			e.Subject = strings.NewReplacer("deployment/", "statefulset/", "/deployments", "/statefulsets").Replace(e.Subject)
			if spec := e.Attrs[record.AttrSpec]; spec != "" {
				e.Attrs = maps.Clone(e.Attrs)
				e.Attrs[record.AttrSpec] = strings.ReplaceAll(spec, `"Deployment"`, `"StatefulSet"`)
			}
			r.Events[i] = e
		}
		for i, f := range findings(t, r, row.limits...) {
			if got := strings.ReplaceAll(line(f), "statefulset/", "deployment/"); got != want[i] {
				t.Errorf("%s: %s, want %s", row.sentence, got, want[i])
			}
		}
	}
}
