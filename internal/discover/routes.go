package discover

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// An httpRoute is what is read of an HTTPRoute of the Gateway API.
type httpRoute struct {
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		ParentRefs []struct{ Name, Namespace, SectionName string }
		Hostnames  []string
		Rules      []struct {
			Matches     []struct{ Path struct{ Type, Value string } }
			BackendRefs []struct{ Kind, Name, Namespace string }
		}
	}
}

// A gateway is what is read of a Gateway.
type gateway struct {
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		Listeners []struct {
			Name, Hostname, Protocol string
			Port                     int32
		}
	}
	Status struct{ Addresses []struct{ Value string } }
}

// An openShiftRoute is what is read of a Route of OpenShift.
type openShiftRoute struct {
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		Host, Path        string
		To                backend
		AlternateBackends []backend
		TLS               *struct{}
	}
}

type backend struct{ Kind, Name string }

// objects lists a kind that this program has no types of, where the cluster has it.
func objects[T any](ctx context.Context, s *search, group, kind, resource string) (all []T) {
	for _, namespace := range s.everywhere() {
		var list unstructured.UnstructuredList
		list.SetGroupVersionKind(schema.GroupVersionKind{Group: group, Version: "v1", Kind: kind + "List"})
		s.list(ctx, &list, namespace, resource, "URLs that they give are not known")
		for _, item := range list.Items {
			var one T
			text, err := item.MarshalJSON()
			if err == nil {
				err = json.Unmarshal(text, &one)
			}
			if err != nil {
				s.found.err = cmp.Or(s.found.err, err)
			}
			all = append(all, one)
		}
	}
	return all
}

func (r httpRoute) to(service corev1.Service, gateways []gateway) (list []route) {
	for _, rule := range r.Spec.Rules {
		leads := false
		for _, to := range rule.BackendRefs {
			leads = leads || cmp.Or(to.Kind, "Service") == "Service" && to.Name == service.Name && cmp.Or(to.Namespace, r.Namespace) == service.Namespace
		}
		if !leads {
			continue
		}
		path := "/"
		if len(rule.Matches) > 0 {
			path = plain(rule.Matches[0].Path.Value)
		}
		add := func(scheme, host string, port int32) {
			if host != "" && !strings.HasPrefix(host, "*") {
				list = append(list, route{scheme, host, port, path})
			}
		}
		for _, parent := range r.Spec.ParentRefs {
			i := slices.IndexFunc(gateways, func(g gateway) bool {
				return g.Name == parent.Name && g.Namespace == cmp.Or(parent.Namespace, r.Namespace)
			})
			if i < 0 { // in a namespace that was not looked into
				for _, host := range r.Spec.Hostnames {
					add("https", host, 0)
					add("http", host, 0)
				}
				continue
			}
			for _, l := range gateways[i].Spec.Listeners {
				scheme := strings.ToLower(l.Protocol)
				if scheme != "http" && scheme != "https" || parent.SectionName != "" && parent.SectionName != l.Name {
					continue
				}
				hosts := r.Spec.Hostnames
				if len(hosts) == 0 {
					hosts = []string{l.Hostname}
				}
				for _, address := range gateways[i].Status.Addresses {
					if len(hosts) == 1 && hosts[0] == "" {
						hosts = []string{address.Value}
					}
				}
				for _, host := range hosts {
					add(scheme, host, l.Port)
				}
			}
		}
	}
	return list
}

func (r openShiftRoute) to(service corev1.Service) []route {
	leads := func(to backend) bool { return cmp.Or(to.Kind, "Service") == "Service" && to.Name == service.Name }
	if r.Namespace != service.Namespace || r.Spec.Host == "" || !leads(r.Spec.To) && !slices.ContainsFunc(r.Spec.AlternateBackends, leads) {
		return nil
	}
	scheme := "http"
	if r.Spec.TLS != nil {
		scheme = "https"
	}
	return []route{{scheme, r.Spec.Host, 0, plain(r.Spec.Path)}}
}
