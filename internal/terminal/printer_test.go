package terminal_test

import (
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aftershockhq/aftershock/internal/terminal"
)

// A terminal that is held must not make the run wait.
func TestPrintingNeverWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reader, held := io.Pipe() // nobody reads
		p := terminal.NewPrinter(held, nil)
		begin := time.Now()
		for range 10_000 {
			p.Print("line\n")
		}
		if waited := time.Since(begin); waited != 0 {
			t.Errorf("printing waited %s for its reader", waited)
		}
		_ = reader.Close() // the reader goes away, and printing ends all the same
		p.Close()
	})
}

func TestWhatIsReadIsPrintedInOrder(t *testing.T) {
	var out strings.Builder
	p := terminal.NewPrinter(&out, nil)
	p.Print("one ")
	p.Print("two")
	p.Close()
	if out.String() != "one two" {
		t.Errorf("%q", out.String())
	}
}

// Lines come above the live view, which is drawn anew below and taken away at the end.
func TestTheLiveViewIsBelowTheLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out, errs strings.Builder
		p := terminal.NewPrinter(&out, func() []string { return []string{"hold", "traffic"} })
		time.Sleep(300 * time.Millisecond)
		p.Print("one\n")
		synctest.Wait()
		if _, err := p.Aside(&errs).Write([]byte("interrupted\n")); err != nil || errs.String() != "interrupted\n" {
			t.Errorf("error %v, %q", err, errs.String())
		}
		p.Print("two\n")
		p.Close()
		const erase = "\x1b[2A\r\x1b[J"
		if want := "hold\ntraffic\n" + erase + "one\nhold\ntraffic\n" + erase + "two\nhold\ntraffic\n" + erase; out.String() != want {
			t.Errorf("%q, want %q", out.String(), want)
		}
	})
}
