// Package netem does in user space what the kernel's queueing discipline netem does, for kernels that lack it: it delays and
// loses the packets that leave a device.
//
// A rule of the packet filter hands each packet to a process that holds it, here a Delayer, until it is due, and then lets it
// go or drops it. As with netem, only what leaves is touched, a packet's delay is drawn from a range around the mean, and
// packets may overtake each other when the range is wide. A packet may be late by a fifteenth of the shortest delay, 10 ms at
// most, so that packets go together: to wake up for each fills a small machine. A Tree says what is to be done to which packet,
// in the terms of tc:
//
//	netem, err := netem.Parse([]string{"delay", "200ms", "20ms", "loss", "5"})
//	tree, err := netem.Tree{}.Add(netem.Qdisc{Handle: "1:", Kind: "netem", Netem: netem})
//	device := netem.Device{Folder: "/run/tc", Name: "eth0"}
//	err = device.Set(ctx, tree) // starts the process that holds packets
//	err = device.Set(ctx, netem.Tree{}) // ends it; what it holds goes on its way
//
// What is not emulated, duplicates and the like, is refused: see ErrNotEmulated.
package netem
