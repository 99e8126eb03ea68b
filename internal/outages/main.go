// Command outages takes the harness's own tools away while it runs experiments on the
// lab: the API server, Chaos Mesh, Prometheus, the namespace, a node, the disk, the
// clock. A row is one outage in one run, and states beforehand which ends are right.
// It prints when the outage took place by the phases of the record, how the run
// ended, which proofs were held, what the report says of the outage, and what was
// left.
//
//	go run ./internal/outages                            all rows
//	go run ./internal/outages -out DIR -for 7m           as many as fit, and go on later
//	go run ./internal/outages -out DIR -only 'disk full' the rows that begin so, anew
//
// It ends with 1 if a row is wrong or not tried: held without every proof, something
// left, another end, no readable record, or a report that does not name the outage.
// The lab must be up, with the healthy service, and bin/aftershock built, which outages
// brings to the lab's nodes as the image of dead-man switches.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/aftershockhq/aftershock/internal/trial"
)

func main() { trial.Main(run) }

func run(ctx context.Context, w io.Writer) (err error) {
	out := flag.String("out", "", "directory for records and results; one of an interrupted trial goes on (default: a new one)")
	only := flag.String("only", "", "only the rows that begin so, with commas, also if they have been tried")
	within := flag.Duration("for", 3*time.Hour, "begin no row after that")
	flag.Parse()
	begun := time.Now()
	if *out, err = trial.Directory(*out, "outages"); err != nil {
		return err
	}
	fmt.Fprintf(w, "records and results are in %s\n", *out)
	done, err := trial.ReadResults[result](*out, trial.Program)
	if err != nil {
		return err
	}
	lab, err := trial.Connect(ctx, *out, experimentTexts(), checkTexts)
	if err != nil {
		return err
	}
	for _, r := range rows() {
		chosen := trial.Chosen(r.id(), strings.Split(*only, ",")...)
		tried := slices.ContainsFunc(done, func(d result) bool { return d.Row == r.id() })
		if ctx.Err() != nil || time.Since(begun) > *within || !chosen || (*only == "" && tried) {
			continue
		}
		got, err := carryOut(ctx, w, lab, r)
		if ctx.Err() != nil {
			break // it was not tried
		}
		if err != nil {
			got.Problem = err.Error()
		}
		fmt.Fprintln(w, got.lines(r))
		done = append(done, got)
		if err := trial.Keep(*out, trial.Program, got); err != nil {
			return err
		}
	}
	return errors.Join(context.Cause(ctx), table(w, rows(), done))
}
