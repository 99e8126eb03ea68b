package main

import (
	"os"
	"regexp"
	"slices"
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

// The README and the page on deployment lead to a gate in a pipeline by the same few
// commands, which copy a file that is there.
func TestAGateInAPipelineTakesFourCommands(t *testing.T) {
	section := func(path string) (lines []string) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		_, section, _ := strings.Cut(string(text), "\n## In a pipeline\n")
		section, _, _ = strings.Cut(section, "\n## ")
		for line := range strings.Lines(section) {
			if line, found := strings.CutPrefix(line, "    "); found {
				lines = append(lines, line)
			}
		}
		return lines
	}
	short, long := section("../../README.md"), section("../../docs/deploy.md")
	if n := len(short); n == 0 || n > 4 || !slices.Equal(short, long) {
		t.Errorf("the README has the commands %q, want one to four, which are those of docs/deploy.md: %q", short, long)
	}
	copied := regexp.MustCompile(`sed "s/(@\S+)/@\S.*" PATH/(\S+) > `).FindStringSubmatch(strings.Join(short, ""))
	if copied == nil {
		t.Fatalf("no command copies a template: %q", short)
	}
	if text, err := os.ReadFile("../../" + copied[2]); err != nil || strings.Count(string(text), copied[1]) != 1 {
		t.Errorf("%s has no %s to replace: %v", copied[2], copied[1], err)
	}
}
