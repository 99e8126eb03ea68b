package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"github.com/spf13/cobra"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/load"
	"github.com/aftershockhq/aftershock/internal/bench"
	"github.com/aftershockhq/aftershock/internal/discover"
	"github.com/aftershockhq/aftershock/internal/terminal"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/reports"
	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/prom"
)

func demoCommand() *cobra.Command {
	var output string
	var served bool
	var verbose *bool
	var out *string
	cmd := &cobra.Command{
		Use:   "demo [--serve [-- COMMAND ARGUMENT...]]",
		Short: "Kill a real process under load on this machine and see both verdicts",
		Long: `Demo starts a small service on this machine: three processes behind a load
balancer, scraped by a real Prometheus engine. Under a load of 100 requests a
second it kills one process with kill -9, twice: once with a healthy service, and
once with a load balancer that does not check its backends. The hypothesis holds
the first time and is broken the second, so you see both. No cluster, no root.

It exits with 0 if both verdicts are as expected.

With --serve it only starts the healthy service and keeps it up until ^C, so that
you can try your own load, checks and faults on it. A process that ends is
restarted after two seconds. With a COMMAND the service stays up while the command
runs, and demo exits with its exit code. If demo is interrupted, so is the command,
which is killed if it still runs two minutes later. The command's environment has
  AFTERSHOCK_DEMO_URL         the load balancer; the header X-Pod of each answer names
                              the process: service-1, service-2, service-3
  AFTERSHOCK_DEMO_PROMETHEUS  a Prometheus that scrapes each process, pod=NAME;
                              it answers instant queries
  AFTERSHOCK_DEMO_PIDS        a directory with the number of each process: NAME.pid`,
		Example: `  aftershock demo
  aftershock demo --out /tmp/runs && aftershock judge /tmp/runs
  aftershock demo --serve --output json
  aftershock demo --serve -- go test ./resilience`,
		Args: func(cmd *cobra.Command, args []string) error {
			if served && cmd.ArgsLenAtDash() == 0 {
				return nil
			}
			return noArgs(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if output != "text" && (output != "json" || !served || len(args) > 0) {
				return usageError{fmt.Errorf("--output %s: want text, or json with --serve and no command", output)}
			}
			if served {
				return serve(cmd, args, output)
			}
			return demo(cmd.Context(), cmd.OutOrStdout(), *out, *verbose)
		},
	}
	verbose = verboseFlag(cmd, "the whole text of each report")
	out = runsFlag(cmd, "demo-runs") // a clone of this repository has a package runs
	cmd.Flags().BoolVar(&served, "serve", false, "only keep the service up, until ^C or the end of the command")
	cmd.Flags().StringVarP(&output, "output", "o", "text", "what --serve prints: text, or json, one line")
	completeFlag(cmd, "output", completeTextOrJSON)
	return cmd
}

// demo runs the same experiment on the bench as it should be and with a
// defect.
func demo(ctx context.Context, stdout io.Writer, out string, verbose bool) error {
	fmt.Fprint(stdout, terminal.Of(stdout).Paragraph("", "bench: processes on this machine, not a cluster: three services behind a balancer, scraped by Prometheus"))
	s, err := newSession(out, stdout)
	if err != nil {
		return err
	}
	s.verbose = verbose
	var errs []error
	for _, act := range []struct {
		name   string
		defect bench.Defect
		want   steadystate.Verdict
	}{
		{"kill one of three", bench.NoDefect, steadystate.Held},
		{"kill one of three, without health checks", bench.NoHealthChecks, steadystate.Broken},
	} {
		report, err := demoAct(ctx, s, act.name, act.defect)
		if err != nil {
			errs = append(errs, err)
			break
		}
		if report.Verdict == steadystate.Unknown {
			errs = append(errs, fmt.Errorf("%s: this machine was too busy to tell, as the report says; run it again", act.name))
		} else if report.Verdict != act.want {
			errs = append(errs, fmt.Errorf("%s: %s, but on this bench it must be %s", act.name, report.Verdict, act.want))
		}
	}
	errs = append(errs, s.keep())
	errs = append(errs, s.finish(exitCode(errors.Join(errs...))))
	if err := errors.Join(errs...); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "the second is broken on purpose; with another limit:\n  %s judge %s --limit \"service answers: downtime <= 5s\"\n", program(), s.Path)
	return nil
}

// program is how a shell calls this program: by its name if PATH leads to this very
// file, and not to another build.
func program() string {
	const name = "aftershock"
	if found, err := exec.LookPath(name); err == nil && sameAsThis(found) {
		return name
	}
	return discover.Word(os.Args[0])
}

// sameAsThis reports whether a file is the one that runs.
func sameAsThis(path string) bool {
	this, err := os.Executable()
	if err != nil {
		return false
	}
	a, errA := os.Stat(this)
	b, errB := os.Stat(path)
	return errA == nil && errB == nil && os.SameFile(a, b)
}

func demoAct(ctx context.Context, s *session, name string, defect bench.Defect) (report reports.Report, err error) {
	b, err := bench.Start(ctx, bench.Options{Defect: defect})
	if err != nil {
		return report, fmt.Errorf("start the bench: %w", err)
	}
	defer func() { err = errors.Join(err, b.Stop()) }()
	client, err := prom.NewClient(prom.Config{URL: b.PrometheusURL()})
	if err != nil {
		return report, err
	}
	defer client.Close()
	return s.carryOut(ctx, experiments.Experiment{
		Name: name,
		Hypothesis: steadystate.Hypothesis{
			Signals: []steadystate.Signal{prom.Source{
				Client:   client,
				Query:    prom.MustParse(`sum(rate(http_request_duration_seconds_count{route="/"}[1s]))`),
				Interval: 250 * time.Millisecond,
			}.Signal("throughput")},
			Checks: []steadystate.Check{
				{
					Name:    "service answers",
					Signal:  record.TrafficSignal,
					Good:    steadystate.Within(time.Second),
					Allowed: 0.001,
					Limits:  steadystate.Limits("downtime <= 1s", "ttr <= 1s", "errors <= 2%", "p95 <= 500ms"),
				},
				{
					Name:   "throughput by Prometheus",
					Signal: "throughput",
					Good:   steadystate.MustParseTolerance(">= 20/s"),
					Limits: steadystate.Limits("outages <= 0"),
				},
			},
		},
		Load:        load.HTTP{Shape: load.Constant(100), URL: b.URL() + "/"},
		Faults:      []experiments.Scheduled{{Fault: b.Kill("service-2")}},
		Environment: b.Environment(),
		Settle:      3 * time.Second,
		Hold:        3 * time.Second,
		Watch:       8 * time.Second,
	})
}
