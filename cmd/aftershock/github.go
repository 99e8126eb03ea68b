package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/aftershockhq/aftershock/reports"
)

// summarySize is the largest summary of a step that GitHub takes.
const summarySize = 1 << 20

// tellGitHub adds reports to the summary of the step, and annotates the lines of the
// configuration, in a workflow of GitHub's. It is no reason to lose a verdict that
// this fails.
func tellGitHub(stdout, stderr io.Writer, list []reports.Report) {
	var err error
	if os.Getenv("GITHUB_ACTIONS") == "true" {
		err = reports.Annotations(stdout, list...)
	}
	if path := os.Getenv("GITHUB_STEP_SUMMARY"); path != "" {
		err = errors.Join(err, summarize(path, list))
	}
	if err != nil {
		fmt.Fprintf(stderr, "aftershock: no summary for GitHub: %v\n", err)
	}
}

// summarize adds to the summary what fits.
func summarize(path string, list []reports.Report) error {
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	info, err := file.Stat()
	if err == nil {
		err = reports.MarkdownWithin(file, summarySize-int(info.Size()), list...)
	}
	return errors.Join(err, file.Close())
}
