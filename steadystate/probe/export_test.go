package probe

import "syscall"

// WithControl is the source with a function that is called on each of its
// sockets before it connects.
func (w WebSocket) WithControl(control func(network, address string, conn syscall.RawConn) error) WebSocket {
	w.control = control
	return w
}

// WithControl is the source with a function that is called on each of its
// sockets before it connects.
func (g GRPCHealth) WithControl(control func(network, address string, conn syscall.RawConn) error) GRPCHealth {
	g.control = control
	return g
}
