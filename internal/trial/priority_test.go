package trial

import (
	"strings"
	"testing"
)

// Without chrt a command is what it is, and it is said.
func TestWhoMayNotComeFirstGoesOnWithout(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if before, err := Urgent(t.Context()); len(before) > 0 || err == nil || !strings.Contains(err.Error(), "chrt") {
		t.Errorf("%q, %v; want nothing in front, and why", before, err)
	}
}
