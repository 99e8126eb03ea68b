package main

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/chaosmesh"
	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/internal/discover"
	"github.com/aftershockhq/aftershock/record"
)

// A remainder is what the run under way may have in place.
type remainder struct {
	mu      sync.Mutex
	faults  []string // of the plan; empty: removed, or not begun
	objects []string // that were created and not seen to go
}

// see takes the entries of the run's record.
func (r *remainder) see(e record.Entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case e.Plan != nil:
		r.faults, r.objects = make([]string, len(e.Plan.Faults)), nil
	case e.Event != nil && e.Event.Kind == faults.EventCreating:
		r.objects = append(r.objects, e.Event.Subject)
	case e.Event != nil && e.Event.Kind == chaosmesh.EventRemoved:
		r.objects = slices.DeleteFunc(r.objects, func(name string) bool { return name == e.Event.Subject })
	// Even the request of one that is not recorded yet may be under way.
	case e.Phase == record.PhaseInject:
		for i := range r.faults {
			r.faults[i] = fmt.Sprintf("fault %d, which may have been injected", i+1)
		}
	case e.Injection != nil && e.Injection.OneShot:
		r.faults[e.Injection.Index] = ""
	case e.Injection != nil:
		r.faults[e.Injection.Index] = e.Injection.Fault
	case e.Removal != nil && e.Removal.Error == "":
		r.faults[e.Removal.Index] = ""
	case e.End != nil:
		r.faults, r.objects = nil, nil
	}
}

// list says what may be in place, a line each.
func (r *remainder) list() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.DeleteFunc(slices.Concat(r.faults, r.objects), func(text string) bool { return text == "" })
}

const (
	// samePress is how long an interrupt counts as the one before: a wrapper may pass
	// on what the terminal sends, too.
	samePress = 500 * time.Millisecond
	// tellingTakes is how long a terminal that is held may keep the program.
	tellingTakes = time.Second
)

// leaveTwice lets a second interrupt end the program at once, with what may be in
// place and the command that removes it. The first one is for the run, which
// undoes its faults. Other signals do not count: what sends them is not a person
// who has read what was printed. end ends that.
func (r *remainder) leaveTwice(stderr io.Writer, sweep string, exit func(code int)) (end func()) {
	signals, ended := make(chan os.Signal, 8), make(chan struct{})
	signal.Notify(signals, os.Interrupt)
	var wg sync.WaitGroup
	wg.Go(func() {
		var first time.Time
		for {
			select {
			case <-ended:
				return
			case <-signals:
			}
			switch {
			case first.IsZero():
				first = time.Now()
				// Not here: a terminal that is held must not keep the second from being read.
				go fmt.Fprintln(stderr, "interrupted: the faults are being undone; ^C again leaves at once, with whatever is then in place")
			case time.Since(first) > samePress:
				exit(r.leave(stderr, sweep))
				return
			}
		}
	})
	return func() {
		signal.Stop(signals)
		close(ended)
		wg.Wait()
	}
}

// leave says what may be in place, and how it is removed.
func (r *remainder) leave(stderr io.Writer, sweep string) (code int) {
	list := r.list()
	text := "left at once: nothing was in place\n"
	code = exitFailed
	if len(list) > 0 {
		code = exitLeftBehind
		text = "left at once; what may still be in place:\n  " + strings.Join(list, "\n  ") + "\n" + sweep + "\n"
	}
	told := make(chan struct{})
	go func() {
		defer close(told)
		_, _ = io.WriteString(stderr, text) // its reader may have gone
	}()
	select {
	case <-told:
	case <-time.After(tellingTakes):
	}
	return code
}

// sweepCommandOf is the command that removes what a run with this configuration left.
func sweepCommandOf(file string) string { return "aftershock sweep -f " + discover.Word(file) }

// sweepWith is what removes what a run with this configuration left.
func sweepWith(file string) string {
	return fmt.Sprintf("remove it with\n  %s\nthe cluster itself ends most faults %s after their planned end", sweepCommandOf(file), experiments.Grace)
}
