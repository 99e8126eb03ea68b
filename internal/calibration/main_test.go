package calibration_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/aftershockhq/aftershock/internal/bench"
)

func TestMain(m *testing.M) {
	if bench.IsService() {
		os.Exit(bench.Serve())
	}
	goleak.VerifyTestMain(m)
}
