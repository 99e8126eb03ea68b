package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/aftershockhq/aftershock/config"
	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/internal/trial"
	"github.com/aftershockhq/aftershock/suites/rights"
)

// A part of the proof takes a few minutes at most.
type part struct {
	name string
	most time.Duration
	do   func(context.Context) error
}

const (
	delayed  = "checkout/network/delay"
	badImage = "checkout/rollout/bad-image"
)

// ends are how those end that must not hold: with a limit that nothing keeps, with
// nothing injected, and with a load that does not start.
var ends = map[string]int{"checkout/lossless-kill": 1, "checkout/failing": 3, "checkout/by-nobody": 4}

// holding are kinds of faults. The objects of the first experiment of each stay after
// their deletion, so that everything that removes them is tried.
var holding = []string{"podFailure", "networkDelay", "stressCPU"}

func (p *proof) parts(chosen []config.Planned) []part {
	list := []part{{"preflight", time.Minute, p.preflight}}
	held := map[string]bool{}
	for _, e := range chosen {
		kind := ""
		if len(e.Faults) > 0 {
			kind = e.Faults[0].Kind
		}
		stuck := slices.Contains(holding, kind) && !held[kind]
		held[kind] = true
		list = append(list, part{e.ID(), e.Times.Settle + e.Times.Hold + e.Times.Watch + time.Minute, func(ctx context.Context) error { return p.run(ctx, e.ID(), stuck) }})
	}
	if slices.Contains(p.names, delayed) {
		list = append(
			list,
			part{"killed and swept", time.Minute, p.sweep},
			part{"killed and swept by its dead-man switch", 4 * time.Minute, p.outlived},
			part{"stopped and resumed", time.Minute, p.stop},
		)
	}
	still := slices.DeleteFunc(slices.Clone(p.rules), func(r rights.Rule) bool { return p.state.Done[takenAway(r)] })
	for some := range slices.Chunk(still, 2*lanes) {
		list = append(list, part{takenAway(some[0]), 2 * time.Minute, func(ctx context.Context) error { return p.without(ctx, some) }})
	}
	return list
}

func takenAway(r rights.Rule) string { return "without " + r.String() }

// aftershock runs the program.
func (p *proof) aftershock(ctx context.Context, args ...string) (code int, text string, err error) {
	command := exec.CommandContext(ctx, p.program, args...)
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	command.WaitDelay = 5 * time.Minute
	out, err := command.CombinedOutput()
	if ended, ok := errors.AsType[*exec.ExitError](err); ok && ended.Exited() {
		err = nil
	}
	return command.ProcessState.ExitCode(), string(out), err
}

// must runs the program, which must end with 0.
func (p *proof) must(ctx context.Context, args ...string) error {
	code, text, err := p.aftershock(ctx, args...)
	fmt.Fprint(p.w, text)
	if err == nil && code != 0 {
		err = fmt.Errorf("%s ends with %d", args[0], code)
	}
	return err
}

func (p *proof) preflight(ctx context.Context) error {
	return p.must(ctx, append([]string{"preflight", "-f", p.file}, p.names...)...)
}

// run runs an experiment, which must hold, but for those that must fail. What a
// busy machine leaves unknown is run again.
func (p *proof) run(ctx context.Context, id string, stuck bool) (err error) {
	for range 3 {
		end := func() error { return nil }
		if stuck {
			if end, err = p.hold(ctx); err != nil {
				return err
			}
		}
		code, text, err := p.aftershock(ctx, "run", "-f", p.file, "--out", filepath.Join(p.dir, "runs"), id)
		fmt.Fprint(p.w, text)
		err = errors.Join(err, end())
		switch {
		case err != nil:
			return err
		case code == ends[id]:
			return nil
		case code != 3:
			return fmt.Errorf("ends with %d", code)
		}
	}
	return errors.New("it stays unknown")
}

// kinds are the resources of the faults that are held.
var kinds = []string{"podchaos", "networkchaos", "stresschaos"}

// unowned is a finalizer that no controller removes.
const unowned = "aftershock.dev/nobody"

// policy lets only the runner take the finalizer away. Chaos Mesh takes all of
// an object, and then fails to, again and again.
func (p *proof) policy() []client.Object {
	name := metav1.ObjectMeta{Name: namespace + ".aftershock.dev"}
	return []client.Object{
		&admissionregistrationv1.ValidatingAdmissionPolicy{ObjectMeta: name, Spec: admissionregistrationv1.ValidatingAdmissionPolicySpec{
			MatchConstraints: &admissionregistrationv1.MatchResources{ResourceRules: []admissionregistrationv1.NamedRuleWithOperations{{RuleWithOperations: admissionregistrationv1.RuleWithOperations{
				Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.Update},
				Rule:       admissionregistrationv1.Rule{APIGroups: []string{v1alpha1.SchemeGroupVersion.Group}, APIVersions: []string{"*"}, Resources: kinds},
			}}}},
			Validations: []admissionregistrationv1.Validation{{Expression: fmt.Sprintf(
				"request.userInfo.username == %q || !(%q in oldObject.metadata.?finalizers.orValue([])) || %[2]q in object.metadata.?finalizers.orValue([])", p.account.user(), unowned,
			)}},
		}},
		&admissionregistrationv1.ValidatingAdmissionPolicyBinding{ObjectMeta: name, Spec: admissionregistrationv1.ValidatingAdmissionPolicyBindingSpec{
			PolicyName: name.Name, ValidationActions: []admissionregistrationv1.ValidationAction{admissionregistrationv1.Deny},
		}},
	}
}

// hold keeps the objects of faults from going after their deletion. The error of its
// end is that there was none, or that one is left.
func (p *proof) hold(ctx context.Context) (end func() error, err error) {
	for _, object := range p.policy() {
		if err := p.admin.Create(ctx, object); err != nil && !apierrors.IsAlreadyExists(err) {
			return nil, err
		}
	}
	each := func(ctx context.Context, do func(client.Object)) {
		for kind, of := range v1alpha1.AllKindsIncludeScheduleAndWorkflow() {
			list := of.SpawnList()
			if !slices.Contains(kinds, strings.ToLower(kind)) || p.admin.List(ctx, list, faults.Scope{}.Labels()) != nil {
				continue
			}
			_ = meta.EachListItem(list, func(item runtime.Object) error {
				if object, ok := item.(client.Object); ok {
					do(object)
				}
				return nil
			})
		}
	}
	watching, cancel := context.WithCancel(ctx)
	held := map[string]bool{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for experiments.Wait(watching, 200*time.Millisecond) == nil {
			each(watching, func(object client.Object) {
				before, _ := object.DeepCopyObject().(client.Object)
				// Once Chaos Mesh has taken it up.
				if len(object.GetFinalizers()) == 1 && object.GetDeletionTimestamp() == nil && controllerutil.AddFinalizer(object, unowned) {
					if p.admin.Patch(watching, object, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})) == nil {
						held[object.GetName()] = true
					}
				}
			})
		}
	}()
	return func() (err error) {
		cancel()
		<-done
		if len(held) == 0 {
			err = errors.New("no object was held")
		}
		ctx := context.WithoutCancel(ctx)
		for _, object := range p.policy() {
			err = errors.Join(err, client.IgnoreNotFound(p.admin.Delete(ctx, object)))
		}
		each(ctx, func(object client.Object) {
			if held[object.GetName()] {
				err = errors.Join(err, fmt.Errorf("%s is left, and goes by itself now", object.GetName()))
			}
		})
		return err
	}, nil
}

// begin begins a run, and returns once its fault is held.
func (p *proof) begin(ctx context.Context, id string) (*trial.Process, error) {
	out, err := os.MkdirTemp(p.dir, "begun-")
	if err != nil {
		return nil, err
	}
	r, err := trial.Start(p.program, p.file, out, id)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 90*time.Second)
	defer cancel()
	held, err := r.Await(ctx, `"phase":"hold"`)
	if err == nil && !held {
		err = errors.New("it has ended")
	}
	if err != nil {
		return nil, fmt.Errorf("%s is not held: %w: %s", id, err, r.Printed.String())
	}
	return r, nil
}

// kill kills a run while its fault is in place.
func (p *proof) kill(ctx context.Context, id string) error {
	if err := p.rest.Snapshot(ctx); err != nil {
		return err
	}
	r, err := p.begin(ctx, id)
	if err != nil {
		return err
	}
	err = r.Process.Kill()
	<-r.Ended
	return err
}

// sweep kills a run, and sweeps it, and the rules of one whose object is gone.
func (p *proof) sweep(ctx context.Context) error {
	if err := p.kill(ctx, delayed); err != nil {
		return err
	}
	if err := p.orphan(ctx); err != nil {
		return err
	}
	return errors.Join(p.must(ctx, "sweep", "-f", p.file), p.swept(ctx, 10*time.Second))
}

// orphan leaves rules in the network of a pod, as a person does who removes the
// finalizers of a NetworkChaos.
func (p *proof) orphan(ctx context.Context) error {
	return retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		var plans v1alpha1.PodNetworkChaosList
		if err := p.admin.List(ctx, &plans, client.InNamespace("shop")); err != nil {
			return err
		}
		i := slices.IndexFunc(plans.Items, func(plan v1alpha1.PodNetworkChaos) bool { return len(plan.Spec.TrafficControls) > 0 })
		if i < 0 {
			return errors.New("no pod has rules of the run that was killed")
		}
		plan := &plans.Items[i]
		orphaned := plan.Spec.TrafficControls[0]
		orphaned.Source = "shop/network-delay-0000000000-gone1"
		plan.Spec.TrafficControls = append(plan.Spec.TrafficControls, orphaned)
		return p.admin.Update(ctx, plan)
	})
}

// outlived kills a run, and waits until its dead-man switch has swept it.
func (p *proof) outlived(ctx context.Context) error {
	if err := p.kill(ctx, badImage); err != nil {
		return err
	}
	err := p.swept(ctx, 3*time.Minute)
	if err != nil {
		err = errors.Join(err, p.must(context.WithoutCancel(ctx), "sweep", "-f", p.file))
	}
	return err
}

// swept looks that nothing of a run is left.
func (p *proof) swept(ctx context.Context, patience time.Duration) error {
	if left := p.rest.Left(ctx, patience, true); len(left) > 0 {
		return fmt.Errorf("left after %s: %s", patience, strings.Join(left, "; "))
	}
	return nil
}

// stop stops a run, and resumes, with an account that may do nothing else.
func (p *proof) stop(ctx context.Context) (err error) {
	operator, err := newAccount(ctx, p.cluster, p.admin, p.dir, "operator")
	defer func() { err = errors.Join(err, operator.remove(context.WithoutCancel(ctx))) }()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp(p.dir, "operator-")
	if err != nil {
		return err
	}
	file, err := configure(p.lab, dir, operator.kubeconfig)
	if err == nil {
		err = operator.apply(ctx, append(rights.Grant(nil, operator.Account), rights.GrantOperators(p.stops, operator.Namespace, []string{operator.user()})...))
	}
	if err != nil {
		return err
	}
	r, err := p.begin(ctx, delayed)
	if err != nil {
		return err
	}
	errs := []error{p.must(ctx, "stop", "-f", file, "--all", "--reason", "rights"), p.must(ctx, "stop", "-f", file, "--service", "ledger", "--reason", "rights")}
	<-r.Ended
	fmt.Fprint(p.w, r.Printed.String())
	if code := r.ProcessState.ExitCode(); code != 4 {
		errs = append(errs, fmt.Errorf("the run that was stopped ends with %d", code))
	}
	errs = append(
		errs, p.must(ctx, "stop", "-f", file, "--list"),
		p.must(ctx, "resume", "-f", file, "--service", "ledger"), p.must(ctx, "resume", "-f", file, "--all"),
	)
	used, refused := operator.proxy.seen()
	for _, r := range refused {
		errs = append(errs, fmt.Errorf("refused: %s", r))
	}
	for _, r := range unusedOf(p.stops, used) {
		errs = append(errs, fmt.Errorf("not needed to stop and to resume: %s", r))
	}
	return errors.Join(errs...)
}

// A lane is an account from which rules are taken away.
type lane struct {
	account *account
	file    string
}

// lanes is how many preflights there are at once. They wait more than they work.
const lanes = 8

// ready makes the lanes.
func (p *proof) ready(ctx context.Context) error {
	for i := len(p.lanes); i < lanes; i++ {
		name := fmt.Sprintf("lane-%d", i)
		dir := filepath.Join(p.dir, name)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
		a, err := newAccount(ctx, p.cluster, p.admin, dir, name)
		p.lanes = append(p.lanes, lane{account: a})
		if err != nil {
			return err
		}
		if p.lanes[i].file, err = configure(p.lab, dir, a.kubeconfig); err != nil {
			return err
		}
	}
	return nil
}

// without takes each of these rules away in turn. Preflight must name it.
func (p *proof) without(ctx context.Context, some []rights.Rule) error {
	if err := p.ready(ctx); err != nil {
		return err
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	var errs []error
	rules := make(chan rights.Rule, len(some))
	for _, r := range some {
		rules <- r
	}
	close(rules)
	for _, l := range p.lanes {
		wg.Go(func() {
			for r := range rules {
				err := p.named(ctx, l, r)
				mu.Lock()
				p.state.Done[takenAway(r)] = err == nil
				errs = append(errs, err)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// named takes a rule away, and looks whether preflight names it.
func (p *proof) named(ctx context.Context, l lane, r rights.Rule) error {
	// With it go the optional rights that it is part of: to any object of the namespace, and
	// to the whole cluster.
	rest := slices.DeleteFunc(slices.Clone(p.rules), func(other rights.Rule) bool {
		whole := rights.Rule{Group: r.Group, Resource: r.Resource, Verb: r.Verb, Optional: true}
		any := whole
		any.Namespace = r.Namespace
		return other == r || other == whole || other == any
	})
	if err := l.account.without(ctx, rest, r); err != nil {
		return err
	}
	code, text, err := p.aftershock(ctx, append([]string{"preflight", "-f", l.file}, p.names...)...)
	if err != nil {
		return err
	}
	if err = unnamed(r, code, text); err != nil {
		fmt.Fprintf(p.w, "not named: %s\n%s", r, text)
	}
	return err
}

// unnamed is what is wrong with a preflight without a rule: it must name the rule, and
// refuse, unless a run works without it.
func unnamed(r rights.Rule, code int, text string) error {
	want := "missing " + rights.Lines([]rights.Rule{r})[0]
	if r.Optional {
		want = "optional, and missing: " + rights.Lines([]rights.Rule{r})[0]
	}
	switch {
	case !strings.Contains(text, want):
		return fmt.Errorf("preflight does not name %s", r)
	case !r.Optional && code == 0:
		return fmt.Errorf("preflight names %s, and ends with 0", r)
	}
	return nil
}

// scaler makes the kind of what is read of a cluster that has it: the vertical
// autoscalers of pods. The lab has none.
func (p *proof) scaler(ctx context.Context) (remove func() error, err error) {
	const group, plural = "autoscaling.k8s.io", "verticalpodautoscalers"
	if !slices.ContainsFunc(p.rules, func(r rights.Rule) bool { return r.Group == group }) {
		return func() error { return nil }, nil
	}
	schema := map[string]any{"openAPIV3Schema": map[string]any{"type": "object", "x-kubernetes-preserve-unknown-fields": true}}
	kind := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
		"metadata": map[string]any{
			"name":        plural + "." + group,
			"annotations": map[string]any{"api-approved.kubernetes.io": "unapproved, for a test"},
		},
		"spec": map[string]any{
			"group": group, "scope": "Namespaced", "names": map[string]any{"plural": plural, "singular": "verticalpodautoscaler", "kind": "VerticalPodAutoscaler"},
			"versions": []any{map[string]any{"name": "v1", "served": true, "storage": true, "schema": schema}},
		},
	}}
	remove = func() error {
		return client.IgnoreNotFound(p.admin.Delete(context.WithoutCancel(ctx), kind))
	}
	made, _ := kind.DeepCopyObject().(client.Object)
	if err := p.admin.Create(ctx, made); err != nil {
		// One that goes, of a proof that has just ended, would go while it is needed.
		return func() error { return nil }, err
	}
	return remove, experiments.Wait(ctx, 3*time.Second) // until it is served
}
