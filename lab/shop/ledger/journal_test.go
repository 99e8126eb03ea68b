package main

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// replayed is what a process that starts now finds in the folder.
func replayed(t *testing.T, folder string) map[string]string {
	t.Helper()
	s, err := openStore(t.Context(), folder)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.journal.close(); err != nil {
		t.Fatal(err)
	}
	return s.entries
}

func TestTheJournalHoldsWhatWasAcknowledged(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "made", "when missing")
	s, err := openStore(t.Context(), folder)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"a": "2", "": "", "any\nbytes\xff \"": "of\x00 a value\n"}
	for _, e := range []entry{{"a", "1"}, {"any\nbytes\xff \"", "of\x00 a value\n"}, {"a", "2"}, {"", ""}} {
		if err := s.put(e.key, e.value); err != nil {
			t.Fatal(err)
		}
	}
	if !maps.Equal(s.entries, want) {
		t.Errorf("in memory: %q, want %q", s.entries, want)
	}
	if err := s.journal.close(); err != nil { // as the kernel does for a process that is killed
		t.Fatal(err)
	}
	if got := replayed(t, folder); !maps.Equal(got, want) {
		t.Errorf("replayed: %q, want %q", got, want)
	}
}

func TestReplay(t *testing.T) {
	for _, c := range []struct {
		says, journal string
		keys          int
		err           string
	}{
		{"an empty journal", "", 0, ""},
		{"whole lines", "\"a\" \"1\"\n\"b\" \"2\"\n", 2, ""},
		{"a last line that was not finished is dropped", "\"a\" \"1\"\n\"b\" \"2\"", 1, ""},
		{"nothing but such a line", "\"a", 0, ""},
		{"a damaged line is an error, not a loss", "\"a\" \"1\"\n\"b\" 2\n\"c\" \"3\"\n", 0, `line 2: no value in "\"b\" 2\n"`},
		{"a line that is no entry", "a\n", 0, `line 1: no key in "a\n"`},
	} {
		t.Run(c.says, func(t *testing.T) {
			folder := t.TempDir()
			if err := os.WriteFile(filepath.Join(folder, "journal"), []byte(c.journal), 0o644); err != nil {
				t.Fatal(err)
			}
			s, err := openStore(t.Context(), folder)
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Errorf("%v, want %s", err, c.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if s.len() != c.keys {
				t.Errorf("%d entries, want %d", s.len(), c.keys)
			}
			// The next entry begins a line of its own.
			if err := errors.Join(s.put("z", "26"), s.journal.close()); err != nil {
				t.Fatal(err)
			}
			if got := replayed(t, folder); len(got) != c.keys+1 || got["z"] != "26" {
				t.Errorf("after one more entry: %q", got)
			}
		})
	}
}

func TestAWriteThatFailsIsNotAcknowledged(t *testing.T) {
	s, err := openStore(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.journal.close(); err != nil {
		t.Fatal(err)
	}
	if err := s.put("a", "1"); err == nil || !strings.Contains(err.Error(), "append to the journal") {
		t.Errorf("%v", err)
	}
	if _, there := s.get("a"); there {
		t.Error("an entry that was not written is there")
	}
}

func TestAReplacementWaitsForTheProcessBefore(t *testing.T) {
	folder := t.TempDir()
	before, err := openStore(t.Context(), folder)
	if err != nil {
		t.Fatal(err)
	}
	hurry, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := openStore(hurry, folder); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("opened twice: %v", err)
	}
	type outcome struct {
		store *store
		err   error
	}
	opened := make(chan outcome, 1)
	go func() {
		s, err := openStore(t.Context(), folder)
		opened <- outcome{s, err}
	}()
	// What the process before acknowledges at last, its replacement has.
	if err := errors.Join(before.put("last", "words"), before.journal.close()); err != nil {
		t.Fatal(err)
	}
	o := <-opened
	if o.err != nil {
		t.Fatal(o.err)
	}
	if value, there := o.store.get("last"); !there || value != "words" {
		t.Errorf("%q, %v", value, there)
	}
	_ = o.store.journal.close()
}

func FuzzLine(f *testing.F) {
	f.Add("key", "value")
	f.Add("\"", "\n\xff")
	f.Fuzz(func(t *testing.T, key, value string) {
		line := string(entry{key, value}.line())
		if strings.Count(line, "\n") != 1 {
			t.Fatalf("%q is not one line", line)
		}
		if e, err := parse(line); err != nil || e != (entry{key, value}) {
			t.Fatalf("%q, %v", e, err)
		}
	})
}
