package suites

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/aftershockhq/aftershock/experiments/stop"
	"github.com/aftershockhq/aftershock/steadystate/prom/promtest"
)

// alone is a service without a load and without Prometheus.
const alone = `apiVersion: aftershock/v1
cluster: {uid: 0b1c, namespace: aftershock}
allow: {namespaces: [shop]}
services:
  checkout: {namespace: shop, workload: deployment/checkout, load: {url: "http://127.0.0.1:9/"}, suites: [pods/kill-one]}
`

func stopped(entry string) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "aftershock", Name: stop.Name}, Data: map[string]string{"a": entry}}
}

func TestEachExperimentCanBeStopped(t *testing.T) {
	_, list := made(t, alone+"baseline: control\nfreeze: {windows: [{from: 2020-01-01T00:00:00Z, to: 2020-01-02T00:00:00Z}]}\n", deployed("checkout"))
	if len(list) != 2 || !list[0].IsControl() {
		t.Fatalf("%d experiments", len(list))
	}
	for i, e := range list {
		s, ok := e.Safeguards[1].(*stop.Switch)
		if _, frozen := e.Safeguards[0].(*stop.Freeze); !ok || !frozen || s.Namespace != "aftershock" || s.Services["checkout"].Subject() != "deployment/shop/checkout" {
			t.Errorf("%s: %v", e.Name, e.Safeguards)
		}
		if i > 0 && s == list[0].Safeguards[1] {
			t.Error("two experiments share one switch")
		}
	}
}

func TestPreflightTellsStopsAndFreezes(t *testing.T) {
	server := promtest.NewServer(t)
	if err := server.Load(5*time.Second, time.Now().Add(-10*time.Second), `ALERTS{alertname="Down",alertstate="firing"} 1 1 1`); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	window := func(from, to time.Duration) string {
		return fmt.Sprintf("freeze: {windows: [{from: %s, to: %s, reason: sale}]}\n", now.Add(from).Format(time.RFC3339), now.Add(to).Format(time.RFC3339))
	}
	forbidden := interceptor.Funcs{Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, o client.Object, opts ...client.GetOption) error {
		if key.Name == stop.Name {
			return apierrors.NewForbidden(schema.GroupResource{Resource: "configmaps"}, key.Name, errors.New("no"))
		}
		return c.Get(ctx, key, o, opts...)
	}}
	for _, row := range []struct {
		sentence, more string
		stop           string
		funcs          interceptor.Funcs
		want           string // lines "mark what: found"
		refused        bool
		err            string
	}{
		{"none", "", "", interceptor.Funcs{}, "ok stops: none", false, ""},
		{"all", "", `{"all":true,"reason":"incident"}`, interceptor.Funcs{}, "", true, `aftershock.yaml:1: stops: refused for now: all runs, by an unknown account, until resumed: incident; "aftershock resume --all" ends it`},
		{"its service", "", `{"service":"checkout","reason":"incident"}`, interceptor.Funcs{}, "", true, `"aftershock resume --service 'checkout'" ends it`},
		{"another's", "", `{"service":"cart","reason":"incident"}`, interceptor.Funcs{}, "note stops: of others: runs on cart", false, ""},
		{"one that is over", "", `{"all":true,"reason":"incident","until":"2020-01-01T00:00:00Z"}`, interceptor.Funcs{}, "note stops: over: all runs", false, ""},
		{"not to be read", "", "", forbidden, "", false, "give the account the right to get this ConfigMap"},
		{"a window", window(-time.Minute, time.Hour), "", interceptor.Funcs{}, "", true, "freeze: refused for now: window 20"},
		{"a window to come", window(time.Hour, 2*time.Hour), "", interceptor.Funcs{}, "ok freeze: none now; the next window begins ", false, ""},
		{"a window that is over", window(-2*time.Hour, -time.Hour), "", interceptor.Funcs{}, "ok freeze: none now", false, ""},
		{"an incident", "prometheus: {url: " + server.URL + "}\nfreeze: {incident: 'ALERTS{alertstate=\"firing\"}'}\n", "", interceptor.Funcs{}, "", true, `freeze: refused for now: incident, until it is over: ALERTS{alertname="Down", alertstate="firing"} 1`},
		{"no incident", "prometheus: {url: " + server.URL + "}\nfreeze: {incident: 'ALERTS{alertname=\"Up\"}'}\n", "", interceptor.Funcs{}, "ok freeze: none now", false, ""},
		{"no answer", "prometheus: {url: 'http://127.0.0.1:9'}\nfreeze: {incident: ALERTS}\n", "", interceptor.Funcs{}, "", true, "freeze: refused for now: whether there is an incident is not known"},
	} {
		objects := []client.Object{deployed("checkout")}
		if row.stop != "" {
			objects = append(objects, stopped(row.stop))
		}
		s := connected(t, alone+row.more, row.funcs, objects...)
		able, err := s.Read(t.Context(), s.Plan.Planned)
		if err != nil {
			t.Fatal(err)
		}
		list, err := s.Experiments(able)
		if err != nil {
			t.Fatal(err)
		}
		var lines strings.Builder
		p := &preflight{Session: s, list: list, say: func(mark Mark, what, found string) { fmt.Fprintf(&lines, "%s %s: %s\n", mark, what, found) }}
		p.stops(t.Context())
		err = errors.Join(p.errs...)
		if !strings.Contains(lines.String(), row.want) || errors.Is(err, ErrNotNow) != row.refused || (err == nil) != (row.err == "") || err != nil && !strings.Contains(err.Error(), row.err) {
			t.Errorf("%s: %v\n%s", row.sentence, err, lines.String())
		}
	}
}

// What refuses a run is known without a word to the service.
func TestWhatWouldRefuseARun(t *testing.T) {
	requests := 0
	load := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { requests++ }))
	t.Cleanup(load.Close)
	text := strings.Replace(alone, "http://127.0.0.1:9/", load.URL, 1)
	now := time.Now()
	failing := func(err error) interceptor.Funcs {
		return interceptor.Funcs{Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, o client.Object, opts ...client.GetOption) error {
			if key.Name == stop.Name {
				return err
			}
			return c.Get(ctx, key, o, opts...)
		}}
	}
	for _, row := range []struct {
		sentence, more string
		stop           string
		funcs          interceptor.Funcs
		held           string // the workload that another run has
		of             error
		err            string
	}{
		{"nothing", "", "", interceptor.Funcs{}, "", nil, ""},
		{"a stop of all", "", `{"all":true,"reason":"incident"}`, interceptor.Funcs{}, "", ErrNotNow, "all runs, by an unknown account, until resumed: incident"},
		{"a stop of it", "", `{"service":"checkout","reason":"incident"}`, interceptor.Funcs{}, "", ErrNotNow, "incident"},
		{"a stop of another", "", `{"service":"cart","reason":"incident"}`, interceptor.Funcs{}, "", nil, ""},
		{"a freeze", fmt.Sprintf("freeze: {windows: [{from: %s, to: %s, reason: sale}]}\n", now.Add(-time.Minute).Format(time.RFC3339), now.Add(time.Hour).Format(time.RFC3339)), "", interceptor.Funcs{}, "", ErrNotNow, "freeze: refused for now: window 20"},
		{"stops that may not be read", "", "", failing(refused("configmaps")), "", nil, "give the account the right to get this ConfigMap"},
		{"stops that cannot be read", "", "", failing(away), "", ErrUnavailable, "stops: cannot be tested now: "},
		{"a living run", "", "", interceptor.Funcs{}, "checkout", ErrNotNow, "deployment checkout in shop is held by run "},
		{"a run of another workload", "", "", interceptor.Funcs{}, "payments", nil, ""},
	} {
		objects := []client.Object{deployed("checkout")}
		if row.stop != "" {
			objects = append(objects, stopped(row.stop))
		}
		s := connected(t, text+row.more, row.funcs, objects...)
		look := func(t *testing.T) {
			err := s.Refused(t.Context(), s.Plan.Planned)
			if (err == nil) != (row.err == "") || err != nil && !strings.Contains(err.Error(), row.err) {
				t.Errorf("%s: %v, want %q", row.sentence, err, row.err)
			}
			for _, of := range []error{ErrNotNow, ErrUnavailable} {
				if errors.Is(err, of) != errors.Is(row.of, of) {
					t.Errorf("%s: %v; is it %q: %t", row.sentence, err, of, errors.Is(err, of))
				}
			}
		}
		if row.held == "" {
			look(t)
			continue
		}
		synctest.Test(t, func(t *testing.T) {
			l, _ := holds(t, s, row.held)
			look(t)
			if err := l.End(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	if requests > 0 {
		t.Errorf("the service was asked %d times", requests)
	}
}
