package shop

import (
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// aftershock is the default of cluster.namespace, and of cluster.serviceAccount there.
const aftershock = "aftershock"

// account is the namespace of the harness's own objects, and the account of its dead-man switches with the rights to sweep.
func account() []runtime.Object {
	type verbs = []string
	rule := func(group string, verbs verbs, resources ...string) rbacv1.PolicyRule {
		return rbacv1.PolicyRule{APIGroups: []string{group}, Resources: resources, Verbs: verbs}
	}
	meta := func(namespace string) metav1.ObjectMeta {
		return metav1.ObjectMeta{Namespace: namespace, Name: aftershock}
	}
	kind := func(name string) metav1.TypeMeta {
		return metav1.TypeMeta{APIVersion: "rbac.authorization.k8s.io/v1", Kind: name}
	}
	subjects := []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: aftershock, Name: aftershock}}
	granted := func(namespace string, rules ...rbacv1.PolicyRule) []runtime.Object {
		return []runtime.Object{
			&rbacv1.Role{TypeMeta: kind("Role"), ObjectMeta: meta(namespace), Rules: rules},
			&rbacv1.RoleBinding{
				TypeMeta: kind("RoleBinding"), ObjectMeta: meta(namespace), Subjects: subjects,
				RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: aftershock},
			},
		}
	}
	identify := rule("", verbs{"get"}, "namespaces")
	identify.ResourceNames = []string{"kube-system"}
	objects := []runtime.Object{
		&corev1.Namespace{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Namespace"}, ObjectMeta: metav1.ObjectMeta{Name: aftershock}},
		&corev1.ServiceAccount{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "ServiceAccount"}, ObjectMeta: meta(aftershock)},
		&rbacv1.ClusterRole{TypeMeta: kind("ClusterRole"), ObjectMeta: meta(""), Rules: []rbacv1.PolicyRule{identify}},
		&rbacv1.ClusterRoleBinding{
			TypeMeta: kind("ClusterRoleBinding"), ObjectMeta: meta(""), Subjects: subjects,
			RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: aftershock},
		},
	}
	objects = append(objects, granted(
		aftershock,
		rule("coordination.k8s.io", verbs{"get", "list", "delete"}, "leases"),
		rule("", verbs{"list", "create", "update", "delete"}, "configmaps"),
		rule("batch", verbs{"list", "delete"}, "jobs"),
	)...)
	return append(objects, granted(
		Namespace,
		rule("chaos-mesh.org", verbs{"create", "get", "list", "watch", "patch", "delete"}, "*"),
		rule("apps", verbs{"get", "list", "patch"}, "deployments", "statefulsets", "daemonsets"),
		rule("apps", verbs{"list", "delete"}, "replicasets", "controllerrevisions"),
		rule("", verbs{"get", "list", "delete"}, "pods"),
		rule("", verbs{"list"}, "events"),
	)...)
}
