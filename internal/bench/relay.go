package bench

import (
	"context"
	"io"
	"net"
	"net/netip"
	"sync"
)

// relay copies both ways until both have ended, and passes ends and breaks on.
func relay(client, server *net.TCPConn) {
	var wg sync.WaitGroup
	half := func(to, from *net.TCPConn) {
		if _, err := io.Copy(to, from); err != nil {
			reset(to)
			reset(from)
			return
		}
		_ = to.CloseWrite()
	}
	wg.Go(func() { half(server, client) })
	half(client, server)
	wg.Wait()
}

func dial(ctx context.Context, address string) (*net.TCPConn, error) {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return nil, err
	}
	return (&net.Dialer{}).DialTCP(ctx, "tcp4", netip.AddrPort{}, to)
}

// loopback is a free port of this machine that no other can reach.
func loopback() netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 0)
}

// reset closes a connection with RST.
func reset(c *net.TCPConn) {
	_ = c.SetLinger(0)
	_ = c.Close()
}
