package config

import (
	"context"
	"crypto/tls"
	"iter"
	"time"

	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/secret"
)

// A Probe is a source beside the load, of how many seconds something takes. It
// runs on this machine.
type Probe interface {
	Validate() error
	Signal(name string) steadystate.Signal
	Resolution() time.Duration
	Preflight(ctx context.Context) (found string, err error)
	// does is what of the probe the hash of a plan is of, a default as if it was written.
	does() []any
	// complete takes what the section at the cursor says besides the probe's own fields.
	complete(r *resolver, at cursor)
}

// probes are the sections of a service that are probes. Each makes the signal of its
// name.
var probes = []struct {
	signal string
	of     func(*Service) Probe // nil: it has none
}{
	{"websocket", section(func(s *Service) *WebSocket { return s.WebSocket })},
	{"grpc", section(func(s *Service) *GRPC { return s.GRPC })},
}

// section is a field of a service as a probe.
func section[P interface {
	comparable
	Probe
}](field func(*Service) P) func(*Service) Probe {
	return func(s *Service) Probe {
		if probe, none := field(s), *new(P); probe != none {
			return probe
		}
		return nil
	}
}

// Probes returns the service's probes, by the signals that they make.
func (s *Service) Probes() iter.Seq2[string, Probe] {
	return func(yield func(string, Probe) bool) {
		for _, row := range probes {
			if probe := row.of(s); probe != nil && !yield(row.signal, probe) {
				return
			}
		}
	}
}

// probes completes the service's probes.
func (r *resolver) probes(t *Target) {
	for signal, probe := range t.Probes() {
		at := t.at.field(signal)
		probe.complete(r, at)
		if err := probe.Validate(); err != nil {
			r.fail(at, err)
		}
	}
}

// sent is what of a probe's headers the hash is of, as of a load's.
func sent(h secret.Headers) []any {
	if h.Empty() {
		return nil
	}
	return []any{h.Canonical(), h.Secrets}
}

func (w *WebSocket) does() []any {
	every, timeout := w.Timing()
	return append([]any{every, timeout, w.Reuse}, sent(w.Headers)...)
}

func (w *WebSocket) complete(r *resolver, at cursor) {
	w.Headers = r.headers(w.UseHeaders)
	w.TLS = trusting(r.bundle(at.field("caFile"), w.CAFile))
}

func (g *GRPC) does() []any {
	every, timeout := g.Timing()
	return append([]any{g.Service, every, timeout, g.Reuse, g.UseTLS}, sent(g.Headers)...)
}

func (g *GRPC) complete(r *resolver, at cursor) {
	g.Headers = r.headers(g.UseHeaders)
	g.TLS = trusting(r.bundle(at.field("caFile"), g.CAFile))
	switch {
	case g.UseTLS && g.TLS == nil:
		g.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	case !g.UseTLS && g.CAFile != "":
		r.bad(at.field("caFile"), "is for TLS, which is off; set tls: true")
	}
}
