package prom_test

import (
	"testing"

	"go.uber.org/goleak"
)

// Nothing that a source, a client or a server starts outlives it.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
