package supervise

import (
	"sync"
	"time"

	"github.com/aftershockhq/aftershock/lab/internal/cgroup"
)

// meter tells what a cgroup uses now, from samples of what it had used before.
type meter struct {
	group cgroup.Group

	mu      sync.Mutex
	samples []sample
}

type sample struct {
	at  time.Time
	cpu time.Duration
}

// Samples are taken every five seconds, so that a figure is the average of the last half minute.
const samplesKept = 7

func (m *meter) note() {
	now := sample{time.Now(), m.group.Usage().CPU}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.samples = append(m.samples, now)
	m.samples = m.samples[max(0, len(m.samples)-samplesKept):]
}

func (m *meter) cost() Cost {
	used := m.group.Usage()
	c := Cost{Anon: used.Anon, Memory: cgroup.Proportional(m.group.Pids())}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.samples) > 0 {
		over := time.Since(m.samples[0].at)
		c.Over = over.Seconds()
		c.Cores = max(0, (used.CPU-m.samples[0].cpu).Seconds()/c.Over)
	}
	return c
}
