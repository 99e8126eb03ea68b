package trial

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A trial goes on where it was interrupted, unless the program was built anew: what was
// seen of another says nothing of this one.
func TestResultsAreOfOneProgram(t *testing.T) {
	dir := t.TempDir()
	program := func(text string) string {
		path := filepath.Join(t.TempDir(), "aftershock")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	first, again, other := program("one"), program("one"), program("another")
	for _, row := range []struct {
		sentence, program string
		before            func() error
		want              []int
		wrong             string
	}{
		{"a new directory has none", first, func() error { return nil }, nil, ""},
		{"nor has one without a result, for another program", other, func() error { return nil }, nil, ""},
		{"what was kept is read", first, func() error { _, err := ReadResults[int](dir, first); return err }, nil, ""},
		{"with the same program elsewhere", again, func() error { return Keep(dir, again, 7) }, []int{7}, ""},
		{"what was seen while it was built anew is not kept", again, func() error {
			if err := Keep(dir, other, 8); err == nil || !strings.Contains(err.Error(), "was built anew meanwhile") {
				t.Error(err)
			}
			return nil
		}, []int{7}, ""},
		{"and not with another", other, func() error { return nil }, nil, "of another build"},
		{"nor of a program that is not known", first, func() error { return os.Remove(filepath.Join(dir, programFile)) }, nil, "of another build"},
		{"a program that is not built has none", filepath.Join(dir, "none"), func() error { return nil }, nil, "is it built?"},
	} {
		if err := row.before(); err != nil {
			t.Fatal(err)
		}
		got, err := ReadResults[int](dir, row.program)
		if !slices.Equal(got, row.want) || (err == nil) != (row.wrong == "") || (err != nil && !strings.Contains(err.Error(), row.wrong)) {
			t.Errorf("%s: %v, %v; want %v, %q", row.sentence, got, err, row.want, row.wrong)
		}
	}
}
