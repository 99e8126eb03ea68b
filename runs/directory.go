package runs

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/internal/disk"
	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/reports"
	"github.com/aftershockhq/aftershock/runs/audit"
)

// A Directory holds a run of experiments: the record of each, and the reports
// of all. NewDirectory makes one.
type Directory struct {
	// Path is the directory's, NewDirectory's parent included.
	Path string
	// Reports are those of the runs so far, in their order, and of WithoutRecord.
	Reports []reports.Report
	// JUnit is the dialect of JUnit XML, one of [reports.Dialects]. Default: the first.
	JUnit string
	// Head is the hash of the last line that the directory's runs added to the chain
	// of records, see [audit.Verify]; keep it elsewhere.
	Head string

	controls map[string]control // by suite
	turn     chan struct{}      // of the run that is under way
}

// A control is what a control run showed, and the load that it had.
type control struct {
	judge.Result
	load map[string][]record.Stage
}

// ErrUntouched is wrapped where an experiment was not begun, since its record could not
// be: by a full disk, for example.
var ErrUntouched = errors.New("nothing was touched")

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
	return &Directory{Path: path, turn: make(chan struct{}, 1)}, nil
}

var notInNames = regexp.MustCompile(`[^a-z0-9]+`)

// RecordPath is where the record of an experiment will be: names that differ only
// in what a file's name should not have are numbered.
func (d *Directory) RecordPath(experiment string) string {
	name := strings.Trim(notInNames.ReplaceAllString(strings.ToLower(experiment), "-"), "-")
	path := filepath.Join(d.Path, name+".jsonl")
	for n := 2; ; n++ {
		if _, err := os.Lstat(path); err != nil {
			return path
		}
		path = filepath.Join(d.Path, fmt.Sprintf("%s-%d.jsonl", name, n))
	}
}

// Run runs an experiment, keeps its record, and judges it with the experiment's
// own evaluators. What a control run shows is the baseline of the experiments of
// its suite, those with the same labels but for the last, that are run after it
// and are AgainstControl without a Baseline. Taps see the entries as they are
// recorded. The record is chained to those before it, see package audit; a run that
// cannot be does not begin; nor does one on a disk without room for the record's end,
// which is kept free until then: the error wraps [ErrUntouched]. The error is the harness's; the record and its report are kept in any
// case, the report is in Reports too.
func (d *Directory) Run(ctx context.Context, e experiments.Experiment, taps ...func(record.Entry)) (reports.Report, error) {
	if err := e.Validate(); err != nil {
		return reports.Report{}, err
	}
	if d == nil || d.turn == nil {
		return reports.Report{}, errors.New("no directory: runs.NewDirectory makes one")
	}
	select {
	case d.turn <- struct{}{}:
		defer func() { <-d.turn }()
	case <-ctx.Done():
		return reports.Report{}, fmt.Errorf("wait for the run before %q: %w", e.Name, context.Cause(ctx))
	}
	suite := suite(e)
	if control, ok := d.controls[suite]; ok && e.AgainstControl && e.Baseline == nil {
		e.Baseline = judge.NewBaseline(control.Result, e.Hypothesis.Checks)
		if !reflect.DeepEqual(control.load, stages(e)) {
			e.Baseline.Unknown = fmt.Sprintf("control run %s had another load; leave the load as that of the suite, or compare with the settled stretch", control.Run)
		}
	}
	path := d.RecordPath(e.Name)
	file, err := audit.Create(path)
	if err != nil {
		return reports.Report{}, fmt.Errorf("create record, %w: %w", ErrUntouched, err)
	}
	untouched := func(err error) (reports.Report, error) {
		return reports.Report{}, errors.Join(fmt.Errorf("%w: %w", ErrUntouched, err), file.Close(), os.Remove(path))
	}
	out, err := newReserve(file)
	if err != nil {
		return untouched(err)
	}
	rec := record.NewRecorder(out)
	chain := audit.Chain{Dir: filepath.Dir(d.Path)}
	if err := chain.Begin(file, rec.Run()); err != nil {
		return untouched(errors.Join(err, out.free()))
	}
	for _, tap := range taps {
		rec.Tap(tap)
	}
	runErr := errors.Join(e.Run(ctx, rec), out.free())
	head, chainErr := chain.Finish(file, rec.Run())
	d.Head = cmp.Or(head, d.Head)
	report, judgeErr := Judge(record.Read(file), nil, e.Evaluators...)
	if judgeErr != nil {
		judgeErr = fmt.Errorf("judge %s: %w", path, judgeErr)
	} else {
		report.Page = filepath.ToSlash(filepath.Join(d.Path, PageFile))
		d.Reports = append(d.Reports, report)
		if e.IsControl() {
			if d.controls == nil {
				d.controls = map[string]control{}
			}
			d.controls[suite] = control{report.Result, stages(e)}
		}
	}
	return report, errors.Join(runErr, judgeErr, chainErr, file.Close())
}

// WithoutRecord adds a report of each of these plans that was to be run and has no record,
// with the reason why. All that the plan asks for is unknown in it.
func (d *Directory) WithoutRecord(why record.End, evaluators []judge.Evaluator, plans ...*record.Plan) error {
	for _, plan := range plans {
		var text bytes.Buffer
		rec := record.NewRecorder(&text)
		if err := rec.Begin(plan); err != nil {
			return fmt.Errorf("report of %q: %w", plan.Name, err)
		}
		rec.Record(record.Entry{End: &why})
		rec.Flush()
		report, err := Judge(record.Read(&text), nil, evaluators...)
		if err = errors.Join(rec.Err(), err); err != nil {
			return fmt.Errorf("report of %q: %w", plan.Name, err)
		}
		report.Page = filepath.ToSlash(filepath.Join(d.Path, PageFile))
		d.Reports = append(d.Reports, report)
	}
	return nil
}

// stages are those of the experiment's load, if it has one.
func stages(e experiments.Experiment) map[string][]record.Stage {
	if e.Load == nil {
		return nil
	}
	return e.Load.Stages()
}

// suite is what an experiment and its control run share: all labels but the last,
// or those before that of a control run.
func suite(e experiments.Experiment) string {
	n := max(0, len(e.Labels)-1)
	if e.IsControl() {
		n = slices.Index(e.Labels, record.ControlLabel)
	}
	return strings.Join(e.Labels[:n], "/")
}

// PageFile and ResultsFile are the names of the page and of the results as JSON in a
// directory of runs.
const (
	PageFile    = "report.html"
	ResultsFile = "results.json"
)

// WriteReports writes all reports, in every format.
func (d *Directory) WriteReports() error {
	var errs []error
	for _, f := range reports.Formats() {
		errs = append(errs, disk.WriteFile(filepath.Join(d.Path, f.File), func(w io.Writer) error { return f.Dialect(d.JUnit).Write(w, d.Reports...) }))
	}
	return errors.Join(errs...)
}
