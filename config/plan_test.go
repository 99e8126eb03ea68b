package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/experiments/chaosmesh"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// complete is a file whose only service has all that the catalogue needs.
const complete = `apiVersion: aftershock/v1
cluster: {uid: 0b1c}
allow: {namespaces: [shop]}
prometheus: {url: "http://127.0.0.1:9090"}
checks:
  answers: {signal: requests, good: value <= 1s, allowed: 0.1%, limits: [downtime <= 3s, ttr <= 5s]}
  whole: {signal: replicas, good: value >= 100%, limits: [ttr <= 1m]}
services:
  checkout:
    namespace: shop
    workload: deployment/checkout
    load: {url: "http://127.0.0.1:8080/", rate: 100/s}
    websocket: {url: "ws://127.0.0.1:8080/live", every: 50ms}
    checks: [answers, whole]
    suites: [all]
    calls: [payments]
    autoscaler: {}
    podSignals: {calls: "sum by (pod) (rate(calls_total[5s]))"}
  payments: {namespace: shop, workload: deployment/payments}
`

func planned(t *testing.T, text string) *Plan {
	t.Helper()
	p, err := Parse("aftershock.yaml", []byte(text))
	if err != nil {
		t.Fatalf("%v\nin\n%s", err, text)
	}
	return p
}

// changed is complete with texts replaced.
func changed(t *testing.T, oldNew ...string) *Plan {
	t.Helper()
	text := complete
	for i := 0; i < len(oldNew); i += 2 {
		if !strings.Contains(text, oldNew[i]) {
			t.Fatalf("%q is not in the file", oldNew[i])
		}
		text = strings.ReplaceAll(text, oldNew[i], oldNew[i+1])
	}
	return planned(t, text)
}

func find(t *testing.T, p *Plan, id string) Planned {
	t.Helper()
	i := slices.IndexFunc(p.Planned, func(e Planned) bool { return e.ID() == id })
	if i < 0 {
		t.Fatalf("no %s in %q, skipped %v", id, ids(p), p.Skipped)
	}
	return p.Planned[i]
}

func ids(p *Plan) (list []string) {
	for _, e := range p.Planned {
		list = append(list, e.ID())
	}
	return list
}

func checkNames(e Planned) (list []string) {
	for _, c := range e.Checks {
		list = append(list, c.Name)
	}
	return list
}

func limitsOf(t *testing.T, e Planned, check string) []string {
	t.Helper()
	i := slices.IndexFunc(e.Checks, func(c PlannedCheck) bool { return c.Name == check })
	if i < 0 {
		t.Fatalf("%s has no check %s: %q", e.ID(), check, checkNames(e))
	}
	var list []string
	for _, l := range e.Checks[i].Limits {
		list = append(list, l.String())
	}
	return list
}

func TestTheExampleIsPlanned(t *testing.T) {
	environment(t)
	p, err := Read("testdata/aftershock.yaml")
	if err != nil {
		t.Fatalf("\n%v", err)
	}
	want := []string{
		"checkout/pods/kill-one", "checkout/pods/kill-third", "checkout/pods/container-kill", "checkout/pods/failure", "checkout/pods/evict",
		"checkout/network/delay", "checkout/slow-payments", "checkout/storm", "ledger/cpu",
	}
	if got := ids(p); !slices.Equal(got, want) || len(p.Skipped) != 0 {
		t.Errorf("planned %q, skipped %v; want %q", got, p.Skipped, want)
	}
	slow := find(t, p, "checkout/slow-payments")
	if f := slow.Faults[0]; f.To != "payments" || f.Callee != p.Find("payments") || f.Spec.(chaosmesh.NetworkDelay).Latency != 500*time.Millisecond || f.Spec.(chaosmesh.NetworkDelay).Jitter != 50*time.Millisecond {
		t.Errorf("fault %+v, want the catalogue's with another latency, narrowed to payments", f)
	}
	if got := limitsOf(t, slow, "answers"); !slices.Equal(got, []string{"downtime <= 3s", "ttr <= 5s", "p95 <= 900ms"}) {
		t.Errorf("limits %q", got)
	}
	storm := find(t, p, "checkout/storm")
	if storm.Title != "checkout/storm" || storm.Place.String() != "testdata/aftershock.yaml:39" || storm.Times.Settle != 5*time.Second {
		t.Errorf("storm %+v", storm)
	}
	if f := storm.Faults[1]; f.Name != "slow" || f.At != 5*time.Second || f.For != 20*time.Second {
		t.Errorf("slow %+v", f)
	}
	if f := storm.Faults[2]; f.When.Autoscaler != ScalingOut || f.Within != 2*time.Minute {
		t.Errorf("again %+v", f)
	}
	if s := slow.Load.Headers.Secrets["Authorization"]; s.Env != "TOKEN" || slow.Load.URL != "http://127.0.0.1:8080/checkout" {
		t.Errorf("load %+v", slow.Load)
	}
	if got := find(t, p, "ledger/cpu"); got.Load != nil || !slices.Equal(got.Signals(), []string{"cpu", SignalTraffic}) {
		t.Errorf("cpu: load %v, signals %q", got.Load, got.Signals())
	}
}

func TestAServiceThatHasEverythingRunsTheWholeCatalogue(t *testing.T) {
	p := planned(t, complete)
	if len(p.Skipped) != 0 {
		t.Errorf("skipped: %v", p.Skipped)
	}
	var want []string
	for _, e := range Catalogue().Experiments {
		want = append(want, "checkout/"+e.ID)
	}
	if got := ids(p); !slices.Equal(got, want) {
		t.Errorf("planned %q, want %q", got, want)
	}
	for _, e := range p.Planned {
		if len(e.Checks) == 0 || !strings.Contains(e.Title, "checkout") || e.Place.String() != "aftershock.yaml:15" || e.Labels()[0] != "checkout" || len(e.Labels()) != 3 {
			t.Errorf("planned %+v", e)
		}
	}
	if got := find(t, p, "checkout/network/partition").Faults[0]; got.To != "payments" {
		t.Errorf("cut off from %q, want the service that is called", got.To)
	}
	if got := find(t, p, "checkout/autoscaling/surge"); got.Expects[0].Name != ExpectAutoscaler || !slices.Equal(got.Expects[0].Limits, autoscalerLimits()) || got.Faults[0].Spec.(Surge).Factor != 10 {
		t.Errorf("%+v", got)
	}
}

func TestWhatAServiceLacksIsSkippedWithTheReason(t *testing.T) {
	for _, row := range []struct{ sentence, old, new, id, why string }{
		{"no autoscaler", "    autoscaler: {}\n", "", "autoscaling/surge", "services[checkout].autoscaler is missing"},
		{"nothing that is called", "    calls: [payments]\n", "", "network/partition", "services[checkout].calls is missing"},
		{"no signal of calls", `    podSignals: {calls: "sum by (pod) (rate(calls_total[5s]))"}` + "\n", "", "network/partition", "services[checkout].podSignals.calls is missing"},
		{"a DaemonSet has no autoscaler", "workload: deployment/checkout", "workload: daemonset/checkout", "autoscaling/surge", "the nodes decide how many pods a DaemonSet has"},
		{"nor does a drain move it", "workload: deployment/checkout", "workload: daemonset/checkout", "disruption/drain", "leaves the pods of a DaemonSet where they are"},
		{"the file skips it", "    suites: [all]\n", "    suites: [all]\n    vary: {pods/evict: {skip: not ours}}\n", "pods/evict", "not ours"},
		{"no load and no traffic", "    load: {url: \"http://127.0.0.1:8080/\", rate: 100/s}\n    websocket: {url: \"ws://127.0.0.1:8080/live\", every: 50ms}\n    checks: [answers, whole]\n", "", "pods/kill-one", "no load and no traffic"},
	} {
		p := changed(t, row.old, row.new)
		i := slices.IndexFunc(p.Skipped, func(s Skipped) bool { return s.ID == "checkout/"+row.id })
		if i < 0 || !strings.Contains(p.Skipped[i].Why, row.why) {
			t.Errorf("%s: skipped %v, want %s with %q", row.sentence, p.Skipped, row.id, row.why)
		}
	}
}

func TestTimes(t *testing.T) {
	const delay = "checkout/network/delay" // holds for 20 s at least
	for _, row := range []struct {
		sentence, times, vary string
		want                  time.Duration
		note                  string
	}{
		{"neither says anything", "{}", "{}", 20 * time.Second, ""},
		{"the file says less", "{hold: 8s}", "{}", 20 * time.Second, "hold is 20s and not 8s, as times.hold says"},
		{"the file says more", "{hold: 30s}", "{}", 30 * time.Second, ""},
		{"the experiment says less", "{hold: 30s}", "{times: {hold: 9s}}", 9 * time.Second, "hold is 9s as the file says, and its effect may not show in less than 20s"},
		{"the experiment says more", "{hold: 30s}", "{times: {hold: 1m}}", time.Minute, ""},
		{"the experiment takes back what it needs", "{hold: 8s}", "{atLeast: null}", 8 * time.Second, ""},
	} {
		p := changed(t, "checks:\n  answers", "times: "+row.times+"\nchecks:\n  answers", "    suites: [all]\n", "    suites: [all]\n    vary: {network/delay: "+row.vary+"}\n")
		e := find(t, p, delay)
		if e.Times.Hold != row.want || len(e.Notes) > 0 && row.note == "" || !strings.Contains(strings.Join(e.Notes, ""), row.note) {
			t.Errorf("%s: hold %s, notes %q; want %s, %q", row.sentence, e.Times.Hold, e.Notes, row.want, row.note)
		}
	}
	if e := find(t, planned(t, complete), "checkout/rollout/restart"); e.Times.Undo != serialUndo || e.Times.Deadline != serialDeadline || e.Times.Settle != defaultSettle || e.Times.Watch != defaultWatch {
		t.Errorf("times %+v, want the defaults, and time for one pod after the other", e.Times)
	}
	for hold, want := range map[string]time.Duration{"20m": serialDeadline, "2h": 0, "2h, deadline: 3h": 3 * time.Hour} {
		p := planned(t, complete+"experiments:\n  long: {service: checkout, times: {hold: "+hold+"}, faults: {restart: {restart: {}}}}\n")
		if e := find(t, p, "checkout/long"); e.Times.Deadline != want {
			t.Errorf("hold: %s: deadline %s, want %s; zero is twice the length of the phases, plus 3m", hold, e.Times.Deadline, want)
		}
	}
}

// What a run of the catalogue's refuses does not refuse the file, which may never run it.
func TestTheFileIsNotRefusedForAnExperimentOfTheCatalogue(t *testing.T) {
	p := changed(t, "checks:\n  answers", "times: {deadline: 100s}\nchecks:\n  answers", "    suites: [all]\n", "    suites: [all]\n    vary: {capacity/sustained: {checks: [answers]}}\n")
	if e := find(t, p, "checkout/autoscaling/surge"); e.Times.Deadline >= e.Times.Settle+e.Times.Hold {
		t.Errorf("times %+v, want a deadline that its run refuses", e.Times)
	}
	if e := find(t, p, "checkout/capacity/sustained"); len(e.Faults) > 0 || !slices.ContainsFunc(e.Checks[0].Limits, steadystate.Limit.OfInjections) {
		t.Errorf("faults %v, limits %v; want a limit that its run refuses", e.Faults, e.Checks[0].Limits)
	}
	find(t, p, "checkout/pods/kill-one")
}

// An experiment cannot drop a limit of the catalogue's. Without a fault it is left out, and
// nothing becomes weaker.
func TestLimitsOfTheCatalogueFromAFaultAreLeftOutWithoutOne(t *testing.T) {
	const (
		note       = `check standard/replicas without its limit "ttr <= 5m": it counts from a fault, and there is none`
		throughout = note + "; check standard/replicas must be good throughout: no other limit bounds its outages"
	)
	for _, row := range []struct{ sentence, with, limits, notes string }{
		{"its only limit: good throughout", "checks: [standard/replicas], faults: {}", "[]", throughout},
		{"beside one that bounds no outage: good throughout", "checks: [standard/replicas], faults: {}, limits: {standard/replicas: [mean >= 90%]}", "[outages <= 0 mean >= 90%]", throughout},
		{"beside one that does", "checks: [standard/replicas], faults: {}, limits: {standard/replicas: [outage <= 5m]}", "[outage <= 5m]", note},
		{"one of several", "checks: [standard/answers], faults: {}", "[downtime <= 5s errors <= 1% p95 <= 2s]", `check standard/answers without its limit "ttr <= 30s": it counts from a fault, and there is none`},
		{"with a fault", "checks: [standard/replicas], faults: {kill: {podKill: {pods: 1}}}", "[ttr <= 5m]", ""},
	} {
		e := find(t, planned(t, complete+"experiments:\n  mine: {service: checkout, "+row.with+"}\n"), "checkout/mine")
		if limits, notes := fmt.Sprint(e.Checks[0].Limits), strings.Join(e.Notes, "; "); limits != row.limits || notes != row.notes {
			t.Errorf("%s: limits %s, notes %q; want %s, %q", row.sentence, limits, notes, row.limits, row.notes)
		}
	}
}

func TestAHeaderMayBeSecretByItsName(t *testing.T) {
	for name, want := range map[string]bool{
		"Authorization": true, "Proxy-Authorization": true, "X-Auth": true, "x-auth-token": true, "PRIVATE-TOKEN": true, "X-Client-Secret": true,
		"X-Password": true, "X-Passwd": true, "Cookie": true, "Set-Cookie": true, "X-ApiKey": true, "X-API-Key": true, "X-Access-Key-Id": true,
		"X-Private-Key": true, "Ocp-Apim-Subscription-Key": true, "api_key": true, "Access__Key": true,
		"": false, "Key": false, "Idempotency-Key": false, "Sec-WebSocket-Key": false, "Surrogate-Key": false, "X-Author": false, "X-Authority": false,
		"X-Api-Version-Key": false, "X-Keyboard": false, "Tokens": false, "Accept": false, "X-Api": false,
	} {
		if got, schema := mayBeSecret(name), regexp.MustCompile(secretHeaders()).MatchString(name); got != want || schema != want {
			t.Errorf("%q: %v, and by the schema %v; want %v", name, got, schema, want)
		}
	}
}

func TestAnExperimentIsFromAnother(t *testing.T) {
	p := planned(t, complete+`experiments:
  slower:
    from: slow
    service: checkout
    limits: {answers: [ttr <= 4s]}
  slow:
    from: network/delay
    service: checkout
    faults: {delay: {networkDelay: {latency: 500ms, jitter: null}}}
    limits: {answers: [p95 <= 900ms]}
  lost:
    from: slower
    faults: {delay: {networkDelay: null, networkLoss: {pods: 50%, packets: 10%}}}
    extraChecks: [rollout/complete]
    load: {rate: 10/s}
`)
	slower := find(t, p, "checkout/slower")
	if d := slower.Faults[0].Spec.(chaosmesh.NetworkDelay); d.Latency != 500*time.Millisecond || d.Jitter != 0 || d.Count != "all" {
		t.Errorf("delay %+v", d)
	}
	if got := limitsOf(t, slower, "answers"); !slices.Equal(got, []string{"downtime <= 3s", "ttr <= 4s", "p95 <= 900ms"}) {
		t.Errorf("limits %q", got)
	}
	if slower.Suite != "" || slower.Title != "checkout on a slow network" || slower.Times.Hold != 20*time.Second {
		t.Errorf("%+v", slower)
	}
	lost := find(t, p, "checkout/lost")
	if l, ok := lost.Faults[0].Spec.(chaosmesh.NetworkLoss); !ok || l.Count != "50%" || l.Packets != 0.1 || lost.Faults[0].Kind != "networkLoss" {
		t.Errorf("fault %+v", lost.Faults[0])
	}
	if got := checkNames(lost); !slices.Equal(got, []string{"answers", "whole", "rollout/complete"}) {
		t.Errorf("checks %q", got)
	}
	if lost.Load.URL != "http://127.0.0.1:8080/" || lost.Load.Shape.String() != "10/s" || slower.Load.Shape.String() != "100/s" {
		t.Errorf("load %s, want the service's at another rate", lost.Load)
	}
	if got := limitsOf(t, find(t, p, "checkout/network/delay"), "answers"); !slices.Equal(got, []string{"downtime <= 3s", "ttr <= 5s"}) {
		t.Errorf("limits of the one that it is from: %q", got)
	}
}

func TestChecks(t *testing.T) {
	p := changed(t, "    checks: [answers, whole]\n", "", "checks:\n  answers", "checks:\n  standard/answers: {allowed: 0%, limits: [p95 <= 700ms]}\n  capacity/p95: {query: \"max(up{ {{.Series}}})\"}\n  answers")
	e := find(t, p, "checkout/pods/kill-one")
	if got := checkNames(e); !slices.Equal(got, []string{"standard/answers", "standard/replicas"}) {
		t.Errorf("checks %q, want the catalogue's for a service that names none", got)
	}
	if got := limitsOf(t, e, "standard/answers"); !slices.Equal(got, []string{"downtime <= 5s", "ttr <= 30s", "errors <= 1%", "p95 <= 700ms"}) || e.Checks[0].Allowed != 0 || e.Checks[0].Good.String() != "<= 2s" {
		t.Errorf("%+v, want the catalogue's with the patch", e.Checks[0])
	}
	if e.Checks[0].Place.String() != "aftershock.yaml:6" || e.Checks[1].Place.String() != "catalog/checks.yaml:8" {
		t.Errorf("places %s, %s", e.Checks[0].Place, e.Checks[1].Place)
	}
	for _, c := range find(t, p, "checkout/capacity/sustained").Checks {
		if c.Name == "capacity/p95" && (c.Query.Text != "max(up{ {{.Series}}})" || c.Signal != c.Name || c.Query.Every != time.Second) {
			t.Errorf("%+v", c)
		}
	}
	if got := limitsOf(t, find(t, p, "checkout/rollout/bad-image"), "standard/answers"); !slices.Contains(got, "errors <= 0%") || slices.Contains(got, "errors <= 1%") {
		t.Errorf("limits %q, want none lost: it is the suite's limit on the signal", got)
	}
}

func TestTheCatalogueLeavesOutChecksThatAServiceCannotHave(t *testing.T) {
	p := changed(t, "    websocket: {url: \"ws://127.0.0.1:8080/live\", every: 50ms}\n", "")
	e := find(t, p, "checkout/capacity/sustained")
	if slices.Contains(checkNames(e), "capacity/websocket") || !slices.ContainsFunc(e.Notes, func(n string) bool { return strings.Contains(n, "without check capacity/websocket") }) {
		t.Errorf("checks %q, notes %q", checkNames(e), e.Notes)
	}
	p = changed(t, "    checks: [answers, whole]\n", "    checks: [whole]\n")
	e = find(t, p, "checkout/disruption/drain")
	if !slices.ContainsFunc(e.Notes, func(n string) bool { return strings.Contains(n, "signal requests") }) {
		t.Errorf("notes %q, want that its limit is on no check", e.Notes)
	}
}

func TestHash(t *testing.T) {
	const suites = "    suites: [all]\n"
	hash := func(oldNew ...string) string { return find(t, changed(t, oldNew...), "checkout/network/delay").Hash }
	base := hash()
	if !regexp.MustCompile(`^[0-9a-f]{12}$`).MatchString(base) {
		t.Errorf("hash %q", base)
	}
	vary := func(patch string) string { return hash(suites, suites+"    vary: {network/delay: "+patch+"}\n") }
	for sentence, same := range map[string]string{
		"another URL":         hash("8080/\"", "8081/\""),
		"another limit":       hash("ttr <= 5s", "ttr <= 6s"),
		"another cluster":     hash("0b1c", "0b1d"),
		"another line":        hash("checks:\n", "\n\nchecks:\n"),
		"another title":       vary("{title: slow}"),
		"a suite beside":      hash("    suites: [all]", "    suites: [network]"),
		"another service":     hash("workload: deployment/payments", "workload: deployment/bills"),
		"what is its default": vary("{times: {hold: 20s}}"),
	} {
		if same != base {
			t.Errorf("%s: another hash", sentence)
		}
	}
	for sentence, other := range map[string]string{
		"another rate":            hash("rate: 100/s", "rate: 200/s"),
		"another latency":         vary("{faults: {delay: {networkDelay: {latency: 1s}}}}"),
		"another time":            vary("{times: {hold: 21s}}"),
		"another schedule":        vary("{faults: {delay: {for: 5s}}}"),
		"narrowed to a service":   vary("{faults: {delay: {networkDelay: {to: payments}}}}"),
		"what counts as good":     hash("good: value <= 1s", "good: value <= 2s"),
		"what is allowed":         hash("allowed: 0.1%", "allowed: 0.2%"),
		"a check more":            vary("{extraChecks: [rollout/complete]}"),
		"an expectation":          vary("{expects: [autoscaler]}"),
		"what makes it a success": hash("rate: 100/s}", "rate: 100/s, success: {status: [200]}}"),
	} {
		if other == base {
			t.Errorf("%s: the same hash", sentence)
		}
	}
}

func TestAnExperimentRemovesAFieldOfTheServicesLoad(t *testing.T) {
	p := changed(t, "rate: 100/s}", "rate: 100/s, method: POST}", "    suites: [all]\n", "    suites: [all]\n    vary: {pods/kill-one: {load: {method: null, timeout: 5s}}}\n")
	if e := find(t, p, "checkout/pods/kill-one"); e.Load.Method != "" || e.Load.Timeout != 5*time.Second || p.Find("checkout").Load.Method != "POST" {
		t.Errorf("load %s", e.Load)
	}
}

func TestPathsAreRelativeToTheFile(t *testing.T) {
	directory := t.TempDir()
	text := strings.ReplaceAll(complete, `url: "http://127.0.0.1:8080/", rate`, `targets: shop.txt, headerFiles: [h.txt], bodyFile: /bodies/cart, headers: {X-Key: {file: key}}, rate`)
	path := filepath.Join(directory, "aftershock.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	h := p.Planned[0].Load
	if h.Targets != filepath.Join(directory, "shop.txt") || h.Headers.Files[0] != filepath.Join(directory, "h.txt") || h.BodyFile != "/bodies/cart" || h.Headers.Secrets["X-Key"].File != filepath.Join(directory, "key") {
		t.Errorf("load %+v", h)
	}
}

func TestANamedFileThatIsNotThere(t *testing.T) {
	if _, err := Read(filepath.Join(t.TempDir(), "aftershock.yaml")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v", err)
	}
}

// Each kind has an example, a line of the file, with which other packages test it too.
func TestEachKindOfFaultIsDecoded(t *testing.T) {
	text, err := os.ReadFile("testdata/faults.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for line := range strings.Lines(string(text)) {
		kind, _, _ := strings.Cut(line, ":")
		kinds = append(kinds, kind)
		p := planned(t, complete+fmt.Sprintf("experiments:\n  own: {service: checkout, faults: {it: {%s}}}\n", strings.TrimSpace(line)))
		f := find(t, p, "checkout/own").Faults[0]
		if f.Kind != kind || f.Spec == nil || f.Name != "it" || f.Place.Line == 0 {
			t.Errorf("%s: %+v", kind, f)
		}
	}
	if !slices.Equal(kinds, FaultKinds()) {
		t.Errorf("testdata/faults.yaml has %v, want %v", kinds, FaultKinds())
	}
}

// The duration of an object in Chaos Mesh's own YAML does not count. That is said where it
// would have made a difference.
func TestTheDurationOfAnObjectIsNoted(t *testing.T) {
	for _, row := range []struct{ sentence, spec, times, want string }{
		{"none", "action: pod-failure", "", ""},
		{"another than the hold time", "action: pod-failure, duration: 90s", "", "fault own: spec.duration 1m30s is ignored, it is held for 10s; to change that write for: 1m30s"},
		{"another than the fault's own time", "action: pod-failure, duration: 90s", ", for: 20s", "fault own: spec.duration 1m30s is ignored, it is held for 20s; to change that write for: 1m30s"},
		{"the same", "action: pod-failure, duration: 90s", ", for: 1m30s", ""},
		{"of what is over at once", "action: pod-kill, duration: 90s", "", ""},
	} {
		object := "apiVersion: chaos-mesh.org/v1alpha1\nkind: PodChaos\nmetadata: {name: a, namespace: shop}\nspec: {" + row.spec + ", mode: one, selector: {labelSelectors: {app: checkout}}}"
		p := planned(t, complete+fmt.Sprintf("experiments:\n  mine: {service: checkout, faults: {own: {chaosMesh: {yaml: %q}%s}}}\n", object, row.times))
		if got := strings.Join(find(t, p, "checkout/mine").Notes, "; "); got != row.want {
			t.Errorf("%s: %q, want %q", row.sentence, got, row.want)
		}
	}
}

// The parser's time is the square of how deep a query is.
func TestAQueryHasALimitedLength(t *testing.T) {
	for name, text := range map[string]string{
		"deep": strings.Repeat("sum(", 1<<17) + "up" + strings.Repeat(")", 1<<17), "of placeholders": strings.Repeat("{{.Series}}", 1<<17),
	} {
		if _, err := (Query{Text: text}).Parse(Subject{}); err == nil || !strings.Contains(err.Error(), "want at most 8192") {
			t.Errorf("%s: error %.200v", name, err)
		}
	}
}

func TestTheFileItselfIsExpanded(t *testing.T) {
	environment(t)
	t.Setenv("LIMIT", "9s")
	t.Setenv("REUSE", "true")
	p := changed(t, "ttr <= 5s", "\"ttr <= ${LIMIT}\"", "rate: 100/s", "reuse: \"${REUSE}\", method: \"$$\", rate: 100/s")
	e := p.Planned[0]
	if got := e.Checks[0].Limits[1]; got != steadystate.MustParseLimit("ttr <= 9s") || !e.Load.Reuse || e.Load.Method != "$" {
		t.Errorf("limit %s, load %+v", got, e.Load)
	}
}

// limited is a service whose check "bare" has no limits.
const limited = `apiVersion: aftershock/v1
cluster: {uid: 0b1c}
allow: {namespaces: [shop]}
checks:
  answers: {signal: requests, good: value <= 1s, limits: [downtime <= 3s, p95 <= 500ms]}
  bare: {signal: requests, good: value <= 1s}
services:
  checkout: {namespace: shop, workload: deployment/checkout, load: {url: "http://checkout.example/"}, checks: [answers, bare], suites: [rollout/restart]}
experiments:
`

func TestMergedLimitsLoseNone(t *testing.T) {
	for _, row := range []struct{ sentence, said, want string }{
		{"none are said", "{}", "answers: downtime <= 3s, p95 <= 500ms; bare: "},
		{"a limit on values leaves good throughout", "{bare: [p95 <= 2s]}", "answers: downtime <= 3s, p95 <= 500ms; bare: outages <= 0, p95 <= 2s"},
		{"so it does on the signal", "{signal requests: [p95 <= 2s]}", "answers: downtime <= 3s, p95 <= 2s; bare: outages <= 0, p95 <= 2s"},
		{"one on outages takes its place", "{bare: [outage <= 2s]}", "answers: downtime <= 3s, p95 <= 500ms; bare: outage <= 2s"},
		{"the same of a check and of its signal agree", "{answers: [p95 <= 2s], signal requests: [p95 <= 2s]}", "answers: downtime <= 3s, p95 <= 2s; bare: outages <= 0, p95 <= 2s"},
	} {
		plan := must(t, limited+"  kill: {faults: {kill: {podKill: {pods: 1}}}, limits: "+row.said+"}\n")
		if got := allLimits(plan.Planned[1]); got != row.want {
			t.Errorf("%s: %s, want %s", row.sentence, got, row.want)
		}
	}
	catalogue := "answers: downtime <= 3s, p95 <= 500ms, errors <= 0%; bare: outages <= 0, errors <= 0%; rollout/complete: ttr <= 5m"
	if got := allLimits(must(t, limited).Planned[0]); got != catalogue {
		t.Errorf("the catalogue's: %s, want %s", got, catalogue)
	}
	varied := strings.Replace(limited, "suites:", "vary: {rollout/restart: {limits: {answers: [errors <= 1%]}}}, suites:", 1)
	if got, want := allLimits(must(t, varied).Planned[0]), strings.Replace(catalogue, "errors <= 0%", "errors <= 1%", 1); got != want {
		t.Errorf("a check by its name, over the catalogue's on its signal: %s, want %s", got, want)
	}
}

func allLimits(p Planned) string {
	var all []string
	for _, c := range p.Checks {
		var limits []string
		for _, l := range c.Limits {
			limits = append(limits, l.String())
		}
		all = append(all, c.Name+": "+strings.Join(limits, ", "))
	}
	return strings.Join(all, "; ")
}

// Each limit has the line on which a reader of the file finds it: one of the
// catalogue's, where the file asks for it.
func TestEachLimitHasAPlace(t *testing.T) {
	p := planned(t, complete)
	lines := strings.Split(complete, "\n")
	on := map[string]int{}
	for _, e := range p.Planned {
		for _, c := range e.Checks {
			for _, l := range c.Limits {
				at, ok := e.Places[record.PlaceKey(c.Name, l.String())]
				if !ok || at.File != "aftershock.yaml" || at.Line < 1 || at.Line > len(lines) {
					t.Fatalf("%s: %s: %s has the place %v", e.ID(), c.Name, l, at)
				}
				on[c.Name+": "+l.String()] = at.Line
			}
		}
		for _, x := range e.Expects {
			for _, text := range x.Limits {
				if at, ok := e.Places[record.PlaceKey(x.Name, text)]; !ok || !strings.Contains(lines[at.Line-1], "autoscaler: {}") && !strings.Contains(lines[at.Line-1], "suites: [all]") {
					t.Errorf("%s: %s: %s has the place %v", e.ID(), x.Name, text, at)
				}
			}
		}
	}
	for limit, want := range map[string]string{"answers: downtime <= 3s": "answers: {", "answers: ttr <= 5s": "answers: {", "whole: ttr <= 1m": "whole: {"} {
		if line := on[limit]; line == 0 || !strings.Contains(lines[line-1], want) {
			t.Errorf("%s is on line %d", limit, line)
		}
	}
}
