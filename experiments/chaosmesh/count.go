package chaosmesh

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"
)

// A Count says how many of the pods that match are hit: "3", or "50%", rounded
// up, of those that match when the fault is injected. Which ones is chosen by
// Chaos Mesh, by chance. The zero value says nothing and is refused.
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

// of is how many of the pods that match are asked for. More than there are is
// refused: Chaos Mesh would silently hit fewer.
func (c Count) of(matching int) (int, error) {
	digits, percent := strings.CutSuffix(string(c), "%")
	asked, err := strconv.Atoi(digits)
	switch {
	case c == "":
		return 0, fmt.Errorf("%w: no count; say how many pods, as in \"1\" or \"50%%\"", ErrRefused)
	case err != nil:
		return 0, fmt.Errorf("%w: count %q is no number and no percentage; say how many pods, as in \"1\" or \"50%%\"", ErrRefused, c)
	case percent && (asked < 1 || asked > 100):
		return 0, fmt.Errorf("%w: %s of the pods; a percentage is from 1%% to 100%%", ErrRefused, c)
	case asked < 1:
		return 0, fmt.Errorf("%w: %d pods asked for; at least one is needed", ErrRefused, asked)
	case percent:
		// Chaos Mesh rounds up, and so does this.
		asked = max(1, (matching*asked+99)/100)
	}
	if asked > matching {
		return 0, fmt.Errorf("%w: %d asked for, and %d running pods match the selector; ask for fewer, or wait for more", ErrRefused, asked, matching)
	}
	return asked, nil
}

// among is how many of those that run now are to be hit, as far as there are
// that many.
func (c Count) among(up int) int {
	asked, err := c.of(up)
	if err != nil {
		return up
	}
	return asked
}

// mode is a number of pods as Chaos Mesh takes it. A percentage is sent as the
// number that it came to, so that what is asked for cannot change between the
// question and the answer.
func mode(asked int) (mode v1alpha1.SelectorMode, value string) {
	if asked == 1 {
		return v1alpha1.OneMode, ""
	}
	return v1alpha1.FixedMode, strconv.Itoa(asked)
}
