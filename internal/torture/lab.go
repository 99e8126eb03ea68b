package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aftershockhq/aftershock/internal/trial"
)

// mostLost is how much of a record the kill may cost, in seconds.
const mostLost = 0.5

// A lab is where runs are killed.
type lab struct{ *trial.Lab }

// try runs an experiment, kills it, and looks.
func (l lab) try(ctx context.Context, t attempt) (r result) {
	r.attempt = t
	if err := l.carryOut(ctx, &r); err != nil {
		r.Problem = err.Error()
		// The next trial is to begin with nothing.
		_, _ = l.Sweep(context.WithoutCancel(ctx))
	}
	if err := l.Rest(ctx); err != nil && r.Problem == "" && ctx.Err() == nil {
		r.Problem = err.Error()
	}
	return r
}

func (l lab) carryOut(ctx context.Context, r *result) error {
	out := filepath.Join(l.Out, fmt.Sprintf("%03d-%s-%s", r.N, r.Kind, r.Moment))
	// An interrupted torture may have left one.
	if err := os.RemoveAll(out); err != nil {
		return err
	}
	killed, recorded, err := l.kill(ctx, r, out)
	if err != nil || !r.Killed {
		return err
	}
	// From here on the look is due, also when this program is stopped.
	ctx = context.WithoutCancel(ctx)
	patience := trial.ClusterPatience
	if r.Swept {
		patience = trial.SweepPatience
		if printed, err := l.Sweep(ctx); err != nil {
			return fmt.Errorf("sweep: %w: %s", err, printed)
		}
	}
	r.Left = l.Cluster.Left(ctx, patience, true)
	r.Gone = time.Since(killed).Seconds()
	if len(r.Left) > 0 {
		if printed, err := l.Sweep(ctx); err != nil {
			return fmt.Errorf("left %s; sweep: %w: %s", strings.Join(r.Left, "; "), err, printed)
		}
		if left := l.Cluster.Left(ctx, trial.SweepPatience, true); len(left) > 0 {
			return fmt.Errorf("left after a sweep: %s", strings.Join(left, "; "))
		}
	}
	if r.Lost, err = lost(recorded, killed); err != nil {
		return err
	}
	if r.Lost > mostLost {
		return fmt.Errorf("the record lacks the last %.2f s before the kill", r.Lost)
	}
	if err := l.Rest(ctx); err != nil {
		return err
	}
	took, err := l.Answers(ctx)
	if most := 3*l.Usual + 20*time.Millisecond; err == nil && took > most {
		err = fmt.Errorf("the service answers in %s, and in %s before", took, l.Usual)
	}
	return err
}

// kill starts the run and kills it at its moment. It returns when that was, and
// the path of the record.
func (l lab) kill(ctx context.Context, r *result, out string) (killed time.Time, recorded string, err error) {
	p, err := trial.Start(trial.Program, l.File, out, "checkout/"+r.Kind)
	if err != nil {
		return killed, "", err
	}
	mark := sign[r.Moment].mark
	if r.Moment == inCreate && !kinds[r.Kind].creates {
		mark = sign[inInject].mark
	}
	if reached, err := p.Await(ctx, mark); err != nil || !reached {
		return killed, trial.RecordIn(out), err
	}
	recorded = trial.RecordIn(out)
	select {
	case <-time.After(time.Duration(r.Late * float64(sign[r.Moment].within))):
	case <-p.Ended:
		return killed, recorded, nil
	}
	if r.Moment == inHold {
		seen := l.Cluster.Look(ctx, false)
		r.InPlace, r.Effects = append(slices.DeleteFunc(seen.Objects, kept), seen.Effects...), seen.Effects
		if seen.Err != nil {
			err = fmt.Errorf("look at the fault while it is held: %w", seen.Err)
		}
	}
	killed = time.Now()
	if p.Process.Kill() != nil {
		return killed, recorded, err // it has just ended
	}
	<-p.Ended
	r.Killed = true
	return killed, recorded, err
}

// kept reports whether what is left is what every run keeps, also without a fault: it
// is no sight of one.
func kept(what string) bool {
	kind, _, _ := strings.Cut(what, " ")
	return slices.Contains([]string{"Lease", "ConfigMap", "Job"}, kind)
}

// A sign of a moment is what the record says once it has begun, and how long after
// it the kill comes at most.
var sign = map[string]struct {
	mark   string
	within time.Duration
}{
	inSettle: {`"phase":"settle"`, 2 * time.Second},
	inCreate: {`"kind":"c`, 20 * time.Millisecond}, // creating, changing
	inInject: {`"phase":"inject"`, time.Second},
	inHold:   {`"phase":"hold"`, trial.Hold - 2*time.Second},
	inUndo:   {`"phase":"recover"`, 300 * time.Millisecond},
}

// lost is how many seconds before the kill the readable part of a record ends.
func lost(path string, killed time.Time) (seconds float64, err error) {
	list, err := trial.Entries(path)
	if err != nil {
		return 0, err
	}
	last := list[0].Header.Started.Add(list[len(list)-1].At)
	return max(0, killed.Sub(last).Seconds()), nil
}
