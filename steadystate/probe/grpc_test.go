package probe_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/probe"
)

// serve serves at an address, where a port of zero takes one that is free; stop
// ends it as a crash would.
func serve(t *testing.T, address string, register func(*grpc.Server), options ...grpc.ServerOption) (at string, stop func()) {
	t.Helper()
	var listener net.Listener
	var err error
	for range 100 { // the one before may have to let go of it
		if listener, err = net.Listen("tcp", address); err == nil {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(options...)
	register(server)
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(listener) })
	var once sync.Once
	stop = func() {
		once.Do(func() {
			server.Stop()
			serving.Wait()
		})
	}
	t.Cleanup(stop)
	return listener.Addr().String(), stop
}

func healthy(s *grpc.Server) { grpc_health_v1.RegisterHealthServer(s, health.NewServer()) }

// hung is a server whose health check never answers.
type hung struct {
	grpc_health_v1.UnimplementedHealthServer
}

func (hung) Check(ctx context.Context, _ *grpc_health_v1.HealthCheckRequest) (*grpc_health_v1.HealthCheckResponse, error) {
	<-ctx.Done()
	return nil, status.Error(codes.Canceled, "gone")
}

func TestAServerThatIsServingAnswers(t *testing.T) {
	address, _ := serve(t, "127.0.0.1:0", healthy)
	observed(t, probe.GRPCHealth{Address: address, Every: 5 * time.Millisecond, Timeout: 20 * time.Second}, atLeast(10, answered))
}

// accepting counts the connections that a listener accepts.
type accepting struct {
	net.Listener
	opened atomic.Int64
}

func (a *accepting) Accept() (net.Conn, error) {
	conn, err := a.Listener.Accept()
	if err == nil {
		a.opened.Add(1)
	}
	return conn, err
}

// A connection stays with the pod that it met first.
func TestEachHealthCheckHasItsOwnConnectionUnlessItIsReused(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	counted := &accepting{Listener: listener}
	server := grpc.NewServer()
	healthy(server)
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(counted) })
	t.Cleanup(func() { server.Stop(); serving.Wait() })
	source := probe.GRPCHealth{Address: listener.Addr().String(), Every: 5 * time.Millisecond, Timeout: 20 * time.Second}
	if all := observed(t, source, atLeast(5, answered)); counted.opened.Load() != int64(len(all)) {
		t.Errorf("%d connections were opened for %d checks, want a fresh one each", counted.opened.Load(), len(all))
	}
	counted.opened.Store(0)
	source.Reuse = true
	observed(t, source, atLeast(5, answered))
	if n := counted.opened.Load(); n != 1 {
		t.Errorf("%d connections were opened, want one", n)
	}
	if found, err := source.Preflight(t.Context()); err != nil || !strings.Contains(found, "stays with one pod") {
		t.Errorf("preflight: %q, %v", found, err)
	}
	if s := source.Signal("grpc"); !s.Samples || !s.Reuses {
		t.Errorf("the signal does not say that its connection is kept: %+v", s)
	}
}

func TestFailuresOfAHealthCheckAreDataWithAReason(t *testing.T) {
	notServing := func(s *grpc.Server) {
		h := health.NewServer()
		h.SetServingStatus("shop", grpc_health_v1.HealthCheckResponse_NOT_SERVING)
		grpc_health_v1.RegisterHealthServer(s, h)
	}
	for _, row := range []struct {
		sentence string
		register func(*grpc.Server) // nil: address
		address  func(*testing.T) string
		service  string
		want     string
	}{
		{"a refused connection", nil, refused, "", "connection refused"},
		{"a connection without answers", nil, blackHole, "", steadystate.TimedOut},
		{"a service that is not serving", notServing, nil, "shop", "not serving"},
		{"one that the server does not know", healthy, nil, "bank", `the server knows no service "bank"`},
		{"a server without a health check", func(*grpc.Server) {}, nil, "", "the server has no health check"},
		{"a check that hangs", func(s *grpc.Server) { grpc_health_v1.RegisterHealthServer(s, hung{}) }, nil, "", steadystate.TimedOut},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			address := ""
			if row.register != nil {
				address, _ = serve(t, "127.0.0.1:0", row.register)
			} else {
				address = row.address(t)
			}
			source := probe.GRPCHealth{Address: address, Service: row.service, Every: 5 * time.Millisecond, Timeout: 300 * time.Millisecond}
			observed(t, source, atLeast(2, failed(row.want)))
		})
	}
}

// A server that dies and comes back is seen to do so as soon as it does: gRPC's
// own pauses between attempts are not waited for.
func TestAServerIsSeenToComeBack(t *testing.T) {
	address, stop := serve(t, "127.0.0.1:0", healthy)
	source := probe.GRPCHealth{Address: address, Every: 5 * time.Millisecond, Timeout: 20 * time.Second}
	died := false
	observed(t, source, func(all []steadystate.Observation) bool {
		switch last := all[len(all)-1]; {
		case answered(last) && !died:
			stop()
			died = true
		case last.Failed == "connection refused" && len(all) > 5:
			if atLeast(8, failed("connection refused"))(all) && !atLeast(9, failed("connection refused"))(all) {
				serve(t, address, healthy)
			}
		}
		return inOrder(answered, failed("connection refused"), answered)(all)
	})
}

func TestAHealthCheckOverTLS(t *testing.T) {
	https := httptest.NewTLSServer(nil) // which brings a certificate
	defer https.Close()
	address, _ := serve(t, "127.0.0.1:0", healthy, grpc.Creds(credentials.NewServerTLSFromCert(&https.TLS.Certificates[0])))
	trusted := https.Client().Transport.(*http.Transport).TLSClientConfig
	observed(t, probe.GRPCHealth{Address: address, Timeout: 20 * time.Second, TLS: trusted}, atLeast(2, answered))
	source := probe.GRPCHealth{Address: address, Timeout: 20 * time.Second, TLS: &tls.Config{MinVersion: tls.VersionTLS12}}
	all := observed(t, source, atLeast(1, func(o steadystate.Observation) bool { return o.Failed != "" }))
	if why := all[0].Failed; !strings.HasPrefix(why, "TLS: x509: certificate signed by unknown authority") {
		t.Errorf("an unknown authority: %q", why)
	}
}

func TestAHealthCheckWithoutPortsSaysNothingOfTheService(t *testing.T) {
	address, _ := serve(t, "127.0.0.1:0", healthy)
	source := probe.GRPCHealth{Address: address, Every: 5 * time.Millisecond}.WithControl(short)
	observed(t, source, atLeast(2, unknownFor("no local port left")))
}

func TestPreflightOfAHealthCheck(t *testing.T) {
	address, _ := serve(t, "127.0.0.1:0", healthy)
	source := probe.GRPCHealth{Address: address, Timeout: 20 * time.Second}
	if found, err := source.Preflight(t.Context()); err != nil || !strings.HasPrefix(found, "answered in ") {
		t.Errorf("%q, %v", found, err)
	}
	source.Service = "bank"
	if _, err := source.Preflight(t.Context()); err == nil || !strings.Contains(err.Error(), `check the health of `+address+`: the server knows no service "bank"`) {
		t.Errorf("another service: %v", err)
	}
	web := httptest.NewServer(nil)
	defer web.Close()
	source.Address = strings.TrimPrefix(web.URL, "http://")
	if _, err := source.Preflight(t.Context()); err == nil || !strings.Contains(err.Error(), `check the health of `+source.Address+`: connection closed: does it speak gRPC there?`) {
		t.Errorf("HTTP: %v", err)
	}
}

func ExampleGRPCHealth() {
	fmt.Println(probe.GRPCHealth{Address: "shop.example:443", Service: "shop.Checkout", TLS: &tls.Config{}}.Signal("grpc").Describe)
	// Output: seconds of the gRPC health check of service shop.Checkout at shop.example:443, fresh connections, every 100ms, timeout 2s
}
