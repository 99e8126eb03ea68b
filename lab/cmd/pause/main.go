// Pause keeps a pid namespace alive: it is the init of a pod's sandbox, and of the lab and its nodes.
//
// Without arguments it sleeps and reaps what is orphaned to it. With arguments it also starts that command, and ends when
// the command ends: as the first process of a pid namespace that ends everything in it.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	orphans := make(chan os.Signal, 1)
	signal.Notify(orphans, syscall.SIGCHLD)

	child := 0
	if len(os.Args) > 1 {
		pid, err := syscall.ForkExec(os.Args[1], os.Args[1:], &syscall.ProcAttr{
			Env: os.Environ(), Files: []uintptr{0, 1, 2}, Sys: &syscall.SysProcAttr{Setsid: true},
		})
		if err != nil {
			fmt.Fprintf(os.Stderr, "pause: start %s: %v\n", os.Args[1], err)
			os.Exit(1)
		}
		child = pid
	}
	for {
		for {
			var status syscall.WaitStatus
			pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
			if pid <= 0 || err != nil {
				break
			}
			if pid == child {
				os.Exit(status.ExitStatus() & 0xff)
			}
		}
		select {
		case <-stop:
			os.Exit(0)
		case <-orphans:
		}
	}
}
