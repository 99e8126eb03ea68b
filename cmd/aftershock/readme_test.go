package main

import (
	"os"
	"strings"
	"testing"
)

// The README compares 40 trials of each of two builds, of which the second does not
// answer, and shows what is printed.
func TestTheReadmeOnMoreThanOneRun(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## More than one run\n")
	section, _, _ = strings.Cut(section, "\n## ")
	dirs := map[string]string{"trials-of-v1": trials(t, "v1", 40, always), "trials-of-v2": trials(t, "v2", 40, never)}
	codes, printed := map[string]int{"diff": exitBroken, "trend": exitHeld}, ""
	for _, args := range commandsOf(section) {
		want, compares := codes[args[0]]
		if !compares {
			continue
		}
		delete(codes, args[0])
		for i, arg := range args {
			if dir, ok := dirs[arg]; ok {
				args[i] = dir
			}
		}
		code, stdout, stderr := call(t, args...)
		if printed += stdout; code != want || stderr != "" {
			t.Errorf("%s: exit code %d, want %d: %s", args, code, want, stderr)
		}
	}
	if len(codes) > 0 {
		t.Errorf("the README lacks %v", codes)
	}
	shown := 0
	for line := range strings.Lines(section) {
		if line, found := strings.CutPrefix(line, "      "); found {
			shown++
			if !strings.Contains(printed, line) {
				t.Errorf("no %q in\n%s", line, printed)
			}
		}
	}
	if shown == 0 {
		t.Error("the README shows nothing that is printed")
	}
}
