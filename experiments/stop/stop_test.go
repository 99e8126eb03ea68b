package stop

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/aftershockhq/aftershock/steadystate/kube"
)

const home = "aftershock"

var checkout = map[string]kube.Workload{"checkout": {Kind: kube.Deployment, Namespace: "shop", Name: "checkout"}}

func cluster(funcs interceptor.Funcs, objects ...client.Object) client.WithWatch {
	return fake.NewClientBuilder().WithScheme(scheme.Scheme).WithObjects(objects...).WithInterceptorFuncs(funcs).Build()
}

// entries is the ConfigMap with these entries.
func entries(texts ...string) *corev1.ConfigMap {
	m := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: home, Name: Name}, Data: map[string]string{}}
	for i, text := range texts {
		m.Data[fmt.Sprintf("stop-%d", i)] = text
	}
	return m
}

func TestWhichRunsAStopIsOn(t *testing.T) {
	now := time.Date(2026, 11, 28, 18, 0, 0, 0, time.UTC)
	for _, row := range []struct {
		sentence, entry string
		stopped         bool
		says            string
	}{
		{"all", `{"all":true,"reason":"incident"}`, true, "all runs, by an unknown account, until resumed: incident"},
		{"who and since when", `{"all":true,"reason":"a\n  b","who":"ann","from":"ann@laptop","since":"2026-11-28T17:00:00Z"}`, true, "all runs, by ann from ann@laptop since 2026-11-28T17:00:00Z, until resumed: a b"},
		{"its service, by the workload, whatever it is called", `{"service":"shop","workload":"deployment/shop/checkout","reason":"r"}`, true, "runs on shop (deployment/shop/checkout), by"},
		{"its service, by the name", `{"service":"checkout","reason":"r"}`, true, "runs on checkout, by"},
		{"another workload by the same name", `{"service":"checkout","workload":"deployment/other/checkout","reason":"r"}`, false, ""},
		{"another service", `{"service":"payments","reason":"r"}`, false, ""},
		{"its run", `{"run":"one","reason":"r"}`, true, "run one, by"},
		{"another run", `{"run":"two","reason":"r"}`, false, ""},
		{"not over yet", `{"all":true,"reason":"r","until":"2026-11-28T18:00:01Z"}`, true, "until 2026-11-28T18:00:01Z: r"},
		{"over", `{"all":true,"reason":"r","until":"2026-11-28T18:00:00Z"}`, false, ""},
		{"over, in another zone", `{"all":true,"reason":"r","until":"2026-11-28T18:59:59+01:00"}`, false, ""},
		{"an end that is no time", `{"all":true,"reason":"r","until":"tomorrow"}`, true, `until resumed (its end "tomorrow" is not a time): r`},
		{"no JSON", `please stop`, true, `all runs, by the entry "stop-0" of the ConfigMap aftershock-stop, which is not understood (invalid character`},
		{"empty", ``, true, "not understood (EOF)"},
		{"of nothing", `{"reason":"r"}`, true, "not understood (want one of all, service and run)"},
		{"of two", `{"all":true,"run":"two","reason":"r"}`, true, "not understood"},
		{"a field of a later version", `{"run":"two","reason":"r","zone":"a"}`, true, `not understood (json: unknown field "zone")`},
		{"null", `null`, true, "not understood"},
		{"two values", `{"run":"two"} {"all":true}`, true, "not understood (there is more than one value)"},
		{"a reason that is not for a terminal", `{"all":true,"reason":"a\u001b[31mb"}`, true, "a [31mb"},
	} {
		stops := stopsOf(entries(row.entry))
		if len(stops) != 1 {
			t.Fatalf("%s: %v", row.sentence, stops)
		}
		if got := stops[0].InForce(now) && stops[0].On("one", checkout); got != row.stopped {
			t.Errorf("%s: stopped %t", row.sentence, got)
		}
		if !strings.Contains(stops[0].String(), row.says) {
			t.Errorf("%s: %s", row.sentence, stops[0])
		}
	}
	if stops := stopsOf(&corev1.ConfigMap{BinaryData: map[string][]byte{"x": {0}}}); len(stops) != 1 || !stops[0].On("one", checkout) {
		t.Errorf("binary data: %v", stops)
	}
}

func TestStopsOfSeveralPeopleDoNotOverwriteEachOther(t *testing.T) {
	c := cluster(interceptor.Funcs{})
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			if err := Set(t.Context(), c, home, Stop{Scope: Scope{All: i%2 == 0, Run: map[bool]string{true: "one"}[i%2 == 1]}, Reason: fmt.Sprint("reason ", i)}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if stops, err := Read(t.Context(), c, home); err != nil || len(stops) != 20 {
		t.Fatalf("%v, %d stops", err, len(stops))
	}
	for _, of := range []Scope{{All: true}, {Run: "one"}} {
		removed, err := Resume(t.Context(), c, home, of)
		if err != nil || len(removed) != 10 {
			t.Errorf("%s: %v, removed %d", of, err, len(removed))
		}
	}
	var m corev1.ConfigMap
	if err := c.Get(t.Context(), client.ObjectKey{Namespace: home, Name: Name}, &m); !apierrors.IsNotFound(err) {
		t.Errorf("the ConfigMap is left: %v, %v", err, m.Data)
	}
	if removed, err := Resume(t.Context(), c, home, Scope{All: true}); err != nil || len(removed) > 0 {
		t.Errorf("nothing to resume: %v, %v", err, removed)
	}
}

func TestResumeRemovesWhatTheScopeIsOn(t *testing.T) {
	for _, row := range []struct {
		sentence string
		of       Scope
		entry    string
		removed  bool
	}{
		{"all", Scope{All: true}, `{"all":true,"reason":"r"}`, true},
		{"one that is over", Scope{All: true}, `{"all":true,"reason":"r","until":"2020-01-01T00:00:00Z"}`, true},
		{"what is not understood stops all", Scope{All: true}, `please stop`, true},
		{"a service is not all", Scope{All: true}, `{"service":"checkout","reason":"r"}`, false},
		{"a service by its workload", Scope{Service: "shop", Workload: "deployment/shop/checkout"}, `{"service":"checkout","workload":"deployment/shop/checkout","reason":"r"}`, true},
		{"a service of another's file", Scope{Service: "checkout", Workload: "deployment/shop/checkout"}, `{"service":"checkout","workload":"deployment/other/checkout","reason":"r"}`, false},
		{"a service by its name", Scope{Service: "checkout", Workload: "deployment/shop/checkout"}, `{"service":"checkout","reason":"r"}`, true},
		{"a run", Scope{Run: "one"}, `{"run":"one","reason":"r"}`, true},
		{"another run", Scope{Run: "one"}, `{"run":"two","reason":"r"}`, false},
	} {
		c := cluster(interceptor.Funcs{}, entries(row.entry))
		removed, err := Resume(t.Context(), c, home, row.of)
		left, errRead := Read(t.Context(), c, home)
		if err = errors.Join(err, errRead); err != nil || (len(removed) == 1) != row.removed || len(left)+len(removed) != 1 {
			t.Errorf("%s: %v, removed %v, left %v", row.sentence, err, removed, left)
		}
	}
}

func TestAStopThatIsNotSetSaysWhy(t *testing.T) {
	maps := schema.GroupResource{Resource: "configmaps"}
	for _, row := range []struct {
		sentence string
		stop     Stop
		funcs    interceptor.Funcs
		want     string
	}{
		{"no reason", Stop{Scope: Scope{All: true}, Reason: " "}, interceptor.Funcs{}, "a stop needs a reason"},
		{"of nothing", Stop{Reason: "r"}, interceptor.Funcs{}, "want one of all, service and run"},
		{"no namespace", Stop{Scope: Scope{All: true}, Reason: "r"}, interceptor.Funcs{Create: func(context.Context, client.WithWatch, client.Object, ...client.CreateOption) error {
			return apierrors.NewNotFound(schema.GroupResource{Resource: "namespaces"}, home)
		}}, "create the namespace: kubectl create namespace aftershock"},
		{"no right", Stop{Scope: Scope{All: true}, Reason: "r"}, interceptor.Funcs{Create: func(context.Context, client.WithWatch, client.Object, ...client.CreateOption) error {
			return apierrors.NewForbidden(maps, Name, errors.New("no"))
		}}, "give the account the rights to create, update and delete this ConfigMap"},
		{"not to be read", Stop{Scope: Scope{All: true}, Reason: "r"}, interceptor.Funcs{Get: func(context.Context, client.WithWatch, client.ObjectKey, client.Object, ...client.GetOption) error {
			return apierrors.NewForbidden(maps, Name, errors.New("no"))
		}}, "give the account the right to get this ConfigMap"},
	} {
		if err := Set(t.Context(), cluster(row.funcs), home, row.stop); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v, want %q", row.sentence, err, row.want)
		}
	}
}
