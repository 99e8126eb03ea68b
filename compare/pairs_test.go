package compare

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/reports/results"
)

// One who looks after each of 100 pairs and stops at the first verdict errs as seldom as
// the levels say, whatever the shapes; bounds are three standard deviations of what is
// drawn above those.
func TestPairsErrAsSeldomAsTheySay(t *testing.T) {
	usual, limit := times{median: 2, spread: 0.2}, bound{seconds: 6}
	for _, row := range []struct {
		sentence                                     string
		of, baseline                                 times
		drift                                        float64 // by which both are longer in the last pair
		leastHeld, mostHeld, leastBroken, mostBroken float64
	}{
		{"equal builds", usual, usual, 0, 0.95, 1, 0, 0.05},
		{"equal builds, both of which become thrice as slow", times{median: 1, spread: 0.2}, times{median: 1, spread: 0.2}, 3, 0.95, 1, 0, 0.05},
		{"half as slow again", times{median: 3, spread: 0.2}, usual, 0, 0, 0.01, 0.9, 1},
		{"at the margin", times{median: 2.5, spread: 0.2}, usual, 0, 0, 0.05, 0, 0.025},
		{"at the margin, spread thrice as much", times{median: 2.5, spread: 0.6}, usual, 0, 0, 0.05, 0, 0.05},
		{"at the margin, of which one in ten was not seen", times{median: 2.5, spread: 0.2, unseen: 0.1}, usual, 0, 0, 0.05, 0, 0.025},
		{"a tenth beyond the limit, the margin", times{median: 2, spread: 0.2, other: 8, share: 0.1}, usual, 0, 0, 0.05, 0, 0.025},
		{"a third four times as slow", times{median: 2, spread: 0.2, other: 8, share: 0.34}, usual, 0, 0, 0.05, 0.9, 1},
		{"no outage at all", times{}, times{}, 0, 1, 1, 0, 0},
		{"nothing was seen", times{unseen: 1}, times{unseen: 1}, 0, 0, 0, 0, 0},
	} {
		random := rand.New(rand.NewPCG(2026, 50))
		count := map[string]float64{}
		for range *drawnPairs {
			at := 0
			count[stopped(func() pair {
				at++
				by := math.Pow(max(1, row.drift), float64(at)/100)
				return pair{scaled(row.of.draw(random, 1)[0], by), scaled(row.baseline.draw(random, 1)[0], by)}
			}, 100, limit)] += 1 / float64(*drawnPairs)
		}
		rates(t, row.sentence, count, row.leastHeld, row.mostHeld, row.leastBroken, row.mostBroken)
	}
}

// Pairs are of runs that were next to each other, one of each experiment.
func TestWhatIsAPair(t *testing.T) {
	for _, row := range []struct {
		sentence, order string // a letter a minute; small: ended before its fault; a dot: two hours
		want            string
		unpaired        int
		inTurn          bool
	}{
		{"ABBA", "ABBA", "A0B1 A3B2", 0, true},
		{"the last has no partner", "ABA", "A0B1", 1, true},
		{"one after the other", "AABB", "A1B2", 2, true},
		{"a run in the middle is missing", "ABBBAAB", "A0B1 A4B3 A5B6", 1, true},
		{"a person ended one of a pair before its fault", "AbBA", "A0B2", 1, true},
		{"a partner on another day", "A.BAAB", "A3B2 A4B5", 1, true},
		{"the same first, of few", "ABABABABAB", "A0B1 A2B3 A4B5 A6B7 A8B9", 0, true},
		{"the same first, of many", "ABABABABABAB", "A0B1 A2B3 A4B5 A6B7 A8B9 A10B11", 0, false},
		{"nothing", "", "", 0, true},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			var a, b []results.Result
			at := time.Unix(0, 0)
			for i, letter := range row.order {
				at = at.Add(time.Minute)
				name := strings.ToUpper(string(letter))
				r := results.Result{Experiment: name, Run: results.Run{ID: fmt.Sprint(name, i), Started: at, End: "completed"}}
				if name != string(letter) {
					r.Run.End = "interrupted"
				}
				switch name {
				case "A":
					a = append(a, r)
				case "B":
					b = append(b, r)
				default:
					at = at.Add(2 * time.Hour)
				}
			}
			p := pairUp(a, b)
			var got []string
			for i := range p.of {
				got = append(got, p.of[i].Run.ID+p.baseline[i].Run.ID)
			}
			if text := strings.Join(got, " "); text != row.want || p.unpaired != row.unpaired {
				t.Errorf("%q and %d alone, want %q and %d", text, p.unpaired, row.want, row.unpaired)
			}
			if err := p.inTurn("A", "B"); (err == nil) != row.inTurn {
				t.Errorf("in turn: %v", err)
			}
		})
	}
}

// Two tests of two services are one test if all but the services is the same.
func TestWhatIsTheSameTest(t *testing.T) {
	of := func(version string, change func(*results.Result)) results.Result {
		r := results.Result{
			Experiment: version + "/pods/kill-one", Service: version, Load: "requests at 100/s, GET http://" + version + ".example/, timeout 2s",
			Workload:   &results.Workload{Subject: "deployment/shop/" + version},
			Injections: []results.Injection{{Fault: "kill 1 of the pods app=" + version + " in shop"}},
			Findings:   []results.Finding{{Check: "answers", Limit: results.Limit{Text: "ttr <= 5s"}}},
			Checks:     []results.Check{{Check: "answers", Good: results.Good{Text: "<= 1s", Operator: "<=", Value: 1}}},
		}
		if change != nil {
			change(&r)
		}
		return r
	}
	old := of("checkout-v1", nil)
	for what, change := range map[string]func(*results.Result){
		"":           nil,
		"experiment": func(r *results.Result) { r.Experiment = "checkout-v2/pods/kill-third" },
		"load":       func(r *results.Result) { r.Load = strings.Replace(r.Load, "100/s", "50/s", 1) },
		"faults":     func(r *results.Result) { r.Injections[0].Fault = "kill 2 of the pods app=checkout-v2 in shop" },
		"limits":     func(r *results.Result) { r.Findings[0].Limit.Text = "ttr <= 9s" },
		"checks":     func(r *results.Result) { r.Checks[0].Good.Text = "<= 2s" },
	} {
		got, _, _ := strings.Cut(sameTest(of("checkout-v2", change), old), ":")
		if got != what {
			t.Errorf("%q differs, want %q", got, what)
		}
	}
}

// What a decision says of how often it errs is of pairs as they were: what drifts hits
// both of a pair.
func TestDriftDoesNotHideWhatPairsShow(t *testing.T) {
	random := rand.New(rand.NewPCG(9, 50))
	var list []pair
	for i := range 60 {
		by := math.Pow(10, float64(i)/60)
		list = append(list, pair{scaled(times{median: 1, spread: 0.1}.draw(random, 1)[0], by), scaled(times{median: 1, spread: 0.1}.draw(random, 1)[0], by)})
	}
	if p := pairsOf(list, bound{seconds: 60}); p.Verdict != held || p.EqualHeld < 0.9 || p.SlowerBroken < 0.9 || p.MorePairs != 0 {
		t.Errorf("pairs that become ten times as slow: %+v", p)
	}
	var unseen []pair
	for range 100 {
		unseen = append(unseen, pair{anything, anything})
	}
	if p := pairsOf(unseen, bound{seconds: 60}); p.Verdict != unknown || p.MorePairs < 1000 {
		t.Errorf("pairs of which nothing was seen: %+v", p)
	}
}
