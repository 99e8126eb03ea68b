package gamedays

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/aftershockhq/aftershock/internal/disk"
	"github.com/aftershockhq/aftershock/runs/audit"
)

// File is the name of a day's log in the directory of its records.
const File = "gameday.ndjson"

// Format and Version identify a log, in its first entry.
const (
	Format  = "aftershock/gameday"
	Version = 1
)

// The events of a day.
const (
	Begun    = "begun"
	Running  = "run"      // an experiment begins
	Outcome  = "outcome"  // an experiment was judged
	Asked    = "asked"    // a pause, or the question whether to go on
	Answered = "answered" // a person answered
	Noted    = "note"     // a person took a note
	Told     = "told"     // a channel got a message, or did not
	Ended    = "ended"
)

// The answers of a person.
const (
	GoOn = "go on"
	Stop = "stop"
)

// An Entry records one thing that happened on a day.
type Entry struct {
	N int `json:"n"`
	// Time is when the entry was written. From and To bound when the thing happened that a
	// note is about.
	Time  time.Time `json:"time"`
	Event string    `json:"event"`
	Who   string    `json:"who,omitempty"` // "ann@laptop"
	Step  int       `json:"step,omitempty"`
	Text  string    `json:"text,omitempty"`
	// Question is the number of the entry that an answer refers to.
	Question int        `json:"question,omitempty"`
	From     *time.Time `json:"from,omitempty"`
	To       *time.Time `json:"to,omitempty"`

	// Of an experiment: its ID, the name of its record, and its verdict.
	Experiment string `json:"experiment,omitempty"`
	Record     string `json:"record,omitempty"`
	Verdict    string `json:"verdict,omitempty"`
	// LeftBehind says that a fault of the experiment may still be in place.
	LeftBehind bool `json:"leftBehind,omitempty"`
	// Of a delivery: the channel's name, and why it failed.
	Channel string `json:"channel,omitempty"`
	Error   string `json:"error,omitempty"`
	// NotRun, in the last entry, lists the IDs of the experiments that were never begun.
	NotRun []string `json:"notRun,omitempty"`

	// Of the first entry.
	Format  string `json:"format,omitempty"`
	Version int    `json:"version,omitempty"`
	Plan    *Plan  `json:"plan,omitempty"`

	// Previous is the SHA-256 of the previous line, in hexadecimal.
	Previous string `json:"previous"`
}

// A Plan is the plan of a day as its log keeps it.
type Plan struct {
	Name     string     `json:"name"`
	Why      string     `json:"why"`
	Owner    string     `json:"owner"`
	Timezone string     `json:"timezone,omitempty"`
	File     string     `json:"file"`
	SHA256   string     `json:"sha256"`          // of the configuration
	Sweep    string     `json:"sweep,omitempty"` // the command that removes what was left behind
	Steps    []PlanStep `json:"steps"`
}

// A PlanStep is a step of a [Plan].
type PlanStep struct {
	Pause       string   `json:"pause,omitempty"`
	Run         string   `json:"run,omitempty"`
	Expect      string   `json:"expect,omitempty"`
	Experiments []string `json:"experiments,omitempty"`
}

// A Log is a file of JSON Lines with what happened on a day. Each entry holds the hash of
// the previous line, and the chain of records in the parent directory holds that of the
// last line; see [audit.Chain.Extend]. Several processes may append to it at once: the run,
// and people who take notes.
type Log struct {
	Path string
	Who  string // the author of what is appended, as in "ann@laptop"
}

// chain is that of the log and the records beside it.
func (l Log) chain() audit.Chain { return audit.Chain{Dir: filepath.Dir(filepath.Dir(l.Path))} }

// Append adds an entry and returns its number. Its time, author and hash are filled in.
func (l Log) Append(e Entry) (n int, err error) {
	if _, err := os.Lstat(l.Path); errors.Is(err, fs.ErrNotExist) {
		if err := l.create(); err != nil {
			return 0, err
		}
	}
	err = disk.Append(l.Path, "write down", func(before []byte) ([]byte, error) {
		lines := bytes.Split(bytes.TrimSuffix(before, []byte("\n")), []byte("\n"))
		if len(before) > 0 {
			e.N, e.Previous = len(lines), audit.Hash(lines[len(lines)-1])
		}
		e.Who, e.Time = l.Who, time.Now().UTC().Truncate(time.Millisecond)
		text, err := json.Marshal(e)
		if err != nil {
			return nil, fmt.Errorf("write down: %w", err)
		}
		return append(text, '\n'), nil
	})
	if err != nil {
		return 0, err
	}
	_, err = l.chain().Extend(l.Path)
	return e.N, err
}

// Head returns the hash of the last line of the chain that the log belongs to.
func (l Log) Head() (string, error) { return l.chain().Head() }

// create makes an empty log that is chained: one that is not was put there.
func (l Log) create() error {
	file, err := os.OpenFile(l.Path, os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return fmt.Errorf("write down: %w", err)
	}
	_, err = l.chain().Extend(l.Path)
	return errors.Join(err, file.Close())
}

// Read returns all entries that can be read. Damage says which lines were changed, removed
// or cut. Without the chain of records, as with a copy of the log alone, it cannot show
// that lines are missing at the end.
func (l Log) Read() (entries []Entry, damage []string, err error) {
	cut, err := l.chain().Cut(l.Path)
	if err != nil && !errors.Is(err, audit.ErrNoChain) {
		return nil, nil, err
	}
	entries, damage, err = l.read()
	if cut != "" {
		damage = append(damage, cut)
	}
	return entries, damage, err
}

func (l Log) read() (entries []Entry, damage []string, err error) {
	text, err := os.ReadFile(l.Path)
	if err != nil {
		return nil, nil, err
	}
	previous := ""
	for i, line := range bytes.Split(bytes.TrimSuffix(text, []byte("\n")), []byte("\n")) {
		var e Entry
		d := json.NewDecoder(bytes.NewReader(line))
		d.DisallowUnknownFields()
		switch err := d.Decode(&e); {
		case err != nil:
			damage = append(damage, fmt.Sprintf("line %d is not an event of a game day: %s", i+1, err))
		case e.Previous != previous || e.N != i:
			damage = append(damage, fmt.Sprintf("line %d does not follow the line before, which was changed or removed", i+1))
			entries = append(entries, e)
		default:
			entries = append(entries, e)
		}
		previous = audit.Hash(line)
	}
	switch {
	case len(entries) == 0 || entries[0].Format != Format || entries[0].Plan == nil:
		return nil, damage, fmt.Errorf("%s is not the log of a game day", l.Path)
	case entries[0].Version != Version:
		return nil, damage, fmt.Errorf("%s has version %d; this program reads %d", l.Path, entries[0].Version, Version)
	}
	return entries, damage, nil
}

// Find returns the log in the directory of a day, or that of the newest day in a directory
// of runs.
func Find(dir string) (Log, error) {
	if _, err := os.Stat(filepath.Join(dir, File)); err == nil {
		return Log{Path: filepath.Join(dir, File)}, nil
	}
	// Their names are times.
	days, err := filepath.Glob(filepath.Join(dir, "*", File))
	if err == nil && len(days) > 0 {
		return Log{Path: days[len(days)-1]}, nil
	}
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return Log{}, fmt.Errorf("no game day: there is no directory %s; name that of a day, or of the runs", dir)
	}
	return Log{}, fmt.Errorf("no game day in %s; \"aftershock gameday run\" makes one", dir)
}
