package chaosmesh_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"reflect"
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
	"sigs.k8s.io/yaml"

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

// every is one of each fault, and of each field.
func every() map[string]chaosmesh.Spec {
	size := resource.MustParse
	return map[string]chaosmesh.Spec{
		"pod kill":        chaosmesh.PodKill{Pods: checkout, Count: faults.One},
		"pod failure":     chaosmesh.PodFailure{Pods: checkout, Count: "50%"},
		"container kill":  chaosmesh.ContainerKill{Pods: checkout, Count: faults.All, Containers: []string{"app", "proxy"}},
		"delay":           chaosmesh.NetworkDelay{Pods: checkout, Latency: 200 * time.Millisecond},
		"delay to":        chaosmesh.NetworkDelay{Pods: checkout, Latency: 90 * time.Second, Jitter: 1500 * time.Microsecond, Correlation: 25 * chaosmesh.Percent, To: payments, Direction: chaosmesh.Egress},
		"delay from":      chaosmesh.NetworkDelay{Pods: checkout, Latency: time.Nanosecond, To: payments, Direction: chaosmesh.Ingress, Device: "eth1"},
		"loss":            chaosmesh.NetworkLoss{Pods: checkout, Packets: 12.5 * chaosmesh.Percent, Correlation: 50 * chaosmesh.Percent, To: payments},
		"loss outside":    chaosmesh.NetworkLoss{Pods: checkout, Packets: 1, Outside: []string{"192.0.2.0/24", "db.example:5432"}},
		"duplication":     chaosmesh.NetworkDuplicate{Pods: checkout, Packets: 1 * chaosmesh.Percent},
		"corruption":      chaosmesh.NetworkCorrupt{Pods: checkout, Packets: 0.1 * chaosmesh.Percent},
		"slow bandwidth":  chaosmesh.NetworkBandwidth{Pods: checkout, Rate: size("8")},
		"fast bandwidth":  chaosmesh.NetworkBandwidth{Pods: checkout, Rate: size("400T")},
		"partition":       chaosmesh.NetworkPartition{Pods: checkout},
		"partition to":    chaosmesh.NetworkPartition{Pods: checkout, To: payments, Direction: chaosmesh.Egress},
		"partition from":  chaosmesh.NetworkPartition{Pods: checkout, To: payments, Direction: chaosmesh.Ingress},
		"partition both":  chaosmesh.NetworkPartition{Pods: checkout, To: payments, Direction: chaosmesh.Both, Outside: []string{"192.0.2.1"}},
		"cpu":             chaosmesh.StressCPU{Pods: checkout, Workers: 1},
		"much cpu":        chaosmesh.StressCPU{Pods: checkout, Count: "2", Workers: 8192, Load: 40 * chaosmesh.Percent, Containers: []string{"app", "proxy"}, Follow: true},
		"memory":          chaosmesh.StressMemory{Pods: checkout, Size: size("64Mi")},
		"a memory share":  chaosmesh.StressMemory{Pods: checkout, OfLimit: 80 * chaosmesh.Percent, Containers: []string{"app"}},
		"memory in bytes": chaosmesh.StressMemory{Pods: checkout, Size: size("268435456")},
	}
}

// A fault that is not among them is tested by nothing here.
func TestEveryFaultIsAmongThem(t *testing.T) {
	there := map[string]bool{"Object": true} // which is any fault
	for _, spec := range every() {
		there[reflect.TypeOf(spec).Name()] = true
	}
	files, _ := filepath.Glob("*.go")
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range regexp.MustCompile(`(?m)^func \(\w* ?([A-Z]\w*)\) plan\(\) plan`).FindAllStringSubmatch(string(text), -1) {
			if !there[spec[1]] {
				t.Errorf("%s: every has no %s", file, spec[1])
			}
			if !strings.Contains(string(doc), "["+spec[1]+"]") {
				t.Errorf("doc.go: no %s", spec[1])
			}
		}
	}
}

var update = flag.Bool("update", false, "write the golden files anew")

// What a fault is called, creates and must be seen to do is the same from one
// version to the next.
func TestPreviewsAreTheGoldenOnes(t *testing.T) {
	const file = "testdata/previews.yaml"
	cluster, all := newCluster(t, town(t), faults.Guard{}), every()
	var got strings.Builder
	for _, name := range slices.Sorted(maps.Keys(all)) {
		f := cluster.Fault(all[name])
		p, err := f.Preview(t.Context(), "4f1c2a9d3b")
		if err != nil {
			t.Fatal(err)
		}
		text, err := yaml.Marshal(map[string]any{
			"object": p.Object, "requested": p.Requested, "candidates": len(p.Candidates), "effects": p.Effects, "unprovable": p.Unprovable,
		})
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&got, "# %s: %s\n%s---\n", name, f, text)
	}
	if *update {
		if err := os.WriteFile(file, []byte(got.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(want), "\n")
	for i, line := range strings.Split(got.String(), "\n") {
		if i >= len(lines) || line != lines[i] {
			t.Fatalf("%s:%d: got %q, want another line, or none", file, i+1, line)
		}
	}
}

// The rules are those of the CRDs, which the API server holds, and what no rule
// holds although Chaos Mesh needs it.
func TestEverySpecKeepsTheRules(t *testing.T) {
	oneUnit := regexp.MustCompile(`^[0-9]+(\.[0-9]+)?(ns|us|ms|s|m|h)$`)
	number := func(text string) bool { _, err := strconv.ParseFloat(text, 64); return err == nil }
	cluster := newCluster(t, town(t), faults.Guard{})
	for name, spec := range every() {
		t.Run(name, func(t *testing.T) {
			preview, err := cluster.Fault(spec).Preview(t.Context(), "4f1c2a9d3b")
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

func TestEachMistakeNamesItsField(t *testing.T) {
	size, second := resource.MustParse, time.Second
	effects := []record.Effect{{Signal: "calls", Rise: 1}}
	far := faults.Pods{Selector: payments.Selector}
	for _, row := range []struct {
		name string
		spec chaosmesh.Spec
		want string
	}{
		{"no pods", chaosmesh.PodKill{Count: faults.One}, "selector: Invalid value: \"pods  in \": no namespace; say which one the pods are in"},
		{"pods of every service", chaosmesh.PodFailure{Pods: faults.Pods{Namespace: "shop"}, Count: faults.One}, `selector: Invalid value: "pods  in shop": an empty selector would select every pod of namespace "shop"`},
		{"no count of a kill", chaosmesh.PodKill{Pods: checkout}, `pods: Invalid value: "": no count; say how many pods, as in "1", "50%" or "all"`},
		{"no count of a failure", chaosmesh.PodFailure{Pods: checkout}, `pods: Invalid value: "": no count`},
		{"a count in words", chaosmesh.NetworkDelay{Pods: checkout, Count: "most", Latency: second}, `pods: Invalid value: "most": "most" is neither a number nor a percentage`},
		{"a share of more than all", chaosmesh.StressCPU{Pods: checkout, Count: "101%", Workers: 1}, `pods: Invalid value: "101%": 101% of the pods; a percentage is from 1% to 100%`},
		{"no container", chaosmesh.ContainerKill{Pods: checkout, Count: faults.One}, "containers: Required value: no container; say which ones by their names"},
		{"a container without a name", chaosmesh.ContainerKill{Pods: checkout, Count: faults.One, Containers: []string{"app", ""}}, "containers[1]: Required value: a container's name"},
		{"stress of a container without a name", chaosmesh.StressCPU{Pods: checkout, Workers: 1, Containers: []string{""}}, "containers[0]: Required value: a container's name"},
		{"no delay", chaosmesh.NetworkDelay{Pods: checkout}, `latency: Invalid value: "0s": must be above zero`},
		{"a delay below zero", chaosmesh.NetworkDelay{Pods: checkout, Latency: -second}, `latency: Invalid value: "-1s": must be above zero`},
		{"jitter longer than the delay", chaosmesh.NetworkDelay{Pods: checkout, Latency: second, Jitter: 2 * second}, `jitter: Invalid value: "2s": must be from zero to the latency, which is 1s`},
		{"jitter below zero", chaosmesh.NetworkDelay{Pods: checkout, Latency: second, Jitter: -1}, `jitter: Invalid value: "-1ns": must be from zero`},
		{"correlation beyond all", chaosmesh.NetworkLoss{Pods: checkout, Packets: 1, Correlation: 1.01}, `correlation: Invalid value: "101%": must be from 0% to 100%`},
		{"correlation of delays below nothing", chaosmesh.NetworkDelay{Pods: checkout, Latency: second, Correlation: -0.01}, `correlation: Invalid value: "-1%": must be from 0% to 100%`},
		{"no loss", chaosmesh.NetworkLoss{Pods: checkout}, `packets: Invalid value: "0%": must be above 0% and at most 100%`},
		{"duplication of more than all, since 5 is 500%", chaosmesh.NetworkDuplicate{Pods: checkout, Packets: 5}, `packets: Invalid value: "500%": must be above 0% and at most 100%`},
		{"corruption below nothing", chaosmesh.NetworkCorrupt{Pods: checkout, Packets: -0.01}, `packets: Invalid value: "-1%": must be above 0%`},
		{"a share that is no number", chaosmesh.NetworkCorrupt{Pods: checkout, Packets: chaosmesh.Share(math.NaN())}, `packets: Invalid value: "NaN%": must be above 0%`},
		{"no bandwidth", chaosmesh.NetworkBandwidth{Pods: checkout}, `rate: Invalid value: "0": must be at least 8, which is one byte per second: the unit is bits per second, as in 10M`},
		{"less than a byte a second", chaosmesh.NetworkBandwidth{Pods: checkout, Rate: size("7")}, `rate: Invalid value: "7": must be at least 8`},
		{"a direction that is none", chaosmesh.NetworkLoss{Pods: checkout, Packets: 1, To: payments, Direction: "to"}, `direction: Unsupported value: "to": supported values: "both", "egress", "ingress"`},
		{"a direction without another end", chaosmesh.NetworkPartition{Pods: checkout, Direction: chaosmesh.Egress}, "direction: Forbidden: a direction needs the other end: set to, or remove direction"},
		{"others in no namespace", chaosmesh.NetworkBandwidth{Pods: checkout, Rate: size("1M"), To: far}, `to: Invalid value: "pods app=payments in ": no namespace`},
		{"an address that is empty", chaosmesh.NetworkPartition{Pods: checkout, Outside: []string{"192.0.2.1", ""}}, "outside[1]: Required value: an address outside of the cluster"},
		{"outside towards the pods, which Chaos Mesh cannot delay", chaosmesh.NetworkDelay{Pods: checkout, Latency: second, To: payments, Outside: []string{"192.0.2.1"}}, "outside: Forbidden: together with to it needs the direction egress"},
		{"no worker, which counts as injected", chaosmesh.StressCPU{Pods: checkout}, "workers: Invalid value: 0: must be from 1 to 8192"},
		{"more workers than the CRD takes", chaosmesh.StressCPU{Pods: checkout, Workers: 8193}, "workers: Invalid value: 8193: must be from 1 to 8192"},
		{"a load that is more than all", chaosmesh.StressCPU{Pods: checkout, Workers: 1, Load: 80}, `load: Invalid value: "8000%": must be a whole percentage from 1% to 100%`},
		{"a load of half a percent", chaosmesh.StressCPU{Pods: checkout, Workers: 1, Load: 0.5 * chaosmesh.Percent}, `load: Invalid value: "0.5%": must be a whole percentage`},
		{"no size", chaosmesh.StressMemory{Pods: checkout}, "size: Required value: say a size, as in 256Mi, or ofLimit, as in 80%"},
		{"two sizes", chaosmesh.StressMemory{Pods: checkout, Size: size("64Mi"), OfLimit: 0.5}, "ofLimit: Forbidden: size is set too; keep one of the two"},
		{"a size in thousandths", chaosmesh.StressMemory{Pods: checkout, Size: size("256m")}, `size: Invalid value: "256m": must be at least a MiB: it is in bytes, as in 256Mi`},
		{"a share of more than the limit", chaosmesh.StressMemory{Pods: checkout, OfLimit: 1.01}, `ofLimit: Invalid value: "101%": must be a whole percentage from 1% to 100%`},
		{"a signal beside effects", chaosmesh.NetworkDelay{Pods: checkout, Latency: second, Signal: "calls", Effects: effects}, "signal: Forbidden: effects name their own signals; set one of the two"},
		{"a signal beside the effects of a partition", chaosmesh.NetworkPartition{Pods: checkout, Signal: "calls", Effects: effects}, "signal: Forbidden"},
		{"a signal beside the effects of stress", chaosmesh.StressCPU{Pods: checkout, Workers: 1, Signal: "calls", Effects: effects}, "signal: Forbidden"},
		{"a signal beside the effects of a full memory", chaosmesh.StressMemory{Pods: checkout, OfLimit: 0.5, Signal: "calls", Effects: effects}, "signal: Forbidden"},
		{"an effect of nothing", chaosmesh.PodKill{Pods: checkout, Count: faults.One, Effects: []record.Effect{{}}}, "effects[0]: Required value: an event, or a signal with its rise or atMost"},
		{"an effect of an event and a signal", chaosmesh.PodKill{Pods: checkout, Count: faults.One, Effects: []record.Effect{effects[0], {Event: "gone", Signal: "calls", Rise: 1}}}, "effects[1].signal: Forbidden: it is the event that is looked for; make two effects of it"},
		{"an effect that is there before the fault", chaosmesh.NetworkLoss{Pods: checkout, Packets: 1, Effects: []record.Effect{{Signal: "calls"}}}, "effects[0].rise: Invalid value: 0: must be above zero, in the signal's unit; or say atMost"},
		{"an effect that is none", chaosmesh.Object{YAML: object("IOChaos", slowDisk), Effects: []record.Effect{{Signal: "calls", Rise: -1}}}, "effects[0].rise: Invalid value: -1: must be above zero"},
		{"an effect that rises and does not", chaosmesh.StressCPU{Pods: checkout, Workers: 1, Effects: []record.Effect{{Signal: "calls", Rise: 1, AtMost: new(float64)}}}, "effects[0].atMost: Forbidden: it is by rise that the effect is seen; set one of the two"},
		{"a quantile that is none", chaosmesh.NetworkLoss{Pods: checkout, Packets: 1, Effects: []record.Effect{{Signal: "calls", Rise: 1, Quantile: 98}}}, "effects[0].quantile: Invalid value: 98: must be from 0 to 1"},
		{"an effect of a load's", chaosmesh.NetworkLoss{Pods: checkout, Packets: 1, Effects: []record.Effect{{Signal: "requests", Times: 2}}}, "effects[0].times: Forbidden: it is the effect of a load's fault"},
		{"no object", chaosmesh.Object{}, "yaml: Required value: say the object either in yaml or in typed"},
		{"two objects", chaosmesh.Object{YAML: "kind: PodChaos", Typed: &v1alpha1.PodChaos{}}, "yaml: Required value: say the object either in yaml or in typed"},
		{"an object in YAML with a mistake", chaosmesh.Object{YAML: object("NetworkChaos", slowNet+"  targit: {}\n")}, `yaml: refused: strict decoding error: unknown field "spec.targit"`},
		{"a typed object with a mistake", chaosmesh.Object{Typed: &v1alpha1.PodChaos{}}, "typed: PodChaos: refused: no namespace"},
		{"an object of every service's pods", chaosmesh.Object{YAML: object("IOChaos", strings.Replace(slowDisk, "{app: checkout}", "{}", 1))}, "refused: yaml: an empty selector would select every pod"},
		{"an object of no pods", chaosmesh.Object{YAML: object("IOChaos", strings.Replace(slowDisk, "mode: all", "mode: fixed\n  value: \"0\"", 1))}, "refused: yaml: 0 pods; want at least 1"},
		{"an object that is over when it is done, and follows", chaosmesh.Object{YAML: object("PodChaos", ofCheckout+"  action: pod-kill\n"), Follow: true}, "follow: Forbidden: only a fault that is held, and hits pods itself, can follow"},
		{"all mistakes at once", chaosmesh.NetworkDelay{Pods: checkout, Count: "0", Correlation: 2}, `[pods: Invalid value: "0": 0 pods; want at least 1, correlation: Invalid value: "200%": must be from 0% to 100%, latency: Invalid value: "0s": must be above zero, as in 100ms]`},
	} {
		t.Run(row.name, func(t *testing.T) {
			if err := row.spec.Validate(); !errors.Is(err, faults.ErrRefused) || !strings.Contains(err.Error(), row.want) {
				t.Errorf("error %v, want it refused with %q", err, row.want)
			}
			// Nothing is asked of a cluster, and none of it is a panic.
			c := newCluster(t, newClient(t, interceptor.Funcs{
				List: func(context.Context, client.WithWatch, client.ObjectList, ...client.ListOption) error {
					t.Error("it asked the cluster")
					return errors.ErrUnsupported
				},
			}), faults.Guard{})
			fault := c.Fault(row.spec)
			for what, err := range map[string]error{"validate": fault.Validate(), "preview": errorOf(fault.Preview(t.Context(), "run")), "inject": errorOf(fault.Inject(t.Context(), newHistory().Recorder))} {
				if err == nil || !strings.Contains(err.Error(), row.want) || !strings.Contains(err.Error(), fmt.Sprintf("%T: ", row.spec)) {
					t.Errorf("%s: error %v, want %q of a %T", what, err, row.want, row.spec)
				}
			}
			if fault.String() == "" {
				t.Error("it has no name")
			}
		})
	}
	for name, spec := range every() {
		if err := spec.Validate(); err != nil {
			t.Errorf("%s: %v, want no error", name, err)
		}
	}
}

func errorOf[T any](_ T, err error) error { return err }

func TestWhatMakesNoSenseOnThesePodsIsRefused(t *testing.T) {
	c := newCluster(t, town(t), faults.Guard{})
	delay := func(to faults.Pods) chaosmesh.Spec {
		return chaosmesh.NetworkDelay{Pods: checkout, Latency: time.Second, To: to}
	}
	for _, row := range []struct {
		name string
		spec chaosmesh.Spec
		want string
	}{
		{"peers that do not run", delay(faults.Pods{Namespace: "shop", Selector: map[string]string{"app": "mail"}}), "1 asked for, and 0 running pods match the selector; ask for fewer, or wait for more (pods app=mail in shop)"},
		{"peers where faults may touch nothing", delay(faults.Pods{Namespace: "bank", Selector: payments.Selector}), `namespace "bank" is not among those`},
		{"a container that is not there", chaosmesh.ContainerKill{Pods: checkout, Count: faults.One, Containers: []string{"app", "db"}}, `pod a has no container "db"; it has app, proxy`},
		{"stress of a container that is not there", chaosmesh.StressCPU{Pods: checkout, Workers: 1, Containers: []string{"db"}}, `pod a has no container "db"; it has app, proxy`},
		{"a share of a limit that is not there", chaosmesh.StressMemory{Pods: checkout, OfLimit: 80 * chaosmesh.Percent, Containers: []string{"proxy"}}, "80% of a limit that container proxy of pod a does not have; say a size"},
		{"more than there are", chaosmesh.NetworkDelay{Pods: checkout, Count: "4", Latency: time.Second}, "4 asked for, and 3 running pods match the selector"},
	} {
		t.Run(row.name, func(t *testing.T) {
			if _, err := c.Fault(row.spec).Preview(t.Context(), "run"); !errors.Is(err, faults.ErrRefused) || !strings.Contains(err.Error(), row.want) {
				t.Errorf("error %v, want it refused with %q", err, row.want)
			}
		})
	}
}

func TestPodsInTheNodesNetworkAreRefused(t *testing.T) {
	c := newCluster(t, newClient(t, interceptor.Funcs{}, pod("a", func(p *corev1.Pod) { p.Spec.HostNetwork = true })), faults.Guard{})
	want := "pod a is in its node's network, where Chaos Mesh injects nothing"
	if _, err := c.Fault(chaosmesh.NetworkDelay{Pods: checkout, Latency: time.Second}).Preview(t.Context(), "run"); !errors.Is(err, faults.ErrRefused) || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want %q", err, want)
	}
	if _, err := c.Fault(chaosmesh.PodKill{Pods: checkout, Count: faults.One}).Preview(t.Context(), "run"); err != nil {
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
		{"what is sent to them is delayed where it is sent", c.Fault(chaosmesh.NetworkDelay{Pods: checkout, Latency: time.Second, To: payments, Direction: chaosmesh.Egress}), false},
		{"what they send is delayed in them", c.Fault(chaosmesh.NetworkDelay{Pods: checkout, Latency: time.Second, To: payments, Direction: chaosmesh.Ingress}), true},
		{"a partition drops packets in them, too", c.Fault(chaosmesh.NetworkPartition{Pods: checkout, To: payments, Direction: chaosmesh.Egress}), true},
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
		spec       chaosmesh.Spec
		want       record.Effect
		unprovable string
	}{
		{"a killed pod is gone", chaosmesh.PodKill{Pods: checkout, Count: faults.One}, record.Effect{Event: "gone"}, ""},
		{"a failed pod is not ready", chaosmesh.PodFailure{Pods: checkout, Count: faults.One}, record.Effect{Event: "not ready"}, ""},
		{"a killed container is restarted", chaosmesh.ContainerKill{Pods: checkout, Count: faults.One, Containers: []string{"app"}}, record.Effect{Event: "restarted"}, ""},
		{"a delay is seen in the load", chaosmesh.NetworkDelay{Pods: checkout, Latency: 200 * time.Millisecond}, record.Effect{Signal: "requests", Rise: 0.16}, ""},
		{"or where the user says", chaosmesh.NetworkDelay{Pods: checkout, Latency: 200 * time.Millisecond, Signal: "calls"}, record.Effect{Signal: "calls", Rise: 0.16}, ""},
		{"or as the user says", chaosmesh.NetworkDelay{Pods: checkout, Latency: 200 * time.Millisecond, Effects: []record.Effect{{Signal: "calls", Rise: 0.1}}}, record.Effect{Signal: "calls", Rise: 0.1}, ""},
		{"where loss shows is not known", chaosmesh.NetworkLoss{Pods: checkout, Packets: 0.1}, record.Effect{}, "where the loss of packets shows is not known: name a signal of the targets in the fault's effects, else no verdict can be held"},
		{"unless the user says", chaosmesh.NetworkLoss{Pods: checkout, Packets: 0.1, Effects: []record.Effect{{Signal: "retransmits", Rise: 5}}}, record.Effect{Signal: "retransmits", Rise: 5}, ""},
		{"where a narrow network shows is not known", chaosmesh.NetworkBandwidth{Pods: checkout, Rate: resource.MustParse("1M")}, record.Effect{}, "where a narrow network shows is not known"},
		{"a cut network needs a signal", chaosmesh.NetworkPartition{Pods: checkout}, record.Effect{}, "where a cut network shows is not known"},
		{"a worker fills a limit below one core", chaosmesh.StressCPU{Pods: checkout, Workers: 1}, record.Effect{Signal: "cpu", Rise: 0.25, Ceiling: 0.5}, ""},
		{"a small load stays below the limit", chaosmesh.StressCPU{Pods: checkout, Workers: 1, Load: 20 * chaosmesh.Percent}, record.Effect{Signal: "cpu", Rise: 0.1}, ""},
		{"without a limit all workers count", chaosmesh.StressCPU{Pods: checkout, Workers: 4, Load: 50 * chaosmesh.Percent, Containers: []string{"proxy"}}, record.Effect{Signal: "cpu", Rise: 1}, ""},
		{"each container has its own workers", chaosmesh.StressCPU{Pods: checkout, Workers: 1, Containers: []string{"app", "proxy"}}, record.Effect{Signal: "cpu", Rise: 0.75}, ""},
		{"memory", chaosmesh.StressMemory{Pods: checkout, Size: resource.MustParse("64Mi")}, record.Effect{Signal: "memory", Rise: 0.8 * 64 * 1024 * 1024}, ""},
		{"memory in millions", chaosmesh.StressMemory{Pods: checkout, Size: resource.MustParse("64M"), Signal: "rss"}, record.Effect{Signal: "rss", Rise: 0.8 * 64_000_000}, ""},
		{"a share of the limit", chaosmesh.StressMemory{Pods: checkout, OfLimit: 0.5}, record.Effect{Signal: "memory", Rise: 0.8 * float64(128*1024*1024/100*50)}, ""},
		{"more than the limit cannot be seen", chaosmesh.StressMemory{Pods: checkout, Size: resource.MustParse("1Gi")}, record.Effect{Signal: "memory", Rise: 0.8 * 128 * 1024 * 1024}, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, err := c.Fault(row.spec).Preview(t.Context(), "run")
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
	cut, err := c.Fault(chaosmesh.NetworkPartition{Pods: checkout, Signal: "calls"}).Preview(t.Context(), "run")
	if err != nil || len(cut.Effects) != 1 || cut.Effects[0].Signal != "calls" || cut.Effects[0].AtMost == nil || *cut.Effects[0].AtMost != 0 {
		t.Errorf("effects %+v, %v; want that no value of calls exceeds 0", cut.Effects, err)
	}
}

func near(a, b float64) bool { return a-b < 1e-9 && b-a < 1e-9 }

// Whether there will be anything to hold is known before a pod is chosen.
func TestAFaultSaysBeforehandWhetherItIsOverAtOnce(t *testing.T) {
	oneShots := []string{"pod kill", "container kill"}
	cluster := newCluster(t, town(t), faults.Guard{})
	for name, spec := range every() {
		if got, want := cluster.Fault(spec).OneShot(), slices.Contains(oneShots, name); got != want {
			t.Errorf("%s: %t, want %t", name, got, want)
		}
	}
	if cluster.Fault(chaosmesh.Object{}).OneShot() {
		t.Error("what cannot be read is over when it is done")
	}
}
