package workers

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/aftershockhq/aftershock/experiments/load"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// Ahead is the worker with a clock that is wrong by so much.
func (w Worker) Ahead(by time.Duration) Worker {
	w.ahead = by
	return w
}

// Of is the worker of a program of that version.
func (w Worker) Of(version string) Worker {
	w.version = version
	return w
}

// Drive has the workers at these URLs drive a load, without a cluster.
func Drive(ctx context.Context, h load.HTTP, clock steadystate.Clock, urls []string, each func(record.Request), note func(string, ...any)) error {
	targets, err := h.Aims()
	if err != nil {
		return err
	}
	c := coordinator{load: h, targets: targets, clock: clock, each: each, note: note}
	var clients []workerClient
	for _, url := range urls {
		clients = append(clients, workerClient{name: "the worker at " + url, client: http.DefaultClient, below: url})
	}
	return c.drive(ctx, clients)
}

// SentAndRead is a worker's share of a load as it is once it was sent.
func SentAndRead(h load.HTTP, worker, of int) (load.HTTP, error) {
	targets, err := h.Aims()
	if err != nil {
		return h, err
	}
	text, err := json.Marshal(assign(h, targets, nil, worker, of, 0))
	if err != nil {
		return h, err
	}
	var o assignment
	if err := json.Unmarshal(text, &o); err != nil {
		return h, err
	}
	return o.load()
}
