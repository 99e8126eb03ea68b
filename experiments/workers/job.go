package workers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/experiments/load"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/setting"
)

// Pods are the pods of the workers.
type Pods struct {
	// Count is how many workers share the load, from 1 to 100 ([MaxCount]). Required.
	// Example: 4.
	Count int `yaml:"count"`
	// Image is the workers' image. Its entry point is the program aftershock, of this
	// version. Required. Example: registry.example/aftershock:1.0.
	Image string `yaml:"image"`
	// Namespace is the workers' namespace. Default: that of cluster in a file, and
	// none in Go.
	Namespace string `yaml:"namespace"`
	// CPU is what each worker requests. It has no limit: a throttled worker would
	// stall, and measure that. Default: 500m.
	CPU resource.Quantity `yaml:"cpu"`
	// Memory is what each worker requests, and its limit. Default: 256Mi.
	Memory resource.Quantity `yaml:"memory"`
}

// Validate reports mistakes, each as a [setting.Error].
func (p Pods) Validate() error {
	var errs []error
	bad := func(field, format string, args ...any) { errs = append(errs, setting.Errorf(field, format, args...)) }
	if p.Count < 1 || p.Count > MaxCount {
		bad("count", "%d: want from 1 to %d", p.Count, MaxCount)
	}
	if p.Image == "" {
		bad("image", "is missing: an image whose entry point is aftershock, of this version")
	}
	if wrong := validation.IsDNS1123Label(p.Namespace); p.Namespace == "" {
		bad("namespace", "is missing: where the workers' Job may be created")
	} else if len(wrong) > 0 {
		why, _, _ := strings.Cut(wrong[0], " (e.g.")
		bad("namespace", "%q cannot be the name of a namespace: %s", p.Namespace, why)
	}
	for _, of := range []struct {
		name   string
		amount resource.Quantity
	}{{"cpu", p.CPU}, {"memory", p.Memory}} {
		if of.amount.Sign() < 0 {
			bad(of.name, "want an amount above zero, as in 500m of cpu or 256Mi of memory")
		}
	}
	return errors.Join(errs...)
}

// A Job is a load that workers in the cluster drive. It can be driven more than
// once, even concurrently: each drive has its own Job.
type Job struct {
	// Load is the whole load; required. Its files and secrets are read here and
	// sent to the workers. Its TLS is not sent, but CABundle is. It cannot have a
	// Surge.
	Load load.HTTP
	// CABundle is the CA certificates, in PEM, that verify an HTTPS service, if
	// the image lacks them.
	CABundle []byte
	Pods

	// Client is a client of the cluster; required.
	Client client.Client
	// Reach connects to the workers; required, see [Proxy].
	Reach Reach

	// Lifetime is the time from its creation after which the cluster ends the Job
	// on its own. It must be longer than the run. Default: until [experiments.Grace]
	// after the deadline of its context; without a deadline an hour.
	Lifetime time.Duration
	// Ready bounds the wait until all workers answer. Default 45 s.
	Ready time.Duration
	// Remove bounds the removal of the Job and its pods. Default 1 min.
	Remove time.Duration

	rec *record.Recorder // of the run; nil: there is none
}

var (
	_ experiments.Validator  = Job{}
	_ experiments.Signaler   = Job{}
	_ experiments.Recordable = Job{}
	_ experiments.Stopper    = Job{}
)

// MaxCount is the maximum number of workers, to catch typing errors.
const MaxCount = 100

// defaultLifetime is that of a Job without Lifetime and without a deadline.
const defaultLifetime = time.Hour

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

// Validate reports mistakes in the load or in its workers.
func (j Job) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf("load workers: "+format, args...)) }
	for _, wrong := range setting.Errors(j.Pods.Validate()) {
		bad("%w", wrong)
	}
	if err := j.Load.Share(0, max(1, j.Count)).Validate(); err != nil {
		errs = append(errs, err)
	}
	for _, of := range []struct {
		name string
		time.Duration
	}{{"lifetime", j.Lifetime}, {"time until they are ready", j.Ready}, {"time to remove them", j.Remove}} {
		if of.Duration < 0 {
			bad("%s %s is below zero", of.name, of.Duration)
		}
	}
	if j.Client == nil || j.Reach == nil {
		bad("no client of a cluster, or no way to reach pods; see Proxy")
	}
	return errors.Join(errs...)
}

// String describes the load and its workers in one line.
func (j Job) String() string {
	return fmt.Sprintf("%s, by %d workers in namespace %s (image %s)", j.Load, j.Count, j.Namespace, j.Image)
}

// Signals describes the load's signals, by name.
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
// down before it is created, and the workers' clocks are noted.
func (j Job) Recorded(rec *record.Recorder) experiments.Load {
	j.rec = rec
	return j
}

func (j Job) note(format string, args ...any) {
	if j.rec != nil {
		j.rec.Note(format, args...)
	}
}

// StopTimeout is how long the workers take to be told, to end and to be removed.
func (j Job) StopTimeout() time.Duration {
	return silence + closing(j.Load) + j.withDefaults().Remove
}

// Drive creates the Job, waits until all workers are ready, and has them drive
// the load until ctx ends. It waits for the requests in flight, deletes the
// Job, and returns once its pods are gone. The error is the harness's: workers
// that did not start, that failed or fell silent; it wraps
// [experiments.ErrLeftBehind] if the Job may still exist.
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
	job := j.object(run, faults.Lifetime(ctx, j.Lifetime, defaultLifetime))
	from := clock.Now()
	if j.rec != nil {
		if err := faults.WriteDown(j.rec, record.Event{Span: steadystate.Instant(from), Kind: faults.EventCreating, Subject: subject(job)}); err != nil {
			return err
		}
	}
	// Unless refused, it may exist, or appear later, whatever the answer.
	created := j.Client.Create(ctx, job.DeepCopy())
	if faults.Rejected(created) {
		return fmt.Errorf("create %s: %w", subject(job), explain(created))
	}
	defer func() {
		err = errors.Join(err, j.remove(ctx, job, created != nil && !utilnet.IsConnectionRefused(created)))
	}()
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
