// Command e2e runs the experiments of lab/aftershock.yaml, the standard suites
// among them: on healthy services, where every experiment must hold, and on those
// with a defect that the experiment is there to find, where it must be broken; an
// instrument that cannot see a defect is none. It prints a table, and ends with 1
// if anything in it is not as wanted.
//
//	go run ./internal/e2e           all experiments, healthy and with their defects
//	go run ./internal/e2e -smoke    a few of them, and the Ginkgo specs too
//	go run ./internal/e2e -repeat 20 checkout/pods/kill-one
//	go run ./internal/e2e -service max-too-low checkout/autoscaling/surge
//	go run ./internal/e2e checkout/pods/kill-one@one-replica ledger/busy@healthy
//	go run ./internal/e2e -nodes 2 checkout/lost-node
//
// Each check that breaks must have a cause, those that a row names the one that is wanted,
// and the row the advice that its defect calls for and no other. What holds is judged again
// by limits that nothing keeps: what is recommended then of a sound service is wrong.
//
// Unknown is not a verdict: on a machine that was too busy to drive the load the
// experiment is run again, twice at most, and the table says how often; what
// stays unknown has failed, but with -smoke, which counts it as skipped. Then half of the
// rows, one of each verdict, and one that is compared with the service's own log must be as
// wanted.
// With -repeat it is not run again, and the unknown ones are counted. Broken is
// never tried again. The lab must be up; the service is healthy again in the end.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/aftershockhq/aftershock/internal/trial"
)

func main() { trial.Main(run) }

func run(ctx context.Context, w io.Writer) error {
	smoke := flag.Bool("smoke", false, "a few experiments only, and the Ginkgo specs")
	repeat := flag.Int("repeat", 1, "run each experiment so many times on the healthy service, and on no other")
	service := flag.String("service", "", "only on the service with that defect, or \"healthy\"")
	nodes := flag.Int("nodes", 1, "how many nodes the lab has: rows that need more are left out")
	flag.Parse()
	chosen, err := choose(plan(), flag.Args(), *service, *smoke, *repeat, *nodes)
	if err != nil {
		return err
	}
	out, err := os.MkdirTemp("", "aftershock-e2e-")
	if err != nil {
		return err
	}
	fmt.Fprintln(w, "records are in", out)
	if err := trial.First(); err != nil {
		fmt.Fprintln(w, err)
	}
	begun, lab := time.Now(), lab{out: out, w: w, deployed: "not known"}
	var rows []row
	var refused error
	for _, c := range chosen {
		begin := time.Now()
		deploy := lab.deploy
		if c.fresh {
			deploy = lab.anew
		}
		if refused = deploy(ctx, c.defect); refused != nil {
			break
		}
		tries := maxTries
		if *repeat > 1 {
			tries = 1
		}
		r := lab.try(ctx, c, tries)
		r.took = time.Since(begin)
		rows = append(rows, r)
		if ctx.Err() != nil {
			break
		}
	}
	errs := []error{context.Cause(ctx), refused}
	// Also when it was stopped: the next user of the lab expects it.
	errs = append(errs, lab.deploy(context.WithoutCancel(ctx), healthy))
	fmt.Fprintln(w)
	table(w, rows)
	passed, undecided, wrong := 0, 0, []row{}
	for _, r := range rows {
		switch {
		case r.asWanted():
			passed++
		// A pipeline's machine may be too busy for some of them, and says so.
		case r.undecided() && (*smoke || *repeat > 1):
			undecided++
		default:
			wrong = append(wrong, r)
		}
	}
	fmt.Fprintf(w, "%d passed, %d failed, %d skipped (unknown) in %s\n", passed, len(wrong), undecided, time.Since(begun).Round(time.Second))
	if passed == 0 {
		errs = append(errs, errors.New("no row was as wanted"))
	}
	if *smoke {
		errs = append(errs, enough(rows))
	}
	for _, r := range wrong {
		errs = append(errs, fmt.Errorf("%s on %s: %s, wanted %s, effect %s, left %s; %s: %s", r.what, r.service(), r.verdict, r.want, r.effect, r.left, cmp.Or(strings.Join(r.amiss(), "; "), "all else as wanted"), r.reason))
	}
	return errors.Join(errs...)
}

// enough is an error if rows that a busy machine left unknown leave too little that was
// seen: half of the rows, one of each verdict, and one that was compared with the service's
// own log must be as wanted. An instrument that is only ever seen to hold, or to break, is
// not seen to work.
func enough(rows []row) error {
	const compared = "compared with the service's log"
	passed, kinds := 0, map[string]int{}
	for _, r := range rows {
		mine := []string{r.want}
		if r.compare != nil {
			mine = append(mine, compared)
		}
		for _, kind := range mine {
			kinds[kind] += 0
			if r.asWanted() {
				kinds[kind]++
			}
		}
		if r.asWanted() {
			passed++
		}
	}
	var errs []error
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		if kinds[kind] == 0 {
			errs = append(errs, fmt.Errorf("no row that must be %s was as wanted", kind))
		}
	}
	if 2*passed < len(rows) {
		errs = append(errs, fmt.Errorf("%d of %d rows were as wanted, want at least half", passed, len(rows)))
	}
	return errors.Join(errs...)
}

// choose are the rows asked for: an id is of all rows of an experiment, or, with the
// service behind an @, of one.
func choose(all []experiment, ids []string, service string, smoke bool, repeat, nodes int) ([]experiment, error) {
	asked := func(c experiment) func(id string) bool {
		return func(id string) bool { return id == c.id || id == c.id+"@"+(row{experiment: c}).service() }
	}
	for _, id := range ids {
		if !slices.ContainsFunc(all, func(c experiment) bool { return asked(c)(id) }) {
			var known []string
			for _, c := range all {
				known = append(known, c.id+"@"+(row{experiment: c}).service())
			}
			return nil, fmt.Errorf("no row is of %q; rows: %s", id, strings.Join(slices.Compact(known), ", "))
		}
	}
	var chosen []experiment
	services := map[string]bool{}
	for _, c := range all {
		services[row{experiment: c}.service()] = true
		if service != "" && (row{experiment: c}).service() != service {
			continue
		}
		if c.nodes > nodes || (smoke && !c.smoke) || (c.specs && !smoke) || (len(ids) > 0 && !slices.ContainsFunc(ids, asked(c))) || (repeat > 1 && c.defect != healthy) {
			continue
		}
		chosen = append(chosen, slices.Repeat([]experiment{c}, repeat)...)
	}
	if service != "" && !services[service] {
		return nil, fmt.Errorf("no row is on the service %q; services: %s", service, strings.Join(slices.Sorted(maps.Keys(services)), ", "))
	}
	if len(chosen) == 0 {
		return nil, errors.New("no row is left: -smoke has a few only, -repeat none with a defect, and checkout/lost-node needs -nodes 2")
	}
	// The fewest deployments, the healthy one first.
	slices.SortStableFunc(chosen, func(a, b experiment) int { return strings.Compare(a.defect, b.defect) })
	return chosen, nil
}
