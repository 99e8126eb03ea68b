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
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/yaml"
)

const chart = "../chart"

// config returns the configuration file of docs/gamedays.md.
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

// rights returns what "aftershock rbac" prints for a configuration.
func rights(t *testing.T, config string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "aftershock.yaml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	command := exec.Command("../../bin/aftershock", "rbac", "-f", file)
	command.Stderr = &said
	text, err := command.Output()
	if err != nil {
		t.Fatalf("aftershock rbac: %v: %s; run make build", err, said.String())
	}
	return string(text)
}

// values returns the values that every installation must set, and more.
func values(config string, more map[string]any) map[string]any {
	v := map[string]any{"image": "registry.example/aftershock:1", "config": config}
	maps.Copy(v, more)
	return v
}

// render renders the chart as Helm does and returns the objects by kind and name, and the
// notes.
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

// rendered decodes an object of the chart and fails on a field that Kubernetes does not
// know.
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

func TestHelmLintFindsNoFaultInTheChart(t *testing.T) {
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

func TestAGameDayRunsAsACronJob(t *testing.T) {
	objects, notes, err := render(values(config(t), map[string]any{"envFrom": []any{map[string]any{"secretRef": map[string]any{"name": "tokens"}}}}))
	if err != nil {
		t.Fatal(err)
	}
	job := rendered[batchv1.CronJob](t, objects, "CronJob aftershock/chaos-storm")
	spec := job.Spec
	if spec.Schedule != "0 10 * * TUE" || *spec.TimeZone != "Europe/Berlin" || spec.ConcurrencyPolicy != batchv1.ForbidConcurrent || *spec.StartingDeadlineSeconds != 300 || *spec.Suspend {
		t.Errorf("the CronJob has %+v", spec)
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
		t.Errorf("the ConfigMap has the file\n%s", file.Data["aftershock.yaml"])
	}
	policy := rendered[networkingv1.NetworkPolicy](t, objects, "NetworkPolicy aftershock/chaos")
	labels := spec.JobTemplate.Spec.Template.Labels
	for k, v := range policy.Spec.PodSelector.MatchLabels {
		if labels[k] != v {
			t.Errorf("the NetworkPolicy selects pods with %s=%s, and the pod has %q", k, v, labels[k])
		}
	}
	if len(policy.Spec.Ingress) > 0 || !slices.Equal(policy.Spec.PolicyTypes, []networkingv1.PolicyType{networkingv1.PolicyTypeIngress}) {
		t.Errorf("the NetworkPolicy is %+v", policy.Spec)
	}
	if !strings.Contains(notes, `Game day storm begins at "0 10 * * TUE" in Europe/Berlin, as the CronJob chaos-storm.`) || !strings.Contains(notes, "No rights were set") {
		t.Errorf("the notes are\n%s", notes)
	}
}

// Kubernetes' own Pod Security check accepts every pod at the restricted level.
func TestThePodsMeetTheRestrictedLevel(t *testing.T) {
	objects, _, err := render(gated(config(t), nil))
	if err != nil {
		t.Fatal(err)
	}
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	restricted := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	for what, template := range map[string]corev1.PodTemplateSpec{
		"game day": rendered[batchv1.CronJob](t, objects, "CronJob aftershock/chaos-storm").Spec.JobTemplate.Spec.Template,
		"gate":     rendered[appsv1.Deployment](t, objects, "Deployment aftershock/chaos-gate").Spec.Template,
		"sweep":    rendered[batchv1.Job](t, objects, "Job aftershock/chaos-sweep").Spec.Template,
	} {
		if r := policy.AggregateCheckResults(evaluator.EvaluatePod(restricted, &template.ObjectMeta, &template.Spec)); !r.Allowed {
			t.Errorf("the pod of the %s violates it: %s", what, r.ForbiddenDetail())
		}
		template.Spec.Containers[0].SecurityContext = nil
		if r := policy.AggregateCheckResults(evaluator.EvaluatePod(restricted, &template.ObjectMeta, &template.Spec)); r.Allowed {
			t.Errorf("a pod of the %s without a security context passes", what)
		}
	}
}

// Helm waits for the Job and uninstalls only if it succeeds: nothing is in place any more.
func TestUninstallSweepsWhileTheAccountHasItsRights(t *testing.T) {
	objects, _, err := render(values(config(t), nil))
	if err != nil {
		t.Fatal(err)
	}
	job := rendered[batchv1.Job](t, objects, "Job aftershock/chaos-sweep")
	if job.Annotations["helm.sh/hook"] != "pre-delete" || job.Annotations["helm.sh/hook-delete-policy"] != "before-hook-creation,hook-succeeded" {
		t.Errorf("the hook has the annotations %q", job.Annotations)
	}
	pod := job.Spec.Template.Spec
	var did []string
	for _, c := range append(pod.InitContainers, pod.Containers...) {
		did = append(did, strings.Join(c.Args, " "))
		if len(c.VolumeMounts) == 0 || c.Image != "registry.example/aftershock:1" {
			t.Errorf("%s is %+v", c.Name, c)
		}
	}
	// No run begins after the last sweep, and none is stopped while one has a fault in place.
	const sweep = "sweep --file=/etc/aftershock/aftershock.yaml"
	if want := []string{sweep, "stop --file=/etc/aftershock/aftershock.yaml --all --until=10m --reason=helm uninstall chaos", sweep}; !slices.Equal(did, want) || pod.ServiceAccountName != "aftershock" {
		t.Errorf("it runs %q as %s, want %q", did, pod.ServiceAccountName, want)
	}
	if *job.Spec.ActiveDeadlineSeconds >= 300 || pod.RestartPolicy != corev1.RestartPolicyNever {
		t.Errorf("the Job may outlast the 5 minutes that Helm waits: %+v", job.Spec)
	}
}

// gated returns values with a gate.
func gated(config string, more map[string]any) map[string]any {
	gate := map[string]any{
		"enabled": true, "tokenSecret": "gate-token", "tlsSecret": "gate-tls",
		"from": []any{map[string]any{"namespaceSelector": map[string]any{"matchLabels": map[string]any{"kubernetes.io/metadata.name": "flagger-system"}}}},
	}
	maps.Copy(gate, more)
	return values(config, map[string]any{"gate": gate})
}

func TestTheGateIsADeploymentThatOnlyItsCallersReach(t *testing.T) {
	file := config(t)
	without, _, err := render(values(file, nil))
	if err != nil {
		t.Fatal(err)
	}
	objects, notes, err := render(gated(file, map[string]any{"namespaces": []any{"shop"}}))
	if err != nil {
		t.Fatal(err)
	}
	spec := rendered[appsv1.Deployment](t, objects, "Deployment aftershock/chaos-gate").Spec
	if *spec.Replicas != 1 || spec.Strategy.Type != appsv1.RecreateDeploymentStrategyType {
		t.Errorf("two gates could write one journal: %+v", spec)
	}
	pod, container := spec.Template.Spec, spec.Template.Spec.Containers[0]
	want := []string{
		"gate", "serve", "--file=/etc/aftershock/aftershock.yaml", "--out=/work/gate", "--listen=:8443",
		"--token-file=/etc/gate/token", "--queue=16", "--namespace=shop", "--tls-cert=/etc/tls/tls.crt", "--tls-key=/etc/tls/tls.key",
	}
	if !slices.Equal(container.Args, want) {
		t.Errorf("it runs %q, want %q", container.Args, want)
	}
	// What the arguments name is mounted, from where the values say.
	sources := map[string]string{}
	for _, mount := range container.VolumeMounts {
		v := pod.Volumes[slices.IndexFunc(pod.Volumes, func(v corev1.Volume) bool { return v.Name == mount.Name })]
		switch {
		case v.Secret != nil:
			sources[mount.MountPath] = "secret " + v.Secret.SecretName
		case v.PersistentVolumeClaim != nil:
			sources[mount.MountPath] = "claim " + v.PersistentVolumeClaim.ClaimName
		case v.ConfigMap != nil:
			sources[mount.MountPath] = "config " + v.ConfigMap.Name
		}
	}
	if want := map[string]string{"/etc/aftershock": "config chaos", "/work": "claim chaos-gate", "/etc/gate": "secret gate-token", "/etc/tls": "secret gate-tls"}; !maps.Equal(sources, want) {
		t.Errorf("it mounts %q, want %q", sources, want)
	}
	if claim := rendered[corev1.PersistentVolumeClaim](t, objects, "PersistentVolumeClaim aftershock/chaos-gate"); claim.Annotations["helm.sh/resource-policy"] != "keep" {
		t.Errorf("an uninstall deletes the journal: %+v", claim)
	}
	for _, probe := range []*corev1.Probe{container.ReadinessProbe, container.LivenessProbe} {
		if get := probe.HTTPGet; get.Path != "/healthz" || get.Scheme != corev1.URISchemeHTTPS || get.Port.StrVal != container.Ports[0].Name {
			t.Errorf("a probe asks %+v", get)
		}
	}
	service := rendered[corev1.Service](t, objects, "Service aftershock/chaos-gate")
	policy := rendered[networkingv1.NetworkPolicy](t, objects, "NetworkPolicy aftershock/chaos-gate").Spec
	day := rendered[batchv1.CronJob](t, objects, "CronJob aftershock/chaos-storm").Spec.JobTemplate.Spec.Template.Labels
	for what, selector := range map[string]map[string]string{"Deployment": spec.Selector.MatchLabels, "Service": service.Spec.Selector, "NetworkPolicy": policy.PodSelector.MatchLabels} {
		chosen := labels.SelectorFromSet(selector)
		if !chosen.Matches(labels.Set(spec.Template.Labels)) || chosen.Matches(labels.Set(day)) {
			t.Errorf("the %s chooses pods with %q; the gate has %q, a game day %q", what, selector, spec.Template.Labels, day)
		}
	}
	if port := service.Spec.Ports[0]; port.Port != 8443 || port.TargetPort.StrVal != container.Ports[0].Name {
		t.Errorf("the Service has %+v", port)
	}
	if from := policy.Ingress[0].From[0].NamespaceSelector.MatchLabels; len(policy.Ingress) != 1 || from["kubernetes.io/metadata.name"] != "flagger-system" {
		t.Errorf("the NetworkPolicy is %+v", policy)
	}
	if !strings.Contains(notes, "https://chaos-gate.aftershock:8443") {
		t.Errorf("the notes are\n%s", notes)
	}
	if len(objects) != len(without)+4 {
		t.Errorf("%d objects with a gate, %d without", len(objects), len(without))
	}

	changed, _, err := render(gated(file+"\n", map[string]any{"existingClaim": "nfs", "tlsSecret": "", "plainHTTP": true}))
	if err != nil {
		t.Fatal(err)
	}
	another := rendered[appsv1.Deployment](t, changed, "Deployment aftershock/chaos-gate").Spec.Template
	if key := "checksum/config"; another.Annotations[key] == spec.Template.Annotations[key] {
		t.Error("a changed file does not restart the gate")
	}
	plain := another.Spec.Containers[0]
	if !slices.Contains(plain.Args, "--plain-http") || plain.ReadinessProbe.HTTPGet.Scheme != corev1.URISchemeHTTP {
		t.Errorf("without TLS the container is %+v", plain)
	}
	if _, there := changed["PersistentVolumeClaim aftershock/chaos-gate"]; there || !strings.Contains(changed["Deployment aftershock/chaos-gate"], "claimName: nfs") {
		t.Error("the existing claim is not used")
	}
}

// A namespace may have a token of its own, beside that of all or alone.
func TestTheTokensOfNamespacesAreMounted(t *testing.T) {
	tokens := map[string]any{"shop": "shop-token"}
	for _, test := range []struct {
		sentence string
		more     map[string]any
		args     []string
		secrets  []string
	}{
		{"beside that of all", map[string]any{"tokens": tokens}, []string{"--token-file=/etc/gate/token", "--token-file=shop=/etc/gate-tokens/shop"}, []string{"gate-tls", "gate-token", "shop-token"}},
		{"alone", map[string]any{"tokens": tokens, "tokenSecret": ""}, []string{"--token-file=shop=/etc/gate-tokens/shop"}, []string{"gate-tls", "shop-token"}},
		{"none", nil, []string{"--token-file=/etc/gate/token"}, []string{"gate-tls", "gate-token"}},
	} {
		objects, _, err := render(gated(config(t), test.more))
		if err != nil {
			t.Errorf("%s: %v", test.sentence, err)
			continue
		}
		pod := rendered[appsv1.Deployment](t, objects, "Deployment aftershock/chaos-gate").Spec.Template.Spec
		args := slices.DeleteFunc(slices.Clone(pod.Containers[0].Args), func(arg string) bool { return !strings.HasPrefix(arg, "--token-file") })
		var secrets, mounted []string
		for _, mount := range pod.Containers[0].VolumeMounts {
			mounted = append(mounted, mount.Name+" "+mount.MountPath)
		}
		for _, v := range pod.Volumes {
			switch {
			case v.Secret != nil:
				secrets = append(secrets, v.Secret.SecretName)
			case v.Projected != nil:
				for _, source := range v.Projected.Sources {
					secrets = append(secrets, source.Secret.Name)
					if item := source.Secret.Items[0]; item.Key != "token" || item.Path != "shop" || !slices.Contains(mounted, v.Name+" /etc/gate-tokens") {
						t.Errorf("%s: %+v of %q", test.sentence, item, mounted)
					}
				}
			}
		}
		slices.Sort(secrets)
		if !slices.Equal(args, test.args) || !slices.Equal(secrets, test.secrets) {
			t.Errorf("%s: it has %q of %q, want %q of %q", test.sentence, args, secrets, test.args, test.secrets)
		}
	}
}

func TestTheChartGrantsTheRightsThatRBACPrints(t *testing.T) {
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

func TestEachValueTakesEffect(t *testing.T) {
	file := strings.Replace(config(t), `start: "0 10 * * TUE"`, "start: 2026-12-01T10:00:00+01:00", 1)
	objects, notes, err := render(values(file, map[string]any{
		"persistence": map[string]any{"enabled": false}, "networkPolicy": map[string]any{"enabled": false}, "files": map[string]any{"holidays.ics": "BEGIN:VCALENDAR\n"},
	}))
	if err != nil {
		t.Fatal(err)
	}
	if got := slices.Sorted(maps.Keys(objects)); !slices.Equal(got, []string{"ConfigMap aftershock/chaos", "Job aftershock/chaos-sweep"}) {
		t.Errorf("a day without a schedule, a claim and a policy has %q", got)
	}
	if data := rendered[corev1.ConfigMap](t, objects, "ConfigMap aftershock/chaos").Data; data["holidays.ics"] != "BEGIN:VCALENDAR\n" {
		t.Errorf("the ConfigMap has %q", data)
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

func TestTheChartRefusesMistakes(t *testing.T) {
	file := config(t)
	for _, row := range []struct {
		why    string
		values map[string]any
		want   string
	}{
		{"no image", map[string]any{"config": file}, "/image"},
		{"no configuration", map[string]any{"image": "a"}, "/config"},
		{"an unknown value", values(file, map[string]any{"retries": 3}), "retries"},
		{"a deadline below the controller's period", values(file, map[string]any{"startingDeadlineSeconds": 1}), "startingDeadlineSeconds"},
		{"a grace period too short to undo", values(file, map[string]any{"terminationGracePeriodSeconds": 5}), "terminationGracePeriodSeconds"},
		{"a file in place of the configuration", values(file, map[string]any{"files": map[string]any{"aftershock.yaml": "a"}}), "aftershock.yaml"},
		{"a configuration that is not YAML", values("a: [", nil), "config: "},
		{"a path in place of the configuration", values("aftershock.yaml", nil), "config: "},
		{"another namespace", values(strings.Replace(file, "cluster: {", "cluster: {namespace: chaos, ", 1), nil), "install with --namespace chaos"},
		{"a context", values(strings.Replace(file, "cluster: {", "cluster: {context: staging, ", 1), nil), "cluster.context"},
		{"a name that a CronJob cannot have", values(strings.Replace(file, "  storm:", "  "+strings.Repeat("storm", 10)+":", 1), nil), "cannot be the name of a CronJob"},
		{"a gate without a token", gated(file, map[string]any{"tokenSecret": ""}), "gate: set tokenSecret"},
		{"a token of a namespace that is not tested", gated(file, map[string]any{"tokens": map[string]any{"bank": "bank-token"}}), "builds of bank are not tested"},
		{"a token of no Secret", gated(file, map[string]any{"tokens": map[string]any{"shop": ""}}), "tokens/shop"},
		{"a gate without TLS", gated(file, map[string]any{"tlsSecret": ""}), "set tlsSecret"},
		{"a gate both with and without TLS", gated(file, map[string]any{"plainHTTP": true}), "set tlsSecret"},
		{"a gate without callers", gated(file, map[string]any{"from": []any{}}), "gate.from"},
		{"a gate with an empty peer", gated(file, map[string]any{"from": []any{map[string]any{}}}), "from/0"},
		{"a gate for a namespace that is not allowed", gated(file, map[string]any{"namespaces": []any{"bank"}}), "bank is not in allow.namespaces"},
		{"a gate without persistence", func() map[string]any {
			v := gated(file, nil)
			v["persistence"] = map[string]any{"enabled": false}
			return v
		}(), "without its journal"},
		{"rights that are another kind", values(file, map[string]any{"rights": "kind: Pod\nmetadata: {name: a}\n"}), "Pod is not a right"},
	} {
		if _, _, err := render(row.values); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v, want %q", row.why, err, row.want)
		}
	}
}
