// Package shop is what experiments are run on: the shop's checkout, the payments behind it, and a store, the ledger, and how they
// are deployed, healthy or with one defect.
//
//	for _, o := range shop.Manifests(shop.OneReplica, place.Inside) { ... }
//
// The program of checkout and payments is in the folder checkout, that of the ledger in the folder ledger.
package shop

import (
	"fmt"
	"slices"
	"strings"
)

// Defect is what is wrong with a deployment of the shop; each makes one kind of experiment fail.
type Defect string

// The defects. Each says how it is seen: by the experiment that breaks a limit of the hypothesis on it and on nothing healthy.
const (
	// None is the shop as it should be.
	None Defect = "none"
	// NoReadiness starts slowly and has no readiness probe: traffic is sent to a pod that does not listen yet. Seen by a pod
	// kill, in the errors and the downtime of the traffic.
	NoReadiness Defect = "no-readiness"
	// ReadinessTooEarly is ready as soon as it listens, and answers 503 for five seconds more. Seen by a pod kill, in the errors
	// and the downtime of the traffic: all of them are the replacement's.
	ReadinessTooEarly Defect = "readiness-too-early"
	// OneReplica has no other pod to take over. Seen by a pod kill, in the downtime of the traffic.
	OneReplica Defect = "one-replica"
	// NoGracefulShutdown ends at once when asked to: requests under way, and those still sent to it, fail. Its answers take a
	// quarter of a second, so that some are under way whenever a pod ends. Seen by a rollout or an eviction, in the errors of the
	// traffic.
	NoGracefulShutdown Defect = "no-graceful-shutdown"
	// NoDrain stops listening at once when asked to, and answers what is under way. kube-proxy writes its rules at most once a
	// second, and has just written the new pod's: until it does again, connections to the old one are refused. Seen by a rollout,
	// in the errors of the traffic.
	NoDrain Defect = "no-drain"
	// GraceTooShort is killed a second after it was asked to end, while it still serves for three. Its answers take
	// more than one, so that some are under way whenever a pod ends. Seen by a rollout, in the errors of the traffic.
	GraceTooShort Defect = "grace-too-short"
	// NoBudget has no PodDisruptionBudget, and starts more slowly than an old pod goes on serving. Seen by a drain, in the
	// downtime of the traffic: all pods are evicted at once.
	NoBudget Defect = "no-budget"
	// MaxUnavailableTooHigh lets a rollout take all pods away at once, and starts more slowly than an old one goes on serving.
	// Seen by a restart, in the downtime of the traffic.
	MaxUnavailableTooHigh Defect = "max-unavailable-too-high"
	// OnOneNode has all its pods on the first node. Seen when its kubelet stops for more than ten seconds, in the downtime of the
	// traffic.
	OnOneNode Defect = "on-one-node"
	// NoRoom requests no processor time, and a LimitRange that came after it gives such pods a request that no node has room for.
	// Seen by a pod kill, in the number of replicas: the replacement cannot be scheduled.
	NoRoom Defect = "no-room"
	// NoRetry asks payments once only. Seen by packet loss, or a killed container, of payments: the share of orders that are
	// paid at once falls (X-Payment, checkout_payments_requests_total), where three tries would hide it.
	NoRetry Defect = "no-retry"
	// NoBreaker insists instead of giving up for a while: three long tries for each order. Seen by a partition from payments, in
	// p95 of the traffic: every order takes all the time that its tries have.
	NoBreaker Defect = "no-breaker"
	// NoTimeout waits for payments for ever. Seen by a partition from payments: no order is answered.
	NoTimeout Defect = "no-timeout"
	// LivenessOnPayments restarts checkout when payments do not answer. Seen by a partition from payments of ten seconds or
	// more, in p95 and the errors of the traffic: all pods are restarted at about the same time.
	LivenessOnPayments Defect = "liveness-on-payments"
	// LivenessOutOfTime needs three quarters of a second to say that it is alive, and is given one. Seen by a slow network, in the
	// downtime of the traffic: all pods are restarted at about the same time.
	LivenessOutOfTime Defect = "liveness-out-of-time"
	// CPULimitTooLow has just enough processor time for the load. Seen by CPU stress, in p95 and the errors of the traffic.
	CPULimitTooLow Defect = "cpu-limit-too-low"
	// MemoryLeak keeps some memory of each request. Seen by load alone, when it lasts: memory near the limit, then a container
	// killed for lack of memory, in turn in every pod.
	MemoryLeak Defect = "memory-leak"
	// SlowStart is not a defect but a variation: a replacement takes five seconds until it is ready, and a probe keeps traffic
	// away until then. Nothing breaks but a limit on the time until all replicas are there; the recovery shows where it went.
	SlowStart Defect = "slow-start"
	// Autoscaled is not a defect but a variation: an autoscaler holds two to five replicas, by the processor time they use. It is
	// made for 40 requests a second and surges to 160.
	Autoscaled Defect = "autoscaled"
	// NoRequests is autoscaled, and its container requests no processor time: what is used is a share of nothing. Seen by any
	// surge, in the autoscaler: it has no metric (FailedGetResourceMetric), and the replicas stay as few as they are.
	NoRequests Defect = "no-requests"
	// MaxTooLow is autoscaled, to three replicas at most. Seen by a surge to four times the base, in the autoscaler: it stays at
	// its maximum and above its target (ScalingLimited for TooManyReplicas; at rest all of these are limited too, for
	// TooFewReplicas).
	MaxTooLow Defect = "max-too-low"
	// Recreate takes all pods away before it starts new ones. Seen by any rollout: no pod serves until the new version does, and
	// with an image that is not there none does.
	Recreate Defect = "recreate"
	// ScaleDownTooEager is autoscaled, and takes replicas away as soon as one look at them finds them idle. Seen by two surges with
	// a rest of ten to fifteen seconds between them, in the number of replicas: it falls and rises again.
	ScaleDownTooEager Defect = "scale-down-too-eager"
	// DataNotOnTheVolume is of the ledger, which writes to a folder that no volume is mounted at: its claims are bound, its volumes
	// are mounted, and they stay empty. Seen by a pod kill, in the ledger's reads: the replacement comes back without data, and
	// what its clients read is missing (ops_total{op="read",result="missing"}).
	DataNotOnTheVolume Defect = "data-not-on-the-volume"
)

// Defects are all of them, None first.
func Defects() []Defect {
	return []Defect{
		None, NoReadiness, ReadinessTooEarly, OneReplica, NoGracefulShutdown, NoDrain, GraceTooShort, NoBudget, MaxUnavailableTooHigh,
		OnOneNode, NoRoom, NoRetry, NoBreaker, NoTimeout, LivenessOnPayments, LivenessOutOfTime, CPULimitTooLow, MemoryLeak, SlowStart, Recreate,
		Autoscaled, NoRequests, MaxTooLow, ScaleDownTooEager, DataNotOnTheVolume,
	}
}

// Wrong says in a few words what is wrong.
func (d Defect) Wrong() string {
	switch d {
	case None:
		return "three replicas, two of payments, three of the ledger, probes, requests finished before the end"
	case NoReadiness:
		return "listens 8 s after its start, and nothing keeps traffic away until then"
	case ReadinessTooEarly:
		return "is ready at once, and answers 503 for 5 s more"
	case OneReplica:
		return "no other pod takes over"
	case NoGracefulShutdown:
		return "ends at once when asked to"
	case NoDrain:
		return "stops listening at once when asked to end, and answers what is under way"
	case GraceTooShort:
		return "answers after 1.4 s, and is killed 1 s after it was asked to end"
	case NoBudget:
		return "no PodDisruptionBudget, and a start of 5 s"
	case MaxUnavailableTooHigh:
		return "a rollout may take all pods away at once, and a start takes 5 s"
	case OnOneNode:
		return "all pods are on the first node"
	case NoRoom:
		return "a new pod requests more than any node has"
	case NoRetry:
		return "asks payments once only"
	case NoBreaker:
		return "insists on payments that do not answer: three long tries for each order"
	case NoTimeout:
		return "waits for payments for ever"
	case LivenessOnPayments:
		return "is restarted when payments do not answer"
	case LivenessOutOfTime:
		return "takes 0.75 s to say that it is alive, and is given 1 s"
	case CPULimitTooLow:
		return "has processor time for the load and none to spare"
	case MemoryLeak:
		return "keeps 80 kB of each request"
	case SlowStart:
		return "takes 5 s until it is ready; a variation, nothing is wrong"
	case Recreate:
		return "ends all old pods before it starts new ones"
	case Autoscaled:
		return "two to five replicas by an autoscaler; a variation, nothing is wrong"
	case NoRequests:
		return "autoscaled, and requests no processor time that its use could be a share of"
	case MaxTooLow:
		return "autoscaled, to three replicas at most"
	case ScaleDownTooEager:
		return "autoscaled, and takes replicas away at the first idle moment"
	case DataNotOnTheVolume:
		return "the ledger writes beside its volume, and a new pod has no data"
	}
	return ""
}

// ParseDefect reads a defect's name.
func ParseDefect(name string) (Defect, error) {
	if slices.Contains(Defects(), Defect(name)) {
		return Defect(name), nil
	}
	var names []string
	for _, d := range Defects() {
		names = append(names, string(d))
	}
	return "", fmt.Errorf("no defect is called %q: choose one of %s", name, strings.Join(names, ", "))
}

// Slow says whether answers take more than a second, and nothing is wrong with that.
func (d Defect) Slow() bool { return d == GraceTooShort }

// Replicas is how many pods of checkout a deployment with that defect has; where an autoscaler decides, how many it begins with
// and comes back to.
func (d Defect) Replicas() int32 {
	switch {
	case d == OneReplica:
		return 1
	case d.Scales():
		return minReplicas
	}
	return 3
}
