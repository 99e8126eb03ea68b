package netem

import (
	"math/rand/v2"
	"time"
)

// draw makes the decisions of one Netem, packet after packet.
type draw struct {
	Netem
	random    *rand.Rand
	lastDelay float64
	lastLoss  float64
}

func newDraw(n Netem, random *rand.Rand) *draw { return &draw{Netem: n, random: random} }

// next is the next packet's delay, and whether it is lost instead.
func (d *draw) next() (delay time.Duration, lost bool) {
	if d.Loss > 0 && correlated(d.random, d.LossCorrelation, &d.lastLoss) < d.Loss {
		return 0, true
	}
	delay = d.Delay
	if d.Jitter > 0 {
		x := correlated(d.random, d.DelayCorrelation, &d.lastDelay)
		delay += time.Duration((2*x - 1) * float64(d.Jitter))
	}
	return max(0, delay), false
}

// correlated draws from [0, 1) as the kernel's get_crandom does: a mean of a fresh draw and of the one before, weighed by rho.
func correlated(random *rand.Rand, rho float64, last *float64) float64 {
	x := random.Float64()
	if rho > 0 {
		x = x*(1-rho) + *last*rho
		*last = x
	}
	return x
}
