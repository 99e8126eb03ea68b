package ledger

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
)

// An Entry is a line of a ledger: an object that a run creates or changes.
type Entry struct {
	Created bool // false: the object existed before the run, which changes it
	Kind    schema.GroupVersionKind
	client.ObjectKey
}

func entryOf(o client.Object, scheme *runtime.Scheme, created bool) (Entry, error) {
	kind, err := apiutil.GVKForObject(o, scheme)
	return Entry{Created: created, Kind: kind, ObjectKey: client.ObjectKeyFromObject(o)}, err
}

// String returns the line, such as "created chaos-mesh.org/v1alpha1 NetworkChaos
// shop/slow".
func (e Entry) String() string {
	verb := "changed"
	if e.Created {
		verb = "created"
	}
	return fmt.Sprintf("%s %s %s %s", verb, e.Kind.GroupVersion(), e.Kind.Kind, e.ObjectKey)
}

// is reports whether both entries name the same object.
func (e Entry) is(other Entry) bool { return e.Kind == other.Kind && e.ObjectKey == other.ObjectKey }

// parse is the inverse of [Entry.String].
func parse(line string) (e Entry, err error) {
	words := strings.Fields(line)
	if len(words) != 4 || words[0] != "created" && words[0] != "changed" {
		return e, fmt.Errorf("%q is no line of a ledger", line)
	}
	group, err := schema.ParseGroupVersion(words[1])
	namespace, name, ok := strings.Cut(words[3], "/")
	if err != nil || !ok {
		return e, fmt.Errorf("%q is no line of a ledger", line)
	}
	return Entry{Created: words[0] == "created", Kind: group.WithKind(words[2]), ObjectKey: client.ObjectKey{Namespace: namespace, Name: name}}, nil
}
