package terminal_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aftershockhq/aftershock/internal/page/scenes"
	"github.com/aftershockhq/aftershock/internal/terminal"
)

// What broke, why and what to mend are on the first screen, and if there is no room for what
// to ask, that there is something.
func TestABrokenRunIsExplained(t *testing.T) {
	got := whole(t, terminal.Screen{Width: 80}, judged(t, scenes.Play("broken")))
	for _, want := range []string{"\n  What ", "\n  Why     consistent with: ", "\n  Mend ", "Ask"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q", want)
		}
	}
	path := filepath.Join("testdata", "explained.txt")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(path); err != nil || !bytes.Equal([]byte(got), want) {
		t.Errorf("%s differs (%v); run with -update and read the difference. Got:\n%s", path, err, got)
	}
}
