package netem

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Qdisc is a queueing discipline: netem, or one that netem hangs below.
type Qdisc struct {
	Parent string `json:"parent,omitempty"` // handle of what it hangs below, as "1:" or "1:4"; "" is the device
	Handle string `json:"handle"`           // its own, as "1:"
	Kind   string `json:"kind"`             // netem, prio or sfq
	Netem  Netem  `json:"netem"`            // what netem does
}

// Tree is the queueing disciplines of a device.
type Tree struct {
	Qdiscs []Qdisc `json:"qdiscs"`
}

// ErrExclusive is returned for a place that is taken; tc says it so.
var ErrExclusive = errors.New("exclusivity flag on, cannot modify")

// Emulated says whether a kind can be part of a Tree.
func Emulated(kind string) bool { return kind == "netem" || kind == "prio" || kind == "sfq" }

// Add returns the tree with one more discipline.
func (t Tree) Add(q Qdisc) (Tree, error) {
	if !Emulated(q.Kind) {
		return t, fmt.Errorf("%s: %w", q.Kind, ErrNotEmulated)
	}
	for _, other := range t.Qdiscs {
		if other.Parent == q.Parent || other.Handle == q.Handle {
			return t, ErrExclusive
		}
	}
	for _, handle := range []string{q.Handle, q.Parent} {
		if _, _, err := classOf(handle); handle != "" && err != nil {
			return t, err
		}
	}
	return Tree{append(append([]Qdisc(nil), t.Qdiscs...), q)}, nil
}

// Path is the netems that a packet meets on its way out, in order. The priority is what the rule CLASSIFY of the packet filter
// gave it: the class that a prio puts it into.
func (t Tree) Path(priority uint32) []Qdisc {
	var met []Qdisc
	at, found := t.first()
	for range t.Qdiscs {
		if !found {
			break
		}
		below := at.Handle
		if at.Kind == "prio" {
			major, minor := uint16(priority>>16), uint16(priority)
			own, _, err := classOf(at.Handle)
			if err != nil || major != own || minor == 0 {
				break // one of the first three bands, by its type of service: nothing hangs there but sfq
			}
			below = fmt.Sprintf("%x:%x", major, minor)
		}
		if at.Kind == "netem" {
			met = append(met, at)
		}
		at, found = t.below(below)
	}
	return met
}

// rest is how long a Delayer may look away, so that packets come and go together: a thirtieth of the shortest delay of every
// packet, in whole milliseconds, and 5 ms at most. It makes a packet late by up to twice that.
func (t Tree) rest() time.Duration {
	first, _ := t.first()
	shortest := max(0, first.Netem.Delay-first.Netem.Jitter)
	return min(shortest/30, 5*time.Millisecond).Truncate(time.Millisecond)
}

// first is the discipline that packets meet first: one whose parent is not emulated.
func (t Tree) first() (Qdisc, bool) {
	for _, q := range t.Qdiscs {
		if q.Parent == "" {
			return q, true
		}
		if !t.Has(q.Parent) {
			return q, true
		}
	}
	return Qdisc{}, false
}

// Has says whether a handle, or a class, is one of the tree's: the kernel does not know those.
func (t Tree) Has(handle string) bool {
	major, _, _ := strings.Cut(handle, ":")
	for _, q := range t.Qdiscs {
		if q.Handle == major+":" {
			return true
		}
	}
	return false
}

func (t Tree) below(parent string) (Qdisc, bool) {
	for _, q := range t.Qdiscs {
		if same(q.Parent, parent) {
			return q, true
		}
	}
	return Qdisc{}, false
}

func same(x, y string) bool {
	xMajor, xMinor, xErr := classOf(x)
	yMajor, yMinor, yErr := classOf(y)
	return xErr == nil && yErr == nil && xMajor == yMajor && xMinor == yMinor
}

// classOf reads a handle, whose numbers are hexadecimal.
func classOf(handle string) (major, minor uint16, err error) {
	left, right, ok := strings.Cut(handle, ":")
	x, errX := strconv.ParseUint(left, 16, 16)
	y, errY := uint64(0), error(nil)
	if right != "" {
		y, errY = strconv.ParseUint(right, 16, 16)
	}
	if !ok || errX != nil || errY != nil {
		return 0, 0, fmt.Errorf("%q is not a handle: want one such as 1: or 1:4", handle)
	}
	return uint16(x), uint16(y), nil
}
