package bench

import (
	"context"
	"errors"
	"io"
	"net"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// listen runs a backend that does the same with each connection.
func listen(t *testing.T, each func(*net.TCPConn)) string {
	t.Helper()
	l, err := net.ListenTCP("tcp4", net.TCPAddrFromAddrPort(loopback()))
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.AcceptTCP()
			if err != nil {
				return
			}
			wg.Go(func() { each(c) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		wg.Wait()
	})
	return l.Addr().String()
}

// dead is an address at which nobody listens any more.
func dead(t *testing.T) string {
	t.Helper()
	l, err := net.ListenTCP("tcp4", net.TCPAddrFromAddrPort(loopback()))
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return l.Addr().String()
}

func startTestBalancer(t *testing.T, slots int, interval time.Duration) *balancer {
	t.Helper()
	b, err := startBalancer(slots, interval)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// ask sends a word on a connection of its own, ends its half, and reads to the
// end.
func ask(t *testing.T, address string) (string, error) {
	t.Helper()
	c, err := dial(t.Context(), address)
	if err != nil {
		return "", err
	}
	defer func() { _ = c.Close() }()
	_, errWrite := c.Write([]byte("ping"))
	_ = c.CloseWrite()
	answer, err := io.ReadAll(c)
	if err == nil {
		err = errWrite
	}
	return string(answer), err
}

func TestWhatAClientSeesOfABackend(t *testing.T) {
	for _, test := range []struct {
		name    string
		backend func(t *testing.T) string // its address; empty: there is none
		answer  string
		ends    bool // in good order
		breaks  bool // with a reset
	}{
		{
			name: "the end of what the client sends reaches the backend, and its answer the client",
			backend: func(t *testing.T) string {
				return listen(t, func(c *net.TCPConn) {
					sent, _ := io.ReadAll(c)
					_, _ = c.Write(append(sent, " pong"...))
					_ = c.Close()
				})
			},
			answer: "ping pong",
			ends:   true,
		},
		{
			name: "a backend that ends without an answer is an end without an answer",
			backend: func(t *testing.T) string {
				return listen(t, func(c *net.TCPConn) {
					_, _ = io.ReadAll(c) // what is unread would make it a reset
					_ = c.Close()
				})
			},
			ends: true,
		},
		{
			name:    "a backend that resets is a reset or an end, and never an answer",
			backend: func(t *testing.T) string { return listen(t, reset) },
			ends:    true,
			breaks:  true,
		},
		{
			name:    "a backend that refuses is a reset",
			backend: dead,
			breaks:  true,
		},
		{
			name:   "no backend is a reset",
			breaks: true,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := startTestBalancer(t, 1, 0)
			if test.backend != nil {
				b.put(0, test.backend(t))
			}
			answer, err := ask(t, b.address())
			broke := errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
			expected := test.ends && err == nil || test.breaks && broke
			if answer != test.answer || !expected {
				t.Errorf("got %q, %v; want %q, an end: %t, a break: %t", answer, err, test.answer, test.ends, test.breaks)
			}
		})
	}
}

func TestBalancerAccountsForWhatItDid(t *testing.T) {
	b := startTestBalancer(t, 2, 0)
	if _, err := ask(t, b.address()); err == nil {
		t.Error("a balancer without backends answered")
	}
	hello := func(word string) string {
		return listen(t, func(c *net.TCPConn) {
			_, _ = io.ReadAll(c)
			_, _ = c.Write([]byte(word))
			_ = c.Close()
		})
	}
	first := b.put(0, hello("first"))
	gone := b.put(1, dead(t))
	if err := b.settled(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if answer, err := ask(t, b.address()); answer != "first" {
			t.Errorf("answer %q, %v", answer, err)
		}
		if answer, err := ask(t, b.address()); err == nil {
			t.Errorf("the dead backend answered %q", answer)
		}
	}
	next := b.put(1, hello("next"))
	for _, want := range []string{"first", "next"} {
		if answer, err := ask(t, b.address()); answer != want {
			t.Errorf("answer %q, %v; want %q", answer, err, want)
		}
	}
	for _, account := range []struct {
		name                       string
		backend                    *backend
		turns, connections, refuse int
		over                       bool
	}{
		{"the one that was there all the time", first, 1, 3, 0, false},
		{"the dead one, until the next took its slot", gone, 1, 2, 2, true},
		{"the next one", next, 1, 1, 0, false},
	} {
		rotation, connections, refused := b.account(account.backend)
		if len(rotation) != account.turns || connections != account.connections || refused != account.refuse {
			t.Errorf("%s: rotation %v, %d connections, %d refused; want %+v", account.name, rotation, connections, refused, account)
		} else if over := !rotation[0].Out.IsZero(); over != account.over {
			t.Errorf("%s: its turn is over: %t, want %t", account.name, over, account.over)
		}
	}
	if got := b.unrouted(); got != 1 {
		t.Errorf("%d connections found no backend, want 1", got)
	}
}

func TestBalancerWaitsForAGoodCheck(t *testing.T) {
	b := startTestBalancer(t, 1, time.Millisecond)
	never := b.put(0, dead(t))
	impatient, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := b.settled(impatient); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("settled with a dead backend: %v", err)
	}
	if rotation, _, _ := b.account(never); len(rotation) != 0 {
		t.Errorf("a backend that never answered a check was in the rotation: %v", rotation)
	}
	b.put(0, listen(t, func(c *net.TCPConn) { _ = c.Close() }))
	if err := b.settled(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestStartProcessSaysWhatIsWrong(t *testing.T) {
	for _, test := range []struct {
		name    string
		program string
		want    string
	}{
		{
			"a program whose main does not serve ends at once",
			"false", "start service-1: it ended before it listened; does main call bench.Serve when bench.IsService?: exit status 1",
		},
		{
			"a program that prints before it serves is told that standard output is taken",
			"echo", `wrote "service-1\n" to standard output, which is for reports`,
		},
		{
			"a program that is not there cannot be started",
			"", "start service-1: fork/exec",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := t.TempDir() + "/none"
			if test.program != "" {
				var err error
				if path, err = exec.LookPath(test.program); err != nil {
					t.Skip(err)
				}
			}
			p, err := startProcess(t.Context(), program{path: path}, "service-1")
			if err == nil {
				_ = p.kill(Stopped)
				p.wait()
				t.Fatal("it started")
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %q, want it to say %q", err, test.want)
			}
		})
	}
}

func TestInstantIsNeverInTheFuture(t *testing.T) {
	now := time.Now()
	for _, test := range []struct {
		name  string
		stamp time.Duration // against now
		want  time.Duration
	}{
		{"a stamp of the past is that long ago", -time.Second, -time.Second},
		{"a stamp of now is now", 0, 0},
		{"a clock that was set back between the two makes it now, not later", time.Hour, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := instant(now.Add(test.stamp).UnixNano(), now).Sub(now); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}
