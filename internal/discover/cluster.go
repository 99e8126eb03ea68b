package discover

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/experiments/chaosmesh"
	"github.com/aftershockhq/aftershock/steadystate/kube"
)

// A Finder looks into a cluster.
type Finder struct {
	Client client.Reader // that knows the kinds of [chaosmesh.Scheme]
	// Namespaces are those to look for workloads in; none: all but Kubernetes' own,
	// or Home alone if the account may not list all.
	Namespaces []string
	Home       string
	// Dial connects to what URLs name; nil: as the system does.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// A Cluster is what was found in one.
type Cluster struct {
	UID       string     // of its namespace kube-system; empty: the account may not read it
	Workloads []Workload // by namespace, name and kind
	// Prometheus are Services that look like one, the most likely first.
	Prometheus []Front
	ChaosMesh  error    // why there is none to inject faults with; nil: there is one
	Unseen     []string // what the account may not look at, and what is not known for that

	hidden []string // resources that it may not list
	err    error    // the first failure of the search, after which it lists nothing; nil: none
}

// The resources whose absence decides which suites suit a service.
const (
	budgets     = "poddisruptionbudgets"
	autoscalers = "horizontalpodautoscalers"
)

// hides reports whether there may be some of a resource that are not known.
func (c *Cluster) hides(resource string) bool { return slices.Contains(c.hidden, resource) }

// A Workload is one that can be tested, with what stands around it.
type Workload struct {
	kube.State
	Fronts     []Front // Services that select its pods; the one that is meant first
	Budgets    []string
	Autoscaler *autoscalingv2.HorizontalPodAutoscaler // nil: there is none
}

// ID is NAMESPACE/KIND/NAME.
func (w Workload) ID() string { return w.Namespace + "/" + w.Text() }

// String is "shop/deployment/checkout: 3 replicas, Service checkout, PodDisruptionBudget checkout".
func (w Workload) String() string {
	facts := []string{w.replicas()}
	for _, f := range w.Fronts {
		facts = append(facts, "Service "+f.Name)
	}
	return w.ID() + ": " + strings.Join(append(facts, w.around()...), ", ")
}

func (w Workload) replicas() string {
	if w.Desired == 1 {
		return "1 replica"
	}
	return fmt.Sprintf("%d replicas", w.Desired)
}

// around is what stands around it, in words.
func (w Workload) around() (facts []string) {
	for _, name := range w.Budgets {
		facts = append(facts, "PodDisruptionBudget "+name)
	}
	if h := w.Autoscaler; h != nil {
		facts = append(facts, fmt.Sprintf("HorizontalPodAutoscaler %s (%d to %d)", h.Name, least(h), h.Spec.MaxReplicas))
	}
	return facts
}

// least is the fewest pods that an autoscaler asks for.
func least(h *autoscalingv2.HorizontalPodAutoscaler) int32 {
	if h.Spec.MinReplicas == nil {
		return 1
	}
	return *h.Spec.MinReplicas
}

// A search is under way.
type search struct {
	Finder
	found     *Cluster
	ingresses []networkingv1.Ingress
	gateways  []gateway

	httpRoutes []httpRoute
	openShift  []openShiftRoute
	node       string // an address of one; empty: none is known
}

// Find looks for everything at once. What the account may not list is in Unseen;
// any other failure is the error.
func (f Finder) Find(ctx context.Context) (*Cluster, error) {
	s := &search{Finder: f, found: &Cluster{}}
	uid, err := kube.Identity(ctx, f.Client)
	if s.refused(err, "read the namespace kube-system", "the UID of the cluster is yours to fill in") {
		err = nil
	}
	if err != nil {
		return nil, err
	}
	s.found.UID = uid
	states, err := s.workloads(ctx)
	if err != nil {
		return nil, err
	}
	services := s.services(ctx)
	for _, list := range listed[networkingv1.IngressList](ctx, s, "ingresses", "URLs that they give are not known") {
		s.ingresses = append(s.ingresses, list.Items...)
	}
	s.httpRoutes = objects[httpRoute](ctx, s, "gateway.networking.k8s.io", "HTTPRoute", "httproutes")
	s.gateways = objects[gateway](ctx, s, "gateway.networking.k8s.io", "Gateway", "gateways")
	s.openShift = objects[openShiftRoute](ctx, s, "route.openshift.io", "Route", "routes")
	s.address(ctx, services)
	ofPods := listed[policyv1.PodDisruptionBudgetList](ctx, s, budgets, "disruption is not among the suites")
	scalers := listed[autoscalingv2.HorizontalPodAutoscalerList](ctx, s, autoscalers, "autoscaling is not among the suites")
	if s.found.err != nil {
		return nil, s.found.err
	}
	for _, state := range states {
		w := Workload{State: state}
		for _, front := range state.Fronts(services) {
			w.Fronts = append(w.Fronts, s.front(front))
		}
		for _, list := range ofPods {
			for _, b := range list.Items {
				if selector, err := metav1.LabelSelectorAsSelector(b.Spec.Selector); err == nil && b.Namespace == state.Namespace && selector.Matches(labels.Set(state.Template.Labels)) {
					w.Budgets = append(w.Budgets, b.Name)
				}
			}
		}
		for _, list := range scalers {
			for _, h := range list.Items {
				if to := h.Spec.ScaleTargetRef; h.Namespace == state.Namespace && to.Kind == string(state.Kind) && to.Name == state.Name {
					w.Autoscaler = &h
				}
			}
		}
		s.found.Workloads = append(s.found.Workloads, w)
	}
	for _, service := range services {
		if isPrometheus(service) {
			s.found.Prometheus = append(s.found.Prometheus, s.front(service))
		}
	}
	slices.SortStableFunc(s.found.Prometheus, func(a, b Front) int { return cmp.Compare(a.rank(), b.rank()) })
	if s.found.ChaosMesh, err = s.chaosMesh(ctx); err != nil {
		return nil, err
	}
	return s.found, nil
}

// refused reports whether an error is for lack of a right, and notes what is not
// known for that.
func (s *search) refused(err error, what, unknown string) bool {
	if !apierrors.IsForbidden(err) && !apierrors.IsUnauthorized(err) {
		return false
	}
	s.found.Unseen = append(s.found.Unseen, fmt.Sprintf("The account may not %s: %s.", what, unknown))
	return true
}

// everywhere are the namespaces to list in.
func (s *search) everywhere() []string {
	if len(s.Namespaces) == 0 {
		return []string{metav1.NamespaceAll}
	}
	return s.Namespaces
}

// listed lists one kind in each namespace.
func listed[T any, L interface {
	*T
	client.ObjectList
}](ctx context.Context, s *search, resource, unknown string) (lists []T) {
	for _, namespace := range s.everywhere() {
		var list T
		if s.list(ctx, L(&list), namespace, resource, unknown) {
			lists = append(lists, list)
		}
	}
	return lists
}

// list lists one kind in a namespace, if the cluster has it and the account may.
func (s *search) list(ctx context.Context, list client.ObjectList, namespace, resource, unknown string) (ok bool) {
	if s.found.err != nil {
		return false
	}
	err := s.Client.List(ctx, list, client.InNamespace(namespace))
	switch {
	case meta.IsNoMatchError(err): // the cluster has no such kind
	case s.refused(err, "list "+resource+" in "+place(namespace), unknown):
		s.found.hidden = append(s.found.hidden, resource)
	case err != nil:
		s.found.err = fmt.Errorf("list %s in %s: %w", resource, place(namespace), err)
	}
	return err == nil
}

// place is a namespace in words.
func place(namespace string) string { return cmp.Or(namespace, "all namespaces") }

// workloads are those of the namespaces. Of an account that may not list those of
// all namespaces, they are those of its home, and so is all that is asked then.
func (s *search) workloads(ctx context.Context) (states []kube.State, err error) {
	for _, namespace := range s.everywhere() {
		list, err := kube.Workloads(ctx, s.Client, namespace)
		if unseen, is := errors.AsType[*kube.UnseenError](err); is {
			for _, k := range unseen.Kinds {
				resource := kube.Workload{Kind: k}.Resource() + "." + k.GroupKind().Group
				s.refused(unseen, "list "+resource+" in "+place(namespace), "they are not among the workloads")
			}
			err = nil
		}
		if apierrors.IsForbidden(err) && len(list) == 0 && namespace == metav1.NamespaceAll {
			s.Namespaces = []string{cmp.Or(s.Home, metav1.NamespaceDefault)}
			return s.workloads(ctx)
		}
		if err != nil && (len(list) == 0 || !s.refused(err, "list workloads of every kind in "+place(namespace), "some may be missing")) {
			return nil, err
		}
		states = append(states, list...)
	}
	states = slices.DeleteFunc(states, func(state kube.State) bool {
		if state.Unreadable != "" {
			s.found.Unseen = append(s.found.Unseen, fmt.Sprintf("%s in %s is left out: %s.", state.Text(), state.Namespace, state.Unreadable))
			return true
		}
		ours := state.Template.Labels["app.kubernetes.io/name"] == "chaos-mesh"
		return ours || len(s.Namespaces) == 0 && strings.HasPrefix(state.Namespace, "kube-")
	})
	slices.SortStableFunc(states, func(a, b kube.State) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Kind, b.Kind))
	})
	return states, nil
}

// services are those of all namespaces, since Prometheus is elsewhere than what is
// tested, or of those that may be listed.
func (s *search) services(ctx context.Context) (services []corev1.Service) {
	of := *s
	of.Namespaces = nil
	const infront = "URLs and Services in front of pods are not known"
	unknown := "a Prometheus elsewhere is not found"
	if len(s.Namespaces) == 0 {
		unknown = infront + ", nor is Prometheus"
	}
	lists := listed[corev1.ServiceList](ctx, &of, "services", unknown)
	if len(lists) == 0 && len(s.Namespaces) > 0 {
		lists = listed[corev1.ServiceList](ctx, s, "services", infront)
	}
	for _, list := range lists {
		services = append(services, list.Items...)
	}
	return services
}

// address notes an address of a node, if a Service has a port there.
func (s *search) address(ctx context.Context, services []corev1.Service) {
	nodePort := func(service corev1.Service) bool { return service.Spec.Type == corev1.ServiceTypeNodePort }
	if s.found.err != nil || !slices.ContainsFunc(services, nodePort) {
		return
	}
	var nodes corev1.NodeList
	err := s.Client.List(ctx, &nodes)
	if err != nil && !s.refused(err, "list nodes", "URLs of NodePorts are not known") {
		s.found.err = fmt.Errorf("list nodes: %w", err)
	}
	for _, kind := range []corev1.NodeAddressType{corev1.NodeExternalIP, corev1.NodeInternalIP} {
		for _, node := range nodes.Items {
			for _, a := range node.Status.Addresses {
				if s.node == "" && a.Type == kind && kube.NodeReady(&node) {
					s.node = a.Address
				}
			}
		}
	}
}

// chaosMesh is why there is no Chaos Mesh. That the account may not list its faults
// is for preflight to refuse.
func (s *search) chaosMesh(ctx context.Context) (missing, err error) {
	namespace := s.everywhere()[0]
	err = chaosmesh.Installed(ctx, s.Client, namespace)
	var none *chaosmesh.NotInstalledError
	switch {
	case errors.As(err, &none):
		return err, nil
	case s.refused(err, "list podchaos in "+place(namespace), "Chaos Mesh is taken to be installed"):
		return nil, nil
	}
	return nil, err
}
