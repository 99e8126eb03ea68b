package bench

import (
	"context"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/local"
)

// Kill is the fault that kills a service's process with kill -9, see [local.Kill].
// The bench starts the next one by itself, after Options.RestartAfter. A service
// that the bench does not have is an error.
func (b *Bench) Kill(service string) experiments.Fault {
	return local.Kill(local.Service{
		Name: service,
		Find: func(context.Context) (local.Process, error) {
			s, err := b.supervisor(service)
			if err != nil {
				return nil, err
			}
			if p := s.running(); p != nil {
				return p, nil
			}
			return nil, nil
		},
		Next: func(ctx context.Context, gone local.Process) (local.Process, local.Moment, error) {
			s, err := b.supervisor(service)
			if err != nil {
				return nil, local.Moment{}, err
			}
			next, err := s.after(ctx, gone.(*process))
			if err != nil {
				return nil, local.Moment{}, err
			}
			return next, next.known().Ready, nil
		},
	})
}
