package trial

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aftershockhq/aftershock/config"
	"github.com/aftershockhq/aftershock/internal/residue"
	"github.com/aftershockhq/aftershock/steadystate/kube"
	"github.com/aftershockhq/aftershock/suites"
)

const (
	// Hold is how long faults are held, if the experiment does not say otherwise.
	Hold = 10 * time.Second
	// SweepPatience is how long what was swept may take to be seen gone.
	SweepPatience = 10 * time.Second
	// ClusterPatience is how long the run's dead-man switch may take to remove what is
	// not swept: until the run is dead, and what undoing takes.
	ClusterPatience = 3 * time.Minute
	// atRest is how long pods may take to be ready again, with the kubelet's back-off,
	// and reached how long the service may not answer before the first trial.
	atRest  = 6 * time.Minute
	reached = time.Minute
)

// A Lab is the cluster and the configuration of the trials on it.
type Lab struct {
	Out, File string // a directory, and the configuration in it
	URL       string // of checkout
	Session   *suites.Session
	Workload  kube.Workload // checkout
	Cluster   residue.Cluster
	Usual     time.Duration // median time of an answer, before any fault
}

// Connect brings the program to the lab, writes the configuration of the trials, with these
// experiments and more checks of checkout in YAML, and looks how the service is without a
// fault.
func Connect(ctx context.Context, out string, texts, checks map[string]string) (*Lab, error) {
	l := &Lab{Out: out, File: filepath.Join(out, "aftershock.yaml")}
	names := append(slices.Sorted(maps.Keys(checks)), "answers")
	err := Variant(LabFile, l.File, "{checks: null, experiments: null}", fmt.Sprintf(`
times: {settle: 2s, hold: %s, watch: 2s, undo: 30s}
services:
  checkout: {load: {rate: 50/s}, checks: [%s], websocket: null, autoscaler: null, metrics: null, suites: null, vary: null}
  ledger: null
experiments: {%s}
checks: {answers: {signal: requests, good: value <= 5s, limits: [downtime <= 1m]}, %s}
`, Hold, strings.Join(names, ", "), entries(texts), entries(checks)))
	if err != nil {
		return nil, err
	}
	plan, err := config.Read(l.File)
	if err != nil {
		return nil, err
	}
	if err := Bring(ctx, plan.Cluster.Image, Program); err != nil {
		return nil, err
	}
	checkout := plan.Find("checkout")
	l.URL, l.Workload = checkout.Load.URL, checkout.Workload
	if l.Session, err = suites.Connect(plan); err != nil {
		return nil, err
	}
	l.Cluster = residue.Cluster{Client: l.Session.Client, Namespaces: []string{checkout.Namespace, "aftershock"}, Programs: []string{"checkout", "ledger"}}
	if err := errors.Join(l.Cluster.Snapshot(ctx), l.Rest(ctx)); err != nil {
		return nil, err
	}
	if left := l.Cluster.Left(ctx, SweepPatience, true); len(left) > 0 {
		return nil, fmt.Errorf("there is something already: %s", strings.Join(left, "; "))
	}
	// What was just deployed is at rest before the node's rules have it.
	return l, Poll(ctx, time.Second, reached, func(ctx context.Context) (err error) {
		l.Usual, err = l.Answers(ctx)
		return err
	})
}

// entries are those of a mapping in YAML.
func entries(texts map[string]string) string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		list = append(list, name+": "+texts[name])
	}
	return strings.Join(list, ", ")
}

// Sweep sweeps what runs left.
func (l *Lab) Sweep(ctx context.Context) (printed string, err error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, Program, "sweep", "-f", l.File).CombinedOutput()
	return string(out), err
}

// Rest waits until the service is at rest.
func (l *Lab) Rest(ctx context.Context) error {
	err := Poll(ctx, 500*time.Millisecond, atRest, AtRest(l.Session.Client, l.Workload))
	if err != nil && ctx.Err() == nil {
		err = fmt.Errorf("the service is not at rest after %s: %w", atRest, err)
	}
	return err
}

// Answers asks the service some times, over a new connection each; it returns the
// median time.
func (l *Lab) Answers(ctx context.Context) (time.Duration, error) {
	const times = 21
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	var took []time.Duration
	for range times {
		begin := time.Now()
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, l.URL, nil)
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
