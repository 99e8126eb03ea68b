package load

import (
	"strings"
	"testing"

	"github.com/aftershockhq/aftershock/experiments"
)

func TestNobodyWaitsForWhoeverRecords(t *testing.T) {
	hangs := make(chan struct{})
	var taken []uint64
	const room = 1000
	h := startHandover(room, func(q experiments.Request) {
		<-hangs
		taken = append(taken, q.Seq)
	})
	passed := 0
	var lost error
	for seq := uint64(0); lost == nil; seq++ {
		if lost = h.pass(experiments.Request{Seq: seq}); lost == nil {
			passed++
		}
	}
	// What there is room for, and the one that hangs if that was taken out.
	if passed != room && passed != room+1 {
		t.Errorf("%d requests were taken while the recording hung, want what is held", passed)
	}
	if want := "whoever records them is behind by more than 1000 requests: is the disk full"; !strings.Contains(lost.Error(), want) {
		t.Errorf("error %q, want one with %q", lost, want)
	}
	close(hangs)
	if err := h.end(); err == nil || err.Error() != lost.Error() {
		t.Errorf("in the end: %v, want %v", err, lost)
	}
	for i, seq := range taken {
		if seq != uint64(i) {
			t.Fatalf("request %d came as number %d", seq, i)
		}
	}
	if len(taken) != passed {
		t.Errorf("%d requests were recorded of %d taken", len(taken), passed)
	}
}
