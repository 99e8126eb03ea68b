package recovery

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// A History collects from a record the input of its waterfalls. The zero value
// is empty and ready for use.
type History struct {
	injections []record.Injection
	removals   map[int]steadystate.Span  // by the fault's index: two faults may have the same text
	lives      map[string]*life          // by UID
	endpoints  map[string][]record.Event // by UID of the pod
	gaps       []record.Event            // of the watches
	answers    map[string]*answers       // by the pod that answered
	followed   bool                      // whether any endpoint was seen
	requests   bool                      // whether there was any
	last       time.Duration             // the latest instant of the record
}

// A life is the events of one object.
type life struct {
	uid, subject, owner string
	events              []record.Event
}

// Take adds one entry of a record. The order of entries does not matter.
func (h *History) Take(e record.Entry) {
	if h.lives == nil {
		h.removals, h.lives = map[int]steadystate.Span{}, map[string]*life{}
		h.endpoints, h.answers = map[string][]record.Event{}, map[string]*answers{}
	}
	h.last = max(h.last, e.At)
	switch {
	case e.Event != nil:
		h.event(*e.Event)
	case e.Injection != nil:
		h.injections = append(h.injections, *e.Injection)
	case e.Removal != nil && e.Removal.Error == "":
		if there, ok := h.removals[e.Removal.Index]; !ok || e.Removal.To > there.To {
			h.removals[e.Removal.Index] = e.Removal.Span
		}
	case e.Requests != nil:
		h.request(e.Requests.List)
	}
}

func (h *History) event(e record.Event) {
	kind, _, _ := strings.Cut(e.Subject, "/")
	switch {
	case kind == "watch":
		h.gaps = append(h.gaps, e)
	case e.UID == "" || e.Kind == record.EventKubernetes: // which says no more of a pod than its own events
	case kind == "endpoint":
		h.followed = true
		h.endpoints[e.UID] = append(h.endpoints[e.UID], e)
	default:
		l := h.lives[e.UID]
		if l == nil {
			l = &life{uid: e.UID, subject: e.Subject}
			h.lives[e.UID] = l
		}
		l.owner = cmp.Or(l.owner, e.Attrs[record.AttrOwner])
		l.events = append(l.events, e)
	}
}

func (h *History) request(list []record.Request) {
	h.requests = h.requests || len(list) > 0
	for _, q := range list {
		if q.Backend == "" || q.Local || q.FailedFirst() {
			continue
		}
		if h.answers[q.Backend] == nil {
			h.answers[q.Backend] = &answers{}
		}
		h.answers[q.Backend].add(q)
	}
}

// sight reports whether a watch of a resource covered the whole span.
func (h *History) sight(resource string, span steadystate.Span) bool {
	return !slices.ContainsFunc(h.gaps, func(e record.Event) bool {
		return strings.HasSuffix(e.Subject, "/"+resource) && e.Overlaps(span)
	})
}

// name is the object's own name: the last part of its subject.
func (l *life) name() string { return l.subject[strings.LastIndex(l.subject, "/")+1:] }

// readied reports whether the record has the readiness of any process.
func (h *History) readied() bool {
	for _, l := range h.lives {
		if l.process() && l.once(record.EventReady) != nil {
			return true
		}
	}
	return false
}

// process reports whether it is not a pod: only its end and its readiness are
// recorded.
func (l *life) process() bool { return !strings.HasPrefix(l.subject, "pod/") }
