// Command rights proves on the lab that the rights which "aftershock rbac" prints
// are enough, and that no other are printed: preflight, an experiment of every suite
// and of every kind of fault, its dead-man switch, a sweep, a stop and a resume run
// as accounts with exactly these, through a proxy that notes each request. Then each
// rule is taken away in turn, and preflight must name it.
//
//	go run ./internal/rights                                    all, a part after the other
//	go run ./internal/rights -out rights -for 9m                as many as fit, and go on later
//	go run ./internal/rights -out rights checkout/rollout       the parts that begin so
//
// What is done is kept in -out, and is not done again. At the end are printed how
// many rules there are, which requests were refused, which rules no request has
// used, and which preflight did not name. It ends with 1 if one of these is not
// empty, or if a part is left. The lab must be up, and bin/aftershock built, which
// rights brings there.
//
// Where the lab's service has an autoscaler, only an experiment on that is run, under
// the rights of that one.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/config"
	"github.com/aftershockhq/aftershock/experiments/chaosmesh"
	"github.com/aftershockhq/aftershock/internal/residue"
	"github.com/aftershockhq/aftershock/internal/trial"
	"github.com/aftershockhq/aftershock/steadystate/kube"
	"github.com/aftershockhq/aftershock/suites"
	"github.com/aftershockhq/aftershock/suites/rights"
)

func main() { trial.Main(run) }

// runner is the account of the runs and of their dead-man switches.
const runner = "runner"

// A proof is under way.
type proof struct {
	w       io.Writer
	program string
	dir     string // of configurations and records
	lab     string // the lab's own configuration
	file    string // the runner's
	names   []string
	rules   []rights.Rule
	stops   []rights.Rule // of who stops runs
	admin   client.Client
	cluster *rest.Config
	account *account // the runner
	lanes   []lane
	rest    residue.Cluster
	kept    string // the directory of what is proven
	state   state
}

// state is what is proven so far.
type state struct {
	Rules, Used, Refused []rights.Rule
	Done                 map[string]bool // parts
}

func run(ctx context.Context, w io.Writer) (err error) {
	file := flag.String("f", "lab/aftershock.yaml", "the configuration")
	program := flag.String("program", "bin/aftershock", "the program")
	out := flag.String("out", "", "where records and what is done are kept (default: a new directory)")
	within := flag.Duration("for", time.Hour, "begin no part that may take longer than until then")
	flag.Parse()
	begun := time.Now()
	if *out, err = trial.Directory(*out, "rights"); err != nil {
		return err
	}
	p := &proof{w: w, program: *program, dir: *out, lab: *file}
	if p.file, err = configure(*file, *out, filepath.Join(*out, "kubeconfig-"+runner)); err != nil {
		return err
	}
	plan, err := config.Read(p.file)
	if err != nil {
		return err
	}
	chosen := choose(plan)
	for _, e := range chosen {
		p.names = append(p.names, e.ID())
	}
	if p.rules, err = suites.Rights(ctx, plan, chosen); err != nil {
		return err
	}
	if p.stops, err = suites.OperatorRights(ctx, plan); err != nil {
		return err
	}
	kept := "proven"
	if scales(plan) {
		kept = "proven-autoscaled"
	}
	if p.kept, err = trial.Directory(filepath.Join(*out, kept), ""); err != nil {
		return err
	}
	if err := p.read(); err != nil {
		return err
	}
	fmt.Fprintf(w, "%d rules for %s\nrecords are in %s\n", len(p.rules), strings.Join(p.names, ", "), *out)

	lab, err := config.Read(*file)
	if err != nil {
		return err
	}
	cluster, err := kube.ReadContext(lab.Cluster.Kubeconfig, lab.Cluster.Context)
	if err != nil {
		return err
	}
	scheme, err := chaosmesh.Scheme()
	if err != nil {
		return err
	}
	admin, err := kube.NewClient(cluster.Config, scheme)
	if err != nil {
		return err
	}
	if err := trial.Bring(ctx, lab.Cluster.Image, *program); err != nil {
		return err
	}
	after := context.WithoutCancel(ctx)
	if err := trial.Vacate(ctx, admin, namespace); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, trial.Vacate(after, admin, namespace)) }()
	p.admin, p.cluster = admin, cluster.Config
	p.rest = residue.Cluster{Client: admin, Namespaces: append(slices.Clone(plan.Allow.Namespaces), namespace), Programs: []string{"checkout", "ledger"}}
	defer func() {
		for _, lane := range p.lanes {
			err = errors.Join(err, lane.account.remove(after))
		}
	}()
	p.account, err = newAccount(ctx, cluster.Config, admin, *out, runner)
	defer func() { err = errors.Join(err, p.account.remove(after)) }()
	if err == nil {
		err = p.account.grant(ctx, p.rules)
	}
	if err != nil {
		return err
	}
	remove, err := p.scaler(ctx)
	defer func() { err = errors.Join(err, remove()) }()
	if err != nil {
		return err
	}
	var errs []error
	var left []string
	for _, part := range p.parts(chosen) {
		switch {
		case p.state.Done[part.name]:
			continue
		case !trial.Chosen(part.name, flag.Args()...), time.Since(begun)+part.most > *within, ctx.Err() != nil:
			left = append(left, part.name)
			continue
		}
		begin := time.Now()
		fmt.Fprintf(w, "\n=== %s\n", part.name)
		err := part.do(ctx)
		used, refused := p.account.proxy.seen()
		for _, r := range refused {
			err = errors.Join(err, fmt.Errorf("refused under the rights that were printed: %s", r))
		}
		p.state.Used, p.state.Refused = distinct(append(p.state.Used, used...)), distinct(append(p.state.Refused, refused...))
		if p.state.Done[part.name] = err == nil; err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", part.name, err))
		}
		fmt.Fprintf(w, "=== %s in %s: %v\n", part.name, time.Since(begin).Round(time.Second), err)
		if err := trial.Keep(p.kept, p.program, p.state); err != nil {
			return err
		}
	}
	return errors.Join(append(errs, p.tell(left))...)
}

// tell prints what is proven.
func (p *proof) tell(left []string) error {
	unused := unusedOf(p.rules, p.state.Used)
	var unnamed []string
	for _, r := range p.rules {
		if !p.state.Done[takenAway(r)] {
			unnamed = append(unnamed, r.String())
		}
	}
	fmt.Fprintf(p.w, "\nrules: %d, and %d of who stops runs; not needed: %d; refused: %d; named by preflight when taken away: %d of %d\n",
		len(p.rules), len(p.stops), len(unused), len(p.state.Refused), len(p.rules)-len(unnamed), len(p.rules))
	var errs []error
	for _, r := range unused {
		if len(left) == 0 {
			fmt.Fprintf(p.w, "  not needed: %s\n", r)
		}
		errs = append(errs, fmt.Errorf("not needed: %s", r))
	}
	for _, name := range left {
		fmt.Fprintf(p.w, "  left: %s\n", name)
	}
	if len(left) > 0 {
		return fmt.Errorf("%d parts are left: go on with -out %s", len(left), p.dir)
	}
	return errors.Join(errs...)
}

// read reads what was proven before.
func (p *proof) read() error {
	states, err := trial.ReadResults[state](p.kept, p.program)
	if err != nil {
		return err
	}
	p.state = state{Rules: p.rules, Done: map[string]bool{}}
	if n := len(states); n > 0 {
		p.state = states[n-1]
	}
	if !slices.Equal(p.state.Rules, p.rules) {
		return fmt.Errorf("what is in %s is of other rules: begin anew, with another -out", p.kept)
	}
	return nil
}

// unusedOf are the rules that no request has used.
func unusedOf(list, used []rights.Rule) []rights.Rule {
	return slices.DeleteFunc(slices.Clone(list), func(r rights.Rule) bool {
		return slices.ContainsFunc(used, func(u rights.Rule) bool {
			same := u.Namespace == r.Namespace && u.Group == r.Group && u.Resource == r.Resource && u.Verb == r.Verb
			return same && (r.Name == "" || r.Name == u.Name)
		})
	})
}

// distinct are rules, each once and sorted. Unlike [rights.Merge] it keeps names.
func distinct(list []rights.Rule) []rights.Rule {
	slices.SortFunc(list, func(a, b rights.Rule) int { return strings.Compare(a.String(), b.String()) })
	return slices.Compact(list)
}
