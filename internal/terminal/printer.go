package terminal

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// redraw is how often a live view is drawn anew.
const redraw = 250 * time.Millisecond

// A Printer prints lines without ever making the one who prints them wait: a
// terminal that is held (^S), or a pager that is not read, must not keep a fault
// in place. What cannot be kept is dropped; the record has it. Below the lines it
// keeps a live view, where there is one.
type Printer struct {
	out   io.Writer
	lines chan string
	done  chan struct{}

	mu    sync.Mutex
	drawn int // lines of the live view
}

// NewPrinter makes a printer. view makes the lines of the live view; nil: there is
// none. Close ends it.
func NewPrinter(out io.Writer, view func() []string) *Printer {
	p := &Printer{out: out, lines: make(chan string, 256), done: make(chan struct{})}
	go p.run(view)
	return p
}

func (p *Printer) run(view func() []string) {
	defer close(p.done)
	var tick <-chan time.Time
	if view != nil {
		ticker := time.NewTicker(redraw)
		defer ticker.Stop()
		tick = ticker.C
	} else {
		view = func() []string { return nil }
	}
	for {
		select {
		case line, open := <-p.lines:
			if !open {
				p.draw("", nil)
				return
			}
			p.draw(line, view())
		case <-tick:
			p.draw("", view())
		}
	}
}

// draw writes a text above the live view, and that anew.
func (p *Printer) draw(text string, view []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out strings.Builder
	if p.drawn > 0 {
		fmt.Fprintf(&out, "\x1b[%dA\r\x1b[J", p.drawn) // up, and clear what is below
	}
	out.WriteString(text)
	for _, line := range view {
		out.WriteString(line + "\n")
	}
	p.drawn = len(view)
	if out.Len() > 0 {
		_, _ = io.WriteString(p.out, out.String()) // a reader that has gone is no reason to stop
	}
}

// Print prints a line, with its end.
func (p *Printer) Print(line string) {
	select {
	case p.lines <- line:
	default:
	}
}

// Aside is a writer to another stream of the same terminal, such as standard error:
// the live view makes room for it. It waits for a terminal that is held.
func (p *Printer) Aside(w io.Writer) io.Writer { return aside{p, w} }

type aside struct {
	*Printer
	to io.Writer
}

// Write writes where the live view was, which is drawn anew below.
func (a aside) Write(text []byte) (int, error) {
	a.draw("", nil)
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.to.Write(text)
}

// Close waits until all is printed, and takes the live view away.
func (p *Printer) Close() {
	close(p.lines)
	<-p.done
}
