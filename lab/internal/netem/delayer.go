package netem

import (
	"cmp"
	"context"
	"errors"
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
	interrupted := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(interrupted)
		q.interrupt()
	})
	held, err := d.shape(ctx, q)
	if !stop() {
		<-interrupted // or it would end the reads of release
		err = errors.Join(err, release(q, held))
	}
	return errors.Join(err, q.close())
}

// shape is the loop of Run. It ends with ctx, and returns the packets it holds then, or with the device.
func (d Delayer) shape(ctx context.Context, q *queue) ([]packet, error) {
	const look = 500 * time.Millisecond // how often it looks whether the device is still there
	lines, rest := newLines(d.Tree), d.Tree.rest()
	var waiting held
	order := 0
	looked := time.Now()
	for {
		next := looked.Add(look)
		if len(waiting) > 0 && waiting[0].due.Before(next) {
			next = waiting[0].due
		}
		arrived, err := q.receive(ctx, next)
		if err != nil {
			return nil, err
		}
		if ctx.Err() != nil {
			return append(waiting.all(), arrived...), nil
		}
		now := time.Now()
		leave, lost := waiting.take(now), []packet(nil) // what is due does not count for netem's limit
		for _, p := range arrived {
			delay, gone := lines.of(p.priority).next(len(waiting))
			p.due, p.order = p.at.Add(delay), order
			order++
			switch {
			case gone:
				lost = append(lost, p)
			case p.due.After(now):
				waiting.put(p)
			default:
				leave = append(leave, p)
			}
		}
		if err := errors.Join(q.decide(leave, accept), q.decide(lost, drop)); err != nil {
			return nil, err
		}
		if now.Sub(looked) >= look {
			if _, err := net.InterfaceByName(d.Device); err != nil {
				return nil, nil
			}
			looked = now
		}
		time.Sleep(rest)
	}
}

// release lets everything go at once, in order, and then what the kernel had for us already: until it is quiet, or for as long
// as that can take if packets keep coming.
func release(q *queue, waiting []packet) error {
	const quiet, longest = 20 * time.Millisecond, 200 * time.Millisecond
	for end := time.Now().Add(longest); ; {
		if err := q.decide(waiting, accept); err != nil || time.Now().After(end) {
			return err
		}
		var err error
		if waiting, err = q.receive(context.Background(), time.Now().Add(quiet)); err != nil || len(waiting) == 0 {
			return err
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
