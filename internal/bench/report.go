package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"time"
)

// A report is one line that a service process writes to the bench about its
// latest action. A written line is in the pipe, and survives the kill -9 of its
// writer.
type report struct {
	// At is the process's wall clock once it was done, in nanoseconds since
	// 1970. Both ends are on one machine, so it is the reader's clock too.
	At        int64      `json:"at"`
	Listening *listening `json:"listening,omitempty"`
	Seen      *request   `json:"seen,omitempty"`
}

// listening says that connections to Address are accepted from some instant
// between Before and the report's At.
type listening struct {
	Address string `json:"address"`
	Before  int64  `json:"before"`
}

// request is a request of a vegeta attack, by the headers that vegeta sets.
type request struct {
	Attack string `json:"attack,omitempty"`
	Seq    uint64 `json:"seq"`
}

// A reporter writes reports, one write each, and is safe for concurrent use.
type reporter struct {
	mu sync.Mutex
	w  io.Writer
}

func (r *reporter) report(line report) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	line.At = time.Now().UnixNano()
	text, err := json.Marshal(line)
	if err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	if _, err := r.w.Write(append(text, '\n')); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// instant converts a wall clock stamp of another process on this machine to
// this process's monotonic clock. The stamp was made before now; only a step of
// the wall clock in the microseconds between the two could falsify it.
func instant(stamp int64, now time.Time) time.Time {
	return now.Add(-max(0, time.Duration(now.UnixNano()-stamp)))
}
