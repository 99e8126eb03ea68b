package experiments_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

func TestWhatIsComparedWithAControlRunIsUnknownWithoutOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newWorld().experiment("p50 <= 2x baseline")
		e.Source, e.Hash, e.AgainstControl = "aftershock.yaml:41", "3f2a", true
		result, _, err := run(t, t.Context(), e)
		if err != nil || result.Verdict != steadystate.Unknown || !strings.Contains(result.Reason, "there is no control run") {
			t.Errorf("%s: %s, %v; want unknown", result.Verdict, result.Reason, err)
		}
		if result.Source != e.Source || result.Hash != e.Hash {
			t.Errorf("the record is of %q, hash %q", result.Source, result.Hash)
		}
	})
}

func TestAControlRunHasNoBaseline(t *testing.T) {
	for sentence, change := range map[string]func(*experiments.Experiment){
		"as it is made": func(*experiments.Experiment) {},
		"against":       func(e *experiments.Experiment) { e.AgainstControl = true },
		"baseline":      func(e *experiments.Experiment) { e.Baseline = &record.Baseline{Run: "other"} },
	} {
		t.Run(sentence, func(t *testing.T) {
			e := newWorld().experiment("p50 <= 2x baseline").Control()
			change(&e)
			err := e.Validate()
			if (err == nil) != (sentence == "as it is made") || (err != nil && !strings.Contains(err.Error(), "a control run is compared with no other")) {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestAControlRunIsHeldAsLongAsTheFaultsAre(t *testing.T) {
	e := newWorld().experiment("p95 <= 1s during hold")
	e.Hold, e.Faults[0].For = 0, 5*time.Second
	control := e.Control()
	if err := errors.Join(e.Validate(), control.Validate()); err != nil || control.Hold != 5*time.Second {
		t.Errorf("held for %s, %v", control.Hold, err)
	}
}
