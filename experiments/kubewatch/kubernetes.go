package kubewatch

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/kube"
	"github.com/aftershockhq/aftershock/steadystate/redact"
)

const (
	// mostPublished bounds the Kubernetes Events of a record.
	mostPublished = 300
	// mostAlike bounds those of one reason about one object, so that a probe that fails
	// while a run settles leaves room for what comes later.
	mostAlike = 20
	// repeatEvery is how often the same words about the same object are recorded.
	repeatEvery = 10 * time.Second
	// mostEarly bounds the Events that wait for their object to be seen. Most of them
	// are about objects of others, which never are.
	mostEarly = 256
	// longestMessage is in bytes; the API allows 1024.
	longestMessage = 400
)

// telling are the reasons of the Normal events that are recorded: what was done to a
// pod. All Warnings are.
var telling = []string{"Killing", "BackOff", "Preempted", "TaintManagerEviction"}

// published records the Kubernetes Events on the objects that an observer follows.
type published struct {
	Observer
	rec *record.Recorder

	mu       sync.Mutex
	subjects map[string]string // of the objects that were seen, by UID
	early    []notice          // on objects that were not seen yet, in order
	counts   map[types.UID]int // the last count of each Event
	recorded map[string]time.Duration
	alike    map[string]int // Events recorded, by object and reason
	n, left  int            // Events recorded, and left out
}

// A notice is a Kubernetes Event and when it was seen.
type notice struct {
	*eventsv1.Event
	at time.Duration
}

// follow records Events until ctx ends. The rest of a run does not depend on them: that
// they are not seen is a note.
func (p *published) follow(ctx context.Context) {
	begun, blind := false, false
	for version := ""; ; {
		err := p.listen(ctx, &version, func() {
			if blind {
				p.rec.Note("Kubernetes Events in %s are seen again", p.Namespace)
			}
			begun, blind = true, false
		})
		switch {
		case ctx.Err() != nil:
		case err != nil && !begun && kube.Hopeless(err):
			p.rec.Note("no Kubernetes Events are recorded: %v", kube.Explain(err, "the rights to list and watch events.events.k8s.io in "+p.Namespace))
			return
		case err != nil && !blind:
			blind = true
			p.rec.Note("Kubernetes Events in %s are not seen from here on: %v", p.Namespace, err)
		}
		if experiments.Wait(ctx, cmp.Or(p.Every, time.Second)) != nil {
			break
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.left > 0 {
		p.rec.Note("%d more Kubernetes Events were left out of the record, which has %d", p.left, p.n)
	}
}

// listen records Events from a version on until the watch ends, and keeps the version.
// Without one it begins now. Begun is called when it watches.
func (p *published) listen(ctx context.Context, version *string, begun func()) error {
	in := client.InNamespace(p.Namespace)
	if *version == "" {
		// One Event is enough for the version, however many a namespace has.
		var list eventsv1.EventList
		bounded, cancel := context.WithTimeout(ctx, 2*cmp.Or(p.Every, time.Second))
		defer cancel()
		if err := p.Client.List(bounded, &list, in, client.Limit(1)); err != nil {
			return err
		}
		*version = list.ResourceVersion
	}
	from := client.ListOptions{Raw: &metav1.ListOptions{ResourceVersion: *version, AllowWatchBookmarks: true}}
	arrivals, stop, err := kube.Arrivals(ctx, p.Client, p.rec.Clock(), &eventsv1.EventList{}, in, &from)
	if err != nil {
		if apierrors.IsResourceExpired(err) || apierrors.IsGone(err) {
			*version = ""
		}
		return err
	}
	defer stop()
	begun()
	for a := range arrivals {
		if a.Type == watch.Error {
			*version = "" // it may be too old
			return apierrors.FromObject(a.Object)
		}
		if event, ok := a.Object.(*eventsv1.Event); ok {
			*version = event.ResourceVersion
			p.take(a.Type, notice{event, a.At()})
		}
	}
	return nil
}

// take records an Event whose object was seen, and keeps those of others for a while.
func (p *published) take(change watch.EventType, n notice) {
	if slices.Contains(p.Except, n.ReportingController) || n.Type != corev1.EventTypeWarning && !slices.Contains(telling, n.Reason) {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	was, known := p.counts[n.UID]
	switch count := n.count(); {
	case change == watch.Deleted:
		delete(p.counts, n.UID)
		return
	case change == watch.Bookmark, known && count <= was:
		return
	default:
		p.counts[n.UID] = count
	}
	if p.subjects[string(n.Regarding.UID)] != "" {
		p.record(n)
		return
	}
	if len(p.early) == mostEarly {
		p.early = p.early[1:]
	}
	p.early = append(p.early, n)
}

// know records the early Events on an object, and all from now on.
func (p *published) know(h happening) {
	if h.uid == "" || strings.HasPrefix(h.subject, "endpoint/") { // whose UID is its pod's
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.subjects[h.uid] != "" {
		return
	}
	p.subjects[h.uid] = h.subject
	p.early = slices.DeleteFunc(p.early, func(n notice) bool {
		own := string(n.Regarding.UID) == h.uid
		if own {
			p.record(n)
		}
		return own
	})
}

// record adds an Event to the record, unless that has enough.
func (p *published) record(n notice) {
	uid := string(n.Regarding.UID)
	words := strings.Join([]string{uid, n.Reason, n.Note}, "\n")
	if at, ok := p.recorded[words]; ok && n.at < at+repeatEvery {
		return // the next one has the count
	}
	alike := uid + "\n" + n.Reason
	if p.n == mostPublished || p.alike[alike] == mostAlike {
		p.left++
		return
	}
	p.recorded[words] = n.at
	p.alike[alike]++
	p.n++
	count := ""
	if c := n.count(); c > 1 {
		count = strconv.Itoa(c)
	}
	p.rec.Event(record.Event{
		Span: n.span(p.rec.Clock()), Kind: record.EventKubernetes, Subject: "event/" + p.subjects[uid], UID: uid,
		Attrs: attrs(
			record.AttrReason, n.Reason,
			record.AttrMessage, redact.Excerpt(redact.Text(n.Note), longestMessage),
			record.AttrCount, count,
			record.AttrContainer, containerOf(n.Regarding.FieldPath),
			record.AttrBy, cmp.Or(n.ReportingController, n.DeprecatedSource.Component),
		),
	})
}

// count is how often it happened so far.
func (n notice) count() int {
	count := max(1, n.DeprecatedCount)
	if n.Series != nil {
		count = max(count, n.Series.Count)
	}
	return int(count)
}

// span is the time in which it happened last: from its stamp to when it was seen. A
// stamp has a resolution of 1 s, and the clock of its component may be ahead.
func (n notice) span(clock steadystate.Clock) steadystate.Span {
	stamp := n.EventTime.Time
	if last := n.DeprecatedLastTimestamp.Time; last.After(stamp) {
		stamp = last
	}
	if n.Series != nil && n.Series.LastObservedTime.After(stamp) {
		stamp = n.Series.LastObservedTime.Time
	}
	from := n.at - time.Second
	if !stamp.IsZero() {
		from = min(from, stamp.Sub(clock.Start()))
	}
	return steadystate.Span{From: max(0, from), To: n.at}
}

// containerOf is the container in the path of a field, as in "spec.containers{shop}".
func containerOf(path string) string {
	_, name, _ := strings.Cut(path, "{")
	return strings.TrimSuffix(name, "}")
}
