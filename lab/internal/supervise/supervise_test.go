package supervise

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/lab/internal/cgroup"
)

// running runs components until the test ends, and returns a client of their supervisor.
func running(t *testing.T, components ...Component) *Client {
	t.Helper()
	dir := t.TempDir()
	s := New("control", cgroup.Group{}, func(name string) string { return filepath.Join(dir, name+".log") }, components)
	ctx, cancel := context.WithCancel(t.Context())
	served, ran := make(chan error, 1), make(chan error, 1)
	socket := filepath.Join(dir, "socket")
	go func() { served <- s.Serve(ctx, socket) }()
	go func() { ran <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(<-served, <-ran); err != nil {
			t.Error(err)
		}
	})
	if err := Until(t.Context(), Listens("unix", socket)); err != nil {
		t.Fatal(err)
	}
	return Dial(socket)
}

func one(t *testing.T, c *Client, name string) Status {
	t.Helper()
	r, err := c.Report(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	states, err := c.States(t.Context())
	if err != nil || len(states) != len(r.Components) {
		t.Fatalf("%d states of %d components: %v", len(states), len(r.Components), err)
	}
	for i, s := range r.Components {
		if states[i].Name != s.Name || states[i].Cost != (Cost{}) {
			t.Errorf("state %+v of component %+v, want it without its cost", states[i], s)
		}
		if s.Name == name {
			return s
		}
	}
	t.Fatalf("no component %s in %+v", name, r)
	return Status{}
}

func eventually(t *testing.T, c *Client, name string, what string, is func(Status) bool) Status {
	t.Helper()
	for deadline := time.Now().Add(15 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		s := one(t, c, name)
		if is(s) {
			return s
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s is not %s: %+v", name, what, s)
		}
	}
}

func state(want State) func(Status) bool { return func(s Status) bool { return s.State == want } }

var sleep = []string{"/bin/sleep", "600"}

func TestAComponentWaitsForWhatItNeeds(t *testing.T) {
	flag := filepath.Join(t.TempDir(), "serves")
	c := running(t,
		Component{Name: "second", Needs: []string{"first"}, Args: sleep},
		Component{Name: "first", Args: sleep, Ready: func(context.Context) error { _, err := os.Stat(flag); return err }},
	)
	first := eventually(t, c, "first", "starting for a reason", func(s Status) bool { return s.State == Starting && strings.Contains(s.Reason, flag) })
	if first.PID == 0 {
		t.Error("a process without an id")
	}
	if s := one(t, c, "second"); s.State != Waiting || s.Reason != "waits for first" || s.PID != 0 {
		t.Errorf("%+v", s)
	}
	if err := os.WriteFile(flag, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	eventually(t, c, "second", "ready", state(Ready))
}

func TestACrashedComponentStartsAgain(t *testing.T) {
	c := running(t, Component{Name: "a", Args: sleep})
	before := eventually(t, c, "a", "ready", state(Ready))
	if err := syscall.Kill(before.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	after := eventually(t, c, "a", "failed", state(Failed))
	if !strings.Contains(after.Reason, "signal: killed; starts again in 1s") {
		t.Errorf("reason %q", after.Reason)
	}
	after = eventually(t, c, "a", "ready again", state(Ready))
	if after.Restarts != 1 || after.PID == before.PID {
		t.Errorf("%+v", after)
	}
}

func TestAComponentThatCannotStartSaysWhy(t *testing.T) {
	c := running(t,
		Component{Name: "missing", Args: []string{"/no/such/program"}},
		Component{Name: "unprepared", Args: sleep, Prepare: func(context.Context) error { return errors.New("no keys") }},
		Component{Name: "short", Args: []string{"/bin/sh", "-c", "exit 3"}, Ready: func(context.Context) error { return errors.New("not yet") }},
	)
	for name, reason := range map[string]string{
		"missing": "no such file or directory", "unprepared": "prepare: no keys", "short": "ended: exit status 3",
	} {
		s := eventually(t, c, name, "failed", state(Failed))
		if !strings.Contains(s.Reason, reason) {
			t.Errorf("%s: reason %q, want %q", name, s.Reason, reason)
		}
	}
}

func TestStopAndStartByName(t *testing.T) {
	c := running(t, Component{Name: "a", Args: sleep},
		Component{Name: "f", Run: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }})
	for _, name := range []string{"a", "f"} {
		eventually(t, c, name, "ready", state(Ready))
		pid := one(t, c, name).PID
		if err := c.Want(t.Context(), name, false); err != nil {
			t.Fatal(err)
		}
		s := one(t, c, name)
		if s.State != Stopped || s.PID != 0 || s.Restarts != 0 {
			t.Errorf("stopped: %+v", s)
		}
		if pid != 0 && syscall.Kill(pid, 0) == nil {
			t.Errorf("process %d still runs", pid)
		}
		if err := c.Want(t.Context(), name, true); err != nil {
			t.Fatal(err)
		}
		if s := one(t, c, name); s.State != Ready {
			t.Errorf("started: %+v", s)
		}
	}
	if err := c.Want(t.Context(), "b", false); !errors.Is(err, ErrNoComponent) {
		t.Errorf("a name that there is not: %v", err)
	}
}

func TestAComponentThatDoesNotListenIsKilled(t *testing.T) {
	c := running(t, Component{Name: "deaf", Args: []string{"/bin/sh", "-c", "trap '' TERM; while :; do sleep 0.1; done"}})
	eventually(t, c, "deaf", "ready", state(Ready))
	if err := c.Want(t.Context(), "deaf", false); err != nil {
		t.Fatal(err)
	}
}

func TestAComponentHasTheWeightItIsGiven(t *testing.T) {
	group := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	s := New("control", cgroup.At([]string{group}), func(string) string { return os.DevNull }, []Component{
		{Name: "light", Args: []string{"/bin/sleep", "60"}, Weight: 0.25}, {Name: "plain", Args: []string{"/bin/sleep", "60"}},
	})
	ran := make(chan error, 1)
	go func() { ran <- s.Run(ctx) }()
	for _, name := range []string{"light", "plain"} {
		if err := s.Want(ctx, name, true); err != nil {
			t.Error(err)
		}
	}
	cancel()
	if err := <-ran; err != nil {
		t.Error(err)
	}
	weights := map[string]string{}
	for _, name := range []string{"light", "plain"} {
		content, _ := os.ReadFile(filepath.Join(group, name, "cpu.weight"))
		weights[name] = string(content)
	}
	if weights["light"] != "25" || weights["plain"] != "" {
		t.Errorf("%q, want 25 and what the kernel gives", weights)
	}
}

func TestANeedThatThereIsNot(t *testing.T) {
	s := New("control", cgroup.Group{}, func(string) string { return os.DevNull }, []Component{{Name: "a", Needs: []string{"b"}}})
	if err := s.Run(t.Context()); err == nil || err.Error() != "component a needs b, which is not a component" {
		t.Errorf("%v", err)
	}
}
