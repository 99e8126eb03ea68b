package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

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
		err = reports.Annotations(stdout, inWorkspace(os.Getenv("GITHUB_WORKSPACE")), list...)
	}
	if path := os.Getenv("GITHUB_STEP_SUMMARY"); path != "" {
		err = errors.Join(err, summarize(path, list))
	}
	if err != nil {
		fmt.Fprintf(stderr, "aftershock: no summary for GitHub: %v\n", err)
	}
}

// inWorkspace maps the path of a file, as it was typed, to that in the repository, which
// GitHub takes. One that is not in the workspace stays as it is.
func inWorkspace(workspace string) func(string) string {
	real := func(path string) string {
		if found, err := filepath.EvalSymlinks(path); err == nil {
			return found
		}
		return path
	}
	return func(file string) string {
		path, err := filepath.Abs(file)
		if err != nil || workspace == "" {
			return file
		}
		in, err := filepath.Rel(real(workspace), filepath.Join(real(filepath.Dir(path)), filepath.Base(path)))
		if err != nil || !filepath.IsLocal(in) {
			return file
		}
		return filepath.ToSlash(in)
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
