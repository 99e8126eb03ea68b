package chaosmesh_test

import (
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/chaosmesh"
	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/record"
)

var payments = faults.Pods{Namespace: "shop", Selector: map[string]string{"app": "payments"}}

// paid makes a pod one of payments'.
func paid(p *corev1.Pod) { p.Labels["app"] = "payments" }

// has gives a pod a container with limits, each of which may be empty.
func has(container, cpu, memory string) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		limits := corev1.ResourceList{}
		if cpu != "" {
			limits[corev1.ResourceCPU] = resource.MustParse(cpu)
		}
		if memory != "" {
			limits[corev1.ResourceMemory] = resource.MustParse(memory)
		}
		p.Spec.Containers = append(p.Spec.Containers, corev1.Container{Name: container, Resources: corev1.ResourceRequirements{Limits: limits}})
	}
}

// town has three pods of checkout's, with two containers each, and one of
// payments'.
func town(t testing.TB) client.WithWatch {
	objects := []client.Object{pod("pay", paid)}
	for _, name := range []string{"a", "b", "c"} {
		objects = append(objects, pod(name, has("app", "500m", "128Mi"), has("proxy", "", "")))
	}
	return newClient(t, interceptor.Funcs{}, objects...)
}

// every is one of each kind of fault, and of each option.
func every(c *chaosmesh.Cluster) map[string]experiments.Previewer {
	return map[string]experiments.Previewer{
		"pod kill":        c.PodKill(checkout, faults.One),
		"pod failure":     c.PodFailure(checkout, faults.Percent(50)),
		"container kill":  c.ContainerKill(checkout, faults.All, "app", "proxy"),
		"delay":           c.NetworkDelay(checkout, 200*time.Millisecond),
		"delay to":        c.NetworkDelay(checkout, 90*time.Second).Jitter(1500 * time.Microsecond).Correlation(25).To(payments),
		"delay from":      c.NetworkDelay(checkout, time.Nanosecond).From(payments).Device("eth1"),
		"loss":            c.NetworkLoss(checkout, 12.5).Correlation(50).Both(payments),
		"loss outside":    c.NetworkLoss(checkout, 100).Outside("192.0.2.0/24", "db.example:5432"),
		"duplication":     c.NetworkDuplicate(checkout, 1),
		"corruption":      c.NetworkCorrupt(checkout, 0.1),
		"slow bandwidth":  c.NetworkBandwidth(checkout, 8),
		"fast bandwidth":  c.NetworkBandwidth(checkout, 400_000_000_000_000),
		"partition":       c.NetworkPartition(checkout),
		"partition to":    c.NetworkPartition(checkout).To(payments),
		"partition from":  c.NetworkPartition(checkout).From(payments),
		"partition both":  c.NetworkPartition(checkout).Both(payments).Outside("192.0.2.1"),
		"cpu":             c.CPUStress(checkout, 1),
		"much cpu":        c.CPUStress(checkout, 8192).Load(40).Containers("app", "proxy").Only(faults.Fixed(2)).Follow(),
		"memory":          c.MemoryStress(checkout, "64Mi"),
		"a memory share":  c.MemoryStress(checkout, "80%").Containers("app"),
		"memory in bytes": c.MemoryStress(checkout, "268435456"),
	}
}

// The rules are those of the CRDs, which the API server holds, and what no rule
// holds although Chaos Mesh needs it.
func TestEveryBuilderKeepsTheRules(t *testing.T) {
	oneUnit := regexp.MustCompile(`^[0-9]+(\.[0-9]+)?(ns|us|ms|s|m|h)$`)
	number := func(text string) bool { _, err := strconv.ParseFloat(text, 64); return err == nil }
	for name, f := range every(newCluster(t, town(t), faults.Guard{})) {
		t.Run(name, func(t *testing.T) {
			preview, err := f.Preview(t.Context(), "4f1c2a9d3b")
			if err != nil {
				t.Fatal(err)
			}
			claim := func(what string, held bool) {
				if !held {
					t.Errorf("it does not hold that %s: %+v", what, preview.Object)
				}
			}
			labelled, _ := preview.Object.(client.Object)
			claim("it is labelled", labelled.GetLabels()[faults.RunLabel] == "4f1c2a9d3b" && labelled.GetLabels()[faults.ManagedLabel] == faults.Managed)
			with, _ := preview.Object.(v1alpha1.InnerObjectWithSelector)
			for key, value := range with.GetSelectorSpecs() {
				var s v1alpha1.PodSelector
				switch value := value.(type) {
				case *v1alpha1.PodSelector:
					s = *value
				case *v1alpha1.ContainerSelector:
					s = value.PodSelector
				}
				claim("the namespace is set of "+key, len(s.Selector.Namespaces) == 1 && s.Selector.Namespaces[0] == "shop")
				claim("only running pods are selected by "+key, len(s.Selector.PodPhaseSelectors) == 1)
				claim("there are labels in "+key, len(s.Selector.LabelSelectors) == 1)
				n, err := strconv.Atoi(s.Value)
				claim("the mode has its value in "+key, s.Mode == v1alpha1.OneMode || s.Mode == v1alpha1.AllMode || (s.Mode == v1alpha1.FixedMode && err == nil && n > 1))
			}
			switch object := preview.Object.(type) {
			case *v1alpha1.PodChaos:
				claim("it has a duration", object.Spec.Duration != nil)
			case *v1alpha1.NetworkChaos:
				claim("it has a duration", object.Spec.Duration != nil)
				claim("the partition's behaviour is left out", object.Spec.PartitionBehavior == "")
				tc := object.Spec.TcParameter
				if d := tc.Delay; d != nil {
					claim("latency is one number of one unit", oneUnit.MatchString(d.Latency))
					claim("jitter is one number of one unit", oneUnit.MatchString(d.Jitter))
					claim("correlation is a number", number(d.Correlation))
				}
				if l := tc.Loss; l != nil {
					claim("loss is a number", number(l.Loss) && number(l.Correlation))
				}
				if d := tc.Duplicate; d != nil {
					claim("duplication is a number", number(d.Duplicate) && number(d.Correlation))
				}
				if c := tc.Corrupt; c != nil {
					claim("corruption is a number", number(c.Corrupt) && number(c.Correlation))
				}
				if b := tc.Bandwidth; b != nil {
					claim("a packet fits into the bucket and the queue", b.Buffer >= 1514 && b.Limit >= b.Buffer)
				}
			case *v1alpha1.StressChaos:
				claim("it has a duration", object.Spec.Duration != nil)
				if c := object.Spec.Stressors.CPUStressor; c != nil {
					claim("there are workers", c.Workers >= 1 && c.Workers <= 8192)
					claim("the load is a percentage", c.Load == nil || (*c.Load > 0 && *c.Load <= 100))
				}
				if m := object.Spec.Stressors.MemoryStressor; m != nil {
					claim("there are workers", m.Workers == 1)
					claim("the size is in bytes", strings.HasSuffix(m.Size, "B"))
				}
			default:
				t.Errorf("a %T", object)
			}
		})
	}
}

func TestWhatMakesNoSenseIsRefused(t *testing.T) {
	c := newCluster(t, town(t), faults.Guard{})
	for _, row := range []struct {
		name  string
		fault experiments.Previewer
		want  string
	}{
		{"no delay", c.NetworkDelay(checkout, 0), "delay of 0s; it is above zero"},
		{"jitter longer than the delay", c.NetworkDelay(checkout, time.Second).Jitter(2 * time.Second), "jitter 2s; it is above zero and at most the delay of 1s"},
		{"jitter of what is no delay", c.NetworkLoss(checkout, 1).Jitter(time.Second), "jitter is for a delay"},
		{"correlation of a partition", c.NetworkPartition(checkout).Correlation(1), "correlation is for a delay, loss, duplication or corruption"},
		{"correlation beyond all", c.NetworkLoss(checkout, 1).Correlation(101), "correlation of 101%; it is above 0 and at most 100"},
		{"no loss", c.NetworkLoss(checkout, 0), "loss of 0%; it is above 0 and at most 100"},
		{"duplication of more than all", c.NetworkDuplicate(checkout, 101), "duplication of 101%"},
		{"corruption below nothing", c.NetworkCorrupt(checkout, -1), "corruption of -1%"},
		{"no bandwidth", c.NetworkBandwidth(checkout, 7), "7 bit/s; a byte a second is the least"},
		{"two directions", c.NetworkPartition(checkout).To(payments).From(payments), "two directions are asked for"},
		{"outside of nothing", c.NetworkPartition(checkout).Outside(), "no address outside"},
		{"outside towards the pods, which Chaos Mesh cannot delay", c.NetworkDelay(checkout, time.Second).From(payments).Outside("192.0.2.1"), "by Chaos Mesh's own rules"},
		{"peers that do not run", c.NetworkDelay(checkout, time.Second).To(faults.Pods{Namespace: "shop", Selector: map[string]string{"app": "mail"}}), "1 asked for, and 0 running pods match the selector; ask for fewer, or wait for more (pods app=mail in shop)"},
		{"peers where faults may touch nothing", c.NetworkDelay(checkout, time.Second).To(faults.Pods{Namespace: "bank", Selector: payments.Selector}), `namespace "bank" is not among those`},
		{"no container", c.ContainerKill(checkout, faults.One), "no container; say which ones by their names"},
		{"a container that is not there", c.ContainerKill(checkout, faults.One, "app", "db"), `pod a has no container "db"; it has app, proxy`},
		{"stress of a container that is not there", c.CPUStress(checkout, 1).Containers("db"), `pod a has no container "db"; it has app, proxy`},
		{"no worker, which counts as injected", c.CPUStress(checkout, 0), "0 workers; from 1 to 8192"},
		{"more workers than the CRD takes", c.CPUStress(checkout, 8193), "8193 workers; from 1 to 8192"},
		{"no load", c.CPUStress(checkout, 1).Load(0), "load of 0%; from 1 to 100"},
		{"a load of memory", c.MemoryStress(checkout, "64Mi").Load(50), "a load is for the stress of CPUs"},
		{"a size in words", c.MemoryStress(checkout, "much"), `memory size "much" is no size; write "256Mi", "256MB" or "80%"`},
		{"a size in thousandths", c.MemoryStress(checkout, "256m"), `memory size "256m" is 1 bytes; a MiB is the least`},
		{"a share of more than all", c.MemoryStress(checkout, "101%"), "101% of the memory limit; a percentage is from 1% to 100%"},
		{"a share of a limit that is not there", c.MemoryStress(checkout, "80%").Containers("proxy"), "80% of a limit that container proxy of pod a does not have; say a size"},
		{"following what is over when it is done", c.PodKill(checkout, faults.One).Follow(), "it cannot follow: only faults that are held"},
		{"a signal for what is seen by an event", c.PodFailure(checkout, faults.One).Seen("cpu"), `its effect is seen by the event "not ready"`},
		{"a signal that changes by an unknown amount", c.NetworkLoss(checkout, 1).Seen("retransmits"), `by how much the loss of packets changes signal "retransmits" is not known; say it with SeenAs`},
		{"more than there are", c.NetworkDelay(checkout, time.Second).Only(faults.Fixed(4)), "4 asked for, and 3 running pods match the selector"},
	} {
		t.Run(row.name, func(t *testing.T) {
			if _, err := row.fault.Preview(t.Context(), "run"); !errors.Is(err, faults.ErrRefused) || !strings.Contains(err.Error(), row.want) {
				t.Errorf("error %v, want it refused with %q", err, row.want)
			}
		})
	}
}

func TestPodsInTheNodesNetworkAreRefused(t *testing.T) {
	c := newCluster(t, newClient(t, interceptor.Funcs{}, pod("a", func(p *corev1.Pod) { p.Spec.HostNetwork = true })), faults.Guard{})
	want := "pod a is in its node's network, where Chaos Mesh injects nothing"
	if _, err := c.NetworkDelay(checkout, time.Second).Preview(t.Context(), "run"); !errors.Is(err, faults.ErrRefused) || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want %q", err, want)
	}
	if _, err := c.PodKill(checkout, faults.One).Preview(t.Context(), "run"); err != nil {
		t.Errorf("a kill: %v", err)
	}
}

func TestProtectedPeersAreNotTouched(t *testing.T) {
	guard := faults.Guard{Protected: []map[string]string{payments.Selector}}
	c := newCluster(t, town(t), guard)
	for _, row := range []struct {
		name    string
		fault   experiments.Previewer
		refused bool
	}{
		{"what is sent to them is delayed where it is sent", c.NetworkDelay(checkout, time.Second).To(payments), false},
		{"what they send is delayed in them", c.NetworkDelay(checkout, time.Second).From(payments), true},
		{"a partition drops packets in them, too", c.NetworkPartition(checkout).To(payments), true},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := row.fault.Preview(t.Context(), "run")
			if refused := errors.Is(err, faults.ErrRefused); refused != row.refused || (!refused && err != nil) {
				t.Errorf("error %v, want refused: %t", err, row.refused)
			}
		})
	}
}

func TestEffects(t *testing.T) {
	c := newCluster(t, town(t), faults.Guard{})
	for _, row := range []struct {
		name       string
		fault      experiments.Previewer
		want       record.Effect
		unprovable string
	}{
		{"a killed pod is gone", c.PodKill(checkout, faults.One), record.Effect{Event: "gone"}, ""},
		{"a failed pod is not ready", c.PodFailure(checkout, faults.One), record.Effect{Event: "not ready"}, ""},
		{"a killed container is restarted", c.ContainerKill(checkout, faults.One, "app"), record.Effect{Event: "restarted"}, ""},
		{"a delay is seen in the load", c.NetworkDelay(checkout, 200*time.Millisecond), record.Effect{Signal: "requests", Rise: 0.16}, ""},
		{"or where the user says", c.NetworkDelay(checkout, 200*time.Millisecond).Seen("calls"), record.Effect{Signal: "calls", Rise: 0.16}, ""},
		{"or as the user says", c.NetworkDelay(checkout, 200*time.Millisecond).SeenAs(record.Effect{Signal: "calls", Rise: 0.1}), record.Effect{Signal: "calls", Rise: 0.1}, ""},
		{"where loss shows is not known", c.NetworkLoss(checkout, 10), record.Effect{}, "where the loss of packets shows is not known: name a signal of the targets with Seen or SeenAs, else no verdict can be held"},
		{"unless the user says", c.NetworkLoss(checkout, 10).SeenAs(record.Effect{Signal: "retransmits", Rise: 5}), record.Effect{Signal: "retransmits", Rise: 5}, ""},
		{"where a narrow network shows is not known", c.NetworkBandwidth(checkout, 1e6), record.Effect{}, "where a narrow network shows is not known"},
		{"a cut network needs a signal", c.NetworkPartition(checkout), record.Effect{}, "where a cut network shows is not known"},
		{"a worker fills a limit below one core", c.CPUStress(checkout, 1), record.Effect{Signal: "cpu", Rise: 0.25, Ceiling: 0.5}, ""},
		{"a small load stays below the limit", c.CPUStress(checkout, 1).Load(20), record.Effect{Signal: "cpu", Rise: 0.1}, ""},
		{"without a limit all workers count", c.CPUStress(checkout, 4).Load(50).Containers("proxy"), record.Effect{Signal: "cpu", Rise: 1}, ""},
		{"each container has its own workers", c.CPUStress(checkout, 1).Containers("app", "proxy"), record.Effect{Signal: "cpu", Rise: 0.75}, ""},
		{"memory", c.MemoryStress(checkout, "64Mi"), record.Effect{Signal: "memory", Rise: 0.8 * 64 * 1024 * 1024}, ""},
		{"memory in millions", c.MemoryStress(checkout, "64MB").Seen("rss"), record.Effect{Signal: "rss", Rise: 0.8 * 64_000_000}, ""},
		{"a share of the limit", c.MemoryStress(checkout, "50%"), record.Effect{Signal: "memory", Rise: 0.8 * float64(128*1024*1024/100*50)}, ""},
		{"more than the limit cannot be seen", c.MemoryStress(checkout, "1Gi"), record.Effect{Signal: "memory", Rise: 0.8 * 128 * 1024 * 1024}, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, err := row.fault.Preview(t.Context(), "run")
			if err != nil {
				t.Fatal(err)
			}
			if row.unprovable != "" {
				if len(got.Effects) > 0 || !strings.HasPrefix(got.Unprovable, row.unprovable) {
					t.Errorf("effects %v, unprovable %q; want none, and %q", got.Effects, got.Unprovable, row.unprovable)
				}
				return
			}
			if len(got.Effects) != 1 || got.Effects[0].Event != row.want.Event || got.Effects[0].Signal != row.want.Signal || !near(got.Effects[0].Rise, row.want.Rise) || !near(got.Effects[0].Ceiling, row.want.Ceiling) {
				t.Errorf("effects %+v, want %+v", got.Effects, row.want)
			}
		})
	}
	cut, err := c.NetworkPartition(checkout).Seen("calls").Preview(t.Context(), "run")
	if err != nil || len(cut.Effects) != 1 || cut.Effects[0].Signal != "calls" || cut.Effects[0].AtMost == nil || *cut.Effects[0].AtMost != 0 {
		t.Errorf("effects %+v, %v; want that no value of calls exceeds 0", cut.Effects, err)
	}
}

func near(a, b float64) bool { return a-b < 1e-9 && b-a < 1e-9 }

// Whether there will be anything to hold is known before a pod is chosen.
func TestAFaultSaysBeforehandWhetherItIsOverAtOnce(t *testing.T) {
	oneShots := []string{"pod kill", "container kill"}
	for name, f := range every(newCluster(t, town(t), faults.Guard{Cluster: theCluster, Namespaces: []string{"shop"}})) {
		one, ok := f.(experiments.OneShot)
		if want := slices.Contains(oneShots, name); !ok || one.OneShot() != want {
			t.Errorf("%s: %t, want %t", name, ok && one.OneShot(), want)
		}
	}
}
