package discover

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	promconfig "github.com/prometheus/common/config"

	"github.com/aftershockhq/aftershock/config"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate/prom"
)

// A Service is a workload that was chosen to be tested.
type Service struct {
	Workload
	Name   string // in the file
	URL    string // that reaches it from here; empty: none is known
	By     string // what the URL leads through; empty: it was given
	Probed bool   // the URL is that of the readiness probe, since no other one answers well
	Root   string // if Probed, what the address answers without that path, as in "http://192.0.2.7:30080 answered 404"
	Answer Answer // to a GET of the URL
}

// An Answer is what a URL answered to a GET from here. The zero value is of one
// that was not asked.
type Answer struct {
	Status int    // of HTTP; zero: there was no answer
	Header string // the response header that names the pod; empty: there is none
	Single bool   // it always named the same pod, although there are several
	Err    error  // why there was no answer
}

// Good reports whether it is an answer to measure. A redirect is not: a load
// does not follow it, and counts it as a failure.
func (a Answer) Good() bool { return a.Status >= 200 && a.Status < 300 }

// String is what a comment says of it.
func (a Answer) String() string {
	switch {
	case a.Err != nil:
		return fmt.Sprintf("did not answer from here: %s", a.Err)
	case a.Good():
		return fmt.Sprintf("answered %d", a.Status)
	case a.Status >= 300 && a.Status < 400:
		return fmt.Sprintf("answered %d, a redirect, which a load does not follow: give the URL that it leads to", a.Status)
	}
	return fmt.Sprintf("answered %d: give a path that users request", a.Status)
}

// A ChoiceError says that what was named is not there, or is more than one.
type ChoiceError struct {
	Named string // empty: nothing was
	Among []Workload
}

// Error lists what was found.
func (e *ChoiceError) Error() string {
	const most = 40
	text := "say which workloads are meant, with --service NAMESPACE/KIND/NAME (it may be repeated)"
	if e.Named != "" {
		text = fmt.Sprintf("--service %s: want one of the workloads that were found, as NAMESPACE/KIND/NAME", e.Named)
	}
	if len(e.Among) == 0 {
		return text + "; there is none"
	}
	text += ":"
	for i, w := range e.Among {
		if i == most {
			return text + fmt.Sprintf("\n  and %d more: narrow it with --namespace", len(e.Among)-most)
		}
		text += "\n  " + w.String()
	}
	return text
}

// Choose are the workloads of these names, NAMESPACE/KIND/NAME or the end of one
// that is of one workload alone, in this order. The error is a [ChoiceError].
func (c *Cluster) Choose(names ...string) (chosen []Service, err error) {
	if len(names) == 0 {
		return nil, &ChoiceError{Among: c.Workloads}
	}
	for _, name := range names {
		var of []Workload
		for _, w := range c.Workloads {
			if id := strings.ToLower(w.ID()); id == strings.ToLower(name) || strings.HasSuffix(id, "/"+strings.ToLower(name)) {
				of = append(of, w)
			}
		}
		switch {
		case len(of) == 0:
			return nil, &ChoiceError{Named: name, Among: c.Workloads}
		case len(of) > 1:
			return nil, &ChoiceError{Named: name, Among: of}
		case slices.ContainsFunc(chosen, func(s Service) bool { return s.ID() == of[0].ID() }):
			continue
		}
		chosen = append(chosen, Service{Workload: of[0], Name: free(of[0], chosen)})
	}
	return chosen, nil
}

// free is a name for a service that no other one has, and that a file can have.
func free(w Workload, taken []Service) string {
	kind, _, _ := strings.Cut(w.Text(), "/")
	names := []string{w.Name, w.Namespace + "-" + w.Name, w.Namespace + "-" + kind + "-" + w.Name}
	for _, name := range names {
		reserved := name == config.ToCalls || name == record.ControlLabel
		if !reserved && !slices.ContainsFunc(taken, func(s Service) bool { return s.Name == name }) {
			return name
		}
	}
	return names[len(names)-1]
}

// Reach finds a URL of the service that answers from here, and what it answers. A
// URL that is given is taken in any case.
func (s *Service) Reach(ctx context.Context, f Finder, given string) {
	if given != "" {
		s.URL, s.By, s.Probed, s.Root = given, "", false, ""
		s.Answer = f.ask(ctx, given, s.Workload)
		return
	}
	for _, front := range s.Fronts {
		for _, a := range front.Addresses {
			root := ""
			for _, path := range append([]string{""}, s.probed()...) {
				at := strings.TrimSuffix(a.URL, "/") + path
				if path == "" {
					at = a.URL
				}
				answer := f.ask(ctx, at, s.Workload)
				if path == "" {
					root = fmt.Sprintf("%s answered %d", at, answer.Status)
				}
				better := answer.Good() && !s.Answer.Good() || answer.Status > 0 && s.Answer.Status == 0
				if better || s.URL == "" && !a.Inside {
					s.URL, s.By, s.Probed, s.Answer, s.Root = at, a.By, path != "", answer, ""
					if s.Probed {
						s.Root = root
					}
				}
				if s.Answer.Good() {
					return
				}
				if answer.Err != nil {
					break // another path would not answer either
				}
			}
		}
	}
}

// ready reports whether a run of its experiments can begin: its answers name their pods.
func (s Service) ready() bool { return s.Answer.Good() && s.Answer.Header != "" }

// Why says why a URL that was not chosen is a makeshift; empty: it is not.
func (s *Service) Why() string {
	if !s.Probed {
		return ""
	}
	why := fmt.Sprintf("%s, and %s, the path of the readiness probe, %s: a load of it measures the probe, not what users request", s.Root, s.URL, s.Answer)
	if s.Answer.Header == "" {
		why += ", and its answers name no pod, so that preflight and run refuse faults on pods"
	}
	return why
}

// probed is the path of its readiness probe, in case the root has no answer.
func (s *Service) probed() (paths []string) {
	for _, c := range s.Template.Spec.Containers {
		if p := c.ReadinessProbe; p != nil && p.HTTPGet != nil && strings.Trim(p.HTTPGet.Path, "/") != "" {
			paths = append(paths, "/"+strings.TrimPrefix(p.HTTPGet.Path, "/"))
		}
	}
	return slices.Compact(paths)
}

const (
	// patience is how long one answer may take; as that of a load.
	patience = 2 * time.Second
	// askings is how often a URL is asked for a header that names the pod: of three
	// pods that are chosen by chance one alone answers ten times once in 20,000.
	askings = 10
)

// ask asks a URL as a load does, without a proxy and following no redirect, and
// looks for a header of its answers that names a pod of the workload: of several
// pods, not always the same one.
func (f Finder) ask(ctx context.Context, at string, w Workload) (answer Answer) {
	c := http.Client{
		Transport:     &http.Transport{DialContext: f.Dial, DisableKeepAlives: true}, // kept alive, one pod answers all
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       patience,
	}
	pod := regexp.MustCompile(`^(?:` + w.PodNames() + `)$`)
	pods := map[string][]string{} // that each header named
	for range askings {
		status, header, err := get(ctx, c, at)
		if answer.Status == 0 {
			answer.Status, answer.Err = status, err
		}
		if err != nil || !answer.Good() {
			return answer
		}
		for name, values := range header {
			for _, value := range values {
				if pod.MatchString(value) && !slices.Contains(pods[name], value) {
					pods[name] = append(pods[name], value)
				}
			}
		}
		if len(pods) == 0 {
			return answer // another answer has no other headers
		}
		answer.Header, answer.Single = naming(pods, w.Desired)
		if !answer.Single {
			return answer
		}
	}
	return answer
}

// naming is the header that names the pods best: more than one of them, and that
// which a load looks for by itself.
func naming(pods map[string][]string, replicas int32) (header string, single bool) {
	names := slices.SortedFunc(maps.Keys(pods), func(a, b string) int {
		order := func(name string) int {
			switch {
			case len(pods[name]) > 1 && name == preferred:
				return 0
			case len(pods[name]) > 1:
				return 1
			case name == preferred:
				return 2
			}
			return 3
		}
		return cmp.Or(cmp.Compare(order(a), order(b)), cmp.Compare(a, b))
	})
	return names[0], len(pods[names[0]]) == 1 && replicas > 1
}

// preferred is the header that a load looks for, if the file names none.
const preferred = "X-Pod"

func get(ctx context.Context, c http.Client, at string) (status int, header http.Header, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return 0, nil, err
	}
	response, err := c.Do(request)
	if err != nil {
		if of, ok := errors.AsType[*url.Error](err); ok {
			err = of.Err // without the URL, which is known
		}
		return 0, nil, err
	}
	defer func() { _ = response.Body.Close() }()
	_, _ = io.CopyN(io.Discard, response.Body, 1<<20)
	return response.StatusCode, response.Header, nil
}

// Metrics is the Prometheus of a file.
type Metrics struct {
	URL string // empty: there is none
	By  string // what it leads through; empty: it was given
	Err error  // why it does not answer from here; nil: it does
	// Strange is why it may be that of another cluster; nil: it has series of the
	// pods of the first service, or does not answer.
	Strange error
	// Forward is the Service of one that only the cluster reaches, and its port; nil:
	// the URL is reached otherwise.
	Forward *Front
}

// Reach finds a Prometheus that answers from here. A URL that is given is taken
// in any case; of one that only the cluster reaches it is that of a forwarded port,
// whatever answers there now. One that answers is asked for series of the pods.
func (m *Metrics) Reach(ctx context.Context, f Finder, found []Front, given string, of Workload) {
	m.find(ctx, f, found, given)
	if m.URL != "" && m.Err == nil {
		m.Strange = f.askForPods(ctx, m.URL, of)
	}
}

func (m *Metrics) find(ctx context.Context, f Finder, found []Front, given string) {
	if given != "" {
		*m = Metrics{URL: given, Err: f.askPrometheus(ctx, given)}
		return
	}
	for _, front := range found {
		for _, a := range front.Addresses {
			at := strings.TrimSuffix(a.URL, "/")
			err := f.askPrometheus(ctx, at)
			if err == nil {
				*m = Metrics{URL: at, By: a.By + " in " + front.Namespace}
				return
			}
			if m.URL == "" && !a.Inside {
				*m = Metrics{URL: at, By: a.By + " in " + front.Namespace, Err: err}
			}
		}
	}
	if m.URL == "" && len(found) > 0 {
		const at = "http://localhost:9090"
		*m = Metrics{URL: at, By: "Service " + found[0].Name + " in " + found[0].Namespace, Forward: &found[0], Err: f.askPrometheus(ctx, at)}
	}
}

func (f Finder) askPrometheus(ctx context.Context, at string) error {
	return f.withPrometheus(ctx, at, func(ctx context.Context, c *prom.Client) error {
		_, err := c.Ahead(ctx)
		return err
	})
}

// askForPods asks for any series of the workload's pods, as cAdvisor's are and those
// of what scrapes pods.
func (f Finder) askForPods(ctx context.Context, at string, of Workload) error {
	selector := fmt.Sprintf("{namespace=%q, pod=~%q}", of.Namespace, of.PodNames())
	return f.withPrometheus(ctx, at, func(ctx context.Context, c *prom.Client) error {
		has, err := c.Has(ctx, selector)
		if err == nil && !has {
			err = fmt.Errorf("it has no series %s", selector)
		}
		return err
	})
}

func (f Finder) withPrometheus(ctx context.Context, at string, ask func(context.Context, *prom.Client) error) error {
	var options []promconfig.HTTPClientOption
	if f.Dial != nil {
		options = append(options, promconfig.WithDialContextFunc(f.Dial))
	}
	c, err := prom.NewClient(prom.Config{URL: at}, options...)
	if err != nil {
		return err
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return ask(ctx, c)
}

// container is the container that serves, if the file must name it: the one with
// the port that the Service leads to, else the first; empty: it is the only one.
func (s *Service) container() (name, why string) {
	containers := s.Template.Spec.Containers
	if len(containers) < 2 {
		return "", ""
	}
	if len(s.Fronts) > 0 {
		to, _ := s.Fronts[0].port()
		for _, c := range containers {
			for _, p := range c.Ports {
				if p.Name == to.TargetPort.StrVal && p.Name != "" || p.ContainerPort == cmp.Or(to.TargetPort.IntVal, to.Port) && to.TargetPort.StrVal == "" {
					return c.Name, "the one with the port of Service " + s.Fronts[0].Name
				}
			}
		}
	}
	return containers[0].Name, fmt.Sprintf("the first of %d: say which one serves", len(containers))
}
