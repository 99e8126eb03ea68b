package main

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/aftershockhq/aftershock/suites"
)

// The last line of a preflight says whether a run can begin.
func TestPreflightConcludes(t *testing.T) {
	busy := fmt.Errorf("a.yaml:1: locks: %w: it is held", suites.ErrNotNow)
	for _, row := range []struct {
		sentence, file string
		names          []string
		err            error
		said           string // of an error its text
		code           int
	}{
		{"with the command", defaultConfig, nil, nil, "a run can begin: aftershock run\n", exitHeld},
		{"which names the file and the experiments", "of mine.yaml", []string{"checkout/pods"}, nil, "a run can begin: aftershock run -f 'of mine.yaml' checkout/pods\n", exitHeld},
		{"that one finding prevents it", defaultConfig, nil, errors.Join(errors.New("a.yaml:7: no")), "preflight, nothing was touched:\na.yaml:7: no\n1 finding: a run cannot begin", exitUsage},
		{"that several do", defaultConfig, nil, errors.Join(errors.New("a.yaml:7: no"), busy), "preflight, nothing was touched:\na.yaml:7: no\na.yaml:1: locks: refused for now: it is held\n2 findings: a run cannot begin now", exitFailed},
		{"what is no finding is told alone", defaultConfig, nil, usageError{errors.New("no experiment")}, "preflight, nothing was touched:\nno experiment", exitUsage},
	} {
		var out bytes.Buffer
		err := conclude(&out, row.file, row.names, untouched(t.Context(), row.err))
		said := out.String()
		if err != nil {
			said = err.Error()
		}
		if said != row.said || exitCode(err) != row.code {
			t.Errorf("%s: %d, %q, want %d, %q", row.sentence, exitCode(err), said, row.code, row.said)
		}
	}
}
