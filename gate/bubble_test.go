package gate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aftershockhq/aftershock/runs"
)

// A bubble has a gate in the time of a test, without a network.
type bubble struct {
	*testing.T
	*Server
	handler http.Handler
	end     func()
}

// begin starts a gate, after it has called each of first.
func begin(t *testing.T, s *Server, first ...func()) bubble {
	t.Helper()
	s.Token, s.Namespaces = token, []string{"shop"}
	if err := s.open(); err != nil {
		t.Fatal(err)
	}
	for _, do := range first {
		do()
	}
	ctx, cancel := context.WithCancel(t.Context())
	var working sync.WaitGroup
	working.Go(func() { s.work(ctx) })
	end := sync.OnceFunc(func() {
		cancel()
		working.Wait()
		if err := s.journal.close(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(end)
	return bubble{t, s, s.handler(), end}
}

func (b bubble) do(method, path, body string) (int, string) {
	b.Helper()
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(b.Context(), method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+token)
	b.handler.ServeHTTP(w, r)
	text, err := io.ReadAll(w.Body)
	if err != nil {
		b.Fatal(err)
	}
	return w.Code, strings.TrimSpace(string(text))
}

// promotion is what Flagger is told of a build.
func (b bubble) promotion(build string) string {
	b.Helper()
	synctest.Wait()
	_, text := b.do("POST", "/flagger/confirm-promotion", flagger(build))
	synctest.Wait()
	return text
}

// unreadable lets this process open no file until readable is called.
func unreadable(t *testing.T) (readable func()) {
	t.Helper()
	var was syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &was); err != nil {
		t.Fatal(err)
	}
	none := was
	none.Cur = 0
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &none); err != nil {
		t.Fatal(err)
	}
	readable = sync.OnceFunc(func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &was); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(readable)
	return readable
}

// The longer a build is refused, the less often the gate looks, and no look sends anything
// to the service or reads its pods.
func TestABuildThatIsRefusedIsLookedAtSeldom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var looks, reads, began int
		stopped := true
		b := begin(t, &Server{Dir: t.TempDir(), Runner: scripted{
			refused: func(Ask) error {
				if looks++; stopped {
					return fmt.Errorf("%w: stopped by ann", ErrNotNow)
				}
				return nil
			},
			revision: func(Ask) (string, error) { reads++; return revision, nil },
			run:      func(context.Context, Ask) error { began++; return nil },
		}})
		b.promotion("checkout:1")
		if text := b.promotion("checkout:1"); text != "waiting: not now: stopped by ann" {
			t.Error(text)
		}
		time.Sleep(time.Hour)
		if synctest.Wait(); looks < 20 || looks > 35 || reads != 2 || began > 0 {
			t.Errorf("in an hour %d looks, %d reads of the revision beside those of two questions, %d runs", looks, reads-2, began)
		}
		// A build that is asked about meanwhile is looked at at once.
		b.promotion("cart:1")
		if text := b.promotion("cart:1"); text != "waiting: 1 before it: not now: stopped by ann" {
			t.Error(text)
		}
		stopped = false
		time.Sleep(2 * time.Minute)
		if synctest.Wait(); began != 2 {
			t.Errorf("%d runs after the stop, want 2", began)
		}
		b.end()
	})
}

// A build waits for a while for pods that are not ready, and for what is refused, and is
// tested once they can be read, whether its turn had come before or not.
func TestPodsThatCannotBeReadForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		terminating := errors.New("pod checkout-a of an earlier template is still terminating")
		forbidden := errors.New("deployments.apps is forbidden; give the account the right to get deployments")
		is, turn, looks, began := error(nil), error(nil), false, 0
		b := begin(t, &Server{Dir: t.TempDir(), Runner: scripted{
			refused: func(Ask) error { looks = true; return nil },
			revision: func(Ask) (string, error) {
				if looks {
					looks = false
					return revision, turn
				}
				return revision, is
			},
			run: func(context.Context, Ask) error { began++; return nil },
		}})
		const why = "what its pods run is not known: "
		is = terminating
		for range 15 {
			if text := b.promotion("checkout:1"); text != "waiting: "+why+terminating.Error() {
				t.Error(text)
			}
			time.Sleep(time.Minute)
		}
		is = forbidden // which is no reason to wait longer
		if text := b.promotion("checkout:1"); text != "unknown: it has waited for 15m0s: "+why+forbidden.Error() {
			t.Error(text)
		}
		// The time starts again if nobody asked for that long.
		time.Sleep(time.Hour)
		if text := b.promotion("checkout:1"); text != "waiting: "+why+forbidden.Error() {
			t.Error(text)
		}
		// Nothing of that was written down.
		is = nil
		b.promotion("checkout:1")
		if text := b.promotion("checkout:1"); began != 1 || !strings.HasPrefix(text, "unknown: no run completed a record") {
			t.Errorf("%d runs, %s", began, text)
		}
		// The same holds when a build's turn has come.
		for i, row := range []struct {
			turn error
			want string
		}{
			{terminating, "unknown: it has waited for 15m0s: " + why + terminating.Error()},
			{forbidden, "unknown: it has waited for 15m0s: " + why + forbidden.Error()},
			{fmt.Errorf("%w: away", ErrNotNow), "waiting: " + why + "not now: away"},
		} {
			b.do("DELETE", "/gates/shop/checkout/1", "")
			turn = row.turn
			b.promotion("checkout:1")
			for _, after := range []time.Duration{10 * time.Minute, 10 * time.Minute} {
				time.Sleep(after)
				synctest.Wait()
			}
			if _, text := b.do("POST", "/flagger/rollback", flagger("checkout:1")); text != row.want {
				t.Errorf("%s, want %s", text, row.want)
			}
			turn = nil
			b.promotion("checkout:1")
			time.Sleep(3 * time.Minute)
			if synctest.Wait(); began != 2+i {
				t.Errorf("after %q: %d runs, want one more", row.want, began)
			}
			if text := b.promotion("checkout:1"); began != 2+i || !strings.HasPrefix(text, "unknown: no run completed a record") {
				t.Errorf("%d runs, %s", began, text)
			}
		}
		b.end()
	})
}

// refusals are what a build is told at a question each minute while the gate is refused so
// to look, in turn, though its pods can be read.
func refusals(t *testing.T, minutes int, in ...error) (texts []string) {
	synctest.Test(t, func(t *testing.T) {
		looks := 0
		b := begin(t, &Server{Dir: t.TempDir(), Runner: scripted{
			refused: func(Ask) error { looks++; return in[(looks-1)%len(in)] },
			run:     func(context.Context, Ask) error { t.Error("it was begun"); return nil },
		}})
		for range minutes {
			b.promotion("checkout:1")
			texts = append(texts, b.promotion("checkout:1"))
			time.Sleep(time.Minute)
		}
		b.end()
	})
	return texts
}

// What keeps a build from being begun for good ends its wait, also if its pods can be read
// all the while, and if a stop is in the way of every other look. A stop alone does not.
func TestNoBuildWaitsForEver(t *testing.T) {
	forbidden, stopped := errors.New("leases is forbidden"), fmt.Errorf("%w: stopped by ann", ErrNotNow)
	const unknown = "unknown: it has waited for 15m0s: leases is forbidden"
	for sentence, test := range map[string]struct {
		in   []error
		ends int // the minute from which it is unknown, or before; 0: it waits
	}{
		"a right is refused":                      {[]error{forbidden}, 18},
		"and a stop is in the way of every other": {[]error{forbidden, stopped}, 36},
		"and of two looks in three":               {[]error{stopped, forbidden, stopped}, 60},
		"what cannot be tested":                   {[]error{fmt.Errorf("%w: the file has changed", ErrUntestable)}, 0},
		"a stop":                                  {[]error{stopped}, -1},
	} {
		for minute, text := range refusals(t, 90, test.in...) {
			switch {
			case errors.Is(test.in[0], ErrUntestable):
				if minute > 0 && text != "unknown: it cannot be tested: the file has changed" {
					t.Errorf("%s: after %d min %q", sentence, minute, text)
				}
			case test.ends < 0 || minute < 14:
				if !strings.HasPrefix(text, "waiting: ") {
					t.Errorf("%s: after %d min %q", sentence, minute, text)
				}
			case minute >= test.ends && text != unknown:
				t.Errorf("%s: after %d min %q", sentence, minute, text)
			}
		}
	}
}

// The time of a stop, and of another build's test, is not one that a build waited for pods
// that are not ready.
func TestTheTimeThatDoesNotCount(t *testing.T) {
	notReady, stopped := errors.New("its pods are not ready"), fmt.Errorf("%w: stopped by ann", ErrNotNow)
	for sentence, test := range map[string]struct {
		between func(refuse func(error), b bubble) // lasts for three hours
		says    string
	}{
		"a stop":               {func(refuse func(error), _ bubble) { refuse(stopped) }, "waiting: not now: stopped by ann"},
		"another build's test": {func(_ func(error), b bubble) { b.promotion("cart:2") }, "waiting: its pods are not ready"},
	} {
		synctest.Test(t, func(t *testing.T) {
			is := notReady
			b := begin(t, &Server{Dir: t.TempDir(), Runner: scripted{
				refused: func(build Ask) error {
					if build.Name == "cart" {
						return nil
					}
					return is
				},
				run: func(context.Context, Ask) error { time.Sleep(3 * time.Hour); return nil },
			}})
			says := func(after time.Duration, want string) {
				t.Helper()
				time.Sleep(after)
				if text := b.promotion("checkout:1"); text != want {
					t.Errorf("%s: %q, want %q", sentence, text, want)
				}
			}
			const waiting = "waiting: its pods are not ready"
			says(0, "waiting: it is next")
			says(8*time.Minute, waiting)
			test.between(func(err error) { is = err }, b)
			for range 5 {
				says(30*time.Minute, test.says)
			}
			time.Sleep(30 * time.Minute)
			is = notReady
			says(2*time.Minute, waiting)
			says(time.Minute, waiting)
			says(10*time.Minute, "unknown: it has waited for 15m0s: its pods are not ready")
			b.end()
		})
	}
}

// One line that could not be written is no journal that cannot be: it is looked at again,
// also if nothing else is to be written.
func TestAJournalThatCannotBeWrittenForAMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := begin(t, &Server{Dir: t.TempDir(), Runner: scripted{refused: func(Ask) error { return fmt.Errorf("%w: stopped by ann", ErrNotNow) }}})
		const stopped, mute = "waiting: not now: stopped by ann", "unknown: it has waited for 15m0s: write the gate's journal: "
		file := b.journal.file
		writable := func(is bool) {
			b.mu.Lock()
			defer b.mu.Unlock()
			if !is {
				b.journal.file = must(os.Open(file.Name()))
				return
			}
			if err := b.journal.file.Close(); err != nil {
				t.Fatal(err)
			}
			b.journal.file = file
		}
		says := func(want string) {
			t.Helper()
			if text := b.promotion("checkout:1"); !strings.HasPrefix(text, want) {
				t.Errorf("%q, want %q", text, want)
			}
		}
		b.promotion("checkout:1")
		says(stopped)
		writable(false)
		b.promotion("cart:1")
		writable(true)
		before := must(os.ReadFile(filepath.Join(b.Dir, File)))
		time.Sleep(20 * time.Minute)
		says(stopped)
		writable(false)
		b.promotion("cart:1")
		for range 15 {
			says(stopped)
			time.Sleep(time.Minute)
		}
		says(mute)
		writable(true)
		time.Sleep(time.Minute)
		says(stopped)
		if after := must(os.ReadFile(filepath.Join(b.Dir, File))); string(after) != string(before) {
			t.Errorf("the journal is another: %q", after)
		}
		b.end()
	})
}

// A right that is missing for a moment costs a build nothing.
func TestAMomentary403(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reads := 0
		b := begin(t, &Server{Dir: t.TempDir(), Runner: writer{
			records: map[string]string{"checkout/pods/kill-one": recordOf(revision, Held)},
			scripted: scripted{revision: func(Ask) (string, error) {
				if reads++; reads == 1 || reads == 3 {
					return "", errors.New("pods is forbidden")
				}
				return revision, nil
			}},
		}})
		if text := b.promotion("checkout:1"); text != "waiting: what its pods run is not known: pods is forbidden" {
			t.Error(text)
		}
		b.promotion("checkout:1")
		if _, text := b.do("POST", "/flagger/rollback", flagger("checkout:1")); text != "waiting: what its pods run is not known: pods is forbidden" {
			t.Error(text)
		}
		time.Sleep(time.Minute)
		if text := b.promotion("checkout:1"); !strings.HasPrefix(text, "held: ") {
			t.Error(text)
		}
		b.end()
	})
}

// nowhere is a runner whose records cannot be made: their names are too long.
type nowhere struct{ scripted }

func (nowhere) Run(_ context.Context, build Ask, begin func() (*runs.Directory, error)) error {
	directory, err := begin()
	if err != nil {
		return err
	}
	_, err = newRecord(directory, strings.Repeat("x", 300), "run", build.File)
	return fmt.Errorf("%w: %w", ErrNotBegun, err)
}

// Where nothing can be written, whatever the reason, a build waits for a while and is then
// unknown, with a sentence, and nothing is left in the directory.
func TestADirectoryThatCannotBeWrittenTo(t *testing.T) {
	held := writer{records: map[string]string{"checkout/pods/kill-one": recordOf(revision, Held)}}
	journal := func(b bubble) string { return filepath.Join(b.Dir, File) }
	for sentence, test := range map[string]struct {
		runner Runner
		hinder func(b bubble) error
		want   string
	}{
		"no record can be made": {nowhere{}, func(bubble) error { return nil }, "not begun: open "},
		"no directory can be made": {held, func(b bubble) error {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.Dir = journal(b) // which is none
			return nil
		}, "make a directory for records: "},
		"the journal is gone": {held, func(b bubble) error { return os.Remove(journal(b)) }, "stat "},
		"another journal is in its place": {held, func(b bubble) error {
			return errors.Join(os.Rename(journal(b), journal(b)+".old"), os.WriteFile(journal(b), nil, 0o644))
		}, ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			dir, may := t.TempDir(), make(chan bool)
			b := begin(t, &Server{Dir: dir, Runner: waitFor{test.runner, may}})
			b.promotion("checkout:1") // is written down, and then nothing can be
			if err := test.hinder(b); err != nil {
				t.Fatal(err)
			}
			close(may)
			for minute := range 21 {
				for _, build := range []string{"checkout:1", "cart:1"} {
					text := b.promotion(build)
					if waits := strings.HasPrefix(text, "waiting: "); minute == 1 && !waits || minute == 20 && !strings.HasPrefix(text, "unknown: it has waited for 15m0s: ") || minute == 1 && build == "checkout:1" && !strings.HasPrefix(text, "waiting: "+test.want) {
						t.Errorf("%s: %s after %d min: %q", sentence, build, minute, text)
					}
				}
				time.Sleep(time.Minute)
			}
			entries, err := os.ReadDir(dir)
			for _, e := range entries {
				if e.IsDir() || err != nil {
					t.Errorf("%s: %s is left, %v", sentence, e.Name(), err)
				}
			}
			b.end()
		})
	}
}

// waitFor looks only once it may.
type waitFor struct {
	Runner
	may chan bool
}

func (w waitFor) Look(ctx context.Context, build Ask) (string, error) {
	<-w.may
	return w.Runner.Look(ctx, build)
}

// One request reads the pods' revision once.
func TestAQuestionReadsTheRevisionOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reads := 0
		b := begin(t, &Server{Dir: t.TempDir(), Runner: writer{
			records:  map[string]string{"checkout/pods/kill-one": recordOf(revision, Held)},
			scripted: scripted{revision: func(Ask) (string, error) { reads++; return revision, nil }},
		}})
		b.promotion("checkout:1")
		if reads != 2 {
			t.Errorf("%d reads, want one of the question, and one when its turn came", reads)
		}
		for path, want := range map[string]string{"/flagger/confirm-promotion": "held: ", "/argo": `"held":true`, "/flagger/rollback": "held: "} {
			reads = 0
			body := strings.Replace(flagger("checkout:1"), `"metadata"`, `"experiments":"checkout/pods/kill-one","metadata"`, 1)
			if _, text := b.do("POST", path, body); !strings.Contains(text, want) || reads != 1 {
				t.Errorf("%s: %q after %d reads", path, text, reads)
			}
		}
		b.end()
	})
}

// An unreadable disk at the end of a run does not decide a build.
func TestADiskThatCannotBeReadForAWhile(t *testing.T) {
	const one = "checkout/pods/kill-one"
	for sentence, test := range map[string]struct {
		verdict State
		killed  bool // the gate, after the run
		of      time.Duration
		want    string
	}{
		"what was held":                       {Held, false, time.Minute, "held: " + one},
		"what was broken":                     {Broken, false, time.Minute, "broken: " + one},
		"what was broken, by a killed gate":   {Broken, true, time.Minute, "broken: " + one},
		"for ever":                            {Broken, false, time.Hour, "unknown: for 15m0s what its test showed could not be read: "},
		"for ever, what a killed gate tested": {Held, true, time.Hour, "unknown: for 15m0s what its test showed could not be read: "},
	} {
		synctest.Test(t, func(t *testing.T) {
			began, a, dir := 0, of("checkout:1"), t.TempDir()
			readable := func() {}
			runner := writer{records: map[string]string{one: recordOf(revision, test.verdict)}}
			runner.refused = func(Ask) error { began++; return nil }
			runner.sweep = func(context.Context, string) error { return nil }
			var b bubble
			if test.killed {
				j := must(openJournal(dir, &book{}))
				asked := time.Now().UTC()
				err := runner.Run(t.Context(), a, func() (*runs.Directory, error) {
					directory, err := runs.NewDirectory(dir)
					return directory, errors.Join(err, j.append(
						Event{Time: asked, Event: Asked, Key: a.Key(), Ask: &a},
						Event{Time: asked, Event: Begun, Key: a.Key(), Directory: filepath.Base(directory.Path)}))
				})
				if err := errors.Join(err, j.close()); err != nil {
					t.Fatal(err)
				}
				b = begin(t, &Server{Dir: dir, Runner: runner}, func() { readable = unreadable(t) })
			} else {
				b = begin(t, &Server{Dir: dir, Runner: after{runner, func() { readable = unreadable(t) }}})
				b.promotion("checkout:1")
			}
			time.Sleep(test.of)
			synctest.Wait()
			_, text := b.do("POST", "/flagger/rollback", flagger("checkout:1"))
			if wanted := "running: decide: "; test.of < time.Hour && (!strings.HasPrefix(text, wanted) || !strings.HasSuffix(text, syscall.EMFILE.Error())) {
				t.Errorf("%s: meanwhile %q, want %q", sentence, text, wanted)
			}
			readable()
			time.Sleep(time.Minute)
			synctest.Wait()
			if _, text := b.do("POST", "/flagger/rollback", flagger("checkout:1")); !strings.HasPrefix(text, test.want) {
				t.Errorf("%s: %q, want %q", sentence, text, test.want)
			}
			if want := map[bool]int{false: 1, true: 0}[test.killed]; began != want {
				t.Errorf("%s: %d tests, want %d", sentence, began, want)
			}
			b.end()
		})
	}
}

// after does something after each run.
type after struct {
	writer
	do func()
}

func (r after) Run(ctx context.Context, build Ask, begin func() (*runs.Directory, error)) error {
	err := r.writer.Run(ctx, build, begin)
	r.do()
	return err
}
