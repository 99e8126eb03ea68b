package netem

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The names by which the test binary is something else.
const (
	holder  = "hold-packets" // the process that holds packets
	network = "in-a-network" // a test in a network namespace of its own
)

func TestMain(m *testing.M) {
	switch os.Args[0] {
	case holder:
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		defer stop()
		if err := Serve(ctx, os.Args[1], os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	case network:
		if err := inNetwork(context.Background(), os.Args[1]); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
	default:
		os.Exit(m.Run())
	}
}

// TestPacketsOfADevice runs inNetwork in a network namespace of its own.
func TestPacketsOfADevice(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root makes network namespaces")
	}
	if _, err := os.Stat("/usr/sbin/iptables-legacy"); err != nil {
		t.Skip("no iptables-legacy on this machine")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := &exec.Cmd{Path: self, Args: []string{network, t.TempDir()}, Env: os.Environ()}
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

// inNetwork holds packets of the loopback device, where a packet and its answer both leave.
func inNetwork(ctx context.Context, folder string) error {
	if out, err := exec.Command("ip", "link", "set", "lo", "up").CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	echo, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	go func() {
		buffer := make([]byte, 100)
		for {
			n, from, err := echo.ReadFrom(buffer)
			if err != nil {
				return
			}
			_, _ = echo.WriteTo(buffer[:n], from)
		}
	}()
	self, err := os.Executable()
	if err != nil {
		return err
	}
	// A process has the name it is started by, and only a shell gives another than the file's.
	device := Device{Folder: folder, Name: "lo", Command: []string{"/bin/bash", "-c", `exec -a ` + holder + ` "$0" "$1"`, self}}

	const delay = 40 * time.Millisecond
	tree, err := Tree{}.Add(Qdisc{Handle: "1:", Kind: "netem", Netem: Netem{Delay: delay}})
	if err != nil {
		return err
	}
	if err := device.Set(ctx, tree); err != nil {
		return err
	}
	if took, err := ask(echo.LocalAddr()); err != nil || took < 2*delay {
		return fmt.Errorf("with a delay of %s on both ways: an answer after %s, %w", delay, took, err)
	}
	if err := stream(echo.LocalAddr(), 200, 2*delay); err != nil {
		return fmt.Errorf("many packets: %w", err)
	}
	if now, err := device.Tree(); err != nil || len(now.Qdiscs) != 1 {
		return fmt.Errorf("the tree is %+v, %w", now, err)
	}

	// Another tree takes its place; what it says of another class is not done to this one.
	tree = Tree{}
	for _, q := range []Qdisc{{Handle: "1:", Kind: "prio"}, {Parent: "1:4", Handle: "2:", Kind: "netem", Netem: Netem{Loss: 1}}} {
		if tree, err = tree.Add(q); err != nil {
			return err
		}
	}
	if err := device.Set(ctx, tree); err != nil {
		return err
	}
	if _, err := ask(echo.LocalAddr()); err != nil {
		return fmt.Errorf("a packet of another class: %w", err)
	}
	classify := []string{"-t", "mangle", "-A", "OUTPUT", "-o", "lo", "-j", "CLASSIFY", "--set-class", "1:4"}
	if out, err := exec.Command("iptables-legacy", classify...).CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	if took, err := ask(echo.LocalAddr()); !errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("a packet of the class that is lost: an answer after %s, %w", took, err)
	}

	n, err := device.read()
	if err != nil {
		return err
	}
	if err := device.Set(ctx, Tree{}); err != nil {
		return err
	}
	if _, err := ask(echo.LocalAddr()); err != nil {
		return fmt.Errorf("after the end: %w", err)
	}
	if now, err := began(n.PID); err == nil && now == n.Began {
		if status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", n.PID)); !strings.Contains(string(status), ") Z ") {
			return fmt.Errorf("process %d still holds packets", n.PID)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(folder, "*.json")); len(left) > 0 {
		return fmt.Errorf("left %v", left)
	}
	rules, err := exec.Command("iptables-legacy-save", "-t", "mangle").Output()
	if err != nil || strings.Contains(string(rules), "NFQUEUE") {
		return fmt.Errorf("rules are left: %s, %w", rules, err)
	}
	if err := device.Set(ctx, Tree{}); err != nil { // nothing to end is no error
		return err
	}

	if tree, err = (Tree{}).Add(Qdisc{Handle: "1:", Kind: "netem", Netem: Netem{Delay: time.Minute}}); err != nil {
		return err
	}
	if err := letGo(ctx, device, tree, 200); err != nil {
		return fmt.Errorf("packets that are held when the delay ends: %w", err)
	}
	// What is not delayed does not count for the limit of what is.
	if tree, err = (Tree{}).Add(Qdisc{Handle: "1:", Kind: "netem", Netem: Netem{Limit: 10}}); err != nil {
		return err
	}
	if err := device.Set(ctx, tree); err != nil {
		return err
	}
	if err := stream(echo.LocalAddr(), 200, 0); err != nil {
		return fmt.Errorf("many packets at once that are not delayed: %w", err)
	}
	return device.Set(ctx, Tree{})
}

// stream sends numbered packets, some at once and some one by one, and wants an answer to each, in order and not too soon.
func stream(to net.Addr, packets int, atLeast time.Duration) error {
	conn, err := net.Dial("udp", to.String())
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return err
	}
	sent, failed := make(chan time.Time, packets), make(chan error, 1)
	go func() {
		defer close(failed)
		for i := range packets {
			sent <- time.Now()
			if _, err := conn.Write([]byte{byte(i)}); err != nil {
				failed <- err
				return
			}
			if i > packets/2 {
				time.Sleep(time.Millisecond)
			}
		}
	}()
	answer := make([]byte, 10)
	for i := range packets {
		if _, err := conn.Read(answer); err != nil {
			return errors.Join(fmt.Errorf("the answer to packet %d of %d: %w", i, packets, err), conn.Close(), <-failed)
		}
		if took := time.Since(<-sent); answer[0] != byte(i) || took < atLeast {
			return errors.Join(fmt.Errorf("answer %d to packet %d of %d, after %s", answer[0], i, packets, took), conn.Close(), <-failed)
		}
	}
	return <-failed
}

// letGo sends numbered packets that are held for long, and wants all of them, in order, once the delay ends.
func letGo(ctx context.Context, device Device, tree Tree, packets int) error {
	sink, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer func() { _ = sink.Close() }()
	conn, err := net.Dial("udp", sink.LocalAddr().String())
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if err := device.Set(ctx, tree); err != nil {
		return err
	}
	for i := range packets {
		if _, err := conn.Write([]byte{byte(i)}); err != nil {
			return err
		}
	}
	if err := device.Set(ctx, Tree{}); err != nil {
		return err
	}
	if err := sink.SetReadDeadline(time.Now().Add(2 * time.Second)); err != nil {
		return err
	}
	got := make([]byte, 10)
	for i := range packets {
		if _, _, err := sink.ReadFrom(got); err != nil || got[0] != byte(i) {
			return fmt.Errorf("packet %d as number %d of %d: %w", got[0], i, packets, err)
		}
	}
	return nil
}

// ask sends a packet and waits for the answer.
func ask(to net.Addr) (time.Duration, error) {
	conn, err := net.Dial("udp", to.String())
	if err != nil {
		return 0, err
	}
	defer func() { _ = conn.Close() }()
	begin := time.Now()
	if err := conn.SetDeadline(begin.Add(2 * time.Second)); err != nil {
		return 0, err
	}
	if _, err := conn.Write([]byte("?")); err != nil {
		return 0, err
	}
	_, err = conn.Read(make([]byte, 10))
	return time.Since(begin), err
}
