package check

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/argoproj/argo-workflows/v4/pkg/apis/workflow/v1alpha1"
	"sigs.k8s.io/yaml"
)

// Decoding is strict: it fails on a field that Argo does not know. No template is retried,
// because a retry would inject the faults again.
func TestTheTemplateIsAValidArgoWorkflow(t *testing.T) {
	text, err := os.ReadFile("../pipelines/argo.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var w v1alpha1.WorkflowTemplate
	if err := yaml.UnmarshalStrict(text, &w); err != nil {
		t.Fatal(err)
	}
	names := map[string]v1alpha1.Template{}
	for _, template := range w.Spec.Templates {
		if template.RetryStrategy != nil || w.Spec.RetryStrategy != nil {
			t.Errorf("template %s is retried", template.Name)
		}
		names[template.Name] = template
	}
	gate, sweep := names[w.Spec.Entrypoint], names["sweep"]
	if gate.Container == nil || gate.Container.Args[0] != "run" || len(gate.Outputs.Artifacts) != 1 || !slices.Contains(gate.Container.Args, "/work/runs") || gate.Outputs.Artifacts[0].Path != "/work/runs" {
		t.Errorf("the entry point is %+v", gate)
	}
	if sweep.Container == nil || sweep.Container.Args[0] != "sweep" || sweep.Container.Image != gate.Container.Image || len(sweep.Container.VolumeMounts) != 3 {
		t.Errorf("the sweep is %+v", sweep)
	}
	if exit := names[w.Spec.OnExit]; len(exit.Steps) != 1 || exit.Steps[0].Steps[0].Template != "sweep" {
		t.Errorf("the exit handler is %+v", exit)
	}
	if err := yaml.UnmarshalStrict([]byte(strings.Replace(string(text), "onExit:", "onEnd:", 1)), &w); err == nil || !strings.Contains(err.Error(), "onEnd") {
		t.Errorf("an unknown field: %v", err)
	}
}
