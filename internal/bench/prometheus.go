package bench

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/discovery/targetgroup"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/scrape"
	"github.com/prometheus/prometheus/tsdb"
)

// job is the scrape job, and the label of that name, of the services.
const job = "service"

// A promServer is Prometheus' scraper, database and engine in this process, and
// answers instant queries.
type promServer struct {
	db       *tsdb.DB
	engine   *promql.Engine
	scraper  *scrape.Manager
	listener *net.TCPListener
	server   *http.Server
	wg       sync.WaitGroup

	mu      sync.Mutex
	groups  map[string]*targetgroup.Group // by service
	targets chan map[string][]*targetgroup.Group
}

const (
	// As Prometheus' own default.
	maxSamples   = 50_000_000
	queryTimeout = 2 * time.Minute
	lookback     = 5 * time.Minute
)

func startPrometheus(dir string, interval time.Duration) (_ *promServer, err error) {
	log := slog.New(slog.DiscardHandler)
	registry := prometheus.NewRegistry()
	// The scraper's own configuration language, so that its defaults and its
	// validation apply.
	cfg, err := config.Load(fmt.Sprintf(`
global:
  scrape_interval: %[1]s
  scrape_timeout: %[1]s
scrape_configs:
- job_name: %[2]s
`, model.Duration(interval), job), log)
	if err != nil {
		return nil, fmt.Errorf("configure Prometheus: %w", err)
	}

	var undo []func() error
	defer func() {
		if err != nil {
			for i := range undo {
				err = errors.Join(err, undo[len(undo)-1-i]())
			}
		}
	}()

	p := &promServer{
		groups:  map[string]*targetgroup.Group{},
		targets: make(chan map[string][]*targetgroup.Group),
	}
	if p.db, err = tsdb.Open(dir, log, registry, tsdb.DefaultOptions(), nil); err != nil {
		return nil, fmt.Errorf("open Prometheus' database in %s: %w", dir, err)
	}
	undo = append(undo, p.db.Close)
	p.engine = promql.NewEngine(promql.EngineOpts{
		Logger:                   log,
		Reg:                      registry,
		MaxSamples:               maxSamples,
		Timeout:                  queryTimeout,
		LookbackDelta:            lookback,
		NoStepSubqueryIntervalFn: func(int64) int64 { return interval.Milliseconds() },
		EnableAtModifier:         true,
		EnableNegativeOffset:     true,
	})
	undo = append(undo, p.engine.Close)
	// With its default of 5 s a new process would go unscraped that long.
	reload := scrape.Options{DiscoveryReloadInterval: model.Duration(10 * time.Millisecond)}
	if p.scraper, err = scrape.NewManager(&reload, log, nil, p.db, registry); err != nil {
		return nil, fmt.Errorf("make Prometheus' scraper: %w", err)
	}
	if err := p.scraper.ApplyConfig(cfg); err != nil {
		return nil, fmt.Errorf("configure Prometheus' scraper: %w", err)
	}
	if p.listener, err = net.ListenTCP("tcp4", net.TCPAddrFromAddrPort(loopback())); err != nil {
		return nil, fmt.Errorf("listen for Prometheus: %w", err)
	}

	mux := http.NewServeMux()
	mux.Handle("/api/v1/query", queryAPI{p.engine, p.db})
	for _, path := range []string{"/-/healthy", "/-/ready"} {
		mux.HandleFunc("GET "+path, func(http.ResponseWriter, *http.Request) {})
	}
	p.server = &http.Server{
		Handler:           mux,
		ReadHeaderTimeout: 10 * time.Second,
	}
	p.wg.Go(func() { _ = p.server.Serve(p.listener) }) // ends with close
	p.wg.Go(func() { _ = p.scraper.Run(p.targets) })   // never an error, ends with Stop
	return p, nil
}

func (p *promServer) url() string { return "http://" + p.listener.Addr().String() }

// target has a service scraped at an address, replacing the previous one. The
// old one is scraped until then, so a service that is down shows as up == 0.
func (p *promServer) target(service, address string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.groups[service] = &targetgroup.Group{
		Source:  service,
		Targets: []model.LabelSet{{model.AddressLabel: model.LabelValue(address)}},
		Labels:  model.LabelSet{"pod": model.LabelValue(service)},
	}
	// Received until close, which comes after the last process.
	p.targets <- map[string][]*targetgroup.Group{job: slices.Collect(maps.Values(p.groups))}
}

// close stops scraping, then serving, then the database, and waits for each.
func (p *promServer) close() error {
	p.scraper.Stop()
	err := p.server.Close()
	p.wg.Wait()
	return errors.Join(err, p.engine.Close(), p.db.Close())
}

// prometheusVersion is the version of the Prometheus module that this program
// was built with.
func prometheusVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if m.Path == "github.com/prometheus/prometheus" {
				return m.Version
			}
		}
	}
	return "unknown"
}
