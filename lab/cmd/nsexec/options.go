package main

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// options is what the command line says.
type options struct {
	net, pid, mount, ipc string // files of namespaces; "" is the present one
	command              []string
}

var errUsage = errors.New("wrong usage, it is nsexec [-l] [-n FILE] [-p FILE] [-m FILE] [-i FILE] -- COMMAND ARGUMENT")

func parse(args []string) (options, error) {
	var o options
	local := false
	files := map[string]*string{"-n": &o.net, "-p": &o.pid, "-m": &o.mount, "-i": &o.ipc}
	for len(args) > 0 && args[0] != "--" {
		if args[0] == "-l" {
			local, args = true, args[1:]
			continue
		}
		file := files[args[0]]
		if file == nil {
			return o, fmt.Errorf("%w: unknown argument %q", errUsage, args[0])
		}
		if len(args) < 2 || args[1] == "" || args[1] == "--" {
			return o, fmt.Errorf("%w: %s names no file", errUsage, args[0])
		}
		*file, args = args[1], args[2:]
	}
	if len(args) < 2 {
		return o, fmt.Errorf("%w: no command", errUsage)
	}
	o.command = args[1:]
	if local && o.mount != "" {
		return o, errors.New("-l with -m would run a command of this mount namespace in the other: only IOChaos needs that, and the lab does not have it")
	}
	return o, nil
}

// arguments are those that parse makes o of, but for the namespace of process ids.
func (o options) arguments() []string {
	var args []string
	for _, a := range []struct{ flag, file string }{{"-n", o.net}, {"-m", o.mount}, {"-i", o.ipc}} {
		if a.file != "" {
			args = append(args, a.flag, a.file)
		}
	}
	return append(append(args, "--"), o.command...)
}

// join takes the calling thread into all namespaces but that of process ids.
func (o options) join() error {
	var kinds []int
	var names []string
	for _, n := range []struct {
		file string
		kind int
	}{{o.ipc, unix.CLONE_NEWIPC}, {o.net, unix.CLONE_NEWNET}, {o.mount, unix.CLONE_NEWNS}} {
		if n.file != "" {
			kinds, names = append(kinds, n.kind), append(names, n.file)
		}
	}
	// All are opened before any is joined: their names are names in this mount namespace.
	var files []int
	for _, name := range names {
		fd, err := unix.Open(name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return fmt.Errorf("open namespace %s: %w", name, err)
		}
		defer func() { _ = unix.Close(fd) }()
		files = append(files, fd)
	}
	for i, fd := range files {
		if kinds[i] == unix.CLONE_NEWNS {
			// Threads share a root and a working directory, and one that does cannot go elsewhere.
			if err := unix.Unshare(unix.CLONE_FS); err != nil {
				return fmt.Errorf("leave the other threads' root: %w", err)
			}
		}
		if err := unix.Setns(fd, kinds[i]); err != nil {
			return fmt.Errorf("join namespace %s: %w", names[i], err)
		}
	}
	return nil
}
