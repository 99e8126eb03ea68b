//go:build unix

package load_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"syscall"
	"testing"

	"github.com/aftershockhq/aftershock/experiments/load"
	"github.com/aftershockhq/aftershock/record"
)

// File handles are the process's, so the experiment runs in one of its own.
func TestWithoutFileHandlesNothingIsKnownOfTheService(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(named))
	defer server.Close()
	record, err := as(t.Context(), "few files", server.URL).Output()
	if err != nil {
		t.Fatal(err)
	}
	lacks(t, judged(t, record), "too many open files")
}

// fewFiles is the role of a process that runs an experiment during which it
// may open no more files, and records it on standard output.
func fewFiles(args []string) error {
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &before); err != nil {
		return err
	}
	fault := shortage{
		begin: func() error {
			few := before
			few.Cur = 3 // standard input, output and error
			return syscall.Setrlimit(syscall.RLIMIT_NOFILE, &few)
		},
		end: func() error { return syscall.Setrlimit(syscall.RLIMIT_NOFILE, &before) },
	}
	return shortExperiment(load.HTTP{Shape: load.Constant(100), URL: args[0]}, "errors <= 0.1%", fault).
		Run(context.Background(), record.NewRecorder(os.Stdout))
}
