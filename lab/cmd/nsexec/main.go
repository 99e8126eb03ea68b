// Nsexec runs a command in namespaces of another process, for chaos-daemon, which starts it by the fixed path
// /usr/local/bin/nsexec and by these arguments:
//
//	nsexec [-l] [-n FILE] [-p FILE] [-m FILE] [-i FILE] -- COMMAND ARGUMENT...
//
// Each FILE is a namespace, as /proc/42/ns/net: -n network, -p process ids, -m mounts, -i interprocess communication. The
// command is looked up where -m leads. It gets nsexec's standard input and outputs, and nsexec ends as it does: with its exit
// code, or 128 and the number of the signal that ended it.
//
// Without -p the command takes the place of nsexec. With -p it cannot, since only children enter a namespace of process ids:
// then SIGTERM and SIGINT are passed on as SIGTERM, and the command dies with nsexec however that ends, so that no stress
// outlives the daemon that answers for it.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
)

// failed is the exit code for what nsexec itself could not do; a command that is not found has 127, as in a shell.
const failed = 125

func main() {
	// Namespaces are a thread's: all of this happens on the first one, which also lives as long as the process, and the death
	// of the thread that started it is what a child is told of.
	runtime.LockOSThread()
	code, err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "nsexec:", err)
	}
	os.Exit(code)
}

// run returns only when the command has not taken the place of this process.
func run(args []string) (code int, err error) {
	if len(args) > 0 && args[0] == insideArg {
		return inside(args[1:])
	}
	o, err := parse(args)
	if err != nil {
		return failed, err
	}
	if o.pid == "" {
		return become(o)
	}
	return supervise(o)
}

// become joins the namespaces and becomes the command.
func become(o options) (int, error) {
	if err := o.join(); err != nil {
		return failed, err
	}
	path, err := exec.LookPath(o.command[0])
	if err != nil {
		return notFound(err), fmt.Errorf("find the command: %w", err)
	}
	return failed, fmt.Errorf("run %s: %w", path, syscall.Exec(path, o.command, os.Environ()))
}

func notFound(err error) int {
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, os.ErrNotExist) {
		return 127
	}
	return 126
}
