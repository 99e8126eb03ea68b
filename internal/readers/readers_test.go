package readers

import (
	"strings"
	"testing"

	"github.com/joshdk/go-junit"
)

// red is how many cases of each suite of ends.xml are not green, and whether one is a
// failure.
var red = map[string]struct {
	failures, errors int
}{
	"checkout/held":            {},
	"checkout/broken":          {1, 0},
	"checkout/unknown":         {0, 5},
	"checkout/interrupted":     {0, 4},
	"checkout/left-behind":     {0, 4},
	"checkout/not-begun":       {0, 12},
	"checkout/broken-and-both": {1, 4},
	"trial 1: checkout/twice":  {1, 0},
	"trial 2: checkout/twice":  {},
}

func TestAGoReader(t *testing.T) {
	for file, lines := range map[string]bool{"ends.xml": true, "ends-strict.xml": false} {
		suites, err := junit.IngestFile("../../reports/testdata/" + file)
		if err != nil {
			t.Fatal(err)
		}
		if len(suites) != len(red) {
			t.Errorf("%s: %d suites, want %d", file, len(suites), len(red))
		}
		seen := map[string]bool{}
		for _, s := range suites {
			want := red[s.Name]
			if s.Totals.Failed != want.failures || s.Totals.Error != want.errors || s.Totals.Skipped != 0 || s.Totals.Tests != 12 {
				t.Errorf("%s: %s: %+v, want %+v of 12", file, s.Name, s.Totals, want)
			}
			t.Logf("%-16s %-28s %2d passed, %d failed, %d error", file, s.Name, s.Totals.Passed, s.Totals.Failed, s.Totals.Error)
			for _, c := range s.Tests {
				if key := c.Classname + " " + c.Name; seen[key] {
					t.Errorf("%s: two cases %s", file, key)
				} else {
					seen[key] = true
				}
				// It reads the attributes of a case, and not its properties.
				if _, line := c.Properties["line"]; line != lines {
					t.Errorf("%s: %s: attributes %v", file, c.Name, c.Properties)
				}
				if c.Status == junit.StatusFailed || c.Status == junit.StatusError {
					if e := c.Error.Error(); !strings.Contains(e, ": ") {
						t.Errorf("%s: %s: %s", file, c.Name, e)
					}
				}
			}
		}
	}
}
