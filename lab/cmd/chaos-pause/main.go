// Chaos-pause waits for SIGCONT and then becomes another command:
//
//	pause COMMAND ARGUMENT...
//
// Chaos-daemon starts stress through it, by the fixed path /usr/local/bin/pause: it moves the waiting process into the target's
// cgroups, and then sends SIGCONT until the process is no longer called "pause". So nothing is stressed before it is
// accounted to the target. The name that counts is that of the file it is started as.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "pause:", err)
		os.Exit(125)
	}
}

// run returns only when it could not become the command.
func run(command []string) error {
	if len(command) == 0 {
		return errors.New("no command to become: pause COMMAND ARGUMENT")
	}
	resume := make(chan os.Signal, 1)
	signal.Notify(resume, syscall.SIGCONT)
	path, err := exec.LookPath(command[0])
	if err != nil {
		return fmt.Errorf("find the command: %w", err)
	}
	<-resume
	return fmt.Errorf("run %s: %w", path, syscall.Exec(path, command, os.Environ()))
}
