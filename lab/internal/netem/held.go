package netem

import (
	"container/heap"
	"time"
)

// packet is a packet that the kernel holds for us, by the number that the kernel calls it.
type packet struct {
	id       uint32
	priority uint32
	at       time.Time // when we heard of it
	due      time.Time
	order    int // among those due at once: as they came
}

// held is a heap of packets by when they are due.
type held []packet

func (h held) Len() int { return len(h) }

func (h held) Less(i, j int) bool {
	if h[i].due.Equal(h[j].due) {
		return h[i].order < h[j].order
	}
	return h[i].due.Before(h[j].due)
}

func (h held) Swap(i, j int) { h[i], h[j] = h[j], h[i] }

// Push is heap.Interface's.
func (h *held) Push(x any) { *h = append(*h, x.(packet)) }

// Pop is heap.Interface's.
func (h *held) Pop() any {
	old := *h
	last := old[len(old)-1]
	*h = old[:len(old)-1]
	return last
}

// take takes out the packets that are due, in order.
func (h *held) take(now time.Time) []packet {
	var due []packet
	for len(*h) > 0 && !(*h)[0].due.After(now) {
		due = append(due, heap.Pop(h).(packet))
	}
	return due
}

// all takes out every packet, in the order in which they are due.
func (h *held) all() []packet { return h.take(time.Unix(1<<40, 0)) }

func (h *held) put(p packet) { heap.Push(h, p) }
