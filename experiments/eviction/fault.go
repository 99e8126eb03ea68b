package eviction

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/kube"
)

// A Fault evicts pods chosen at random from those that match. It is over at once. Its
// effect is that each of them, by its UID, is gone, which takes up to the pod's grace
// period. It implements [experiments.Fault] and is not safe for concurrent use.
type Fault struct {
	Cluster faults.Cluster
	Pods    faults.Pods
	// Count is how many pods to evict; more than match are refused.
	Count faults.Count
	// Timeout is how long a budget may refuse before the remaining pods become the failure
	// reason. The deadline of the experiment must leave room for it. Default: 30 s; for
	// [faults.All], 30 s for each pod, because each may have to wait for the replacement of
	// the previous one.
	Timeout time.Duration
	// Again is the retry interval for a refused pod. Default: 1 s.
	Again time.Duration

	evicted  []victim
	refusals map[string]int // how often a pod was refused, by UID
	budgeted budgets        // when it began
}

var (
	_ experiments.Targeter  = (*Fault)(nil)
	_ experiments.Previewer = (*Fault)(nil)
	_ experiments.OneShot   = (*Fault)(nil)
	_ experiments.Bounded   = (*Fault)(nil)
)

// refusedFor is the default timeout, for each pod if all are evicted.
const refusedFor = 30 * time.Second

// victim is a pod whose eviction was granted, at some instant in the span.
type victim struct {
	corev1.Pod
	steadystate.Span
}

// EventRefused is the kind of event of a pod whose eviction the API server refused for
// the first time, because of a budget for example; with [record.AttrReason]. One that it
// granted is [record.EventEvicted].
const EventRefused = "refused"

// AttrRefusals is the attribute of a granted eviction: how often it had been
// refused.
const AttrRefusals = "refusals"

// Drain returns the fault that evicts all the pods, as a drain of all their nodes would.
func Drain(cluster faults.Cluster, pods faults.Pods) *Fault {
	return &Fault{Cluster: cluster, Pods: pods, Count: faults.All}
}

// String is "evict 1 of the pods app=checkout in shop", or "drain the pods
// app=checkout in shop" for all of them.
func (f *Fault) String() string {
	if f.Count.IsAll() {
		return fmt.Sprintf("drain the %s", f.Pods)
	}
	return fmt.Sprintf("evict %s of the %s", f.Count, f.Pods)
}

func (f *Fault) kind() string {
	if f.Count.IsAll() {
		return record.KindDrain
	}
	return record.KindEvict
}

// OneShot reports whether a single pod is evicted, which is over at once;
// several may have to wait for each other.
func (f *Fault) OneShot() bool { return f.Count == faults.One }

// InjectTimeout is how long Inject takes at most: an hour where that depends on
// how many pods there are.
func (f *Fault) InjectTimeout() time.Duration {
	if f.Count.IsAll() && f.Timeout == 0 {
		return time.Hour
	}
	return faults.Preparing + cmp.Or(f.Timeout, refusedFor)
}

// Preview describes an Inject as of now and changes nothing: a dry run asks the
// API server whether a pod could be evicted, so that missing rights come out.
// The refusal of a budget is not an error, since the run is to find it; the
// warning reports it, and whether these pods can ever be evicted.
func (f *Fault) Preview(ctx context.Context, _ string) (experiments.Preview, error) {
	candidates, asked, err := f.choose(ctx)
	if err != nil {
		return experiments.Preview{}, err
	}
	preview := experiments.Preview{Object: request(&candidates[0]), Candidates: faults.Targets(candidates), Requested: asked, Effects: effects()}
	why, err := f.evict(ctx, &candidates[0], client.DryRunAll)
	if err != nil {
		return experiments.Preview{}, fmt.Errorf("try %s: %w", f, err)
	}
	if why.text != "" {
		preview.Warning = "refused now: " + why.text + "; the run asks again for a while: wait until the budget allows a disruption (kubectl get pdb)"
	}
	list, err := f.budgets(ctx)
	if err != nil {
		return experiments.Preview{}, fmt.Errorf("try %s: %w", f, err)
	}
	if text := forbidden(list, candidates, asked); text != "" {
		preview.Warning = text
	}
	preview.Away, preview.AwayBy = list.away(candidates, asked)
	return preview, nil
}

// forbidden reports that budgets forbid the requested evictions for good, or
// may; empty: they do not. The run chooses at random, so it is certain only if
// fewer pods remain than requested.
func forbidden(list budgets, candidates []corev1.Pod, asked int) string {
	text, why, free := "", "", len(candidates)
	for _, pod := range candidates {
		never, expected := list.never(&pod)
		if never == "" {
			continue
		}
		if free--; text != "" {
			continue
		}
		text, why = pod.Name+" cannot be evicted", never
		if expected > 0 {
			text += fmt.Sprintf(" while its budget expects %d pods", expected)
		}
	}
	switch {
	case text == "":
		return ""
	case free < asked:
		return text + ", and the run will find that: broken. " + why
	}
	return text + "; a run that chooses it is broken, and this one may choose another. " + why
}

// Targets are the pods that Inject may evict now.
func (f *Fault) Targets(ctx context.Context) ([]record.Target, error) {
	candidates, _, err := f.choose(ctx)
	return faults.Targets(candidates), err
}

// Inject requests the evictions and returns once all are granted, or once it is
// certain that they will not be: a budget can never allow them, or refuses for
// too long, or a pod goes by itself. If budgets forbid them for good, or
// throughout, the service's configuration has refused: see [record.Injection].
// The span in which the fault took effect is that of the first granted request.
// The error is for requests that the API refused; it wraps [faults.ErrRefused]
// where the guard did.
func (f *Fault) Inject(ctx context.Context, rec *record.Recorder) (record.Injection, error) {
	f.evicted, f.refusals = nil, map[string]int{}
	candidates, asked, err := f.choose(ctx)
	if err != nil {
		return record.Injection{}, err
	}
	if f.budgeted, err = f.budgets(ctx); err != nil {
		return record.Injection{}, fmt.Errorf("%s: %w", f, err)
	}
	rand.Shuffle(len(candidates), func(i, j int) { candidates[i], candidates[j] = candidates[j], candidates[i] })
	refused, err := f.all(ctx, rec, candidates[:asked])
	f.tell(rec, asked)
	// A single eviction is over at once; several may wait for each other.
	in := record.Injection{Fault: f.String(), Kind: f.kind(), Effects: effects(), OneShot: asked == 1, Of: len(candidates), ChangesPods: true, Span: steadystate.Instant(rec.Clock().Now())}
	for i, v := range f.evicted {
		in.Targets = append(in.Targets, faults.Target(&v.Pod))
		if i == 0 {
			in.Span = v.Span
		}
	}
	if err != nil {
		return in, fmt.Errorf("%s: %w", f, err)
	}
	if len(refused) == 0 {
		return in, nil
	}
	var words []string
	throughout, never := len(f.evicted) == 0, false
	for _, name := range slices.Sorted(maps.Keys(refused)) {
		why := refused[name]
		words = append(words, name+": "+why.text)
		throughout, never = throughout && why.budget, never || why.never
	}
	in.FailureReason = fmt.Sprintf("%d of %d pods evicted; the API server says of %s", len(f.evicted), asked, strings.Join(words, "; "))
	if throughout || never {
		in.Refused = "can be evicted"
		if f.Count.IsAll() {
			in.Refused = "can be drained"
		}
	}
	return in, nil
}

// all evicts the pods, and retries refused evictions until the timeout. It
// returns the reasons for the remaining pods, by name.
func (f *Fault) all(ctx context.Context, rec *record.Recorder, pods []corev1.Pod) (refused map[string]refusal, err error) {
	clock := rec.Clock()
	timeout := refusedFor
	if f.Count.IsAll() {
		timeout *= time.Duration(len(pods))
	}
	until := clock.Now() + cmp.Or(f.Timeout, timeout)
	lost := map[string]refusal{} // cannot be evicted any more
	for {
		refused = map[string]refusal{}
		var left []corev1.Pod
		for _, pod := range pods {
			span := steadystate.Instant(clock.Now())
			why, err := f.evict(ctx, &pod)
			span.To = clock.Now()
			switch {
			case err != nil:
				return nil, err
			case why.gone:
				lost[pod.Name] = why
			case why.text != "":
				if never, _ := f.budgeted.never(&pod); never != "" {
					why.text, why.never = why.text+" ("+never+")", true
					lost[pod.Name] = why
				} else {
					refused[pod.Name] = why
					left = append(left, pod)
				}
				if f.refusals[string(pod.UID)]++; f.refusals[string(pod.UID)] == 1 {
					rec.Event(record.Event{Span: span, Kind: EventRefused, Subject: faults.Subject(&pod), UID: string(pod.UID), Attrs: map[string]string{record.AttrReason: why.text}})
				}
			default:
				f.evicted = append(f.evicted, victim{Pod: pod, Span: span})
				rec.Event(record.Event{Span: span, Kind: record.EventEvicted, Subject: faults.Subject(&pod), UID: string(pod.UID), Attrs: f.before(pod)})
			}
		}
		pods = left
		if len(pods) == 0 || clock.Now() >= until {
			return f.quoted(ctx, pods, refused, lost), nil
		}
		if err := experiments.Wait(ctx, min(cmp.Or(f.Again, time.Second), until-clock.Now())); err != nil {
			return nil, err
		}
	}
}

// quoted adds the state of the budgets at the end to their refusals.
func (f *Fault) quoted(ctx context.Context, pods []corev1.Pod, refused, lost map[string]refusal) map[string]refusal {
	list, err := f.budgets(ctx)
	for _, pod := range pods {
		if why := refused[pod.Name]; err == nil && why.budget {
			why.text = strings.TrimSuffix(fmt.Sprintf("%s (%s)", why.text, list.covering(&pod)), " ()")
			refused[pod.Name] = why
		}
	}
	maps.Copy(refused, lost)
	return refused
}

// before is the number of refusals before the pod was evicted, as an attribute.
func (f *Fault) before(pod corev1.Pod) map[string]string {
	if n := f.refusals[string(pod.UID)]; n > 0 {
		return map[string]string{AttrRefusals: strconv.Itoa(n)}
	}
	return nil
}

// tell notes how often the API server refused.
func (f *Fault) tell(rec *record.Recorder, asked int) {
	total := 0
	for _, n := range f.refusals {
		total += n
	}
	if total > 0 {
		rec.Note("%s: %d of %d pods evicted; the API server refused %d times, of %d pods", f, len(f.evicted), asked, total, len(f.refusals))
	}
}

// refusal is why a pod was not evicted; the zero value: it was.
type refusal struct {
	text   string
	gone   bool // no retry is needed
	budget bool // a budget refused, not the server for other reasons
	never  bool // and always will
}

// evict makes one request. The error is for failures unrelated to the pod.
func (f *Fault) evict(ctx context.Context, pod *corev1.Pod, options ...client.SubResourceCreateOption) (refusal, error) {
	err := f.Cluster.Client.SubResource("eviction").Create(ctx, pod.DeepCopy(), request(pod), options...)
	switch {
	case err == nil:
		return refusal{}, nil
	case apierrors.IsNotFound(err), apierrors.IsConflict(err):
		return refusal{text: "it went by itself before it was evicted (" + words(err) + ")", gone: true}, nil
	case apierrors.IsTooManyRequests(err), apierrors.IsInternalError(err):
		// The latter where several budgets cover one pod.
		return refusal{text: words(err), budget: byBudget(err)}, nil
	}
	return refusal{}, fmt.Errorf("evict %s: %w", faults.Subject(pod), kube.Explain(err, "the right to create pods/eviction"))
}

// words are the server's, with its causes.
func words(err error) string {
	text := []string{err.Error()}
	var status apierrors.APIStatus
	if errors.As(err, &status) && status.Status().Details != nil {
		for _, cause := range status.Status().Details.Causes {
			text = append(text, "("+cause.Message+")")
		}
	}
	return strings.Join(text, " ")
}

// Recover has nothing to undo; it notes which pods are gone by now. The span in
// which the fault went is that of the last granted request.
func (f *Fault) Recover(ctx context.Context, rec *record.Recorder) (steadystate.Span, error) {
	clock := rec.Clock()
	span := steadystate.Instant(clock.Now())
	for _, v := range f.evicted {
		span = v.Span
		var pod corev1.Pod
		err := f.Cluster.Client.Get(ctx, client.ObjectKeyFromObject(&v.Pod), &pod)
		if apierrors.IsNotFound(err) || (err == nil && pod.UID != v.UID) {
			rec.Event(record.Event{Span: steadystate.Span{From: v.From, To: clock.Now()}, Kind: record.EventGone, Subject: faults.Subject(&v.Pod), UID: string(v.UID)})
		}
	}
	f.evicted = nil
	return span, nil
}

func (f *Fault) choose(ctx context.Context) ([]corev1.Pod, int, error) {
	candidates, asked, err := f.Cluster.Choose(ctx, f.Pods, f.Count)
	if err != nil {
		return nil, 0, fmt.Errorf("%s: %w", f, err)
	}
	return candidates, asked, nil
}

func effects() []record.Effect {
	return []record.Effect{{Event: record.EventGone}}
}

// request is for exactly this pod: a successor with its name is spared.
func request(pod *corev1.Pod) *policyv1.Eviction {
	return &policyv1.Eviction{
		ObjectMeta:    metav1.ObjectMeta{Namespace: pod.Namespace, Name: pod.Name},
		DeleteOptions: &metav1.DeleteOptions{Preconditions: metav1.NewUIDPreconditions(string(pod.UID))},
	}
}
