package trial

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A program with a clock of its own has it, or does not run: one that has the machine's
// clock all the same would prove nothing.
func TestAProgramHasItsClockOrDoesNotRun(t *testing.T) {
	dir := t.TempDir()
	source, program := filepath.Join(dir, "main.go"), filepath.Join(dir, "program")
	text := strings.Replace(clockSource, "package time", "package main", 1) + "\nfunc main() { print(ahead()) }\n"
	if err := os.WriteFile(source, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, source).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	stepped := Clock(filepath.Join(dir, "clock"))
	if err := stepped.Set(-30); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		sentence string
		clock    Clock
		want     string
		fails    bool
	}{
		{"no clock of its own", "", "0", false},
		{"one that is behind", stepped, "-30", false},
		{"a file that is not there", Clock(filepath.Join(dir, "none")), clockVariable + ": open ", true},
		{"what cannot be mapped", Clock(dir), clockVariable + ": map ", true},
	} {
		command := exec.CommandContext(t.Context(), program)
		if row.clock != "" {
			command.Env = append(os.Environ(), row.clock.Variable())
		}
		out, err := command.CombinedOutput()
		if (err != nil) != row.fails || !strings.Contains(string(out), row.want) {
			t.Errorf("%s: %q, %v; want %q", row.sentence, out, err, row.want)
		}
	}
}
