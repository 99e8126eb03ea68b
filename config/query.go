package config

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"text/template/parse"
	"time"

	"github.com/prometheus/common/model"

	"github.com/aftershockhq/aftershock/steadystate/prom"
)

// A Query is PromQL that may name what it is about, and where its text is.
type Query struct {
	Text   string
	Reduce prom.Reduction
	Every  time.Duration // zero: the source's default
	Place  Place
}

// A Subject is what a query is about. In PromQL that several services share,
// {{.Namespace}} and the like stand for its fields.
type Subject struct {
	Service   string // its name
	Namespace string
	Pods      string // a regular expression of the names of its pods, and of no others
	Container string // that serves
	Histogram string // of its requests, without "_bucket"
	Range     string // of rates, as "15s"
	labels    map[string]string
}

// Series are the label matchers of the service's own series:
// namespace="shop",pod=~"checkout-.*",route="/checkout".
func (s Subject) Series() string {
	matchers := []string{fmt.Sprintf(`namespace=%q,pod=~%q`, s.Namespace, s.Pods)}
	for _, label := range slices.Sorted(maps.Keys(s.labels)) {
		matchers = append(matchers, fmt.Sprintf("%s=%q", label, s.labels[label]))
	}
	return strings.Join(matchers, ",")
}

// Usage are the label matchers of its container in the kubelets' cAdvisor.
func (s Subject) Usage() string {
	return fmt.Sprintf(`namespace=%q,pod=~%q,container=%q`, s.Namespace, s.Pods, s.Container)
}

// AllUsage are the label matchers of all containers of its pods, likewise.
func (s Subject) AllUsage() string {
	return fmt.Sprintf(`namespace=%q,pod=~%q,container!="",container!="POD"`, s.Namespace, s.Pods)
}

// Subject is what queries about the service are about. The container is that of
// the file; where it says none, the one that was read from the cluster.
func (t *Target) Subject(container string) Subject {
	return Subject{
		Service: t.Name, Namespace: t.Namespace, Pods: t.Workload.PodNames(), Container: container,
		Histogram: t.Metrics.Histogram, Range: model.Duration(t.Metrics.Range).String(), labels: t.Metrics.Labels,
	}
}

// Parse parses the query about a subject.
func (q Query) Parse(s Subject) (prom.Query, error) {
	text, err := fill(q.Text, s.placeholders())
	if err != nil {
		return prom.Query{}, err
	}
	return parseQuery(text)
}

// parseQuery parses a query without placeholders.
func parseQuery(text string) (prom.Query, error) {
	if len(text) > maxQuery {
		return prom.Query{}, fmt.Errorf("PromQL: %d bytes; want at most %d", len(text), maxQuery)
	}
	parsed, err := prom.Parse(text)
	if err != nil {
		return prom.Query{}, fmt.Errorf("PromQL: %s", inQuery.ReplaceAllString(errors.Unwrap(err).Error(), "line $1, column $2 of the query: ")) // without the text
	}
	return parsed, nil
}

// inQuery matches where PromQL's parser says that a mistake is.
var inQuery = regexp.MustCompile(`^(\d+):(\d+): parse error: `)

// maxQuery is the length of the longest query. The time that PromQL's parser takes
// is the square of how deep a query is.
const maxQuery = 8192

// A placeholder is {{.Name}}, as it is written, and what takes its place.
type placeholder struct{ name, text string }

// placeholders are those of a query about the subject.
func (s Subject) placeholders() []placeholder {
	return []placeholder{
		{"{{.Service}}", s.Service},
		{"{{.Namespace}}", s.Namespace},
		{"{{.Pods}}", s.Pods},
		{"{{.Container}}", s.Container},
		{"{{.Histogram}}", s.Histogram},
		{"{{.Range}}", s.Range},
		{"{{.AllUsage}}", s.AllUsage()},
		{"{{.Series}}", s.Series()},
		{"{{.Usage}}", s.Usage()},
	}
}

// ofService is the placeholder of a title.
func ofService(name string) []placeholder { return []placeholder{{"{{.Service}}", name}} }

// fill puts texts in the place of their placeholders. Nothing else of a template is
// taken: a loop of one line may not end, and a call of printf within calls of printf
// doubles a text with each. So none is executed.
func fill(text string, placeholders []placeholder) (string, error) {
	bad := func(format string, args ...any) (string, error) {
		var names []string
		for _, p := range placeholders {
			names = append(names, p.name)
		}
		return "", fmt.Errorf(format+"; placeholders: %s", append(args, strings.Join(names, ", "))...)
	}
	form := parse.New("text")
	form.Mode = parse.SkipFuncCheck // none is called
	if _, err := form.Parse(text, "", "", map[string]*parse.Tree{}); err != nil {
		return bad("a placeholder is not closed, or holds more than its name (%s)", inTemplate.ReplaceAllString(err.Error(), ""))
	}
	var filled strings.Builder
	for _, node := range form.Root.Nodes {
		if plain, ok := node.(*parse.TextNode); ok {
			filled.Write(plain.Text)
			continue
		}
		i := slices.IndexFunc(placeholders, func(p placeholder) bool { return p.name == node.String() })
		if i < 0 {
			return bad("%q is not a placeholder", node)
		}
		filled.WriteString(placeholders[i].text)
	}
	return filled.String(), nil
}

// inTemplate matches where text/template/parse says that a mistake is, in its own terms.
var inTemplate = regexp.MustCompile(`^template: text:\d+: `)
