package rights

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/fields"
)

// A Rule is one right: one verb on one resource, in one namespace or in the
// whole cluster.
type Rule struct {
	Namespace string // empty: the whole cluster
	Group     string // API group; empty: core
	Resource  string // plural, with the subresource: "pods/eviction"
	Verb      string
	Name      string // the only object allowed; empty: any
	// Optional: a run works without it, but knows less and says so.
	Optional bool
}

// String returns "patch deployments.apps checkout in shop".
func (r Rule) String() string {
	what := r.Resource
	if r.Group != "" {
		what += "." + r.Group
	}
	if r.Name != "" {
		what += " " + r.Name
	}
	return fmt.Sprintf("%s %s in %s", r.Verb, what, cmp.Or(r.Namespace, "the cluster"))
}

// ParseRule is the inverse of [Rule.String].
func ParseRule(text string) (Rule, error) {
	words := strings.Fields(text)
	if n := len(words); n > 2 && words[n-2] == "the" && words[n-1] == "cluster" {
		words = append(words[:n-2:n-2], "")
	}
	if len(words) < 4 || len(words) > 5 || words[len(words)-2] != "in" {
		return Rule{}, fmt.Errorf("%q is not a right: want one such as \"patch deployments.apps checkout in shop\"", text)
	}
	r := Rule{Verb: words[0], Namespace: words[len(words)-1]}
	r.Resource, r.Group, _ = strings.Cut(words[1], ".")
	if len(words) == 5 {
		r.Name = words[2]
	}
	return r, nil
}

// Of returns the right that a request to an API server needs, by the server's own
// rules (k8s.io/apiserver, RequestInfoFactory). It is not ok for requests that every
// account may make: discovery, and reviews of the account itself.
func Of(req *http.Request) (rule Rule, ok bool) {
	a, ok := Parse(req.URL.Path)
	if !ok {
		return Rule{}, false
	}
	query := req.URL.Query()
	rule = Rule{Namespace: a.Namespace, Group: a.Group, Resource: a.Resource, Name: a.Name}
	if a.Subresource != "" {
		rule.Resource += "/" + a.Subresource
	}
	watches := slices.Contains([]string{"1", "true"}, query.Get("watch"))
	switch req.Method {
	case http.MethodPost:
		rule.Verb = "create"
	case http.MethodPut:
		rule.Verb = "update"
	case http.MethodPatch:
		rule.Verb = "patch"
	case http.MethodDelete:
		rule.Verb = "delete"
		if a.Name == "" {
			rule.Verb = "deletecollection"
		}
	default:
		rule.Verb = "get"
		if a.Name == "" {
			rule.Verb = "list"
			if watches {
				rule.Verb = "watch"
			}
			// To list one object by its name takes the right to that object only.
			if selected, err := fields.ParseSelector(query.Get("fieldSelector")); err == nil {
				rule.Name, _ = selected.RequiresExactMatch("metadata.name")
			}
		}
	}
	if rule.Verb == "create" && a.Subresource == "" {
		rule.Name = "" // a right to create names no object
	}
	own := strings.HasPrefix(a.Resource, "selfsubject") && slices.Contains([]string{"authorization.k8s.io", "authentication.k8s.io"}, a.Group)
	return rule, !own
}

// An Address holds the parts of an API path. Parts that the path lacks are empty.
type Address struct{ Group, Version, Namespace, Resource, Name, Subresource string }

// Parse splits the path of a resource request; a prefix, such as that of a proxy, is
// ignored. It is not ok for other paths, such as those of discovery.
func Parse(path string) (a Address, ok bool) {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	// In front of it may be the path of a proxy.
	for i := range parts {
		switch {
		case parts[i] == "api" && len(parts) > i+2 && parts[i+1] == "v1":
			a.Version = parts[i+1]
			parts = parts[i+2:]
		case parts[i] == "apis" && len(parts) > i+3:
			a.Group, a.Version = parts[i+1], parts[i+2]
			parts = parts[i+3:]
		default:
			continue
		}
		break
	}
	if a.Version == "" {
		return a, false
	}
	if parts[0] == "namespaces" && len(parts) > 2 && a.Group+parts[2] != "status" && a.Group+parts[2] != "finalize" {
		a.Namespace, parts = parts[1], parts[2:]
	}
	a.Resource = parts[0]
	if len(parts) > 1 {
		a.Name = parts[1]
	}
	if len(parts) > 2 {
		a.Subresource = parts[2]
	}
	return a, true
}

// Merge sorts rules by namespace, group, resource, name and verb, and removes duplicates.
// The right to one object is dropped if there is one to any object of that resource; a
// needed one is not for an optional one, which may not be granted. A right is optional only
// if every duplicate is.
func Merge(rules []Rule) []Rule {
	any := map[Rule]bool{}    // also optional ones
	needed := map[Rule]bool{} // not optional for one of those that ask
	for _, r := range rules {
		if r.Name == "" {
			any[r] = true
		}
	}
	list := map[Rule]bool{}
	for _, r := range rules {
		whole := r
		whole.Name, whole.Optional = "", false
		optionally := r
		optionally.Name, optionally.Optional = "", true
		if any[whole] || r.Optional && any[optionally] {
			r.Name = ""
		}
		optional := r.Optional
		r.Optional = false
		list[r] = true
		needed[r] = needed[r] || !optional
	}
	var merged []Rule
	for r := range list {
		r.Optional = !needed[r]
		merged = append(merged, r)
	}
	slices.SortFunc(merged, func(a, b Rule) int {
		return cmp.Or(
			cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Group, b.Group), cmp.Compare(a.Resource, b.Resource),
			cmp.Compare(a.Name, b.Name), cmp.Compare(rank(a.Verb), rank(b.Verb)), cmp.Compare(a.Verb, b.Verb),
		)
	})
	return merged
}

// verbs are in the order in which they are usually written.
var verbs = []string{"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"}

func rank(verb string) int { return slices.Index(verbs, verb) }
