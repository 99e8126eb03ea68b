// The program page writes pages of runs of every end into a folder, each beside what
// the terminal says of the run. "make page" shows them to a browser.
//
//	go run ./internal/page DIR [END=RECORD...]
//
// A record takes the place of the run that is made for that end, as in
// broken=run/record.ndjson.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aftershockhq/aftershock/experiments/autoscaling"
	"github.com/aftershockhq/aftershock/internal/page/scenes"
	"github.com/aftershockhq/aftershock/internal/terminal"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/record/recordtest"
	"github.com/aftershockhq/aftershock/reports"
	"github.com/aftershockhq/aftershock/runs"
	"github.com/aftershockhq/aftershock/suites"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	if len(args) == 0 {
		return errors.New("usage: page DIR [END=RECORD...]")
	}
	records := map[string]string{}
	for _, pair := range args[1:] {
		end, file, _ := strings.Cut(pair, "=")
		if !slices.Contains(scenes.Names(), end) {
			return fmt.Errorf("%s: %q is not an end of a run", pair, end)
		}
		records[end] = file
	}
	var list []reports.Report
	for _, name := range scenes.Names() {
		r, err := runs.Judge(recordtest.All(scenes.Play(name)), nil, autoscaling.Evaluator{})
		if file := records[name]; file != "" {
			r, err = recorded(file)
		}
		if err != nil {
			return fmt.Errorf("judge %s: %w", name, err)
		}
		list = append(list, r)
		if err := write(args[0], name, r); err != nil {
			return err
		}
	}
	many := append([]reports.Report{}, list...)
	for i := range 20 {
		held := list[0]
		held.Experiment = fmt.Sprintf("warm/pods/held-%d", i+2)
		many = append(many, held)
	}
	if err := write(args[0], "many", many...); err != nil {
		return err
	}
	begun := time.Now()
	hour, err := judgedLong()
	if err != nil {
		return fmt.Errorf("judge an hour: %w", err)
	}
	fmt.Fprintf(out, "%d requests: played and judged in %s\n", hour.Traffic[record.TrafficSignal].Sent, time.Since(begun).Round(time.Second))
	return write(args[0], "long", hour)
}

// recorded is the report of a record.
func recorded(file string) (r reports.Report, err error) {
	f, err := os.Open(file)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return runs.Judge(record.Read(f), nil, suites.Evaluators()...)
}

// write writes the page, and what the terminal says, of reports.
func write(dir, name string, list ...reports.Report) error {
	var page, text bytes.Buffer
	err := reports.HTML(&page, list...)
	screen := terminal.Screen{Width: 100}
	if len(list) == 1 {
		err = errors.Join(err, screen.Report(&text, list[0], terminal.Place{Page: name + ".html"}))
	} else {
		err = errors.Join(err, screen.Summary(&text, reports.ExitCode(list...), list...))
	}
	return errors.Join(err, os.WriteFile(filepath.Join(dir, name+".html"), page.Bytes(), 0o644), os.WriteFile(filepath.Join(dir, name+".txt"), text.Bytes(), 0o644))
}
