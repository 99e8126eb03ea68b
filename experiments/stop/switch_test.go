package stop

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/record"
)

var configMaps = schema.GroupResource{Resource: "configmaps"}

// failures are answers other than an object and that there is none.
var failures = map[string]error{
	"forbidden":         apierrors.NewForbidden(configMaps, Name, errors.New("no")),
	"unauthorized":      apierrors.NewUnauthorized("who?"),
	"time-out":          apierrors.NewServerTimeout(configMaps, "get", 1),
	"500":               apierrors.NewInternalError(errors.New("etcd")),
	"429":               apierrors.NewTooManyRequestsError("later"),
	"refused":           errors.New("dial tcp 10.0.0.1:443: connect: connection refused"),
	"a proxy's own 404": apierrors.NewGenericServerResponse(http.StatusNotFound, "get", configMaps, Name, "<html>", 0, true),
}

// getting makes each get end so.
func getting(err error) interceptor.Funcs {
	return interceptor.Funcs{Get: func(context.Context, client.WithWatch, client.ObjectKey, client.Object, ...client.GetOption) error {
		return err
	}}
}

// ending is the reason of an Ending, or the error.
func ending(err error) string {
	if e, ok := errors.AsType[experiments.Ending](err); ok {
		return e.Reason
	}
	return fmt.Sprint(err)
}

// newSwitch is that of the run "one" on checkout.
func newSwitch(c client.WithWatch) (*Switch, *record.Recorder) {
	return &Switch{Client: c, Namespace: home, Services: checkout}, record.NewRecorder(&bytes.Buffer{})
}

func TestWithoutAStopARunBeginsAndInjects(t *testing.T) {
	for sentence, objects := range map[string][]client.Object{
		"no ConfigMap":         nil,
		"one without an entry": {entries()},
		"another's stop":       {entries(`{"service":"payments","reason":"r"}`)},
	} {
		s, rec := newSwitch(cluster(interceptor.Funcs{}, objects...))
		if err := errors.Join(s.Begin(t.Context(), rec), s.Allow(t.Context(), time.Minute), s.End(t.Context())); err != nil {
			t.Errorf("%s: %v", sentence, err)
		}
	}
}

func TestWithAStopNothingBeginsAndNothingIsInjected(t *testing.T) {
	for _, entry := range []string{`{"all":true,"reason":"incident"}`, `{"service":"checkout","reason":"incident"}`, "incident"} {
		s, rec := newSwitch(cluster(interceptor.Funcs{}, entries(entry)))
		if err := s.Begin(t.Context(), rec); ending(err) != record.Refused || !strings.Contains(err.Error(), "incident") {
			t.Errorf("%s: begin: %v", entry, err)
		}
		if err := s.Allow(t.Context(), time.Minute); ending(err) != record.Stopped || !strings.Contains(err.Error(), "incident") {
			t.Errorf("%s: allow: %v", entry, err)
		}
	}
}

func TestAnythingButAnAnswerKeepsARunFromInjecting(t *testing.T) {
	for what, failure := range failures {
		s, rec := newSwitch(cluster(getting(failure)))
		if err := s.Begin(t.Context(), rec); ending(err) != record.Refused || !strings.Contains(err.Error(), failure.Error()) {
			t.Errorf("%s: begin: %v", what, err)
		}
		if err := s.Allow(t.Context(), time.Minute); ending(err) != record.Blind {
			t.Errorf("%s: allow: %v", what, err)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		s, rec := newSwitch(cluster(interceptor.Funcs{Get: func(ctx context.Context, _ client.WithWatch, _ client.ObjectKey, _ client.Object, _ ...client.GetOption) error {
			<-ctx.Done()
			return ctx.Err()
		}}))
		if err := s.Begin(t.Context(), rec); ending(err) != record.Refused {
			t.Errorf("no answer: begin: %v", err)
		}
		began := time.Now()
		if err := s.Allow(t.Context(), time.Minute); ending(err) != record.Blind || time.Since(began) > answer {
			t.Errorf("no answer: allow: %v after %s", err, time.Since(began))
		}
		interrupted, cancel := context.WithCancel(t.Context())
		cancel()
		if err := s.Allow(interrupted, time.Minute); !errors.Is(err, context.Canceled) {
			t.Errorf("interrupted: %v", err)
		}
	})
}

// watched is what the watch of a switch returned, and when.
func watched(t *testing.T, c client.WithWatch, longest time.Duration) (err error, after time.Duration, notes string) { //nolint:revive,staticcheck // the error is what is asked for
	t.Helper()
	s, rec := newSwitch(c)
	rec.Tap(func(e record.Entry) { notes += e.Note })
	s.rec = rec
	ctx, cancel := context.WithTimeout(t.Context(), longest)
	defer cancel()
	began := time.Now()
	err = s.Watch(ctx)
	return err, time.Since(began), notes
}

func TestAStopUnderWayEndsTheRun(t *testing.T) {
	broken := errors.New("broken")
	for _, row := range []struct {
		sentence string
		watch    func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) (watch.Interface, error)
		within   time.Duration
		notes    string
	}{
		{"the watch tells it at once", nil, 0, ""},
		{"the watch cannot be opened", func(context.Context, client.WithWatch, client.ObjectList, ...client.ListOption) (watch.Interface, error) {
			return nil, broken
		}, every, "a stop is seen up to 1s late: watch ConfigMap aftershock-stop in aftershock: broken"},
		{"the watch says nothing", func(context.Context, client.WithWatch, client.ObjectList, ...client.ListOption) (watch.Interface, error) {
			return watch.NewFake(), nil
		}, every, ""},
		{"the watch breaks and is opened again", breaking(2500 * time.Millisecond), every, ""},
		{"the watch hangs while it is opened", func(ctx context.Context, _ client.WithWatch, _ client.ObjectList, _ ...client.ListOption) (watch.Interface, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}, every, ""},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := cluster(interceptor.Funcs{Watch: row.watch})
				const when = 5500 * time.Millisecond
				time.AfterFunc(when, func() {
					if err := Set(t.Context(), c, home, Stop{Scope: Scope{All: true}, Reason: "incident", Who: "ann"}); err != nil {
						t.Error(err)
					}
				})
				err, after, notes := watched(t, c, time.Minute)
				if ending(err) != record.Stopped || !strings.Contains(err.Error(), "by ann, until resumed: incident") {
					t.Errorf("%v", err)
				}
				if after < when || after > when+row.within {
					t.Errorf("%s after it was set", after-when)
				}
				if !strings.HasPrefix(notes, row.notes) || row.notes == "" && notes != "" {
					t.Errorf("notes: %s", notes)
				}
			})
		})
	}
}

// breaking is a watch that works, and is closed after some time the first time.
func breaking(after time.Duration) func(context.Context, client.WithWatch, client.ObjectList, ...client.ListOption) (watch.Interface, error) {
	first := true
	return func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) (watch.Interface, error) {
		w, err := c.Watch(ctx, list, opts...)
		if err == nil && first {
			first = false
			time.AfterFunc(after, w.Stop)
		}
		return w, err
	}
}

func TestARunThatCannotSeeWhetherItIsStoppedEnds(t *testing.T) {
	for what, failure := range failures {
		synctest.Test(t, func(t *testing.T) {
			err, after, _ := watched(t, cluster(getting(failure)), time.Minute)
			if ending(err) != record.Blind || after != blind || !strings.Contains(err.Error(), failure.Error()) {
				t.Errorf("%s: %v after %s", what, err, after)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		err, after, _ := watched(t, cluster(interceptor.Funcs{Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, m client.Object, opts ...client.GetOption) error {
			if time.Since(began) < 20*time.Second {
				return c.Get(ctx, key, m, opts...)
			}
			<-ctx.Done()
			return ctx.Err()
		}}), time.Minute)
		if ending(err) != record.Blind || after < 20*time.Second+blind-every || after > 20*time.Second+blind {
			t.Errorf("no answer: %v after %s", err, after)
		}
	})
}

func TestAShortFailureIsNoReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		err, after, _ := watched(t, cluster(interceptor.Funcs{Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, m client.Object, opts ...client.GetOption) error {
			if time.Since(began)%(10*time.Second) < 8*time.Second {
				return failures["500"]
			}
			return c.Get(ctx, key, m, opts...)
		}}), time.Minute)
		if err != nil || after != time.Minute {
			t.Errorf("%v after %s", err, after)
		}
	})
}

func TestARunGoesOnOnceAStopIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := cluster(interceptor.Funcs{})
		until := time.Now().Add(time.Minute).Truncate(time.Second)
		if err := Set(t.Context(), c, home, Stop{Scope: Scope{All: true}, Reason: "r", Until: until.Format(time.RFC3339)}); err != nil {
			t.Fatal(err)
		}
		s, rec := newSwitch(c)
		if err := s.Begin(t.Context(), rec); ending(err) != record.Refused {
			t.Errorf("while it is in force: %v", err)
		}
		time.Sleep(time.Until(until))
		if err := errors.Join(s.Begin(t.Context(), rec), s.Allow(t.Context(), 0)); err != nil {
			t.Errorf("once it is over: %v", err)
		}
	})
}
