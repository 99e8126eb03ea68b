package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"
	authorizationv1 "k8s.io/api/authorization/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/internal/trial"
	"github.com/aftershockhq/aftershock/suites/rights"
)

// A proxy passes the requests of an account on to an API server, each with its own
// token, and notes the rights that they need. It also asks what Chaos Mesh's
// admission asks with its chart's securityMode, which the lab has not: whether the
// account may create and update the kind of an object where its pods are.
type proxy struct {
	*trial.Proxy
	admin client.Client
	user  string

	mu            sync.Mutex
	used, refused []rights.Rule
}

func newProxy(cluster *rest.Config, admin client.Client, user string) (*proxy, error) {
	transport, err := rest.TransportFor(rest.AnonymousClientConfig(cluster))
	if err != nil {
		return nil, err
	}
	p := &proxy{admin: admin, user: user}
	if p.Proxy, err = trial.NewProxy(cluster.Host, admitted{p, transport}, true); err != nil {
		return nil, err
	}
	return p, nil
}

// admitted is a transport of the requests that are admitted.
type admitted struct {
	*proxy
	http.RoundTripper
}

func (a admitted) RoundTrip(req *http.Request) (*http.Response, error) {
	r, needed := rights.Of(req)
	if needed && r.Group == v1alpha1.SchemeGroupVersion.Group {
		if asked, ok := admission(r); ok && !a.allowed(req.Context(), asked) {
			a.note(asked, http.StatusForbidden)
			return denied(req, asked), nil
		} else if ok {
			a.note(asked, http.StatusOK)
		}
	}
	resp, err := a.RoundTripper.RoundTrip(req)
	if err == nil && needed {
		a.note(r, resp.StatusCode)
	}
	return resp, err
}

// admission is what Chaos Mesh asks for before it admits a request. The pods of the
// lab's faults are in the object's own namespace.
func admission(r rights.Rule) (asked rights.Rule, ok bool) {
	for kind := range v1alpha1.AllKindsIncludeScheduleAndWorkflow() {
		asked = rights.Rule{Namespace: r.Namespace, Group: r.Group, Resource: strings.ToLower(kind), Verb: r.Verb}
		if r.Verb == "patch" {
			asked.Verb = "update"
		}
		plural := asked.Resource
		if !strings.HasSuffix(plural, "chaos") {
			plural += "s"
		}
		if r.Resource == plural && slices.Contains([]string{"create", "update"}, asked.Verb) {
			return asked, true
		}
	}
	return asked, false
}

func (p *proxy) allowed(ctx context.Context, r rights.Rule) bool {
	namespace, _, _ := strings.Cut(strings.TrimPrefix(p.user, "system:serviceaccount:"), ":")
	review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
		User: p.user, Groups: []string{"system:serviceaccounts", "system:serviceaccounts:" + namespace, "system:authenticated"},
		ResourceAttributes: &authorizationv1.ResourceAttributes{Namespace: r.Namespace, Group: r.Group, Resource: r.Resource, Verb: r.Verb},
	}}
	return p.admin.Create(ctx, review) == nil && review.Status.Allowed
}

func denied(req *http.Request, r rights.Rule) *http.Response {
	status := apierrors.NewForbidden(schema.GroupResource{Group: r.Group, Resource: r.Resource}, "", fmt.Errorf("admission: the account may not %s", r)).Status()
	status.TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}
	text, _ := json.Marshal(status)
	return &http.Response{
		StatusCode: http.StatusForbidden, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: req,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader(text)),
	}
}

func (p *proxy) note(r rights.Rule, code int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.used = append(p.used, r); code == http.StatusForbidden || code == http.StatusUnauthorized {
		p.refused = append(p.refused, r)
	}
}

// seen are the rights that requests have used since the last look, and those that
// were refused.
func (p *proxy) seen() (used, refused []rights.Rule) {
	p.mu.Lock()
	defer p.mu.Unlock()
	used, refused = distinct(p.used), distinct(p.refused)
	p.used, p.refused = nil, nil
	return used, refused
}
