package check

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/chart/loader"
	"helm.sh/helm/v4/pkg/chart/v2/lint"
	"helm.sh/helm/v4/pkg/chart/v2/lint/support"
	"helm.sh/helm/v4/pkg/engine"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/yaml"
)

const chart = "../chart"

// config is the file of docs/gamedays.md.
func config(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/gamedays.md")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile("(?ms)^```yaml\n(apiVersion.*?)^```").FindSubmatch(text)
	if m == nil {
		t.Fatal("docs/gamedays.md has no complete file")
	}
	return string(m[1])
}

// rights are what "aftershock rbac" prints of a configuration.
func rights(t *testing.T, config string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "aftershock.yaml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	text, err := exec.Command("../../bin/aftershock", "rbac", "-f", file).Output()
	if err != nil {
		t.Fatalf("aftershock rbac: %v: run make build", err)
	}
	return string(text)
}

// values are the least that an installation sets, and some more.
func values(config string, more map[string]any) map[string]any {
	v := map[string]any{"image": "registry.example/aftershock:1", "config": config}
	maps.Copy(v, more)
	return v
}

// render is what Helm makes of the chart: objects by kind and name, and the notes.
func render(values map[string]any) (objects map[string]string, notes string, err error) {
	c, err := loader.LoadDir(chart)
	if err != nil {
		return nil, "", err
	}
	v, err := util.ToRenderValues(c, values, common.ReleaseOptions{Name: "chaos", Namespace: "aftershock", IsInstall: true}, nil)
	if err != nil {
		return nil, "", err
	}
	files, err := engine.Render(c, v)
	if err != nil {
		return nil, "", err
	}
	objects = map[string]string{}
	for path, text := range files {
		if strings.HasSuffix(path, "NOTES.txt") {
			notes = text
			continue
		}
		for part := range strings.SplitSeq(text, "\n---\n") {
			var head struct {
				Kind     string
				Metadata struct{ Name, Namespace string }
			}
			if err := yaml.Unmarshal([]byte(part), &head); err != nil {
				return nil, "", fmt.Errorf("%s: %w in\n%s", path, err, part)
			}
			if head.Kind != "" {
				objects[head.Kind+" "+strings.Trim(head.Metadata.Namespace+"/"+head.Metadata.Name, "/")] = part
			}
		}
	}
	return objects, notes, nil
}

// rendered is an object of the chart; a field that Kubernetes does not know is an error.
func rendered[T any](t *testing.T, objects map[string]string, name string) (object T) {
	t.Helper()
	text, ok := objects[name]
	if !ok {
		t.Fatalf("no %s among %q", name, slices.Sorted(maps.Keys(objects)))
	}
	if err := yaml.UnmarshalStrict([]byte(text), &object); err != nil {
		t.Fatalf("%s: %v in\n%s", name, err, text)
	}
	return object
}

func TestHelmFindsNothingInTheChart(t *testing.T) {
	found := lint.RunAll(chart, values(config(t), map[string]any{"rights": rights(t, config(t))}), "aftershock")
	for _, m := range found.Messages {
		if m.Severity >= support.WarningSev {
			t.Error(m.Error())
		}
	}
	if found := lint.RunAll(chart, values(config(t), map[string]any{"image": 1}), "aftershock"); found.HighestSeverity < support.ErrorSev {
		t.Error("an image that is a number passes")
	}
}

func TestAGameDayIsACronJob(t *testing.T) {
	objects, notes, err := render(values(config(t), map[string]any{"envFrom": []any{map[string]any{"secretRef": map[string]any{"name": "tokens"}}}}))
	if err != nil {
		t.Fatal(err)
	}
	job := rendered[batchv1.CronJob](t, objects, "CronJob aftershock/chaos-storm")
	spec := job.Spec
	if spec.Schedule != "0 10 * * TUE" || *spec.TimeZone != "Europe/Berlin" || spec.ConcurrencyPolicy != batchv1.ForbidConcurrent || *spec.StartingDeadlineSeconds != 300 || *spec.Suspend {
		t.Errorf("it begins by %+v", spec)
	}
	pod := spec.JobTemplate.Spec.Template.Spec
	if *spec.JobTemplate.Spec.BackoffLimit != 0 || pod.RestartPolicy != corev1.RestartPolicyNever {
		t.Error("a pod that failed would be replaced, and inject again")
	}
	container := pod.Containers[0]
	if want := []string{"gameday", "run", "-f", "/etc/aftershock/aftershock.yaml", "--out", "/work/runs", "storm"}; !slices.Equal(container.Args, want) || container.Command != nil {
		t.Errorf("it runs %q, want %q", container.Args, want)
	}
	if pod.ServiceAccountName != "aftershock" || container.EnvFrom[0].SecretRef.Name != "tokens" {
		t.Errorf("the pod is %+v", pod)
	}
	claim := rendered[corev1.PersistentVolumeClaim](t, objects, "PersistentVolumeClaim aftershock/chaos-records")
	if claim.Annotations["helm.sh/resource-policy"] != "keep" || !slices.ContainsFunc(pod.Volumes, func(v corev1.Volume) bool {
		return v.PersistentVolumeClaim != nil && v.PersistentVolumeClaim.ClaimName == claim.Name
	}) {
		t.Errorf("records are kept in %+v", claim)
	}
	if file := rendered[corev1.ConfigMap](t, objects, "ConfigMap aftershock/chaos"); file.Data["aftershock.yaml"] != config(t) {
		t.Errorf("the file in the cluster is\n%s", file.Data["aftershock.yaml"])
	}
	policy := rendered[networkingv1.NetworkPolicy](t, objects, "NetworkPolicy aftershock/chaos")
	labels := spec.JobTemplate.Spec.Template.Labels
	for k, v := range policy.Spec.PodSelector.MatchLabels {
		if labels[k] != v {
			t.Errorf("the NetworkPolicy is of pods with %s=%s, and the pod has %q", k, v, labels[k])
		}
	}
	if len(policy.Spec.Ingress) > 0 || !slices.Equal(policy.Spec.PolicyTypes, []networkingv1.PolicyType{networkingv1.PolicyTypeIngress}) {
		t.Errorf("the NetworkPolicy is %+v", policy.Spec)
	}
	if !strings.Contains(notes, `Game day storm begins at "0 10 * * TUE" in Europe/Berlin, as the CronJob chaos-storm.`) || !strings.Contains(notes, "No rights were set") {
		t.Errorf("the notes are\n%s", notes)
	}
}

// Kubernetes' own check of pods takes the pod at its strictest level.
func TestThePodIsRestricted(t *testing.T) {
	objects, _, err := render(values(config(t), nil))
	if err != nil {
		t.Fatal(err)
	}
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	template := rendered[batchv1.CronJob](t, objects, "CronJob aftershock/chaos-storm").Spec.JobTemplate.Spec.Template
	restricted := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	if r := policy.AggregateCheckResults(evaluator.EvaluatePod(restricted, &template.ObjectMeta, &template.Spec)); !r.Allowed {
		t.Errorf("the pod is refused: %s", r.ForbiddenDetail())
	}
	template.Spec.Containers[0].SecurityContext = nil
	if r := policy.AggregateCheckResults(evaluator.EvaluatePod(restricted, &template.ObjectMeta, &template.Spec)); r.Allowed {
		t.Error("a pod without a security context passes")
	}
}

func TestTheRightsAreThoseOfRBAC(t *testing.T) {
	printed := rights(t, config(t))
	objects, notes, err := render(values(config(t), map[string]any{"rights": printed}))
	if err != nil {
		t.Fatal(err)
	}
	without, _, err := render(values(config(t), nil))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for part := range strings.SplitSeq(printed, "\n---\n") {
		var of struct {
			Kind     string
			Metadata struct{ Name, Namespace string }
		}
		var want, got map[string]any
		if err := yaml.Unmarshal([]byte(part), &of); err != nil {
			t.Fatal(err)
		}
		if of.Kind == "Namespace" {
			continue
		}
		n++
		name := of.Kind + " " + strings.Trim(of.Metadata.Namespace+"/"+of.Metadata.Name, "/")
		if err := yaml.Unmarshal([]byte(part), &want); err != nil {
			t.Fatal(err)
		}
		if err := yaml.Unmarshal([]byte(objects[name]), &got); err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s is\n%s\nwant\n%s", name, objects[name], part)
		}
	}
	if n < 5 || len(objects) != len(without)+n {
		t.Errorf("%d rights, %d objects with and %d without", n, len(objects), len(without))
	}
	if strings.Contains(notes, "No rights were set") {
		t.Errorf("the notes are\n%s", notes)
	}
}

func TestWhatIsSetHasItsEffect(t *testing.T) {
	file := strings.Replace(config(t), `start: "0 10 * * TUE"`, "start: 2026-12-01T10:00:00+01:00", 1)
	objects, notes, err := render(values(file, map[string]any{
		"persistence": map[string]any{"enabled": false}, "networkPolicy": map[string]any{"enabled": false}, "files": map[string]any{"holidays.ics": "BEGIN:VCALENDAR\n"},
	}))
	if err != nil {
		t.Fatal(err)
	}
	if got := slices.Sorted(maps.Keys(objects)); !slices.Equal(got, []string{"ConfigMap aftershock/chaos"}) {
		t.Errorf("a day at one time, without claim and policy, has %q", got)
	}
	if data := rendered[corev1.ConfigMap](t, objects, "ConfigMap aftershock/chaos").Data; data["holidays.ics"] != "BEGIN:VCALENDAR\n" {
		t.Errorf("the files are %q", data)
	}
	if !strings.Contains(notes, "there is no CronJob") {
		t.Errorf("the notes are\n%s", notes)
	}
	objects, _, err = render(values(config(t), map[string]any{
		"persistence":   map[string]any{"existingClaim": "nfs"},
		"networkPolicy": map[string]any{"egress": []any{map[string]any{"to": []any{map[string]any{"ipBlock": map[string]any{"cidr": "198.51.100.0/24"}}}}}},
	}))
	if err != nil {
		t.Fatal(err)
	}
	if policy := rendered[networkingv1.NetworkPolicy](t, objects, "NetworkPolicy aftershock/chaos"); len(policy.Spec.Egress) != 1 || len(policy.Spec.PolicyTypes) != 2 {
		t.Errorf("the NetworkPolicy is %+v", policy.Spec)
	}
	if _, there := objects["PersistentVolumeClaim aftershock/chaos-records"]; there || !strings.Contains(objects["CronJob aftershock/chaos-storm"], "claimName: nfs") {
		t.Error("the existing claim is not used")
	}
}

func TestMistakesAreRefused(t *testing.T) {
	file := config(t)
	for _, row := range []struct {
		why    string
		values map[string]any
		want   string
	}{
		{"no image", map[string]any{"config": file}, "/image"},
		{"no configuration", map[string]any{"image": "a"}, "/config"},
		{"a value that there is not", values(file, map[string]any{"retries": 3}), "retries"},
		{"a deadline below the controller's period", values(file, map[string]any{"startingDeadlineSeconds": 1}), "startingDeadlineSeconds"},
		{"a time to undo that is too short", values(file, map[string]any{"terminationGracePeriodSeconds": 5}), "terminationGracePeriodSeconds"},
		{"a file in place of the configuration", values(file, map[string]any{"files": map[string]any{"aftershock.yaml": "a"}}), "aftershock.yaml"},
		{"a text that is no YAML", values("a: [", nil), "config: "},
		{"a path in place of the text", values("aftershock.yaml", nil), "config: "},
		{"another namespace", values(strings.Replace(file, "cluster: {", "cluster: {namespace: chaos, ", 1), nil), "install with --namespace chaos"},
		{"a context", values(strings.Replace(file, "cluster: {", "cluster: {context: staging, ", 1), nil), "cluster.context"},
		{"a name that a CronJob cannot have", values(strings.Replace(file, "  storm:", "  "+strings.Repeat("storm", 10)+":", 1), nil), "cannot be the name of a CronJob"},
		{"rights that are none", values(file, map[string]any{"rights": "kind: Pod\nmetadata: {name: a}\n"}), "Pod is no right"},
	} {
		if _, _, err := render(row.values); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v, want %q", row.why, err, row.want)
		}
	}
}
