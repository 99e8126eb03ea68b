package rights

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"
	clientgo "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
)

func TestTheRightThatARequestNeeds(t *testing.T) {
	for _, row := range []struct{ sentence, request, want string }{
		{"one object", "GET /api/v1/namespaces/shop/pods/a", "get pods a in shop"},
		{"all of a namespace", "GET /api/v1/namespaces/shop/pods?labelSelector=app%3Dshop", "list pods in shop"},
		{"all of the cluster", "GET /api/v1/nodes", "list nodes in the cluster"},
		{"changes", "GET /apis/apps/v1/namespaces/shop/deployments?watch=true&resourceVersion=7", "watch deployments.apps in shop"},
		{"changes in an older form", "GET /apis/apps/v1/namespaces/shop/deployments?watch=1", "watch deployments.apps in shop"},
		{"no changes", "GET /apis/apps/v1/namespaces/shop/deployments?watch=false", "list deployments.apps in shop"},
		{"a list of one object", "GET /apis/apps/v1/namespaces/shop/deployments?fieldSelector=metadata.name%3Dcheckout", "list deployments.apps checkout in shop"},
		{"a list by another field", "GET /api/v1/namespaces/shop/events?fieldSelector=involvedObject.name%3Dcheckout", "list events in shop"},
		{"a new object", "POST /apis/chaos-mesh.org/v1alpha1/namespaces/shop/podchaos?dryRun=All", "create podchaos.chaos-mesh.org in shop"},
		{"a subresource", "POST /api/v1/namespaces/shop/pods/a/eviction", "create pods/eviction a in shop"},
		{"a proxy", "GET /api/v1/namespaces/loads/pods/load-0:8642/proxy/4f1c/clock", "get pods/proxy load-0:8642 in loads"},
		{"an update", "PUT /api/v1/namespaces/shop/configmaps/a", "update configmaps a in shop"},
		{"a patch", "PATCH /apis/apps/v1/namespaces/shop/deployments/checkout", "patch deployments.apps checkout in shop"},
		{"a deletion", "DELETE /apis/batch/v1/namespaces/shop/jobs/a", "delete jobs.batch a in shop"},
		{"a deletion of many", "DELETE /apis/batch/v1/namespaces/shop/jobs", "deletecollection jobs.batch in shop"},
		{"a namespace", "GET /api/v1/namespaces/kube-system", "get namespaces kube-system in the cluster"},
		{"all namespaces", "GET /api/v1/namespaces", "list namespaces in the cluster"},
		{"behind a proxy's path", "GET /k8s/clusters/c-1/api/v1/namespaces/shop/pods/a", "get pods a in shop"},
		{"an object that is called like a part of a path", "GET /api/v1/namespaces/apis/pods/api", "get pods api in apis"},
		{"the version", "GET /version", ""},
		{"what there is", "GET /apis/apps/v1", ""},
		{"what there is in the core", "GET /api/v1", ""},
		{"what the account may", "POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews", ""},
		{"who the account is", "POST /apis/authentication.k8s.io/v1/selfsubjectreviews", ""},
	} {
		method, url, _ := strings.Cut(row.request, " ")
		rule, ok := Of(httptest.NewRequest(method, url, http.NoBody))
		if got := rule.String(); ok != (row.want != "") || (ok && got != row.want) {
			t.Errorf("%s: %s needs %q (%t), want %q", row.sentence, row.request, got, ok, row.want)
		}
	}
}

func TestARuleIsReadFromItsText(t *testing.T) {
	for _, want := range []Rule{
		{Namespace: "shop", Resource: "pods", Verb: "delete"},
		{Namespace: "shop", Group: "apps", Resource: "deployments", Verb: "patch", Name: "checkout"},
		{Namespace: "shop", Resource: "pods/eviction", Verb: "create", Name: "in"},
		{Namespace: "the", Group: "chaos-mesh.org", Resource: "podchaos", Verb: "delete"},
		{Resource: "namespaces", Verb: "get", Name: "kube-system"},
		{Resource: "nodes", Verb: "list"},
	} {
		if got, err := ParseRule(want.String()); err != nil || got != want {
			t.Errorf("%s: %+v, %v", want, got, err)
		}
	}
	for _, text := range []string{"", "patch pods", "patch pods in", "patch pods a b in shop", "patch pods a shop"} {
		if got, err := ParseRule(text); err == nil {
			t.Errorf("%q is %+v", text, got)
		}
	}
}

func pod(verb, name string) Rule {
	return Rule{Namespace: "shop", Resource: "pods", Verb: verb, Name: name}
}

func TestRulesAreMerged(t *testing.T) {
	optional := Rule{Resource: "nodes", Verb: "list", Optional: true}
	needed := optional
	needed.Optional = false
	one := func(r Rule) Rule { r.Name = "a"; return r }
	for _, row := range []struct {
		sentence string
		rules    []Rule
		want     string
	}{
		{"each once, and in the usual order", []Rule{pod("watch", ""), pod("get", ""), pod("get", "")}, "get pods in shop, watch pods in shop"},
		{"one is part of any, with the same verb", []Rule{pod("get", "a"), pod("list", "a"), pod("get", "")}, "get pods in shop, list pods a in shop"},
		{"two of them are not any", []Rule{pod("get", "b"), pod("get", "a")}, "get pods a in shop, get pods b in shop"},
		{"of use to one, and needed by another", []Rule{optional, needed, optional}, "list nodes in the cluster"},
		{"of use", []Rule{optional, optional}, "list nodes in the cluster (optional)"},
		{"one is needed, and any of use", []Rule{optional, one(needed)}, "list nodes in the cluster (optional), list nodes a in the cluster"},
		{"any is needed, and one of use", []Rule{needed, one(optional)}, "list nodes in the cluster"},
		{"both are of use", []Rule{optional, one(optional)}, "list nodes in the cluster (optional)"},
	} {
		var texts []string
		for _, r := range Merge(row.rules) {
			text := r.String()
			if r.Optional {
				text += " (optional)"
			}
			texts = append(texts, text)
		}
		if got := strings.Join(texts, ", "); got != row.want {
			t.Errorf("%s: %s, want %s", row.sentence, got, row.want)
		}
	}
}

func TestResourcesWithTheSameVerbsAreOneRule(t *testing.T) {
	apps := func(verb, resource, name string) Rule {
		return Rule{Namespace: "shop", Group: "apps", Resource: resource, Verb: verb, Name: name}
	}
	got := Lines([]Rule{
		pod("get", ""), pod("list", ""),
		{Namespace: "shop", Resource: "services", Verb: "get"},
		{Namespace: "shop", Resource: "services", Verb: "list"},
		apps("list", "deployments", ""), apps("get", "deployments", "b"), apps("get", "deployments", "a"), apps("patch", "deployments", "a"), apps("list", "statefulsets", ""),
		{Resource: "namespaces", Verb: "get", Name: "kube-system"},
	})
	want := []string{
		`in shop: {apiGroups: [""], resources: [pods, services], verbs: [get, list]}`,
		`in shop: {apiGroups: [apps], resources: [deployments], resourceNames: [a], verbs: [get, patch]}`,
		`in shop: {apiGroups: [apps], resources: [deployments], resourceNames: [b], verbs: [get]}`,
		`in shop: {apiGroups: [apps], resources: [deployments, statefulsets], verbs: [list]}`,
		`in the cluster: {apiGroups: [""], resources: [namespaces], resourceNames: [kube-system], verbs: [get]}`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

func TestWhatGrantsTheRights(t *testing.T) {
	list := []Rule{
		pod("list", ""),
		{Resource: "namespaces", Verb: "get", Name: "kube-system"},
		{Resource: "nodes", Verb: "list", Optional: true},
	}
	for _, row := range []struct {
		sentence string
		objects  []client.Object
		want     string
	}{
		{"operators", GrantOperators(list[:2], "chaos", []string{"ann"}), "ClusterRole aftershock:operator:chaos, ClusterRoleBinding aftershock:operator:chaos, Role shop/aftershock:operator:chaos, RoleBinding shop/aftershock:operator:chaos"},
		{"operators without people", GrantOperators(list[:2], "chaos", nil), "ClusterRole aftershock:operator:chaos, Role shop/aftershock:operator:chaos"},
		{
			"a ServiceAccount",
			Grant(list, Account{Namespace: "chaos", ServiceAccount: "bot"}),
			"Namespace chaos, ServiceAccount chaos/bot, ClusterRole aftershock:chaos:bot, ClusterRoleBinding aftershock:chaos:bot, " +
				"ClusterRole aftershock:chaos:bot:optional, ClusterRoleBinding aftershock:chaos:bot:optional, Role shop/aftershock:chaos:bot, RoleBinding shop/aftershock:chaos:bot",
		},
		{
			"a person",
			Grant(list, Account{Namespace: "chaos", ServiceAccount: "bot", User: "https://login/ann"}),
			"Namespace chaos, ClusterRole aftershock:https:--login-ann, ClusterRoleBinding aftershock:https:--login-ann, " +
				"ClusterRole aftershock:https:--login-ann:optional, ClusterRoleBinding aftershock:https:--login-ann:optional, Role shop/aftershock:https:--login-ann, RoleBinding shop/aftershock:https:--login-ann",
		},
	} {
		var names []string
		for _, object := range row.objects {
			name := object.GetName()
			if object.GetNamespace() != "" {
				name = object.GetNamespace() + "/" + name
			}
			names = append(names, object.GetObjectKind().GroupVersionKind().Kind+" "+name)
		}
		if got := strings.Join(names, ", "); got != row.want {
			t.Errorf("%s:\n  %s\nwant\n  %s", row.sentence, got, row.want)
		}
		text, err := YAML(row.objects)
		if err != nil || strings.Count(string(text), "---\n") != len(row.objects)-1 || strings.Contains(string(text), "status") || strings.Contains(string(text), "creationTimestamp") {
			t.Errorf("%s: %v\n%s", row.sentence, err, text)
		}
	}
}

func TestWhatAnAccountLacks(t *testing.T) {
	lacks := func(review authorizationv1.SelfSubjectAccessReview) (bool, error) {
		a := review.Spec.ResourceAttributes
		switch {
		case a.Resource == "pods" && a.Subresource == "eviction" && a.Verb == "create" && a.Namespace == "shop":
			return true, nil
		case a.Resource == "namespaces": // as the server sees a request for one
			return a.Namespace != "kube-system" || a.Name != "kube-system", nil
		case a.Resource == "broken":
			return false, errors.New("time-out")
		}
		return false, nil
	}
	c := fake.NewClientBuilder().WithScheme(clientgo.Scheme).WithInterceptorFuncs(interceptor.Funcs{
		Create: func(_ context.Context, _ client.WithWatch, object client.Object, _ ...client.CreateOption) error {
			review, ok := object.(*authorizationv1.SelfSubjectAccessReview)
			if !ok {
				return errors.New("not a review")
			}
			not, err := lacks(*review)
			review.Status.Allowed = !not
			return err
		},
	}).Build()
	evict := Rule{Namespace: "shop", Resource: "pods/eviction", Verb: "create"}
	rules := []Rule{pod("get", ""), evict, {Resource: "namespaces", Verb: "get", Name: "kube-system"}}
	for range 30 { // more than at once
		rules = append(rules, pod("list", ""))
	}
	missing, err := Missing(t.Context(), c, rules)
	if err != nil || !slices.Equal(missing, []Rule{evict}) {
		t.Errorf("missing are %v, %v", missing, err)
	}
	// What could not be asked is neither there nor missing.
	_, err = Missing(t.Context(), c, append(rules, Rule{Namespace: "shop", Resource: "broken", Verb: "get"}))
	if err == nil || err.Error() != "ask whether the account may get broken in shop: time-out" {
		t.Errorf("a review that fails: %v", err)
	}
}
