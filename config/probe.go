package config

import (
	"context"
	"time"

	"github.com/aftershockhq/aftershock/steadystate"
)

// A Probe is a source beside the load, of how many seconds something takes. It
// runs on this machine.
type Probe interface {
	Validate() error
	Signal(name string) steadystate.Signal
	Resolution() time.Duration
	Preflight(ctx context.Context) (found string, err error)
}

// ProbeSignals are the signals that probes make, in the order of their sections.
var ProbeSignals = []string{SignalWebSocket, SignalGRPC}

// Probe is the service's probe that makes a signal; nil: it has none.
func (s *Service) Probe(signal string) Probe {
	switch {
	case signal == SignalWebSocket && s.WebSocket != nil:
		return s.WebSocket
	case signal == SignalGRPC && s.GRPC != nil:
		return s.GRPC
	}
	return nil
}
