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
		t.Logf("%-52s  held %6.2f%%  broken %6.2f%%  unknown %6.2f%%", row.sentence, 100*count[held], 100*count[broken], 100*count[unknown])
		chance := func(p float64) float64 { return 3*math.Sqrt(p*(1-p)/float64(*drawnPairs)) + 1e-9 }
		for _, of := range []struct {
			verdict     string
			least, most float64
		}{{held, row.leastHeld, row.mostHeld}, {broken, row.leastBroken, row.mostBroken}} {
			if got := count[of.verdict]; got < of.least-chance(of.least) || got > of.most+chance(of.most) {
				t.Errorf("%s: %s in %.3f, want %.3f to %.3f", row.sentence, of.verdict, got, of.least, of.most)
			}
		}
	}
}

// Pairs are of runs that were next to each other, one of each experiment.
func TestWhatIsAPair(t *testing.T) {
	run := func(i int, name, end string) results.Result {
		r := results.Result{Experiment: name, PlanHash: "plan of " + name}
		r.Run = results.Run{ID: fmt.Sprint(name, i), Started: time.Unix(int64(60*i), 0), End: end}
		return r
	}
	for _, row := range []struct {
		sentence, order, want string
	}{
		{"ABBA", "ABBA", "A0B1 A3B2"},
		{"the last has no partner", "ABA", "A0B1"},
		{"one after the other", "AABB", "A0 and A1 are both of A"},
		{"a run is missing", "ABABBAA", "A5B4"},
		{"a person ended one of a pair", "AbBA", "A3B2"},
		{"nothing", "", ""},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			var a, b []results.Result
			for i, name := range strings.Split(row.order, "") {
				end := "completed"
				if strings.ToLower(name) == name {
					end = "interrupted"
				}
				switch name = strings.ToUpper(name); name {
				case "A":
					a = append(a, run(i, name, end))
				case "B":
					b = append(b, run(i, name, end))
				}
			}
			as, bs, err := pairUp(a, b)
			var got []string
			for i := range as {
				got = append(got, as[i].Run.ID+bs[i].Run.ID)
			}
			if err != nil {
				got = []string{err.Error()}
			}
			if text := strings.Join(got, " "); !strings.Contains(text, row.want) || row.want == "" && text != "" {
				t.Errorf("%q, want %q", text, row.want)
			}
		})
	}
}
