package faults

import (
	"strconv"
	"strings"
)

// A Count says how many of the pods that match are hit: "3", or "50%", rounded
// up, of those that match when the fault is injected. Which ones is chosen by
// chance. The zero value says nothing and is refused.
type Count string

// One is one pod, All is all of them.
const (
	One Count = "1"
	All Count = "100%"
)

// Fixed is n pods.
func Fixed(n int) Count { return Count(strconv.Itoa(n)) }

// Percent is so many percent of the pods.
func Percent(p int) Count { return Count(strconv.Itoa(p) + "%") }

// Of is how many of the pods that match are asked for. More than there are is
// refused: silently fewer would be hit.
func (c Count) Of(matching int) (int, error) {
	digits, percent := strings.CutSuffix(string(c), "%")
	asked, err := strconv.Atoi(digits)
	switch {
	case c == "":
		return 0, Refuse("no count; say how many pods, as in \"1\" or \"50%%\"")
	case err != nil:
		return 0, Refuse("count %q is no number and no percentage; say how many pods, as in \"1\" or \"50%%\"", c)
	case percent && (asked < 1 || asked > 100):
		return 0, Refuse("%s of the pods; a percentage is from 1%% to 100%%", c)
	case asked < 1:
		return 0, Refuse("%d pods asked for; at least one is needed", asked)
	case percent:
		// Chaos Mesh rounds up, and so does this.
		asked = max(1, (matching*asked+99)/100)
	}
	if asked > matching {
		return 0, Refuse("%d asked for, and %d running pods match the selector; ask for fewer, or wait for more", asked, matching)
	}
	return asked, nil
}

// Among is how many of those that run now are to be hit, as far as there are
// that many.
func (c Count) Among(up int) int {
	asked, err := c.Of(up)
	if err != nil {
		return up
	}
	return asked
}
