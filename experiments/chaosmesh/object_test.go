package chaosmesh_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/aftershockhq/aftershock/experiments/chaosmesh"
	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/record"
)

// object is one of Chaos Mesh's in YAML; the specification is indented by two.
func object(kind, spec string) string {
	return "apiVersion: chaos-mesh.org/v1alpha1\nkind: " + kind + "\nmetadata:\n  name: mine\n  namespace: shop\n  labels: {team: checkout}\nspec:\n" + spec
}

const (
	ofCheckout = "  mode: all\n  selector:\n    labelSelectors: {app: checkout}\n"
	slowDisk   = ofCheckout + "  action: latency\n  volumePath: /data\n  delay: 100ms\n"
	slowNet    = ofCheckout + "  action: delay\n  delay: {latency: 200ms}\n"
)

func TestAnObjectThatWouldNotDoWhatItSaysIsRefused(t *testing.T) {
	workflow := func(templates string) string {
		return object("Workflow", "  entry: entry\n  templates:\n"+templates)
	}
	for _, row := range []struct {
		name string
		text string
		want string
	}{
		{"an unknown field says where", object("NetworkChaos", slowNet+"  target:\n    mode: all\n    selektor: {}\n"), `unknown field "spec.target.selektor"; fields: mode, selector, value`},
		{"a field that is there twice", object("NetworkChaos", slowNet+"  action: loss\n"), `key "action" already set`},
		{"no YAML", "a: b: c", "mapping values are not allowed"},
		{"nothing", "\n---\n", "0 documents; want one for each fault"},
		{"two objects", object("IOChaos", slowDisk) + "---\n" + object("IOChaos", slowDisk), "2 documents; want one for each fault"},
		{"a kind that nobody knows", object("TeaChaos", ""), `no kind "TeaChaos" in chaos-mesh.org/v1alpha1; kinds: BlockChaos, `},
		{"a kind that is no fault", "apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: shop}\n", "this kind is not a fault of Chaos Mesh"},
		{"a kind of another group", "apiVersion: cert-manager.io/v1\nkind: Certificate\nmetadata: {name: c, namespace: shop}\n", "Certificate of cert-manager.io/v1: this kind is not a fault of Chaos Mesh"},
		{"a fault that hits no pods", object("AWSChaos", "  action: ec2-stop\n  awsRegion: r\n  ec2Instance: i\n"), "it does not select pods"},
		{"no namespace", strings.Replace(object("IOChaos", slowDisk), "  namespace: shop\n", "", 1), "no namespace; say which one the pods are in"},
		{"a namespace beyond the guard", strings.Replace(object("IOChaos", slowDisk), "namespace: shop", "namespace: bank", 1), `namespace "bank" is not among those`},
		{"pods beyond the guard", object("IOChaos", strings.Replace(slowDisk, "    labelSelectors", "    namespaces: [bank]\n    labelSelectors", 1)), `namespace "bank" is not among those`},
		{"two namespaces", object("IOChaos", strings.Replace(slowDisk, "    labelSelectors", "    namespaces: [shop, bank]\n    labelSelectors", 1)), "namespaces shop, bank: one object is for one namespace"},
		{"a selector of whatever has no such label", object("IOChaos", strings.Replace(slowDisk, "    labelSelectors: {app: checkout}", "    expressionSelectors: [{key: app, operator: NotIn, values: [db]}]", 1)), `selector "app notin (db)" would select every pod of namespace "shop" that has no labels`},
		{"an empty selector", object("IOChaos", strings.Replace(slowDisk, "{app: checkout}", "{}", 1)), "an empty selector would select every pod"},
		{"a selector that cannot be counted", object("IOChaos", strings.Replace(slowDisk, "    labelSelectors", "    nodes: [n1]\n    labelSelectors", 1)), "nodes: what it would hit cannot be checked before"},
		{"pods that do not run", object("IOChaos", strings.Replace(slowDisk, "    labelSelectors", "    podPhaseSelectors: [Pending]\n    labelSelectors", 1)), "nothing is taken from pods that do not run"},
		{"an expression that is none", object("IOChaos", strings.Replace(slowDisk, "    labelSelectors", "    expressionSelectors: [{key: app, operator: Like}]\n    labelSelectors", 1)), `"Like" is not a valid label selector operator`},
		{"a mode that may hit none", object("IOChaos", strings.Replace(slowDisk, "mode: all", "mode: random-max-percent\n  value: \"50\"", 1)), `mode "random-max-percent"; one, all, fixed or fixed-percent`},
		{"more than there are", object("IOChaos", strings.Replace(slowDisk, "mode: all", "mode: fixed\n  value: \"4\"", 1)), "4 asked for, and 3 running pods match the selector"},
		{"another cluster", object("IOChaos", slowDisk+"  remoteCluster: far\n"), `remoteCluster "far": the guard says nothing about other clusters`},
		{"a delay without its block", object("NetworkChaos", ofCheckout+"  action: delay\n"), `action delay without its own block never takes effect, and keeps the object from being deleted; add "delay"`},
		{"a behaviour that is not there", object("NetworkChaos", ofCheckout+"  action: partition\n  partitionBehavior: reject\n"), "released versions of Chaos Mesh drop packets anyway"},
		{"a duration that is none", object("NetworkChaos", ofCheckout+"  action: delay\n  delay: {latency: soon}\n"), "by Chaos Mesh's own rules"},
		{"no worker", object("StressChaos", ofCheckout+"  stressors: {cpu: {workers: 0}}\n"), "workers"},
		{"stress in words", object("StressChaos", ofCheckout+"  stressngStressors: --cpu 1\n"), "stressngStressors is ignored or ends Chaos Mesh's controller"},
		{"an OOM score that may not be had", object("StressChaos", ofCheckout+"  stressors: {memory: {workers: 1, size: 64MB, oomScoreAdj: -500}}\n"), "oomScoreAdj -500: where the daemon may not lower it nothing is stressed"},
		{"a workflow without its entry", workflow("  - {name: other, templateType: Suspend, deadline: 1s}\n"), "no template is a fault"},
		{"an entry that is not there", workflow("  - name: other\n    templateType: IOChaos\n    deadline: 5s\n    ioChaos: {mode: all, selector: {labelSelectors: {app: checkout}}, action: latency, volumePath: /data, delay: 1s}\n"), `no template "entry", which is the entry`},
		{"a task, which may do anything", workflow("  - {name: entry, templateType: Task, task: {}}\n"), "a task runs any program"},
		{"a template whose block is missing", workflow("  - {name: entry, templateType: IOChaos, deadline: 5s, podChaos: {action: pod-kill, mode: one, selector: {}}}\n"), `type "IOChaos" without its block`},
		{"a trap within a template", workflow("  - name: entry\n    templateType: NetworkChaos\n    deadline: 5s\n    networkChaos: {action: delay, mode: all, selector: {labelSelectors: {app: checkout}}}\n"), `template "entry": refused: action delay without its own block`},
		{"a schedule that never comes", object("Schedule", "  schedule: now and then\n  type: IOChaos\n  concurrencyPolicy: Forbid\n  ioChaos: {mode: all, selector: {labelSelectors: {app: checkout}}, action: latency, volumePath: /data, delay: 1s}\n"), `schedule "now and then"`},
		{"a schedule whose block is missing", object("Schedule", "  schedule: '@every 5s'\n  type: IOChaos\n  concurrencyPolicy: Forbid\n"), `type "IOChaos" without its block`},
		{"a schedule that nothing would end", object("Schedule", "  schedule: '@every 5s'\n  type: Workflow\n  concurrencyPolicy: Forbid\n  workflow: {entry: e, templates: []}\n"), "a schedule of workflows runs until it is deleted"},
	} {
		t.Run(row.name, func(t *testing.T) {
			f := newCluster(t, town(t), faults.Guard{}).Fault(chaosmesh.Object{YAML: row.text})
			_, err := f.Preview(t.Context(), "run")
			if err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("error %v, want %q", err, row.want)
			}
		})
	}
}

func TestProtectedPodsStayOutOfWorkflows(t *testing.T) {
	text := object("Workflow", `  entry: entry
  templates:
  - {name: entry, templateType: Parallel, children: [one, two]}
  - name: one
    templateType: PodChaos
    deadline: 5s
    podChaos: {action: pod-failure, mode: one, selector: {labelSelectors: {app: checkout}}}
  - name: two
    templateType: PodChaos
    deadline: 5s
    podChaos: {action: pod-failure, mode: one, selector: {labelSelectors: {app: payments}}}
`)
	for _, row := range []struct {
		name      string
		protected map[string]string
	}{
		{"of its first fault", checkout.Selector},
		{"of another one", payments.Selector},
	} {
		t.Run(row.name, func(t *testing.T) {
			f := newCluster(t, town(t), faults.Guard{Protected: []map[string]string{row.protected}}).Fault(chaosmesh.Object{YAML: text})
			if _, err := f.Preview(t.Context(), "run"); !errors.Is(err, faults.ErrRefused) || !strings.Contains(err.Error(), "is protected") {
				t.Errorf("error %v, want it refused", err)
			}
		})
	}
}

func TestAnObjectIsSeenLikeTheFaultOfThisPackage(t *testing.T) {
	for _, row := range []struct {
		name string
		text string
		want record.Effect
	}{
		{"a killed pod", object("PodChaos", ofCheckout+"  action: pod-kill\n"), record.Effect{Event: "gone"}},
		{"a failed pod", object("PodChaos", ofCheckout+"  action: pod-failure\n"), record.Effect{Event: "not ready"}},
		{"a killed container", object("PodChaos", ofCheckout+"  action: container-kill\n  containerNames: [app]\n"), record.Effect{Event: "restarted"}},
		{"a delay", object("NetworkChaos", slowNet), record.Effect{Signal: "requests", Rise: 0.16}},
		{"stress", object("StressChaos", ofCheckout+"  stressors: {cpu: {workers: 1, load: 20}}\n"), record.Effect{Signal: "cpu", Rise: 0.1}},
		{"stress of memory", object("StressChaos", ofCheckout+"  stressors: {memory: {workers: 1, size: 64MB}}\n"), record.Effect{Signal: "memory", Rise: 51.2e6}},
		{"stress of memory in MiB, which Chaos Mesh reads as millions", object("StressChaos", ofCheckout+"  stressors: {memory: {workers: 2, size: 64MiB}}\n"), record.Effect{Signal: "memory", Rise: 51.2e6}},
		{"stress of a share of some memory", object("StressChaos", ofCheckout+"  stressors: {memory: {workers: 1, size: 50%}}\n"), record.Effect{}},
		{"stress of all memory", object("StressChaos", ofCheckout+"  stressors: {memory: {workers: 1}}\n"), record.Effect{}},
		{"stress of too little memory to stand out", object("StressChaos", ofCheckout+"  stressors: {memory: {workers: 1, size: 1KB}}\n"), record.Effect{}},
		{"stress of both", object("StressChaos", ofCheckout+"  stressors: {cpu: {workers: 1}, memory: {workers: 1, size: 64MB}}\n"), record.Effect{}},
		{"a kind without a known effect", object("IOChaos", slowDisk), record.Effect{}},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, err := newCluster(t, town(t), faults.Guard{}).Fault(chaosmesh.Object{YAML: row.text}).Preview(t.Context(), "run")
			if err != nil {
				t.Fatal(err)
			}
			if signals := (chaosmesh.Object{YAML: row.text}).Signals(); row.want.Signal != strings.Join(signals, " ") {
				t.Errorf("signals %q, want %q", signals, row.want.Signal)
			}
			if row.want == (record.Effect{}) {
				if len(got.Effects) != 0 || got.Unprovable == "" {
					t.Errorf("effects %v, want none and why", got.Effects)
				}
				return
			}
			if len(got.Effects) != 1 || got.Effects[0].Event != row.want.Event || got.Effects[0].Signal != row.want.Signal || !near(got.Effects[0].Rise, row.want.Rise) {
				t.Errorf("effects %+v, want %+v", got.Effects, row.want)
			}
		})
	}
}

// The record says what a fault does, and between whom, also of an object of Chaos Mesh that
// does what a fault of this package does.
func TestAnInjectionHasItsKindAndItsPeers(t *testing.T) {
	both := []string{"pods app=payments in shop", "192.0.2.1"}
	for _, row := range []struct {
		spec  chaosmesh.Spec
		kind  string
		peers []string
	}{
		{chaosmesh.NetworkLoss{Pods: checkout, Packets: 1, To: payments}, "networkLoss", both[:1]},
		{chaosmesh.NetworkDuplicate{Pods: checkout, Packets: 1, Outside: both[1:]}, "networkDuplicate", both[1:]},
		{chaosmesh.NetworkPartition{Pods: checkout, To: payments, Outside: both[1:]}, "networkPartition", both},
		{chaosmesh.Object{YAML: object("PodChaos", ofCheckout+"  action: pod-kill\n")}, "podKill", nil},
		{chaosmesh.Object{YAML: object("NetworkChaos", slowNet+"  direction: to\n  externalTargets: [192.0.2.1]\n  target: {mode: all, selector: {labelSelectors: {app: payments}}}\n")}, "networkDelay", both},
		{chaosmesh.Object{YAML: object("NetworkChaos", ofCheckout+"  action: loss\n  loss: {loss: '10'}\n")}, "networkLoss", nil},
		{chaosmesh.Object{YAML: object("StressChaos", ofCheckout+"  stressors: {cpu: {workers: 1}}\n")}, "stressCPU", nil},
		{chaosmesh.Object{YAML: object("StressChaos", ofCheckout+"  stressors: {memory: {workers: 1, size: 1MB}}\n")}, "stressMemory", nil},
		{chaosmesh.Object{YAML: object("StressChaos", ofCheckout+"  stressors: {cpu: {workers: 1}, memory: {workers: 1, size: 1MB}}\n")}, "", nil},
		{chaosmesh.Object{YAML: object("IOChaos", slowDisk)}, "", nil},
	} {
		synctest.Test(t, func(t *testing.T) {
			c := town(t)
			play(t, c, atOnce, takeUp, chosen("shop/a"))
			got, err := newCluster(t, c, faults.Guard{}).Fault(row.spec).Inject(t.Context(), newHistory().Recorder)
			if err != nil || got.Kind != row.kind || !slices.Equal(got.Peers, row.peers) {
				t.Errorf("%s: %q with %q, %v; want %q with %q", got.Fault, got.Kind, got.Peers, err, row.kind, row.peers)
			}
		})
	}
}

// A kind is the name of its struct, also of an object that is written as the struct's is.
func TestEveryFaultHasItsKind(t *testing.T) {
	for name, spec := range every() {
		of := reflect.TypeOf(spec).Name()
		want := strings.ToLower(of[:1]) + of[1:]
		synctest.Test(t, func(t *testing.T) {
			c := town(t)
			play(t, c, atOnce, takeUp, chosen("shop/a"))
			cluster := newCluster(t, c, faults.Guard{})
			preview, err := cluster.Fault(spec).Preview(t.Context(), "run")
			if err != nil {
				t.Fatal(err)
			}
			written, _ := preview.Object.(client.Object)
			for _, spec := range []chaosmesh.Spec{spec, chaosmesh.Object{Typed: written}} {
				if got, err := cluster.Fault(spec).Inject(t.Context(), newHistory().Recorder); got.Kind != want {
					t.Errorf("%s as %T: kind %q, want %q: %v", name, spec, got.Kind, want, err)
				}
			}
		})
	}
}

func TestAWrittenFaultIsInjectedFollowedAndUndone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, interceptor.Funcs{}, pod("a"))
		play(t, c, atOnce, takeUp, chosen("shop/a"))
		rec := newHistory()
		f := newCluster(t, c, faults.Guard{}).Fault(chaosmesh.Object{YAML: object("NetworkChaos", slowNet), Follow: true})
		if got, err := f.Inject(t.Context(), rec.Recorder); err != nil || got.FailureReason != "" || len(got.Targets) != 1 {
			t.Fatal(err, got)
		}
		var list v1alpha1.NetworkChaosList
		if err := c.List(t.Context(), &list); err != nil || len(list.Items) != 1 {
			t.Fatal(err, len(list.Items))
		}
		made := list.Items[0]
		for _, claim := range []struct {
			name string
			held bool
		}{
			{"it has a name of its own", strings.HasPrefix(made.Name, "mine-"+rec.Run()+"-")},
			{"it carries the run", made.Labels[faults.RunLabel] == rec.Run()},
			{"and its own labels", made.Labels["team"] == "checkout"},
			{"it ends by itself", made.Spec.Duration != nil && *made.Spec.Duration == "10m0s"},
			{"it has Chaos Mesh's defaults", made.Spec.Delay.Jitter == "0ms" && made.Spec.Delay.Correlation == "0"},
		} {
			if !claim.held {
				t.Errorf("it does not hold that %s: %+v", claim.name, made)
			}
		}
		if err := c.Create(t.Context(), pod("b")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second) // the bubble's
		if got := rec.followed(t, record.EventFollowed); !slices.Equal(got, []string{"b"}) {
			t.Errorf("followed %v, want b", got)
		}
		if _, err := f.Recover(t.Context(), rec.Recorder); err != nil {
			t.Error(err)
		}
		if names := left(t, c); len(names) != 0 {
			t.Errorf("left behind: %v", names)
		}
	})
}

// stage plays Chaos Mesh's workflows: each new one gets a node and the objects
// that make says, each one that is deleted takes them along.
func stage(t *testing.T, c client.Client, makes func(w v1alpha1.Workflow) []client.Object) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	t.Cleanup(wg.Wait)
	t.Cleanup(cancel)
	wg.Go(func() {
		nodes := map[string]*v1alpha1.WorkflowNode{}
		for after(10*time.Millisecond)(ctx, nil, nil) == nil {
			var list v1alpha1.WorkflowList
			if err := c.List(ctx, &list); err != nil {
				return
			}
			there := map[string]bool{}
			for _, w := range list.Items {
				there[w.Name] = true
				if nodes[w.Name] != nil {
					continue
				}
				node := &v1alpha1.WorkflowNode{ObjectMeta: metav1.ObjectMeta{Namespace: w.Namespace, Name: w.Name + "-n", Labels: map[string]string{v1alpha1.LabelWorkflow: w.Name}}}
				nodes[w.Name] = node
				for _, o := range append(makes(w), node) {
					if err := c.Create(ctx, o); err != nil {
						t.Errorf("stage: %v", err)
					}
				}
			}
			for name, node := range nodes {
				if !there[name] {
					_ = c.Delete(ctx, node)
				}
			}
		}
	})
}

// child is an object that a workflow makes.
func child(w v1alpha1.Workflow, name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: w.Namespace, Name: name, Labels: map[string]string{v1alpha1.LabelWorkflow: w.Name}}
}

func TestWorkflowsAndSchedulesAreUndoneWithWhatTheyMade(t *testing.T) {
	const kills = "{action: pod-failure, mode: one, selector: {labelSelectors: {app: checkout}}}\n"
	for _, row := range []struct {
		name string
		text string
		make func(v1alpha1.Workflow) []client.Object
		// claim is of the workflow that was created.
		claim func(v1alpha1.Workflow) bool
	}{
		{
			"a workflow, which gets a deadline",
			object("Workflow", "  entry: entry\n  templates:\n  - name: entry\n    templateType: PodChaos\n    podChaos: "+kills),
			func(w v1alpha1.Workflow) []client.Object {
				return []client.Object{&v1alpha1.PodChaos{ObjectMeta: child(w, "failure-1"), Spec: v1alpha1.PodChaosSpec{Action: v1alpha1.PodFailureAction}}}
			},
			func(w v1alpha1.Workflow) bool {
				return *w.Spec.Templates[0].Deadline == "10m0s" && w.Spec.Templates[0].PodChaos.Selector.Namespaces[0] == "shop"
			},
		},
		{
			"a workflow with an earlier deadline, which stays",
			object("Workflow", "  entry: entry\n  templates:\n  - name: entry\n    templateType: PodChaos\n    deadline: 30s\n    podChaos: "+kills),
			func(w v1alpha1.Workflow) []client.Object {
				return []client.Object{&v1alpha1.PodChaos{ObjectMeta: child(w, "failure-1"), Spec: v1alpha1.PodChaosSpec{Action: v1alpha1.PodFailureAction}}}
			},
			func(w v1alpha1.Workflow) bool { return *w.Spec.Templates[0].Deadline == "30s" },
		},
		{
			"a schedule, which becomes a workflow with a deadline and is waited for",
			object("Schedule", "  schedule: '@every 1m'\n  concurrencyPolicy: Forbid\n  type: PodChaos\n  podChaos: "+kills),
			func(w v1alpha1.Workflow) []client.Object {
				first := child(w, "failure-1")
				first.Labels = map[string]string{v1alpha1.LabelManagedBy: "every-1"}
				return []client.Object{
					&v1alpha1.Schedule{ObjectMeta: child(w, "every-1")},
					&v1alpha1.PodChaos{ObjectMeta: first, Spec: v1alpha1.PodChaosSpec{Action: v1alpha1.PodFailureAction}},
				}
			},
			func(w v1alpha1.Workflow) bool {
				// What the schedule makes carries its name only.
				entry := w.Spec.Templates[0]
				return *entry.Deadline == "10m0s" && entry.Schedule.HistoryLimit == 1 && entry.Name == w.Spec.Entry &&
					strings.HasPrefix(entry.Name, "aftershock-workflow-"+w.Labels[faults.RunLabel]+"-")
			},
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newClient(t, interceptor.Funcs{
					// The cluster takes schedules away with their workflow, and
					// what they made stays.
					Delete: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.DeleteOption) error {
						if _, ok := o.(*v1alpha1.Workflow); ok {
							if err := c.DeleteAllOf(ctx, &v1alpha1.Schedule{}, client.InNamespace("shop")); err != nil {
								return err
							}
						}
						return c.Delete(ctx, o, opts...)
					},
				}, pod("a"))
				play(t, c, atOnce, after(40*time.Second), takeUp, injected("shop/a"))
				stage(t, c, row.make)
				rec := newHistory()
				cluster, err := chaosmesh.New(faults.Cluster{Client: c, Guard: faults.Guard{Cluster: theCluster, Namespaces: []string{"shop"}}}, chaosmesh.Timeouts{Inject: time.Minute})
				if err != nil {
					t.Fatal(err)
				}
				f := cluster.Fault(chaosmesh.Object{YAML: row.text})
				got, err := f.Inject(t.Context(), rec.Recorder)
				if err != nil || got.FailureReason != "" {
					t.Fatal(err, got.FailureReason)
				}
				if want := []record.Target{{Name: "a", UID: "a-uid"}}; !slices.Equal(got.Targets, want) {
					t.Errorf("targets %v, want %v", got.Targets, want)
				}
				if got.To < 40*time.Second {
					t.Errorf("took effect in %s, want not before the first fault did", got.Span)
				}
				var list v1alpha1.WorkflowList
				if err := c.List(t.Context(), &list); err != nil || len(list.Items) != 1 || !row.claim(list.Items[0]) {
					t.Errorf("workflows %+v, %v", list.Items, err)
				}
				if _, err := f.Recover(t.Context(), rec.Recorder); err != nil {
					t.Error(err)
				}
				if names := left(t, c); len(names) != 0 {
					t.Errorf("left behind: %v", names)
				}
				var faults v1alpha1.PodChaosList
				if err := c.List(t.Context(), &faults); err != nil || len(faults.Items) != 0 {
					t.Errorf("left behind: %v, %v", faults.Items, err)
				}
			})
		})
	}
}

// A workflow whose faults are over while it is held did not last until it is
// undone: when the last one went is not known, and nothing is said of the time
// after.
func TestAWorkflowThatIsOverEarlyIsNotHeld(t *testing.T) {
	const template = "  entry: entry\n  templates:\n  - name: entry\n    templateType: PodChaos\n    deadline: 30s\n    podChaos: {action: %s, mode: one, selector: {labelSelectors: {app: checkout}}}\n"
	for _, row := range []struct {
		name   string
		action v1alpha1.PodChaosAction
		ends   func(*v1alpha1.PodChaos) // the child, before the workflow is undone
		gone   bool
		early  bool
	}{
		{"its fault is in place", v1alpha1.PodFailureAction, func(*v1alpha1.PodChaos) {}, false, false},
		{"its fault has gone", v1alpha1.PodFailureAction, nil, true, true},
		{"its fault is on its way out", v1alpha1.PodFailureAction, func(child *v1alpha1.PodChaos) {
			child.Status.Experiment.DesiredPhase = v1alpha1.StoppedPhase
		}, false, true},
		{"its faults are over when they are done", v1alpha1.PodKillAction, nil, true, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newClient(t, interceptor.Funcs{}, pod("a"))
				play(t, c, atOnce, takeUp, injected("shop/a"))
				stage(t, c, func(w v1alpha1.Workflow) []client.Object {
					return []client.Object{&v1alpha1.PodChaos{ObjectMeta: child(w, "fault-1"), Spec: v1alpha1.PodChaosSpec{Action: row.action}}}
				})
				rec := newHistory()
				f := newCluster(t, c, faults.Guard{}).Fault(chaosmesh.Object{YAML: object("Workflow", fmt.Sprintf(template, row.action))})
				in, err := f.Inject(t.Context(), rec.Recorder)
				if err != nil || in.FailureReason != "" {
					t.Fatal(err, in.FailureReason)
				}
				time.Sleep(time.Minute) // the bubble's
				var made v1alpha1.PodChaos
				if err := c.Get(t.Context(), client.ObjectKey{Namespace: "shop", Name: "fault-1"}, &made); err != nil {
					t.Fatal(err)
				}
				if row.gone {
					made.Finalizers = nil
					err = errors.Join(c.Update(t.Context(), &made), c.Delete(t.Context(), &made))
				} else {
					row.ends(&made)
					err = c.Update(t.Context(), &made)
				}
				if err != nil {
					t.Fatal(err)
				}
				removed, err := f.Recover(t.Context(), rec.Recorder)
				if err != nil {
					t.Error(err)
				}
				if got := slices.Contains(rec.kinds(t), record.EventEndedEarly); got != row.early {
					t.Errorf("events %v, want %q among them: %t", rec.kinds(t), record.EventEndedEarly, row.early)
				}
				if got := removed.From <= in.To+time.Second; got != row.early {
					t.Errorf("removed in %s after it took effect in %s, want when it was last seen to act to begin it: %t", removed, in.Span, row.early)
				}
			})
		})
	}
}

// A typed object is what its text is, and stays as it is.
func TestATypedObjectIsLikeItsText(t *testing.T) {
	delay := &v1alpha1.NetworkChaos{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "mine", Labels: map[string]string{"team": "checkout"}},
		Spec: v1alpha1.NetworkChaosSpec{
			PodSelector: v1alpha1.PodSelector{
				Mode:     v1alpha1.AllMode,
				Selector: v1alpha1.PodSelectorSpec{GenericSelectorSpec: v1alpha1.GenericSelectorSpec{LabelSelectors: checkout.Selector}},
			},
			Action:      v1alpha1.DelayAction,
			TcParameter: v1alpha1.TcParameter{Delay: &v1alpha1.DelaySpec{Latency: "200ms"}},
		},
	}
	before := delay.DeepCopy()
	cluster := newCluster(t, town(t), faults.Guard{})
	typed, err := cluster.Fault(chaosmesh.Object{Typed: delay}).Preview(t.Context(), "run")
	if err != nil {
		t.Fatal(err)
	}
	text, err := cluster.Fault(chaosmesh.Object{YAML: object("NetworkChaos", slowNet)}).Preview(t.Context(), "run")
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(typed, text) {
		t.Errorf("typed %+v, want %+v", typed, text)
	}
	if !reflect.DeepEqual(delay, before) {
		t.Errorf("it became %+v", delay)
	}
}

func TestSweepFindsWhatAWorkflowLeft(t *testing.T) {
	w := v1alpha1.Workflow{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "aftershock-workflow-one-abcde"}}
	c := newClient(t, interceptor.Funcs{},
		&v1alpha1.NetworkChaos{ObjectMeta: child(w, "slow-1")},
		&v1alpha1.NetworkChaos{ObjectMeta: child(v1alpha1.Workflow{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "of-somebody-else"}}, "slow-2")},
	)
	for _, row := range []struct {
		name string
		run  string
		want string
	}{
		{"another run's is not ours", "two", ""},
		{"the run is in the workflow's name", "one", "NetworkChaos/shop/slow-1, left behind by run one"},
	} {
		t.Run(row.name, func(t *testing.T) {
			removed, err := chaosmesh.Sweep(t.Context(), c, faults.Scope{Namespaces: []string{"shop"}, Of: ofRun(row.run)}, chaosmesh.Timeouts{}, nil)
			if err != nil || names(removed) != row.want {
				t.Errorf("removed %q, %v; want %q", names(removed), err, row.want)
			}
		})
	}
}
