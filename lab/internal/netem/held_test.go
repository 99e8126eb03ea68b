package netem

import (
	"fmt"
	"testing"
	"time"
)

func TestPacketsGoWhenTheyAreDue(t *testing.T) {
	begin := time.Unix(1000, 0)
	var h held
	for order, after := range []int{30, 10, 20, 10} {
		h.put(packet{id: uint32(order), due: begin.Add(time.Duration(after) * ms), order: order})
	}
	for _, c := range []struct {
		says string
		at   time.Duration
		want string
	}{
		{"none is due", 9 * ms, "[]"},
		{"two at once, as they came", 10 * ms, "[1 3]"},
		{"late, all that are due, in order", 40 * ms, "[2 0]"},
		{"none is left", time.Hour, "[]"},
	} {
		got := []uint32{}
		for _, p := range h.take(begin.Add(c.at)) {
			got = append(got, p.id)
		}
		if fmt.Sprint(got) != c.want {
			t.Errorf("%s: %v, want %s", c.says, got, c.want)
		}
	}
}
