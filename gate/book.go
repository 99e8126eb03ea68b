package gate

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// A State is how far the test of a build has come.
type State string

// The states of a build. The last three are verdicts, and do not change any more.
const (
	Waiting State = "waiting"
	Running State = "running"
	Held    State = "held"
	Broken  State = "broken"
	Unknown State = "unknown"
)

// Ended reports whether it is a verdict.
func (s State) Ended() bool { return s == Held || s == Broken || s == Unknown }

// An Ask is which build is asked about, and by what it is to be tested.
type Ask struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Checksum  string `json:"checksum"`
	// Plans are the hashes of the experiments' plans, by their ids.
	Plans map[string]string `json:"plans"`
	// File is the SHA-256 of the configuration.
	File string `json:"file"`
	// Revision is what the pods of the build ran when it was asked about: the label of
	// their template, as in "pod-template-hash=5d8f7c".
	Revision string `json:"revision"`
}

// Key is "namespace/name/checksum".
func (a Ask) Key() string { return a.Namespace + "/" + a.Name + "/" + a.Checksum }

// Experiments are the ids, in order.
func (a Ask) Experiments() []string { return slices.Sorted(maps.Keys(a.Plans)) }

func (a Ask) sameBuilds(b Ask) bool { return a.Namespace == b.Namespace && a.Name == b.Name }

// covers reports whether a test by what one question names is one by what another does.
func (a Ask) covers(b Ask) bool {
	for id, plan := range b.Plans {
		if a.Plans[id] != plan {
			return false
		}
	}
	return a.File == b.File
}

// and is the question that also names what an earlier one of the same file did: of two
// hooks that name different experiments, each would end the other's test for ever.
func (a Ask) and(earlier Ask) Ask {
	if a.File == earlier.File {
		plans := maps.Clone(earlier.Plans)
		maps.Copy(plans, a.Plans)
		a.Plans = plans
	}
	return a
}

// differs says how another question about the same build differs; empty: it does not.
func (a Ask) differs(b Ask) string {
	switch {
	case !a.covers(b):
		return "it is asked about with further experiments, or the file has changed"
	case a.Revision != b.Revision:
		return fmt.Sprintf("its pods ran %s, and now %s", a.Revision, b.Revision)
	}
	return ""
}

// The events of a build.
const (
	Asked       = "asked"
	Begun       = "begun"       // its experiments
	Postponed   = "postponed"   // refused for now, before anything was touched
	Interrupted = "interrupted" // the gate ended or was killed, or its pods were replaced; nothing is in place any more
	Decided     = "decided"
	Dropped     = "dropped" // it, or a person, wants it tested anew
)

// An Event is what happens to a build.
type Event struct {
	Time  time.Time `json:"time"`
	Event string    `json:"event"`
	Key   string    `json:"key"`
	// Ask is that of [Asked].
	Ask *Ask `json:"ask,omitempty"`
	// Earlier are the earlier tests of the build, of [Asked].
	Earlier []Test `json:"earlier,omitempty"`
	// Directory is that of the records of [Begun], below the gate's.
	Directory string `json:"directory,omitempty"`
	// Verdict is that of [Decided].
	Verdict State  `json:"verdict,omitempty"`
	Why     string `json:"why,omitempty"`
	// Again is that a build was unknown since its pods could not be read, or were others:
	// it is tested once they can.
	Again bool `json:"again,omitempty"`
	// Head is that of the chain of records once they were complete, of [Decided].
	Head string `json:"head,omitempty"`
}

// A Test is where the records of a test are, and by what it was.
type Test struct {
	Directory string `json:"directory"`
	// Head is that of the chain of records once they were complete.
	Head  string            `json:"head,omitempty"`
	File  string            `json:"file"`
	Plans map[string]string `json:"plans"`
}

// An entry is what is known of a build.
type entry struct {
	Ask
	State State
	Why   string
	Asked time.Time
	// Begun is how often its experiments were begun and may have touched something.
	Begun     int
	Directory string
	Head      string
	// Again: it is unknown, and is tested once its pods can be read.
	Again bool
	// Earlier are the tests by other experiments, another file, while its pods ran
	// something else, or before other pods took its place. What broke the build there
	// still does, by the file and the plans of then, and it is not tested again. If what
	// they showed cannot be read, the build is not held.
	Earlier []Test
	// Superseded: it is running, and another build of the same name was asked about.
	Superseded bool
}

// untested reports whether there is no record of a build, so that nothing is forgotten with it.
func (b *entry) untested() bool {
	return b.State == Unknown && b.Directory == "" && len(b.Earlier) == 0
}

// attempts are how often a build is tested: once more after an interruption.
const attempts = 2

// kept is how many verdicts are remembered.
const kept = 1000

// A book is all builds. It knows no clock, no disk and no network: it changes by
// Apply alone, and the same events always make the same book.
type book struct {
	// Queue is how many builds may wait.
	Queue int

	builds []*entry // in the order in which they are to be tested
}

// errOtherTest is that the build is being tested by other experiments.
var errOtherTest = errors.New("it is being tested by other experiments")

// Ask returns what must happen for a build to be tested: nothing if it was, or is.
// A build that was not tested by all that is named now, or by another version of the
// file, or while its pods ran something else, is tested anew, by all that was named for it
// in this file, unless what they run was broken.
// So is one that is unknown and comes back after other pods took its place. Builds of the
// same name whose pods were others need no answer any more.
func (b *book) Ask(a Ask, now time.Time) ([]Event, error) {
	var events []Event
	drop := func(build *entry, why string) {
		events = append(events, Event{Time: now, Event: Dropped, Key: build.Key(), Why: why})
	}
	var earlier []Test
	if known := b.find(a.Key()); known != nil {
		switch {
		case known.Superseded:
			return nil, errors.New("an earlier test of this build is being undone; ask again")
		case known.State == Running && !known.covers(a):
			return nil, fmt.Errorf("%w: %v", errOtherTest, known.Experiments())
		case known.State == Running || known.differs(a) == "" && !known.Again && !b.returns(known):
			return nil, nil
		case known.State == Broken && known.Revision == a.Revision:
			return nil, nil // by whatever it is tested
		}
		if earlier = known.Earlier; known.Directory != "" {
			earlier = append(slices.Clone(earlier), Test{known.Directory, known.Head, known.File, known.Plans})
		}
		drop(known, cmp.Or(known.differs(a), "it came back"))
		a = a.and(known.Ask)
	}
	if i := slices.IndexFunc(b.builds, func(build *entry) bool {
		return build.Key() != a.Key() && build.sameBuilds(a) && build.Revision == a.Revision && !build.State.Ended() && !build.Superseded
	}); i >= 0 {
		return nil, fmt.Errorf("its pods are being tested as another build: %s", b.builds[i].Checksum)
	}
	waiting, ended := 0, []*entry{}
	for _, build := range b.builds {
		switch {
		case build.Key() == a.Key():
		case build.State == Waiting && build.sameBuilds(a):
			events = append(events, Event{Time: now, Event: Decided, Key: build.Key(), Verdict: Unknown, Why: "build " + a.Checksum + " came"})
		case build.State == Waiting:
			waiting++
		case build.State.Ended():
			ended = append(ended, build)
		}
	}
	if waiting >= b.Queue {
		return nil, fmt.Errorf("the queue is full: %d builds wait", waiting)
	}
	slices.SortStableFunc(ended, func(x, y *entry) int {
		switch x, y := x.untested(), y.untested(); {
		case x && !y:
			return -1
		case y && !x:
			return 1
		}
		return x.Asked.Compare(y.Asked)
	})
	for _, build := range ended[:max(0, len(ended)-kept+1)] {
		drop(build, fmt.Sprintf("%d later verdicts are remembered", kept))
	}
	return append(events, Event{Time: now, Event: Asked, Key: a.Key(), Ask: &a, Earlier: earlier[max(0, len(earlier)-kept):]}), nil
}

// returns reports whether a build is unknown, and other pods took its place since.
func (b *book) returns(known *entry) bool {
	return known.State == Unknown && slices.ContainsFunc(b.builds, func(build *entry) bool {
		return build.sameBuilds(known.Ask) && build.Revision != known.Revision && build.Asked.After(known.Asked)
	})
}

// Waiting are the builds that may be tested next, in order: none while one is tested.
func (b *book) Waiting() (list []entry) {
	if _, ok := b.running(); ok {
		return nil
	}
	for _, build := range b.builds {
		if build.State == Waiting {
			list = append(list, *build)
		}
	}
	return list
}

// Find is a build by its key.
func (b *book) Find(key string) (entry, bool) {
	if build := b.find(key); build != nil {
		return *build, true
	}
	return entry{}, false
}

func (b *book) find(key string) *entry {
	for _, build := range b.builds {
		if build.Key() == key {
			return build
		}
	}
	return nil
}

// Builds are all, those that wait in the order of the queue.
func (b *book) Builds() (list []entry) {
	for _, build := range b.builds {
		list = append(list, *build)
	}
	return list
}

// Before is how many builds are tested before one that waits.
func (b *book) Before(key string) (n int) {
	for _, build := range b.builds {
		switch {
		case build.State == Running:
			n++
		case build.Key() == key:
			return n
		case build.State == Waiting:
			n++
		}
	}
	return n
}

// Apply changes the book by an event. One that cannot follow what was before is an
// error, and changes nothing.
func (b *book) Apply(e Event) error {
	build := b.find(e.Key)
	wrong := func() error {
		state := State("not known")
		if build != nil {
			state = build.State
		}
		return fmt.Errorf("build %s is %s: it cannot be %s", e.Key, state, cmp.Or(e.Event, "without an event"))
	}
	if e.Event == Asked {
		if build != nil || e.Ask == nil || e.Ask.Key() != e.Key || len(e.Ask.Plans) == 0 {
			return wrong()
		}
		for _, other := range b.builds {
			other.Superseded = other.Superseded || other.State == Running && other.sameBuilds(*e.Ask)
		}
		b.builds = append(b.builds, &entry{Ask: *e.Ask, State: Waiting, Asked: e.Time, Earlier: e.Earlier})
		return nil
	}
	if build == nil {
		return wrong()
	}
	switch is := build.State; {
	case e.Event == Dropped:
		b.remove(build)
		return nil
	case e.Event == Begun && is == Waiting && e.Directory != "":
		if other, ok := b.running(); ok {
			return fmt.Errorf("build %s cannot be begun: %s is running", e.Key, other)
		}
		build.State, build.Directory = Running, e.Directory
		build.Begun++
	case e.Event == Postponed && is == Running && !build.Superseded:
		build.State, build.Directory = Waiting, ""
		build.Begun--
		b.remove(build)
		b.builds = append(b.builds, build) // a stop of one service does not keep others waiting
	case e.Event == Interrupted && is == Running && !build.Superseded:
		build.State = Waiting
		if build.Begun >= attempts {
			build.State = Unknown
		}
	case e.Event == Decided && (!e.Again || e.Verdict == Unknown) && (is == Running && e.Verdict.Ended() || is == Waiting && e.Verdict == Unknown || is == Waiting && e.Verdict == Broken && len(build.Earlier) > 0):
		build.State, build.Head, build.Superseded, build.Again = e.Verdict, e.Head, false, e.Again
	default:
		return wrong()
	}
	build.Why = e.Why
	return nil
}

func (b *book) running() (key string, ok bool) {
	for _, build := range b.builds {
		if build.State == Running {
			return build.Key(), true
		}
	}
	return "", false
}

func (b *book) remove(build *entry) {
	b.builds = slices.DeleteFunc(b.builds, func(other *entry) bool { return other == build })
}

func (b *book) clone() book {
	copied := book{Queue: b.Queue}
	for _, build := range b.builds {
		one := *build
		copied.builds = append(copied.builds, &one)
	}
	return copied
}
