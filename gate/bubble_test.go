package gate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
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

// A build waits for pods that are not ready, for a limited time, and not at all for what
// it can never read.
func TestPodsThatAreNotReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		terminating := fmt.Errorf("%w: pod checkout-a of an earlier template is still terminating", ErrNotReady)
		is, turn, began := error(nil), error(nil), 0
		b := begin(t, &Server{Dir: t.TempDir(), Runner: scripted{
			refused:  func(Ask) error { is = turn; return nil }, // which is asked when its turn has come
			revision: func(Ask) (string, error) { return revision, is },
			run:      func(context.Context, Ask) error { began++; return nil },
		}})
		const why = "what its pods run is not known: not now, its pods are not ready: pod checkout-a of an earlier template is still terminating"
		is = terminating
		for range 15 {
			if text := b.promotion("checkout:1"); text != "waiting: "+why {
				t.Error(text)
			}
			time.Sleep(time.Minute)
		}
		if text := b.promotion("checkout:1"); text != "unknown: it has waited for 15m0s: "+why {
			t.Error(text)
		}
		// The time starts again if nobody asked for that long.
		time.Sleep(time.Hour)
		if text := b.promotion("checkout:1"); text != "waiting: "+why {
			t.Error(text)
		}
		is = errors.New("deployments.apps is forbidden; give the account the right to get deployments")
		if text := b.promotion("checkout:1"); text != "unknown: what its pods run is not known: "+is.Error() {
			t.Error(text)
		}
		// Nothing of that was written down.
		is = nil
		b.promotion("checkout:1")
		if text := b.promotion("checkout:1"); began != 1 || !strings.HasPrefix(text, "unknown: no run completed a record") {
			t.Errorf("%d runs, %s", began, text)
		}
		// The same holds when a build's turn has come.
		for _, row := range []struct {
			atTurn error
			want   string
		}{
			{terminating, "unknown: it has waited for 15m0s: " + why},
			{errors.New("pods is forbidden"), "unknown: what its pods run is not known: pods is forbidden"},
			{fmt.Errorf("%w: away", ErrNotNow), "waiting: what its pods run is not known: not now: away"},
		} {
			b.do("DELETE", "/gates/shop/checkout/1", "")
			is, turn = nil, row.atTurn
			b.promotion("checkout:1")
			time.Sleep(20 * time.Minute)
			synctest.Wait()
			if _, text := b.do("POST", "/flagger/rollback", flagger("checkout:1")); text != row.want {
				t.Errorf("%s, want %s", text, row.want)
			}
		}
		if began != 1 {
			t.Errorf("%d runs", began)
		}
		b.end()
	})
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
				j := must(openJournal(dir, &Book{}))
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
