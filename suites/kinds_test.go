package suites

import (
	"bytes"
	"cmp"
	"context"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aftershockhq/aftershock/config"
	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate/kube"
	"github.com/aftershockhq/aftershock/suites/rights"
)

// loaded is the file of [rehearsals] with a load, which the kinds that change it need.
var loaded = strings.Replace(rehearsals, "    traffic: sum by (pod) (rate(served_total[10s]))\n", "    load: {url: \"http://checkout.invalid/\", rate: 100/s}\n", 1)

// staysOf are the kinds of workloads on which a fault stays although its row says no:
// spec.restartAt asks the controller of a Rollout to restart it until that is done.
var staysOf = map[string][]kube.Kind{record.KindRestart: {kube.ArgoRollout}}

// recordedAs are the kinds that a record names otherwise: that of the example is in its YAML.
var recordedAs = map[string]string{"chaosMesh": record.KindPodKill}

// Each kind of fault is injected into each kind of workload and undone, is what its row
// says, and leaves nothing. A dead-man switch may undo it.
func TestEachKindOfFaultOnEachKindOfWorkload(t *testing.T) {
	examples, err := os.ReadFile("../config/testdata/faults.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, workload := range kube.Kinds() {
		w := kube.Workload{Kind: workload, Namespace: "shop", Name: "checkout"}
		for example := range strings.Lines(string(examples)) {
			kind, _, _ := strings.Cut(example, ":")
			text := func(workload string) string {
				return strings.NewReplacer("WORKLOAD", workload, "FAULT", "{"+strings.TrimSpace(example)+"}").Replace(loaded)
			}
			t.Run(kind+" of a "+string(workload), func(t *testing.T) {
				t.Parallel()
				planned := planOf(t, text("deployment/checkout")).Planned[0].Faults[0]
				traits := planned.Traits()
				plan, err := config.Parse("aftershock.yaml", []byte(text(w.Text())))
				if traits.Drains && !w.Drains() {
					if err == nil {
						t.Error("it takes none of these pods, and is not refused")
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				var undoes []string
				synctest.Test(t, func(t *testing.T) {
					s, list, stage, err := (&rehearsing{plan: plan, chosen: plan.Planned}).session(t.Context(), plan.Planned)
					if err != nil {
						t.Fatal(err)
					}
					for _, r := range s.undoes(list[0]) {
						undoes = append(undoes, r.String())
					}
					fault, may := list[0].Faults[0].Fault.(experiments.OneShot)
					if once := may && fault.OneShot(); once != planned.OneShot() {
						t.Errorf("it is over at once: %t, and by the file: %t", once, planned.OneShot())
					}
					if previewer, ok := list[0].Faults[0].Fault.(experiments.Previewer); ok {
						preview, err := previewer.Preview(t.Context(), "run")
						if err != nil || traits.Rolls && preview.AwayBy == "" {
							t.Errorf("what decides how many pods a rollout takes away is not known: %v", err)
						}
					}
					var history bytes.Buffer
					var held []faults.Leftover
					rec := record.NewRecorder(&history)
					time.Sleep(time.Second) // what happens when the run begins is not of it
					if err := list[0].Rehearse(t.Context(), rec, func(ctx context.Context) {
						quiet(ctx, stage.Newest)
						if held, err = s.left(ctx); err != nil {
							t.Error(err)
						}
					}); err != nil {
						t.Error(err)
					}
					if left, err := s.left(t.Context()); err != nil || len(left) > 0 {
						t.Errorf("left: %v, %v", left, err)
					}
					held = slices.DeleteFunc(held, func(l faults.Leftover) bool { return strings.HasSuffix(l.Kind, "Chaos") })
					if stays, want := len(held) > 0, traits.Stays || slices.Contains(staysOf[kind], workload); stays != want {
						t.Errorf("held: %v; want some: %t", held, want)
					}
					asked := slices.ContainsFunc(stage.Asked(), func(r rights.Rule) bool { return r.Resource == "pods/eviction" })
					if asked != traits.Evicts {
						t.Errorf("it asks for evictions: %t; its row: %t", asked, traits.Evicts)
					}
					for e, err := range record.Read(&history) {
						switch in := e.Injection; {
						case err != nil:
							t.Fatal(err)
						case in == nil || traits.Loads: // which does nothing on the stage
						case in.Kind != cmp.Or(recordedAs[kind], kind) || in.Rolls != traits.Rolls || len(in.Targets) == 0 || len(in.Effects) == 0 && in.Unprovable == "":
							t.Errorf("kind %q, rolls: %t, %d targets, effects %v, unprovable %q; its row: %+v", in.Kind, in.Rolls, len(in.Targets), in.Effects, in.Unprovable, traits)
						}
					}
				})
				for _, asked := range sweeping(t, text(w.Text())) {
					verb, what, _ := strings.Cut(asked, " ")
					history := strings.HasPrefix(what, "replicasets.") || strings.HasPrefix(what, "controllerrevisions.")
					itself := !traits.Stays && traits.Rolls && strings.HasSuffix(what, " checkout in shop") // its own change
					if (verb == "patch" || verb == "delete") && !history && !itself && !slices.Contains(undoes, asked) {
						t.Errorf("a sweep needs to %s, which the switch does not ask for", asked)
					}
				}
			})
		}
	}
}
