package suites

import (
	"bytes"
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/aftershockhq/aftershock/experiments/load"
	"github.com/aftershockhq/aftershock/experiments/workers"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/kube"
	"github.com/aftershockhq/aftershock/steadystate/probe"
	"github.com/aftershockhq/aftershock/steadystate/prom"
)

// Load reads a configuration file and checks all that can be checked without
// asking anybody. Every mistake is reported, each with its line.
func Load(path string) (Config, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return Config{}, fmt.Errorf("read configuration: %w", err)
	}
	return Decode(path, text)
}

// Decode is Load for a text; paths in it are relative to path's directory.
func Decode(path string, text []byte) (Config, error) {
	d := decoder{Config: Config{Path: path, lines: lines{path: path}}}
	if err := yaml.Unmarshal(text, &d.lines.root); err != nil {
		return Config{}, fmt.Errorf("%s: %w", path, err)
	}
	strict := yaml.NewDecoder(bytes.NewReader(text))
	strict.KnownFields(true)
	if err := strict.Decode(&d.file); err != nil {
		if errors.Is(err, io.EOF) {
			return Config{}, fmt.Errorf("%s: the file is empty", path)
		}
		return Config{}, d.unknownFields(err)
	}
	if err := strict.Decode(new(file)); !errors.Is(err, io.EOF) {
		return Config{}, fmt.Errorf("%s: there is more than one document in the file; keep the first", path)
	}
	if d.expandAll(); len(d.errs) == 0 {
		d.decode()
	}
	if err := errors.Join(d.errs...); err != nil {
		return Config{}, err
	}
	return d.Config, nil
}

type decoder struct {
	Config
	file file
	errs []error
}

// bad reports a mistake at a place in the file, as "service.namespace" or
// "checks.0.limits.1".
func (d *decoder) bad(at, format string, args ...any) {
	d.errs = append(d.errs, d.lines.at(at, fmt.Errorf(format, args...)))
}

func (d *decoder) decode() {
	d.cluster()
	d.service()
	d.dependency()
	d.load()
	d.probes()
	d.prometheus()
	d.Settle = d.duration("times.settle", d.file.Times.Settle, defaultSettle)
	d.Hold = d.duration("times.hold", d.file.Times.Hold, defaultHold)
	d.Watch = d.duration("times.watch", d.file.Times.Watch, defaultWatch)
	d.checks()
	d.podSignals()
	d.capacity()
	d.autoscaler()
	d.baseline()
	d.experiments()
}

// beside resolves a path that the file names: it is relative to the file.
func (d *decoder) beside(path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(d.Path), path)
}

func (d *decoder) cluster() {
	d.Cluster.Kubeconfig = d.beside(d.file.Cluster.Kubeconfig)
	d.Cluster.Context = d.file.Cluster.Context
	d.Cluster.UID = d.file.Cluster.UID
	if d.Cluster.UID == "" {
		d.bad("cluster", "cluster.uid is missing: it is how this file names the cluster that it is meant for; kubectl get namespace kube-system -o jsonpath={.metadata.uid}")
	}
	d.Namespaces, d.Protected = d.file.Allow.Namespaces, d.file.Allow.Protected
	if len(d.Namespaces) == 0 {
		d.bad("allow", "allow.namespaces is missing: list the namespaces that faults may touch")
	}
}

func (d *decoder) service() {
	s := d.file.Service
	workload, err := kube.ParseWorkload(s.Workload)
	switch {
	case s.Workload == "":
		d.bad("service", "service.workload is missing: what makes the service's pods, as in \"workload: deployment/checkout\"")
	case err != nil:
		d.bad("service.workload", "%w", err)
	default:
		d.name("service.workload", workload.Name)
	}
	workload.Namespace = s.Namespace
	if s.Namespace == "" {
		d.bad("service", "service.namespace is missing")
	} else {
		d.name("service.namespace", s.Namespace)
	}
	d.Service.Workload, d.Service.Service, d.Service.Container = workload, s.Service, s.Container
	if len(s.Selector) > 0 {
		d.Service.Selector = &metav1.LabelSelector{MatchLabels: s.Selector}
	} else if d.lines.has("service.selector") {
		d.bad("service.selector", "service.selector is empty, and would select the pods of every service: name labels, or leave it out, so that it is the workload's")
	}
	if s.Namespace != "" && len(d.Namespaces) > 0 && !slices.Contains(d.Namespaces, s.Namespace) {
		d.bad("service.namespace", "namespace %q is not in allow.namespaces (%s)", s.Namespace, strings.Join(d.Namespaces, ", "))
	}
}

// name refuses what can be no object's name.
func (d *decoder) name(at, name string) {
	if wrong := validation.IsDNS1123Subdomain(name); len(wrong) > 0 {
		d.bad(at, "%q is no name of Kubernetes: %s", name, wrong[0])
	}
}

func (d *decoder) dependency() {
	f := d.file.Dependency
	d.Dependency.Namespace, d.Dependency.Selector = cmp.Or(f.Namespace, d.Service.Namespace), f.Selector
	if f.Namespace != "" && len(f.Selector) == 0 {
		d.bad("dependency", "dependency.selector is missing: the labels of the pods that the service calls, as in \"selector: {app: payments}\"")
	}
	if len(f.Selector) > 0 && !slices.Contains(d.Namespaces, d.Dependency.Namespace) {
		d.bad("dependency", "namespace %q of the dependency is not in allow.namespaces (%s): a partition touches its pods too", d.Dependency.Namespace, strings.Join(d.Namespaces, ", "))
	}
}

func (d *decoder) load() {
	l := d.file.Load
	d.Load = load.HTTP{
		URL:           l.URL,
		Shape:         d.shape(),
		Targets:       d.beside(l.Targets),
		Method:        l.Method,
		Header:        header(l.Headers),
		BodyFile:      d.beside(l.BodyFile),
		Timeout:       d.duration("load.timeout", l.Timeout, 2*time.Second),
		BackendHeader: l.NamedBy,
		Reuse:         l.Reuse,
		TLS:           d.authorities("load.ca_file", l.CAFile),
	}
	for _, path := range l.HeaderFiles {
		d.Load.HeaderFiles = append(d.Load.HeaderFiles, d.beside(path))
	}
	for _, name := range slices.Sorted(maps.Keys(l.SecretHeaders)) {
		from := l.SecretHeaders[name]
		for key := range from {
			if key != "env" && key != "file" {
				d.bad("load.secret_headers."+name, "secret header %q: no field %q; fields: env, file", name, key)
			}
		}
		if d.Load.SecretHeader == nil {
			d.Load.SecretHeader = map[string]load.Secret{}
		}
		d.Load.SecretHeader[name] = load.Secret{Env: from["env"], File: d.beside(from["file"])}
	}
	if l.ReuseRate != "" {
		if err := d.Load.ReuseRate.UnmarshalText([]byte(l.ReuseRate)); err != nil {
			d.bad("load.reuse_rate", "%w", err)
		}
	}
	d.Load.Success.Contains = l.Success.Body.Contains
	for i, text := range l.Success.Status {
		var r load.StatusRange
		if err := r.UnmarshalText([]byte(text)); err != nil {
			d.bad(fmt.Sprintf("load.success.status.%d", i), "%w", err)
			continue
		}
		d.Load.Success.Status = append(d.Load.Success.Status, r)
	}
	if err := d.Load.Validate(); err != nil {
		d.bad("load", "%w", err)
	}
	d.workers()
}

// workers reads who drives the load in place of this machine. They are no fault
// and need not be where faults may be, so their namespace is named and has no
// default: that it is named is what allows it.
func (d *decoder) workers() {
	w := d.file.Load.Workers
	if w == nil {
		return
	}
	d.Workers.Count, d.Workers.Image, d.Workers.Namespace = w.Count, w.Image, w.Namespace
	if w.Count < 1 || w.Count > workers.MaxCount {
		d.bad("load.workers.count", "%d workers: want from 1 to %d", w.Count, workers.MaxCount)
	}
	if w.Image == "" {
		d.bad("load.workers", "load.workers.image is missing: an image whose entry point is this program, of this version")
	}
	if w.Namespace == "" {
		d.bad("load.workers", "load.workers.namespace is missing: where their Job may be created; best one of its own")
	} else if wrong := validation.IsDNS1123Label(w.Namespace); len(wrong) > 0 {
		d.bad("load.workers.namespace", "%q is no namespace: %s", w.Namespace, wrong[0])
	}
	if path := d.file.Load.CAFile; path != "" {
		d.Workers.Authorities, _ = os.ReadFile(d.beside(path)) // what is wrong with it the load has said
	}
	for name, f := range map[string]struct {
		text string
		to   *resource.Quantity
	}{"cpu": {w.CPU, &d.Workers.CPU}, "memory": {w.Memory, &d.Workers.Memory}} {
		if f.text == "" {
			continue
		}
		q, err := resource.ParseQuantity(f.text)
		if err != nil || q.Sign() <= 0 {
			d.bad("load.workers."+name, "%q is no amount above zero, as in 500m of cpu or 256Mi of memory", f.text)
			continue
		}
		*f.to = q
	}
}

// shape is that of the load, of which a rate is the short form.
func (d *decoder) shape() load.Shape {
	l, at := d.file.Load, "load.rate"
	if l.Shape != "" {
		at = "load.shape"
	}
	if l.Shape != "" && l.Rate != "" {
		d.bad(at, "load has a shape and a rate; give it one of the two")
	}
	shape, err := load.ParseShape(cmp.Or(l.Shape, l.Rate, defaultRate))
	if err != nil {
		d.bad(at, "%w", err)
		return load.Constant(1)
	}
	return shape
}

// authorities are the certificate authorities of a file; nil: the system's.
func (d *decoder) authorities(at, path string) *tls.Config {
	if path == "" {
		return nil
	}
	pem, err := os.ReadFile(d.beside(path))
	pool := x509.NewCertPool()
	switch {
	case err != nil:
		d.bad(at, "%w", err)
	case !pool.AppendCertsFromPEM(pem):
		d.bad(at, "%s holds no certificate", path)
	}
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
}

// probes reads the sources beside the load.
func (d *decoder) probes() {
	if f := d.file.WebSocket; f != nil {
		d.WebSocket = &probe.WebSocket{
			URL:     f.URL,
			Every:   d.duration("websocket.every", f.Every, 0),
			Timeout: d.duration("websocket.timeout", f.Timeout, 0),
			Fresh:   f.Fresh,
			TLS:     d.authorities("websocket.ca_file", f.CAFile),
		}
		if err := d.WebSocket.Validate(); err != nil {
			d.bad("websocket", "%w", err)
		}
	}
	if f := d.file.GRPC; f != nil {
		d.GRPC = &probe.GRPCHealth{
			Address: f.Address,
			Service: f.Service,
			Every:   d.duration("grpc.every", f.Every, 0),
			Timeout: d.duration("grpc.timeout", f.Timeout, 0),
			TLS:     d.authorities("grpc.ca_file", f.CAFile),
		}
		switch {
		case f.TLS && d.GRPC.TLS == nil:
			d.GRPC.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
		case !f.TLS && f.CAFile != "":
			d.bad("grpc.ca_file", "grpc has a ca_file and no TLS; add tls: true")
		}
		if err := d.GRPC.Validate(); err != nil {
			d.bad("grpc", "%w", err)
		}
	}
}

// finest is the finest that each signal that needs no query can see. The
// record has the real figure.
func (c Config) finest() map[string]time.Duration {
	finest := map[string]time.Duration{record.TrafficSignal: c.Load.Resolution(0), SignalReplicas: replicasEvery, SignalRollout: replicasEvery}
	if c.Load.ReuseRate > 0 {
		finest[load.ReusedSignal] = load.HTTP{Shape: load.Constant(float64(c.Load.ReuseRate))}.Resolution(0)
	}
	if c.WebSocket != nil {
		finest[SignalWebSocket] = c.WebSocket.Resolution()
	}
	if c.GRPC != nil {
		finest[SignalGRPC] = c.GRPC.Resolution()
	}
	return finest
}

func (d *decoder) prometheus() {
	if d.file.Prometheus == nil {
		return
	}
	// The same settings, in the same words, as Prometheus' own configuration.
	var node yaml.Node
	if err := node.Encode(map[string]any{"url": d.file.Prometheus.URL, "http_config": d.file.Prometheus.HTTP}); err != nil {
		d.bad("prometheus.http_config", "%w", err)
		return
	}
	var c prom.Config
	if err := c.UnmarshalYAML(&node); err != nil {
		var all interface{ Unwrap() []error }
		errors.As(err, &all)
		for _, one := range all.Unwrap() {
			var f prom.FieldError
			errors.As(one, &f)
			at := strings.TrimSuffix("prometheus."+f.Path, ".")
			d.bad(at, "%s: %s", at, f.Message)
		}
		return
	}
	c.HTTP.SetDirectory(filepath.Dir(d.Path))
	client, err := prom.NewClient(c)
	if err != nil {
		d.bad("prometheus", "%w", err)
		return
	}
	client.Close()
	d.Prometheus = &c
}

func (d *decoder) checks() {
	if len(d.file.Checks) == 0 {
		d.Checks = defaultChecks()
	}
	signals := []string{record.TrafficSignal, SignalReplicas, SignalRollout}
	for _, name := range []string{load.ReusedSignal, SignalWebSocket, SignalGRPC} {
		if _, there := d.finest()[name]; there {
			signals = append(signals, name)
		}
	}
	reductions := []string{string(prom.Sum), string(prom.Max), string(prom.Min), string(prom.Avg), string(prom.Each)}
	for i, c := range d.file.Checks {
		at := fmt.Sprintf("checks.%d", i)
		check := steadystate.Check{Name: c.Name, Signal: c.Signal}
		switch {
		case c.Query != "" && c.Signal != "":
			d.bad(at, "check %q has a signal and a query; give it one of the two", c.Name)
		case c.Query != "":
			check.Signal = c.Name
			d.query(at, c.Name, c.Query, c.Reduce, c.Every, reductions)
		case !slices.Contains(signals, c.Signal) && c.Signal == load.ReusedSignal:
			d.bad(at, "check %q: no signal %q: the file has no load.reuse_rate, which makes it", c.Name, c.Signal)
		case !slices.Contains(signals, c.Signal) && (c.Signal == SignalWebSocket || c.Signal == SignalGRPC):
			d.bad(at, "check %q: no signal %q: the file has no section %s, which makes it", c.Name, c.Signal, c.Signal)
		case !slices.Contains(signals, c.Signal):
			d.bad(at, "check %q: no signal %q; signals: %s, or give it a query", c.Name, c.Signal, strings.Join(signals, ", "))
		}
		if c.Good != "" {
			good, err := steadystate.ParseTolerance(c.Good)
			if err != nil {
				d.bad(at+".good", "%w", err)
				continue
			}
			check.Good = good
			d.dimension(at+".good", check, good)
		}
		if c.Allowed != "" {
			allowed, err := steadystate.ParseTolerance("<= " + c.Allowed)
			// A bare 0.1 would be a tenth, and is meant as a thousandth.
			if err != nil || (allowed.Dimension() != "share" && allowed.Value() != 0) {
				d.bad(at+".allowed", "allowed %q: want a share in %%, as in \"0.1%%\"", c.Allowed)
			}
			check.Allowed = allowed.Value()
		}
		check.Limits = d.limits(at+".limits", check, c.Limits)
		if err := check.Validate(); err != nil {
			d.bad(at, "%w", err)
		}
		if meaning, taken := reserved[check.Name]; taken {
			d.bad(at, "%q is the name of %s; choose another", check.Name, meaning)
		}
		if slices.ContainsFunc(d.Checks, func(o steadystate.Check) bool { return o.Name == check.Name }) {
			d.bad(at, "check %q is there twice", check.Name)
		}
		d.Checks = append(d.Checks, check)
	}
}

// reserved are the names that are no check's of the configuration.
var reserved = map[string]string{
	AutoscalerExpectation: "what is expected of the autoscaler",
	RolledOut:             "the check on the rollout in the suite of rollouts",
}

// limits reads the limits of a check.
func (d *decoder) limits(at string, check steadystate.Check, texts []string) []steadystate.Limit {
	var limits []steadystate.Limit
	for i, text := range texts {
		at := fmt.Sprintf("%s.%d", at, i)
		l, err := steadystate.ParseLimit(text)
		if err != nil {
			d.bad(at, "%w", err)
			continue
		}
		limits = append(limits, l)
		if l.OfValues() && !l.Baseline {
			d.dimension(at, check, l.Tolerance)
		}
		// At best. A query is asked in preflight.
		if err := l.Decidable(d.finest()[check.Signal], d.Window()); err != nil {
			d.bad(at, "%w", err)
		}
	}
	return limits
}

// podSignals reads the signals of single pods.
func (d *decoder) podSignals() {
	d.PodSignals = map[string]prom.PerSeries{}
	if d.file.Prometheus == nil {
		if d.lines.has("pod_signals") {
			d.bad("pod_signals", "pod_signals has queries, and the file names no prometheus")
		}
		return
	}
	f := d.file.PodSignals
	d.podQueries = map[string]string{SignalCPU: f.CPU, SignalMemory: f.Memory, SignalCalls: f.Calls}
	d.PodSignals = d.signals(func(name string, err error) { d.bad("pod_signals."+name, "%w", err) })
}

// signals parses the queries of the signals of single pods, the defaults where
// the file has none.
func (c Config) signals(bad func(name string, err error)) map[string]prom.PerSeries {
	signals := map[string]prom.PerSeries{}
	for name, byDefault := range map[string]string{
		SignalCPU:    fmt.Sprintf(defaultCPU, c.Service.Namespace, c.Service.Container),
		SignalMemory: fmt.Sprintf(defaultMemory, c.Service.Namespace, c.Service.Container),
		SignalCalls:  "",
	} {
		text := cmp.Or(c.podQueries[name], byDefault)
		if text == "" {
			continue
		}
		q, err := prom.Parse(text)
		if err != nil {
			bad(name, fmt.Errorf("pod signal %q: PromQL: %w", name, err))
			continue
		}
		signals[name] = prom.Source{Query: q}.Per(podLabel)
	}
	return signals
}

// experiments reads what is different of single experiments.
func (d *decoder) experiments() {
	d.Variations = map[string]Variation{}
	for _, id := range slices.Sorted(maps.Keys(d.file.Experiments)) {
		f := d.file.Experiments[id]
		at := "experiments." + id
		if !slices.Contains(IDs(), id) {
			d.bad(at, "no experiment %q; experiments: %s", id, strings.Join(IDs(), ", "))
			continue
		}
		v := Variation{
			Skip:   f.Skip,
			Hold:   d.duration(at+".hold", f.Hold, 0),
			Watch:  d.duration(at+".watch", f.Watch, 0),
			Follow: f.Follow,
			Limits: map[string][]steadystate.Limit{},
		}
		checks := find(id).checks(d.Config)
		for _, name := range slices.Sorted(maps.Keys(f.Limits)) {
			if name == AutoscalerExpectation && ofAutoscaler(id) {
				v.Autoscaler = d.autoscalerLimits(at+".limits."+name, f.Limits[name])
				continue
			}
			i := slices.IndexFunc(checks, func(c steadystate.Check) bool { return c.Name == name })
			if i < 0 {
				var names []string
				for _, c := range checks {
					names = append(names, fmt.Sprintf("%q", c.Name))
				}
				if ofAutoscaler(id) {
					names = append(names, fmt.Sprintf("%q", AutoscalerExpectation))
				}
				d.bad(at+".limits."+name, "no check %q; checks: %s", name, strings.Join(names, ", "))
				continue
			}
			v.Limits[name] = d.limits(at+".limits."+name, checks[i], f.Limits[name])
		}
		if id == restingID && v.Hold > 0 && v.Hold < 4*betweenSurges {
			d.bad(at+".hold", "%s is too short for two surges with a rest of %s: want %s or more", v.Hold, betweenSurges, 4*betweenSurges)
		}
		if f.Follow && !followed(id) {
			d.bad(at+".follow", "%s has nothing to follow: it happens at once", id)
		}
		d.Variations[id] = v
	}
}

// find is the standard experiment of an id; the zero one if there is none, as
// of a control run.
func find(id string) standard {
	i := slices.IndexFunc(standards(), func(s standard) bool { return s.id == id })
	if i < 0 {
		return standard{}
	}
	return standards()[i]
}

// ofAutoscaler reports whether an experiment is about the autoscaler.
func ofAutoscaler(id string) bool { return find(id).autoscaler }

// followed reports whether an experiment holds a fault that can be renewed on
// pods that replace others.
func followed(id string) bool { return find(id).held != nil }

// dimension refuses a tolerance on values in another unit than the signal's:
// without it "<= 500" on the seconds of requests would be held for ever.
func (d *decoder) dimension(at string, check steadystate.Check, t steadystate.Tolerance) {
	switch dim := t.Dimension(); {
	case (check.Signal == record.TrafficSignal || check.Signal == load.ReusedSignal) && dim != "time":
		d.bad(at, "%q on requests: they are a time; write it with a unit, as in 500ms or 2s", t)
	case (check.Signal == SignalWebSocket || check.Signal == SignalGRPC) && dim != "time":
		d.bad(at, "%q on %s: its values are a time; write it with a unit, as in 100ms", t, check.Signal)
	case check.Signal == SignalReplicas && dim != "number" && dim != "share":
		d.bad(at, "%q on replicas: they are ready / desired; write a number or a share, as in 1 or 66%%", t)
	case check.Signal == SignalRollout && dim != "number" && dim != "share":
		d.bad(at, "%q on rollout: it is 1 when it is complete; write a number or a share, as in 1 or 66%%", t)
	}
}

func (d *decoder) query(at, name, text, reduce, every string, reductions []string) {
	if d.Prometheus == nil && d.file.Prometheus == nil {
		d.bad(at+".query", "check %q has a query, and the file names no prometheus", name)
	}
	q, err := prom.Parse(text)
	if err != nil {
		d.bad(at+".query", "check %q: PromQL: %w", name, err)
		return
	}
	if reduce != "" && !slices.Contains(reductions, reduce) {
		d.bad(at+".reduce", "check %q: reduce %q: want one of %s", name, reduce, strings.Join(reductions, ", "))
	}
	d.queries = append(d.queries, query{
		check: name,
		path:  at,
		source: prom.Source{
			Query:    q,
			Reduce:   prom.Reduction(reduce),
			Interval: d.duration(at+".every", every, time.Second),
		},
	})
}

func (d *decoder) duration(at, text string, byDefault time.Duration) time.Duration {
	if text == "" {
		return byDefault
	}
	v, err := time.ParseDuration(text)
	if err != nil || v <= 0 {
		d.bad(at, "%q is not a length of time above zero, as in 500ms, 30s or 1m30s", text)
		return byDefault
	}
	return v
}

var unknownField = regexp.MustCompile(`line (\d+): field (\S+) not found in type (\S+)`)

// unknownFields rewrites the YAML library's errors, which name Go types, so
// that they name the fields that there are.
func (d *decoder) unknownFields(err error) error {
	var many *yaml.TypeError
	if !errors.As(err, &many) {
		return fmt.Errorf("%s: %w", d.Path, err)
	}
	var errs []error
	for _, text := range many.Errors {
		m := unknownField.FindStringSubmatch(text)
		if m == nil {
			errs = append(errs, fmt.Errorf("%s: %s", d.Path, text))
			continue
		}
		line, _ := strconv.Atoi(m[1])
		section, siblings := d.lines.known(line)
		if write, ok := moved[section+"."+m[2]]; ok {
			errs = append(errs, fmt.Errorf("%s:%s: %s", d.Path, m[1], write))
			continue
		}
		in := ""
		if section != "" {
			in = fmt.Sprintf(" in %q", section)
		}
		errs = append(errs, fmt.Errorf("%s:%s: no field %q%s; fields: %s", d.Path, m[1], m[2], in, strings.Join(siblings, ", ")))
	}
	return errors.Join(errs...)
}

// fields are the fields of each section, for error messages; the empty one is
// the file itself.
var fields = map[string][]string{
	"":                  {"cluster", "allow", "service", "dependency", "load", "websocket", "grpc", "prometheus", "times", "checks", "baseline", "autoscaler", "capacity", "pod_signals", "experiments"},
	"cluster":           {"kubeconfig", "context", "uid"},
	"allow":             {"namespaces", "protected"},
	"service":           {"namespace", "workload", "service", "container", "selector"},
	"dependency":        {"namespace", "selector"},
	"load":              {"url", "rate", "shape", "targets", "method", "headers", "header_files", "secret_headers", "body_file", "timeout", "named_by", "success", "reuse_connections", "reuse_rate", "ca_file", "workers"},
	"load.success":      {"status", "body"},
	"load.success.body": {"contains"},
	"load.workers":      {"count", "image", "namespace", "cpu", "memory"},
	"websocket":         {"url", "every", "timeout", "fresh_connections", "ca_file"},
	"grpc":              {"address", "service", "every", "timeout", "tls", "ca_file"},
	"prometheus":        {"url", "http_config"},
	"times":             {"settle", "hold", "watch"},
	"checks":            {"name", "signal", "query", "reduce", "every", "good", "allowed", "limits"},
	"autoscaler":        {"name", "surge", "limits"},
	"capacity":          {"histogram", "labels", "range", "queries"},
	"pod_signals":       {"cpu", "memory", "calls"},
	"experiments":       {"skip", "hold", "watch", "follow", "limits"},
}

// moved are fields that the file had once, and what to write in place of each.
var moved = map[string]string{
	"service.deployment": "service.deployment is now service.workload, which names the kind too: write \"workload: deployment/NAME\"; the selector, the container and the Service need not be said any more",
}

// lines knows where in the file things are.
type lines struct {
	path string
	root yaml.Node
}

// at puts the place in front of an error. Where the file has no such place the
// one around it is named.
func (l lines) at(place string, err error) error {
	line, _ := l.find(place)
	return fmt.Errorf("%s:%d: %w", l.path, line, err)
}

// has reports whether the file has such a place.
func (l lines) has(place string) bool {
	_, found := l.find(place)
	return found
}

// find is the line of a place, or of as much of it as the file has.
func (l lines) find(place string) (line int, found bool) {
	if len(l.root.Content) == 0 {
		return 1, false
	}
	node := l.root.Content[0]
	line = 1
	for key := range strings.SplitSeq(place, ".") {
		if node = child(node, key); node == nil {
			return line, false
		}
		line = node.Line
	}
	return line, true
}

func child(node *yaml.Node, key string) *yaml.Node {
	switch node.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(node.Content); i += 2 {
			if node.Content[i].Value == key {
				// A mapping's own line is that of its first field; its key is
				// what a reader looks for.
				value := *node.Content[i+1]
				value.Line = node.Content[i].Line
				return &value
			}
		}
	case yaml.SequenceNode:
		if i, err := strconv.Atoi(key); err == nil && i < len(node.Content) {
			return node.Content[i]
		}
	}
	return nil
}

// known finds the section that a line belongs to, the innermost one, and the
// fields that it may have.
func (l lines) known(line int) (section string, siblings []string) {
	if len(l.root.Content) > 0 && l.root.Content[0].Kind == yaml.MappingNode {
		top := l.root.Content[0].Content
		for i := 0; i+1 < len(top); i += 2 {
			if top[i].Line < line {
				section = top[i].Value
			}
			if top[i].Line == line {
				section = ""
				break
			}
		}
	}
	if inner := l.inner(section, line); inner != "" {
		section = inner
	}
	siblings, ok := fields[section]
	if !ok || section == "" {
		return "", fields[""]
	}
	return section, siblings
}

// inner is the section within a section that a line belongs to, if any.
func (l lines) inner(section string, line int) (innermost string) {
	for name := range fields {
		outer, _, nested := strings.Cut(name, ".")
		if !nested || outer != section {
			continue
		}
		begin, found := l.find(name)
		end := begin
		node := l.root.Content[0]
		for key := range strings.SplitSeq(name, ".") {
			if node != nil {
				node = child(node, key)
			}
		}
		if node != nil {
			end = max(end, last(*node))
		}
		if found && begin <= line && line <= end && len(name) > len(innermost) {
			innermost = name
		}
	}
	return innermost
}

// last is the last line of a node.
func last(node yaml.Node) int {
	line := node.Line
	for _, inner := range node.Content {
		line = max(line, last(*inner))
	}
	return line
}
