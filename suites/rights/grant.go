package rights

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"
)

// An Account receives rights: a ServiceAccount, or a person.
type Account struct {
	// Namespace is the ServiceAccount's namespace. Required.
	Namespace string
	// ServiceAccount is its name; ignored if User is set.
	ServiceAccount string
	// User is a person's user name at the API server. Default: none.
	User string
}

// name names all Roles and bindings of the account. It includes the whole identity, so
// that no two accounts share a Role.
func (a Account) name() string {
	if a.User != "" {
		// The name of a Role is a segment of a path.
		return "aftershock:" + strings.NewReplacer("/", "-", "%", "-").Replace(a.User)
	}
	return "aftershock:" + a.Namespace + ":" + a.ServiceAccount
}

func (a Account) subject() rbacv1.Subject {
	if a.User != "" {
		return rbacv1.Subject{Kind: rbacv1.UserKind, APIGroup: rbacv1.GroupName, Name: a.User}
	}
	return rbacv1.Subject{Kind: rbacv1.ServiceAccountKind, Namespace: a.Namespace, Name: a.ServiceAccount}
}

// Grant returns the objects that give an account exactly these rights: its namespace,
// the ServiceAccount, a Role for each namespace and a ClusterRole for cluster-scoped
// resources, each with its binding. Optional rights get Roles of their own, whose
// names end in ":optional".
func Grant(rules []Rule, a Account) []client.Object {
	objects := []client.Object{&corev1.Namespace{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Namespace"}, ObjectMeta: metav1.ObjectMeta{Name: a.Namespace}}}
	if a.User == "" {
		objects = append(objects, &corev1.ServiceAccount{
			TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "ServiceAccount"},
			ObjectMeta: metav1.ObjectMeta{Namespace: a.Namespace, Name: a.ServiceAccount},
		})
	}
	type role struct {
		namespace string
		optional  bool
	}
	of := map[role][]Rule{}
	for _, r := range rules {
		at := role{r.Namespace, r.Optional}
		of[at] = append(of[at], r)
	}
	for _, at := range slices.SortedFunc(maps.Keys(of), func(x, y role) int {
		return cmp.Or(cmp.Compare(x.namespace, y.namespace), cmp.Compare(fmt.Sprint(x.optional), fmt.Sprint(y.optional)))
	}) {
		name := a.name()
		if at.optional {
			name += ":optional"
		}
		objects = append(objects, granted(at.namespace, name, of[at], a.subject())...)
	}
	return objects
}

// GrantOperators returns Roles with these rights, named "aftershock:operator:" and home,
// the namespace where runs are stopped, so that two of them share no Role. It binds
// people to them by their user names at the API server. Without people there are no
// bindings.
func GrantOperators(rules []Rule, home string, people []string) (objects []client.Object) {
	var subjects []rbacv1.Subject
	for _, name := range people {
		subjects = append(subjects, Account{User: name}.subject())
	}
	of := map[string][]Rule{}
	for _, r := range rules {
		of[r.Namespace] = append(of[r.Namespace], r)
	}
	for _, namespace := range slices.Sorted(maps.Keys(of)) {
		objects = append(objects, granted(namespace, "aftershock:operator:"+home, of[namespace], subjects...)...)
	}
	return objects
}

// granted returns a Role and its binding, or, without a namespace, a ClusterRole and
// its binding. Without subjects there is no binding.
func granted(namespace, name string, rules []Rule, subjects ...rbacv1.Subject) []client.Object {
	meta := metav1.ObjectMeta{Namespace: namespace, Name: name}
	kind := func(name string) metav1.TypeMeta {
		return metav1.TypeMeta{APIVersion: rbacv1.SchemeGroupVersion.String(), Kind: name}
	}
	ref := func(kind string) rbacv1.RoleRef {
		return rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: kind, Name: name}
	}
	var objects []client.Object
	if namespace != "" {
		objects = []client.Object{
			&rbacv1.Role{TypeMeta: kind("Role"), ObjectMeta: meta, Rules: policy(rules)},
			&rbacv1.RoleBinding{TypeMeta: kind("RoleBinding"), ObjectMeta: meta, Subjects: subjects, RoleRef: ref("Role")},
		}
	} else {
		objects = []client.Object{
			&rbacv1.ClusterRole{TypeMeta: kind("ClusterRole"), ObjectMeta: meta, Rules: policy(rules)},
			&rbacv1.ClusterRoleBinding{TypeMeta: kind("ClusterRoleBinding"), ObjectMeta: meta, Subjects: subjects, RoleRef: ref("ClusterRole")},
		}
	}
	if len(subjects) == 0 {
		objects = objects[:1]
	}
	return objects
}

// policy converts rules of one namespace to RBAC's: the resources of one API group
// that have the same verbs and the same names share a rule.
func policy(rules []Rule) []rbacv1.PolicyRule {
	type object struct{ group, resource, name string }
	verbs := map[object][]string{}
	for _, r := range Merge(rules) {
		of := object{r.Group, r.Resource, r.Name}
		verbs[of] = append(verbs[of], r.Verb)
	}
	type alike struct{ group, names, verbs string }
	named := map[alike][]string{} // the names, by group, resource and verbs
	for of, can := range verbs {
		if of.name != "" {
			key := alike{of.group, of.resource, strings.Join(can, " ")}
			named[key] = append(named[key], of.name)
		}
	}
	resources := map[alike][]string{}
	for key, names := range named {
		slices.Sort(names)
		same := alike{key.group, strings.Join(names, " "), key.verbs}
		resources[same] = append(resources[same], key.names)
	}
	for of, can := range verbs {
		if of.name == "" {
			same := alike{of.group, "", strings.Join(can, " ")}
			resources[same] = append(resources[same], of.resource)
		}
	}
	var list []rbacv1.PolicyRule
	for same, of := range resources {
		slices.Sort(of)
		list = append(list, rbacv1.PolicyRule{
			APIGroups: []string{same.group}, Resources: of, ResourceNames: strings.Fields(same.names), Verbs: strings.Fields(same.verbs),
		})
	}
	slices.SortFunc(list, func(a, b rbacv1.PolicyRule) int {
		return cmp.Or(
			cmp.Compare(a.APIGroups[0], b.APIGroups[0]), slices.Compare(a.Resources, b.Resources),
			slices.Compare(a.ResourceNames, b.ResourceNames), slices.Compare(a.Verbs, b.Verbs),
		)
	})
	return list
}

// YAML encodes objects as YAML documents for "kubectl apply -f -". Its error names the
// object that cannot be encoded.
func YAML(objects []client.Object) ([]byte, error) {
	var text []byte
	for i, object := range objects {
		content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
		if err != nil {
			return nil, fmt.Errorf("write %s: %w", object.GetName(), err)
		}
		for _, empty := range []string{"spec", "status"} { // of a Namespace
			delete(content, empty)
		}
		document, err := yaml.Marshal(content)
		if err != nil {
			return nil, fmt.Errorf("write %s: %w", object.GetName(), err)
		}
		if i > 0 {
			text = append(text, "---\n"...)
		}
		text = append(text, document...)
	}
	return text, nil
}
