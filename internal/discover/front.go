package discover

import (
	"cmp"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
)

// A Front is a Service, and the URLs that lead to it, the best first.
type Front struct {
	corev1.Service
	Addresses []Address
}

// An Address is a URL of a Service.
type Address struct {
	URL    string
	By     string // what it leads through: "Ingress checkout", "NodePort 30080 of Service checkout"
	Inside bool   // only the cluster reaches it
}

// front finds the addresses of a Service.
func (s *search) front(service corev1.Service) Front {
	f := Front{Service: service}
	add := func(scheme, host string, port int32, path, by string) {
		f.Addresses = append(f.Addresses, Address{URL: urlOf(scheme, host, port, path), By: by})
	}
	for _, ingress := range s.ingresses {
		for _, r := range routes(ingress, service) {
			add(r.scheme, r.host, r.port, r.path, "Ingress "+ingress.Name)
		}
	}
	for _, of := range s.httpRoutes {
		for _, r := range of.to(service, s.gateways) {
			add(r.scheme, r.host, r.port, r.path, "HTTPRoute "+of.Name)
		}
	}
	for _, of := range s.openShift {
		for _, r := range of.to(service) {
			add(r.scheme, r.host, r.port, r.path, "Route "+of.Name)
		}
	}
	port, ok := f.port()
	if !ok {
		return f
	}
	scheme := schemeOf(port)
	for _, to := range service.Status.LoadBalancer.Ingress {
		add(scheme, cmp.Or(to.Hostname, to.IP), port.Port, "/", "the load balancer of Service "+service.Name)
	}
	for _, ip := range service.Spec.ExternalIPs {
		add(scheme, ip, port.Port, "/", "an external IP of Service "+service.Name)
	}
	if port.NodePort != 0 && s.node != "" {
		add(scheme, s.node, port.NodePort, "/", fmt.Sprintf("NodePort %d of Service %s", port.NodePort, service.Name))
	}
	f.Addresses = append(f.Addresses, Address{
		URL: urlOf(scheme, service.Name+"."+service.Namespace+".svc", port.Port, "/"), By: "Service " + service.Name, Inside: true,
	})
	return f
}

// port is the port at which a Service speaks HTTP, by its name, by its number, or
// else the first.
func (f Front) port() (corev1.ServicePort, bool) {
	ports := slices.DeleteFunc(slices.Clone(f.Spec.Ports), func(p corev1.ServicePort) bool {
		return p.Protocol != corev1.ProtocolTCP && p.Protocol != ""
	})
	for _, is := range []func(corev1.ServicePort) bool{
		named,
		func(p corev1.ServicePort) bool { return slices.Contains([]int32{80, 443, 8080, 9090}, p.Port) },
		func(corev1.ServicePort) bool { return true },
	} {
		if i := slices.IndexFunc(ports, is); i >= 0 {
			return ports[i], true
		}
	}
	return corev1.ServicePort{}, false
}

// others are the other ports that say that they speak HTTP: the choice is a guess.
func (f Front) others() (names []string) {
	chosen, _ := f.port()
	for _, p := range f.Spec.Ports {
		if named(p) && p.Port != chosen.Port {
			names = append(names, cmp.Or(p.Name, strconv.Itoa(int(p.Port))))
		}
	}
	return names
}

// named reports whether a port says by its name that it speaks HTTP.
func named(p corev1.ServicePort) bool {
	said := ""
	if p.AppProtocol != nil {
		said = *p.AppProtocol
	}
	return strings.HasPrefix(said, "http") || strings.HasPrefix(p.Name, "http") || strings.HasPrefix(p.Name, "web")
}

func schemeOf(p corev1.ServicePort) string {
	if p.Port == 443 || p.Port == 8443 || strings.HasPrefix(p.Name, "https") || p.AppProtocol != nil && *p.AppProtocol == "https" {
		return "https"
	}
	return "http"
}

// urlOf is a URL without a port that the scheme implies; zero: none is said.
func urlOf(scheme, host string, port int32, path string) string {
	implied := map[string]int32{"http": 80, "https": 443}[scheme]
	switch {
	case port != 0 && port != implied:
		host = net.JoinHostPort(host, strconv.Itoa(int(port)))
	case strings.Contains(host, ":"): // an address of IPv6
		host = "[" + host + "]"
	}
	return scheme + "://" + host + path
}

// A route is what an Ingress, an HTTPRoute or a Route sends to a Service.
type route struct {
	scheme, host string
	port         int32 // zero: that of the scheme
	path         string
}

func routes(ingress networkingv1.Ingress, service corev1.Service) (list []route) {
	leads := func(to *networkingv1.IngressBackend) bool {
		return to != nil && to.Service != nil && to.Service.Name == service.Name
	}
	if ingress.Namespace != service.Namespace {
		return nil
	}
	add := func(host, path string) {
		scheme := "http"
		for _, tls := range ingress.Spec.TLS {
			if len(tls.Hosts) == 0 || slices.Contains(tls.Hosts, host) {
				scheme = "https"
			}
		}
		if host == "" {
			for _, to := range ingress.Status.LoadBalancer.Ingress {
				host = cmp.Or(to.Hostname, to.IP)
			}
		}
		// Of a host "*.example.com" any name leads there, and none is known.
		if host != "" && !strings.HasPrefix(host, "*") {
			list = append(list, route{scheme, host, 0, plain(path)})
		}
	}
	for _, rule := range ingress.Spec.Rules {
		if rule.HTTP == nil {
			continue
		}
		for _, p := range rule.HTTP.Paths {
			if leads(&p.Backend) {
				add(rule.Host, p.Path)
			}
		}
	}
	if leads(ingress.Spec.DefaultBackend) {
		add("", "/")
	}
	return list
}

// plain is a path up to where it is a regular expression, as that of an Ingress
// may be: "/api(/|$)(.*)" is "/api".
func plain(path string) string {
	if i := strings.IndexAny(path, `([*?+^$\|`); i >= 0 {
		path = path[:i]
	}
	return cmp.Or(path, "/")
}

// isPrometheus reports whether a Service leads to a Prometheus, by its name and
// labels as the usual charts, the operator and kube-prometheus set them.
func isPrometheus(service corev1.Service) bool {
	port, ok := Front{Service: service}.port()
	if !ok || !named(port) && port.Port != 9090 && port.Port != 80 {
		return false // as that of a Thanos sidecar
	}
	for _, l := range []map[string]string{service.Labels, service.Spec.Selector} {
		component := cmp.Or(l["app.kubernetes.io/component"], l["component"], "server")
		of := l["app.kubernetes.io/name"] == "prometheus" || l["app"] == "prometheus"
		if of && (component == "server" || component == "prometheus") || l["operated-prometheus"] == "true" {
			return true
		}
	}
	return slices.Contains([]string{"prometheus", "prometheus-server", "prometheus-operated", "prometheus-k8s"}, service.Name)
}

// rank orders those that look like a Prometheus: from outside, and not headless, is
// better.
func (f Front) rank() (rank int) {
	if len(f.Addresses) > 0 && f.Addresses[0].Inside {
		rank += 2
	}
	if f.Spec.ClusterIP == corev1.ClusterIPNone {
		rank++
	}
	return rank
}
