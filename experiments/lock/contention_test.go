package lock

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/steadystate/kube"
)

var clusterFlag = flag.String("cluster", "", "a kubeconfig; without it no real API server is asked")

// A contest is of many runs for one workload.
type contest struct {
	clients []client.Client // each run has the next, with connections of its own
	in      string          // the Leases' namespace
	runs    int             // how many begin
	within  time.Duration   // of each other
	skewed  bool            // each third's wall clock is 30 s ahead, each third's behind
	wait    time.Duration
	deaths  int           // so many of the first holders die
	hold    time.Duration // for how long a run holds the lock, at most
	longest time.Duration // of a fault that a holder injects
	random  *rand.Rand
}

// A tenure is for how long a run could have acted, or what it injected have lasted.
type tenure struct{ from, to time.Time }

// outcome is what became of a contest.
type outcome struct {
	spread                time.Duration // from the first beginning to the last, as measured
	held, refused, failed int
	dead                  int
	told                  time.Duration // the longest until one was refused
	most                  int           // holders at once
	err                   error         // of one that failed
}

func (o outcome) String() string {
	return fmt.Sprintf("begun within %s: %d held, %d of them died, %d refused after %s at most, %d failed (%v); most holders at once: %d",
		o.spread.Round(100*time.Microsecond), o.held, o.dead, o.refused, o.told.Round(time.Millisecond), o.failed, o.err, o.most)
}

// run begins all runs at once, each with a client that has asked something before,
// so that none has to connect after the others have begun.
func (c contest) run(ctx context.Context) (o outcome) {
	var mu sync.Mutex
	var tenures []tenure
	var warm, all sync.WaitGroup
	began := make([]time.Time, c.runs)
	var start time.Time
	barrier := make(chan struct{})
	for i := range c.runs {
		r := newTry(c.clients[i%len(c.clients)], fmt.Sprintf("person%d@machine%d", i, i))
		r.Namespace, r.Wait = c.in, c.wait
		if c.skewed {
			r.ahead = time.Duration(i%3-1) * 30 * time.Second
		}
		// Half the time is for what a busy machine adds.
		at, hold := time.Duration(c.random.Int64N(int64(c.within/2))), time.Duration(c.random.Int64N(int64(c.hold)))
		lifetime := time.Duration(c.random.Int64N(int64(c.longest)))
		warm.Add(1)
		all.Go(func() {
			_, err := leases(ctx, r.Client, r.Namespace)
			warm.Done()
			<-barrier
			time.Sleep(time.Until(start.Add(at)))
			asked := time.Now()
			began[i] = asked
			if err == nil {
				err = r.begin(ctx)
			}
			from := time.Now()
			mu.Lock()
			switch {
			case refused(err):
				o.refused, o.told = o.refused+1, max(o.told, from.Sub(asked))
			case err != nil:
				o.failed, o.err = o.failed+1, err
			}
			dies := err == nil && o.dead < c.deaths
			if dies {
				o.dead++
			}
			mu.Unlock()
			if err != nil {
				_ = r.End(ctx)
				return
			}
			err = r.Allow(ctx, lifetime)
			over := time.Now().Add(lifetime)
			r.injected(0)
			time.Sleep(hold)
			to := time.Now()
			switch {
			case dies:
				r.die()
				if to = r.expiry(); to.Before(over) {
					err = errors.Join(err, errors.New("the lock expires before the fault"))
				}
			default:
				r.removed(0, "") // and with that the fault is over
				err = errors.Join(err, r.End(ctx))
			}
			mu.Lock()
			defer mu.Unlock()
			o.held++
			tenures = append(tenures, tenure{from, to})
			if err != nil {
				o.failed, o.err = o.failed+1, err
			}
		})
	}
	warm.Wait()
	start = time.Now()
	close(barrier)
	all.Wait()
	o.spread = slices.MaxFunc(began, time.Time.Compare).Sub(slices.MinFunc(began, time.Time.Compare))
	slices.SortFunc(tenures, func(a, b tenure) int { return a.from.Compare(b.from) })
	for i, t := range tenures {
		at := 1
		for _, other := range tenures[:i] {
			if other.to.After(t.from) {
				at++
			}
		}
		o.most = max(o.most, at)
	}
	return o
}

// attempts are how often a contest is begun until its runs have begun in time: a
// machine may be busy.
const attempts = 4

// errSlow says that an outcome shows nothing of runs that begin together.
var errSlow = errors.New("the runs did not begin within the time")

// judge says what is wrong with an outcome.
func (c contest) judge(o outcome) error {
	switch {
	case o.most > 1:
		return errors.New("two held the lock at once")
	case o.held == 0 || o.failed > 0 || o.held+o.refused != c.runs:
		return errors.New("not each run held the lock or was refused")
	case c.wait == 0 && c.deaths == 0 && o.refused == 0:
		return errors.New("nobody was refused")
	case o.spread > c.within:
		return errSlow // and the contest is repeated
	}
	return nil
}

// contests are those for every API server.
func contests(clients []client.Client, in string, seed uint64) map[string]contest {
	all := map[string]contest{
		"at once":                               {hold: 20 * time.Second},
		"at once, clocks apart":                 {hold: 20 * time.Second, skewed: true},
		"with patience, some die":               {hold: 300 * time.Millisecond, wait: 45 * time.Second, deaths: 2},
		"with patience, some die, clocks apart": {hold: 300 * time.Millisecond, wait: 45 * time.Second, deaths: 2, skewed: true},
	}
	for name, one := range all {
		one.clients, one.in, one.runs, one.within, one.longest = clients, in, 200, 50*time.Millisecond, 5*time.Second
		one.random = rand.New(rand.NewPCG(seed, uint64(len(name))))
		all[name] = one
	}
	return all
}

func TestNeverTwoHolders(t *testing.T) {
	for seed := range uint64(3) {
		for name := range contests(nil, "", seed) {
			t.Run(fmt.Sprint(name, " ", seed), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c, _ := cluster()
					one := contests([]client.Client{c}, home, seed)[name]
					one.runs = 40
					o := one.run(t.Context())
					if err := one.judge(o); err != nil {
						t.Errorf("%v: %s", err, o)
					}
				})
			})
		}
	}
}

// TestNeverTwoHoldersOnACluster asks a real API server:
//
//	go test ./experiments/lock -run OnACluster -v -cluster ~/.kube/config
func TestNeverTwoHoldersOnACluster(t *testing.T) {
	if *clusterFlag == "" {
		t.Skip("needs a cluster: -cluster KUBECONFIG")
	}
	read, err := kube.ReadContext(*clusterFlag, "")
	if err != nil {
		t.Fatal(err)
	}
	var clients []client.Client
	for range contests(nil, "", 0)["at once"].runs {
		config := rest.CopyConfig(read.Config)
		config.Dial = (&net.Dialer{}).DialContext // or clients would share their connections
		c, err := kube.NewClient(config, scheme.Scheme)
		if err != nil {
			t.Fatal(err)
		}
		clients = append(clients, c)
	}
	for _, name := range slices.Sorted(maps.Keys(contests(nil, "", 0))) {
		for seed := range uint64(2) {
			t.Run(fmt.Sprint(name, " ", seed), func(t *testing.T) {
				for attempt := range attempts {
					err := contestOnACluster(t, clients, name, seed)
					if err == nil {
						break
					}
					if !errors.Is(err, errSlow) || attempt == attempts-1 {
						t.Fatal(err)
					}
				}
			})
		}
	}
}

func contestOnACluster(t *testing.T, clients []client.Client, name string, seed uint64) error {
	c := clients[0]
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "aftershock-locks-"}}
	if err := c.Create(t.Context(), namespace); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := c.Delete(context.WithoutCancel(t.Context()), namespace); err != nil {
			t.Error(err)
		}
	}()
	one := contests(clients, namespace.Name, seed)[name]
	o := one.run(t.Context())
	t.Logf("%d runs %s", one.runs, o)
	left, err := Look(t.Context(), c, namespace.Name, func([]Held) {})
	if err != nil || one.deaths == 0 && len(left) > 0 {
		t.Errorf("%v, left: %v", err, left)
	}
	return one.judge(o)
}
