package host

import (
	"errors"
	"fmt"
	"io"
	"net"

	"golang.org/x/sys/unix"
)

// ErrOther is returned by Only when another cache folder's lab runs.
var ErrOther = errors.New("another lab runs on this machine, from another cache folder (AFTERSHOCK_LAB_CACHE): take that one down first")

// Only makes sure that no other lab runs on this machine, for as long as what it returns is open: labs share addresses, a link
// and a cgroup. The name of an abstract socket is free again as soon as its holder is gone, and is in no folder.
func Only() (io.Closer, error) {
	listener, err := net.Listen("unix", "@aftershock-lab")
	if errors.Is(err, unix.EADDRINUSE) {
		return nil, ErrOther
	}
	if err != nil {
		return nil, fmt.Errorf("reserve this machine's lab: %w", err)
	}
	return listener, nil
}
