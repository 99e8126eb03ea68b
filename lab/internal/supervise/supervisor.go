package supervise

import (
	"context"
	"errors"
	"fmt"
	"log"
	"slices"
	"sync"
	"time"

	"github.com/aftershockhq/aftershock/lab/internal/cgroup"
)

// Supervisor runs a list of components.
type Supervisor struct {
	agent  string
	units  []*unit
	groups map[string]*meter
	total  *meter
}

// New makes a supervisor. Each component gets a cgroup of its own name inside group, and its output goes to the file
// that logs names.
func New(agent string, group cgroup.Group, logs func(component string) string, components []Component) *Supervisor {
	s := &Supervisor{agent: agent, groups: map[string]*meter{}, total: &meter{group: group}}
	for _, c := range components {
		s.units = append(s.units, &unit{
			Component: c, wanted: true, state: Waiting, since: time.Now(),
			meter: &meter{group: group.Child(c.Name)}, log: logs(c.Name), changed: make(chan struct{}, 1),
		})
	}
	return s
}

// Measure adds a group that is reported though nothing here runs it. Call it before Run.
func (s *Supervisor) Measure(name string, group cgroup.Group) {
	s.groups[name] = &meter{group: group}
}

// Run runs all components until ctx ends, and returns when all have ended.
func (s *Supervisor) Run(ctx context.Context) error {
	for _, u := range s.units {
		for _, need := range u.Needs {
			if s.unit(need) == nil {
				return fmt.Errorf("component %s needs %s, which is not a component", u.Name, need)
			}
		}
	}
	var running sync.WaitGroup
	for _, u := range s.units {
		running.Go(func() { s.keep(ctx, u) })
	}
	running.Go(func() { s.measure(ctx) })
	running.Wait()
	return nil
}

func (s *Supervisor) unit(name string) *unit {
	if i := slices.IndexFunc(s.units, func(u *unit) bool { return u.Name == name }); i >= 0 {
		return s.units[i]
	}
	return nil
}

// ErrNoComponent is returned by Want for a name that is not in the list.
var ErrNoComponent = errors.New("no such component")

// Want says whether a component shall run, and waits until it does or does not.
func (s *Supervisor) Want(ctx context.Context, name string, wanted bool) error {
	u := s.unit(name)
	if u == nil {
		return fmt.Errorf("%w: %s", ErrNoComponent, name)
	}
	u.want(wanted)
	for {
		state, reason := u.now()
		if (wanted && state == Ready) || (!wanted && state == Stopped) {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s is %s (%s): %w", name, state, reason, ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// keep is the life of one component.
func (s *Supervisor) keep(ctx context.Context, u *unit) {
	const shortest, longest, settled = time.Second, 15 * time.Second, 30 * time.Second
	pause := shortest
	for ctx.Err() == nil {
		if !u.isWanted() {
			u.enter(Stopped, "stopped by request")
			pause = shortest
			u.wait(ctx, 0)
			continue
		}
		if need := s.missing(u); need != "" {
			u.enter(Waiting, "waits for "+need)
			u.wait(ctx, 50*time.Millisecond)
			continue
		}
		started := time.Now()
		err := u.once(ctx)
		if ctx.Err() != nil || !u.isWanted() {
			continue
		}
		if time.Since(started) > settled {
			pause = shortest
		}
		u.enter(Failed, fmt.Sprintf("%v; starts again in %s", err, pause))
		log.Printf("%s: %v; starts again in %s", u.Name, err, pause)
		u.again()
		u.wait(ctx, pause)
		pause = min(2*pause, longest)
	}
}

// missing names a component that u needs and that is not ready.
func (s *Supervisor) missing(u *unit) string {
	for _, need := range u.Needs {
		if state, _ := s.unit(need).now(); state != Ready {
			return need
		}
	}
	return ""
}
