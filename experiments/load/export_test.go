package load

import "syscall"

// WithControl is the load with a function that is called on each of its
// sockets before it connects.
func (c Constant) WithControl(control func(network, address string, conn syscall.RawConn) error) Constant {
	c.control = control
	return c
}

// WithRoom is the load with room for so many requests that wait to be
// recorded.
func (c Constant) WithRoom(room int) Constant {
	c.room = room
	return c
}
