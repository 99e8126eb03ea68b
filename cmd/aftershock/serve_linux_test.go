package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// pseudoTerminal opens a new one.
func pseudoTerminal(t *testing.T) (keyboard, screen *os.File) {
	t.Helper()
	keyboard, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { _ = keyboard.Close() })
	number, err := unix.IoctlGetInt(int(keyboard.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(int(keyboard.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	screen, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = screen.Close() })
	return keyboard, screen
}

func TestServedCommandsHaveTheTerminal(t *testing.T) {
	for _, row := range []struct {
		sentence string
		command  string
		keys     map[string]string // after a line
		want     []string          // lines, in this order
	}{
		{"a command reads it, and after it the shell", `echo up; read x; echo got $x`, map[string]string{"up": "one\ntwo\n"}, []string{"got one", "0 then two"}},
		{"^C is for the command, once", `trap "echo undone; exit 5" INT; echo up; read x`, map[string]string{"up": "\x03", "undone": "two\n"}, []string{"undone", "5 then two"}},
		{"^Z does not stop the command alone", `echo up; read x; echo got $x`, map[string]string{"up": "\x1aone\ntwo\n"}, []string{"got one", "0 then two"}},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			keyboard, screen := pseudoTerminal(t)
			shell := exec.Command("sh", "-c", os.Args[0]+` demo --serve -- sh -c '`+row.command+`'; code=$?; read y; echo $code then $y`)
			shell.Env = append(os.Environ(), mainVariable+"=1")
			shell.Stdin, shell.Stdout, shell.Stderr = screen, screen, screen
			shell.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
			if err := shell.Start(); err != nil {
				t.Fatal(err)
			}
			late := time.AfterFunc(30*time.Second, func() { _ = syscall.Kill(-shell.Process.Pid, syscall.SIGKILL) })
			defer late.Stop()
			_ = screen.Close() // so that the end of the last process is that of the lines
			var shown strings.Builder
			want := row.want
			for lines := bufio.NewScanner(keyboard); lines.Scan(); {
				line := strings.TrimPrefix(lines.Text(), "^C")
				fmt.Fprintln(&shown, line)
				fmt.Fprint(keyboard, row.keys[line])
				if len(want) > 0 && line == want[0] {
					want = want[1:]
				}
			}
			if err := shell.Wait(); err != nil || len(want) > 0 || strings.Count(shown.String(), "undone") > 1 {
				t.Errorf("%v, not shown: %q in\n%s", err, want, &shown)
			}
		})
	}
}
