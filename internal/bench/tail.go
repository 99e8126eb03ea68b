package bench

import (
	"strings"
	"sync"
)

// A tail keeps the end of what is written to it. The zero value is empty.
type tail struct {
	mu   sync.Mutex
	last []byte
}

// tailSize is enough for the head of a panic's trace and its cause.
const tailSize = 4096

func (t *tail) Write(text []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = append(t.last, text...)
	t.last = t.last[max(0, len(t.last)-tailSize):]
	return len(text), nil
}

func (t *tail) note(line string) { _, _ = t.Write([]byte(line + "\n")) }

// text is what was kept, as the end of an error's text.
func (t *tail) text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if text := strings.TrimSpace(string(t.last)); text != "" {
		return ": " + text
	}
	return ""
}
