package kubewatch

import (
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// A gap is the time without a successful read: from the last instant that one
// read covers to the first of the next.
type gap struct {
	rec     *record.Recorder
	subject string
	last    steadystate.Span // of the last read that saw
	until   steadystate.Span // of the last that did not
	reason  string           // why the first failed; empty: no gap
}

// failed: a read failed.
func (g *gap) failed(span steadystate.Span, err error) {
	g.until = span
	if g.reason != "" {
		return
	}
	g.reason = err.Error()
	// The gap event is recorded at its end; until then the record has this note.
	g.rec.Note("%s: no read has succeeded since %s: %v", g.subject, g.last, err)
}

// over: a read succeeded again.
func (g *gap) over(span steadystate.Span) {
	g.until = span
	g.end()
	g.last = span
}

// end records the gap if there is one.
func (g *gap) end() {
	if g.reason == "" {
		return
	}
	g.rec.Event(record.Event{
		Span:    steadystate.Span{From: g.last.From, To: g.until.To},
		Kind:    record.EventGap,
		Subject: g.subject,
		Attrs:   map[string]string{record.AttrReason: g.reason},
	})
	g.reason = ""
}
