package audit

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	pathpkg "path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/aftershockhq/aftershock/record"
)

// ErrNoChain is wrapped where a directory has no chain, so that nothing can be said
// of its records.
var ErrNoChain = errors.New("there is no chain of records")

// The kinds of what [Verify] finds.
const (
	Changed   = "changed"
	Missing   = "missing"
	Inserted  = "inserted"
	Reordered = "reordered"
	Truncated = "truncated"
)

// A Finding is something that a run does not do, even one that is killed.
type Finding struct {
	Kind   string
	What   string // the record's path, or "line 7" of the chain, counted from 1
	Detail string
}

// String is "changed: 2026/kill.jsonl: ...".
func (f Finding) String() string { return f.Kind + ": " + f.What + ": " + f.Detail }

// A Verification is what a chain and its records show.
type Verification struct {
	Findings []Finding
	// Notes are no tampering: records of runs that were killed or are under way.
	Notes   []string
	Lines   int
	Records int    // that are as they were chained
	Logs    int    // of which all that was chained is there
	Head    string // the hash of the last line
	Since   int    // lines after the head that was asked for

	unread error // why it is not known whether something is as it was chained
}

// Unread reports whether a file is there and could not be read: the disk fails, or the
// process has too many files open. It may be read later, and says nothing of what is
// in the file.
func Unread(err error) bool {
	at, ok := errors.AsType[*fs.PathError](err)
	if !ok {
		return false
	}
	for _, replaced := range []error{fs.ErrNotExist, syscall.ENOTDIR, syscall.EISDIR, syscall.ELOOP} {
		if errors.Is(at, replaced) {
			return false
		}
	}
	return true
}

// Verify compares a chain with itself and with the records. Head is the hash of its
// last line, as it was at some time; all up to that line must still be there. If it
// is empty, a chain that was cut at its end, together with the records there, or
// that was written anew as a whole, cannot be told from a true one. The error wraps
// [ErrNoChain], or says what could not be read, and is [Unread] then; what was read is
// verified all the same.
func Verify(dir, head string) (v Verification, err error) {
	return (&Verifier{Dir: dir}).Verify(head)
}

// A Verifier verifies a chain again and again. It reads a file anew only if its
// size, its time of change or the file itself is another than before.
type Verifier struct {
	Dir string

	digests map[string]digested // by path
}

// digested is the digest of a file, and what the file was then.
type digested struct {
	os.FileInfo
	Line
}

// Verify is as the function [Verify], of the whole chain and of the records in some
// directories below Dir; of all records if none is named.
func (of *Verifier) Verify(head string, directories ...string) (v Verification, err error) {
	dir := of.Dir
	file, err := os.Open(filepath.Join(dir, File))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if _, err := os.Stat(dir); err != nil {
			return v, fmt.Errorf("verify records: %w", err)
		}
		if head == "" {
			return v, fmt.Errorf("%w in %s: it is the file %s in the directory of the runs; records of earlier versions have none", ErrNoChain, dir, File)
		}
		v.found(Missing, File, "there was a chain, by its head")
		return v, nil
	case err != nil:
		return v, fmt.Errorf("verify records: %w", err)
	}
	defer file.Close() //nolint:errcheck // only read
	// A line is never half there, unless files cannot be locked here, as in a copy.
	_ = syscall.Flock(int(file.Fd()), syscall.LOCK_SH)
	text, err := io.ReadAll(file)
	if err != nil {
		return v, fmt.Errorf("verify records: %w", err)
	}
	lines, cut := parse(text)
	v.Lines = len(lines)
	if len(lines) == 0 {
		v.found(Truncated, File, "it is empty")
	} else {
		v.Head = lines[len(lines)-1].hash
		v.links(lines, cut)
	}
	if head != "" {
		i := slices.IndexFunc(lines, func(l chained) bool { return strings.EqualFold(l.hash, head) })
		if v.Since = len(lines) - 1 - i; i < 0 {
			v.Since = 0
			v.found(Truncated, File, "no line has the hash %s: the chain was cut before it, or written anew", head)
		}
	}
	err = v.compare(Chain{dir, of}, lines, func(path string) bool {
		return len(directories) == 0 || slices.Contains(directories, filepath.FromSlash(pathpkg.Dir(path)))
	})
	return v, cmp.Or(err, v.unread)
}

// cannot takes in why something could not be looked at. It is a finding unless it may
// pass.
func (v *Verification) cannot(path string, err error) {
	if !Unread(err) {
		v.found(Changed, path, "it cannot be read: %v", err)
		return
	}
	v.unread = cmp.Or(v.unread, fmt.Errorf("verify records: %w", err))
}

func (v *Verification) found(kind, what, format string, args ...any) {
	v.Findings = append(v.Findings, Finding{kind, what, fmt.Sprintf(format, args...)})
}

func (v *Verification) note(format string, args ...any) {
	v.Notes = append(v.Notes, fmt.Sprintf(format, args...))
}

func at(i int) string { return fmt.Sprintf("line %d", i+1) }

// links checks the numbers of the lines, and that each knows the one before it.
func (v *Verification) links(lines []chained, cut bool) {
	place := map[int]int{} // of lines, by number
	for i, l := range lines {
		first, there := place[l.N]
		switch {
		case cut && i == len(lines)-1:
			v.found(Truncated, at(i), "it is cut")
		case l.err != nil:
			v.found(Changed, at(i), "it is not a line of a chain: %v", l.err)
		case there:
			v.found(Inserted, at(i), "it has the number %d, as line %d has", l.N, first+1)
		default:
			place[l.N] = i
		}
	}
	if first := lines[0]; first.err == nil && first.N == 0 && (first.Event != Opened || first.Format != Format || first.Version != Version || first.Previous != "") {
		v.found(Changed, at(0), "it is not how a chain of version %d begins", Version)
	}
	numbers := slices.Sorted(maps.Keys(place))
	for i, n := range numbers {
		expected := 0
		if i > 0 {
			expected = numbers[i-1] + 1
		}
		if n == expected || n < 0 {
			continue
		}
		// A line that can no longer be read has no number.
		if readable := lines[max(0, place[n]-1)].err == nil || place[n] == 0; readable {
			v.found(Missing, at(place[n]), "it has the number %d; the lines before it have none of the numbers %d to %d", n, expected, n-1)
		}
	}
	for i := 1; i < len(numbers); i++ {
		if a, b := place[numbers[i-1]], place[numbers[i]]; a > b {
			v.found(Reordered, at(b), "it has the number %d, and comes before line %d, which has the number %d", numbers[i], a+1, numbers[i-1])
		}
	}
	// broken reports whether the line of a number does not know the one before it.
	broken := func(n int) bool {
		before, there := place[n-1]
		i, here := place[n]
		return there && here && lines[i].Previous != lines[before].hash
	}
	for _, n := range numbers {
		if !broken(n) || broken(n-1) && n > 1 {
			continue // the second of two is the change of the line between them
		}
		_, follows := place[n+1]
		switch {
		case broken(n + 1):
			v.found(Changed, at(place[n]), "the lines before and after it do not fit it")
		case follows:
			v.found(Changed, at(place[n-1]), "it is not what the line after it was chained to")
		default:
			v.found(Changed, at(place[n-1]), "it, or the last line, was changed: they do not fit")
		}
	}
}

// compare checks what the lines say of records against the files.
func (v *Verification) compare(c Chain, lines []chained, concerns func(path string) bool) error {
	begun, ended := map[string]int{}, map[string]int{} // lines by records
	logs := map[string][]Line{}
	for i, l := range lines {
		if l.err != nil || l.Event == Opened {
			continue
		}
		b, wasBegun := begun[l.Record]
		e, wasEnded := ended[l.Record]
		switch {
		case !filepath.IsLocal(filepath.FromSlash(l.Record)):
			v.found(Inserted, at(i), "it names %q, which is not below the directory", l.Record)
			continue
		case l.Event == Extended:
			logs[l.Record] = append(logs[l.Record], l.Line)
			continue
		case l.Event == Begun && (wasBegun || wasEnded):
			v.found(Inserted, at(i), "%s is begun again", l.Record)
		case l.Event == Begun:
			begun[l.Record] = i
			continue
		case l.Event != Found && l.Event != Finished && l.Event != Abandoned:
			v.found(Changed, at(i), "no line says %q of a record", l.Event)
			continue
		case wasEnded:
			v.found(Inserted, at(i), "%s was chained in line %d already", l.Record, e+1)
			continue
		case l.Event == Found && wasBegun:
			v.found(Inserted, at(i), "%s was begun in line %d, and not found", l.Record, b+1)
		case l.Event != Found && !wasBegun:
			v.found(Missing, at(i), "%s is %s, and no line before says that it was begun", l.Record, l.Event)
		case l.Event != Found && lines[b].Run != l.Run:
			v.found(Changed, at(i), "it names run %s, and line %d run %s", l.Run, b+1, lines[b].Run)
		}
		ended[l.Record] = i
	}
	of := map[string][]string{} // records by hash
	for path, i := range ended {
		of[lines[i].SHA256] = append(of[lines[i].SHA256], path)
	}
	found := 0
	for _, path := range slices.Sorted(maps.Keys(ended)) {
		if !concerns(path) {
			continue
		}
		line := lines[ended[path]]
		if line.Event == Found {
			found++
		}
		if v.unchanged(c, path, line.Line, of) && line.Event == Abandoned {
			v.note("unfinished: %s: its process was killed or lost its machine; it was chained as it was found, on %s", path, line.Time.Format("2006-01-02 15:04:05Z"))
		}
	}
	if found > 0 {
		v.note("%d records were there when the chain began; of what was before, it says nothing", found)
	}
	for _, path := range slices.Sorted(maps.Keys(begun)) {
		if _, done := ended[path]; !done && concerns(path) {
			v.unfinished(c, path, lines[begun[path]].Line)
		}
	}
	for _, path := range slices.Sorted(maps.Keys(logs)) {
		if concerns(path) {
			v.extended(c, path, logs[path])
		}
	}
	paths, err := c.records(concerns)
	for _, path := range paths {
		_, wasBegun := begun[path]
		_, wasEnded := ended[path]
		if wasBegun || wasEnded {
			continue
		}
		switch empty, err := bare(c.absolute(path)); {
		case Unread(err):
			v.cannot(path, err)
		case empty:
			v.note("empty: %s: its process was killed before the experiment began", path)
		default:
			v.found(Inserted, path, "no line of the chain names it: it was put there, or the chain's end was cut")
		}
	}
	return err
}

// extended compares a log with its lines.
func (v *Verification) extended(c Chain, path string, lines []Line) {
	if !v.present(c, path, lines[len(lines)-1]) {
		return
	}
	switch kind, why, more, err := c.grown(lines); {
	case err != nil:
		v.cannot(path, err)
	case kind != "":
		v.found(kind, path, "%s", why)
	default:
		v.Logs++
		if more > 0 {
			v.note("unfinished: %s: %d bytes follow what was chained: a process was killed as it appended them, or does so now", path, more)
		}
	}
}

// unchanged compares a record with its line.
func (v *Verification) unchanged(c Chain, path string, line Line, of map[string][]string) bool {
	if !v.present(c, path, line) {
		return false
	}
	now, err := c.digest(path)
	if err != nil {
		v.cannot(path, err)
		return false
	}
	if now.SHA256 == line.SHA256 && now.Size == line.Size {
		v.Records++
		return true
	}
	why, ended, _ := damage(c.absolute(path), line.Run)
	if others := slices.DeleteFunc(slices.Clone(of[now.SHA256]), func(p string) bool { return p == path }); len(others) > 0 {
		why = "it has the content of " + strings.Join(others, ", ")
	}
	kind, size := Changed, ""
	if now.Size < line.Size {
		size = fmt.Sprintf(", %d bytes of %d", now.Size, line.Size)
		if why == "" && !ended {
			kind = Truncated
		}
	} else if now.Size > line.Size {
		size = fmt.Sprintf(", %d bytes more than the %d", now.Size-line.Size, line.Size)
	}
	v.found(kind, path, "its SHA-256 is not the chained one%s; %s", size, cmp.Or(why, "its own checksums are right, so it was not damaged by chance"))
	return false
}

// unfinished looks at a record that no line has the content of.
func (v *Verification) unfinished(c Chain, path string, line Line) {
	if !v.present(c, path, line) {
		return
	}
	if under, err := underWay(c.absolute(path)); err == nil && under {
		v.note("under way: %s: its run %s writes it now", path, line.Run)
		return
	}
	switch why, _, err := damage(c.absolute(path), line.Run); {
	case Unread(err):
		v.cannot(path, err)
		return
	case why != "":
		v.found(Changed, path, "it is unfinished, and %s", why)
		return
	}
	v.note("unfinished: %s: its process was killed or lost its machine; the next run in this directory chains it as it is", path)
}

// present reports whether the record is a file.
func (v *Verification) present(c Chain, path string, line Line) bool {
	switch info, err := os.Lstat(c.absolute(path)); {
	case errors.Is(err, fs.ErrNotExist):
		v.found(Missing, path, "it was %s on %s", line.Event, line.Time.Format("2006-01-02 15:04:05Z"))
		return false
	case err != nil:
		v.cannot(path, err)
		return false
	case !info.Mode().IsRegular():
		v.found(Changed, path, "it is no longer a file of its own, but %s", info.Mode().Type())
		return false
	}
	return true
}

// damage says what is wrong with a record by its own checksums, and whose run it
// is; empty: nothing. One that is cut is not damaged, and has not ended. err is why it
// could not be read.
func damage(path, run string) (why string, ended bool, err error) {
	each(path, func(e record.Entry, is error) bool {
		ended = e.End != nil
		switch {
		case errors.Is(is, record.ErrCut):
		case is != nil:
			why, err = is.Error(), is
		case e.Header != nil && run != "" && e.Header.Run != run:
			why = fmt.Sprintf("it is of run %s in place of %s", e.Header.Run, run)
		}
		return why == ""
	})
	return why, ended, err
}

// bare reports whether a record has nothing that could be judged: its run was
// killed at its very beginning. err is why it could not be read.
func bare(path string) (is bool, err error) {
	planned := false
	each(path, func(e record.Entry, wrong error) bool {
		planned = e.Plan != nil || wrong != nil && !errors.Is(wrong, record.ErrCut)
		err = wrong
		return !planned
	})
	return !planned, err
}

// each calls f for the entries of a record until it returns false.
func each(path string, f func(record.Entry, error) bool) {
	file, err := os.Open(path)
	if err != nil {
		f(record.Entry{}, err)
		return
	}
	defer file.Close() //nolint:errcheck // only read
	if info, err := file.Stat(); err == nil && info.Size() == 0 {
		return
	}
	record.Read(file)(f)
}
