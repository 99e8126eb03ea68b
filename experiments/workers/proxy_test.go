package workers_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/proxy"
	"k8s.io/client-go/rest"

	"github.com/aftershockhq/aftershock/experiments/workers"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// An apiServer passes requests on to pods by the code that the API server does
// it with.
type apiServer struct {
	cluster *cluster
	refuses bool
}

var podProxy = regexp.MustCompile(`^/api/v1/namespaces/load-gen/pods/([^/:]+):8642/proxy(/.*)$`)

func (a apiServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m := podProxy.FindStringSubmatch(r.URL.Path)
	if m == nil || a.refuses {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte(`{"kind":"Status","status":"Failure","message":"pods is forbidden","code":403}`))
		return
	}
	h := a.cluster.hands[m[1]]
	location, err := url.Parse(h.url[:strings.LastIndex(h.url, "/")] + m[2])
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	location.RawQuery = r.URL.RawQuery
	proxy.NewUpgradeAwareHandler(location, http.DefaultTransport, false, false, responder{}).ServeHTTP(w, r)
}

type responder struct{}

func (responder) Error(w http.ResponseWriter, _ *http.Request, err error) {
	http.Error(w, err.Error(), http.StatusBadGateway)
}

// The load ends only when some of its requests have come back: what kept them
// to the end would never end.
func TestRequestsComeBackThroughTheAPIServerAsTheyAreAnswered(t *testing.T) {
	c := &cluster{t: t}
	j := c.job(service(t))
	j.Load.Timeout = 20 * time.Second
	server := httptest.NewServer(apiServer{cluster: c})
	defer server.Close()
	reach, err := workers.Proxy(&rest.Config{Host: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	j.Reach = reach
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	n := 0
	err = j.Drive(ctx, steadystate.StartClock(), func(record.Request) {
		if n++; n == 50 {
			cancel()
		}
	})
	if err != nil || n < 50 || !errors.Is(context.Cause(ctx), context.Canceled) {
		t.Errorf("%d requests, %v, %v", n, err, context.Cause(ctx))
	}
}

func TestAnAccountThatMayNotReachPodsIsToldSo(t *testing.T) {
	c := &cluster{t: t}
	j := c.job("http://127.0.0.1:1/")
	j.Ready = 300 * ms
	server := httptest.NewServer(apiServer{cluster: c, refuses: true})
	defer server.Close()
	reach, err := workers.Proxy(&rest.Config{Host: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	j.Reach = reach
	err = j.Drive(t.Context(), steadystate.StartClock(), func(record.Request) {})
	if err == nil || !strings.Contains(err.Error(), "403 Forbidden: pods is forbidden; give the account the right to get and create pods/proxy") {
		t.Errorf("error %v", err)
	}
}

func TestWhereAWorkerIsReachedThroughTheAPIServer(t *testing.T) {
	pod := corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "load-gen", Name: "load-0"}}
	for _, row := range []struct{ sentence, host, want string }{
		{"an address", "https://127.0.0.1:6443", "https://127.0.0.1:6443/api/v1/namespaces/load-gen/pods/load-0:8642/proxy"},
		{"a path below which the API is", "https://h/k8s/clusters/c-1", "https://h/k8s/clusters/c-1/api/v1/namespaces/load-gen/pods/load-0:8642/proxy"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			reach, err := workers.Proxy(&rest.Config{Host: row.host})
			if err != nil {
				t.Fatal(err)
			}
			if _, got := reach(pod); got != row.want {
				t.Errorf("%s, want %s", got, row.want)
			}
		})
	}
	if _, err := workers.Proxy(&rest.Config{Host: "://"}); err == nil || !strings.Contains(err.Error(), "reach workers through") {
		t.Errorf("error %v", err)
	}
}
