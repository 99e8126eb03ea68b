package main

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// link is a wire to a server that can be cut: then connections are still made, as the kernel does that by itself, but nothing
// comes through. It is what a client sees of a partition, on an address that is always there.
type link struct {
	listener net.Listener
	to       string
	cut      atomic.Bool
	tries    atomic.Int64 // connections that were made to it
	ended    chan struct{}
	open     sync.WaitGroup
}

func newLink(t *testing.T, to string) *link {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &link{listener: listener, to: to, ended: make(chan struct{})}
	l.open.Go(l.accept)
	t.Cleanup(func() {
		close(l.ended)
		_ = listener.Close()
		l.open.Wait()
	})
	return l
}

func (l *link) url() string { return "http://" + l.listener.Addr().String() }

func (l *link) accept() {
	for {
		near, err := l.listener.Accept()
		if err != nil {
			return
		}
		l.tries.Add(1)
		l.open.Go(func() {
			defer func() { _ = near.Close() }()
			if l.cut.Load() {
				<-l.ended
				return
			}
			l.carry(near)
		})
	}
}

func (l *link) carry(near net.Conn) {
	far, err := net.Dial("tcp", l.to)
	if err != nil {
		return
	}
	defer func() { _ = far.Close() }()
	var there sync.WaitGroup
	there.Go(func() {
		_, _ = io.Copy(far, near)
		_ = far.(*net.TCPConn).CloseWrite()
	})
	_, _ = io.Copy(near, far)
	_ = near.Close()
	there.Wait()
}
