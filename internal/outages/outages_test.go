package main

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// A row passes only if its run ended as it may, with every proof of what held, with
// nothing left and a report that names the outage.
func TestOnlyWhatIsRightPasses(t *testing.T) {
	fine := row{name: "a", fault: "kill", phase: record.PhaseHold, ends: []int{0, 3}, says: "away"}
	stepped := fine
	stepped.outage = clockBy(90)
	gated, undone := fine, fine
	gated.outage = slow
	undone.outage, undone.phase = manyAtDelete, record.PhaseRecover
	held := result{Row: "a/kill", Began: "hold", From: "hold +1.0s", Verdict: steadystate.Held.String(), Proven: true, Held: 5, Proofs: 5, Says: "it was away"}
	for _, c := range []struct {
		sentence string
		row      row
		change   func(*result)
		want     string
	}{
		{"held with every proof", fine, func(*result) {}, ""},
		{"held with a proof that was not", fine, func(r *result) { r.Held = 4 }, "held with 4 of 5 proofs"},
		{"held with a caveat", fine, func(r *result) { r.Proven = false }, "held with 5 of 5 proofs"},
		{"held without any proof", fine, func(r *result) { r.Held, r.Proofs = 0, 0 }, "held with 0 of 0 proofs"},
		{"another end", fine, func(r *result) { r.Code, r.Recorded = 1, 1 }, "ended with 1, want one of [0 3]"},
		{"a record that says otherwise", fine, func(r *result) { r.Code = 3 }, "ended with 3, and its record says 0"},
		{"in another phase", fine, func(r *result) { r.Began, r.From = "watch", "watch +0.1s" }, "began in watch +0.1s, and was to begin in hold"},
		{"a crash", fine, func(r *result) { r.Printed = "panic: nil map" }, "it crashed"},
		{"a report that says nothing of it", fine, func(r *result) { r.Says, r.Verdict, r.Code, r.Recorded = "", steadystate.Unknown.String(), 3, 3 }, "does not name the outage"},
		{"held with every proof, and nothing to say", fine, func(r *result) { r.Says = "" }, ""},
		{"held with every proof, and a clock that was not stepped", stepped, func(r *result) { r.Says = "" }, "does not name the outage"},
		{"held with every proof, and a clock that was", stepped, func(*result) {}, ""},
		{"no request met the gate", gated, func(*result) {}, "no request to Prometheus met the outage"},
		{"one did", gated, func(r *result) { r.Met = 1 }, ""},
		{"the fault was deleted before the gate was shut", undone, func(r *result) { r.Began, r.Met = record.PhaseRecover, 7 }, "no delete of a fault met the outage"},
		{"the delete met the gate", undone, func(r *result) { r.Began, r.Met, r.Deletes = record.PhaseRecover, 7, 1 }, ""},
		{"something left", fine, func(r *result) { r.Left = []string{"Lease a/b"} }, "left: Lease a/b"},
		{"no record", fine, func(r *result) { r.Problem = "the record has no beginning" }, "no beginning"},
		{"left, and swept", row{phase: record.PhaseHold, ends: []int{0}, remover: bySweep}, func(r *result) { r.Left = []string{"Lease a/b"} }, ""},
		{"left by the sweep", row{phase: record.PhaseHold, ends: []int{0}, remover: bySweep}, func(r *result) { r.Left, r.Still = []string{"a"}, []string{"a"} }, "left after aftershock sweep: a"},
		{"refused, as it must be", row{ends: []int{3}, says: "away", untouched: true}, func(r *result) { *r = result{Code: 3, Says: "away"} }, ""},
	} {
		got := held
		c.change(&got)
		if wrong := strings.Join(got.wrong(c.row), "; "); (wrong == "") != (c.want == "") || !strings.Contains(wrong, c.want) {
			t.Errorf("%s: %q, want %q", c.sentence, wrong, c.want)
		}
	}
}

// The last result of a row counts, and a row that was not tried has not passed.
func TestTheTableIsWhole(t *testing.T) {
	all := []row{{name: "a", fault: "kill", ends: []int{3}, untouched: true}, {name: "b", fault: "kill"}}
	var out strings.Builder
	err := table(&out, all, []result{{Row: "a/kill", Code: 5}, {Row: "a/kill", Code: 3}})
	if err == nil || err.Error() != "b/kill: not tried" || !strings.Contains(out.String(), "1 of 2 rows tried, 0 wrong") {
		t.Errorf("%v: %s", err, &out)
	}
	if err := table(&out, all[:1], []result{{Row: "a/kill", Code: 3}, {Row: "a/kill", Code: 5}}); err == nil || !strings.Contains(err.Error(), "ended with 5") {
		t.Error(err)
	}
}

// Rows have names of their own, and each states its ends and what the report must
// say.
func TestEachRowStatesWhatIsRight(t *testing.T) {
	var ids []string
	for _, r := range rows() {
		if len(r.ends) == 0 || faultTexts[r.fault] == "" || r.begin == nil || r.end == nil || (r.through == apiServer && r.phase == record.PhaseRecover && r.arm == nil) || (r.says == "") != (r.name == "none") {
			t.Errorf("%s does not say what is right", r.id())
		}
		if slices.Contains(r.ends, 5) != (r.remover != "") {
			t.Errorf("%s: what ends with 5 leaves something, and nothing else does", r.id())
		}
		ids = append(ids, r.id())
	}
	if slices.Sort(ids); len(slices.Compact(slices.Clone(ids))) != len(ids) {
		t.Errorf("two rows have one name: %v", ids)
	}
}

// passing is a server that answers everything.
type passing struct{}

func (passing) RoundTrip(r *http.Request) (*http.Response, error) {
	return answer(r, http.StatusOK, http.Header{}, nil), nil
}

// A gate counts what it does not pass on. One that is armed shuts with the first delete
// of a fault, and once only.
func TestAGateCountsWhatItDoesNotPassOn(t *testing.T) {
	const leases, faults = "https://lab/apis/coordination.k8s.io/v1/namespaces/a/leases/b", "https://lab/apis/chaos-mesh.org/v1alpha1/namespaces/a/networkchaos/b"
	g := &gate{RoundTripper: passing{}}
	for i, step := range []struct {
		sentence     string
		before       func()
		method, url  string
		code         int
		met, deletes int
	}{
		{"it passes on", func() {}, http.MethodGet, leases, 200, 0, 0},
		{"also deletes", func() {}, http.MethodDelete, faults, 200, 0, 0},
		{"armed, it passes on", func() { g.arm(tooMany) }, http.MethodGet, faults, 200, 0, 0},
		{"what is no fault may be deleted", func() {}, http.MethodDelete, leases, 200, 0, 0},
		{"a dry run deletes nothing", func() {}, http.MethodDelete, faults + "?dryRun=All", 200, 0, 0},
		{"the delete shuts it", func() {}, http.MethodDelete, faults, 429, 1, 1},
		{"for everything", func() {}, http.MethodGet, leases, 429, 2, 1},
		{"also if the outage begins", func() { g.set(tooMany) }, http.MethodDelete, faults, 429, 3, 2},
		{"until it ends", func() { g.set(nil) }, http.MethodDelete, faults, 200, 3, 2},
	} {
		step.before()
		response, err := g.RoundTrip(httptest.NewRequest(step.method, step.url, nil))
		if err != nil {
			t.Fatal(err)
		}
		if err := response.Body.Close(); err != nil {
			t.Fatal(err)
		}
		if met, deletes := g.counts(); response.StatusCode != step.code || met != step.met || deletes != step.deletes {
			t.Errorf("step %d, %s: %d, met %d, deletes %d", i, step.sentence, response.StatusCode, met, deletes)
		}
	}
}

// A clock that was stepped is told by the note at the end of the run, in its direction.
func TestAStepOfTheClockIsTold(t *testing.T) {
	const ahead, back = "prometheus, at the end: its clock is 1m29.9997s behind this machine's, ±1.93ms", "prometheus, at the end: its clock is 1m30.0003s ahead of this machine's, ±1.93ms"
	for _, c := range []struct {
		sentence, name, note string
		told                 bool
	}{
		{"ahead", "clock 90 s ahead", ahead, true},
		{"back", "clock 90 s back", back, true},
		{"the other way", "clock 90 s ahead", back, false},
		{"not at all", "clock 90 s ahead", "prometheus, at the end: its clock is 300µs behind this machine's, ±1.93ms", false},
		{"before it was stepped", "clock 90 s ahead", strings.Replace(ahead, "end", "beginning", 1), false},
	} {
		i := slices.IndexFunc(rows(), func(r row) bool { return r.name == c.name })
		if told := sentence(rows()[i].says, c.note) != ""; told != c.told {
			t.Errorf("%s: told %t", c.sentence, told)
		}
	}
}

// An outage is dated by the phases of the record.
func TestATimeIsToldByThePhases(t *testing.T) {
	list := []record.Entry{
		{Header: &record.Header{}},
		{At: time.Second, Phase: record.PhaseSettle},
		{At: 4 * time.Second, Phase: record.PhaseHold},
	}
	for at, want := range map[time.Duration]string{500 * time.Millisecond: "before +0.5s", 3 * time.Second: "settle +2.0s", 6 * time.Second: "hold +2.0s"} {
		if got := within(list, at); got != want {
			t.Errorf("%s is %q, want %q", at, got, want)
		}
	}
}
