package trial

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// A Clock is how many seconds the wall clock is ahead of the machine's in a program
// that [BuildWithClock] built, for as long as it runs: the first byte of a file.
type Clock string

// Set sets it. It does not truncate the file, which is mapped.
func (c Clock) Set(seconds int8) error {
	file, err := os.OpenFile(string(c), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write([]byte{byte(seconds)})
	return errors.Join(err, file.Close())
}

// Variable is for the program's environment.
func (c Clock) Variable() string { return clockVariable + "=" + string(c) }

const clockVariable = "AFTERSHOCK_CLOCK"

// clockSource is a file of package time. It maps the file, so that to read the clock
// takes no system call. Without a file that can be mapped, a program whose clock is to
// be another has the machine's, and its trial would prove nothing: it panics.
const clockSource = `package time

import "syscall"

var clock = func() []byte {
	path, set := syscall.Getenv("` + clockVariable + `")
	if !set {
		return []byte{0}
	}
	file, err := syscall.Open(path, syscall.O_RDONLY, 0)
	if err != nil {
		panic("` + clockVariable + `: open " + path + ": " + err.Error())
	}
	defer syscall.Close(file)
	mapped, err := syscall.Mmap(file, 0, 1, syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		panic("` + clockVariable + `: map " + path + ": " + err.Error())
	}
	return mapped
}()

// ahead is how many seconds the wall clock is ahead of the machine's.
func ahead() int64 {
	if len(clock) == 0 {
		return 0 // it is not yet mapped
	}
	return int64(int8(clock[0]))
}
`

// BuildWithClock builds the harness with a wall clock that need not be the machine's.
// The monotonic clock is. Every package is compiled anew the first time.
func BuildWithClock(ctx context.Context, out string) (path string, err error) {
	root, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return "", fmt.Errorf("go env: %w", err)
	}
	source := filepath.Join(strings.TrimSpace(string(root)), "src", "time")
	text, err := os.ReadFile(filepath.Join(source, "time.go"))
	if err != nil {
		return "", err
	}
	const reading = "sec, nsec, mono := runtimeNow()\n"
	changed := strings.Replace(string(text), "func Now() Time {\n\t"+reading, "func Now() Time {\n\t"+reading+"\tsec += ahead()\n", 1)
	if changed == string(text) {
		return "", fmt.Errorf("%s: time.Now is not what it was", source)
	}
	var replaced []string
	for name, text := range map[string]string{"time.go": changed, "ahead.go": clockSource} {
		file := filepath.Join(out, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			return "", err
		}
		replaced = append(replaced, fmt.Sprintf("%q: %q", filepath.Join(source, name), file))
	}
	overlay := filepath.Join(out, "overlay.json")
	if err := os.WriteFile(overlay, []byte(`{"Replace": {`+strings.Join(replaced, ", ")+"}}"), 0o600); err != nil {
		return "", err
	}
	path = filepath.Join(out, "aftershock")
	printed, err := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-overlay", overlay, "-o", path, "./cmd/aftershock").CombinedOutput()
	if err != nil {
		err = fmt.Errorf("build with another clock: %w: %s", err, printed)
	}
	return path, err
}
