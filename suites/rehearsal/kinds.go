package rehearsal

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/version"

	"github.com/aftershockhq/aftershock/suites/rights"
)

// kinds are what the stage serves: the kinds of a scheme, and those that runs
// use without knowing their types.
type kinds struct {
	of map[schema.GroupVersionResource]schema.GroupVersionKind
}

// more are kinds that a cluster may have and no scheme of ours has.
var more = []schema.GroupVersionKind{{Group: "autoscaling.k8s.io", Version: "v1", Kind: "VerticalPodAutoscaler"}}

// ofCluster are kinds without a namespace, of those that a run may use.
var ofCluster = []string{
	"Namespace", "Node", "PersistentVolume", "StorageClass", "PriorityClass", "SelfSubjectAccessReview", "SelfSubjectRulesReview", "SelfSubjectReview",
	"ClusterRole", "ClusterRoleBinding", "PhysicalMachine", "RemoteCluster", "CustomResourceDefinition",
}

func kindsOf(scheme *runtime.Scheme) *kinds {
	k := &kinds{of: map[schema.GroupVersionResource]schema.GroupVersionKind{}}
	for kind := range scheme.AllKnownTypes() {
		listed := scheme.Recognizes(kind.GroupVersion().WithKind(kind.Kind + "List"))
		if kind.Version != runtime.APIVersionInternal && (listed || strings.HasSuffix(kind.Kind, "Review")) {
			k.of[kind.GroupVersion().WithResource(resourceOf(kind))] = kind
		}
	}
	for _, kind := range more {
		k.of[kind.GroupVersion().WithResource(resourceOf(kind))] = kind
	}
	return k
}

// drop serves no kind of a group and version.
func (k *kinds) drop(of schema.GroupVersion) {
	maps.DeleteFunc(k.of, func(r schema.GroupVersionResource, _ schema.GroupVersionKind) bool { return r.GroupVersion() == of })
}

// resourceOf is the plural of a kind.
func resourceOf(kind schema.GroupVersionKind) string {
	if strings.HasSuffix(kind.Kind, "Chaos") {
		return strings.ToLower(kind.Kind)
	}
	plural, _ := meta.UnsafeGuessKindToResource(kind)
	return plural.Resource
}

// kind is the kind that a path is about.
func (k *kinds) kind(a rights.Address) (schema.GroupVersionKind, bool) {
	kind, ok := k.of[schema.GroupVersionResource{Group: a.Group, Version: a.Version, Resource: a.Resource}]
	return kind, ok
}

// discovery answers what is not about an object: versions, groups, resources.
func (s *Stage) discovery(req *http.Request) *http.Response {
	path := strings.Trim(req.URL.Path, "/")
	switch parts := strings.Split(path, "/"); {
	case path == "version":
		return reply(req, http.StatusOK, version.Info{Major: "1", GitVersion: "v1", Platform: "rehearsal"})
	case path == "api":
		return reply(req, http.StatusOK, metav1.APIVersions{TypeMeta: metav1.TypeMeta{Kind: "APIVersions"}, Versions: []string{"v1"}})
	case path == "apis":
		return reply(req, http.StatusOK, s.kinds.groups())
	case parts[0] == "api" && len(parts) == 2:
		return reply(req, http.StatusOK, s.kinds.resources(schema.GroupVersion{Version: parts[1]}))
	case parts[0] == "apis" && len(parts) == 3:
		return reply(req, http.StatusOK, s.kinds.resources(schema.GroupVersion{Group: parts[1], Version: parts[2]}))
	}
	return failure(req, apierrors.NewNotFound(schema.GroupResource{}, path))
}

func (k *kinds) groups() metav1.APIGroupList {
	versions := map[string][]metav1.GroupVersionForDiscovery{}
	for r := range k.of {
		v := metav1.GroupVersionForDiscovery{GroupVersion: r.GroupVersion().String(), Version: r.Version}
		if r.Group != "" && !slices.Contains(versions[r.Group], v) {
			versions[r.Group] = append(versions[r.Group], v)
		}
	}
	list := metav1.APIGroupList{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "APIGroupList"}}
	for name, v := range versions {
		list.Groups = append(list.Groups, metav1.APIGroup{Name: name, Versions: v, PreferredVersion: v[0]})
	}
	return list
}

func (k *kinds) resources(of schema.GroupVersion) metav1.APIResourceList {
	list := metav1.APIResourceList{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "APIResourceList"}, GroupVersion: of.String()}
	for r, kind := range k.of {
		if r.GroupVersion() == of {
			list.APIResources = append(list.APIResources, metav1.APIResource{
				Name: r.Resource, Kind: kind.Kind, Namespaced: !slices.Contains(ofCluster, kind.Kind), Verbs: metav1.Verbs{"get", "list", "watch", "create", "update", "patch", "delete"},
			})
		}
	}
	return list
}
