package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"k8s.io/client-go/rest"

	"github.com/aftershockhq/aftershock/internal/trial"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/reports"
	"github.com/aftershockhq/aftershock/runs"
	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/kube"
	"github.com/aftershockhq/aftershock/steadystate/prom"
	"github.com/aftershockhq/aftershock/suites"
)

// ends is how long a run may take.
const ends = 8 * time.Minute

// A scene is a row under way.
type scene struct {
	*trial.Lab
	row
	w       io.Writer
	dir     string
	records string // where the run's are, as seen from here
	gate    *gate  // nil: the row needs none
	clock   trial.Clock
}

// carryOut runs the experiment of a row with its outage, and looks.
func carryOut(ctx context.Context, w io.Writer, lab *trial.Lab, r row) (got result, err error) {
	got.Row = r.id()
	s := &scene{Lab: lab, row: r, w: w, dir: filepath.Join(lab.Out, r.directory())}
	s.records = filepath.Join(s.dir, "records")
	if err := errors.Join(os.RemoveAll(s.dir), os.MkdirAll(s.records, 0o755), lab.Rest(ctx), scraped(ctx, lab)); err != nil {
		return got, err
	}
	if err := s.open(); err != nil {
		return got, err
	}
	defer s.close()
	from, to, p, err := s.play(ctx)
	if s.gate != nil {
		got.Met, got.Deletes = s.gate.counts()
	}
	if p == nil {
		return got, err
	}
	if got.Code, got.Printed = p.ProcessState.ExitCode(), p.Printed.String(); err != nil {
		return got, err
	}
	// What was begun is looked at to its end.
	ctx = context.WithoutCancel(ctx)
	if !r.untouched {
		err = got.read(s, from, to)
	} else if trial.RecordIn(s.records) != "" {
		err = errors.New("it has begun")
	}
	got.Says = sentence(r.says, got.text, got.Printed)
	for _, other := range rows() {
		// What is said without an outage names none.
		if r.says == "" && other.says != "" && sentence(other.says, got.text, got.Printed) != "" {
			err = errors.Join(err, fmt.Errorf("a report without an outage says %q", other.says))
		}
	}
	got.Left = lab.Cluster.Left(ctx, trial.SweepPatience, true)
	return got, errors.Join(err, s.clean(ctx, &got))
}

// scraped waits until each series of the service is of a pod that is there. That of
// a pod which went while Prometheus was away is read for five minutes more, the time
// that Prometheus looks back.
func scraped(ctx context.Context, lab *trial.Lab) error {
	client, err := prom.NewClient(*lab.Session.Plan.Prometheus)
	if err != nil {
		return err
	}
	defer client.Close()
	return trial.Poll(ctx, time.Second, 6*time.Minute, func(ctx context.Context) error {
		old, err := client.Has(ctx, `time() - timestamp(up{app="checkout"}) > 3`)
		if err == nil && old {
			err = errors.New("a query still reads what is no longer scraped")
		}
		return err
	})
}

// clean lets what is to remove what was left do so, and then sweeps.
func (s *scene) clean(ctx context.Context, got *result) error {
	if len(got.Left) == 0 {
		return nil
	}
	remover := s.remover
	begin := time.Now()
	if remover == bySwitch {
		got.Still = s.Cluster.Left(ctx, trial.ClusterPatience, true)
		got.Gone = time.Since(begin).Seconds()
		if len(got.Still) == 0 {
			return nil
		}
	}
	printed, err := s.Sweep(ctx)
	if err != nil {
		return fmt.Errorf("sweep: %w: %s", err, printed)
	}
	left := s.Cluster.Left(ctx, trial.SweepPatience, true)
	if remover != bySwitch {
		got.Still, got.Gone = left, time.Since(begin).Seconds()
	}
	return nil
}

// open writes the run's configuration, which leads through the gate.
func (s *scene) open() (err error) {
	change := "{}"
	switch s.through {
	case apiServer:
		cluster, err := kube.ReadContext(s.Session.Plan.Cluster.Kubeconfig, s.Session.Plan.Cluster.Context)
		if err != nil {
			return err
		}
		transport, err := rest.TransportFor(cluster.Config)
		if err != nil {
			return err
		}
		s.gate = &gate{RoundTripper: transport}
		if s.gate.proxy, err = trial.NewProxy(cluster.Config.Host, s.gate, true); err != nil {
			return err
		}
		path := filepath.Join(s.dir, "kubeconfig")
		if err := s.gate.proxy.WriteKubeconfig(path, "gate", ""); err != nil {
			return err
		}
		change = fmt.Sprintf("{cluster: {kubeconfig: %q, context: gate}}", path)
	case prometheus:
		s.gate = &gate{RoundTripper: http.DefaultTransport}
		if s.gate.proxy, err = trial.NewProxy(s.Session.Plan.Prometheus.URL, s.gate, false); err != nil {
			return err
		}
		change = fmt.Sprintf("{prometheus: {url: %q}}", s.gate.proxy.URL)
	}
	return trial.Variant(s.File, s.file(), change)
}

func (s *scene) file() string { return filepath.Join(s.dir, "aftershock.yaml") }

func (s *scene) close() {
	if s.gate != nil && s.gate.proxy != nil {
		s.gate.proxy.Close()
	}
}

// play runs the experiment, and has the outage take place.
func (s *scene) play(ctx context.Context) (from, to time.Time, p *trial.Process, err error) {
	end := func() {
		if from.IsZero() {
			return
		}
		err = errors.Join(err, s.end(context.WithoutCancel(ctx), s))
		to = time.Now()
	}
	ctx, cancel := context.WithTimeoutCause(ctx, ends, fmt.Errorf("the run takes longer than %s", ends))
	defer cancel()
	if s.phase == "" {
		from = time.Now()
		if err = s.begin(ctx, s); err != nil {
			end()
			return from, to, nil, err
		}
	}
	if s.arm != nil {
		s.arm(s)
	}
	if p, err = s.start(ctx); err != nil {
		end()
		return from, to, p, err
	}
	reached := s.phase == ""
	if !reached {
		if reached, err = p.Await(ctx, `"phase":"`+s.phase+`"`); err == nil && !reached {
			err = fmt.Errorf("the run ended before the phase %q: %s", s.phase, p.Printed.String())
		}
	}
	if err == nil && s.phase != "" {
		sleep(ctx, p, s.late)
		from = time.Now()
		err = s.begin(ctx, s)
	}
	if err == nil && s.lasts > 0 {
		time.Sleep(s.lasts) // also if the run ends before
		end()
	}
	select {
	case <-p.Ended:
	case <-ctx.Done():
		p.Stop()
		err = errors.Join(err, context.Cause(ctx))
	}
	if to.IsZero() {
		end()
	}
	return from, to, p, err
}

// sleep waits while the run goes on.
func sleep(ctx context.Context, p *trial.Process, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-p.Ended:
	case <-time.After(d):
	}
}

// small is the size of a small disk.
const small = "4m"

// start starts the run.
func (s *scene) start(ctx context.Context) (*trial.Process, error) {
	id := "checkout/" + s.fault
	switch {
	case s.disk:
		// In a mount namespace of its own: the disk ends with it, whatever happens.
		const script = `mount -t tmpfs -o size=$0 tmpfs "$1" && records=$1 kept=$2 && shift 2 && "$@"
code=$?; rm -f "$records/filler"; cp -r "$records/." "$kept"; exit $code`
		disk := filepath.Join(s.dir, "disk")
		if err := os.Mkdir(disk, 0o755); err != nil {
			return nil, err
		}
		arguments := append([]string{"--mount", "--propagation", "private", "sh", "-c", script, small, disk, s.records, trial.Program}, trial.Arguments(s.file(), disk, id)...)
		command := exec.Command("unshare", arguments...)
		command.Env = os.Environ()
		p, err := trial.BeginIn(command, disk)
		if err == nil {
			s.records = p.Out
		}
		return p, err
	case s.outage.clock:
		program, err := trial.BuildWithClock(ctx, s.Out)
		if err != nil {
			return nil, err
		}
		s.clock = trial.Clock(filepath.Join(s.dir, "clock"))
		if err := s.clock.Set(0); err != nil {
			return nil, err
		}
		command := exec.Command(program, trial.Arguments(s.file(), s.records, id)...)
		command.Env = append(os.Environ(), s.clock.Variable())
		return trial.Begin(command, s.records)
	}
	return trial.Start(trial.Program, s.file(), s.records, id)
}

// read takes in the record.
func (got *result) read(s *scene, from, to time.Time) error {
	records := filepath.Join(s.dir, "records")
	path := trial.RecordIn(records)
	list, err := trial.Entries(path)
	if err != nil {
		return err
	}
	started := list[0].Header.Started
	got.From, got.To = within(list, from.Sub(started)), within(list, to.Sub(started))
	got.Began, _, _ = strings.Cut(got.From, " ")
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	report, err := runs.Judge(record.Read(file), nil, suites.Evaluators()...)
	if err != nil {
		return fmt.Errorf("the record cannot be judged: %w", err)
	}
	got.Verdict, got.Recorded, got.Proofs = report.Verdict.String(), reports.ExitCode(report), len(report.Proofs)
	for _, proof := range report.Proofs {
		if proof.Verdict == steadystate.Held {
			got.Held++
		}
	}
	got.Proven = report.Proven()
	var text strings.Builder
	if err := reports.Texts(&text, report); err != nil {
		return err
	}
	got.text = text.String()
	return os.WriteFile(filepath.Join(s.dir, "judged.txt"), []byte(got.text), 0o600)
}

// within is a time of a run by its phases: "hold +1.2s".
func within(list []record.Entry, at time.Duration) string {
	phase, begun := "before", time.Duration(0)
	for _, e := range list {
		if e.Phase != "" && e.At <= at {
			phase, begun = e.Phase, e.At
		}
	}
	return fmt.Sprintf("%s %+.1fs", phase, (at - begun).Seconds())
}

// sentence is the first line of the texts that matches.
func sentence(says string, texts ...string) string {
	matches := regexp.MustCompile(says)
	for _, text := range texts {
		for line := range strings.Lines(text) {
			if says != "" && matches.MatchString(line) {
				return strings.TrimSpace(line)
			}
		}
	}
	return ""
}
