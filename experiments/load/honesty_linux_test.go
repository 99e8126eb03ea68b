package load_test

import (
	"bytes"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/aftershockhq/aftershock/experiments/load"
	"github.com/aftershockhq/aftershock/record"
)

// ipLocalPortRange is IP_LOCAL_PORT_RANGE of ip(7), which package syscall does
// not name: a socket's own range of local ports, the first in the lower half
// of the word and the last in the upper one.
const ipLocalPortRange = 51

func limitPorts(conn syscall.RawConn, first, last int) error {
	var set error
	err := conn.Control(func(fd uintptr) {
		set = syscall.SetsockoptInt(int(fd), syscall.SOL_IP, ipLocalPortRange, last<<16|first)
	})
	return errors.Join(err, set)
}

// The only port that the load's sockets may use is taken, as all of them are
// when a load opens connections faster than they can be used again.
func TestWithoutLocalPortsNothingIsKnownOfTheService(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	port := taken.Addr().(*net.TCPAddr).Port
	raw, err := taken.(*net.TCPListener).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := limitPorts(raw, port, port); errors.Is(err, syscall.ENOPROTOOPT) {
		t.Skip("sockets have no port range of their own before Linux 6.3")
	} else if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(named))
	defer server.Close()

	var short atomic.Bool
	constant := load.HTTP{Shape: load.Constant(100), URL: server.URL}.WithControl(func(_, _ string, conn syscall.RawConn) error {
		if !short.Load() {
			return nil
		}
		return limitPorts(conn, port, port)
	})
	fault := shortage{
		begin: func() error { short.Store(true); return nil },
		end:   func() error { short.Store(false); return nil },
	}
	var recorded bytes.Buffer
	if err := shortExperiment(constant, "errors <= 0.1%", fault).Run(t.Context(), record.NewRecorder(&recorded)); err != nil {
		t.Fatal(err)
	}
	lacks(t, judged(t, recorded.Bytes()), "no local port left")
}
