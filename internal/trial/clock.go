package trial

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// AheadVariable has the seconds that the wall clock is ahead in a program that was
// built by BuildWithClock.
const AheadVariable = "AFTERSHOCK_CLOCK_AHEAD"

// aheadSource is a file of package time.
const aheadSource = `package time

import "syscall"

// ahead is how many seconds the wall clock is ahead of the machine's.
var ahead = func() int64 {
	text, _ := syscall.Getenv("` + AheadVariable + `")
	n, _ := atoi(text)
	return int64(n)
}()
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
	changed := strings.Replace(string(text), "func Now() Time {\n\t"+reading, "func Now() Time {\n\t"+reading+"\tsec += ahead\n", 1)
	if changed == string(text) {
		return "", fmt.Errorf("%s: time.Now is not what it was", source)
	}
	var replaced []string
	for name, text := range map[string]string{"time.go": changed, "ahead.go": aheadSource} {
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
