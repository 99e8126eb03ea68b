package load

import "syscall"

// WithControl is the load with a function that is called on each of its
// sockets before it connects.
func (h HTTP) WithControl(control func(network, address string, conn syscall.RawConn) error) HTTP {
	h.control = control
	return h
}

// WithRoom is the load with room for so many requests that wait to be
// recorded.
func (h HTTP) WithRoom(room int) HTTP {
	h.room = room
	return h
}
