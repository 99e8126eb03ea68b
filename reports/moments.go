package reports

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// A moment is something that happened in a run, by its number on the drawing and in the
// table.
type moment struct {
	steadystate.Span
	number       int
	text, detail string
	key          bool   // it is what a reader looks for first
	dash         string // of its line through the lanes
}

// mostMoments is how many events that are not keys a page lists.
const mostMoments = 300

// moments are when faults came and went, when each check was first bad and good again,
// and the events of the record, in their order; left is how many events are left out.
func (r Report) moments() (list []moment, left int) {
	add := func(at steadystate.Span, dash, text, detail string) {
		list = append(list, moment{Span: at, key: true, dash: dash, text: text, detail: detail})
	}
	for n, i := range r.Injections {
		if i.FailureReason != "" {
			add(i.Span, "1 4", "not injected: "+i.Fault, i.FailureReason)
			continue
		}
		add(i.Span, "none", "T0: "+i.Fault, i.HitText())
		if i.Removed != nil && !i.OneShot {
			add(*i.Removed, "none", "T1: undone: "+i.Fault, "")
		}
		for _, c := range r.Checks {
			if n >= len(c.Recoveries) || c.Recoveries[n].Fault != i.Fault {
				continue
			}
			// The bounds are those of a difference to T0, which has bounds too.
			since := func(b steadystate.Bounds[time.Duration]) steadystate.Span {
				from, to := i.To+b.Low, i.From+b.High
				return steadystate.Span{From: min(from, to), To: max(from, to)}
			}
			if v := c.Recoveries[n]; v.TTD != nil {
				add(since(*v.TTD), "2 3", "detected: "+c.Check+" bad for the first time", "")
				if v.Outages > 0 && !v.Open {
					add(since(v.TTR), "6 4", "recovered: "+c.Check+" good, and it stayed so", "")
				}
			}
		}
	}
	events := map[bool]int{} // by whether they are Kubernetes', which must not crowd out the others
	for _, e := range r.Events {
		if e.Kind == record.EventExists {
			continue
		}
		theirs := e.Kind == record.EventKubernetes
		if events[theirs]++; events[theirs] > mostMoments {
			left++
			continue
		}
		text := e.Subject + " " + e.Kind
		if theirs {
			text = strings.TrimPrefix(e.Subject, "event/") + " " + e.Attrs[record.AttrReason]
		}
		list = append(list, moment{Span: e.Span, text: text, detail: detail(e), key: e.Kind == record.EventAborting, dash: "1 2"})
	}
	slices.SortStableFunc(list, func(a, b moment) int { return cmp.Compare(a.Middle(), b.Middle()) })
	for i := range list {
		list[i].number = i + 1
	}
	return list, left
}

// detail is what an event says besides, without what only programs read.
func detail(e record.Event) string {
	var texts []string
	for _, name := range keys(e.Attrs) {
		if name != record.AttrSpec && name != record.AttrStatus {
			texts = append(texts, fmt.Sprintf("%s %s", name, e.Attrs[name]))
		}
	}
	return strings.Join(texts, ", ")
}
