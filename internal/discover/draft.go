package discover

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/aftershockhq/aftershock/config"
)

// A Draft is a first configuration file.
type Draft struct {
	Kubeconfig string // path; empty: as kubectl finds it
	Context    string // empty: the pod's own account
	Cluster    *Cluster
	Prometheus Metrics
	Services   []Service
}

// Variables are the environment variables that the file needs, since what they
// stand for is not known.
func (d Draft) Variables() (names []string) {
	if d.Cluster.UID == "" {
		names = append(names, uidVariable)
	}
	return names
}

// Forward is the command that forwards the port of Prometheus; empty: none has to be.
// It names the file's cluster, since one of another cluster would answer as well.
func (d Draft) Forward() string {
	front := d.Prometheus.Forward
	if front == nil {
		return ""
	}
	flags := ""
	if d.Kubeconfig != "" {
		flags += " --kubeconfig " + Word(d.Kubeconfig)
	}
	if d.Context != "" {
		flags += " --context " + Word(d.Context)
	}
	port, _ := front.port()
	return fmt.Sprintf("kubectl%s --namespace %s port-forward service/%s 9090:%d", flags, front.Namespace, front.Name, port.Port)
}

var plainWord = regexp.MustCompile(`^[\w@%+=:,./-]+$`)

// Word is a text as one word of a shell's command.
func Word(text string) string {
	if plainWord.MatchString(text) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

const uidVariable = "CLUSTER_UID"

// loaded reports whether there is something to send requests to.
func (s Service) loaded() bool { return s.URL != "" || len(s.Fronts) > 0 }

// Unreached are the names of the services whose URL is not known: their
// experiments are skipped.
func (d Draft) Unreached() (names []string) {
	for _, s := range d.Services {
		if s.URL == "" {
			names = append(names, s.Name)
		}
	}
	return names
}

// Refused are the names of the services with a load that preflight refuses: it has no
// good answer, or none that names its pod.
func (d Draft) Refused() (names []string) {
	for _, s := range d.Services {
		if s.URL != "" && !s.ready() {
			names = append(names, s.Name)
		}
	}
	return names
}

// First is the id of an experiment to begin with: the gentlest of the first service
// whose experiments can run; empty: none can yet.
func (d Draft) First() string {
	i := slices.IndexFunc(d.Services, Service.ready)
	if i < 0 {
		return ""
	}
	first := d.Services[i]
	suites, _ := first.suites(d)
	if slices.Contains(suites, "pods") {
		return first.Name + "/pods/kill-one"
	}
	return first.Name + "/pods/evict"
}

// Text is the file.
func (d Draft) Text() string {
	var p page
	p.remark("", `Written by "aftershock init". Each field is explained in docs/configuration.md; "aftershock catalog" lists the experiments.`)
	for _, unseen := range d.Cluster.Unseen {
		p.remark("", unseen)
	}
	p.line("apiVersion: %s", config.Version)
	p.line("cluster:")
	if d.Kubeconfig != "" {
		p.line("  kubeconfig: %s", scalar(d.Kubeconfig))
	}
	if d.Context != "" {
		p.line("  context: %s", scalar(d.Context))
	}
	if d.Cluster.UID == "" {
		p.line("  uid: ${%s} # kubectl get namespace kube-system -o jsonpath={.metadata.uid}", uidVariable)
	} else {
		p.line("  uid: %s # of the namespace kube-system: another cluster is refused", scalar(d.Cluster.UID))
	}
	var namespaces []string
	for _, s := range d.Services {
		if name := scalar(s.Namespace); !slices.Contains(namespaces, name) {
			namespaces = append(namespaces, name)
		}
	}
	p.line("allow:")
	p.line("  namespaces: [%s] # faults touch nothing else", strings.Join(namespaces, ", "))
	p.prometheus(d)
	p.line("")
	p.remark("", "What must hold. The services share these checks, by name.")
	p.line("checks:")
	if slices.ContainsFunc(d.Services, Service.loaded) {
		p.check("standard/answers", answers, "seconds until the answer to each request of the load; no answer, or an error, is bad in any case")
	}
	p.check("standard/replicas", whole, "ready / desired pods")
	p.line("")
	p.remark("", "A load is 100 GET requests a second, unless its rate, method and so on say otherwise.")
	p.line("services:")
	for _, s := range d.Services {
		p.service(d, s)
	}
	return p.String()
}

// The names of checks.
const (
	answers = "answers"
	whole   = "whole"
)

// traffic is a line for a service without a load, by its histogram of requests.
const traffic = `traffic: "sum by (pod) (rate({{.Histogram}}_count{ {{.Series}}}[{{.Range}}]))"`

// A page is a file that is being written.
type page struct{ strings.Builder }

func (p *page) line(format string, args ...any) { fmt.Fprintf(p, format+"\n", args...) }

// remark is a comment, in lines of up to 120 characters.
func (p *page) remark(indent, text string) {
	line := indent + "#"
	for word := range strings.FieldsSeq(text) {
		if len(line)+1+len(word) > 120 && line != indent+"#" {
			p.line("%s", line)
			line = indent + "#"
		}
		line += " " + word
	}
	p.line("%s", line)
}

// scalar is a text as a value of a file: quoted where it has to be, with $ as it is
// written there.
func scalar(text string) string {
	quoted, err := yaml.Marshal(strings.ReplaceAll(text, "$", "$$"))
	if err != nil {
		return strconv.Quote(text)
	}
	return strings.TrimSpace(string(quoted))
}

// check is a copy of a check of the catalogue, under a name of the file's own.
func (p *page) check(id, name, about string) {
	for _, c := range config.Catalogue().Checks {
		if c.ID == id {
			_, body, _ := strings.Cut(c.YAML, "\n")
			p.line("  %s: # %s", name, about)
			p.WriteString(body)
		}
	}
}

func (p *page) prometheus(d Draft) {
	m := d.Prometheus
	if m.URL == "" {
		p.remark("", "No Prometheus was found, so there is no check with a query, and no experiment whose effect only metrics show. With one, add: prometheus: {url: http://...}")
		return
	}
	by := m.By
	if by != "" {
		by = "Through " + by + "."
	}
	if others := d.Cluster.Prometheus; m.By != "" && len(others) > 1 {
		var names []string
		for _, o := range others {
			names = append(names, o.Namespace+"/"+o.Name)
		}
		by += " Services that look like a Prometheus: " + strings.Join(names, ", ") + "."
	}
	if m.Forward != nil {
		by += " Only the cluster reaches it, so keep this running beside the program:"
	} else if m.Strange != nil {
		by += fmt.Sprintf(" It may be of another cluster: %s.", m.Strange)
	} else if m.Err != nil {
		by += fmt.Sprintf(" It did not answer from here: %s.", m.Err)
	}
	p.line("prometheus:")
	if by = strings.TrimSpace(by); by != "" {
		p.remark("  ", by)
	}
	if command := d.Forward(); command != "" {
		p.line("  #   %s", command)
		switch {
		case m.Err != nil:
			p.remark("  ", "Nothing answers there yet, so that it was not asked for series of the pods.")
		case m.Strange != nil:
			p.remark("  ", fmt.Sprintf("What answers there now may be of another cluster: %s.", m.Strange))
		}
	}
	p.line("  url: %s", scalar(m.URL))
}

func (p *page) service(d Draft, s Service) {
	const in = "    "
	p.line("  %s:", scalar(s.Name))
	about := strings.Join(append([]string{s.replicas()}, s.around()...), "; ") + "."
	switch s.Desired {
	case 0:
		about += " Preflight refuses a workload without pods: scale it up."
	case 1:
		about += " While its pod is away nothing answers, so that the limits are likely to be broken."
	}
	p.remark(in, about)
	p.line("    namespace: %s", scalar(s.Namespace))
	p.line("    workload: %s", scalar(s.Text()))
	if name, why := s.container(); name != "" {
		p.line("    container: %s # %s", scalar(name), why)
	}
	if len(s.Fronts) > 1 && s.Fronts[0].Name != s.Workload.Name {
		p.line("    service: %s # the first of %d that select its pods: say which one is meant", scalar(s.Fronts[0].Name), len(s.Fronts))
	}
	if len(s.Fronts) > 0 {
		if others := s.Fronts[0].others(); len(others) > 0 {
			chosen, _ := s.Fronts[0].port()
			p.remark(in, fmt.Sprintf("Of the HTTP ports of Service %s it is %s, the first; there is also %s.", s.Fronts[0].Name, cmp.Or(chosen.Name, strconv.Itoa(int(chosen.Port))), strings.Join(others, ", ")))
		}
	}
	checks := []string{answers, whole}
	if s.loaded() {
		p.load(d, s)
	} else {
		checks = []string{whole}
		p.remark(in, "No Service that selects its pods was found, so that nothing can be requested. Its experiments are skipped until it has a load, or traffic, PromQL that shows that its pods serve:")
		p.remark(in, traffic)
	}
	p.line("    checks: [%s]", strings.Join(checks, ", "))
	chosen, without := s.suites(d)
	if len(without) > 0 {
		p.remark(in, "Not among them: "+strings.Join(without, "; ")+".")
	}
	p.line("    suites: [%s]", strings.Join(chosen, ", "))
	if slices.Contains(chosen, "autoscaling") || slices.Contains(chosen, "autoscaling/surge") {
		named := ""
		if s.Autoscaler.Name != s.Workload.Name {
			named = "name: " + scalar(s.Autoscaler.Name)
		}
		p.line("    autoscaler: {%s} # a surge is ten times the load, unless surge says otherwise", named)
	}
}

func (p *page) load(d Draft, s Service) {
	const in = "    "
	if s.URL == "" {
		why := "no URL of Service " + s.Fronts[0].Name + " is known"
		for _, a := range s.Fronts[0].Addresses {
			why = fmt.Sprintf("only the cluster reaches Service %s (%s)", s.Fronts[0].Name, a.URL)
		}
		p.remark(in, strings.ToUpper(why[:1])+why[1:]+". Its experiments are skipped until it has a load, by a URL that reaches all its pods from here (kubectl port-forward leads to one of them only):")
		p.line(`    # load: {url: "http://..."}`)
		if d.Prometheus.URL != "" {
			p.remark(in, "or traffic, and no answers among its checks: the metrics of its pods show that they serve:")
			p.line("    # %s", traffic)
		}
		return
	}
	by, a := "The URL was given", s.Answer
	if s.By != "" {
		by = "Through " + s.By
	}
	if s.Probed {
		by += ", at the path of the readiness probe: give one that users request"
	}
	said := fmt.Sprintf("%s; it %s.", by, a)
	header := ""
	switch {
	case a.Header == "" && a.Good() && s.Probed:
		said += " No header of this path's answer names the pod; one of the path that users request may, X-Pod or the load's backendHeader, and without it preflight and run refuse faults on pods."
	case a.Header == "" && a.Good():
		said += " No header of the answer names the pod: have the service send one, as X-Pod with the pod's name, since preflight and run refuse faults on pods until an answer shows that the victim takes traffic."
	case a.Header == "":
		said += " Its answers must name the pod in a header, X-Pod or the load's backendHeader."
	case a.Single:
		said += fmt.Sprintf(" %d answers in a row were of one pod, by the header %s: all pods must take traffic.", askings, a.Header)
	default:
		said += fmt.Sprintf(" The header %s names the pod.", a.Header)
	}
	if a.Header != "" && a.Header != preferred {
		header = ", backendHeader: " + scalar(a.Header)
	}
	p.remark(in, said)
	p.line("    load: {url: %s%s}", strconv.Quote(strings.ReplaceAll(s.URL, "$", "$$")), header)
}

// suites are those of the catalogue that suit the service, and what of it is left
// out, with the reasons.
func (s Service) suites(d Draft) (chosen, without []string) {
	add := func(able bool, why string, suites ...string) {
		if able {
			chosen = append(chosen, suites...)
		} else if why != "" {
			without = append(without, strings.Join(suites, ", ")+" ("+why+")")
		}
	}
	chaos := d.Cluster.ChaosMesh == nil
	switch {
	case chaos:
		add(true, "", "pods", "network")
	default:
		add(true, "", "pods/evict")
		add(false, "Chaos Mesh is not installed", "pods", "network", "stress")
	}
	switch {
	case !chaos:
	case d.Prometheus.URL == "":
		add(false, "no Prometheus shows its effect", "stress")
	case s.limited():
		add(true, "", "stress")
	default:
		add(true, "", "stress/cpu-one", "stress/cpu-all")
		add(false, "the container has no memory limit", "stress/memory")
	}
	if s.Drains() && !d.Cluster.hides(budgets) {
		add(len(s.Budgets) > 0, "no PodDisruptionBudget, so that a drain may take every pod at once", "disruption")
	}
	add(s.Held == "", s.Held, "rollout/restart")
	add(false, "the cluster does not end it if this program is killed", "rollout/bad-image")
	switch h := s.Autoscaler; {
	case !s.Scales(), h == nil && d.Cluster.hides(autoscalers):
	case h == nil:
		add(false, "no HorizontalPodAutoscaler", "autoscaling")
	case least(h) >= h.Spec.MaxReplicas:
		add(false, "the autoscaler's min and max are the same", "autoscaling")
	case !s.loaded():
		add(false, "no load to surge", "autoscaling")
	case chaos:
		add(true, "", "autoscaling")
	default:
		add(true, "", "autoscaling/surge")
	}
	return chosen, without
}

// limited reports whether the container that serves has a memory limit.
func (s Service) limited() bool {
	name, _ := s.container()
	for _, c := range s.Template.Spec.Containers {
		if name == "" || c.Name == name {
			return !c.Resources.Limits.Memory().IsZero()
		}
	}
	return false
}
