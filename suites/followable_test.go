package suites

import "testing"

// What the configuration accepts is never left out in silence.
func TestEveryFaultThatMayFollowIsFollowable(t *testing.T) {
	for _, s := range standards() {
		if !followed(s.id) {
			continue
		}
		fault := s.fault(&Target{})
		if _, ok := fault.(followable); !ok {
			t.Errorf("%s: follow is accepted, and %T cannot follow", s.id, fault)
		}
	}
}
