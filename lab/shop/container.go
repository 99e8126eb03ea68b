package shop

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// apply makes a healthy container of checkout have the defect.
func (d Defect) apply(c *corev1.Container) {
	switch d {
	case NoReadiness:
		c.ReadinessProbe = nil
		setEnv(c, "START_DELAY", "8s")
	case ReadinessTooEarly:
		setEnv(c, "WARMUP", "5s")
	case NoGracefulShutdown:
		setEnv(c, "GRACEFUL", "false")
		// Of 100 requests a second one is then always under way, whichever pod ends and however fast the news spreads.
		setEnv(c, "ANSWER_DELAY", "250ms")
	case NoDrain:
		setEnv(c, "DRAIN_DELAY", "0s")
	case GraceTooShort:
		// Of those that come just before a pod is asked to end many are under way when it is killed.
		setEnv(c, "ANSWER_DELAY", "1400ms")
	case NoRetry:
		setEnv(c, "PAY_TRIES", "1")
	case NoBreaker:
		setEnv(c, "BREAKER", "false")
		// Three tries, as ever, of a second together. With four or eight, the emulated network filled the machine.
		setEnv(c, "PAY_TRY_TIMEOUT", "350ms")
		setEnv(c, "PAY_TIMEOUT", "2s")
	case NoTimeout:
		setEnv(c, "PAY_TRY_TIMEOUT", "0s")
		setEnv(c, "PAY_TIMEOUT", "0s")
	case LivenessOnPayments:
		setEnv(c, "LIVENESS_PAYMENTS", "true")
		// As hasty as such probes are where they are met: a partition of ten seconds is enough.
		c.LivenessProbe.PeriodSeconds, c.LivenessProbe.FailureThreshold = 2, 2
	case LivenessOutOfTime:
		// A network that is slower by 150 ms or more in one direction delays two packets of each probe.
		setEnv(c, "LIVENESS_DELAY", "750ms")
		c.LivenessProbe.TimeoutSeconds, c.LivenessProbe.PeriodSeconds, c.LivenessProbe.FailureThreshold = 1, 2, 2
	case CPULimitTooLow:
		// A pod takes 200m for its share of 100 requests a second, and is left 150m by one other process in its container. With
		// requests as cheap as the healthy ones' the stress would hardly show in so low a limit.
		setEnv(c, "WORK", "6ms")
		c.Resources.Limits[corev1.ResourceCPU] = resource.MustParse("300m")
	case MemoryLeak:
		setEnv(c, "LEAK", "80")
	case SlowStart, NoBudget, MaxUnavailableTooHigh:
		setEnv(c, "START_DELAY", "5s")
	case Autoscaled, MaxTooLow, ScaleDownTooEager:
		c.Resources.Requests[corev1.ResourceCPU] = resource.MustParse(cpuRequest)
		c.Resources.Limits[corev1.ResourceCPU] = resource.MustParse(cpuLimit)
	case NoRequests, NoRoom:
		// The limit too: Kubernetes takes a limit for the request where there is none.
		delete(c.Resources.Requests, corev1.ResourceCPU)
		delete(c.Resources.Limits, corev1.ResourceCPU)
	}
}

func setEnv(c *corev1.Container, name, value string) {
	for i := range c.Env {
		if c.Env[i].Name == name {
			c.Env[i].Value = value
			return
		}
	}
	c.Env = append(c.Env, corev1.EnvVar{Name: name, Value: value})
}
