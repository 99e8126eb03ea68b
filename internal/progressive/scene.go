package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/gate"
	"github.com/aftershockhq/aftershock/internal/trial"
	"github.com/aftershockhq/aftershock/record"
)

const (
	// longest is how long a row may take.
	longest = 6 * time.Minute
	// patience is how long a rollout must wait to be one that waits: longer than its
	// controller asks again.
	patience = 40 * time.Second
	// told is how long an event may take to be in the cluster.
	told = 3 * time.Second
)

// A controller releases builds.
type controller interface {
	name() string
	// kind is that of the object that its events are about.
	kind() string
	// begin makes its objects, and waits until the first build is released.
	begin(context.Context, *environment) error
	// experiment names the experiment by which the next build is tested.
	experiment(context.Context, *environment, string) error
	// look is how the rollout of a build stands, its status in the controller's words,
	// and the build that customers meet.
	look(ctx context.Context, env *environment, build string) (is end, status, customer string, err error)
}

// carryOut releases a build, with a gate of its own, and looks what becomes of it.
func (env *environment) carryOut(ctx context.Context, r row) (got result) {
	ctx, cancel := context.WithTimeoutCause(ctx, longest, fmt.Errorf("the row takes longer than %s", longest))
	defer cancel()
	begun := time.Now()
	dir := filepath.Join(env.out, "gate")
	got.problem = env.play(ctx, r, dir, &got)
	got.took = time.Since(begun)
	// What was begun is looked at to its end.
	ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	_ = experiments.Wait(ctx, told)
	var errs [3]error
	got.ended, got.status, got.customer, errs[0] = env.look(ctx, env, r.name)
	got.events, errs[1] = env.events(ctx, begun)
	got.runs, errs[2] = faults(dir)
	got.left = env.cluster.Left(ctx, trial.SweepPatience, true)
	got.problem = errors.Join(append(errs[:], got.problem)...)
	return got
}

// play releases the build, and waits until the rollout has ended or waits.
func (env *environment) play(ctx context.Context, r row, dir string, got *result) (err error) {
	g, err := env.serve(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, g.end()) }()
	if err := errors.Join(env.experiment(ctx, env, r.experiment), env.apply(ctx, r)); err != nil {
		return err
	}
	if r.experiment == starved {
		began, err := g.Await(ctx, `"phase":"settle"`)
		if err != nil || !began {
			return errors.Join(err, errors.New("no test began"))
		}
		if err := env.client.Delete(ctx, &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: withdrawn}}); err != nil {
			return err
		}
	}
	if r.kill {
		held, err := g.Await(ctx, `"phase":"hold"`)
		if err != nil || !held {
			return errors.Join(err, errors.New("no fault was held"))
		}
		if err := syscall.Kill(-g.Process.Process.Pid, syscall.SIGKILL); err != nil {
			return err
		}
		<-g.Ended // so that the next has the journal and the address
		again, err := env.serve(dir)
		if err != nil {
			return err
		}
		err, g = g.end(), again
		if err != nil {
			return err
		}
	}
	var since time.Time // it has been decided
	for {
		is, status, _, err := env.look(ctx, env, r.name)
		if err == nil {
			got.answer, err = env.answer(ctx)
		}
		switch {
		case ctx.Err() != nil:
			return fmt.Errorf("%w: the rollout %s (%s), the gate says %s: %s", context.Cause(ctx), is, status, got.answer.State, got.answer.Why)
		case err != nil:
			return err
		case is == promoted || is == rolledBack:
			return nil
		case !got.answer.State.Ended():
			since = time.Time{}
		case since.IsZero():
			since = time.Now()
		case is == waits && time.Since(since) > patience:
			return nil
		}
		_ = experiments.Wait(ctx, time.Second)
	}
}

// A process is a gate.
type process struct {
	*trial.Process
	log string
}

// serve starts a gate, whose journal and records are in the directory, and its log
// beside that.
func (env *environment) serve(dir string) (process, error) {
	p, err := trial.Begin(exec.Command(trial.Program, "gate", "serve", "-f", env.file, "--out", dir,
		"--listen", address, "--plain-http", "--token-file", filepath.Join(env.out, tokenFile)), dir)
	return process{p, dir + ".log"}, err
}

// end ends it, if it has not ended, and keeps what it has printed.
func (p process) end() error {
	p.Stop()
	file, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = file.Write(p.Printed.Bytes())
	return errors.Join(err, file.Close())
}

// answer is what the gate says of the newest build.
func (env *environment) answer(ctx context.Context) (newest gate.Answer, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/gates", nil)
	if err != nil {
		return newest, err
	}
	request.Header.Set("Authorization", "Bearer "+env.token)
	response, err := http.DefaultClient.Do(request)
	if errors.Is(err, syscall.ECONNREFUSED) { // it starts
		return newest, nil
	}
	if err != nil {
		return newest, err
	}
	defer func() { _ = response.Body.Close() }()
	var list []gate.Answer
	if err := json.NewDecoder(response.Body).Decode(&list); err != nil {
		return newest, fmt.Errorf("GET /gates: %s: %w", response.Status, err)
	}
	for _, a := range list {
		if newest.Asked == nil || a.Asked.After(*newest.Asked) {
			newest = a
		}
	}
	return newest, nil
}

// events are those of the controller since a time, as they are in the cluster.
func (env *environment) events(ctx context.Context, since time.Time) (texts []string, err error) {
	var list corev1.EventList
	if err := env.client.List(ctx, &list, client.InNamespace(namespace)); err != nil {
		return nil, err
	}
	last := func(e corev1.Event) time.Time {
		if e.Series != nil {
			return e.Series.LastObservedTime.Time
		}
		if e.LastTimestamp.IsZero() {
			return e.EventTime.Time
		}
		return e.LastTimestamp.Time
	}
	slices.SortStableFunc(list.Items, func(a, b corev1.Event) int { return last(a).Compare(last(b)) })
	for _, e := range list.Items {
		if e.InvolvedObject.Kind == env.kind() && !last(e).Before(since.Truncate(time.Second)) {
			text := fmt.Sprintf("%s %s %s: %s", last(e).UTC().Format("15:04:05"), e.Type, e.Reason, strings.TrimSpace(e.Message))
			if e.Count > 1 {
				text += fmt.Sprintf(" (%d times)", e.Count)
			}
			texts = append(texts, text)
		}
	}
	return texts, nil
}

// faults are how long faults were in place, by the records and, where the gate was
// killed, by its journal.
func faults(dir string) (list []span, err error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*", "*.jsonl"))
	for _, path := range paths {
		entries, err := trial.Entries(path)
		if err != nil {
			return list, fmt.Errorf("%s: %w", path, err)
		}
		var s span
		started := entries[0].Header.Started
		for _, e := range entries {
			switch e.Phase {
			case record.PhaseInject:
				s.from = started.Add(e.At)
			case record.PhaseWatch:
				s.to = started.Add(e.At)
			}
		}
		if s.from.IsZero() {
			continue
		}
		if s.to.IsZero() {
			if s.to, err = interrupted(dir, filepath.Base(filepath.Dir(path))); err != nil {
				return list, err
			}
		}
		list = append(list, s)
	}
	slices.SortFunc(list, func(a, b span) int { return a.from.Compare(b.from) })
	return list, err
}

// interrupted is when a gate that was started again had nothing in place any more of
// the run whose records are in the directory.
func interrupted(dir, records string) (time.Time, error) {
	file, err := os.Open(filepath.Join(dir, gate.File))
	if err != nil {
		return time.Time{}, err
	}
	defer func() { _ = file.Close() }()
	begun := ""
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var e gate.Event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return time.Time{}, err
		}
		switch {
		case e.Event == gate.Begun:
			begun = e.Directory
		case e.Event == gate.Interrupted && begun == records:
			return e.Time, nil
		}
	}
	return time.Time{}, fmt.Errorf("the journal does not say that the run in %s was interrupted", records)
}
