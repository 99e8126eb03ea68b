package judge

import (
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// Memory does not depend on how long a run is watched.
func TestWhoAnsweredIsKeptUpToTheFault(t *testing.T) {
	const s = time.Second
	for _, row := range []struct {
		sentence string
		entries  []record.Entry
		want     int // tenths of a second, up to a minute
	}{
		{"all of them while the service settles", nil, 600},
		{"a control run: up to its hold phase", []record.Entry{
			{At: 20 * s, Phase: record.PhaseInject}, {At: 20 * s, Phase: record.PhaseHold}, {At: 30 * s, Phase: record.PhaseRecover}, {At: 30 * s, Phase: record.PhaseWatch},
		}, 200},
		{"an injection that begins 5 s after its phase: up to that", []record.Entry{
			{At: 20 * s, Phase: record.PhaseInject}, {At: 26 * s, Injection: &record.Injection{Span: steadystate.Span{From: 25 * s, To: 26 * s}}}, {At: 26 * s, Phase: record.PhaseHold},
		}, 260}, // and those that were recorded before the injection was
		{"one that fails", []record.Entry{{At: 20 * s, Phase: record.PhaseInject}, {At: 25 * s, Phase: record.PhaseRecover}}, 250},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			j := judge{Result: Result{Traffic: map[string]Traffic{}}, buffers: map[string]*reorderBuffer{}, answerers: map[string]answerers{}, means: map[string]mean{}}
			entries := row.entries
			for at := time.Duration(0); at < time.Minute; at += tenth {
				for len(entries) > 0 && entries[0].At <= at {
					j.take(entries[0])
					entries = entries[1:]
				}
				j.take(record.Entry{At: at, Requests: &record.Requests{Signal: "requests", List: []record.Request{{Planned: at, Sent: at, Answered: at, Outcome: record.Outcome{Code: 200, Backend: "a", Attempts: 1}}}}})
			}
			if got := len(j.answerers["requests"]); got != row.want {
				t.Errorf("%d tenths of a second are kept, want %d", got, row.want)
			}
		})
	}
}
