package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/aftershockhq/aftershock/config"
	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/internal/residue"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate/kube"
	"github.com/aftershockhq/aftershock/suites"
)

const (
	program = "bin/aftershock"
	labFile = "lab/aftershock.yaml"

	// hold is how long faults are held.
	hold = 10 * time.Second
	// sweepPatience is how long what was swept may take to be seen gone.
	// clusterPatience is how long the run's dead-man switch may take to remove what
	// is not swept: until the run is dead, and what undoing takes. atRest is how long
	// pods may take to be ready again, with the kubelet's back-off.
	sweepPatience   = 10 * time.Second
	clusterPatience = 3 * time.Minute
	atRest          = 6 * time.Minute
	// reached is how long the service may not answer before the first trial.
	reached = time.Minute
	// mostLost is how much of a record the kill may cost, in seconds.
	mostLost = 0.5
)

// lab is the cluster and the configuration of the trials on it.
type lab struct {
	out, file string
	url       string
	session   *suites.Session
	workload  kube.Workload
	cluster   residue.Cluster
	usual     time.Duration // median time of an answer, before any fault
}

// connect writes the configuration of the trials, with these experiments in YAML,
// and looks how the service is without a fault.
func connect(ctx context.Context, out string, texts map[string]string) (*lab, error) {
	text, err := os.ReadFile(labFile)
	if err != nil {
		return nil, fmt.Errorf("%w: is the lab up? see lab/README.md", err)
	}
	var of struct {
		Cluster, Allow, Prometheus yaml.Node
		Services                   struct {
			Checkout struct {
				Namespace  string
				Load       struct{ URL string }
				PodSignals yaml.Node `yaml:"podSignals"`
			}
		}
	}
	if err := yaml.Unmarshal(text, &of); err != nil {
		return nil, fmt.Errorf("%s: %w", labFile, err)
	}
	nodes := map[string]any{}
	for name, text := range texts {
		var node yaml.Node
		if err := yaml.Unmarshal([]byte(text), &node); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		nodes[name] = node.Content[0]
	}
	checkout := of.Services.Checkout
	file, err := yaml.Marshal(map[string]any{
		"apiVersion": config.Version,
		"cluster":    &of.Cluster,
		"allow":      &of.Allow,
		"prometheus": &of.Prometheus,
		"times":      map[string]string{"settle": "2s", "hold": hold.String(), "watch": "2s", "undo": "30s"},
		"checks": map[string]any{"answers": map[string]any{
			"signal": "requests", "good": "value <= 5s", "limits": []string{"downtime <= 1m"},
		}},
		"services": map[string]any{
			"checkout": map[string]any{
				"namespace": checkout.Namespace, "workload": "deployment/checkout",
				"load":   map[string]any{"url": checkout.Load.URL, "rate": "50/s"},
				"checks": []string{"answers"}, "calls": []string{"payments"}, "podSignals": &checkout.PodSignals,
			},
			"payments": map[string]any{"namespace": checkout.Namespace, "workload": "deployment/payments"},
		},
		"experiments": nodes,
	})
	if err != nil {
		return nil, err
	}
	l := &lab{out: out, file: filepath.Join(out, "aftershock.yaml"), url: checkout.Load.URL}
	if err := os.WriteFile(l.file, file, 0o600); err != nil {
		return nil, err
	}
	plan, err := config.Read(l.file)
	if err != nil {
		return nil, err
	}
	if l.session, err = suites.Connect(plan); err != nil {
		return nil, err
	}
	l.workload = kube.Workload{Kind: kube.Deployment, Namespace: checkout.Namespace, Name: "checkout"}
	l.cluster = residue.Cluster{Client: l.session.Client, Namespaces: []string{checkout.Namespace, "aftershock"}, Programs: []string{"checkout", "ledger"}}
	if err := errors.Join(l.cluster.Snapshot(ctx), l.rest(ctx)); err != nil {
		return nil, err
	}
	if left := l.cluster.Left(ctx, sweepPatience, true); len(left) > 0 {
		return nil, fmt.Errorf("there is something already: %s", strings.Join(left, "; "))
	}
	// What was just deployed is at rest before the node's rules have it.
	for end := time.Now().Add(reached); ; {
		if l.usual, err = l.answers(ctx); err == nil || time.Now().After(end) || experiments.Wait(ctx, time.Second) != nil {
			return l, err
		}
	}
}

// try runs an experiment, kills it, and looks.
func (l *lab) try(ctx context.Context, t trial) (r result) {
	r.trial = t
	if err := l.carryOut(ctx, &r); err != nil {
		r.Problem = err.Error()
		// The next trial is to begin with nothing.
		_, _ = l.sweep(context.WithoutCancel(ctx))
	}
	if err := l.rest(ctx); err != nil && r.Problem == "" && ctx.Err() == nil {
		r.Problem = err.Error()
	}
	return r
}

func (l *lab) carryOut(ctx context.Context, r *result) error {
	out := filepath.Join(l.out, fmt.Sprintf("%03d-%s-%s", r.N, r.Kind, r.Moment))
	// An interrupted torture may have left one.
	if err := os.RemoveAll(out); err != nil {
		return err
	}
	killed, recorded, err := l.kill(ctx, r, out)
	if err != nil || !r.Killed {
		return err
	}
	// From here on the look is due, also when this program is stopped.
	ctx = context.WithoutCancel(ctx)
	patience := clusterPatience
	if r.Swept {
		patience = sweepPatience
		if printed, err := l.sweep(ctx); err != nil {
			return fmt.Errorf("sweep: %w: %s", err, printed)
		}
	}
	r.Left = l.cluster.Left(ctx, patience, true)
	r.Gone = time.Since(killed).Seconds()
	if len(r.Left) > 0 {
		if printed, err := l.sweep(ctx); err != nil {
			return fmt.Errorf("left %s; sweep: %w: %s", strings.Join(r.Left, "; "), err, printed)
		}
		if left := l.cluster.Left(ctx, sweepPatience, true); len(left) > 0 {
			return fmt.Errorf("left after a sweep: %s", strings.Join(left, "; "))
		}
	}
	if r.Lost, err = lost(recorded, killed); err != nil {
		return err
	}
	if r.Lost > mostLost {
		return fmt.Errorf("the record lacks the last %.2f s before the kill", r.Lost)
	}
	if err := l.rest(ctx); err != nil {
		return err
	}
	took, err := l.answers(ctx)
	if most := 3*l.usual + 20*time.Millisecond; err == nil && took > most {
		err = fmt.Errorf("the service answers in %s, and in %s before", took, l.usual)
	}
	return err
}

// kill starts the run and kills it at its moment. It returns when that was, and
// the path of the record.
func (l *lab) kill(ctx context.Context, r *result, out string) (killed time.Time, recorded string, err error) {
	p, err := start(program, l.file, out, r.Kind)
	if err != nil {
		return killed, "", err
	}
	mark := sign[r.Moment].mark
	if r.Moment == inCreate && !kinds[r.Kind].creates {
		mark = sign[inInject].mark
	}
	var recordedText []byte
	for {
		select {
		case <-ctx.Done():
			p.stop()
			return killed, "", context.Cause(ctx)
		case <-p.ended:
			if recorded == "" {
				return killed, "", fmt.Errorf("the run did not begin: %s", p.printed.String())
			}
			return killed, recorded, nil
		case <-time.After(2 * time.Millisecond):
		}
		if recorded == "" {
			recorded = recordIn(out)
			continue
		}
		if recordedText, err = os.ReadFile(recorded); err != nil {
			p.stop()
			return killed, recorded, err
		}
		if !bytes.Contains(recordedText, []byte(mark)) {
			continue
		}
		select {
		case <-time.After(time.Duration(r.Late * float64(sign[r.Moment].within))):
		case <-p.ended:
			return killed, recorded, nil
		}
		if r.Moment == inHold {
			r.InPlace = slices.DeleteFunc(l.cluster.Left(ctx, 0, false), kept)
		}
		killed = time.Now()
		if err := p.Process.Kill(); err != nil {
			return killed, recorded, nil // it has just ended
		}
		<-p.ended
		r.Killed = true
		return killed, recorded, nil
	}
}

// kept reports whether what is left is what every run keeps, also without a fault: it
// is no sight of one.
func kept(what string) bool {
	kind, _, _ := strings.Cut(what, " ")
	return slices.Contains([]string{"Lease", "ConfigMap", "Job"}, kind)
}

// A process is a run of the harness.
type process struct {
	*exec.Cmd
	printed bytes.Buffer  // to be read once it has ended
	ended   chan struct{} // closed then
}

// start starts a run of an experiment of checkout. ^C is for this program, which
// ends the run itself.
func start(program, file, out, experiment string, more ...string) (*process, error) {
	p := &process{Cmd: exec.Command(program, "run", "-f", file, "--out", out, "checkout/"+experiment), ended: make(chan struct{})}
	p.Args = append(p.Args, more...)
	p.Stdout, p.Stderr = &p.printed, &p.printed
	p.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(p.ended)
		_ = p.Wait() // its state says how it ended
	}()
	return p, nil
}

// stop ends the run, which undoes its fault.
func (p *process) stop() {
	_ = p.Process.Signal(syscall.SIGTERM)
	<-p.ended
}

// recordIn is the path of the record in the directory of a run; empty: there is none
// yet.
func recordIn(out string) string {
	if found, _ := filepath.Glob(filepath.Join(out, "*", "*.jsonl")); len(found) == 1 {
		return found[0]
	}
	return ""
}

// entries are those of a record, as far as it can be read.
func entries(path string) (list []record.Entry, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	for e, err := range record.Read(file) {
		if errors.Is(err, record.ErrCut) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("the record cannot be read: %w", err)
		}
		list = append(list, e)
	}
	if len(list) == 0 || list[0].Header == nil {
		return nil, errors.New("the record has no beginning")
	}
	return list, nil
}

// A sign of a moment is what the record says once it has begun, and how long after
// it the kill comes at most.
var sign = map[string]struct {
	mark   string
	within time.Duration
}{
	inSettle: {`"phase":"settle"`, 2 * time.Second},
	inCreate: {`"kind":"c`, 20 * time.Millisecond}, // creating, changing
	inInject: {`"phase":"inject"`, time.Second},
	inHold:   {`"phase":"hold"`, hold - 2*time.Second},
	inUndo:   {`"phase":"recover"`, 300 * time.Millisecond},
}

// lost is how many seconds before the kill the readable part of a record ends.
func lost(path string, killed time.Time) (seconds float64, err error) {
	list, err := entries(path)
	if err != nil {
		return 0, err
	}
	last := list[0].Header.Started.Add(list[len(list)-1].At)
	return max(0, killed.Sub(last).Seconds()), nil
}

func (l *lab) sweep(ctx context.Context) (printed string, err error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, program, "sweep", "-f", l.file).CombinedOutput()
	return string(out), err
}

// rest waits until the service is at rest.
func (l *lab) rest(ctx context.Context) error {
	for end := time.Now().Add(atRest); ; {
		state, err := l.workload.Read(ctx, l.session.Client)
		why := ""
		if err == nil {
			why = state.Unsettled()
		}
		switch {
		case err == nil && why == "":
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case time.Now().After(end):
			return fmt.Errorf("the service is not at rest after %s: %s", atRest, strings.TrimSpace(fmt.Sprintln(why, err)))
		}
		select {
		case <-ctx.Done():
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// answers asks the service some times, over a new connection each; it returns the
// median time.
func (l *lab) answers(ctx context.Context) (time.Duration, error) {
	const times = 21
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	var took []time.Duration
	for range times {
		begin := time.Now()
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, l.url, nil)
		if err != nil {
			return 0, err
		}
		response, err := client.Do(request)
		if err != nil {
			return 0, fmt.Errorf("the service does not answer: %w", err)
		}
		_, err = io.Copy(io.Discard, response.Body)
		if err = errors.Join(err, response.Body.Close()); err != nil {
			return 0, err
		}
		if response.StatusCode != http.StatusOK {
			return 0, fmt.Errorf("the service answers %s", response.Status)
		}
		took = append(took, time.Since(begin))
	}
	slices.Sort(took)
	return took[times/2], nil
}
