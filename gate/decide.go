package gate

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/reports"
	"github.com/aftershockhq/aftershock/runs"
	"github.com/aftershockhq/aftershock/runs/audit"
	"github.com/aftershockhq/aftershock/steadystate"
)

// Decide judges the records of a build, of which dir is the gate's directory. Held
// and broken are said only of records that are as they were chained, that were begun
// after the build was asked about, by the file that was asked for, and whose plans are
// exactly those. Held needs one of each, completed and with every proof. Why is a
// sentence.
func Decide(dir string, b Build, evaluators ...judge.Evaluator) (state State, why string) {
	list, err := recordsOf(dir, b, evaluators...)
	if err != nil {
		return Unknown, err.Error()
	}
	for _, r := range list {
		if r.Verdict == steadystate.Broken {
			return Broken, r.Experiment + ": " + r.Reason
		}
	}
	for _, r := range list {
		if err := believed(r); err != nil {
			return Unknown, fmt.Sprintf("%s: %s", r.Experiment, err)
		}
	}
	for _, id := range b.Experiments() {
		if !slices.ContainsFunc(list, func(r reports.Report) bool { return r.Experiment == id && !isControl(r) }) {
			return Unknown, "there is no record of " + id
		}
	}
	return Held, strings.Join(b.Experiments(), ", ") + ": every limit was held, with proof"
}

// recordsOf are the reports of a build's records. Each is of that build.
func recordsOf(dir string, b Build, evaluators ...judge.Evaluator) (list []reports.Report, err error) {
	if b.Directory == "" || !filepath.IsLocal(b.Directory) {
		return nil, errors.New("it has no directory of records")
	}
	if b.Head == "" {
		return nil, errors.New("no run completed a record")
	}
	switch v, err := audit.Verify(dir, b.Head); {
	case err != nil:
		return nil, err
	case len(v.Findings) > 0:
		return nil, fmt.Errorf("the records in %s are not as they were written: %s", dir, v.Findings[0])
	}
	paths, err := filepath.Glob(filepath.Join(dir, b.Directory, "*.jsonl"))
	if err != nil {
		return nil, fmt.Errorf("look for records: %w", err)
	}
	seen := map[string]bool{}
	for _, path := range paths {
		r, err := judged(path, evaluators...)
		if err != nil {
			return nil, err
		}
		hash, asked := b.Plans[r.Experiment]
		switch {
		case r.Started.Before(b.Asked):
			err = fmt.Errorf("it was begun at %s, before the build was asked about at %s", r.Started.UTC().Format("15:04:05Z"), b.Asked.UTC().Format("15:04:05Z"))
		case r.Environment["file.sha256"] != b.File:
			err = errors.New("it was made by another version of the file")
		case isControl(r):
		case !asked:
			err = errors.New("nobody asked for this experiment")
		case hash == "" || r.Hash != hash:
			err = fmt.Errorf("it is of another plan, %q; %q was asked for", r.Hash, hash)
		case seen[r.Experiment]:
			err = errors.New("there are two records of it")
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", path, r.Experiment, err)
		}
		seen[r.Experiment] = seen[r.Experiment] || !isControl(r)
		list = append(list, r)
	}
	return list, nil
}

// believed is why a run that is not broken is not held, either.
func believed(r reports.Report) error {
	switch {
	case r.Verdict != steadystate.Held:
		return errors.New(r.Reason)
	case !r.Proven():
		return errors.New(r.Caveats[0])
	case r.End.Reason != record.Completed:
		return fmt.Errorf("the run was not completed, but %s", r.End.Reason)
	case len(r.LeftBehind) > 0:
		return fmt.Errorf("a fault may still be in place: %s", r.LeftBehind[0])
	case len(r.Injections) == 0 && !isControl(r):
		return errors.New("nothing was injected")
	}
	return nil
}

func isControl(r reports.Report) bool {
	return len(r.Injections) == 0 && slices.Contains(r.Labels, record.ControlLabel)
}

// judged judges a record on disk.
func judged(path string, evaluators ...judge.Evaluator) (reports.Report, error) {
	file, err := os.Open(path)
	if err != nil {
		return reports.Report{}, fmt.Errorf("judge: %w", err)
	}
	defer file.Close() //nolint:errcheck // only read
	r, err := runs.Judge(record.Read(file), nil, evaluators...)
	if err != nil {
		return r, fmt.Errorf("judge %s: %w", path, err)
	}
	return r, nil
}
