package main

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"text/template"
	"time"

	promconfig "github.com/prometheus/common/config"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/prom"
	"github.com/aftershockhq/aftershock/steadystate/prom/promtest"
)

// scraped are the pods of a service behind a balancer, as a Prometheus scrapes
// them that looks for new ones every five seconds, as it does.
type scraped struct {
	m     *promtest.Prometheus
	every time.Duration
	rate  float64 // requests a second, over the pods that live

	mu       sync.Mutex
	pods     []*scrapedPod
	upToDate time.Time // what was counted
	last     time.Time // when targets were looked for
}

type scrapedPod struct {
	name      string
	alive     bool
	ready     time.Time
	served    float64
	failed    float64
	failing   bool
	target    bool      // Prometheus has it
	forgotten time.Time // when it was told to forget it
}

// count counts what the pods have served until now.
func (s *scraped) count(now time.Time) {
	serving := 0.0
	for _, p := range s.pods {
		if p.alive && !now.Before(p.ready) {
			serving++
		}
	}
	for _, p := range s.pods {
		if !p.alive || now.Before(p.ready) || s.upToDate.IsZero() {
			continue
		}
		n := s.rate / serving * now.Sub(s.upToDate).Seconds()
		if p.failing {
			p.failed += n
		} else {
			p.served += n
		}
	}
	s.upToDate = now
}

// scrape scrapes all that Prometheus has.
func (s *scraped) scrape(now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count(now)
	if now.Sub(s.last) >= 5*time.Second {
		s.last = now
		for _, p := range s.pods {
			switch {
			case p.target && !p.alive:
				p.target, p.forgotten = false, now
			case !p.target && p.alive && !now.Before(p.ready):
				p.target = true
			}
		}
	}
	app := s.m.Storage.Appender(context.Background())
	add := func(v float64, pairs ...string) error {
		_, err := app.Append(0, labels.FromStrings(pairs...), now.UnixMilli(), v)
		return err
	}
	stale := math.Float64frombits(value.StaleNaN)
	for _, p := range s.pods {
		overdue := !p.forgotten.IsZero() && now.Sub(p.forgotten) >= 2*s.every
		if !p.target && !overdue {
			continue
		}
		of := []string{"job", "checkout", "instance", p.name + ":8080", "namespace", "shop", "pod", p.name, "app", "checkout"}
		up, served, failed, began := 1.0, p.served, p.failed, float64(p.ready.Unix())
		if !p.alive {
			up, served, failed, began = 0, stale, stale, stale
		}
		if overdue {
			up, p.forgotten = stale, time.Time{}
		}
		series := []struct {
			v    float64
			name []string
		}{
			{up, []string{"__name__", "up"}},
			{began, []string{"__name__", "process_start_time_seconds"}},
			{served, []string{"__name__", "http_request_duration_seconds_count", "route", "/checkout", "code", "200"}},
			{served, []string{"__name__", "checkout_payments_requests_total", "outcome", "ok"}},
			{served, []string{"__name__", "checkout_orders_total", "payment", "paid"}},
		}
		if p.failed > 0 {
			series = append(series, struct {
				v    float64
				name []string
			}{failed, []string{"__name__", "http_request_duration_seconds_count", "route", "/checkout", "code", "503"}})
		}
		for _, one := range series {
			if err := add(one.v, append(one.name, of...)...); err != nil {
				return err
			}
		}
	}
	kubelet := []string{"job", "kubelet-cadvisor", "instance", "node:10250"}
	if err := add(1, append([]string{"__name__", "up"}, kubelet...)...); err != nil {
		return err
	}
	for _, p := range s.pods {
		if !p.alive {
			continue
		}
		of := append(kubelet, "namespace", "shop", "pod", p.name, "container", "checkout")
		for name, v := range map[string]float64{"container_memory_working_set_bytes": 2e7, "container_spec_memory_limit_bytes": 64e6} {
			if err := add(v, append([]string{"__name__", name}, of...)...); err != nil {
				return err
			}
		}
	}
	return app.Commit()
}

// A death is a fault that takes a pod, of which another takes the place.
type death struct {
	of    *scraped
	after time.Duration // a scrape
	// fails is for how long it answers with 503 before; zero: it does not.
	fails time.Duration
}

func (d *death) String() string { return "death of a pod" }

func (d *death) Inject(_ context.Context, rec *record.Recorder) (record.Injection, error) {
	s := d.of
	time.Sleep(time.Until(time.Now().Truncate(s.every).Add(s.every + d.after)))
	from := rec.Clock().Now()
	set := func(f func(p *scrapedPod)) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.count(time.Now())
		f(s.pods[0])
	}
	if d.fails > 0 {
		set(func(p *scrapedPod) { p.failing = true })
		time.Sleep(d.fails)
	}
	set(func(p *scrapedPod) {
		p.alive = false
		s.pods = append(s.pods, &scrapedPod{name: "checkout-d", alive: true, ready: time.Now().Add(3 * time.Second).Truncate(time.Second)})
	})
	return record.Injection{Targets: []record.Target{{Name: "checkout-a"}}, Span: steadystate.Span{From: from, To: rec.Clock().Now()}, OneShot: true}, nil
}

func (d *death) Recover(_ context.Context, rec *record.Recorder) (steadystate.Span, error) {
	return steadystate.Instant(rec.Clock().Now()), nil
}

// runOnPods runs an experiment's checks of Prometheus, while pods are scraped and
// one of them dies. It runs in a bubble, so that minutes pass in no time.
func runOnPods(t *testing.T, e experiments.Experiment, d *death, phase time.Duration) judge.Result {
	t.Helper()
	m, err := promtest.New()
	if err != nil {
		t.Fatal(err)
	}
	s := &scraped{m: m, every: time.Second, rate: 100}
	d.of = s
	for _, name := range []string{"checkout-a", "checkout-b", "checkout-c"} {
		s.pods = append(s.pods, &scrapedPod{name: name, alive: true, target: true, ready: time.Now()})
	}
	s.last = time.Now().Add(-phase)
	listener := newPipes()
	server := &http.Server{Handler: m, ReadHeaderTimeout: time.Minute}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(listener) })
	c, err := prom.NewClient(prom.Config{URL: "http://prometheus.example"}, promconfig.WithDialContextFunc(listener.dial))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var scraping sync.WaitGroup
	scraping.Go(func() {
		ticker := time.NewTicker(s.every)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case at := <-ticker.C:
				if err := s.scrape(at); err != nil {
					t.Errorf("scrape: %v", err)
				}
			}
		}
	})
	time.Sleep(30*time.Second + 300*time.Millisecond)

	e.Load, e.Traffic, e.Observers, e.Faults = nil, "traffic", nil, []experiments.Scheduled{{Fault: d}}
	var signals []steadystate.Signal
	named := map[string]bool{}
	for _, signal := range e.Hypothesis.Signals {
		if source, ok := signal.Source.(prom.Source); ok {
			source.Client = c
			signals = append(signals, source.Signal(signal.Name))
			named[signal.Name] = true
		}
	}
	var checks []steadystate.Check
	for _, check := range e.Hypothesis.Checks {
		if named[check.Signal] {
			checks = append(checks, check)
		}
	}
	e.Hypothesis = steadystate.Hypothesis{Signals: signals, Checks: checks}
	var recorded bytes.Buffer
	if err := e.Run(t.Context(), record.NewRecorder(&recorded)); err != nil {
		t.Fatal(err)
	}
	stop()
	scraping.Wait()
	c.Close()
	_ = server.Close()
	serving.Wait()
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	result, err := judge.Judge(record.Read(bytes.NewReader(recorded.Bytes())), nil)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// ofTheLab is the lab's configuration.
func ofTheLab(t *testing.T) string {
	t.Helper()
	var out strings.Builder
	if err := template.Must(template.ParseFiles("../../lab/aftershock.yaml.tmpl")).Option("missingkey=error").Execute(&out, map[string]any{
		"Kubeconfig": "kubeconfig", "Context": "test", "UID": "0b1c", "Namespace": "shop", "URL": "http://127.0.0.1:9/checkout",
		"Echo": "ws://127.0.0.1:9/echo", "Prometheus": "http://prometheus.example", "Autoscaled": false, "ScalesOut": false, "ScalesBack": false, "Slow": false,
	}); err != nil {
		t.Fatal(err)
	}
	stress, err := filepath.Abs("../../lab/stress.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(out.String(), "file: stress.yaml", "file: "+stress)
}

// ofTheHowTo is the configuration of docs/howto.md, letter by letter but for which
// cluster it is for, and what is kept beside it.
func ofTheHowTo(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/howto.md")
	if err != nil {
		t.Fatal(err)
	}
	const begin = "apiVersion: aftershock/v1\n"
	_, text, found := bytes.Cut(text, []byte("```yaml\n"+begin))
	text, _, ended := bytes.Cut(text, []byte("```"))
	if !found || !ended {
		t.Fatal("docs/howto.md has no configuration that begins with its apiVersion")
	}
	return begin + strings.NewReplacer("context: staging ", "kubeconfig: kubeconfig\n  context: test ", "uid: 0b1c2d3e-0000-0000-0000-000000000000", "uid: 0b1c").Replace(string(text))
}

// R9 and R20: whenever a pod of a healthy service dies, between scrapes and
// between the looks for targets, the checks of the lab's configuration and of the
// how-to's example are decided, and hold; nothing of the run is unknown.
func TestAHealthyDeathHoldsByPrometheus(t *testing.T) {
	for name, text := range map[string]string{"lab": ofTheLab(t), "howto": ofTheHowTo(t)} {
		for _, phase := range []time.Duration{0, 1300 * time.Millisecond, 2600 * time.Millisecond, 3900 * time.Millisecond} {
			for _, after := range []time.Duration{50 * time.Millisecond, 900 * time.Millisecond} {
				t.Run(fmt.Sprintf("%s/%s after targets were looked for, %s after a scrape", name, phase, after), func(t *testing.T) {
					session, _ := configure(t, versioned(t), text)
					experiment := killOne(t, session)
					synctest.Test(t, func(t *testing.T) {
						result := runOnPods(t, experiment, &death{after: after}, phase)
						if len(result.Findings) == 0 {
							t.Error("no limit was judged")
						}
						for _, f := range result.Findings {
							if f.Verdict != steadystate.Held {
								t.Errorf("%s: %s is %s: %s %s", f.Check, f.Limit, f.Verdict, f.Text, f.Undecided)
							}
						}
						for _, c := range result.Checks {
							if c.Unknown > 0 {
								t.Errorf("%s: %d unknown: %s", c.Check, c.Unknown, c.WhyUnknown())
							}
						}
						for _, p := range result.Proofs {
							if (p.Name == "covered" || p.Name == "observed") && p.Verdict != steadystate.Held {
								t.Errorf("%s: %s", p.Name, p.Text)
							}
						}
					})
				})
			}
		}
	}
}

// R9: a pod that answers with 503 from one scrape on and is dead before the next
// takes its errors with it. What was lost is in no limit on values.
func TestErrorsThatDieWithTheirPodAreNeverHeld(t *testing.T) {
	for _, fails := range []time.Duration{0, 900 * time.Millisecond} {
		t.Run(fmt.Sprintf("it fails for %s", fails), func(t *testing.T) {
			text := strings.ReplaceAll(ofTheLab(t), "limits: [outage <= 15s]", "limits: [outage <= 15s, mean >= 97%, min >= 97%]")
			session, _ := configure(t, versioned(t), text)
			experiment := killOne(t, session)
			synctest.Test(t, func(t *testing.T) {
				result := runOnPods(t, experiment, &death{after: 50 * time.Millisecond, fails: fails}, 0)
				judged := 0
				for _, f := range result.Findings {
					if f.Check != "server-errors" || f.Limit == "outage <= 15s" || f.Limit == "good at the end" {
						continue
					}
					judged++
					if f.Verdict != steadystate.Unknown || !strings.Contains(f.Undecided, "what was counted after the last scrape is lost") {
						t.Errorf("%s is %s: %s, %s", f.Limit, f.Verdict, f.Text, f.Undecided)
					}
				}
				if judged != 2 {
					t.Errorf("%d limits were judged, want 2", judged)
				}
			})
		})
	}
}
