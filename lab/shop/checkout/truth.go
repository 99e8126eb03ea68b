package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// truth is what the server itself saw, one line of JSON for each event, written before the event has any other effect:
//
//	{"time":1795444800000000000,"pod":"checkout-abc","event":"request","seq":17}
//
// Time is the wall clock in nanoseconds. Nothing is held back in this process, so that one that is killed has written all it
// saw. A request without a number has no "seq".
type truth struct {
	pod    string
	stdout io.Writer
	file   *os.File // nil: there is none
}

// requested is the event of a request.
const requested = "request"

// The other events, in the order of a life.
const (
	started     = "start"     // the process runs
	listening   = "listening" // it accepts connections
	terminating = "terminate" // it was asked to end
	closed      = "closed"    // it accepts connections no longer, and all requests are answered
	exiting     = "exit"      // its last word; a process that is killed says none
)

// openTruth writes to stdout or, if there is a folder, to a file there that outlives the container; stdout then has all but
// the requests, of which each line would cost the container's runtime as much as this process. A container that is
// started again in the same pod goes on in the same file.
func openTruth(folder, pod string, stdout io.Writer) (*truth, error) {
	t := &truth{pod: pod, stdout: stdout}
	if folder == "" {
		return t, nil
	}
	file, err := os.OpenFile(filepath.Join(folder, pod+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open the log of what it saw: %w", err)
	}
	t.file = file
	return t, nil
}

// Event writes down what happens now; seq is a number or "".
func (t *truth) Event(event, seq string) error {
	line := append(make([]byte, 0, 128), `{"time":`...)
	line = strconv.AppendInt(line, time.Now().UnixNano(), 10)
	line = append(line, `,"pod":`...)
	line = strconv.AppendQuote(line, t.pod)
	line = append(line, `,"event":"`...)
	line = append(line, event...)
	line = append(line, '"')
	if n, err := strconv.ParseUint(seq, 10, 64); err == nil {
		line = append(line, `,"seq":`...)
		line = strconv.AppendUint(line, n, 10)
	}
	line = append(line, '}', '\n')
	var failed []error
	write := func(out io.Writer) { // one write for each line: lines of two requests do not mix
		_, err := out.Write(line)
		failed = append(failed, err)
	}
	if t.file != nil {
		write(t.file)
	}
	if t.file == nil || event != requested {
		write(t.stdout)
	}
	return errors.Join(failed...)
}

// Close closes the file.
func (t *truth) Close() error {
	if t.file == nil {
		return nil
	}
	return t.file.Close()
}
