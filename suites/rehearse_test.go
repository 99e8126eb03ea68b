package suites

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/aftershockhq/aftershock/config"
	"github.com/aftershockhq/aftershock/experiments/chaosmesh"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/suites/rights"
)

// lacking answers reviews of an account that has all rights but some, each as
// "VERB RESOURCE" of [rights.Rule.String]; all else goes to the client.
func lacking(some ...string) func(context.Context, client.WithWatch, client.Object, ...client.CreateOption) error {
	return func(ctx context.Context, c client.WithWatch, object client.Object, options ...client.CreateOption) error {
		review, ok := object.(*authorizationv1.SelfSubjectAccessReview)
		if !ok {
			return c.Create(ctx, object, options...)
		}
		a := review.Spec.ResourceAttributes
		review.Status.Allowed = !slices.Contains(some, fmt.Sprintf("%s %s.%s in %s", a.Verb, a.Resource, a.Group, a.Namespace))
		return nil
	}
}

// needed are the rights of a file, as text, without those that every file needs.
func needed(t *testing.T, text string) []string {
	t.Helper()
	plan := planOf(t, text)
	list, err := Rights(t.Context(), plan, plan.Planned)
	if err != nil {
		t.Error(err)
	}
	var lines []string
	for _, r := range list {
		line := r.String()
		if r.Optional {
			line += " (optional)"
		}
		lines = append(lines, line)
	}
	return lines
}

// Beside other work a process makes its requests late, and looks late for them.
func TestARehearsalWaitsForTheRequestsOfAStarvedProcess(t *testing.T) {
	for _, row := range []struct {
		sentence  string
		starved   int           // so many looks take a second each
		last      time.Duration // when the last request of a new kind is made
		ends, yet time.Duration
	}{
		{"it has all it wants", 0, time.Second, 2 * time.Second, 3 * time.Second},
		{"it is starved, and has not made its last request for 5 looks", 8, 7 * time.Second, 8 * time.Second, 12 * time.Second},
		{"it is starved, and makes no other request", 8, 0, 8 * time.Second, 12 * time.Second},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began, looks := time.Now(), 0
				quiet(t.Context(), func() time.Time {
					if looks++; looks <= row.starved {
						time.Sleep(time.Second)
					}
					if time.Since(began) < row.last {
						return began
					}
					return began.Add(row.last)
				})
				if took := time.Since(began); took < row.ends || took > row.yet {
					t.Errorf("it ended after %s, want %s to %s", took, row.ends, row.yet)
				}
			})
		})
	}
}

// rehearsals is a file with one experiment.
const rehearsals = `apiVersion: aftershock/v1
cluster: {context: staging, uid: 0b1c, namespace: chaos, image: aftershock}
allow: {namespaces: [shop, bank]}
prometheus: {url: "http://127.0.0.1:9090"}
services:
  checkout:
    namespace: shop
    workload: WORKLOAD
    traffic: sum by (pod) (rate(served_total[10s]))
    podSignals: {calls: "sum by (pod) (rate(calls_total[10s]))"}
    calls: [accounts]
  accounts:
    namespace: bank
    workload: deployment/accounts
experiments:
  one:
    service: checkout
    faults: {it: FAULT}
`

func rehearsalsOf(workload, fault string) string {
	return strings.NewReplacer("WORKLOAD", workload, "FAULT", fault).Replace(rehearsals)
}

// Each kind of fault needs what it creates, changes and removes, also what it
// does when it is stuck, and no other kind's.
func TestEachFaultNeedsItsOwnRights(t *testing.T) {
	chaos := func(kind, namespace string, verbs ...string) (list []string) {
		for _, verb := range verbs {
			list = append(list, verb+" "+kind+".chaos-mesh.org in "+namespace)
		}
		return list
	}
	own := []string{"get", "list", "watch", "create", "update", "patch", "delete"}
	for _, row := range []struct {
		sentence, workload, fault string
		want                      []string // besides those to read
	}{
		{"a kill", "deployment/checkout", "{podKill: {pods: 2}}", chaos("podchaos", "shop", own[3:]...)},
		{"a failure that follows", "deployment/checkout", "{podFailure: {pods: 1, follow: true}}", chaos("podchaos", "shop", own[3:]...)},
		{
			"a delay between two namespaces", "deployment/checkout", "{networkDelay: {pods: 1, latency: 100ms, to: accounts}}",
			slices.Concat(
				chaos("networkchaos", "bank", "create", "update"), // Chaos Mesh's admission asks
				chaos("networkchaos", "shop", own[3:]...), chaos("podnetworkchaos", "bank", "patch"), chaos("podnetworkchaos", "shop", "patch"),
			),
		},
		{"stress", "daemonset/checkout", "{stressCPU: {pods: 100%, workers: 1, load: 50%}}", chaos("stresschaos", "shop", own[3:]...)},
		{"an eviction", "deployment/checkout", "{evict: {pods: 7}}", []string{"create pods/eviction in shop"}},
		{"a drain", "statefulset/checkout", "{drain: {}}", []string{"create pods/eviction in shop"}},
		{"a restart", "deployment/checkout", "{restart: {}}", []string{"patch deployments.apps checkout in shop"}},
		{"a bad image of a Deployment", "deployment/checkout", "{badImage: {}}", []string{"patch deployments.apps checkout in shop", "delete replicasets.apps in shop"}},
		{
			"of a StatefulSet, whose bad pod must be deleted", "statefulset/checkout", "{badImage: {}}",
			[]string{"delete pods in shop", "delete controllerrevisions.apps in shop", "patch statefulsets.apps checkout in shop"},
		},
		{"a kill of a Rollout's pods", "rollout/checkout", "{podKill: {pods: 2}}", chaos("podchaos", "shop", own[3:]...)},
		{"a restart of a Rollout", "rollout/checkout", "{restart: {}}", []string{"patch rollouts.argoproj.io checkout in shop"}},
		{"a bad image of a Rollout", "rollout/checkout", "{badImage: {}}", []string{"patch rollouts.argoproj.io checkout in shop", "delete replicasets.apps in shop"}},
		{
			"a schedule, and the faults that it makes", "deployment/checkout",
			`{effects: [{event: gone}], chaosMesh: {yaml: '{"apiVersion": "chaos-mesh.org/v1alpha1", "kind": "Schedule", "metadata": {"namespace": "shop"}, "spec": {"schedule": "@every 10s", "type": "PodChaos", "historyLimit": 1, "concurrencyPolicy": "Forbid", "podChaos": {"action": "pod-kill", "mode": "one", "selector": {"labelSelectors": {"tier": "web"}}}}}'}}`,
			slices.Concat(chaos("podchaos", "shop", "update", "patch", "delete"), chaos("schedules", "shop", "patch", "delete"), chaos("workflow", "shop", "create", "update"), chaos("workflows", "shop", "create", "patch", "delete")),
		},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			t.Parallel()
			text := rehearsalsOf(row.workload, row.fault)
			reads := []string{"get namespaces kube-system in the cluster", "list pods in shop", "list podchaos.chaos-mesh.org in bank", "list replicasets.apps in shop"}
			if strings.Contains(row.want[0], "chaos-mesh.org") {
				reads = append(reads, "list events in shop") // of a fault that fails
			}
			if row.want[0] != "create pods/eviction in shop" { // which leaves nothing to undo
				row.want = append(row.want, "update configmaps in chaos", "delete configmaps in chaos")
			}
			list := needed(t, text)
			writes := slices.DeleteFunc(slices.Clone(list), func(line string) bool {
				verb, _, _ := strings.Cut(line, " ")
				return slices.Contains([]string{"get", "list", "watch"}, verb)
			})
			row.want = append(row.want, "create events.events.k8s.io in shop", "create configmaps in chaos", // of every run
				"create leases.coordination.k8s.io in chaos", "update leases.coordination.k8s.io in chaos", "delete leases.coordination.k8s.io in chaos",
				"create jobs.batch in chaos", "delete jobs.batch in chaos") // the dead-man switch
			slices.Sort(writes)
			slices.Sort(row.want)
			if !slices.Equal(writes, row.want) {
				t.Errorf("writes\n  %s\nwant\n  %s", strings.Join(writes, "\n  "), strings.Join(row.want, "\n  "))
			}
			// Who names no Rollout may see none.
			ofArgo := strings.HasPrefix(row.workload, "rollout/")
			if i := slices.IndexFunc(list, func(line string) bool { return strings.Contains(line, "argoproj.io") }); (i >= 0) != ofArgo {
				t.Errorf("a right to rollouts for %s:\n  %s", row.workload, strings.Join(list, "\n  "))
			}
			if ofArgo {
				reads = append(reads, "list rollouts.argoproj.io in shop", "get rollouts.argoproj.io checkout in shop", "watch rollouts.argoproj.io checkout in shop")
			}
			for _, want := range reads {
				if !slices.Contains(list, want) {
					t.Errorf("no %q among\n  %s", want, strings.Join(list, "\n  "))
				}
			}
			for _, asked := range sweeping(t, text) {
				if !slices.Contains(list, asked) && !slices.Contains(list, asked+" (optional)") {
					t.Errorf("a sweep of the run needs to %s, which is not among\n  %s", asked, strings.Join(list, "\n  "))
				}
			}
		})
	}
}

// sweeping are the rights that are asked for if a run is swept while its faults are
// in place.
func sweeping(t *testing.T, text string) (lines []string) {
	t.Helper()
	plan := planOf(t, text)
	synctest.Test(t, func(t *testing.T) {
		r := &rehearsing{plan: plan, chosen: plan.Planned}
		s, list, stage, err := r.session(t.Context(), plan.Planned)
		if err != nil {
			t.Fatal(err)
		}
		// That its faults are gone is an error of the run.
		_ = list[0].Rehearse(t.Context(), record.NewRecorder(io.Discard), func(ctx context.Context) {
			quiet(ctx, stage.Newest)
			if _, err := s.Sweep(ctx, Sweeping{Force: true}); err != nil {
				t.Error(err)
			}
		})
		for _, r := range rights.Merge(stage.Asked()) {
			lines = append(lines, r.String())
		}
	})
	return lines
}

// A dead-man switch asks for what undoes the faults of its run: no more than "aftershock
// rbac" prints, and all that a sweep changes but the history of a workload.
func TestADeadManSwitchNeedsWhatUndoesItsRun(t *testing.T) {
	both := func(kind, namespace string) []string {
		var list []string
		for _, verb := range []string{"get ", "list ", "patch ", "delete "} {
			list = append(list, verb+kind+".chaos-mesh.org in "+namespace)
		}
		return list
	}
	rules := func(namespace string) []string { return both("podnetworkchaos", namespace)[:3] }
	for _, row := range []struct {
		sentence, workload, fault string
		want                      []string // besides those in the namespace of the ledger
		besides                   string   // what the run itself changes, and nothing undoes
	}{
		{"a kill", "deployment/checkout", "{podKill: {pods: 2}}", both("podchaos", "shop"), ""},
		{"stress", "daemonset/checkout", "{stressCPU: {pods: 100%, workers: 1, load: 50%}}", both("stresschaos", "shop"), ""},
		{
			"a delay between two namespaces", "deployment/checkout", "{networkDelay: {pods: 1, latency: 100ms, to: accounts}}",
			slices.Concat(both("networkchaos", "shop"), rules("bank"), rules("shop"), []string{"list pods in bank"}), "",
		},
		{"an eviction leaves nothing to undo", "deployment/checkout", "{evict: {pods: 7}}", nil, ""},
		{"nor does the restart of a Deployment", "deployment/checkout", "{restart: {}}", nil, "patch deployments.apps checkout in shop"},
		{"a restart of a Rollout goes on", "rollout/checkout", "{restart: {}}", []string{"patch rollouts.argoproj.io checkout in shop"}, ""},
		{"a bad image of a Deployment", "deployment/checkout", "{badImage: {}}", []string{"patch deployments.apps checkout in shop"}, ""},
		{"of a StatefulSet, whose bad pod must be deleted", "statefulset/checkout", "{badImage: {}}", []string{"delete pods in shop", "patch statefulsets.apps checkout in shop"}, ""},
		{"of a Rollout", "rollout/checkout", "{badImage: {}}", []string{"patch rollouts.argoproj.io checkout in shop"}, ""},
		{
			"a schedule, and the faults that it makes", "deployment/checkout",
			`{effects: [{event: gone}], chaosMesh: {yaml: '{"apiVersion": "chaos-mesh.org/v1alpha1", "kind": "Schedule", "metadata": {"namespace": "shop"}, "spec": {"schedule": "@every 10s", "type": "PodChaos", "historyLimit": 1, "concurrencyPolicy": "Forbid", "podChaos": {"action": "pod-kill", "mode": "one", "selector": {"labelSelectors": {"tier": "web"}}}}}'}}`,
			slices.Concat(both("podchaos", "shop"), both("schedules", "shop"), both("workflows", "shop")), "",
		},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			t.Parallel()
			text := rehearsalsOf(row.workload, row.fault)
			plan := planOf(t, text)
			s, list, _, err := (&rehearsing{plan: plan, chosen: plan.Planned}).session(t.Context(), plan.Planned)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, r := range s.undoes(list[0]) {
				got = append(got, r.String())
			}
			want := append(row.want, "delete jobs.batch in chaos", "delete leases.coordination.k8s.io in chaos")
			if !strings.HasPrefix(row.fault, "{evict") {
				want = append(want, "delete configmaps in chaos") // it has a ledger
			}
			if slices.ContainsFunc(want, func(r string) bool { return strings.Contains(r, "chaos-mesh.org") }) { // and may add to it
				want = append(want, "create configmaps in chaos", "update configmaps in chaos", "list pods in shop")
			}
			slices.Sort(want)
			if sorted := slices.Sorted(slices.Values(got)); !slices.Equal(sorted, want) {
				t.Errorf("it needs\n  %s\nwant\n  %s", strings.Join(sorted, "\n  "), strings.Join(want, "\n  "))
			}
			granted := needed(t, text)
			for _, r := range got {
				if !slices.Contains(granted, r) {
					t.Errorf("%s is not among\n  %s", r, strings.Join(granted, "\n  "))
				}
			}
			for _, asked := range sweeping(t, text) {
				verb, what, _ := strings.Cut(asked, " ")
				history := strings.HasPrefix(what, "replicasets.") || strings.HasPrefix(what, "controllerrevisions.")
				if (verb == "patch" || verb == "delete") && !history && asked != row.besides && !slices.Contains(got, asked) {
					t.Errorf("a sweep needs to %s, which the switch does not ask for:\n  %s", asked, strings.Join(got, "\n  "))
				}
			}
		})
	}
}

// What a run needs does not depend on when it is asked: a freeze that is in force
// keeps no rehearsal from beginning.
func TestAFreezeTakesNoRights(t *testing.T) {
	list := needed(t, alone+"freeze: {windows: [{schedule: '* * * * *', for: 1h}]}\n")
	for _, want := range []string{"get configmaps aftershock-stop in aftershock", "watch configmaps aftershock-stop in aftershock", "create podchaos.chaos-mesh.org in shop"} {
		if !slices.Contains(list, want) {
			t.Errorf("no %q among\n  %s", want, strings.Join(list, "\n  "))
		}
	}
}

// What is outside the namespaces of the file, and to see Kubernetes Events, is optional, but
// for the cluster's identity: an account of these namespaces alone can run.
func TestWhatIsOutsideTheNamespacesIsOptional(t *testing.T) {
	list := needed(t, scaled)
	for _, want := range []string{
		"get namespaces kube-system in the cluster", "list nodes in the cluster (optional)", "watch nodes in the cluster (optional)", "list podchaos.chaos-mesh.org in the cluster (optional)",
		"list endpointslices.discovery.k8s.io in chaos-mesh (optional)",
		"get horizontalpodautoscalers.autoscaling checkout in shop", "watch horizontalpodautoscalers.autoscaling checkout in shop",
		"list horizontalpodautoscalers.autoscaling checkout in shop", "list horizontalpodautoscalers.autoscaling in shop (optional)",
		"list verticalpodautoscalers.autoscaling.k8s.io in shop", "list poddisruptionbudgets.policy in shop", "list events in shop", "watch endpointslices.discovery.k8s.io in shop",
		"list events.events.k8s.io in shop (optional)", "watch events.events.k8s.io in shop (optional)", "create events.events.k8s.io in shop",
	} {
		if !slices.Contains(list, want) {
			t.Errorf("no %q among\n  %s", want, strings.Join(list, "\n  "))
		}
	}
	for _, line := range list {
		if strings.HasSuffix(line, "in the cluster") && !strings.HasPrefix(line, "get namespaces ") {
			t.Errorf("%s is required", line)
		}
	}
	// Nothing depends on who is first.
	if again := needed(t, scaled); !slices.Equal(again, list) {
		t.Errorf("and again\n  %s\nafter\n  %s", strings.Join(again, "\n  "), strings.Join(list, "\n  "))
	}
}

func TestLoadWorkersNeedRightsInTheirNamespace(t *testing.T) {
	list := needed(t, strings.Replace(valid, "rate: 100/s}", "rate: 100/s, workers: {count: 2, image: \"aftershock:1\", namespace: loads}}", 1))
	for _, want := range []string{
		"get jobs.batch in loads", "list events in loads", "create jobs.batch in loads", "delete jobs.batch in loads", "list jobs.batch in loads", "list pods in loads", "get pods/proxy in loads", "create pods/proxy in loads",
	} {
		if !slices.Contains(list, want) {
			t.Errorf("no %q among\n  %s", want, strings.Join(list, "\n  "))
		}
	}
}

// A surge touches nothing in the cluster, and is announced, and held under a lock and
// with a dead-man switch, all the same.
func TestARunOfASurgeIsLocked(t *testing.T) {
	text := strings.Replace(rehearsalsOf("deployment/checkout", "{surge: {factor: 2x}}"), "    traffic: sum by (pod) (rate(served_total[10s]))", `    load: {url: "http://127.0.0.1/", rate: 100/s}`, 1)
	text += "checks: {answers: {signal: requests, good: value <= 1s, limits: [downtime <= 2s]}}\n"
	list := needed(t, text)
	for _, want := range []string{"update leases.coordination.k8s.io in chaos", "create jobs.batch in chaos", "list pods in chaos", "create events.events.k8s.io in shop"} {
		if !slices.Contains(list, want) {
			t.Errorf("no %q among\n  %s", want, strings.Join(list, "\n  "))
		}
	}
}

// A sweep, and preflight, look for the workers of all loads of the file.
func TestTheRightsOfSomeAreThoseToSweepAll(t *testing.T) {
	plan := planOf(t, valid+`experiments:
  alone: {service: checkout, faults: {kill: {podKill: {pods: 1}}}}
  many: {service: checkout, load: {workers: {count: 2, image: "aftershock:1", namespace: loads}}, faults: {kill: {podKill: {pods: 1}}}}
`)
	i := slices.IndexFunc(plan.Planned, func(p config.Planned) bool { return p.ID() == "checkout/alone" })
	list, err := Rights(t.Context(), plan, plan.Planned[i:i+1])
	if err != nil || !slices.ContainsFunc(list, func(r rights.Rule) bool { return r.String() == "list jobs.batch in loads" && !r.Optional }) {
		t.Errorf("%v, %v", list, err)
	}
}

// Who stops and resumes runs needs no right but to the one ConfigMap.
func TestWhatStoppingNeeds(t *testing.T) {
	list, err := OperatorRights(t.Context(), planOf(t, rehearsalsOf("deployment/checkout", "{restart: {}}")))
	var got []string
	for _, r := range list {
		got = append(got, r.String())
	}
	want := []string{
		"get namespaces kube-system in the cluster", "create configmaps in chaos", "get configmaps aftershock-stop in chaos",
		"update configmaps aftershock-stop in chaos", "delete configmaps aftershock-stop in chaos",
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v", got, err)
	}
}

// Preflight names each right that is missing with the rule to add; one that is
// only of use is a note.
func TestPreflightNamesTheMissingRight(t *testing.T) {
	s, list := made(t, valid, deployed("checkout"))
	list = slices.DeleteFunc(list, func(e Experiment) bool { return e.Name != "checkout/pods/kill-one" })
	for _, row := range []struct {
		sentence       string
		missing        []string
		err, said, not string
	}{
		{"all are there", nil, "", "ok rights: ", "missing"},
		{
			"two on one kind",
			[]string{"create podchaos.chaos-mesh.org in shop", "delete podchaos.chaos-mesh.org in shop"},
			"aftershock.yaml:1: rights: missing in shop: {apiGroups: [chaos-mesh.org], resources: [podchaos], verbs: [create, delete]}; add the rule, or all that are needed: aftershock rbac -f aftershock.yaml | kubectl apply -f -", "", "ok rights",
		},
		{
			"the cluster's identity",
			[]string{"get namespaces. in kube-system"},
			`missing in the cluster: {apiGroups: [""], resources: [namespaces], resourceNames: [kube-system], verbs: [get]}`, "", "ok rights",
		},
		{"one of use", []string{"list nodes. in "}, "", `note rights: optional, and missing: in the cluster: {apiGroups: [""], resources: [nodes], verbs: [list]}`, "error"},
	} {
		var said strings.Builder
		s.Client = fakeWith(t, lacking(row.missing...))
		p := &preflight{Session: s, list: list, say: func(mark Mark, what, found string) { fmt.Fprintf(&said, "%s %s: %s\n", mark, what, found) }}
		p.rights(t.Context())
		var errs []string
		for _, err := range p.errs {
			errs = append(errs, err.Error())
		}
		if text := strings.Join(errs, "\n"); len(errs) > 1 || (row.err == "") != (text == "") || !strings.Contains(text, row.err) || !strings.Contains(said.String(), row.said) || strings.Contains(said.String(), row.not) {
			t.Errorf("%s: preflight says\n%s%s", row.sentence, said.String(), text)
		}
	}
}

// fakeWith is a cluster of nothing, where objects are created so.
func fakeWith(t *testing.T, create func(context.Context, client.WithWatch, client.Object, ...client.CreateOption) error) client.WithWatch {
	t.Helper()
	scheme, err := chaosmesh.Scheme()
	if err != nil {
		t.Fatal(err)
	}
	return fake.NewClientBuilder().WithScheme(scheme).WithInterceptorFuncs(interceptor.Funcs{Create: create}).Build()
}
