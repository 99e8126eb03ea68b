package netem

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"
	"syscall"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// queue is a queue of the kernel's packet filter (NFQUEUE) in this network namespace. The kernel tells of each packet, and
// holds it until it hears a verdict.
type queue struct {
	conn   *netlink.Conn
	raw    syscall.RawConn // of conn
	number uint16
	buffer []byte // for one message
}

// Of linux/netfilter/nfnetlink_queue.h; the package unix has none of them.
const (
	messagePacket  = unix.NFNL_SUBSYS_QUEUE << 8 // NFQNL_MSG_PACKET, which is 0
	messageVerdict = messagePacket + 1           // NFQNL_MSG_VERDICT
	messageConfig  = messagePacket + 2           // NFQNL_MSG_CONFIG

	packetHeader   = 1  // NFQA_PACKET_HDR
	packetVerdict  = 2  // NFQA_VERDICT_HDR
	packetPriority = 21 // NFQA_PRIORITY, from Linux 5.18 on

	configCommand = 1 // NFQA_CFG_CMD
	configParams  = 2 // NFQA_CFG_PARAMS
	configLength  = 3 // NFQA_CFG_QUEUE_MAXLEN
	configMask    = 4 // NFQA_CFG_MASK
	configFlags   = 5 // NFQA_CFG_FLAGS

	commandBind = 1      // NFQNL_CFG_CMD_BIND
	copyMeta    = 1      // NFQNL_COPY_META: we do not look into packets
	flagGSO     = 1 << 2 // NFQA_CFG_F_GSO: a large segment is one packet here, as it is for the kernel's netem

	drop   = 0
	accept = 1
)

// open binds the queue; no other process may have it.
func open(number uint16, length int) (*queue, error) {
	conn, err := netlink.Dial(unix.NETLINK_NETFILTER, nil)
	if err != nil {
		return nil, fmt.Errorf("open netlink: %w", err)
	}
	q := &queue{conn: conn, number: number, buffer: make([]byte, 1<<16)}
	if q.raw, err = conn.SyscallConn(); err == nil {
		err = q.configure(length)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("bind queue %d of the packet filter: %w", number, err), conn.Close())
	}
	return q, nil
}

func (q *queue) configure(length int) error {
	// A burst must not get lost between the kernel and us: those packets would be held for ever.
	const buffer = 8 << 20
	if err := q.conn.SetReadBuffer(buffer); err != nil {
		return err
	}
	if err := q.conn.SetOption(netlink.NoENOBUFS, true); err != nil {
		return err
	}
	for _, attributes := range [][]netlink.Attribute{
		{{Type: configCommand, Data: []byte{commandBind, 0, 0, 0}}},
		{
			{Type: configParams, Data: []byte{0, 0, 0, 0, copyMeta}},
			{Type: configLength, Data: big32(uint32(length))},
			{Type: configMask, Data: big32(flagGSO)},
			{Type: configFlags, Data: big32(flagGSO)},
		},
	} {
		m, err := q.message(messageConfig, netlink.Request|netlink.Acknowledge, attributes)
		if err != nil {
			return err
		}
		if _, err := q.conn.Execute(m); err != nil {
			return err
		}
	}
	return nil
}

func (q *queue) message(kind netlink.HeaderType, flags netlink.HeaderFlags, attributes []netlink.Attribute) (netlink.Message, error) {
	data, err := netlink.MarshalAttributes(attributes)
	header := []byte{unix.AF_UNSPEC, unix.NFNETLINK_V0, byte(q.number >> 8), byte(q.number)}
	return netlink.Message{Header: netlink.Header{Type: kind, Flags: flags}, Data: append(header, data...)}, err
}

func big32(x uint32) []byte { return binary.BigEndian.AppendUint32(nil, x) }

// receive returns the packets that are there, up to some hundreds. If there is none it waits for one until a time, or until ctx
// ends.
func (q *queue) receive(ctx context.Context, until time.Time) ([]packet, error) {
	const most = 256 // those that are due must not wait for many that come
	wait := until.After(time.Now())
	if !wait { // read even so: packets that are due must not keep out those that come
		until = time.Time{}
	}
	if err := q.conn.SetReadDeadline(until); err != nil {
		return nil, err
	}
	if ctx.Err() != nil { // it may have ended before the deadline was set, and the interrupt be lost
		q.interrupt()
	}
	var packets []packet
	var failed error
	// One packet is one message of the kernel's. To wait for each costs several times what it costs to read it.
	err := q.raw.Read(func(fd uintptr) (done bool) {
		for len(packets) < most {
			n, err := unix.Read(int(fd), q.buffer)
			switch {
			case errors.Is(err, unix.EINTR):
				continue
			case errors.Is(err, unix.EAGAIN):
				return len(packets) > 0 || !wait
			case err != nil:
				failed = err
				return true
			}
			if packets, failed = q.read(packets, q.buffer[:n]); failed != nil {
				return true
			}
		}
		return true
	})
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = nil
	}
	if err = errors.Join(err, failed); err != nil {
		return nil, fmt.Errorf("receive from queue %d of the packet filter: %w", q.number, err)
	}
	return packets, nil
}

// interrupt ends the wait for packets.
func (q *queue) interrupt() { _ = q.conn.SetReadDeadline(time.Unix(1, 0)) }

// read adds the packets that what was received tells of.
func (q *queue) read(packets []packet, received []byte) ([]packet, error) {
	at := time.Now()
	messages, err := syscall.ParseNetlinkMessage(received)
	if err != nil {
		return nil, err
	}
	for _, m := range messages {
		switch {
		case m.Header.Type == unix.NLMSG_ERROR && len(m.Data) >= 4:
			code := unix.Errno(-int32(binary.NativeEndian.Uint32(m.Data)))
			if code != 0 && code != unix.ENOENT { // ENOENT is of a verdict on a packet that has gone with its device
				return nil, code
			}
		case m.Header.Type == messagePacket && len(m.Data) >= 4:
			p, err := parsePacket(m.Data[4:])
			if err != nil {
				return nil, err
			}
			p.at = at
			packets = append(packets, p)
		}
	}
	return packets, nil
}

func parsePacket(data []byte) (packet, error) {
	var p packet
	d, err := netlink.NewAttributeDecoder(data)
	if err != nil {
		return p, fmt.Errorf("read a message of the packet filter: %w", err)
	}
	d.ByteOrder = binary.BigEndian
	known := false
	for d.Next() {
		switch d.Type() {
		case packetHeader:
			if content := d.Bytes(); len(content) >= 4 {
				p.id, known = binary.BigEndian.Uint32(content), true
			}
		case packetPriority:
			p.priority = d.Uint32()
		}
	}
	if err := d.Err(); err != nil {
		return p, fmt.Errorf("read a message of the packet filter: %w", err)
	}
	if !known {
		return p, errors.New("read a message of the packet filter: it names no packet")
	}
	return p, nil
}

// decide lets packets go, in order, or drops them.
func (q *queue) decide(packets []packet, verdict uint32) error {
	const together = 256 // of 32 bytes each: a few kilobytes, where a socket takes a hundred and more
	for some := range slices.Chunk(packets, together) {
		messages := q.buffer[:0]
		for _, p := range some {
			messages = q.appendVerdict(messages, p, verdict)
		}
		var failed error
		err := q.raw.Write(func(fd uintptr) (done bool) {
			for {
				_, failed = unix.Write(int(fd), messages)
				if !errors.Is(failed, unix.EINTR) {
					return !errors.Is(failed, unix.EAGAIN)
				}
			}
		})
		if err = errors.Join(err, failed); err != nil {
			return fmt.Errorf("send verdicts to the packet filter: %w", err)
		}
	}
	return nil
}

// appendVerdict adds the message of one verdict. There is one for each packet, and all have the same size: to marshal them in
// general costs more than all else.
func (q *queue) appendVerdict(to []byte, p packet, verdict uint32) []byte {
	const size, attribute = 32, 12
	native := binary.NativeEndian
	to = native.AppendUint32(to, size)
	to = native.AppendUint16(to, messageVerdict)
	to = native.AppendUint16(to, unix.NLM_F_REQUEST)
	to = append(to, 0, 0, 0, 0, 0, 0, 0, 0) // no sequence, from whom: nothing is answered
	to = append(to, unix.AF_UNSPEC, unix.NFNETLINK_V0, byte(q.number>>8), byte(q.number))
	to = native.AppendUint16(to, attribute)
	to = native.AppendUint16(to, packetVerdict)
	to = binary.BigEndian.AppendUint32(to, verdict)
	return binary.BigEndian.AppendUint32(to, p.id)
}

func (q *queue) close() error { return q.conn.Close() }
