package reports

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/recovery"
)

// A Directory keeps what comes of a run of experiments: the record of each,
// and the reports of all.
type Directory struct {
	Path       string
	Results    []experiments.Result
	Recoveries Recoveries
}

// NewDirectory makes a directory for a run: parent/<time in UTC>. The ones of
// earlier runs are never written into.
func NewDirectory(parent string) (*Directory, error) {
	path := filepath.Join(parent, time.Now().UTC().Format("20060102T150405.000Z"))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("make a directory for records: %w", err)
	}
	if err := os.Mkdir(path, 0o755); err != nil {
		return nil, fmt.Errorf("make a directory for records: %w", err)
	}
	return &Directory{Path: path}, nil
}

var notInNames = regexp.MustCompile(`[^a-z0-9]+`)

// RecordPath is where the record of an experiment is.
func (d *Directory) RecordPath(experiment string) string {
	name := strings.Trim(notInNames.ReplaceAllString(strings.ToLower(experiment), "-"), "-")
	return filepath.Join(d.Path, name+".jsonl")
}

// Run runs an experiment, keeps its record, and judges it. Taps see the
// entries as they are recorded. The error is the harness's; the record and its
// result are kept in any case, the result is in Results too.
func (d *Directory) Run(ctx context.Context, e experiments.Experiment, taps ...func(experiments.Entry)) (experiments.Result, error) {
	if err := e.Validate(); err != nil {
		return experiments.Result{}, err
	}
	path := d.RecordPath(e.Name)
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o644)
	if err != nil {
		return experiments.Result{}, fmt.Errorf("create record: %w", err)
	}
	rec := experiments.NewRecorder(file)
	for _, tap := range taps {
		rec.Tap(tap)
	}
	runErr := e.Run(ctx, rec)
	_, seekErr := file.Seek(0, io.SeekStart)
	entries := experiments.Read(file)
	result, judgeErr := experiments.Judge(entries, nil)
	if judgeErr != nil {
		judgeErr = fmt.Errorf("judge %s: %w", path, judgeErr)
	} else {
		d.Results = append(d.Results, result)
		waterfalls, err := recovery.Read(entries, result.Checks)
		if err != nil {
			judgeErr = fmt.Errorf("recoveries in %s: %w", path, err)
		}
		if len(waterfalls) > 0 {
			if d.Recoveries == nil {
				d.Recoveries = Recoveries{}
			}
			d.Recoveries[result.Run] = waterfalls
		}
	}
	return result, errors.Join(runErr, seekErr, judgeErr, file.Close())
}

// The reports that WriteReports writes beside the records.
const (
	JUnitFile = "junit.xml"
	JSONFile  = "results.json"
	TextFile  = "report.txt"
)

// WriteReports writes the reports of all results.
func (d *Directory) WriteReports() error {
	return errors.Join(
		WriteFile(filepath.Join(d.Path, JUnitFile), func(w io.Writer) error { return d.Recoveries.JUnit(w, d.Results...) }),
		WriteFile(filepath.Join(d.Path, JSONFile), func(w io.Writer) error { return d.Recoveries.JSON(w, d.Results...) }),
		WriteFile(filepath.Join(d.Path, TextFile), func(w io.Writer) error { return d.Recoveries.Texts(w, d.Results...) }),
	)
}

// WriteFile writes a file whole or not at all.
func WriteFile(path string, write func(io.Writer) error) (err error) {
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(file.Name())
			err = fmt.Errorf("write %s: %w", path, err)
		}
	}()
	if err := errors.Join(write(file), file.Chmod(0o644), file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}
