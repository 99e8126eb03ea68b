package config

import (
	"cmp"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/aftershockhq/aftershock/experiments/chaosmesh"
	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/experiments/load"
	"github.com/aftershockhq/aftershock/experiments/workers"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate/secret"
)

// defaultRate is that of a load that names none.
const defaultRate = 100

// loadOf is the load of an experiment: its own, merged into the service's.
func (r *resolver) loadOf(t *Target, own cursor) (*load.HTTP, *workers.Pods, []byte) {
	at := t.at.field("load")
	if own.null() {
		if t.Load == nil {
			return nil, nil, nil
		}
		return r.load(at, *t.Load)
	}
	merged := own.with(merge(at.value, own.value))
	var l Load
	if !r.ok(func() { r.value(merged, &l) }) {
		return nil, nil, nil
	}
	return r.load(merged, l)
}

// load makes a load of what is written of it.
func (r *resolver) load(at cursor, l Load) (*load.HTTP, *workers.Pods, []byte) {
	h := load.HTTP{
		URL: l.URL, Shape: l.Rate, Targets: r.beside(l.Targets), Method: l.Method, BodyFile: r.beside(l.BodyFile),
		Timeout: l.Timeout, BackendHeader: l.BackendHeader, Reuse: l.Reuse, ReuseRate: l.ReuseRate,
		Headers: r.headers(l.Headers),
		Success: load.Success{Status: l.Success.Status, Contains: l.Success.Body.Contains},
	}
	if h.Shape.Peak() == 0 {
		h.Shape = load.Constant(defaultRate)
	}
	for _, file := range l.HeaderFiles {
		h.Headers.Files = append(h.Headers.Files, r.beside(file))
	}
	bundle := r.bundle(at.field("caFile"), l.CAFile)
	h.TLS = trusting(bundle)
	if err := h.Validate(); err != nil {
		r.fail(at, err)
	}
	h.Headers.Values = h.Headers.Canonical()
	if l.Workers != nil {
		r.workers(at.field("workers"), l.Workers)
	}
	return &h, l.Workers, bundle
}

// headers are what is sent, of what is written of it.
func (r *resolver) headers(written map[string]Header) secret.Headers {
	h := secret.Headers{Values: http.Header{}, Secrets: map[string]secret.Secret{}}
	for name, value := range written {
		if value.Secret == (secret.Secret{}) {
			h.Values[name] = []string{value.Value}
			continue
		}
		value.Secret.File = r.beside(value.Secret.File)
		h.Secrets[name] = value.Secret
	}
	return h
}

func (r *resolver) workers(at cursor, w *workers.Pods) {
	w.Namespace = cmp.Or(w.Namespace, r.plan.Cluster.Namespace)
	if err := w.Validate(); err != nil {
		r.fail(at, err)
	}
	for name, amount := range map[string]resource.Quantity{"cpu": w.CPU, "memory": w.Memory} {
		if !at.field(name).null() && amount.IsZero() {
			r.bad(at.field(name), "want an amount above zero, as in 500m of cpu or 256Mi of memory")
		}
	}
}

// bundle are the certificate authorities in a file, PEM.
func (r *resolver) bundle(at cursor, path string) []byte {
	if path == "" {
		return nil
	}
	pem, err := r.readFile(path)
	switch {
	case err != nil:
		r.bad(at, "%s", err)
	case !x509.NewCertPool().AppendCertsFromPEM(pem):
		r.bad(at, "%s holds no certificate", path)
	}
	return pem
}

// maxFile is the length of the longest file that is read.
const maxFile = 1 << 20

// readFile reads a file that the configuration names. A device or a pipe may have
// no end.
func (r *resolver) readFile(path string) ([]byte, error) {
	info, err := os.Stat(r.beside(path))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("there is no file %s; a path is relative to the directory of the configuration", r.beside(path))
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular() || info.Size() > maxFile:
		return nil, fmt.Errorf("%s is not a file of at most %d bytes", path, maxFile)
	}
	return os.ReadFile(r.beside(path))
}

// trusting is TLS that trusts these authorities; nil: the system's.
func trusting(bundle []byte) *tls.Config {
	if bundle == nil {
		return nil
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(bundle)
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
}

// chaosMesh reads the object of a fault that is written in Chaos Mesh's own YAML.
func (r *resolver) chaosMesh(c ChaosMesh, effects []record.Effect, at cursor) (object chaosmesh.Object, ok bool) {
	text := c.YAML
	switch {
	case (c.File == "") == (c.YAML == ""):
		r.bad(at, "want either file, the path of a Chaos Mesh object, or yaml, its text")
		return object, false
	case c.File != "":
		read, err := r.readFile(c.File)
		if err != nil {
			r.bad(at.field("file"), "%s", err)
			return object, false
		}
		text = string(read)
	}
	return chaosmesh.Object{YAML: text, Follow: c.Follow, Effects: effects}, true
}

// Aim is a fault of Chaos Mesh on these pods, in this container where it needs
// one and names none. Ok is false for another fault.
func (f Fault) Aim(pods, to faults.Pods, container string) (spec chaosmesh.Spec, ok bool) {
	if c, object := f.Spec.(ChaosMesh); object {
		return c.Object, true
	}
	if _, ok = f.Spec.(chaosmesh.Spec); !ok {
		return nil, false
	}
	v := reflect.New(reflect.TypeOf(f.Spec)).Elem()
	v.Set(reflect.ValueOf(f.Spec))
	v.FieldByName("Pods").Set(reflect.ValueOf(pods))
	if effects := v.FieldByName("Effects"); len(f.Effects) > 0 {
		effects.Set(reflect.ValueOf(f.Effects))
	}
	if f.To != "" {
		v.FieldByName("To").Set(reflect.ValueOf(to))
	}
	if containers := v.FieldByName("Containers"); containers.IsValid() && containers.Len() == 0 {
		containers.Set(reflect.ValueOf([]string{container}))
	}
	return reflect.TypeAssert[chaosmesh.Spec](v)
}

// hosts are the hosts of URLs.
var hosts = regexp.MustCompile(`https?://[^/\s"]*`)

// content is what a file of the load holds; empty where it cannot be read, which
// the load itself reports. Each file is read once, however many experiments name it.
func (r *resolver) content(path string) string {
	if text, done := r.contents[path]; done {
		return text
	}
	var text []byte
	if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
		text, _ = os.ReadFile(path)
	}
	r.contents[path] = string(text)
	return r.contents[path]
}

// hash is of what the experiment does. Files in Chaos Mesh's YAML, bodies and
// targets count by what is in them; secrets by where they are; probes by how they ask.
func (r *resolver) hash(p Planned, e Experiment) string {
	type check struct {
		Name, Signal, Query, Reduce, Good, Every string
		Allowed                                  float64
		Probe                                    []any `json:",omitempty"`
	}
	type workload struct {
		Workload, Container string
		Selector            map[string]string
	}
	of := func(t *Target) workload { return workload{t.Workload.Text(), t.Container, t.Selector} }
	what := struct {
		On      workload
		Called  []workload
		Load    any
		Times   Times
		Faults  []PlannedFault
		Signals map[string]string
		Checks  []check
		Expect  []string
	}{On: of(p.Target), Times: p.Times, Faults: slices.Clone(p.Faults), Signals: map[string]string{}, Expect: e.Expects}
	if h := p.Load; h != nil {
		what.Load = []any{
			h.Shape.String(), h.Method, h.Headers.Values, h.Headers.Secrets, h.BackendHeader, h.Timeout, h.Reuse, h.ReuseRate, h.Success.String(),
			r.content(h.BodyFile), hosts.ReplaceAllString(r.content(h.Targets), ""),
		}
	}
	for i, f := range p.Faults {
		if f.Callee != nil {
			what.Called = append(what.Called, of(f.Callee))
		}
		if spec, ok := f.Spec.(ChaosMesh); ok {
			spec.File, spec.YAML = "", "" // its object is here
			what.Faults[i].Spec = spec
		}
	}
	subject := p.Target.Subject(p.Target.Container)
	subject.Namespace = "" // which is a name of the environment's, as a URL is
	query := func(text string) string {
		if filled, err := fill(text, subject.placeholders()); err == nil {
			return filled
		}
		return text // which was reported
	}
	for _, name := range p.Signals() {
		what.Signals[name] = query(p.Target.Signals[name].Text)
	}
	for _, c := range p.Checks {
		one := check{Name: c.Name, Signal: c.Signal, Good: c.Good.String(), Allowed: c.Allowed}
		if c.Query != nil {
			one.Query, one.Reduce, one.Every = query(c.Query.Text), string(c.Query.Reduce), c.Query.Every.String()
		}
		for signal, probe := range p.Target.Probes() {
			if signal == c.Signal {
				one.Probe = probe.does()
			}
		}
		what.Checks = append(what.Checks, one)
	}
	text, err := json.Marshal(what)
	if err != nil {
		panic(fmt.Sprintf("config: hash of %s: %v", p.ID(), err)) // plain data
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:6])
}

// directory is the file's, which paths in it are relative to.
func (r *resolver) directory() string { return filepath.Dir(r.plan.Path) }

// beside resolves a path that the file names.
func (r *resolver) beside(path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(r.directory(), path)
}
