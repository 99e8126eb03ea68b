package netem

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// grow makes a tree of lines as "1: 2: netem 50" (parent, handle, kind, limit to know it by); a parent "-" is the device.
func grow(t *testing.T, lines ...string) Tree {
	t.Helper()
	var tree Tree
	for _, line := range lines {
		var q Qdisc
		if _, err := fmt.Sscan(line+" 0", &q.Parent, &q.Handle, &q.Kind, &q.Netem.Limit); err != nil {
			t.Fatal(err)
		}
		q.Parent = strings.TrimPrefix(q.Parent, "-")
		var err error
		if tree, err = tree.Add(q); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
	}
	return tree
}

func TestPacketsWaitTogetherOnlyIfAllAreDelayed(t *testing.T) {
	netem := func(parent, handle string, delay time.Duration) Qdisc {
		return Qdisc{Parent: parent, Handle: handle, Kind: "netem", Netem: Netem{Delay: delay}}
	}
	for _, c := range []struct {
		says string
		tree []Qdisc
		want time.Duration
	}{
		{"a thirtieth of the delay of all", []Qdisc{netem("", "1:", 100*ms)}, 3 * ms},
		{"of the shortest", []Qdisc{{Handle: "1:", Kind: "netem", Netem: Netem{Delay: 200 * ms, Jitter: 140 * ms}}}, 2 * ms},
		{"some have none", []Qdisc{{Handle: "1:", Kind: "netem", Netem: Netem{Delay: 200 * ms, Jitter: 300 * ms}}}, 0},
		{"5 ms at most", []Qdisc{netem("", "1:", 2*time.Second)}, 5 * ms},
		{"those that are only lost are not to be late", []Qdisc{netem("", "1:", 0)}, 0},
		{"nor those of another class", []Qdisc{{Handle: "1:", Kind: "prio"}, netem("1:4", "2:", 500*ms)}, 0},
		{"nothing", nil, 0},
	} {
		if got := (Tree{c.tree}).rest(); got != c.want {
			t.Errorf("%s: %s, want %s", c.says, got, c.want)
		}
	}
}

func TestPath(t *testing.T) {
	// The example in the source of chaos-daemon: two global rules, two for targets.
	both := []string{
		"- 1: netem 10", "1: 2: netem 20", "2: 3: prio", "3:1 4: sfq", "3:2 5: sfq", "3:3 6: sfq", "3:4 7: netem 30", "3:5 8: netem 40",
	}
	for _, c := range []struct {
		says     string
		lines    []string
		priority uint32
		want     string
	}{
		{"nothing", nil, 0, "[]"},
		{"one for all", []string{"- 1: netem 10"}, 0, "[10]"},
		{"one for all, whatever the packet's class", []string{"- 1: netem 10"}, 0x10004, "[10]"},
		{"one after the other", []string{"- 1: netem 10", "1: 2: netem 20"}, 0, "[10 20]"},
		{"below one of the kernel's own", []string{"1: 2: netem 20"}, 0, "[20]"},
		{"a target's", []string{"- 1: prio", "1:1 2: sfq", "1:2 3: sfq", "1:3 4: sfq", "1:4 5: netem 30"}, 0x10004, "[30]"},
		{"not a target's", []string{"- 1: prio", "1:1 2: sfq", "1:2 3: sfq", "1:3 4: sfq", "1:4 5: netem 30"}, 0, "[]"},
		{"a priority by type of service is no class", []string{"- 1: prio", "1:4 5: netem 30"}, 4, "[]"},
		{"another's class", []string{"- 1: prio", "1:4 5: netem 30"}, 0x20004, "[]"},
		{"two for the same target", []string{"- 1: prio", "1:4 5: netem 30", "5: 6: netem 40"}, 0x10004, "[30 40]"},
		{"global and the first target's", both, 0x30004, "[10 20 30]"},
		{"global and the second target's", both, 0x30005, "[10 20 40]"},
		{"global only", both, 2, "[10 20]"},
		{"handles are hexadecimal", []string{"- a: prio", "a:10 b: netem 30"}, 0xa0010, "[30]"},
	} {
		t.Run(c.says, func(t *testing.T) {
			got := []int{}
			for _, q := range grow(t, c.lines...).Path(c.priority) {
				got = append(got, q.Netem.Limit)
			}
			if fmt.Sprint(got) != c.want {
				t.Errorf("%v, want %s", got, c.want)
			}
		})
	}
}

func TestAddRefuses(t *testing.T) {
	tree := grow(t, "- 1: netem 10")
	for _, c := range []struct {
		says string
		q    Qdisc
		want string
	}{
		{"a place that is taken", Qdisc{Handle: "2:", Kind: "netem"}, "exclusivity flag on, cannot modify"},
		{"a handle that is taken", Qdisc{Parent: "1:", Handle: "1:", Kind: "netem"}, "exclusivity flag on, cannot modify"},
		{"a parent that is none", Qdisc{Parent: "one", Handle: "2:", Kind: "netem"}, `"one" is not a handle`},
		{"what is not emulated", Qdisc{Parent: "1:", Handle: "2:", Kind: "tbf"}, "tbf: the kernel has no netem"},
	} {
		t.Run(c.says, func(t *testing.T) {
			got, err := tree.Add(c.q)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
			if len(got.Qdiscs) != 1 {
				t.Errorf("the tree has grown: %+v", got)
			}
		})
	}
	if _, err := tree.Add(Qdisc{Parent: "1:", Handle: "2:", Kind: "tbf"}); !errors.Is(err, ErrNotEmulated) {
		t.Errorf("%v", err)
	}
}

func TestALimitedQueueLosesWhatComesTooMuch(t *testing.T) {
	lines := newLines(grow(t, "- 1: netem 3", "1: 2: netem"))
	for waiting, want := range []bool{false, false, false, true} {
		if _, lost := lines.of(0).next(waiting); lost != want {
			t.Errorf("with %d held: lost %v", waiting, lost)
		}
	}
	if lines.of(0)[0] != lines.of(7)[0] {
		t.Error("two classes that meet the same netem do not share its draws")
	}
}
