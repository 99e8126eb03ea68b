// Command progressive shows "aftershock gate serve" to the real controllers of
// progressive delivery on the lab: Flagger and Argo Rollouts release builds of a copy
// of checkout, in a namespace of their own, and ask the gate, which tests each build by
// real experiments. Rows are a good build, a bad one, a good one whose gate is killed
// in the middle of the fault, and a good one that the load no longer reaches once its
// test has begun.
//
// And it shows a Rollout to the harness, as the workload of a file: each trial runs an
// experiment on one, and looks what is left of it.
//
//	go run ./internal/progressive                             all rows
//	go run ./internal/progressive -only flagger/good,flagger/bad
//	go run ./internal/progressive -only rollout/              a Rollout under test
//
// It prints what the gate said, how the rollout ended, the controller's events as they
// are in the cluster, and what was left. It ends with 1 if a row is not as wanted. The
// lab must be up, with the healthy service, and the controllers must run ("lab with").
// The objects are those of docs/gates.md, with the lab's names.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/aftershockhq/aftershock/internal/trial"
)

func main() { trial.Main(run) }

func run(ctx context.Context, w io.Writer) (err error) {
	out := flag.String("out", "", "directory for the gates' records (default: a new one)")
	only := flag.String("only", "", "only the rows that begin so, with commas")
	flag.Parse()
	if *out, err = trial.Directory(*out, "progressive"); err != nil {
		return err
	}
	fmt.Fprintf(w, "records are in %s\n", *out)
	if err := trial.First(); err != nil {
		fmt.Fprintln(w, err)
	}
	var errs []error
	tried := 0
	show := func(id string, do func() error) {
		if ctx.Err() == nil && trial.Chosen(id, strings.Split(*only, ",")...) {
			tried++
			errs = append(errs, do())
		}
	}
	for _, r := range rows() {
		show(r.id(), func() error { return release(ctx, w, *out, r) })
	}
	for _, r := range trials() {
		show(r.id(), func() error { return try(ctx, w, *out, r) })
	}
	if tried == 0 {
		return fmt.Errorf("no row begins with %q", *only)
	}
	return errors.Join(append(errs, context.Cause(ctx))...)
}

// release carries a row out, in a namespace that is new: an event is dropped where
// there were many about the same object.
func release(ctx context.Context, w io.Writer, out string, r row) (err error) {
	env, err := newEnvironment(ctx, r.controller, filepath.Join(out, r.id()))
	if env != nil {
		defer func() {
			err = errors.Join(err, env.clear(context.WithoutCancel(ctx)))
		}()
	}
	if err != nil {
		return fmt.Errorf("%s: %w", r.id(), err)
	}
	got := env.carryOut(ctx, r)
	got.write(w, r)
	var errs []error
	for _, wrong := range got.wrong(r) {
		errs = append(errs, fmt.Errorf("%s: %s", r.id(), wrong))
	}
	return errors.Join(errs...)
}
