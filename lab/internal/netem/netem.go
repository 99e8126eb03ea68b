package netem

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Netem is what happens to packets: some are lost, the others delayed.
type Netem struct {
	Delay  time.Duration `json:"delay,omitempty"`  // the mean
	Jitter time.Duration `json:"jitter,omitempty"` // how far a delay may lie from the mean; each distance is as likely
	Loss   float64       `json:"loss,omitempty"`   // share of packets, 0 to 1
	// How much a packet's draw depends on that of the packet before it, 0 to 1.
	DelayCorrelation float64 `json:"delayCorrelation,omitempty"`
	LossCorrelation  float64 `json:"lossCorrelation,omitempty"`
	Limit            int     `json:"limit,omitempty"` // how many packets are held at most, 0 is 1000; those that come then are lost
}

// ErrNotEmulated is wrapped by the error of what tc could do on a kernel with netem and this package cannot.
var ErrNotEmulated = errors.New("the kernel has no netem, and its stand-in emulates delay, jitter and loss only: use those, or a kernel with sch_netem")

// Parse reads what follows the word netem on a command line of tc.
func Parse(args []string) (Netem, error) {
	var n Netem
	for len(args) > 0 {
		word, rest := args[0], args[1:]
		var err error
		switch word {
		case "delay", "latency":
			rest, err = n.parseDelay(rest)
		case "loss", "drop":
			rest, err = n.parseLoss(rest)
		case "limit":
			rest, err = n.parseLimit(rest)
		default:
			err = fmt.Errorf("netem %s: %w", word, ErrNotEmulated)
		}
		if err != nil {
			return Netem{}, err
		}
		args = rest
	}
	return n, nil
}

func (n *Netem) parseDelay(args []string) (rest []string, err error) {
	if len(args) == 0 {
		return nil, errors.New("netem delay: no time")
	}
	if n.Delay, err = parseTime(args[0]); err != nil {
		return nil, err
	}
	args = args[1:]
	if !number(args) {
		return args, nil
	}
	if n.Jitter, err = parseTime(args[0]); err != nil {
		return nil, err
	}
	return optionalPercent(args[1:], &n.DelayCorrelation)
}

func (n *Netem) parseLoss(args []string) (rest []string, err error) {
	if len(args) > 0 && args[0] == "random" {
		args = args[1:]
	}
	if !number(args) {
		return nil, fmt.Errorf("netem loss %s: %w", strings.Join(args, " "), ErrNotEmulated)
	}
	if args, err = optionalPercent(args, &n.Loss); err != nil {
		return nil, err
	}
	return optionalPercent(args, &n.LossCorrelation)
}

func (n *Netem) parseLimit(args []string) (rest []string, err error) {
	if len(args) == 0 {
		return nil, errors.New("netem limit: no number")
	}
	if n.Limit, err = strconv.Atoi(args[0]); err != nil || n.Limit < 1 {
		return nil, fmt.Errorf("netem limit %q: not a number above 0", args[0])
	}
	return args[1:], nil
}

func number(args []string) bool {
	return len(args) > 0 && args[0] != "" && (args[0][0] >= '0' && args[0][0] <= '9' || args[0][0] == '.')
}

// optionalPercent reads a percentage, with or without its sign, if there is one.
func optionalPercent(args []string, share *float64) ([]string, error) {
	if !number(args) {
		return args, nil
	}
	percent, err := strconv.ParseFloat(strings.TrimSuffix(args[0], "%"), 64)
	if err != nil || !(percent >= 0 && percent <= 100) { // which NaN is not
		return nil, fmt.Errorf("netem: %q is not a percentage", args[0])
	}
	*share = percent / 100
	return args[1:], nil
}

// longest is the longest delay, as tc has it.
const longest = 4294 * time.Second

// parseTime reads a time as tc does: seconds, milliseconds, or microseconds, which are meant when no unit is given.
func parseTime(text string) (time.Duration, error) {
	unit := time.Microsecond
	digits := text
	for _, u := range []struct {
		unit     time.Duration
		suffixes []string
	}{
		{time.Microsecond, []string{"us", "usec", "usecs"}},
		{time.Millisecond, []string{"ms", "msec", "msecs"}},
		{time.Second, []string{"s", "sec", "secs"}},
	} {
		for _, suffix := range u.suffixes {
			// Each suffix ends a longer one: only the right one leaves a number.
			if d, ok := strings.CutSuffix(text, suffix); ok && strings.TrimRight(d, "0123456789.") == "" {
				digits, unit = d, u.unit
			}
		}
	}
	value, err := strconv.ParseFloat(digits, 64)
	if err != nil || !(value >= 0 && value*float64(unit) <= float64(longest)) {
		return 0, fmt.Errorf("netem: %q is not a time of up to %s", text, longest)
	}
	return time.Duration(value * float64(unit)), nil
}
