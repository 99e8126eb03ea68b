package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

func TestSchema(t *testing.T) {
	var out, errs bytes.Buffer
	if code := execute(t.Context(), []string{"schema"}, &out, &errs); code != exitHeld || !json.Valid(out.Bytes()) {
		t.Errorf("exit code %d, %s%.100s", code, &errs, &out)
	}
}

func TestExplain(t *testing.T) {
	for _, row := range []struct {
		path string
		code int
		want []string // in this order
	}{
		{"services.checkout.load", exitHeld, []string{"FIELD: services.NAME.load <mapping>\n", "\nDESCRIPTION:\n    load is", "\nEXAMPLES:\n    {", "\nFIELDS:\n  url <URL>\n", "  rate <rate over time>\n", "Default: 100/s."}},
		{"experiments.storm.faults.kill.podKill", exitHeld, []string{"FIELD: experiments.NAME.faults.NAME.podKill <mapping>\n", "  pods <number of pods> -required-\n"}},
		{"baseline", exitHeld, []string{"\nDEFAULT:\n    settle\n", "\nCHOICES:\n    settle, control\n"}},
		{"service", exitUsage, []string{`no field "service"; fields: apiVersion, cluster`}},
	} {
		var out, errs bytes.Buffer
		code := execute(t.Context(), []string{"explain", row.path}, &out, &errs)
		rest := out.String() + errs.String()
		for _, part := range row.want {
			_, after, found := strings.Cut(rest, part)
			if !found {
				t.Errorf("%s: no %q in\n%s%s", row.path, part, &out, &errs)
			}
			rest = after
		}
		if code != row.code {
			t.Errorf("%s: exit code %d, want %d", row.path, code, row.code)
		}
		for line := range strings.Lines(out.String()) {
			if len(line) > 81 && !strings.HasPrefix(line, "    {") {
				t.Errorf("%s: a line of %d characters: %s", row.path, len(line), line)
			}
		}
	}
}
