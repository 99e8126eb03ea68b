package bench

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/grafana/regexp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	"github.com/prometheus/common/route"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/discovery/targetgroup"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/rules"
	"github.com/prometheus/prometheus/scrape"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/util/notifications"
	apiv1 "github.com/prometheus/prometheus/web/api/v1"
)

// job is the scrape job, and the label of that name, of the services.
const job = "service"

// A promServer is Prometheus' scraper, database, engine and HTTP API in this
// process. It has no rules and no alerts.
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
	readFrame    = 1 << 20
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
	stats := tsdb.NewDBStats()
	if p.db, err = tsdb.Open(dir, log, registry, tsdb.DefaultOptions(), stats); err != nil {
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

	p.server = &http.Server{
		Handler:           p.handler(cfg, dir, stats, registry, log),
		ReadHeaderTimeout: 10 * time.Second,
	}
	p.wg.Go(func() { _ = p.server.Serve(p.listener) }) // ends with close
	p.wg.Go(func() { _ = p.scraper.Run(p.targets) })   // never an error, ends with Stop
	return p, nil
}

// handler mounts the API where Prometheus does.
func (p *promServer) handler(cfg *config.Config, dir string, stats *tsdb.DBStats, registry *prometheus.Registry, log *slog.Logger) http.Handler {
	started := time.Now()
	address := p.listener.Addr().String()
	always := func(h http.HandlerFunc) http.HandlerFunc { return h }
	none := nothing{}
	api := apiv1.NewAPI(
		p.engine,
		p.db,
		nil, // nothing is written through the API
		p.db,
		func(context.Context) apiv1.ScrapePoolsRetriever { return p.scraper },
		func(context.Context) apiv1.TargetRetriever { return p.scraper },
		func(context.Context) apiv1.AlertmanagerRetriever { return none },
		func() config.Config { return *cfg },
		map[string]string{},
		apiv1.GlobalURLOptions{ListenAddress: address, Host: address, Scheme: "http"},
		always,
		admin{p.db, stats},
		dir,
		false, // no deleting through the API
		log,
		func(context.Context) apiv1.RulesRetriever { return none },
		maxSamples,
		10, // remote reads at a time, Prometheus' default
		readFrame,
		false,
		regexp.MustCompile(`^$`), // no page of another origin reads it
		func() (apiv1.RuntimeInfo, error) {
			return apiv1.RuntimeInfo{
				StartTime:           started,
				ServerTime:          time.Now(),
				ReloadConfigSuccess: true,
				LastConfigTime:      started,
				GoroutineCount:      runtime.NumGoroutine(),
				GOMAXPROCS:          runtime.GOMAXPROCS(0),
			}, nil
		},
		&apiv1.PrometheusVersion{Version: prometheusVersion(), GoVersion: runtime.Version()},
		func() []notifications.Notification { return nil },
		func() (<-chan notifications.Notification, func(), bool) { return nil, nil, false },
		registry,
		registry,
		nil, // default statistics
		false,
		nil,
		false, false, false,
		false,
		lookback,
		false,
		false,
		nil,
	)
	router := route.New()
	api.Register(router)
	mux := http.NewServeMux()
	mux.Handle("/api/v1/", http.StripPrefix("/api/v1", router))
	for _, path := range []string{"/-/healthy", "/-/ready"} {
		mux.HandleFunc("GET "+path, func(http.ResponseWriter, *http.Request) {})
	}
	return mux
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

// nothing is the rules, alerts and alertmanagers of a Prometheus without any.
type nothing struct{}

func (nothing) Alertmanagers() []*url.URL            { return nil }
func (nothing) DroppedAlertmanagers() []*url.URL     { return nil }
func (nothing) RuleGroups() []*rules.Group           { return nil }
func (nothing) AlertingRules() []*rules.AlertingRule { return nil }

// admin is the database as the API wants it for its status pages.
type admin struct {
	*tsdb.DB
	stats *tsdb.DBStats
}

func (a admin) Stats(label string, limit int) (*tsdb.Stats, error) {
	return a.Head().Stats(label, limit), nil
}

func (a admin) BlockMetas() ([]tsdb.BlockMeta, error) { return a.DB.BlockMetas(), nil }

func (a admin) WALReplayStatus() (tsdb.WALReplayStatus, error) {
	return a.stats.Head.WALReplayStatus.GetWALReplayStatus(), nil
}
