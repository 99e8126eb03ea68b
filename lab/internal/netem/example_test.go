package netem_test

import (
	"fmt"

	"github.com/aftershockhq/aftershock/lab/internal/netem"
)

// What chaos-daemon does for a delay with a target: packets to it get the class 1:4, and only those meet the netem.
func ExampleTree_Path() {
	slow, err := netem.Parse([]string{"delay", "200ms", "20ms"})
	if err != nil {
		fmt.Println(err)
		return
	}
	var tree netem.Tree
	for _, q := range []netem.Qdisc{
		{Handle: "1:", Kind: "prio"},
		{Handle: "5:", Parent: "1:4", Kind: "netem", Netem: slow},
	} {
		if tree, err = tree.Add(q); err != nil {
			fmt.Println(err)
			return
		}
	}
	for _, priority := range []uint32{0, 0x10004} {
		for _, q := range tree.Path(priority) {
			fmt.Printf("class %x: %s, give or take %s\n", priority, q.Netem.Delay, q.Netem.Jitter)
		}
	}
	// Output: class 10004: 200ms, give or take 20ms
}
