// Package shop is the service under test: the shop's checkout, and how it is deployed, healthy or with one defect.
//
//	for _, o := range shop.Manifests(shop.OneReplica) { ... }
//
// The service's program is in the folder checkout.
package shop

import (
	"fmt"
	"slices"
	"strings"
)

// Defect is what is wrong with a deployment of checkout; each makes one kind of experiment fail.
type Defect string

// The defects.
const (
	// None is checkout as it should be.
	None Defect = "none"
	// NoReadiness starts slowly and has no readiness probe: traffic is sent to a pod that does not listen yet.
	NoReadiness Defect = "no-readiness"
	// OneReplica has nobody to take over.
	OneReplica Defect = "one-replica"
	// NoGracefulShutdown ends at once when asked to: requests under way, and those still sent to it, fail.
	NoGracefulShutdown Defect = "no-graceful-shutdown"
)

// Defects are all of them, None first.
func Defects() []Defect { return []Defect{None, NoReadiness, OneReplica, NoGracefulShutdown} }

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

// Replicas is how many pods a deployment with that defect has.
func (d Defect) Replicas() int32 {
	if d == OneReplica {
		return 1
	}
	return 3
}
