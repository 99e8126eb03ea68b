package netem

import (
	"cmp"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"time"
)

// Delayer holds the packets that the packet filter hands to a queue.
type Delayer struct {
	Device string // it ends when the device is gone
	Queue  uint16 // number of the queue, in this process's network namespace
	Tree   Tree   // what is to be done to which packet
}

// Run delays and drops packets until ctx ends, and then lets go what it holds. It calls ready once the queue is served. When
// the device is gone it returns nil.
func (d Delayer) Run(ctx context.Context, ready func() error) error {
	const most = 1 << 16 // packets that the kernel holds for us; how many are held at purpose is netem's limit
	q, err := open(d.Queue, most)
	if err != nil {
		return err
	}
	if err := ready(); err != nil {
		return errors.Join(err, q.close())
	}
	arrived, failed := make(chan []packet, 64), make(chan error, 1)
	go func() {
		defer close(arrived)
		for {
			packets, err := q.receive()
			if err != nil {
				failed <- err
				return
			}
			if len(packets) > 0 {
				arrived <- packets
			}
		}
	}()
	err = d.shape(ctx, q, arrived)
	err = errors.Join(err, q.close())
	for range arrived { // until the goroutine has ended; what comes now the kernel has dropped with the queue
	}
	if f := <-failed; !errors.Is(f, io.EOF) {
		err = errors.Join(err, f)
	}
	return err
}

// shape is the loop of Run: it ends with ctx, with the device, or when nothing can arrive any more.
func (d Delayer) shape(ctx context.Context, q *queue, arrived <-chan []packet) error {
	lines := newLines(d.Tree)
	var waiting held
	timer := time.NewTimer(time.Hour)
	look := time.NewTicker(500 * time.Millisecond)
	defer look.Stop()
	order := 0
	for {
		select {
		case <-ctx.Done():
			return release(q, waiting, arrived)
		case <-look.C:
			if _, err := net.InterfaceByName(d.Device); err != nil {
				return nil
			}
			continue
		case packets, ok := <-arrived:
			if !ok {
				return nil // Run has the reason
			}
			for _, p := range packets {
				delay, lost := lines.of(p.priority).next(len(waiting))
				if lost {
					if err := q.decide(p, drop); err != nil {
						return err
					}
					continue
				}
				p.due, p.order = p.at.Add(delay), order
				order++
				waiting.put(p)
			}
		case <-timer.C:
		}
		now := time.Now()
		for p, ok := waiting.take(now); ok; p, ok = waiting.take(now) {
			if err := q.decide(p, accept); err != nil {
				return err
			}
		}
		if len(waiting) > 0 {
			timer.Reset(waiting[0].due.Sub(now))
		}
	}
}

// release lets everything go at once, in order, and then what the kernel had for us already: until it is quiet.
func release(q *queue, waiting held, arrived <-chan []packet) error {
	for p, ok := waiting.take(time.Unix(1<<40, 0)); ok; p, ok = waiting.take(time.Unix(1<<40, 0)) {
		if err := q.decide(p, accept); err != nil {
			return err
		}
	}
	const quiet = 20 * time.Millisecond
	for {
		select {
		case packets, ok := <-arrived:
			if !ok {
				return nil
			}
			for _, p := range packets {
				if err := q.decide(p, accept); err != nil {
					return err
				}
			}
		case <-time.After(quiet):
			return nil
		}
	}
}

// line is the netems that packets of one class meet, one after the other.
type line []*draw

func (l line) next(waiting int) (delay time.Duration, lost bool) {
	for _, d := range l {
		one, gone := d.next()
		if gone || waiting >= cmp.Or(d.Limit, 1000) {
			return 0, true
		}
		delay += one
	}
	return delay, false
}

// lines remembers the line of each class, and with it the draws before.
type lines struct {
	tree  Tree
	draws map[Qdisc]*draw
	known map[uint32]line
}

func newLines(t Tree) *lines {
	l := &lines{tree: t, draws: map[Qdisc]*draw{}, known: map[uint32]line{}}
	for _, q := range t.Qdiscs {
		l.draws[q] = newDraw(q.Netem, rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())))
	}
	return l
}

func (l *lines) of(priority uint32) line {
	if known, ok := l.known[priority]; ok {
		return known
	}
	var made line
	for _, q := range l.tree.Path(priority) {
		made = append(made, l.draws[q])
	}
	l.known[priority] = made
	return made
}
