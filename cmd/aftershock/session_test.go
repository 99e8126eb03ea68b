package main

import (
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// A terminal that is held must not make the run wait.
func TestPrintingNeverWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reader, held := io.Pipe() // nobody reads
		p := newPrinter(held)
		begin := time.Now()
		for range 10_000 {
			p.print("line\n")
		}
		if waited := time.Since(begin); waited != 0 {
			t.Errorf("printing waited %s for its reader", waited)
		}
		_ = reader.Close() // the reader goes away, and printing ends all the same
		p.close()
	})
}

func TestWhatIsReadIsPrintedInOrder(t *testing.T) {
	var out strings.Builder
	p := newPrinter(&out)
	p.print("one ")
	p.print("two")
	p.close()
	if out.String() != "one two" {
		t.Errorf("%q", out.String())
	}
}

func TestWhatSettlingWaitsForIsSaidAsItIs(t *testing.T) {
	plan := &record.Plan{Settle: 10 * time.Second}
	if got, want := settling(plan), "for at least 10s"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	plan.Checks = []steadystate.Check{{Name: "checkout answers", Allowed: 0.001}, {Name: "all up"}}
	if got, want := settling(plan), `for at least 10s; at least 663 observations of "checkout answers"`; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
