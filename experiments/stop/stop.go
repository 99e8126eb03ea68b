package stop

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/rand"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/steadystate/kube"
	"github.com/aftershockhq/aftershock/steadystate/redact"
)

// Name is the name of the ConfigMap with the stops.
const Name = "aftershock-stop"

// A Scope says which runs are stopped: all, those on a service, or one run.
type Scope struct {
	All     bool   `json:"all,omitempty"`
	Service string `json:"service,omitempty"` // its name in a configuration file
	// Workload is the service's, as in "deployment/shop/checkout": another file may
	// have another name for it. Without one the name counts.
	Workload string `json:"workload,omitempty"`
	Run      string `json:"run,omitempty"` // the id in its record
}

// Validate returns an error unless exactly one of All, Service and Run is set.
func (s Scope) Validate() error {
	said := 0
	for _, is := range []bool{s.All, s.Service != "", s.Run != ""} {
		if is {
			said++
		}
	}
	if said != 1 || s.Workload != "" && s.Service == "" {
		return errors.New("want one of all, service and run")
	}
	return nil
}

// String returns "all runs", "runs on checkout" or "run 4f1c2a9d3b".
func (s Scope) String() string {
	switch {
	case s.Service != "" && s.Workload != "":
		return fmt.Sprintf("runs on %s (%s)", s.Service, s.Workload)
	case s.Service != "":
		return "runs on " + s.Service
	case s.Run != "":
		return "run " + s.Run
	}
	return "all runs"
}

// Hint returns the command that ends a stop of the scope.
func (s Scope) Hint() string {
	flag := "--all"
	switch {
	case s.Service != "":
		flag = "--service '" + s.Service + "'"
	case s.Run != "":
		flag = "--run " + s.Run
	}
	return line(fmt.Sprintf("\"aftershock resume %s\" ends it", flag))
}

// is reports whether two scopes are the same. A workload is the same by any name.
func (s Scope) is(other Scope) bool {
	if s.Workload != "" && other.Workload != "" {
		return s.Workload == other.Workload
	}
	return s.All == other.All && s.Run == other.Run && s.Service == other.Service
}

// A Stop is an entry of the ConfigMap. Its JSON is the entry's value.
type Stop struct {
	Scope
	Reason string `json:"reason"`
	// Who set it: the account, as the cluster knows it. From is where, "ann@laptop".
	Who  string `json:"who,omitempty"`
	From string `json:"from,omitempty"`
	// Since is when, and Until when it ends by the clock of the run, RFC 3339. Empty:
	// it is in force until it is removed.
	Since string `json:"since,omitempty"`
	Until string `json:"until,omitempty"`

	key     string
	unclear string // why the entry could not be understood
}

// parse reads an entry. One that cannot be understood is of all runs.
func parse(key, text string) Stop {
	var s Stop
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	err := d.Decode(&s)
	if err == nil {
		if _, more := d.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("there is more than one value")
		}
	}
	if err == nil {
		err = s.Validate()
	}
	if err != nil {
		return Stop{Scope: Scope{All: true}, key: key, unclear: err.Error(), Reason: text}
	}
	s.key = key
	return s
}

// InForce reports whether the stop is in force at a time. It is if its end cannot be
// read.
func (s Stop) InForce(now time.Time) bool {
	if s.Until == "" {
		return true
	}
	until, err := time.Parse(time.RFC3339, s.Until)
	return err != nil || now.Before(until)
}

// On reports whether the stop applies to a run on these services.
func (s Stop) On(run string, services map[string]kube.Workload) bool {
	if s.All || s.Run != "" {
		return s.All || s.Run == run
	}
	for name, w := range services {
		if s.Workload != "" && w.Subject() == s.Workload || s.Workload == "" && name == s.Service {
			return true
		}
	}
	return false
}

// String is "all runs, by ann from ann@laptop since 2026-11-28T18:40:03+01:00, until
// resumed: checkout is down".
func (s Stop) String() string {
	if s.unclear != "" {
		return fmt.Sprintf("all runs, by the entry %q of the ConfigMap %s, which is not understood (%s): %s", s.key, Name, s.unclear, line(s.Reason))
	}
	by := line(cmp.Or(s.Who, "an unknown account"))
	if s.From != "" {
		by += " from " + line(s.From)
	}
	if s.Since != "" {
		by += " since " + line(s.Since)
	}
	until := cmp.Or(line(s.Until), "resumed")
	if s.Until != "" {
		if _, err := time.Parse(time.RFC3339, s.Until); err != nil {
			until = fmt.Sprintf("resumed (its end %q is not a time)", s.Until)
		}
	}
	return fmt.Sprintf("%s, by %s, until %s: %s", line(s.Scope.String()), by, until, cmp.Or(line(s.Reason), "no reason given"))
}

// longest is how much of a text of an entry is shown, in bytes.
const longest = 500

// line is a text on one line that may be shown.
func line(text string) string { return redact.Excerpt(text, longest) }

// Read returns the stops there are, in the order in which they were set. That there
// is no ConfigMap is not an error.
func Read(ctx context.Context, c client.Reader, namespace string) ([]Stop, error) {
	m, err := read(ctx, c, namespace)
	if err != nil {
		return nil, err
	}
	return stopsOf(m), nil
}

// read is the ConfigMap; one without a version does not exist.
func read(ctx context.Context, c client.Reader, namespace string) (*corev1.ConfigMap, error) {
	m := &corev1.ConfigMap{}
	err := c.Get(ctx, client.ObjectKey{Namespace: namespace, Name: Name}, m)
	switch {
	// Also something else than an API server can answer 404.
	case apierrors.IsNotFound(err) && !apierrors.HasStatusCause(err, metav1.CauseTypeUnexpectedServerResponse):
		return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace, Name: Name, Labels: map[string]string{"app.kubernetes.io/part-of": "aftershock"},
		}}, nil
	case err != nil:
		return nil, fmt.Errorf("read the stops, ConfigMap %s in %s: %w", Name, namespace, kube.Explain(err, "the right to get this ConfigMap"))
	}
	return m, nil
}

func stopsOf(m *corev1.ConfigMap) (stops []Stop) {
	for key, text := range m.Data {
		stops = append(stops, parse(key, text))
	}
	for key := range m.BinaryData {
		stops = append(stops, Stop{Scope: Scope{All: true}, key: key, unclear: "binary data"})
	}
	slices.SortFunc(stops, func(a, b Stop) int { return cmp.Or(cmp.Compare(a.Since, b.Since), cmp.Compare(a.key, b.key)) })
	return stops
}

// Set adds a stop to those that exist.
func Set(ctx context.Context, c client.Client, namespace string, s Stop) error {
	if err := s.Validate(); err != nil {
		return err
	}
	if s.Reason = strings.TrimSpace(s.Reason); s.Reason == "" {
		return errors.New("a stop needs a reason, which those who are stopped read")
	}
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		return err
	}
	key := "stop-" + rand.String(8)
	err := change(ctx, c, namespace, func(m *corev1.ConfigMap) bool {
		if m.Data == nil {
			m.Data = map[string]string{}
		}
		m.Data[key] = strings.TrimSpace(text.String())
		return true
	})
	return kube.MissingNamespace(err, namespace)
}

// Resume removes the stops of a scope and returns them. An entry that is not
// understood is one of all runs.
func Resume(ctx context.Context, c client.Client, namespace string, of Scope) (removed []Stop, err error) {
	if err := of.Validate(); err != nil {
		return nil, err
	}
	err = change(ctx, c, namespace, func(m *corev1.ConfigMap) bool {
		removed = nil
		for _, s := range stopsOf(m) {
			if s.is(of) {
				removed = append(removed, s)
				delete(m.Data, s.key)
				delete(m.BinaryData, s.key)
			}
		}
		return len(removed) > 0
	})
	if err != nil {
		return nil, err
	}
	return removed, nil
}

// change changes the ConfigMap if it is still as it was read, and begins anew if it
// is not. One that is empty is deleted.
func change(ctx context.Context, c client.Client, namespace string, do func(*corev1.ConfigMap) (changed bool)) error {
	for {
		m, err := read(ctx, c, namespace)
		if err != nil {
			return err
		}
		if !do(m) {
			return nil
		}
		switch {
		case m.ResourceVersion == "":
			err = c.Create(ctx, m)
		case len(m.Data)+len(m.BinaryData) > 0:
			err = c.Update(ctx, m)
		default:
			err = c.Delete(ctx, m, client.Preconditions{UID: &m.UID, ResourceVersion: &m.ResourceVersion})
		}
		switch {
		case apierrors.IsConflict(err), apierrors.IsAlreadyExists(err), apierrors.IsNotFound(err) && m.ResourceVersion != "":
			continue
		case err != nil:
			return fmt.Errorf("change the stops, ConfigMap %s in %s: %w", Name, namespace, kube.Explain(err, "the rights to create, update and delete this ConfigMap"))
		}
		return nil
	}
}
