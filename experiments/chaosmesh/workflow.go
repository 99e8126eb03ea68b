package chaosmesh

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/experiments/faults"
)

// Objects made by a workflow carry its name in a label and none of our labels;
// the prefix of the name identifies them.
const workflowAction = "aftershock-workflow"

// planOfWorkflow is the plan of a Chaos Mesh Workflow, whose faults come one
// after the other, and of a Schedule, whose faults repeat; cron is that of the
// schedule.
func planOfWorkflow(source, cron string, w *v1alpha1.Workflow) (plan, error) {
	stages, err := stagesOf(w)
	if err != nil {
		return plan{}, err
	}
	if len(stages) == 0 {
		return plan{}, faults.Refuse("no template is a fault")
	}
	p := plan{
		action: workflowAction, verb: "put " + source + " on", kind: v1alpha1.KindWorkflow,
		pods: stages[0].Pods, count: stages[0].count, peers: stages[1:],
		object:  func(s placement) (client.Object, error) { return workflowAt(w, s) },
		effects: undeclared("a workflow"),
	}
	if cron != "" {
		schedule, err := v1alpha1.StandardCronParser.Parse(cron)
		if err != nil {
			return plan{}, faults.Refuse("schedule %q: %w", cron, err)
		}
		p.delay = func(now time.Time) time.Duration { return schedule.Next(now).Sub(now) }
	}
	return p, nil
}

// stagesOf lists the pods of each fault of a workflow, and their peers.
func stagesOf(w *v1alpha1.Workflow) (stages []peer, err error) {
	var errs []error
	for i := range w.Spec.Templates {
		t := &w.Spec.Templates[i]
		if t.Type == v1alpha1.TypeTask {
			errs = append(errs, fmt.Errorf("template %q: %w: a task runs any program; only faults are run", t.Name, faults.ErrRefused))
		}
		err := embedded(w.Namespace, t, func(inner v1alpha1.InnerObject) error {
			own, peers, err := selections(inner)
			if err == nil {
				own.hit = true
				stages = append(append(stages, own), peers...)
			}
			return err
		})
		if err != nil {
			errs = append(errs, fmt.Errorf("template %q: %w", t.Name, err))
		}
	}
	return stages, errors.Join(errs...)
}

// workflowAt is the workflow at a placement. It ends by itself by the deadline
// of its entry.
func workflowAt(spec *v1alpha1.Workflow, s placement) (client.Object, error) {
	w := spec.DeepCopy()
	w.TypeMeta = typeMeta(v1alpha1.KindWorkflow)
	w.ObjectMeta = with(s.meta, spec.ObjectMeta)
	at := slices.IndexFunc(w.Spec.Templates, func(t v1alpha1.Template) bool { return t.Name == w.Spec.Entry })
	if at < 0 {
		return nil, faults.Refuse("no template %q, which is the entry", w.Spec.Entry)
	}
	entry := &w.Spec.Templates[at]
	if entry.Deadline != nil {
		own, err := time.ParseDuration(*entry.Deadline)
		if err != nil {
			return nil, faults.Refuse("deadline of template %q: %w", entry.Name, err)
		}
		s.lifetime = min(s.lifetime, own)
	}
	entry.Deadline = s.duration()
	nameSchedules(w, s.meta.GenerateName)
	return w, nil
}

// nameSchedules prefixes the names of the schedules in a workflow with its own
// prefix and the run: Chaos Mesh names a schedule after its template, and
// objects made by the schedule carry no other name.
func nameSchedules(w *v1alpha1.Workflow, prefix string) {
	// Chaos Mesh appends to it twice, and it must fit into a label.
	const most = 63 - 2*len("-xxxxx")
	names := map[string]string{}
	for i := range w.Spec.Templates {
		t := &w.Spec.Templates[i]
		if t.Type != v1alpha1.TypeSchedule {
			continue
		}
		name := fmt.Sprintf("%s%d-%s", prefix, i, t.Name)
		names[t.Name] = strings.TrimRight(name[:min(len(name), most)], "-.")
	}
	rename := func(name *string) {
		if other, ok := names[*name]; ok {
			*name = other
		}
	}
	rename(&w.Spec.Entry)
	for i := range w.Spec.Templates {
		t := &w.Spec.Templates[i]
		rename(&t.Name)
		for j := range t.Children {
			rename(&t.Children[j])
		}
		for j := range t.ConditionalBranches {
			rename(&t.ConditionalBranches[j].Target)
		}
	}
}

// schedules reports whether the name of a schedule is one of this workflow; other workflows
// of a run may have it as well.
func schedules(w *v1alpha1.Workflow, name string) bool {
	return slices.ContainsFunc(w.Spec.Templates, func(t v1alpha1.Template) bool {
		return t.Type == v1alpha1.TypeSchedule && strings.HasPrefix(name, t.Name+"-")
	})
}

// scheduled makes a schedule the only template of a workflow: a schedule never
// ends, a template has a deadline.
func scheduled(s *v1alpha1.Schedule) (*v1alpha1.Workflow, error) {
	if s.Spec.Type == v1alpha1.ScheduleTypeWorkflow {
		return nil, faults.Refuse("a schedule of workflows runs until it is deleted: no template of a Workflow makes workflows; write one workflow with schedules in it")
	}
	const name = "schedule"
	return &v1alpha1.Workflow{
		ObjectMeta: s.ObjectMeta,
		Spec: v1alpha1.WorkflowSpec{Entry: name, Templates: []v1alpha1.Template{{
			Name: name,
			Type: v1alpha1.TypeSchedule,
			Schedule: &v1alpha1.ChaosOnlyScheduleSpec{
				Schedule:                s.Spec.Schedule,
				StartingDeadlineSeconds: s.Spec.StartingDeadlineSeconds,
				ConcurrencyPolicy:       cmp.Or(s.Spec.ConcurrencyPolicy, v1alpha1.ForbidConcurrent),
				HistoryLimit:            max(s.Spec.HistoryLimit, 1),
				Type:                    s.Spec.Type,
				EmbedChaos:              s.Spec.EmbedChaos,
			},
		}}},
	}, nil
}

// completeTemplates completes and validates the faults in a workflow. Chaos
// Mesh does not look into those of its schedules.
func completeTemplates(ctx context.Context, w *v1alpha1.Workflow) error {
	var errs []error
	for i := range w.Spec.Templates {
		t := &w.Spec.Templates[i]
		err := embedded(w.Namespace, t, func(inner v1alpha1.InnerObject) error { return complete(ctx, inner) })
		if err != nil {
			errs = append(errs, fmt.Errorf("template %q: %w", t.Name, err))
		}
	}
	return errors.Join(errs...)
}

// embedded calls f with the fault that a template embeds, if any, as a separate
// object, and applies the changes of f.
func embedded(namespace string, t *v1alpha1.Template, f func(v1alpha1.InnerObject) error) error {
	embed, kind := t.EmbedChaos, t.Type
	if t.Schedule != nil {
		embed, kind = &t.Schedule.EmbedChaos, v1alpha1.TemplateType(t.Schedule.Type)
	}
	if embed == nil {
		return nil
	}
	// Chaos Mesh's own methods do not tolerate a missing block.
	if block := reflect.ValueOf(embed).Elem().FieldByName(string(kind)); !block.IsValid() || block.IsNil() {
		return faults.Refuse("type %q without its block", kind)
	}
	object, err := embed.SpawnNewObject(kind)
	if err != nil {
		return faults.Refuse("%w", err)
	}
	inner, ok := object.(v1alpha1.InnerObject)
	if !ok {
		return faults.Refuse("%s is not a fault", kind)
	}
	inner.SetNamespace(namespace)
	if err := f(inner); err != nil {
		return err
	}
	if err := embed.RestoreChaosSpec(inner); err != nil {
		return faults.Refuse("%w", err)
	}
	return nil
}

// embeds reports whether one of the faults in a workflow matches.
func embeds(w *v1alpha1.Workflow, such func(client.Object) bool) bool {
	one := false
	for i := range w.Spec.Templates {
		_ = embedded(w.Namespace, &w.Spec.Templates[i], func(inner v1alpha1.InnerObject) error {
			one = one || such(inner)
			return nil
		})
	}
	return one
}
