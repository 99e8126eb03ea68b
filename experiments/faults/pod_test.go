package faults_test

import (
	"testing"

	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/record"
)

func TestAnImageOfAnotherVersionIsNamed(t *testing.T) {
	for version, want := range map[string]string{
		record.Tool(): "",
		"v0.9.0":      "its image has version v0.9.0 of the program, and this one is " + record.Tool() + ": name an image of this version",
		"":            "its image has an older version of the program, and this one is " + record.Tool() + ": name an image of this version",
	} {
		if got := faults.OtherBuild(version); got != want {
			t.Errorf("%q: %q, want %q", version, got, want)
		}
	}
}
