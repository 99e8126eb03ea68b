package gate

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aftershockhq/aftershock/internal/disk"
	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/reports"
	"github.com/aftershockhq/aftershock/runs"
	"github.com/aftershockhq/aftershock/runs/audit"
	"github.com/aftershockhq/aftershock/steadystate"
)

// A decider decides again and again, and reads only records that are not as they were.
type decider struct {
	chain      audit.Verifier
	evaluators []judge.Evaluator
	judged     map[string]judged // by path
}

// judged is what a record says, and what its file was then.
type judged struct {
	os.FileInfo
	reports.Report
	error
}

// decide judges the records of a build. A record counts only if it is as it was chained,
// was begun after the build was asked about, is of a plan and of the file that were asked
// for, and if all pods in it ran the build's revision. One that counts and is broken breaks
// the build. Held needs that all count, and one of each plan that was completed, with every
// proof. Why is a sentence. Unread says why a record that is there could not be read, see
// [audit.Unread]: the build is unknown then, and may be decided later.
func (d *decider) decide(b entry) (state State, why string, unread error) {
	var lost error // what an earlier test showed
	for _, earlier := range b.Earlier {
		before := b
		before.Directory, before.File, before.Plans, before.Asked = earlier.Directory, earlier.File, earlier.Plans, time.Time{}
		before.Head = cmp.Or(earlier.Head, b.Head)
		state, why, unreadable := d.shown(before)
		if state == Broken {
			return Broken, why, nil
		}
		lost = worse(lost, unreadable)
	}
	state, why, unreadable := d.shown(b)
	if state == Broken {
		return Broken, why, nil
	}
	if state == Held && lost != nil {
		state, why = Unknown, fmt.Sprintf("an earlier test may have broken it: %s", lost)
	}
	if unreadable = worse(lost, unreadable); audit.Unread(unreadable) {
		unread = unreadable
	}
	return state, why, unread
}

// worse is the first of two errors that is one, or the second if that may pass.
func worse(a, b error) error {
	if a == nil || audit.Unread(b) && !audit.Unread(a) {
		return b
	}
	return a
}

// shown is what the records in the directory of a build show. Unreadable is why one of
// them cannot be judged.
func (d *decider) shown(b entry) (state State, why string, unreadable error) {
	paths, err := d.recordsOf(b)
	if err != nil {
		return Unknown, err.Error(), err
	}
	state, shown := Held, map[string]bool{}
	unknown := func(err error) {
		if state == Held {
			state, why = Unknown, err.Error()
		}
	}
	for _, path := range paths {
		r, err := d.judge(path)
		switch {
		case err == nil:
			err = ofBuild(r, b)
		case !errors.Is(err, judge.ErrNoPlan) && !errors.Is(err, record.ErrEmpty): // which have nothing to be judged
			unreadable = worse(unreadable, err)
		}
		switch {
		case err != nil:
			unknown(fmt.Errorf("%s: %w", path, err))
		case r.Verdict == steadystate.Broken:
			return Broken, r.Experiment + ": " + r.Reason, nil
		case shown[r.Experiment]:
			unknown(fmt.Errorf("%s: there are two records of it", path))
		default:
			if err := believed(r); err != nil {
				unknown(fmt.Errorf("%s: %w", r.Experiment, err))
			}
			shown[r.Experiment] = !isControl(r)
		}
	}
	for _, id := range b.Experiments() {
		if !shown[id] {
			unknown(fmt.Errorf("there is no record of %s", id))
		}
	}
	if state == Held {
		why = strings.Join(b.Experiments(), ", ") + ": every limit was held, with proof"
	}
	return state, why, unreadable
}

// recordsOf are the paths of a build's records, which are as they were chained. Those of
// other builds are not looked at.
func (d *decider) recordsOf(b entry) ([]string, error) {
	if b.Directory == "" || !filepath.IsLocal(b.Directory) {
		return nil, errors.New("it has no directory of records")
	}
	if b.Head == "" {
		return nil, errors.New("no run completed a record")
	}
	switch v, err := d.chain.Verify(b.Head, b.Directory); {
	case err != nil:
		return nil, err
	case len(v.Findings) > 0:
		return nil, fmt.Errorf("the records in %s are not as they were written: %s", d.chain.Dir, v.Findings[0])
	}
	return recordsIn(filepath.Join(d.chain.Dir, b.Directory))
}

// recordsIn are the paths of the records in a directory, in their order.
func recordsIn(dir string) (paths []string, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("look for records: %w", err)
	}
	for _, e := range entries {
		if filepath.Ext(e.Name()) == ".jsonl" {
			paths = append(paths, filepath.Join(dir, e.Name()))
		}
	}
	return paths, nil
}

// ofBuild is why a record does not count for a build.
func ofBuild(r reports.Report, b entry) error {
	hash, asked := b.Plans[r.Experiment]
	switch {
	case r.Started.Before(b.Asked):
		return fmt.Errorf("%s was begun at %s, before the build was asked about at %s", r.Experiment, r.Started.UTC().Format("15:04:05Z"), b.Asked.UTC().Format("15:04:05Z"))
	case r.Environment["file.sha256"] != b.File:
		return fmt.Errorf("%s was run by another version of the file", r.Experiment)
	case !asked && !isControl(r):
		return fmt.Errorf("%s was not asked for", r.Experiment)
	case (hash == "" || r.Hash != hash) && !isControl(r):
		return fmt.Errorf("%s is of another plan, %q; %q was asked for", r.Experiment, r.Hash, hash)
	}
	return ran(r, b.Revision)
}

// ran is why a record does not show that all pods in it, those that were hit and the
// others, ran a revision: a checksum alone does not say which pods are the build's.
func ran(r reports.Report, revision string) error {
	if revision == "" {
		return errors.New("it is not known what the pods ran when the build was asked about")
	}
	pods := map[string]bool{} // by UID, and by name
	for _, e := range r.Events {
		name, ok := strings.CutPrefix(e.Subject, "pod/")
		if !ok || e.Kind != record.EventExists && e.Kind != record.EventCreated {
			continue
		}
		switch is := e.Attrs[record.AttrRevision]; is {
		case revision:
		case "":
			return fmt.Errorf("pod %s ran what has no label of a template, and the build is %s", name, revision)
		default:
			return otherPods{name, is, revision}
		}
		pods[e.UID], pods[name[strings.LastIndexByte(name, '/')+1:]] = true, true
	}
	if len(pods) == 0 {
		return errors.New("it does not show which pods ran")
	}
	for _, i := range r.Injections {
		for _, t := range i.Targets {
			// A surge hits the load, not a pod.
			if _, load := r.Traffic[t.Name]; !load && !pods[cmp.Or(t.UID, t.Name)] {
				return fmt.Errorf("%q hit %s, of which it does not show what it ran", i.Fault, t.Name)
			}
		}
	}
	return nil
}

// otherPods is that a pod in a record ran another template than the build's.
type otherPods struct{ pod, ran, build string }

func (e otherPods) Error() string {
	return fmt.Sprintf("pod %s ran %s, and the build is %s", e.pod, e.ran, e.build)
}

// replaced reports whether a record of a build shows pods of another template.
func (d *decider) replaced(b entry) bool {
	paths, err := d.recordsOf(b)
	return err == nil && slices.ContainsFunc(paths, func(path string) bool {
		r, err := d.judge(path)
		_, other := errors.AsType[otherPods](ran(r, b.Revision))
		return err == nil && other
	})
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

// remembered is how many records are.
const remembered = 200

// judge judges a record on disk, unless that was done.
func (d *decider) judge(path string) (reports.Report, error) {
	file, err := os.Open(path)
	if err != nil {
		return reports.Report{}, fmt.Errorf("judge: %w", err)
	}
	defer file.Close() //nolint:errcheck // only read
	is, err := file.Stat()
	if err != nil {
		return reports.Report{}, fmt.Errorf("judge: %w", err)
	}
	if known := d.judged[path]; disk.Unchanged(known.FileInfo, is) {
		return known.Report, known.error
	}
	r, err := runs.Judge(record.Read(file), nil, d.evaluators...)
	if err != nil {
		err = fmt.Errorf("judge %s: %w", path, err)
	}
	if audit.Unread(err) {
		return r, err
	}
	r.TimeSeries, r.Checks, r.Waterfalls = nil, nil, nil // which are large
	if d.judged == nil || len(d.judged) >= remembered {
		d.judged = map[string]judged{}
	}
	d.judged[path] = judged{is, r, err}
	return r, err
}
