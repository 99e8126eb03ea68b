package supervise

import (
	"context"
	"time"
)

// Status is what one component does and costs.
type Status struct {
	Agent    string    `json:"agent"` // "control" or the node's name
	Name     string    `json:"name"`
	State    State     `json:"state"`
	Reason   string    `json:"reason,omitempty"`
	Since    time.Time `json:"since"`
	PID      int       `json:"pid,omitempty"` // as the agent sees it
	Restarts int       `json:"restarts"`
	Cost     Cost      `json:"cost"`
}

// Cost is what a group of processes uses.
type Cost struct {
	Cores  float64 `json:"cores"`  // averaged over Over
	Over   float64 `json:"over"`   // seconds
	Memory uint64  `json:"memory"` // bytes, each shared page divided among those that share it
	Anon   uint64  `json:"anon"`   // bytes that no file backs, as the cgroup counts them
}

// Report is an agent's answer.
type Report struct {
	Agent      string          `json:"agent"`
	Components []Status        `json:"components"`
	Groups     map[string]Cost `json:"groups,omitempty"` // what is measured and not run: a node's pods
	Total      Cost            `json:"total"`            // of everything in the agent's cgroup
}

// Report measures and describes every component.
func (s *Supervisor) Report() Report {
	r := Report{Agent: s.agent, Groups: map[string]Cost{}, Total: s.total.cost()}
	for name, m := range s.groups {
		r.Groups[name] = m.cost()
	}
	r.Components = s.States()
	for i, u := range s.units {
		r.Components[i].Cost = u.meter.cost()
	}
	return r
}

// States describes every component without what it costs: to measure memory is to walk the page tables of every process,
// which slows all of them down if it is done each second.
func (s *Supervisor) States() []Status {
	var list []Status
	for _, u := range s.units {
		u.mu.Lock()
		list = append(list, Status{
			Agent: s.agent, Name: u.Name, State: u.state, Reason: u.reason, Since: u.since,
			PID: u.pid, Restarts: u.restarts,
		})
		u.mu.Unlock()
	}
	return list
}

// measure notes from time to time how much processor time everything has used.
func (s *Supervisor) measure(ctx context.Context) {
	const every = 5 * time.Second
	for ctx.Err() == nil {
		s.total.note()
		for _, m := range s.groups {
			m.note()
		}
		for _, u := range s.units {
			u.meter.note()
		}
		select {
		case <-ctx.Done():
		case <-time.After(every):
		}
	}
}
