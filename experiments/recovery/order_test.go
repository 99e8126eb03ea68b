package recovery_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/experiments/recovery"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/record/recordtest"
)

func TestTheOrderOfArrivalDoesNotMatter(t *testing.T) {
	entries := recordtest.Entries(nil, before+`
		0           exists       pod/shop/db-0    old  owner=StatefulSet/db
		0           exists       endpoint/shop/c  c  slice=v6
		10..10.2    inject       kill             a,b,old  effect=gone
		10..10.4    terminating  pod/shop/a       a
		10..10.3    gone         pod/shop/a       a
		10..10.4    terminating  pod/shop/b       b
		10..10.4    gone         pod/shop/db-0    old
		10..10.5    removed      endpoint/shop/a  a  slice=s
		10..10.5    created      pod/shop/d       d  owner=ReplicaSet/rs
		10..10.5    created      pod/shop/e       e  owner=ReplicaSet/rs
		10.3..10.6  created      pod/shop/db-0    new  owner=StatefulSet/db
		11..12      ready        pod/shop/db-0    new
		11..12      Kubernetes_Event event/pod/shop/d d  reason=Unhealthy
		12..12.1    answer       db-0
		12..12.3    answer       d
		13..13.1    answer       d
		20..20.1    inject       container-kill   c  effect=restarted
		21..22      stopped      pod/shop/c       c
		21..22      not_ready    pod/shop/c       c
		21..22      removed      endpoint/shop/c  c  slice=s
		21..22      removed      endpoint/shop/c  c  slice=v6
		23..24      started      pod/shop/c       c
		23..24      ready        pod/shop/c       c
		25..26      added        endpoint/shop/c  c  slice=s
		25..27      added        endpoint/shop/c  c  slice=v6
		26..26.1    answer       c
		40..41      undo         container-kill
		60          end
	`)
	check := outage("10..11", "12..13")
	want := read(t, entries, check)
	if len(want) != 4 {
		t.Fatalf("%d waterfalls, want one for each of 4 victims", len(want))
	}
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 1))
		random.Shuffle(len(entries), func(i, j int) { entries[i], entries[j] = entries[j], entries[i] })
		if got := read(t, entries, check); !reflect.DeepEqual(got, want) {
			t.Fatalf("in the order of seed %d:\n%v\nwant:\n%v", seed, got, want)
		}
	}
}

// However many answers there were, the first one after any instant is within
// what is said, and what is said is no wider than a slot beyond it.
func TestTheFirstGoodAnswerIsFoundAmongMany(t *testing.T) {
	for seed := range uint64(5) {
		random := rand.New(rand.NewPCG(seed, 2))
		var history recovery.History
		back := 400*time.Second + time.Duration(random.Int64N(int64(200*time.Second)))
		for _, e := range recordtest.Entries(nil, fmt.Sprintf(`
			0           exists   process/db  old
			300         inject   kill        old  effect=gone
			300..300.1  gone     process/db  old
			%.3f        ready    process/db  new
			1000        end
		`, back.Seconds())) {
			history.Take(e)
		}
		var first record.Request
		for i := range 100_000 {
			at := time.Duration(i) * 10 * time.Millisecond
			if at >= 300*time.Second && at < back {
				continue
			}
			q := record.Request{Sent: at, Answered: at + time.Duration(1+random.IntN(5))*time.Millisecond, Outcome: record.Outcome{Code: 200, Backend: "db", Attempts: 1}}
			if at >= back && first.Sent == 0 {
				first = q
			}
			history.Take(record.Entry{Requests: &record.Requests{List: []record.Request{q}}})
		}
		list := history.Waterfalls(nil)
		if len(list) != 1 {
			t.Fatalf("%d waterfalls, want 1", len(list))
		}
		span := list[0].Step(recovery.Answered).Reached
		if span == nil {
			t.Fatalf("no first answer:\n%s", list[0])
		}
		if span.From > first.Sent || span.To < first.Answered || span.Width() > 500*time.Millisecond {
			t.Errorf("seed %d: the first answer was at %s to %s, said to be at %s", seed, first.Sent, first.Answered, span)
		}
	}
}
