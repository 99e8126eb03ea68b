package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// environment sets the variables that the files of testdata name.
func environment(t testing.TB) {
	t.Helper()
	for name, value := range map[string]string{
		"CONTEXT": "lab", "PROM_URL": "http://127.0.0.1:9090", "CHECKOUT_URL": "http://127.0.0.1:8080/checkout", "EMPTY": "", "TRICK": "${CONTEXT}: {a: b}",
	} {
		t.Setenv(name, value)
	}
	if err := os.Unsetenv("UNSET"); err != nil {
		t.Fatal(err)
	}
}

// Each file of testdata/malformed has the mistakes that its name says, and
// malformed.golden what a user reads of them.
func TestMalformedFiles(t *testing.T) {
	environment(t)
	paths, err := filepath.Glob("testdata/malformed/*.yaml")
	if err != nil || len(paths) < 120 {
		t.Fatalf("%d files, %v; want 120 or more", len(paths), err)
	}
	var all strings.Builder
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".yaml")
		plan, err := Read(path)
		var mistakes Mistakes
		if plan != nil || !errors.As(err, &mistakes) || len(mistakes) == 0 {
			t.Errorf("%s: plan %v, error %v; want mistakes", name, plan, err)
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Count(string(text), "\n") + 1
		all.WriteString(name + "\n")
		seen := map[string]bool{}
		for _, m := range mistakes {
			line := strings.ReplaceAll(m.Error(), path, filepath.Base(path))
			if m.File != path || m.Line < 1 || m.Line > lines {
				t.Errorf("%s: a mistake at %s:%d, and the file has %d lines", name, m.File, m.Line, lines)
			}
			if seen[line] {
				t.Errorf("%s: reported twice: %s", name, line)
			}
			seen[line] = true
			all.WriteString("    " + strings.TrimPrefix(line, filepath.Base(path)+":") + "\n")
		}
	}
	const golden = "testdata/malformed.golden"
	if *update {
		if err := os.WriteFile(golden, []byte(all.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got := all.String(); got != string(want) {
		t.Errorf("the mistakes differ from %s; read the difference after go test ./config -update:\n%s", golden, differing(got, string(want)))
	}
}

// differing are the lines of one text that another has not.
func differing(got, want string) string {
	var text strings.Builder
	for _, side := range []struct{ sign, of, other string }{{"+ ", got, want}, {"- ", want, got}} {
		for line := range strings.Lines(side.of) {
			if !strings.Contains(side.other, line) {
				text.WriteString(side.sign + line)
			}
		}
	}
	return text.String()
}
