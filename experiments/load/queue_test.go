package load

import (
	"strings"
	"testing"

	"github.com/aftershockhq/aftershock/record"
)

func TestNothingWaitsForTheRecorder(t *testing.T) {
	hangs := make(chan struct{})
	var taken []uint64
	const room = 1000
	h := startQueue(room, func(q record.Request) {
		<-hangs
		taken = append(taken, q.Seq)
	}, func(err error) { t.Error(err) })
	passed := 0
	var lost error
	for seq := uint64(0); lost == nil; seq++ {
		if lost = h.pass(record.Request{Seq: seq}); lost == nil {
			passed++
		}
	}
	// What there is room for, and the one that hangs if that was taken out.
	if passed != room && passed != room+1 {
		t.Errorf("%d requests were taken while the recording hung, want what is held", passed)
	}
	if want := "the recorder is behind by more than 1000 requests: is the disk full"; !strings.Contains(lost.Error(), want) {
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

// Whoever drives a load has faults to undo: a panic must come to him as an
// error, and nobody may wait for what panicked.
func TestAPanicOfWhoeverRecordsIsAnError(t *testing.T) {
	stopped := make(chan error, 1)
	h := startQueue(1, func(record.Request) { panic("no disk") }, func(err error) { stopped <- err })
	if err := h.pass(record.Request{}); err != nil {
		t.Fatal(err)
	}
	if err := <-stopped; !strings.Contains(err.Error(), "panic: no disk") {
		t.Errorf("stopped with %v", err)
	}
	for range 10 {
		_ = h.pass(record.Request{}) // lost, and does not wait
	}
	if err := h.end(); err == nil || !strings.Contains(err.Error(), "panic: no disk") {
		t.Errorf("in the end: %v", err)
	}
}
