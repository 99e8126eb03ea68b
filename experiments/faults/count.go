package faults

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// A Count says how many of the pods that match are hit: "3", or "50%", rounded
// up, of those that match when the fault is injected, or "all" of them. Which ones
// is chosen by chance. The zero value says nothing and is refused.
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

// IsAll reports whether all pods are hit, whatever their number.
func (c Count) IsAll() bool {
	n, percent, err := c.parse()
	return err == nil && percent && n == 100
}

// UnmarshalText reads "3", "50%" or "all".
func (c *Count) UnmarshalText(text []byte) error {
	if err := Count(text).Validate(); err != nil {
		return err
	}
	*c = Count(text)
	return nil
}

// Validate says what is wrong with the count, whatever there is to count.
func (c Count) Validate() error {
	_, _, err := c.parse()
	return err
}

// parse is the number, of pods or of a hundred of them.
func (c Count) parse() (n int, percent bool, err error) {
	if c == "all" {
		return 100, true, nil
	}
	digits, percent := strings.CutSuffix(string(c), "%")
	n, err = strconv.Atoi(digits)
	switch {
	case c == "":
		return 0, false, errors.New(`no count; say how many pods, as in "1", "50%" or "all"`)
	case err != nil:
		return 0, false, fmt.Errorf(`count %q is no number and no percentage; say how many pods, as in "1", "50%%" or "all"`, c)
	case percent && (n < 1 || n > 100):
		return 0, false, fmt.Errorf("%s of the pods; a percentage is from 1%% to 100%%", c)
	case n < 1:
		return 0, false, fmt.Errorf("%d pods asked for; at least one is needed", n)
	}
	return n, percent, nil
}

// Of is how many of the pods that match are asked for. More than there are is
// refused: silently fewer would be hit.
func (c Count) Of(matching int) (int, error) {
	asked, percent, err := c.parse()
	if err != nil {
		return 0, Refuse("%w", err)
	}
	if percent {
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
