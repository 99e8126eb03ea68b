package gate

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/aftershockhq/aftershock/steadystate/redact"
)

// largest is how many bytes a request may have.
const largest = 64 << 10

// A payload is what Flagger posts. Its web hooks have no headers of their own, so that
// the token may be in the metadata.
type payload struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Checksum  string `json:"checksum"`
	// Experiments are those of a request without metadata, separated by commas.
	Experiments string            `json:"experiments"`
	Metadata    map[string]string `json:"metadata"`
}

var (
	inNames     = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$`)
	inChecksums = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:=+-]*$`)
)

// are reports whether all texts have a form, and a length of at most so many bytes. A form
// that counts them itself takes 0.3 MB at each start.
func are(form *regexp.Regexp, most int, texts ...string) bool {
	return !slices.ContainsFunc(texts, func(text string) bool { return len(text) > most || !form.MatchString(text) })
}

// A refusal is a bad request, with its status.
type refusal struct {
	status int
	error
}

func refuse(status int, format string, args ...any) error {
	return refusal{status, fmt.Errorf(format, args...)}
}

// handler has all paths. No answer is 204 or above 499: Flagger counts these as
// failures, and loses what they say.
func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok\n") })
	// None at confirm-rollout: that is asked before a pod of the build is there to be tested.
	for _, hook := range []string{"confirm-traffic-increase", "confirm-promotion"} {
		mux.HandleFunc("POST /flagger/"+hook, s.answers(true, func(a Answer) (int, func(io.Writer) error) {
			return ifIt(a.Held), a.writeSentence
		}))
	}
	mux.HandleFunc("POST /flagger/rollback", s.answers(false, func(a Answer) (int, func(io.Writer) error) {
		return ifIt(a.Broken), a.writeSentence
	}))
	asJSON := func(a Answer) (int, func(io.Writer) error) {
		return http.StatusOK, func(w io.Writer) error { return json.NewEncoder(w).Encode(a) }
	}
	mux.HandleFunc("POST /argo", s.answers(true, asJSON))
	mux.HandleFunc("GET /argo", s.answers(false, asJSON))
	mux.HandleFunc("GET /gates", s.list)
	mux.HandleFunc("DELETE /gates/{namespace}/{name}/{checksum}", s.drop)
	return mux
}

func ifIt(holds bool) int {
	if holds {
		return http.StatusOK
	}
	return http.StatusConflict
}

// answers reads which build is meant, begins its test if that is asked for, and
// writes what it is.
func (s *Server) answers(begins bool, form func(Answer) (int, func(io.Writer) error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		a, err := s.meant(w, r, begins)
		if err != nil {
			s.refused(w, r, err)
			return
		}
		var state State
		var notAsked error
		if begins {
			state, notAsked = s.ask(r.Context(), &a)
		}
		answer := s.answer(r.Context(), a, state, notAsked)
		answer.Why = redact.Text(answer.Why)
		status, write := form(answer)
		written(w, status, write)
	}
}

func written(w http.ResponseWriter, status int, write func(io.Writer) error) {
	w.WriteHeader(status)
	_ = write(w)
}

// refused writes why a request is refused.
func (s *Server) refused(w http.ResponseWriter, r *http.Request, err error) {
	status := http.StatusBadRequest
	if refused, ok := errors.AsType[refusal](err); ok {
		status = refused.status
	}
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	why := redact.Text(err.Error())
	s.say("refused %s %q with %d: %s", r.Method, r.URL.Path, status, why)
	http.Error(w, why, status)
}

// meant is the build that a request is about.
func (s *Server) meant(w http.ResponseWriter, r *http.Request, begins bool) (Ask, error) {
	var p payload
	if r.Method == http.MethodGet {
		q := r.URL.Query()
		p = payload{Namespace: q.Get("namespace"), Name: q.Get("name"), Checksum: q.Get("checksum")}
	} else if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, largest)).Decode(&p); err != nil {
		// Who is not let in is not told what was wrong with it.
		_, refused := s.letIn(r, "")
		return Ask{}, errors.Join(refused, refuse(http.StatusBadRequest, "the body is not the JSON of a request, of at most %d bytes: %w", largest, err))
	}
	good, err := s.letIn(r, p.Metadata["token"])
	if err != nil {
		return Ask{}, err
	}
	a := Ask{Namespace: p.Namespace, Name: p.Name, Checksum: p.Checksum}
	if err := s.allowed(a, good); err != nil || !begins {
		return a, err
	}
	names := strings.FieldsFunc(p.Experiments+","+p.Metadata["experiments"], func(r rune) bool { return r == ',' || r == ' ' || r == '\n' })
	if len(names) == 0 {
		return a, refuse(http.StatusBadRequest, "experiments is missing: the ids of those that the build must pass, separated by commas")
	}
	a.Plans, a.File, err = s.Runner.Plan(a.Namespace, a.Name, names)
	switch {
	case errors.Is(err, ErrOtherWorkload):
		err = refuse(http.StatusForbidden, "%w", err)
	case err != nil:
		err = refuse(http.StatusBadRequest, "%w", err)
	case len(a.Plans) == 0:
		err = refuse(http.StatusBadRequest, "%s: there is no such experiment", strings.Join(names, ", "))
	}
	return a, err
}

// letIn looks at the token of a request, which is in its header or its metadata, and
// reports of which namespaces it is good.
func (s *Server) letIn(r *http.Request, inMetadata string) (good func(namespace string) bool, err error) {
	given, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		given = inMetadata
	}
	is := func(token string) bool {
		a, b := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(token))
		return subtle.ConstantTimeCompare(a[:], b[:]) == 1 && token != ""
	}
	all, some := is(s.Token), false
	for _, token := range s.Tokens {
		some = is(token) || some
	}
	if !all && !some {
		return nil, refuse(http.StatusUnauthorized, "the token is missing or wrong: give it as Authorization: Bearer TOKEN, or as token in the metadata")
	}
	return func(namespace string) bool { return all || is(s.Tokens[namespace]) }, nil
}

// allowed reports what is wrong with the name of a build, for a token that is good for
// some namespaces.
func (s *Server) allowed(a Ask, good func(namespace string) bool) error {
	switch {
	case !are(inNames, 253, a.Namespace, a.Name):
		return refuse(http.StatusBadRequest, "namespace %q, name %q: want names as Kubernetes has them", a.Namespace, a.Name)
	case !are(inChecksums, 128, a.Checksum):
		return refuse(http.StatusBadRequest, "checksum %q: want what tells this build from others, of up to 128 letters, digits and ._:=+-", a.Checksum)
	case !slices.Contains(s.Namespaces, a.Namespace):
		return refuse(http.StatusForbidden, "namespace %s is not one of those whose builds this gate tests", a.Namespace)
	case !good(a.Namespace):
		return refuse(http.StatusForbidden, "the token is not that of namespace %s", a.Namespace)
	}
	return nil
}

// list writes the builds of the token's namespaces, as they were decided.
func (s *Server) list(w http.ResponseWriter, r *http.Request) {
	good, err := s.letIn(r, "")
	if err != nil {
		s.refused(w, r, err)
		return
	}
	s.mu.Lock()
	builds := s.book.Builds()
	s.mu.Unlock()
	list := []Answer{}
	for _, b := range builds {
		if good(b.Namespace) {
			list = append(list, answerOf(b))
		}
	}
	written(w, http.StatusOK, func(w io.Writer) error { return json.NewEncoder(w).Encode(list) })
}

// drop forgets a verdict, so that the build is tested anew if it is asked about. All who
// may read a canary have the token of its namespace: that is not enough.
func (s *Server) drop(w http.ResponseWriter, r *http.Request) {
	a := Ask{Namespace: r.PathValue("namespace"), Name: r.PathValue("name"), Checksum: r.PathValue("checksum")}
	good, err := s.letIn(r, "")
	if err == nil {
		err = s.allowed(a, good)
	}
	switch {
	case err != nil:
	case !good(""):
		err = refuse(http.StatusForbidden, "only the token of all namespaces forgets a verdict")
	default:
		err = s.forget(a)
	}
	if err != nil {
		s.refused(w, r, err)
		return
	}
	written(w, http.StatusOK, func(w io.Writer) error { _, err := fmt.Fprintln(w, "forgotten"); return err })
}

func (s *Server) forget(a Ask) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch b, ok := s.book.Find(a.Key()); {
	case !ok:
		return refuse(http.StatusNotFound, "%s was not asked about", a.Key())
	case b.State == Running:
		return refuse(http.StatusConflict, "%s is running; \"aftershock stop\" ends its run", a.Key())
	}
	if err := s.note(Event{Time: now(), Event: Dropped, Key: a.Key(), Why: "a person wants it tested anew"}); err != nil {
		return refuse(http.StatusConflict, "%w", err)
	}
	return nil
}
