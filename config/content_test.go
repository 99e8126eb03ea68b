//go:build unix

package config

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A pipe has no end, and nothing may ever be written into it. Reading a file of the
// configuration must not wait for it; the load refuses it later.
func TestABodyThatIsAPipeIsNotWaitedFor(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "body")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := Parse("aftershock.yaml", []byte(strings.Replace(complete, "rate: 100/s}", "rate: 100/s, bodyFile: "+pipe+"}", 1)))
		done <- err
	}()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the file is still being read")
	}
}
