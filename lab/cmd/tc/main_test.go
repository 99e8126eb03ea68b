package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		says, line           string
		verb, parent, handle string
		kind, rest           string
		ok                   bool
	}{
		{"a netem at the root", "qdisc add dev eth0 root handle 1: netem delay 200ms", "add", "", "1:", "netem", "delay 200ms", true},
		{"below another", "qdisc add dev eth0 parent 1:4 handle 5: netem loss 3", "add", "1:4", "5:", "netem", "loss 3", true},
		{"a prio", "qdisc add dev eth0 root handle 1: prio bands 4", "add", "", "1:", "prio", "bands 4", true},
		{"a removal", "qdisc del dev eth0 root", "del", "", "", "", "", true},
		{"a listing", "qdisc show dev eth0", "", "", "", "", "", false},
		{"a listing of all", "qdisc", "", "", "", "", "", false},
		{"something else", "class add dev eth0 root", "", "", "", "", "", false},
		{"cut short", "qdisc del dev", "", "", "", "", "", false},
	} {
		t.Run(c.says, func(t *testing.T) {
			q, ok := parse(strings.Fields(c.line))
			if ok != c.ok {
				t.Fatalf("%+v, %v", q, ok)
			}
			if ok && (q.verb != c.verb || q.device != "eth0" || q.Parent != c.parent || q.Handle != c.handle || q.Kind != c.kind ||
				strings.Join(q.args, " ") != c.rest) {
				t.Errorf("%+v", q)
			}
		})
	}
}

// kernel is a tc whose kernel says that.
func kernel(t *testing.T, complaint string, code string) command {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tc")
	script := "#!/bin/sh\necho listing\necho '" + complaint + "' >&2\nexit " + code + "\n"
	if err := os.WriteFile(path, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return command{real: path, folder: t.TempDir(), self: []string{"/bin/false"}}
}

func TestExec(t *testing.T) {
	const unknown = "Error: Specified qdisc kind is unknown."
	for _, c := range []struct {
		says, complaint, code, line string
		want                        int
		said                        string
	}{
		{"the kernel has it", "", "0", "qdisc add dev eth0 root handle 1: netem delay 1ms", 0, ""},
		{"the kernel refuses for another reason", "Error: Exclusivity flag on, cannot modify.", "2", "qdisc add dev eth0 root netem delay 1ms", 2, "Exclusivity"},
		{"nothing to remove, in the words that chaos-daemon knows", "Error: Cannot delete qdisc with handle of zero.", "2", "qdisc del dev eth0 root", 2, "Cannot delete qdisc with handle of zero."},
		{"a discipline that is not emulated", unknown, "2", "qdisc add dev eth0 root handle 1: codel", 2, unknown},
		{"duplicates", unknown, "2", "qdisc add dev eth0 root handle 1: netem duplicate 10", 2, "emulates delay, jitter and loss only"},
		{"a rate within netem", unknown, "2", "qdisc add dev eth0 root handle 1: netem delay 1ms rate 1mbit", 2, "netem rate: the kernel has no netem"},
		{"a change", unknown, "2", "qdisc change dev eth0 root handle 1: netem delay 1ms", 2, "qdisc change: the kernel has no netem"},
		{"a device that there is not", unknown, "2", "qdisc add dev nothing0 root handle 1: netem delay 1ms", 2, "look up device nothing0"},
		{"a prio alone holds nothing", unknown, "2", "qdisc add dev nothing0 root handle 1: prio bands 4", 0, ""},
		{"a listing", "", "0", "qdisc show", 0, ""},
	} {
		t.Run(c.says, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			code := kernel(t, c.complaint, c.code).exec(t.Context(), strings.Fields(c.line), &stdout, &stderr)
			if code != c.want || !strings.Contains(stderr.String(), c.said) {
				t.Errorf("exit code %d, said %q, want %d and %q", code, &stderr, c.want, c.said)
			}
		})
	}
}

// TestBelowWhatIsEmulated does what chaos-daemon does for a target. The kernel, if it were asked, would say of what hangs
// below an emulated discipline that there is no such thing.
func TestBelowWhatIsEmulated(t *testing.T) {
	c := kernel(t, "Error: Specified qdisc kind is unknown.", "2")
	elsewhere := kernel(t, "Error: Failed to find specified qdisc.", "2")
	elsewhere.folder = c.folder
	for _, step := range []struct {
		says string
		c    command
		line string
		want int
		said string
	}{
		{"the first one the kernel is asked for", c, "qdisc add dev nothing0 root handle 1: prio bands 4", 0, ""},
		{"those below it not", elsewhere, "qdisc add dev nothing0 parent 1:1 handle 2: sfq", 0, ""},
		{"below what is not emulated it is", elsewhere, "qdisc add dev nothing0 parent 7:1 handle 8: sfq", 2, "Failed to find specified qdisc"},
		{"a rate below it is refused", elsewhere, "qdisc add dev nothing0 parent 1:4 handle 5: tbf rate 1mbps burst 1000", 2, "tbf: the kernel has no netem"},
		{"a netem finds no device", elsewhere, "qdisc add dev nothing0 parent 1:4 handle 5: netem delay 1ms", 2, "look up device nothing0"},
	} {
		var stderr bytes.Buffer
		code := step.c.exec(t.Context(), strings.Fields(step.line), &stderr, &stderr)
		if code != step.want || !strings.Contains(stderr.String(), step.said) || step.want == 0 && stderr.Len() > 0 {
			t.Errorf("%s: exit code %d, said %q", step.says, code, &stderr)
		}
	}
}

func TestTheRealTcIsMissed(t *testing.T) {
	var stderr bytes.Buffer
	c := command{real: filepath.Join(t.TempDir(), "tc"), folder: t.TempDir()}
	if code := c.exec(t.Context(), []string{"qdisc"}, &stderr, &stderr); code != 1 || !strings.Contains(stderr.String(), "run the real tc") {
		t.Errorf("exit code %d, said %q", code, &stderr)
	}
}

func TestWhatIsNotedIsRemoved(t *testing.T) {
	c := kernel(t, "Error: Specified qdisc kind is unknown.", "2")
	for _, line := range []string{"qdisc add dev nothing0 root handle 1: prio bands 4", "qdisc add dev nothing0 parent 1:1 handle 2: sfq", "qdisc del dev nothing0 root"} {
		var stderr bytes.Buffer
		if code := c.exec(t.Context(), strings.Fields(line), &stderr, &stderr); code != 0 {
			t.Errorf("%s: exit code %d, said %q", line, code, &stderr)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(c.folder, "*.json")); len(left) != 0 {
		t.Errorf("left %v", left)
	}
}
