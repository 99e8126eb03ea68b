package steadystate_test

import (
	"cmp"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/steadystate"
)

// Observations that differ in anything are never equal in order, so that what
// is judged does not depend on their arrival.
func TestObservationsAreTotallyOrdered(t *testing.T) {
	span := steadystate.Span{From: time.Second, To: 2 * time.Second}
	list := []steadystate.Observation{
		{Span: steadystate.Span{To: 2 * time.Second}},
		{Span: span},
		{Span: span, Supplied: true},
		{Span: span, Whole: true},
		{Span: span, Unknown: "a gap"},
		{Span: span, Failed: "503"},
		{Span: span, Missing: "a pod"},
		{Span: span, Partial: "a restart"},
		{Span: span, Bucket: steadystate.Bucket{High: 1}},
		{Span: span, Bucket: steadystate.Bucket{Low: 1, High: 1}},
		{Span: span, Value: 1},
		{Span: steadystate.Span{From: time.Second, To: 3 * time.Second}},
	}
	for i, a := range list {
		for j, b := range list {
			if got, want := a.Compare(b), cmp.Compare(i, j); got != want {
				t.Errorf("%+v against %+v: %d, want %d", a, b, got, want)
			}
		}
	}
}
