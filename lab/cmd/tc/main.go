// Tc is the lab's tc: the real one, and a stand-in for its netem where the kernel has none.
//
// Each command is given to the real tc first. Only if the kernel does not know the discipline does the stand-in emulate it, in
// user space, for packets that leave a device (see package netem): delay, jitter and loss, also of a class of packets. What
// it cannot emulate fails as it would without it, with the reason.
//
// Chaos-daemon finds it first in its PATH, and starts it in the network namespace of a pod.
package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strings"
	"syscall"

	"github.com/aftershockhq/aftershock/lab/internal/netem"
)

const (
	realTC = "/usr/sbin/tc"
	folder = "/run/tc" // of the node: notes of what is emulated
	// holdArg is the first argument of the process that holds packets.
	holdArg = "--hold-packets"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if len(os.Args) == 3 && os.Args[1] == holdArg {
		runtime.GOMAXPROCS(1) // one goroutine does the work, and threads that wake each other would cost more
		if err := netem.Serve(ctx, os.Args[2], os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, "tc:", err)
			os.Exit(1)
		}
		return
	}
	tc := command{real: realTC, folder: folder, self: []string{"/proc/self/exe", holdArg}}
	os.Exit(tc.exec(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// command is tc with what it stands on.
type command struct {
	real   string   // the real tc
	folder string   // of notes
	self   []string // how to start the process that holds packets
}

// exec runs one command line, and returns its exit code: 2 is the kernel's refusal, as the real one's.
func (c command) exec(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	q, parsed := parse(args)
	if parsed && q.Parent != "" {
		emulated, err := c.emulates(q)
		if err == nil && emulated { // the kernel cannot hang anything below what it does not know
			err = c.add(ctx, q)
		}
		if err != nil {
			return refuse(stderr, err)
		}
		if emulated {
			return 0
		}
	}
	var out, complaint bytes.Buffer
	cmd := exec.CommandContext(ctx, c.real, args...)
	cmd.Stdout, cmd.Stderr = &out, &complaint
	err := cmd.Run()
	if cmd.ProcessState == nil {
		fmt.Fprintf(stderr, "Error: run the real tc: %v.\n", err)
		return 1
	}
	code := cmd.ProcessState.ExitCode()
	err = nil // the code says it
	switch {
	case parsed && q.verb == "del" && q.Parent == "":
		var emulated bool
		if emulated, err = c.remove(ctx, q.device); err == nil && emulated {
			return 0 // that the kernel has nothing to remove is no complaint
		}
	case parsed && code != 0 && netem.Emulated(q.Kind) && strings.Contains(complaint.String(), "qdisc kind is unknown"):
		if err = c.add(ctx, q); err == nil {
			return 0
		}
	}
	_, _ = io.Copy(stdout, &out)
	_, _ = io.Copy(stderr, &complaint)
	if err != nil {
		return refuse(stderr, err)
	}
	return code
}

// refuse is how tc says that the kernel does not do it.
func refuse(stderr io.Writer, err error) int {
	fmt.Fprintf(stderr, "Error: %v.\n", err)
	return 2
}

// emulates says whether what a discipline is to hang below is emulated.
func (c command) emulates(q qdisc) (bool, error) {
	tree, err := netem.Device{Folder: c.folder, Name: q.device}.Tree()
	return tree.Has(q.Parent), err
}

// remove ends what is emulated on a device, and says whether anything was.
func (c command) remove(ctx context.Context, device string) (bool, error) {
	d := netem.Device{Folder: c.folder, Name: device, Command: c.self}
	tree, err := d.Tree()
	if err != nil || len(tree.Qdiscs) == 0 {
		return false, err
	}
	return true, d.Set(ctx, netem.Tree{})
}

func (c command) add(ctx context.Context, q qdisc) error {
	if q.verb != "add" {
		return fmt.Errorf("qdisc %s: %w", q.verb, netem.ErrNotEmulated)
	}
	if q.Kind == "netem" {
		var err error
		if q.Netem, err = netem.Parse(q.args); err != nil {
			return err
		}
	}
	d := netem.Device{Folder: c.folder, Name: q.device, Command: c.self}
	tree, err := d.Tree()
	if err != nil {
		return err
	}
	if tree, err = tree.Add(q.Qdisc); err != nil {
		return err
	}
	return d.Set(ctx, tree)
}

// qdisc is a command line about a queueing discipline.
type qdisc struct {
	netem.Qdisc
	verb, device string
	args         []string // of the kind
}

// parse reads "qdisc VERB dev DEVICE (root | parent HANDLE) [handle HANDLE] [KIND ARGUMENT...]".
func parse(args []string) (q qdisc, ok bool) {
	if len(args) < 2 || args[0] != "qdisc" {
		return q, false
	}
	q.verb = args[1]
	placed := false
	for args = args[2:]; len(args) > 0; {
		word := args[0]
		if word == "root" {
			placed, args = true, args[1:]
			continue
		}
		if word != "dev" && word != "parent" && word != "handle" {
			q.Kind, q.args = word, args[1:]
			break
		}
		if len(args) < 2 {
			return q, false
		}
		switch word {
		case "dev":
			q.device = args[1]
		case "parent":
			placed, q.Parent = true, args[1]
		case "handle":
			q.Handle = args[1]
		}
		args = args[2:]
	}
	return q, placed && q.device != ""
}
