package autoscaling_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/steadystate"
)

// A controlled pod is one as an autoscaler's controller sees it.
type controlled struct {
	ready    int // the look from which on it is ready
	measured int // and from which on there is a metric that counts
}

// controller plays one that scales by CPU, 50 % of the request, by the rules of
// https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#algorithm-details
type controller struct {
	random *rand.Rand
	pods   []controlled
	want   int
	// hasty ones forget the pods that they set aside.
	hasty bool
}

const (
	controllerTarget    = 50
	controllerTolerance = 0.1
	controllerMax       = 20
)

// look is what the controller makes of a look at its pods, each of which uses
// so much of its request: the metric that it tells, "-" if none counts, and how
// many pods it wants.
func (c *controller) look(now int, use float64) (metric string, want int) {
	measured, aside, missing := 0, 0, 0
	for _, p := range c.pods {
		switch {
		case c.random.IntN(10) == 0: // metrics-server has lost it for once
			missing++
		case now >= p.measured:
			measured++
		case now >= p.ready || c.random.IntN(2) == 0: // of before it was ready
			aside++
		default:
			missing++
		}
	}
	if measured == 0 {
		return "-", c.want
	}
	told := int(use * float64(80+c.random.IntN(41)) / 100)
	ratio := float64(told) / controllerTarget
	within := func(r float64) bool { return 1-controllerTolerance <= r && r <= 1+controllerTolerance }
	sized := func(r float64, n int) int { return min(controllerMax, max(2, int(math.Ceil(r*float64(n))))) }
	if c.hasty || ((aside == 0 || ratio <= 1) && missing == 0) {
		if within(ratio) {
			return fmt.Sprint(told), c.want
		}
		return fmt.Sprint(told), sized(ratio, measured)
	}
	counted, used := measured, ratio*float64(measured)
	switch {
	case ratio > 1:
		counted += aside + missing
	case ratio < 1:
		counted, used = counted+missing, used+float64(missing)*100/controllerTarget
	}
	again := used / float64(counted)
	if within(again) || (again > 1) != (ratio > 1) {
		return fmt.Sprint(told), c.want
	}
	if n := sized(again, counted); (again > 1) == (n > c.want) {
		return fmt.Sprint(told), n
	}
	return fmt.Sprint(told), c.want
}

// act creates and removes pods until there are as many as it wants, or as many
// as there may be.
func (c *controller) act(now, room int) {
	for len(c.pods) < min(c.want, room) {
		ready := now + c.random.IntN(4)
		c.pods = append(c.pods, controlled{ready: ready, measured: ready + c.random.IntN(4)})
	}
	for len(c.pods) > c.want {
		i := c.random.IntN(len(c.pods))
		c.pods = slices.Delete(c.pods, i, i+1)
	}
}

// play is a trajectory, and whether it stepped down by a metric above its
// target although all the pods that it wanted were there.
func (c *controller) play(looks int) (text string, against bool) {
	rows := map[string][]string{}
	add := func(row string, value any) { rows[row] = append(rows[row], fmt.Sprint(value)) }
	c.pods, c.want = []controlled{{}, {}, {}}, 3
	room := 5 + c.random.IntN(16)
	use := 20.0
	for now := range looks {
		if now > 1 && c.random.IntN(3) == 0 {
			use = 10 + 140*c.random.Float64()
		}
		metric, want := c.look(now, use)
		if now == 0 {
			metric, want = "20", 3
		}
		told, _ := strconv.Atoi(metric)
		against = against || (want < c.want && told > controllerTarget && len(c.pods) == c.want)
		c.want = want
		c.act(now, room)
		ready := 0
		for i, p := range c.pods {
			if c.random.IntN(20) == 0 && now > p.ready { // it fails its probe for a while
				c.pods[i].ready, c.pods[i].measured = now+2, now+3
			}
			if now >= c.pods[i].ready {
				ready++
			}
		}
		fault := "#"
		if now == 0 || now >= looks-3 {
			fault = "."
		}
		add("fault", fault)
		add("cpu", metric)
		add("desired", c.want)
		add("existing", len(c.pods))
		add("ready", ready)
	}
	text = fmt.Sprintf("spec min=2 max=%d cpu=%d%% up.tolerance=%v down.tolerance=%v up.window=0 down.window=0 up.policies=Percent:1000:1 down.policies=Percent:100:1\n", controllerMax, controllerTarget, controllerTolerance, controllerTolerance)
	for _, row := range []string{"fault", "cpu", "desired", "existing", "ready"} {
		text += row + " " + strings.Join(rows[row], " ") + "\n"
	}
	return text, against
}

func asked(t *testing.T, r judge.Result) judge.Finding {
	t.Helper()
	for _, f := range findings(t, r) {
		if f.Limit == "sizes as its metrics ask" {
			return f
		}
	}
	t.Fatal("nothing says whether the sizes are as the metrics ask")
	return judge.Finding{}
}

// R21: whatever becomes of the pods and of their metrics, a controller that
// keeps the rules is never found to break them; one that forgets the pods that
// are not ready, or were not measured, is not found to keep them.
func TestAControllerThatKeepsTheRulesIsNotFoundToBreakThem(t *testing.T) {
	seen := map[steadystate.Verdict]int{}
	for seed := range uint64(1000) {
		c := controller{random: rand.New(rand.NewPCG(21, seed))}
		text, against := c.play(20)
		if against {
			t.Fatalf("the controller of the test breaks the rules itself:\n%s", text)
		}
		f := asked(t, parse(t, text).result(t))
		seen[f.Verdict]++
		if f.Verdict == steadystate.Broken {
			t.Errorf("%s, of\n%s", line(f), text)
		}
	}
	if seen[steadystate.Held] < 900 {
		t.Errorf("%v: of too few anything is said", seen)
	}
	stepped := 0
	for seed := range uint64(1000) {
		c := controller{random: rand.New(rand.NewPCG(22, seed)), hasty: true}
		text, against := c.play(20)
		if !against {
			continue
		}
		stepped++
		if f := asked(t, parse(t, text).result(t)); f.Verdict == steadystate.Held {
			t.Errorf("%s, of\n%s", line(f), text)
		}
	}
	if stepped < 100 {
		t.Errorf("only %d of the hasty controllers stepped against their metric", stepped)
	}
	t.Logf("%v of those that keep the rules, %d that do not", seen, stepped)
}
