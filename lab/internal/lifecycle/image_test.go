package lifecycle

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aftershockhq/aftershock/lab/internal/components"
	"github.com/aftershockhq/aftershock/lab/internal/place"
)

func TestAnArchiveIsWrittenWhereANodeThatStartsFindsIt(t *testing.T) {
	run := place.Run(t.TempDir())
	own, err := os.Executable() // of a test without cgo, which is static
	if err != nil {
		t.Fatal(err)
	}
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ says, reference, binary, wrong string }{
		{"an image", "docker.io/aftershock/aftershock:lab", own, ""},
		{"the same again", "docker.io/aftershock/aftershock:lab", own, ""},
		{"what is no program", "docker.io/aftershock/aftershock:lab", text, "want a Linux program"},
		{"no file", "docker.io/aftershock/aftershock:lab", text + "s", "want a Linux program"},
		{"no name of an image", "not a name", own, "image name"},
	} {
		t.Run(c.says, func(t *testing.T) {
			path, err := archive(run, c.reference, c.binary)
			if c.wrong != "" {
				if err == nil || !strings.Contains(err.Error(), c.wrong) {
					t.Errorf("%v, want %q", err, c.wrong)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			found, err := filepath.Glob(filepath.Join(run.Images(), "*.tar"))
			if err != nil || len(found) != 1 || found[0] != path {
				t.Errorf("%q there, %v; want %s", found, err, path)
			}
		})
	}
	if left, _ := filepath.Glob(filepath.Join(run.Images(), "*.new")); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
	if _, err := archive(run, "a/b:c", text); !errors.Is(err, ErrUsage) {
		t.Errorf("%v is no wrong usage", err)
	}
}

func TestTheSocketOfContainerdIsInTheRootOfItsProcess(t *testing.T) {
	proc := t.TempDir()
	want := filepath.Join(proc, "12", "root", components.ContainerdSocket)
	if err := os.MkdirAll(filepath.Dir(want), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(want, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := socket(proc, []int{7, 12}); err != nil || got != want {
		t.Errorf("%s, %v; want %s", got, err, want)
	}
	if _, err := socket(proc, []int{7}); err == nil || !strings.Contains(err.Error(), "does not run there") {
		t.Errorf("%v", err)
	}
}
