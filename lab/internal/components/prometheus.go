package components

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/aftershockhq/aftershock/lab/internal/plan"
	"github.com/aftershockhq/aftershock/lab/internal/supervise"
)

// prometheus is Debian's. It knows no kubernetes_sd, so prometheusTargets writes it a file of the pods.
func prometheus(nodes int) supervise.Component {
	config := run.Data("prometheus.yaml")
	return supervise.Component{
		Name: "prometheus",
		Prepare: func(context.Context) error {
			if err := os.MkdirAll(run.Targets(), 0o755); err != nil {
				return err
			}
			return os.WriteFile(config, []byte(prometheusConfig(nodes)), 0o644)
		},
		Args: []string{
			"/usr/bin/prometheus",
			"--config.file=" + config,
			"--storage.tsdb.path=" + run.Data("prometheus"),
			"--storage.tsdb.retention.time=12h",
			// The pods of the past leave what each query looks through after minutes, not after hours: there are hundreds of them.
			"--storage.tsdb.min-block-duration=5m",
			"--web.listen-address=" + strings.TrimPrefix(plan.Prometheus, "http://"),
			"--log.level=warn",
		},
		Ready: supervise.Answers(plan.Prometheus + "/-/ready"),
	}
}

func prometheusConfig(nodes int) string {
	var kubelets []string
	for n := 1; n <= nodes; n++ {
		kubelets = append(kubelets, fmt.Sprintf("{targets: [%q], labels: {node: %s}}", plan.NodeAddress(n)+":10250", plan.NodeName(n)))
	}
	targets := "[" + strings.Join(kubelets, ", ") + "]"
	chaos := strings.TrimSuffix(strings.TrimPrefix(plan.ChaosMetrics, "http://"), "/metrics")
	return fmt.Sprintf(`global: {scrape_interval: 5s, scrape_timeout: 4s}
scrape_configs:
# Each pod's job is the value of its label "app".
- job_name: pods
  scrape_interval: 1s
  scrape_timeout: 900ms
  file_sd_configs: [{files: [%q]}]
- job_name: chaos-controller-manager
  static_configs: [{targets: [%q]}]
  metric_relabel_configs: [{source_labels: [__name__], regex: "chaos_.*", action: keep}]
# Not /metrics/resource too: it has the same metric names at a longer interval, which leaves gaps in checks with short ranges.
- job_name: kubelet-cadvisor
  scrape_interval: 1s
  scrape_timeout: 900ms
  scheme: https
  tls_config: {insecure_skip_verify: true}
  metrics_path: /metrics/cadvisor
  static_configs: %[3]s
  # Of containers, and what is read of them: each pod of the past slows queries down.
  metric_relabel_configs:
  - {source_labels: [container], regex: "", action: drop}
  - {source_labels: [__name__], regex: "container_(cpu_.*|memory_.*|spec_.*|start_time_seconds|last_seen)", action: keep}
`, run.Targets()+"/*.json", chaos, targets)
}
