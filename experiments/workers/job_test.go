package workers_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/experiments/load"
	"github.com/aftershockhq/aftershock/experiments/workers"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/secret"
)

// A cluster is the part of Kubernetes that runs Jobs: it makes a pod for each
// index, in each of which a real worker serves on loopback, and deletes them
// with their Job.
type cluster struct {
	t     *testing.T
	state func(i int, pod *corev1.Pod) // what becomes of a pod; nil: it runs
	hands map[string]*hand             // by the pod's name
	jobs  []*batchv1.Job               // that were created
	keeps bool                         // pods that were deleted
	fails error                        // of creating a Job
}

func (c *cluster) client() client.WithWatch {
	c.hands = map[string]*hand{}
	return fake.NewClientBuilder().WithInterceptorFuncs(interceptor.Funcs{
		Create: func(ctx context.Context, to client.WithWatch, o client.Object, opts ...client.CreateOption) error {
			job, ok := o.(*batchv1.Job)
			if !ok {
				return to.Create(ctx, o, opts...)
			}
			if c.fails != nil {
				return c.fails
			}
			job.UID = types.UID("uid-of-" + job.Name)
			if err := to.Create(ctx, job, opts...); err != nil || slices.Contains(opts, client.CreateOption(client.DryRunAll)) {
				return err
			}
			c.jobs = append(c.jobs, job)
			return c.run(ctx, to, job)
		},
		Delete: func(ctx context.Context, to client.WithWatch, o client.Object, opts ...client.DeleteOption) error {
			if job, ok := o.(*batchv1.Job); ok && !c.keeps {
				if err := to.DeleteAllOf(ctx, &corev1.Pod{}, client.InNamespace(job.Namespace), client.MatchingLabels{workers.JobLabel: job.Name}); err != nil {
					return err
				}
			}
			return to.Delete(ctx, o, opts...)
		},
	}).Build()
}

func (c *cluster) run(ctx context.Context, to client.Client, job *batchv1.Job) error {
	for i := range int(*job.Spec.Parallelism) {
		pod := &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{
				Namespace: job.Namespace, Name: fmt.Sprintf("%s-%d", job.Name, i), Labels: job.Spec.Template.Labels, UID: types.UID(fmt.Sprint(i)),
				Annotations: map[string]string{batchv1.JobCompletionIndexAnnotation: fmt.Sprint(i)},
			},
			Spec:   corev1.PodSpec{NodeName: fmt.Sprintf("node%d", i+1)},
			Status: corev1.PodStatus{Phase: corev1.PodRunning},
		}
		if c.state != nil {
			c.state(i, pod)
		}
		c.hands[pod.Name] = hireFor(c.t, workers.Worker{Run: job.Labels[faults.RunLabel]})
		if err := to.Create(ctx, pod); err != nil {
			return err
		}
	}
	return nil
}

func (c *cluster) reach(pod corev1.Pod) (*http.Client, string) {
	return http.DefaultClient, strings.TrimSuffix(c.hands[pod.Name].url, "/"+pod.Labels[faults.RunLabel])
}

func (c *cluster) job(url string) workers.Job {
	return workers.Job{
		Load:   load.HTTP{Shape: load.Constant(100), URL: url, Headers: secret.Headers{Values: http.Header{"Authorization": {"Bearer s3cret"}}}},
		Pods:   workers.Pods{Count: 2, Image: "registry.example/aftershock:1.0", Namespace: "load-gen"},
		Client: c.client(), Reach: c.reach, Ready: 30 * time.Second, Remove: time.Second,
	}
}

func service(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestAJobDrivesTheLoadAndLeavesNothing(t *testing.T) {
	c := &cluster{t: t}
	j := c.job(service(t))
	var recorded bytes.Buffer
	rec := record.NewRecorder(&recorded)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var numbers []uint64
	if err := j.Recorded(rec).Drive(ctx, rec.Clock(), func(q record.Request) {
		if numbers = append(numbers, q.Seq); len(numbers) == 100 {
			cancel()
		}
	}); err != nil {
		t.Fatal(err)
	}
	slices.Sort(numbers)
	if n := len(numbers); n < 100 || numbers[n-1] != uint64(n)-1 || len(slices.Compact(numbers)) != n {
		t.Errorf("%d requests with numbers up to %d, want all, each once", n, numbers[n-1])
	}
	left, err := workers.Find(t.Context(), j.Client, faults.Scope{Namespaces: []string{"load-gen"}})
	if err != nil || len(left) != 0 {
		t.Errorf("left: %v, %v", left, err)
	}

	job := c.jobs[0]
	creating := ""
	var notes []string
	for e, err := range record.Read(bytes.NewReader(recorded.Bytes())) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Event != nil {
			creating = e.Event.Kind + " " + e.Event.Subject
		}
		if e.Note != "" {
			notes = append(notes, e.Note)
		}
	}
	if want := "creating Job/load-gen/" + job.Name; creating != want {
		t.Errorf("written down: %q, want %q", creating, want)
	}
	if all := strings.Join(notes, "\n"); len(notes) != 4 || !strings.Contains(all, "worker 1 (pod "+job.Name+"-1 on node2): its wall clock is ") {
		t.Errorf("notes\n%s\nwant two on the clock of each worker", all)
	}
	if strings.Contains(recorded.String(), "s3cret") {
		t.Error("the record has a secret of the load's")
	}
	spec := fmt.Sprintf("%+v", job)
	if strings.Contains(spec, "s3cret") || strings.Contains(spec, j.Load.URL) {
		t.Errorf("the Job tells of the load: %s", spec)
	}
}

func TestTheObjectOfAJob(t *testing.T) {
	c := &cluster{t: t}
	j := c.job(service(t))
	j.Lifetime = 90 * time.Second
	rec := record.NewRecorder(&bytes.Buffer{})
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := j.Recorded(rec).Drive(ctx, rec.Clock(), func(record.Request) {}); err != nil {
		t.Fatal(err)
	}
	s := c.jobs[0].Spec
	pod := s.Template.Spec
	for _, row := range []struct {
		sentence string
		holds    bool
	}{
		{"each worker knows its index", *s.CompletionMode == batchv1.IndexedCompletion && *s.Completions == 2 && *s.Parallelism == 2},
		{"none is begun anew", *s.BackoffLimit == 0 && pod.RestartPolicy == corev1.RestartPolicyNever},
		{"the cluster ends it without us", *s.ActiveDeadlineSeconds == 90 && *s.TTLSecondsAfterFinished == 300},
		{"it is of the run", c.jobs[0].Labels[faults.RunLabel] == rec.Run() && s.Template.Labels[faults.RunLabel] == rec.Run()},
		{"it is ours", c.jobs[0].Labels[faults.ManagedLabel] == faults.Managed && strings.HasPrefix(c.jobs[0].Name, "load-"+rec.Run()+"-")},
		{"it has no account", !*pod.AutomountServiceAccountToken},
		{"its processor is asked for and not limited", pod.Containers[0].Resources.Requests.Cpu().String() == "500m" && pod.Containers[0].Resources.Limits.Cpu().IsZero()},
		{"its memory is limited", pod.Containers[0].Resources.Limits.Memory().String() == "256Mi"},
		{"it names its run and where to listen, and nothing else", strings.Join(pod.Containers[0].Args, " ") == "load-worker --run "+rec.Run()+" --listen :8642"},
	} {
		if !row.holds {
			t.Errorf("%s: not in %+v", row.sentence, s)
		}
	}
}

func TestWorkersThatDoNotComeUpAreAnErrorWithTheClustersReasons(t *testing.T) {
	waiting := func(reason, message string) func(int, *corev1.Pod) {
		return func(i int, pod *corev1.Pod) {
			if i == 1 {
				pod.Status = corev1.PodStatus{Phase: corev1.PodPending, ContainerStatuses: []corev1.ContainerStatus{{
					State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}},
				}}}
			}
		}
	}
	for _, row := range []struct {
		sentence string
		state    func(i int, pod *corev1.Pod)
		fails    error
		keeps    bool
		want     []string
		left     bool
	}{
		{"an image that cannot be pulled", waiting("ErrImagePull", "not found"), nil, false, []string{"1 of 2 answer", "-1 is Pending; ErrImagePull: not found"}, false},
		{"an image whose name is none is not waited for", waiting("InvalidImageName", "bad"), nil, false, []string{"InvalidImageName: bad"}, false},
		{"a pod that no node has room for", func(_ int, pod *corev1.Pod) {
			pod.Status = corev1.PodStatus{Phase: corev1.PodPending, Conditions: []corev1.PodCondition{
				{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable", Message: "Insufficient cpu"},
			}}
		}, nil, false, []string{"0 of 2 answer", "Unschedulable: Insufficient cpu"}, false},
		{"one that has failed", func(_ int, pod *corev1.Pod) {
			pod.Status = corev1.PodStatus{Phase: corev1.PodFailed, ContainerStatuses: []corev1.ContainerStatus{{
				State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Reason: "Error", ExitCode: 2, Message: "unknown command \"load-worker\""}},
			}}}
		}, nil, false, []string{"is Failed; Error, exit code 2: unknown command \"load-worker\""}, false},
		{"a Job that may not be created", nil, apierrors.NewForbidden(schema.GroupResource{Resource: "jobs"}, "load", errors.New("exceeded quota")), false, []string{"create Job/load-gen/load-", "exceeded quota", "give the account this right"}, false},
		{"one whose pods do not go", waiting("InvalidImageName", "bad"), nil, true, []string{"a fault may still be in place", "still there: pod load-"}, true},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			c := &cluster{t: t, state: row.state, fails: row.fails, keeps: row.keeps}
			j := c.job("http://127.0.0.1:1/")
			j.Ready = 4 * time.Second
			err := j.Drive(t.Context(), steadystate.StartClock(), func(record.Request) {})
			if err == nil || errors.Is(err, experiments.ErrLeftBehind) != row.left {
				t.Fatalf("error %v, want one; it is of what is left behind: %t", err, row.left)
			}
			for _, want := range row.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %v, want %q", err, want)
				}
			}
			left, ferr := workers.Find(t.Context(), j.Client, faults.Scope{Namespaces: []string{"load-gen"}})
			if ferr != nil || (len(left) > 0) != row.left {
				t.Errorf("left %v, %v; want something: %t", left, ferr, row.left)
			}
		})
	}
}

// An admission webhook may hold the creation of a Job back until the run was interrupted
// and the Job was looked for.
func TestAJobWhoseCreationHadNoAnswerMayStillAppear(t *testing.T) {
	for _, row := range []struct {
		sentence string
		after    time.Duration // of the end of the run, when it is created; zero: never
		answer   error         // of the request; nil: none before the run ends
		want     string
		left     bool
	}{
		{"it appears while it is looked for", 3 * time.Second, nil, "", false},
		{"it does not appear while it is looked for", 0, nil, "its creation had no answer, and in 10s it was never seen: it may still appear", true},
		{"the API server was not reached", 0, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, "connection refused", false},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				j := (&cluster{t: t}).job("http://127.0.0.1:1/")
				j.Remove = time.Minute
				j.Client = fake.NewClientBuilder().WithInterceptorFuncs(interceptor.Funcs{
					Create: func(ctx context.Context, to client.WithWatch, o client.Object, _ ...client.CreateOption) error {
						if row.answer != nil {
							return row.answer
						}
						<-ctx.Done()
						if row.after > 0 {
							time.AfterFunc(row.after, func() {
								if err := to.Create(context.WithoutCancel(ctx), o); err != nil {
									t.Error(err)
								}
							})
						}
						return ctx.Err()
					},
				}).Build()
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				defer cancel()
				err := j.Drive(ctx, steadystate.StartClock(), func(record.Request) {})
				if errors.Is(err, experiments.ErrLeftBehind) != row.left || (err == nil) != (row.want == "") || err != nil && !strings.Contains(err.Error(), row.want) {
					t.Errorf("error %v, want %q; something may be left behind: %t", err, row.want, row.left)
				}
				time.Sleep(time.Minute)
				if left, err := workers.Find(t.Context(), j.Client, faults.Scope{Namespaces: []string{"load-gen"}}); err != nil || len(left) > 0 {
					t.Errorf("left %v, %v", left, err)
				}
			})
		})
	}
}

// The words that the events of a Job and of its pods have are those that
// matter when there are no pods.
func TestTheEventsOfAJobSayWhyItHasNoPods(t *testing.T) {
	c := &cluster{t: t}
	j := c.job("http://127.0.0.1:1/")
	j.Ready = 300 * ms
	quota := interceptor.NewClient(j.Client.(client.WithWatch), interceptor.Funcs{
		Create: func(ctx context.Context, to client.WithWatch, o client.Object, opts ...client.CreateOption) error {
			if err := to.Create(ctx, o, opts...); err != nil {
				return err
			}
			if err := to.DeleteAllOf(ctx, &corev1.Pod{}, client.InNamespace("load-gen")); err != nil {
				return err
			}
			for i, words := range []string{"exceeded quota: tiny", "exceeded quota: small", "exceeded quota: none yet"} {
				if err := to.Create(ctx, &corev1.Event{
					ObjectMeta: metav1.ObjectMeta{Namespace: "load-gen", Name: strconv.Itoa(i)}, Type: corev1.EventTypeWarning, Reason: "FailedCreate", Message: words,
					InvolvedObject: corev1.ObjectReference{UID: c.jobs[0].UID}, LastTimestamp: metav1.Unix(int64(10-(i-1)*(i-1)), 0), // the second is the latest
				}); err != nil {
					return err
				}
			}
			return nil
		},
	})
	j.Client = quota
	err := j.Drive(t.Context(), steadystate.StartClock(), func(record.Request) {})
	if err == nil || !strings.Contains(err.Error(), "0 of 2 answer after at most 300ms: FailedCreate: exceeded quota: small") || strings.Contains(err.Error(), "tiny") || strings.Contains(err.Error(), "none yet") {
		t.Errorf("error %v", err)
	}
}

func TestADryRunSaysWhatWouldRunWhere(t *testing.T) {
	c := &cluster{t: t}
	j := c.job("http://127.0.0.1:1/")
	found, err := j.DryRun(t.Context())
	if want := "2 workers of image registry.example/aftershock:1.0 would share the load in namespace load-gen, each with 500m of a processor and 256Mi"; found != want {
		t.Errorf("%q, want %q", found, want)
	}
	if err != nil {
		t.Error(err)
	}
	left, err := workers.Find(t.Context(), j.Client, faults.Scope{Namespaces: []string{"load-gen"}})
	if err != nil || len(left) != 0 {
		t.Errorf("left by the dry run: %v, %v", left, err)
	}
}

func TestSweepRemovesWhatIsOfRunsAndNothingElse(t *testing.T) {
	of := func(name, run, job string) metav1.ObjectMeta {
		return metav1.ObjectMeta{Namespace: "load-gen", Name: name, Labels: map[string]string{
			faults.ManagedLabel: faults.Managed, faults.RunLabel: run, workers.JobLabel: job,
		}}
	}
	for _, row := range []struct {
		sentence, run, want string
	}{
		{"of all runs", "", "Job/load-gen/a, left behind by run one; Pod/load-gen/b-0, left behind by run two"},
		{"of one", "two", "Pod/load-gen/b-0, left behind by run two"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			cl := (&cluster{t: t}).client()
			none := batchv1.JobSpec{Parallelism: new(int32(0))}
			for _, o := range []client.Object{
				&corev1.Pod{ObjectMeta: of("a-0", "one", "a")},
				&corev1.Pod{ObjectMeta: of("b-0", "two", "b")}, // its Job is gone
				&batchv1.Job{ObjectMeta: of("a", "one", "a"), Spec: none},
				&batchv1.Job{ObjectMeta: metav1.ObjectMeta{Namespace: "load-gen", Name: "of-somebody-else"}, Spec: none},
			} {
				if err := cl.Create(t.Context(), o); err != nil {
					t.Fatal(err)
				}
			}
			removed, err := workers.Sweep(t.Context(), cl, faults.Scope{Namespaces: []string{"load-gen"}, Of: func(run string) bool { return row.run == "" || run == row.run }})
			var names []string
			for _, l := range removed {
				names = append(names, l.String())
			}
			if got := strings.Join(names, "; "); err != nil || got != row.want {
				t.Errorf("removed %q, %v; want %q", got, err, row.want)
			}
			var jobs batchv1.JobList
			if err := cl.List(t.Context(), &jobs); err != nil || !slices.ContainsFunc(jobs.Items, func(j batchv1.Job) bool { return j.Name == "of-somebody-else" }) {
				t.Errorf("somebody else's Job is gone: %v", err)
			}
		})
	}
	if _, err := workers.Sweep(t.Context(), (&cluster{t: t}).client(), faults.Scope{}); err == nil || !strings.Contains(err.Error(), "no namespace; say where to look") {
		t.Errorf("error %v", err)
	}
}

func TestWhatIsWrongWithAJob(t *testing.T) {
	for _, row := range []struct {
		sentence string
		change   func(*workers.Job)
		want     string
	}{
		{"a load that surges", func(j *workers.Job) { j.Load.Surge = &load.Surge{Factor: 2} }, "a surge of a share"},
		{"no workers", func(j *workers.Job) { j.Count = 0 }, "load workers: count: 0: want from 1 to 100"},
		{"far too many", func(j *workers.Job) { j.Count = 1000 }, "count: 1000: want"},
		{"a load that there is not", func(j *workers.Job) { j.Load = load.HTTP{} }, "no shape"},
		{"no image", func(j *workers.Job) { j.Image = "" }, "image: is missing"},
		{"no namespace", func(j *workers.Job) { j.Namespace = "" }, "namespace: is missing"},
		{"a namespace that is none", func(j *workers.Job) { j.Namespace = "load_gen" }, `"load_gen" cannot be the name of a namespace`},
		{"a time below zero", func(j *workers.Job) { j.Ready = -1 }, "is below zero"},
		{"no cluster", func(j *workers.Job) { j.Client = nil }, "no client of a cluster"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			j := (&cluster{t: t}).job("http://h/")
			row.change(&j)
			if err := j.Validate(); err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("error %v, want %q", err, row.want)
			}
			if err := j.Drive(t.Context(), steadystate.StartClock(), nil); err == nil {
				t.Error("it was driven")
			}
		})
	}
}

// What a load has, a worker is told; a new field must not be lost on the way.
func TestAnOrderHasWhateverALoadHas(t *testing.T) {
	t.Setenv("AFTERSHOCK_TEST_TOKEN", "s3cret")
	h := load.HTTP{
		Shape: load.Ramp(1, 9, time.Minute), URL: "http://h/", Method: "POST", Body: []byte("x"),
		Headers: secret.Headers{Values: http.Header{"A": {"b", "c"}}, Secrets: map[string]secret.Secret{"Authorization": {Env: "AFTERSHOCK_TEST_TOKEN"}}}, Timeout: time.Second, ReuseRate: 2, BackendHeader: "X-Who", MaxInFlight: 101,
	}
	got, err := workers.SentAndRead(h, 1, 2)
	if err != nil {
		t.Fatal(err)
	}
	if want := "requests at ramp from 1/s to 9/s over 1m over fresh connections and 2/s over reused ones, 1 targets, timeout 1s, share 1 of 2"; got.String() != want || got.MaxInFlight != 51 || got.BackendHeader != "X-Who" {
		t.Errorf("%s, %d in flight, named by %s; want %s, 51, X-Who", got, got.MaxInFlight, got.BackendHeader, want)
	}
	aims, err := got.Aims()
	if err != nil || len(aims) != 1 {
		t.Fatalf("%v, %v", aims, err)
	}
	if a := aims[0]; a.Method != "POST" || a.URL != "http://h/" || string(a.Body) != "x" || !slices.Equal(a.Header["A"], []string{"b", "c"}) || a.Header.Get("Authorization") != "s3cret" {
		t.Errorf("aim %+v", a)
	}
}

func TestASweepThatMayNotLookProvesNothing(t *testing.T) {
	cl := interceptor.NewClient((&cluster{t: t}).client(), interceptor.Funcs{
		List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
			if _, ok := list.(*batchv1.JobList); ok {
				return apierrors.NewForbidden(schema.GroupResource{Group: "batch", Resource: "jobs"}, "", errors.New("no"))
			}
			return c.List(ctx, list, opts...)
		},
	})
	scope := faults.Scope{Namespaces: []string{"load-gen"}}
	if _, err := workers.Sweep(t.Context(), cl, scope); err == nil || !strings.Contains(err.Error(), "look again: list Job in load-gen") {
		t.Errorf("error %v, want that it could not look for Jobs", err)
	}
	if left, err := workers.Find(t.Context(), cl, scope); err != nil || len(left) != 0 {
		t.Errorf("found %v, %v; an account that may not list Jobs has left none", left, err)
	}
}

func TestWhatIsWrongIsSaidInOneOrder(t *testing.T) {
	j := workers.Job{Lifetime: -1, Ready: -1, Remove: -1}
	for range 20 {
		said := j.Validate().Error()
		if lifetime, ready, remove := strings.Index(said, "lifetime -1ns"), strings.Index(said, "ready -1ns"), strings.Index(said, "remove them -1ns"); lifetime < 0 || ready < lifetime || remove < ready {
			t.Fatalf("in another order:\n%s", said)
		}
	}
}

// What a load sends is told to the workers alone: neither the Job, nor its pods,
// events, notes, errors or the record have it.
func TestASecretOfALoadIsInNothingThatIsPrintedOrCreated(t *testing.T) {
	t.Setenv("WORKERS_SECRET", "s3cret-env")
	answers, _ := strings.CutPrefix(service(t), "http://")
	for _, row := range []struct {
		sentence string
		url      string
		fails    error
	}{
		{"it is driven", "http://s3cret-user:s3cret-password@" + answers + "/?token=s3cret-query", nil},
		{"nothing answers", "http://s3cret-user:s3cret-password@127.0.0.1:9/?token=s3cret-query", nil},
		{"there is no Job", "http://s3cret-user:s3cret-password@" + answers + "/?token=s3cret-query", errors.New("quota")},
		{"it is refused", "htp://s3cret-user:s3cret-password@127.0.0.1:9/?token=s3cret-query", nil},
	} {
		c := &cluster{t: t, fails: row.fails}
		j := c.job(row.url)
		j.Load.Headers.Values["X-Shop"] = []string{"s3cret-header"}
		j.Load.Headers.Secrets = map[string]secret.Secret{"X-Env": {Env: "WORKERS_SECRET"}}
		j.Load.Body = []byte("s3cret-body")
		var out bytes.Buffer
		rec := record.NewRecorder(&out)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		n := 0
		err := j.Recorded(rec).Drive(ctx, rec.Clock(), func(q record.Request) {
			rec.Request(record.TrafficSignal, q)
			if n++; n == 20 {
				cancel()
			}
		})
		cancel()
		rec.Flush()
		found, errDryRun := j.DryRun(t.Context())
		var pods corev1.PodList
		if err := j.Client.List(t.Context(), &pods); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&out, "\n%v\n%v\n%s\n%v\n%v\n%s", err, j.Signals(), found, errDryRun, pods.Items, j)
		for _, job := range c.jobs {
			fmt.Fprintf(&out, "\n%+v", job)
		}
		if at := strings.Index(out.String(), "s3cret"); at >= 0 {
			t.Errorf("%s: ...%s", row.sentence, out.String()[max(0, at-200):min(out.Len(), at+40)])
		}
	}
}
