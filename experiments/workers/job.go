package workers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/experiments/load"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// A Job is a load that is driven by workers in the cluster. It can be driven
// more than once, also at the same time: each has a Job of its own.
type Job struct {
	// Load is the whole load; required. What it reads when it begins, files and
	// secrets, is read here and sent to the workers. Its TLS is not, but
	// CABundle is. It cannot have a Surge.
	Load load.HTTP
	// CABundle are the certificates, in PEM, of those who vouch for an HTTPS
	// service, where they are not the image's own.
	CABundle []byte
	// Count is how many workers share the load; required, at most [MaxCount].
	Count int
	// Image is the workers' image; required. Its entry point is the program
	// aftershock, of this version.
	Image string
	// Namespace is where they run; required.
	Namespace string
	// CPU and Memory are what each worker requests, and Memory its limit too.
	// The processor has no limit: a worker that is throttled would stall, and
	// measure that. Default 500m and 256Mi.
	CPU, Memory resource.Quantity

	// Client is the cluster's; required.
	Client client.Client
	// Reach is how the workers are reached; required, see [Proxy].
	Reach Reach

	// Lifetime is how long after its creation the cluster ends the Job, whatever
	// becomes of us. It must be longer than the run. Default: until the deadline
	// of the context that it is driven with, and a minute; without a deadline
	// [DefaultLifetime].
	Lifetime time.Duration
	// Ready is how long the workers may take until all answer. Default 45 s.
	Ready time.Duration
	// Remove is how long the Job and its pods may take to go. Default 1 min.
	Remove time.Duration

	rec *record.Recorder // of the run; nil: there is none
}

var (
	_ experiments.Validator  = Job{}
	_ experiments.Signaler   = Job{}
	_ experiments.Recordable = Job{}
)

const (
	// MaxCount is the greatest number of workers: more is a slip.
	MaxCount = 100
	// DefaultLifetime is how long a Job lives without a lifetime and a deadline.
	DefaultLifetime = time.Hour
)

func (j Job) withDefaults() Job {
	j.Ready = cmp.Or(j.Ready, 45*time.Second)
	j.Remove = cmp.Or(j.Remove, time.Minute)
	if j.CPU.IsZero() {
		j.CPU = resource.MustParse("500m")
	}
	if j.Memory.IsZero() {
		j.Memory = resource.MustParse("256Mi")
	}
	return j
}

// Validate says what is wrong with the load or with its workers.
func (j Job) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf("load workers: "+format, args...)) }
	if j.Count < 1 || j.Count > MaxCount {
		bad("%d of them: want from 1 to %d", j.Count, MaxCount)
	} else if err := j.Load.Share(0, j.Count).Validate(); err != nil {
		errs = append(errs, err)
	}
	if j.Image == "" {
		bad("no image; name one whose entry point is the program aftershock")
	}
	if j.Namespace == "" {
		bad("no namespace; say where they run")
	} else if wrong := validation.IsDNS1123Label(j.Namespace); len(wrong) > 0 {
		bad("%q is no namespace: %s", j.Namespace, wrong[0])
	}
	for name, q := range map[string]resource.Quantity{"CPU": j.CPU, "memory": j.Memory} {
		if q.Sign() < 0 {
			bad("%s %s is below zero", name, q.String())
		}
	}
	for name, d := range map[string]time.Duration{"lifetime": j.Lifetime, "time until they are ready": j.Ready, "time to remove them": j.Remove} {
		if d < 0 {
			bad("%s %s is below zero", name, d)
		}
	}
	if j.Client == nil || j.Reach == nil {
		bad("no client of a cluster, or no way to reach pods; see Proxy")
	}
	return errors.Join(errs...)
}

// String is the load in one line, and who drives it.
func (j Job) String() string {
	return fmt.Sprintf("%s, by %d workers in namespace %s (image %s)", j.Load, j.Count, j.Namespace, j.Image)
}

// Signals are the signals of the load, each with what it is.
func (j Job) Signals() map[string]string {
	signals := maps.Clone(j.Load.Signals())
	for name := range signals {
		signals[name] += fmt.Sprintf(", by %d workers", j.Count)
	}
	return signals
}

// Stages are the stages of the shapes of the load's signals.
func (j Job) Stages() map[string][]record.Stage { return j.Load.Stages() }

// Recorded is the load of a run: its Job is labelled with the run and written
// down before it is created, and the clocks of the workers are noted.
func (j Job) Recorded(rec *record.Recorder) experiments.Load {
	j.rec = rec
	return j
}

func (j Job) note(format string, args ...any) {
	if j.rec != nil {
		j.rec.Note(format, args...)
	}
}

// Drive creates the Job, waits until all workers are ready, and has them drive
// the load until ctx ends. It waits for the requests in flight, deletes the Job,
// and returns when its pods are gone. The error is the harness's: workers that
// did not come up, that failed or fell silent; and one that wraps
// [experiments.ErrLeftBehind] if the Job may still be there.
func (j Job) Drive(ctx context.Context, clock steadystate.Clock, each func(record.Request)) (err error) {
	j = j.withDefaults()
	if err := j.Validate(); err != nil {
		return err
	}
	targets, err := j.Load.Aims()
	if err != nil {
		return err
	}
	run := record.NewRun()
	if j.rec != nil {
		run = j.rec.Run()
	}
	job := j.object(run, faults.Lifetime(ctx, j.Lifetime, DefaultLifetime))
	from := clock.Now()
	if j.rec != nil {
		if err := faults.WriteDown(j.rec, record.Event{Span: steadystate.Instant(from), Kind: faults.EventCreating, Subject: subject(job)}); err != nil {
			return err
		}
	}
	// It may exist whatever the answer is, but for a refusal.
	created := j.Client.Create(ctx, job.DeepCopy())
	if faults.Rejected(created) {
		return fmt.Errorf("create %s: %w", subject(job), explain(created))
	}
	defer func() { err = errors.Join(err, j.remove(ctx, job)) }()
	switch {
	case ctx.Err() != nil:
		return nil
	case created != nil:
		return fmt.Errorf("create %s: %w", subject(job), created)
	}
	clients, err := j.await(ctx, job, run)
	if err != nil || ctx.Err() != nil {
		return err
	}
	c := coordinator{load: j.Load, targets: targets, caBundle: j.CABundle, clock: clock, each: each, note: j.note}
	return c.drive(ctx, clients)
}

// subject is the object's full name.
func subject(job *batchv1.Job) string { return "Job/" + job.Namespace + "/" + job.Name }
