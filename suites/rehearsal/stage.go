package rehearsal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	jsonpatch "github.com/evanphx/json-patch/v5"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/rand"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/steadystate/kube/argo"
	"github.com/aftershockhq/aftershock/suites/rights"
)

// A Stage is an in-memory Kubernetes API. Create it with [NewStage]; the zero value is
// not usable. It is safe for concurrent use.
type Stage struct {
	scheme *runtime.Scheme
	kinds  *kinds
	// Refuse reports whether to answer requests that need this right with 403. Set it
	// before the first request. Default: nothing is refused.
	Refuse func(rights.Rule) bool
	// Still stores objects and plays nothing, so that a run makes the requests that
	// follow a failure. Set it before the first request.
	Still bool

	mu      sync.Mutex
	objects map[key]*unstructured.Unstructured
	given   map[key]bool // the objects of NewStage
	version int
	asked   map[rights.Rule]time.Time // when each right was first needed
	watches map[*watcher]bool
	images  map[key]string // of the workloads of NewStage
}

// A key names an object.
type key struct{ group, resource, namespace, name string }

// A watcher is an open watch.
type watcher struct {
	query
	events chan []byte
}

// NewStage returns a stage that holds these objects. It has Argo Rollouts if one of them
// is a Rollout. A right to one of them keeps its name, since the author of a file knows
// it; a right to an object that a run creates does not. It returns an error if the
// scheme lacks the kind of an object.
func NewStage(scheme *runtime.Scheme, objects ...client.Object) (*Stage, error) {
	s := &Stage{
		scheme: scheme, kinds: kindsOf(scheme), objects: map[key]*unstructured.Unstructured{}, given: map[key]bool{},
		asked: map[rights.Rule]time.Time{}, watches: map[*watcher]bool{}, images: map[key]string{},
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, object := range objects {
		stored, at, err := s.stored(object)
		if err != nil {
			return nil, err
		}
		s.put(at, stored, watch.Added)
		s.given[at] = true
		s.images[at] = imagesOf(stored)
	}
	// A cluster need not have Argo Rollouts, and who has none needs no right to it.
	if !slices.ContainsFunc(objects, func(o client.Object) bool { _, is := o.(*argo.Rollout); return is }) {
		s.kinds.drop(argo.GroupVersion)
	}
	return s, nil
}

// Config returns the configuration of a client that talks to the stage.
func (s *Stage) Config() *rest.Config {
	return &rest.Config{Host: "http://rehearsal.invalid", Transport: s, QPS: -1, ContentConfig: rest.ContentConfig{ContentType: runtime.ContentTypeJSON}}
}

// Asked returns the rights that the requests so far needed, each once and in no order.
// [rights.Merge] is for later: of what it drops it would not be known whether it is
// optional.
func (s *Stage) Asked() []rights.Rule {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Keys(s.asked))
}

// Newest returns when the latest new right was first needed: long ago means that a
// run will hardly need others.
func (s *Stage) Newest() (newest time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, at := range s.asked {
		if at.After(newest) {
			newest = at
		}
	}
	return newest
}

// needs records a right. A Role cannot have a name that is chosen only when the object
// is created.
func (s *Stage) needs(r rights.Rule) {
	resource, _, _ := strings.Cut(r.Resource, "/")
	namespace := r.Namespace
	if !s.given[key{r.Group, resource, namespace, r.Name}] || resource == "pods" {
		r.Name = ""
	}
	if _, known := s.asked[r]; !known {
		s.asked[r] = time.Now()
	}
}

// RoundTrip answers a request as an API server would and records the right that it
// needs. Its error is that of the request's body or context.
func (s *Stage) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		defer func() { _ = req.Body.Close() }()
		var err error
		if body, err = io.ReadAll(req.Body); err != nil {
			return nil, err
		}
	}
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	address, ok := rights.Parse(req.URL.Path)
	if !ok {
		return s.discovery(req), nil
	}
	rule, needed := rights.Of(req)
	if needed {
		s.needs(rule)
	}
	of := schema.GroupResource{Group: address.Group, Resource: address.Resource}
	if s.Refuse != nil && needed && s.Refuse(rule) {
		return failure(req, apierrors.NewForbidden(of, address.Name, fmt.Errorf("the rehearsal refuses to %s", rule))), nil
	}
	kind, known := s.kinds.kind(address)
	if !known {
		return failure(req, apierrors.NewNotFound(of, address.Name)), nil
	}
	q := query{Address: address, kind: kind, verb: rule.Verb, dry: req.URL.Query().Get("dryRun") != ""}
	if err := q.selectors(req); err != nil {
		return failure(req, apierrors.NewBadRequest(err.Error())), nil
	}
	if rule.Verb == "watch" {
		return s.watch(req, q), nil
	}
	object, err := s.answer(q, req, body)
	if err != nil {
		return failure(req, err), nil
	}
	code := http.StatusOK
	if rule.Verb == "create" {
		code = http.StatusCreated
	}
	return reply(req, code, object), nil
}

// A query is a request about objects of one kind.
type query struct {
	rights.Address
	kind   schema.GroupVersionKind
	verb   string
	dry    bool
	labels labels.Selector
	fields fields.Selector
}

func (q *query) selectors(req *http.Request) (err error) {
	values := req.URL.Query()
	if q.labels, err = labels.Parse(values.Get("labelSelector")); err != nil {
		return err
	}
	q.fields, err = fields.ParseSelector(values.Get("fieldSelector"))
	return err
}

func (q query) key() key { return key{q.Group, q.Resource, q.Namespace, q.Name} }

// matches reports whether an object is among those that are listed or watched.
func (q query) matches(at key, object *unstructured.Unstructured) bool {
	if at.group != q.Group || at.resource != q.Resource || (q.Namespace != "" && at.namespace != q.Namespace) || !q.labels.Matches(labels.Set(object.GetLabels())) {
		return false
	}
	for _, r := range q.fields.Requirements() {
		value, _, _ := unstructured.NestedString(object.Object, strings.Split(r.Field, ".")...)
		if value != r.Value {
			return false
		}
	}
	return true
}

// answer carries out a request and returns the answer.
func (s *Stage) answer(q query, req *http.Request, body []byte) (any, error) {
	of := schema.GroupResource{Group: q.Group, Resource: q.Resource}
	if q.Resource == "pods" && q.Subresource == "proxy" {
		return worker(req)
	}
	stored, there := s.objects[q.key()]
	switch {
	case q.verb == "list" || q.verb == "deletecollection":
		list := map[string]any{"apiVersion": q.kind.GroupVersion().String(), "kind": q.kind.Kind + "List", "metadata": map[string]any{"resourceVersion": strconv.Itoa(s.version)}}
		items := []any{}
		for at, object := range s.objects {
			if q.matches(at, object) {
				items = append(items, object.Object)
			}
		}
		list["items"] = items
		return list, nil
	case q.verb == "create" && q.Subresource == "":
		return s.create(q, body)
	case !there:
		return nil, apierrors.NewNotFound(of, q.Name)
	case q.verb == "create": // pods/eviction
		if !q.dry {
			s.replace(q.key())
		}
		return metav1.Status{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}, Status: metav1.StatusSuccess}, nil
	case q.verb == "delete":
		if !q.dry {
			s.remove(q.key())
		}
		return stored.Object, nil
	case q.verb == "get":
		return stored.Object, nil
	}
	changed, err := s.change(req, stored, body)
	if err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	s.admit(changed, "update")
	if !q.dry {
		s.changed(q.key(), stored, changed)
	}
	return changed.Object, nil
}

// create makes an object of a request's body.
func (s *Stage) create(q query, body []byte) (any, error) {
	var object unstructured.Unstructured
	if err := utiljson.Unmarshal(body, &object.Object); err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	if strings.HasPrefix(q.Resource, "selfsubject") {
		return review(object.Object), nil
	}
	object.SetGroupVersionKind(q.kind)
	object.SetNamespace(q.Namespace)
	if object.GetName() == "" {
		object.SetName(object.GetGenerateName() + rand.String(5))
	}
	q.Name = object.GetName()
	if _, there := s.objects[q.key()]; there {
		return nil, apierrors.NewAlreadyExists(schema.GroupResource{Group: q.Group, Resource: q.Resource}, q.Name)
	}
	s.admit(&object, "create")
	if !q.dry {
		s.put(q.key(), &object, watch.Added)
		s.created(q.key(), &object)
	}
	return s.orOf(q.key(), &object).Object, nil
}

// orOf is the object that is stored at a key, or else this one.
func (s *Stage) orOf(at key, object *unstructured.Unstructured) *unstructured.Unstructured {
	if stored, there := s.objects[at]; there {
		return stored
	}
	return object
}

// change applies a patch or an update to a copy of an object.
func (s *Stage) change(req *http.Request, stored *unstructured.Unstructured, body []byte) (*unstructured.Unstructured, error) {
	before, err := json.Marshal(stored.Object)
	if err != nil {
		return nil, err
	}
	after := body
	media, _, _ := strings.Cut(req.Header.Get("Content-Type"), ";")
	switch {
	case req.Method == http.MethodPut:
	case types.PatchType(media) == types.StrategicMergePatchType:
		typed, err := s.scheme.New(stored.GroupVersionKind())
		if err != nil {
			return nil, err
		}
		if after, err = strategicpatch.StrategicMergePatch(before, body, typed); err != nil {
			return nil, err
		}
	case types.PatchType(media) == types.JSONPatchType:
		patch, err := jsonpatch.DecodePatch(body)
		if err != nil {
			return nil, err
		}
		if after, err = patch.Apply(before); err != nil {
			return nil, err
		}
	default:
		if after, err = jsonpatch.MergePatch(before, body); err != nil {
			return nil, err
		}
	}
	var changed unstructured.Unstructured
	if err := utiljson.Unmarshal(after, &changed.Object); err != nil {
		return nil, err
	}
	return &changed, nil
}

// put stores an object and tells the watches.
func (s *Stage) put(at key, object *unstructured.Unstructured, event watch.EventType) {
	s.version++
	if object.GetUID() == "" {
		object.SetUID(uuid.NewUUID())
	}
	if stamp := object.GetCreationTimestamp(); stamp.IsZero() {
		object.SetCreationTimestamp(metav1.Now())
	}
	object.SetResourceVersion(strconv.Itoa(s.version))
	s.objects[at] = object
	s.tell(at, object, event)
}

// drop removes an object and tells the watches.
func (s *Stage) drop(at key) {
	if object, there := s.objects[at]; there {
		s.version++
		delete(s.objects, at)
		s.tell(at, object, watch.Deleted)
	}
}

// remove deletes an object, as far as its finalizers let it.
func (s *Stage) remove(at key) {
	object := s.objects[at]
	if len(object.GetFinalizers()) == 0 {
		s.drop(at)
		s.removed(at)
		return
	}
	if object.GetDeletionTimestamp() == nil {
		object = object.DeepCopy()
		now := metav1.Now()
		object.SetDeletionTimestamp(&now)
		noticed(at, object)
		s.put(at, object, watch.Modified)
	}
}

func (s *Stage) tell(at key, object *unstructured.Unstructured, event watch.EventType) {
	var line []byte
	for w := range s.watches {
		if !w.matches(at, object) {
			continue
		}
		if line == nil {
			line, _ = json.Marshal(map[string]any{"type": event, "object": object.Object})
		}
		select {
		case w.events <- line:
		default: // it is found by the next read
		}
	}
}

// watch answers with the changes from now on.
func (s *Stage) watch(req *http.Request, q query) *http.Response {
	w := &watcher{query: q, events: make(chan []byte, 256)}
	s.watches[w] = true
	reader, writer := io.Pipe()
	go func() {
		defer func() {
			s.mu.Lock()
			delete(s.watches, w)
			s.mu.Unlock()
			_ = writer.Close()
		}()
		for {
			select {
			case <-req.Context().Done():
				return
			case line := <-w.events:
				if _, err := writer.Write(append(line, '\n')); err != nil {
					return
				}
			}
		}
	}()
	return response(req, http.StatusOK, reader)
}

// stored is an object as the stage keeps it.
func (s *Stage) stored(object runtime.Object) (*unstructured.Unstructured, key, error) {
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
	if err != nil {
		return nil, key{}, err
	}
	stored := &unstructured.Unstructured{Object: content}
	list, _, err := s.scheme.ObjectKinds(object)
	if err != nil {
		return nil, key{}, err
	}
	stored.SetGroupVersionKind(list[0])
	return stored, key{list[0].Group, resourceOf(list[0]), stored.GetNamespace(), stored.GetName()}, nil
}

// add stores an object that the cluster makes by itself.
func (s *Stage) add(object client.Object) {
	stored, at, err := s.stored(object)
	if err == nil {
		s.put(at, stored, watch.Added)
	}
}

// typed reads an object into one of its own type; nil: there is none.
func (s *Stage) typed(object *unstructured.Unstructured) runtime.Object {
	typed, err := s.scheme.New(object.GroupVersionKind())
	if err != nil {
		return nil
	}
	if runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, typed) != nil {
		return nil
	}
	return typed
}

// review is an answer about the account itself.
func review(object map[string]any) map[string]any {
	object["status"] = map[string]any{"allowed": true, "userInfo": map[string]any{"username": "rehearsal"}}
	return object
}

func reply(req *http.Request, code int, object any) *http.Response {
	text, err := json.Marshal(object)
	if err != nil {
		return failure(req, apierrors.NewInternalError(err))
	}
	return response(req, code, io.NopCloser(bytes.NewReader(text)))
}

func failure(req *http.Request, err error) *http.Response {
	status := apierrors.NewInternalError(err).Status()
	if known, ok := err.(apierrors.APIStatus); ok { //nolint:errorlint // the API's errors are made here
		status = known.Status()
	}
	status.TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}
	text, _ := json.Marshal(status)
	return response(req, int(status.Code), io.NopCloser(bytes.NewReader(text)))
}

func response(req *http.Request, code int, body io.ReadCloser) *http.Response {
	return &http.Response{
		Status: http.StatusText(code), StatusCode: code, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: body, ContentLength: -1, Request: req,
	}
}

// imagesOf are the images of a workload's template.
func imagesOf(object *unstructured.Unstructured) string {
	containers, _, _ := unstructured.NestedSlice(object.Object, "spec", "template", "spec", "containers")
	var images []string
	for _, c := range containers {
		if container, ok := c.(map[string]any); ok {
			images = append(images, fmt.Sprint(container["image"]))
		}
	}
	return strings.Join(images, " ")
}

// pods are the pods of a namespace with all the labels, in the order of their
// names.
func (s *Stage) pods(namespace string, selector labels.Selector) (list []*corev1.Pod) {
	for at, object := range s.objects {
		if at.group == "" && at.resource == "pods" && at.namespace == namespace && selector.Matches(labels.Set(object.GetLabels())) {
			if pod, ok := s.typed(object).(*corev1.Pod); ok {
				list = append(list, pod)
			}
		}
	}
	slices.SortFunc(list, func(a, b *corev1.Pod) int { return strings.Compare(a.Name, b.Name) })
	return list
}
