package workers

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"

	"github.com/aftershockhq/aftershock/experiments/load"
)

// An assignment is the task of a worker, as plain data: a load, its share of
// it, and the start time.
type assignment struct {
	// HTTP is the load without what the run reads on its own side, from files and
	// variables: that is in the targets.
	load.HTTP
	// Targets are the requests' targets with their headers, secrets included, and
	// their bodies.
	Targets []vegeta.Target
	// CABundle is the CA certificates, in PEM, that verify the service; empty:
	// the system's.
	CABundle []byte `json:"authorities,omitempty"`

	Worker int `json:"worker"`
	Of     int `json:"of"`
	// Start is when the load begins, by the worker's clock.
	Start time.Duration `json:"start"`
}

// assign is the share of a load that one worker drives, at these targets.
func assign(h load.HTTP, targets []vegeta.Target, caBundle []byte, worker, of int, start time.Duration) assignment {
	share := uint64(max(1, of)) //nolint:gosec // not negative
	h.MaxInFlight = (h.MaxInFlight + share - 1) / share
	return assignment{HTTP: h.At(nil), Targets: targets, CABundle: caBundle, Worker: worker, Of: of, Start: start}
}

// load is the load of the assignment.
func (o assignment) load() (load.HTTP, error) {
	h := o.At(o.Targets).Share(o.Worker, o.Of)
	if len(o.Targets) == 0 {
		return h, errors.New("load: no target")
	}
	if len(o.CABundle) > 0 {
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(o.CABundle) {
			return h, errors.New("load: the CA bundle holds no certificate in PEM")
		}
		h.TLS = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	return h, h.Validate()
}
